"""Log entries from Cloud Logging: one bounded list for all functions, complete however late entries arrive.

The service does the matching (``checks.cloud_logging.filters``): only entries that name something broken come over the
wire, and of those around them the lines that belong to the same text. How it is told what is new:
``checks.cloud_logging.cursor``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from checks.cloud_logging import cursor as cursors
from checks.cloud_logging import filters
from checks.cloud_logging.api import PAGE_SIZE, LoggingApi, Page
from checks.cloud_logging.cursor import Cursor
from checks.cloud_logging.filters import Place
from checks.cloud_logging.neighbours import AROUND, LONGEST, Noted, Writer, merged, needs_neighbours, newest
from checks.cloud_logging.past import Ask, past_of
from checks.cloud_logging.proto_entries import EntryReader
from checks.logs.activity import run_of
from checks.logs.entry import EPOCH, service_of
from checks.logs.payload import payload_text
from checks.model import Evidence, JsonValue, Window, normal_service, stamp, utc
from checks.ports import Failing, LogBatch, PastSeen, RunsSeen, SourceError
from checks.rate import RateLimiter
from checks.uncollected import uncollected

# A window with more pages is read again in smaller parts: it is kept in memory until it is complete.
PAGES_PER_WINDOW = 5
REQUESTS_PER_READ = 15
NEIGHBOUR_REQUESTS = 5
RUNS_REQUESTS = 5
# Four pages, and as many empty ones before them.
PAST_REQUESTS = 8
# So few entries stay in the processor's cache from one step to the next.
_AT_ONCE = 250
# The rest of a traceback that arrives later than this is not waited for.
AGAIN_FOR = timedelta(minutes=2)
_SECOND = 1_000_000_000
_AGAIN_SECONDS = int(AGAIN_FOR.total_seconds())
# So long after an entry was received it may be met again as a neighbour: the last of its place came that much later.
_MET_FOR = int((AGAIN_FOR + LONGEST + 2 * AROUND).total_seconds())

# When an entry was written (nanoseconds since 1970), its insertId, when it was received, itself, and who wrote it: they
# sort by the first two, which no two of them have in common.
Taken: TypeAlias = tuple[int, str, int, dict[str, Any], Writer | None]


@dataclass(slots=True)
class _Reading:
    """What one operation has asked and got so far."""

    deadline: float
    requests_left: int
    reader: EntryReader
    requests: int = 0
    pages: int = 0
    known: int = 0
    late: int = 0
    neighbours: int = 0
    lags: list[int] = field(default_factory=list)
    entries: list[Taken] = field(default_factory=list)
    noted: Noted = field(default_factory=Noted)
    unseen: list[str] = field(default_factory=list)

    def count(self) -> None:
        self.requests += 1
        self.requests_left -= 1


class _TooFullError(Exception):
    """A window has more pages than are read at once; ``received``: Unix times of what was read of it."""

    def __init__(self, received: list[float]) -> None:
        super().__init__()
        self.received = received


class _NoRequestsLeftError(Exception):
    """As many requests were made as one operation may."""


class CloudLogging:
    """The log source over Cloud Logging. May be used from several threads.

    :param functions: the functions to read, by any spelling of their names; None: all of the project.
    :param limiter: shared by everything in the process that reads logs of the project.
    :param patterns: further RE2 patterns to match in the entries' text or message.
    :param look_back: how far the first read goes back, and the most that is read back after a time without reading.
    :param timeout: bounds one request; ``read_within`` all that one read does.
    """

    def __init__(
        self,
        project: str,
        *,
        limiter: RateLimiter,
        endpoint: str | None = None,
        functions: Sequence[str] | None = None,
        patterns: Sequence[str] = (),
        look_back: timedelta = timedelta(hours=24),
        timeout: timedelta = timedelta(seconds=20),
        read_within: timedelta = timedelta(seconds=50),
    ) -> None:
        self._api = LoggingApi(project, limiter=limiter, endpoint=endpoint, timeout=timeout)
        self._reader = EntryReader()
        self._watched = None if functions is None else frozenset(normal_service(name) for name in functions)
        self._look_back = look_back
        self._read_within = read_within.total_seconds()
        named = None if functions is None else filters.names_clause(functions)
        wanted = filters.any_of((filters.marked_clause(patterns), filters.deploys_clause()))
        self._matching = " AND ".join((filters.types_clause(), *([named] if named else []), wanted))

    @uncollected()
    def read(self, cursor: JsonValue, until: datetime) -> LogBatch:
        """New entries that may be part of a failure, with the lines around them, and those of deployments, as
        ``checks.ports.LogSource`` says.

        An entry is returned once, whenever it becomes visible within the overlap (two minutes to half an hour). What
        cannot be read in one go comes with the next reads, oldest first, and is named in ``evidence.unseen``.

        :raises SourceError: if not even the first part could be read.
        """
        until = utc(until)
        reading = self._reading(REQUESTS_PER_READ)
        before = Cursor.of(cursor) or Cursor.first(until - self._look_back)
        start = before.start
        if start < until - self._look_back:
            start = until - self._look_back
            reading.unseen.append(
                f"entries received from {stamp(before.start)} to {stamp(start)}: too long ago to read"
            )
        seen = dict(before.seen)
        reached, step, full = self._windows(reading, start, until, before, seen)
        reading.requests_left = NEIGHBOUR_REQUESTS
        places = self._neighbours(reading, before.places, until, seen)
        late = cursors.percentile_99(reading.lags)
        lag = None if late is None else max(timedelta(microseconds=late // 1_000), timedelta(0))
        after, missed = cursors.advanced(
            before,
            cursors.Progress(
                reached=reached,
                until=until,
                full=full,
                step=step,
                lag=lag,
                seen=seen,
                places=newest(places),
            ),
        )
        if reached < until:
            reading.unseen.append(f"entries received from {stamp(reached)} to {stamp(until)}: not read yet")
        return self._batch(reading, Window(start=start, end=max(reached, start)), after, missed, lag)

    def runs_since(self, functions: Sequence[str], since: datetime, until: datetime) -> RunsSeen:
        """For each function the entry of its latest successful run written in ``since <= t < until``.

        One list, newest first; functions that were found are left out of what is asked next. Those that are not found
        within the bound on requests are named in ``evidence.unseen``.

        :raises SourceError: if the service could not be asked.
        """
        reading = self._reading(RUNS_REQUESTS)
        wanted = {normal_service(name) for name in functions}
        found: dict[str, Mapping[str, Any]] = {}
        end, token, text = utc(until), "", ""
        done = not wanted
        while not done:
            if not token:
                named = filters.names_clause(sorted(wanted - set(found)))
                parts = (filters.types_clause(), named, filters.runs_clause(), filters.written_clause(utc(since), end))
                text = " AND ".join(part for part in parts if part)
            try:
                page = self._page(reading, text, token=token, newest_first=True)
            except _NoRequestsLeftError:
                break
            new = _runs_on(reading, page, wanted - set(found))
            found |= new
            done = not page.token or wanted <= set(found)
            token = page.token
            if new and page.entries:
                # Everything newer was on this page: the next list goes on below it, without what was found.
                last = page.entries[-1].timestamp
                end = EPOCH + timedelta(seconds=last.seconds, microseconds=last.nanos // 1_000 + 1)
                token = ""
        missing = sorted(wanted - set(found))
        if missing and not done:
            reading.unseen.append(f"too many requests to tell whether these have run: {', '.join(missing[:20])}")
        counts = {"requests": reading.requests, "pages": reading.pages, "functions": len(wanted), "ran": len(found)}
        window = Window(start=utc(since), end=max(utc(until), utc(since)))
        return RunsSeen(
            entries=found,
            evidence=Evidence(window=window, counts=counts, queries=reading.requests, unseen=tuple(reading.unseen)),
        )

    def past(self, failing: Sequence[Failing]) -> PastSeen:
        """As ``checks.ports.RevisionSource`` says, in a handful of reads (``checks.cloud_logging.past``).

        :raises SourceError: if the service could not be asked.
        """
        reading = self._reading(PAST_REQUESTS)
        found = past_of(failing, lambda ask: self._one_page(reading, ask))
        counts = {"requests": reading.requests, "pages": reading.pages}
        return PastSeen(entries=found, evidence=Evidence(counts=counts, queries=reading.requests))

    def close(self) -> None:
        """Close the connection."""
        self._api.close()

    # -- one operation ----------------------------------------------------------------------------------------------

    def _reading(self, requests: int) -> _Reading:
        return _Reading(deadline=time.monotonic() + self._read_within, requests_left=requests, reader=self._reader)

    def _page(
        self, reading: _Reading, text: str, *, token: str = "", newest_first: bool = False, size: int = PAGE_SIZE
    ) -> Page:
        if reading.requests_left <= 0:
            raise _NoRequestsLeftError
        page = self._api.page(
            text, newest_first=newest_first, token=token, size=size, deadline=reading.deadline, counted=reading.count
        )
        reading.pages += 1
        return page

    def _one_page(self, reading: _Reading, ask: Ask) -> list[dict[str, Any]]:
        """The first page that is not empty."""
        entries: list[dict[str, Any]] = []
        token = ""
        try:
            while not entries:
                page = self._page(reading, ask.text, newest_first=ask.newest_first, size=ask.size, token=token)
                entries, token = [reading.reader.read(entry) for entry in page.entries], page.token
                if not token:
                    break
        except _NoRequestsLeftError:
            pass
        return entries

    def _windows(
        self, reading: _Reading, start: datetime, until: datetime, before: Cursor, seen: dict[bytes, int]
    ) -> tuple[datetime, timedelta, bool]:
        """Read window after window; where it ended, how long a window may be, and whether there was too much.

        A list is sorted by when entries were written, so only a window read to its end tells what was received in it.

        :raises SourceError: if not one window could be read.
        """
        reached, step = start, before.step
        high = 0 if before.high is None else (before.high - EPOCH) // timedelta(microseconds=1) * 1_000 - _SECOND
        while reached < until:
            end = min(reached + step, until)
            try:
                pages = self._window(reading, reached, end)
            except _TooFullError as full:
                step = cursors.smaller(end - reached, full.received, reached)
                continue
            except _NoRequestsLeftError:
                return reached, step, True
            except SourceError as error:
                if reached == start:
                    raise
                reading.unseen.append(f"reading stopped at {stamp(reached)}: {error}")
                return reached, step, False
            for page in pages:
                for first in range(0, len(page), _AT_ONCE):
                    _note(reading, self._take(reading, page[first : first + _AT_ONCE], seen), high)
            if sum(map(len, pages)) < PAGES_PER_WINDOW * PAGE_SIZE // 4:
                step = min(step * 2, cursors.LONGEST_STEP)
            reached = end
        return reached, step, False

    def _window(self, reading: _Reading, start: datetime, end: datetime) -> list[Sequence[Any]]:
        """All that was received in a window and matches, page by page.

        :raises _TooFullError: if that is too much at once and the window can be made shorter.
        """
        text = f"{self._matching} AND {filters.received_clause(start, end)}"
        pages: list[Sequence[Any]] = []
        token = ""
        while True:
            try:
                page = self._page(reading, text, token=token)
            except _NoRequestsLeftError:
                if end - start > cursors.SHORTEST_STEP or not pages:
                    raise
                number = sum(map(len, pages))
                reading.unseen.append(f"more than {number} entries in the second after {stamp(start)}: not all read")
                return pages
            pages.append(page.entries)
            token = page.token
            if not token:
                return pages
            if len(pages) >= PAGES_PER_WINDOW and end - start > cursors.SHORTEST_STEP:
                received = (entry.receive_timestamp for entries in pages for entry in entries)
                raise _TooFullError([at.seconds + at.nanos / 1e9 for at in received])

    def _take(self, reading: _Reading, entries: Iterable[Any], seen: dict[bytes, int], keep: int = 0) -> list[Taken]:
        """Those of some entries that are new and of a watched function; they are kept.

        :param keep: the Unix second until which they may be met again, if that is later than when they were received.
        """
        taken: list[Taken] = []
        watched, key_of = self._watched, cursors.key_of
        read = reading.reader.read_identified
        for entry in entries:
            at, then, insert_id = entry.timestamp, entry.receive_timestamp, entry.insert_id
            second, nanos, later, later_nanos = at.seconds, at.nanos, then.seconds, then.nanos
            written = second * _SECOND + nanos
            key = key_of(insert_id, written)
            if key in seen:
                reading.known += 1
                continue
            met = later + _MET_FOR
            seen[key] = met if met > keep else keep  # noqa: FURB136 - twice as fast as max
            raw, origin = read(entry, insert_id, second, nanos, later, later_nanos)
            if watched is None or origin.service in watched:
                taken.append((written, insert_id, later * _SECOND + later_nanos, raw, origin.writer))
        reading.entries += taken
        return taken

    def _neighbours(
        self, reading: _Reading, waiting: Sequence[tuple[Place, datetime]], until: datetime, seen: dict[bytes, int]
    ) -> list[tuple[Place, datetime]]:
        """Read the lines around what was found now, and lately; the places that are to be asked again.

        Where the service fails, all are, and so nothing may be forgotten that may be met there again. Where there are
        too many lines, asking again would bring the same ones.
        """
        places = merged([*waiting, *reading.noted.places()])
        keep = cursors.second_of(max((again for _, again in places), default=EPOCH))
        try:
            for text in filters.place_filters([place for place, _ in places]):
                for page in self._pages(reading, text):
                    reading.neighbours += len(self._take(reading, page.entries, seen, keep))
        except SourceError as error:
            reading.unseen.append(f"lines around failures could not be read, some may lack their place: {error}")
            later = until + AGAIN_FOR
            for key, at in seen.items():
                seen[key] = max(at, cursors.second_of(later))
            return [(place, max(again, later)) for place, again in places]
        except _NoRequestsLeftError:
            reading.unseen.append("there are too many lines around failures to read all, some may lack their place")
        return [(place, again) for place, again in places if again > until]

    def _pages(self, reading: _Reading, text: str) -> Iterator[Page]:
        page = self._page(reading, text)
        yield page
        while page.token:
            page = self._page(reading, text, token=page.token)
            yield page

    @staticmethod
    def _batch(reading: _Reading, window: Window, after: Cursor, missed: list[str], lag: timedelta | None) -> LogBatch:
        reading.entries.sort()
        counts = {
            "entries": len(reading.entries),
            "requests": reading.requests,
            "pages": reading.pages,
            "known": reading.known,
            "late": reading.late,
            "neighbours": reading.neighbours,
            "overlap_seconds": round(after.overlap.total_seconds()),
        }
        if lag is not None:
            counts["lag_seconds"] = round(lag.total_seconds())
        return LogBatch(
            entries=[raw for _, _, _, raw, _ in reading.entries],
            malformed=0,
            cursor=after.as_json(),
            evidence=Evidence(
                window=window,
                counts=counts,
                queries=reading.requests,
                unseen=(*reading.unseen, *missed),
            ),
        )


def _note(reading: _Reading, taken: Sequence[Taken], high: int) -> None:
    """Take note of how late matching entries came, and of where their neighbours are.

    :param high: what was written before this Unix time, in nanoseconds, came late.
    """
    note = reading.noted.add
    reading.lags += [received - written for written, _, received, _, _ in taken]
    for written, _, received, raw, writer in taken:
        if written < high:
            reading.late += 1
        if writer is not None and needs_neighbours(raw):
            note(writer, written // _SECOND, received // _SECOND + _AGAIN_SECONDS)


def _runs_on(reading: _Reading, page: Page, wanted: set[str]) -> dict[str, Mapping[str, Any]]:
    """The first entry on a page, which has the newest first, that proves a run of each of these functions."""
    found: dict[str, Mapping[str, Any]] = {}
    for entry in page.entries:
        raw = reading.reader.read(entry)
        service = service_of(raw)
        if service in wanted and service not in found and run_of(raw, payload_text(raw)[0]) is not None:
            found[service] = raw
    return found
