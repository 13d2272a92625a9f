"""Log entries -> failures: one for each fault (service, exception, name, file) and revision, with its occurrences.

This is the whole engine: ``scan`` reads each entry once, in any order, in bounded memory, without I/O and clock.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from checks.logs.activity import Run, Runs, run_of
from checks.logs.bursts import Bursts
from checks.logs.entry import EPOCH, Entry, entry_of, moment, text_of
from checks.logs.occurrences import ERROR, Happening, Occurrence
from checks.logs.payload import payload_text
from checks.logs.signals import Signal, SignalScanner
from checks.logs.signatures import Signature, canonical
from checks.logs.stitch import Stitcher, is_interesting
from checks.logs.triggers import has_trigger
from checks.model import JsonValue, stamp

MAX_IDS = 50
MAX_MOMENTS = 200
SIGNAL_MARK = "signal:"
MAX_INCOMPLETE = 2_000
MAX_INCOMPLETE_TEXT = 1_000_000
_CONTEXT = 1_000_000_000  # nanoseconds of lines kept before an unfinished text: who introduced it
_DEPLOY_ROOT = re.compile(
    r"^(?:/workspace/|/user_code/|/app/|/srv/|/code/|/usr/src/app/|/home/[^/]+/|/opt/app/|/layers/[^/]+/[^/]+/|(?:\./)+)"
)
_PLATFORM_LOGS = ("%2Frequests", "/requests", "varlog%2Fsystem", "varlog/system")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One fault in one revision, as the README of the samples defines its fields.

    ``execution_ids`` and ``insert_ids`` are sorted, and the first ``MAX_IDS`` of them; times are UTC. ``message`` is
    what Python printed after the class, ``sample`` the end of the first traceback, or the line: raw and hostile.
    ``kind`` ``error`` stands for any other exception; only ``ScanResult.errors`` holds these. ``moments``: when each
    occurrence was first seen, at most ``MAX_MOMENTS``.
    """

    exception: str
    name: str | None
    module: str | None
    kind: str
    service: str
    revision: str | None
    execution_ids: tuple[str, ...]
    file: str | None
    line: int | None
    function: str | None
    count: int
    handled: bool
    first_seen: datetime
    last_seen: datetime
    insert_ids: tuple[str, ...]
    message: str
    sample: str
    moments: tuple[datetime, ...] = ()

    @property
    def fingerprint(self) -> str:
        """The identity of the fault on every run and in every revision.

        That of an error has ``function()`` in the place of the name, which no broken name can be, and never ends in
        ``:``.
        """
        if self.kind == ERROR:
            file = deployed_path(self.file or "").rstrip(":") or "?"
            return f"log:{self.service}:{self.exception}:{self.function or '?'}():{file}"
        name = canonical(self.kind, self.name)
        return f"log:{self.service}:{self.exception}:{name or ''}:{deployed_path(self.file or '')}"

    def as_json(self) -> dict[str, JsonValue]:
        """The object that ``scan --format json`` prints."""
        return {
            "exception": self.exception,
            "name": self.name,
            "module": self.module,
            "kind": self.kind,
            "service": self.service,
            "revision": self.revision,
            "execution_ids": list(self.execution_ids),
            "file": self.file,
            "line": self.line,
            "function": self.function,
            "count": self.count,
            "handled": self.handled,
            "first_seen": stamp(self.first_seen),
            "last_seen": stamp(self.last_seen),
            "insert_ids": list(self.insert_ids),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """What was found. ``malformed`` entries are no objects, or tell of a failure at no time that can be read.

    ``activity``: per service the latest successful run, where it began after the service's last failure.
    ``incomplete``: entries to hand in again with the next ones: what they are part of may not have arrived in full.
    ``errors``: every other exception with a traceback, by service, class, and file and function of its innermost frame.
    ``counted``: the identities (``Entry.key``) of the entries that were counted in ``failures``; ``noted``: of those
    that were counted in ``errors`` and, marked as such, in ``signals``.
    """

    entries: int
    malformed: int
    failures: tuple[Failure, ...]
    errors: tuple[Failure, ...]
    signals: tuple[Signal, ...]
    activity: Mapping[str, Run]
    incomplete: tuple[Mapping[str, Any], ...]
    counted: tuple[str, ...]
    noted: tuple[str, ...]


@lru_cache(maxsize=1024)
def deployed_path(path: str) -> str:
    """A path as it stands in the repository: without the folder into which it was deployed."""
    return _DEPLOY_ROOT.sub("", path.replace("\\", "/"))


def scan(
    entries: Iterable[Any],
    *,
    signatures: Sequence[Signature] = (),
    settled: datetime | None = None,
    seen: Container[str] = (),
) -> ScanResult:
    """Find the failures in log entries.

    :param entries: LogEntry objects as ``gcloud logging read --format=json`` prints them, in any order.
    :param settled: what was written or received later may still be half of something: it is not reported but returned
        in ``incomplete``. None: nothing more will come, all is reported.
    :param seen: identities of entries that were counted or noted before, to be left out.
    """
    scanner = _Scanner(signatures, settled, seen)
    for raw in entries:
        scanner.add(raw)
    return scanner.finish()


class _Scanner:
    def __init__(self, signatures: Sequence[Signature], settled: datetime | None, seen: Container[str]) -> None:
        self._signals = SignalScanner(signatures)
        self._settled = None if settled is None else (settled - EPOCH) // timedelta(microseconds=1) * 1_000
        self._seen = seen
        self._stitcher = Stitcher(self._group, whole=settled is not None)
        self._bursts = Bursts()
        self._faults: dict[tuple[str | None, ...], _Fault] = {}
        self._errors: dict[tuple[str | None, ...], _Fault] = {}
        self._runs = Runs(settled)
        self._last_failures: dict[str, int] = {}
        self._incomplete: list[Mapping[str, Any]] = []
        self._counted: dict[str, None] = {}
        self._noted: dict[str, None] = {}
        self._incomplete_text = 0
        self._entries = self._malformed = 0

    def add(self, raw: Any) -> None:
        self._entries += 1
        if not isinstance(raw, dict):
            self._malformed += 1
            return
        plain = raw.get("textPayload")
        # Most entries are plain text: no need to look for a record in them.
        said = (plain, False) if isinstance(plain, str) and plain[:1] != "{" else payload_text(raw)
        text = said[0]
        run = run_of(raw, text)
        if run is not None:
            self._runs.add(run, raw)
        if text and self._signals.suspects(text):
            self._signal(raw)
        if text_of(raw.get("logName")).endswith(_PLATFORM_LOGS):
            return
        if not is_interesting(text) and "split" not in raw:
            if text and not text.isspace():
                self._stitcher.pass_by(raw)
            return
        entry = entry_of(raw, said, whole=self._settled is not None)
        if entry is None:
            self._malformed += has_trigger(text)
        elif not (self._seen and entry.key in self._seen):
            self._stitcher.add(entry, raw)

    def finish(self) -> ScanResult:
        self._stitcher.finish()
        return ScanResult(
            entries=self._entries,
            malformed=self._malformed,
            failures=_sorted(self._faults.values()),
            errors=_sorted(self._errors.values()),
            signals=self._signals.signals(),
            activity=self._runs.clean({service: moment(at) for service, at in self._last_failures.items()}),
            incomplete=(*self._incomplete, *self._runs.unsettled()),
            counted=tuple(self._counted),
            noted=(*self._noted, *(SIGNAL_MARK + key for key in self._signals.counted)),
        )

    def _signal(self, raw: Mapping[str, Any]) -> None:
        entry = entry_of(raw)
        # An entry may be counted as a signal and still wait to be a part of a failure, or the other way round.
        if entry is not None and SIGNAL_MARK + entry.key not in self._seen:
            self._signals.look(entry)

    def _group(self, entries: list[Entry]) -> None:
        """A finished group of entries: parse each of its logs as one text."""
        found = self._bursts.judge(entries)
        counted = found
        if self._settled is not None:
            late = [entry for entry in entries if entry.known > self._settled]
            waiting = [one for one in found if one.known > self._settled]
            settled = [one for one in found if one.known <= self._settled]
            if not late or self._hold(entries, late, waiting, {key for one in settled for key in one.keys}):
                counted = settled
        for one in found:
            if one.what.kind != ERROR:
                last = one.ended
                self._last_failures[one.service] = max(last, self._last_failures.get(one.service, last))
        for one in counted:
            self._count(one)

    def _hold(
        self, entries: list[Entry], late: list[Entry], waiting: list[Occurrence], counted: Container[str]
    ) -> bool:
        """Put back what may not be complete yet; False when there is no room: then it is judged as it stands."""
        since = min([one.written for one in waiting] + [entry.nanos for entry in late]) - _CONTEXT
        held = [entry for entry in entries if entry.nanos >= since and entry.key not in counted]
        size = sum(len(entry.text) for entry in held)
        if len(self._incomplete) + len(held) > MAX_INCOMPLETE or self._incomplete_text + size > MAX_INCOMPLETE_TEXT:
            return False
        self._incomplete += [entry.raw for entry in held]
        self._incomplete_text += size
        return True

    def _count(self, one: Occurrence) -> None:
        what = one.what
        is_error = what.kind == ERROR
        key = (
            one.service,
            what.exception,
            what.function if is_error else canonical(what.kind, what.name),
            deployed_path(what.file) if what.file else None,
            one.revision,
        )
        (self._errors if is_error else self._faults).setdefault(key, _Fault()).add(one)
        if self._settled is not None:
            (self._noted if is_error else self._counted).update(dict.fromkeys(one.keys))


def _sorted(faults: Iterable[_Fault]) -> tuple[Failure, ...]:
    found = [fault.failure() for fault in faults]
    found.sort(key=lambda f: (f.service, f.exception, f.name or "", f.file or "", f.function or "", f.revision or ""))
    return tuple(found)


class _Fault:
    """Occurrences of one fault in one revision."""

    def __init__(self) -> None:
        self._what: Happening | None = None
        self._service = ""
        self._revision: str | None = None
        self._count = 0
        self._handled = True
        self._written = self._ended = 0
        self._executions: dict[str, None] = {}
        self._insert_ids: dict[str, None] = {}
        self._moments: list[int] = []

    def add(self, one: Occurrence) -> None:
        self._count += 1
        self._handled = self._handled and one.what.handled
        written, ended = one.written, one.ended
        if self._what is None or written < self._written:  # not all of it is kept: its entries would be as well
            self._what, self._service, self._revision, self._written = one.what, one.service, one.revision, written
        self._ended = max(self._ended, ended) if self._count > 1 else ended
        if len(self._moments) < MAX_MOMENTS:
            self._moments.append(written)
        if len(self._executions) < MAX_IDS and (execution := one.execution_id):
            self._executions[execution] = None
        for entry in one.telling if len(self._insert_ids) < MAX_IDS else ():
            if entry.insert_id and len(self._insert_ids) < MAX_IDS:
                self._insert_ids[entry.insert_id] = None

    def failure(self) -> Failure:
        what = self._what
        assert what is not None  # noqa: S101 - a fault is made with its first occurrence
        return Failure(
            exception=what.exception,
            name=what.name,
            module=what.module,
            kind=what.kind,
            service=self._service,
            revision=self._revision,
            execution_ids=tuple(sorted(self._executions)),
            file=what.file,
            line=what.line,
            function=what.function,
            count=self._count,
            handled=self._handled,
            first_seen=moment(self._written),
            last_seen=moment(self._ended),
            insert_ids=tuple(sorted(self._insert_ids)),
            message=what.message,
            sample=what.sample,
            moments=tuple(moment(at) for at in sorted(self._moments)),
        )
