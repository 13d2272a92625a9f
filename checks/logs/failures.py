"""Log entries -> failures: one for each fault (service, exception, name, file) and revision, with its occurrences.

This is the whole engine: ``scan`` reads each entry once, in any order, in bounded memory, without I/O and clock.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from checks.logs.activity import Run, Runs, run_of
from checks.logs.chains import Chain, Mention
from checks.logs.entry import EPOCH, Entry, entry_of, has_time, moment, revision_of, service_of, text_of, written
from checks.logs.occurrences import Occurrence, occurrences
from checks.logs.payload import payload_text
from checks.logs.signatures import Signature, canonical
from checks.logs.stitch import Stitcher, is_interesting
from checks.logs.tracebacks import StreamParser
from checks.model import JsonValue, stamp

MAX_IDS = 50
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

    @property
    def fingerprint(self) -> str:
        """The identity of the fault on every run and in every revision."""
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
class Signal:
    """What one of the user's own patterns matched, in one service and revision."""

    signature: str
    service: str
    revision: str | None
    count: int
    first_seen: datetime
    last_seen: datetime
    insert_ids: tuple[str, ...]
    sample: str

    def as_json(self) -> dict[str, JsonValue]:
        """The object that ``scan --format json`` prints."""
        return {
            "signature": self.signature,
            "service": self.service,
            "revision": self.revision,
            "count": self.count,
            "first_seen": stamp(self.first_seen),
            "last_seen": stamp(self.last_seen),
            "insert_ids": list(self.insert_ids),
            "sample": self.sample,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanResult:
    """What was found. ``malformed`` entries are no objects, or have no time that can be read.

    ``activity``: per service the latest successful run, where it began after the service's last failure.
    ``incomplete``: entries to hand in again with the next ones: what they are part of may not have arrived in full.
    ``counted``: the identities (``Entry.key``) of the entries that were counted in ``failures``.
    """

    entries: int
    malformed: int
    failures: tuple[Failure, ...]
    signals: tuple[Signal, ...]
    activity: Mapping[str, Run]
    incomplete: tuple[Mapping[str, Any], ...]
    counted: tuple[str, ...]


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
    :param seen: identities of entries that were counted before, to be left out.
    """
    scanner = _Scanner(signatures, settled, seen)
    for raw in entries:
        scanner.add(raw)
    return scanner.finish()


class _Scanner:
    def __init__(self, signatures: Sequence[Signature], settled: datetime | None, seen: Container[str]) -> None:
        self._signatures = signatures
        self._settled = None if settled is None else (settled - EPOCH) // timedelta(microseconds=1) * 1_000
        self._seen = seen
        self._stitcher = Stitcher(self._group)
        self._faults: dict[tuple[str | None, ...], _Fault] = {}
        self._signals: dict[tuple[str | None, ...], _SignalCount] = {}
        self._runs = Runs(settled)
        self._last_failures: dict[str, datetime] = {}
        self._incomplete: list[Mapping[str, Any]] = []
        self._counted: dict[str, None] = {}
        self._incomplete_text = 0
        self._entries = self._malformed = 0

    def add(self, raw: Any) -> None:
        self._entries += 1
        if not isinstance(raw, dict) or not has_time(raw):
            self._malformed += 1
            return
        text, _ = payload_text(raw)
        run = run_of(raw, text)
        if run is not None:
            self._runs.add(run, raw)
        if text_of(raw.get("logName")).endswith(_PLATFORM_LOGS):
            return
        if self._signatures and text:
            self._signal(raw, text)
        if not is_interesting(text) and "split" not in raw:
            if text and not text.isspace():
                self._stitcher.pass_by(raw)
            return
        entry = entry_of(raw)
        if entry is not None and not (self._seen and entry.key in self._seen):
            self._stitcher.add(entry)

    def finish(self) -> ScanResult:
        self._stitcher.finish()
        return ScanResult(
            entries=self._entries,
            malformed=self._malformed,
            failures=tuple(
                sorted(
                    (fault.failure() for fault in self._faults.values()),
                    key=lambda f: (f.service, f.exception, f.name or "", f.file or "", f.revision or ""),
                )
            ),
            signals=tuple(found.signal() for _, found in sorted(self._signals.items(), key=lambda item: str(item[0]))),
            activity=self._runs.clean(self._last_failures),
            incomplete=(*self._incomplete, *self._runs.unsettled()),
            counted=tuple(self._counted),
        )

    def _signal(self, raw: Mapping[str, Any], text: str) -> None:
        for signature in self._signatures:
            found = signature.pattern.search(text)
            nanos = written(raw) if found else None
            if found and nanos is not None:
                key = (signature.name, service_of(raw), revision_of(raw))
                count = self._signals.setdefault(key, _SignalCount(*key))
                count.add(text_of(raw.get("insertId")), moment(nanos), text, found.start())

    def _group(self, entries: list[Entry]) -> None:
        """A finished group of entries: parse each of its logs as one text."""
        found = occurrences(_events(entries))
        late = [entry for entry in entries if self._settled is not None and entry.known > self._settled]
        waiting = [one for one in found if self._settled is not None and one.known > self._settled]
        counted = {id(one) for one in found} - {id(one) for one in waiting}
        if late and not self._hold(entries, late, waiting, {key for o in found if id(o) in counted for key in o.keys}):
            counted = {id(one) for one in found}
        for one in found:
            known = self._last_failures.get(one.service)
            self._last_failures[one.service] = one.last_seen if known is None else max(known, one.last_seen)
            if id(one) in counted:
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
        key = (
            one.service,
            one.exception,
            canonical(one.kind, one.name),
            deployed_path(one.file) if one.file else None,
            one.revision,
        )
        self._faults.setdefault(key, _Fault()).add(one)
        if self._settled is not None:
            self._counted.update(dict.fromkeys(one.keys))


def _events(entries: Sequence[Entry]) -> list[Chain | Mention]:
    events: list[Chain | Mention] = []
    streams: dict[str, StreamParser] = {}
    for entry in entries:
        if entry.alone:
            parser = StreamParser()
            parser.feed(entry)
            parser.close()
            events += parser.events
        else:
            if entry.log not in streams:
                streams[entry.log] = StreamParser()
            streams[entry.log].feed(entry)
    for parser in streams.values():
        parser.close()
        events += parser.events
    return events


class _Fault:
    """Occurrences of one fault in one revision."""

    def __init__(self) -> None:
        self.first: Occurrence | None = None
        self.count = 0
        self.handled = True
        self.last_seen = EPOCH
        self.executions: dict[str, None] = {}
        self.insert_ids: dict[str, None] = {}

    def add(self, one: Occurrence) -> None:
        self.count += 1
        self.handled = self.handled and one.handled
        self.last_seen = one.last_seen if self.first is None else max(self.last_seen, one.last_seen)
        if self.first is None or one.written < self.first.written:
            self.first = one
        if one.execution_id and len(self.executions) < MAX_IDS:
            self.executions[one.execution_id] = None
        for insert_id in one.insert_ids:
            if len(self.insert_ids) < MAX_IDS:
                self.insert_ids[insert_id] = None

    def failure(self) -> Failure:
        first = self.first
        assert first is not None  # noqa: S101 - a fault is made with its first occurrence
        return Failure(
            exception=first.exception,
            name=first.name,
            module=first.module,
            kind=first.kind,
            service=first.service,
            revision=first.revision,
            execution_ids=tuple(sorted(self.executions)),
            file=first.file,
            line=first.line,
            function=first.function,
            count=self.count,
            handled=self.handled,
            first_seen=first.first_seen,
            last_seen=self.last_seen,
            insert_ids=tuple(sorted(self.insert_ids)),
            message=first.message,
            sample=first.sample,
        )


class _SignalCount:
    def __init__(self, signature: str, service: str, revision: str | None) -> None:
        self._signature, self._service, self._revision = signature, service, revision
        self._count = 0
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._insert_ids: dict[str, None] = {}
        self._sample = ""

    def add(self, insert_id: str, at: datetime, text: str, start: int) -> None:
        self._count += 1
        if self._first is None or at < self._first:
            self._first, self._sample = at, text[start : start + 500].partition("\n")[0]
        self._last = at if self._last is None else max(self._last, at)
        if insert_id and len(self._insert_ids) < MAX_IDS:
            self._insert_ids[insert_id] = None

    def signal(self) -> Signal:
        return Signal(
            signature=self._signature,
            service=self._service,
            revision=self._revision,
            count=self._count,
            first_seen=self._first or EPOCH,
            last_seen=self._last or EPOCH,
            insert_ids=tuple(sorted(self._insert_ids)),
            sample=self._sample,
        )
