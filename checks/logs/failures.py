"""Log entries -> failures: one for each fault (service, exception, name, file) and revision, with its occurrences.

This is the whole engine: ``scan`` reads each entry once, in any order, in bounded memory, without I/O and clock.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from checks.logs.bursts import Bursts
from checks.logs.entry import EPOCH, Entry, entry_of, text_of
from checks.logs.faults import Failure, Faults
from checks.logs.occurrences import ERROR, Occurrence
from checks.logs.payload import payload_text
from checks.logs.signatures import Signature
from checks.logs.stitch import Stitcher, Texts, instance_of, of_instances
from checks.logs.triggers import has_trigger

if TYPE_CHECKING:
    from checks.logs.activity import Run
    from checks.logs.aside import Aside
    from checks.logs.glance import Glance
    from checks.logs.signals import Signal

MAX_INCOMPLETE = 2_000
MAX_INCOMPLETE_TEXT = 1_000_000
_CONTEXT = 1_000_000_000  # nanoseconds of lines kept before an unfinished text: who introduced it
_PLATFORM_LOGS = ("%2Frequests", "/requests", "varlog%2Fsystem", "varlog/system")


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
    scanner = Scanner(signatures, settled, seen)
    for raw in entries:
        scanner.add(raw)
    return scanner.finish()


def scan_glanced(
    seen_together: Sequence[Glance],
    *,
    signatures: Sequence[Signature] = (),
    settled: datetime | None = None,
    seen: Container[str] = (),
) -> ScanResult:
    """The same of entries that were glanced at: those that tell nothing are passed over."""
    scanner = Scanner(signatures, settled, seen)
    scanner.add_all(seen_together)
    return scanner.finish()


class Scanner:
    """The same, entry by entry: ``add`` each, then ``finish``.

    :param failures_only: errors of other kinds, runs and signals are not asked for.
    """

    def __init__(
        self,
        signatures: Sequence[Signature] = (),
        settled: datetime | None = None,
        seen: Container[str] = (),
        *,
        failures_only: bool = False,
    ) -> None:
        self._aside: Aside | None = None
        if not failures_only:
            from checks.logs.aside import Aside

            self._aside = Aside(signatures, settled, seen)
        self._settled = None if settled is None else (settled - EPOCH) // timedelta(microseconds=1) * 1_000
        self._seen = seen
        self._stitcher = Stitcher(self._group, whole=settled is not None)
        self._bursts = Bursts()
        self._texts = Texts()
        self.faults = Faults()
        self._errors = Faults()
        self._last_failures: dict[str, int] = {}
        self._incomplete: list[Mapping[str, Any]] = []
        self._counted: dict[str, None] = {}
        self._noted: dict[str, None] = {}
        self._incomplete_text = 0
        self._entries = self._malformed = 0

    def add(self, raw: Any) -> None:
        """Take one entry; whatever else it is, is counted as malformed."""
        self._entries += 1
        if not isinstance(raw, dict):
            self._malformed += 1
            return
        plain = raw.get("textPayload")
        # Most entries are plain text: no need to look for a record in them.
        said = (plain, False) if isinstance(plain, str) and plain[:1] != "{" else payload_text(raw)
        text = said[0]
        if self._aside is not None:
            self._aside.look(raw, text)
        if text_of(raw.get("logName")).endswith(_PLATFORM_LOGS):
            return
        pooled = self._texts.pooled(text)
        if pooled is None and "split" not in raw:
            if text and not text.isspace():
                self._stitcher.pass_by(raw)
            return
        entry = entry_of(raw, said if pooled is None else (pooled, said[1]), whole=self._settled is not None)
        if entry is None:
            self._malformed += has_trigger(text)
        elif not (self._seen and entry.key in self._seen):
            self._stitcher.add(entry, raw)

    def add_all(self, seen_together: Sequence[Glance]) -> None:
        """Take many entries: as if each was added, but without looking at those that change nothing. These are what
        neither tells anything nor was written by an instance (before or after, however long) that does.
        """
        telling = [
            {*glance.telling, *(() if self._aside is None else self._aside.suspected(glance))}
            for glance in seen_together
        ]
        instances = {
            instance_of(raw)
            for glance, numbers in zip(seen_together, telling, strict=True)
            for number in numbers
            if isinstance(raw := glance.entries[number], dict)
        }
        for glance, numbers in zip(seen_together, telling, strict=True):
            near = of_instances(glance.entries, instances) if instances else ()
            for number in sorted(numbers.union(near)):
                raw = glance.entries[number]
                if number in numbers:
                    self.add(raw)
                    continue
                self._entries += 1
                text = glance.texts[number]
                if text and not text.isspace() and not text_of(raw.get("logName")).endswith(_PLATFORM_LOGS):
                    self._stitcher.pass_by(raw)
            self._entries += len(glance.entries) - len(numbers.union(near))

    def end(self) -> int:
        """No more entries will come: all is in ``faults``. Gives the number of malformed entries."""
        self._stitcher.finish()
        del self._stitcher  # it holds this object in turn, and much else, and nobody may be collecting garbage
        return self._malformed

    def finish(self) -> ScanResult:
        """No more entries will come: what was found."""
        self.end()
        aside = self._aside
        return ScanResult(
            entries=self._entries,
            malformed=self._malformed,
            failures=self.faults.failures(),
            errors=self._errors.failures(),
            signals=aside.signals() if aside else (),
            activity=aside.activity(self._last_failures) if aside else {},
            incomplete=(*self._incomplete, *(aside.unsettled() if aside else ())),
            counted=tuple(self._counted),
            noted=(*self._noted, *(aside.noted() if aside else ())),
        )

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
        is_error = one.what.kind == ERROR
        if is_error and self._aside is None:
            return
        (self._errors if is_error else self.faults).add(one)
        if self._settled is not None:
            (self._noted if is_error else self._counted).update(dict.fromkeys(one.keys))
