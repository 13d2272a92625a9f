"""The work on large files of exported entries, dealt out to several processes at once (on Linux).

Each process surveys the segments that it takes (``checks.exports.prefilter`` says what needs to be decoded at all),
all hear what the others found, and each judges what it has selected but for what may belong together with entries of
the others (``checks.logs.shares``): that is judged here. Where segments cannot be told apart by their times, all that
is selected is.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from checks.exports.compressed import DamagedError
from checks.exports.entries import Entry, loader
from checks.exports.near import REACH
from checks.exports.pieces import CHUNK_BYTES, FullDecodeError
from checks.exports.prefilter import KEEP_BYTES, Located, Piece, Prefilter, Selected, grain_of_entry
from checks.exports.wanted import Wanted
from checks.logs.failures import Scanner, ScanResult
from checks.logs.faults import Faults
from checks.logs.shares import Share
from monitor.scan.channel import Channel, Forked, waiting
from monitor.scan.parts import Chosen, Segment, Tally, Told

WORTH_A_PROCESS = 16 * 1024 * 1024  # bytes
ALWAYS_THOROUGH = 128 * 1024 * 1024  # bytes
MAX_PROCESSES = 4
MAX_SEGMENTS = 1_000
MAX_PIECES = 20_000
MAX_CHUNK_BYTES = 4 * 1024 * 1024
KEEP_PACKED = 8 * 1024 * 1024  # bytes: what must be read again has to be decompressed again, with all that is before it
TELL_EVERY = 4 * 1024 * 1024  # bytes
_PACKED = 10  # times as much as is stored: a guess at what a compressed file holds
_BATCH = 200
_TICKET_BYTES = 4

# The earliest and the latest time of some entries, in grains.
Span: TypeAlias = tuple[int, int]


def processes() -> int:
    """How many processes may share the work."""
    if sys.platform != "linux":  # elsewhere a process cannot be forked safely, and a new one costs what it gains
        return 1
    return min(MAX_PROCESSES, len(os.sched_getaffinity(0)))


@dataclass(frozen=True, slots=True)
class _Surveyed:
    """What one process found: what is wanted near the triggers, the number of lines of each of its segments, and when
    they were written; None where that cannot be told, or where there are entries in several parts.
    """

    wanted: Wanted
    lines: dict[int, int]
    spans: dict[int, Span | None]


@dataclass(frozen=True, slots=True)
class _Task:
    """What all surveys together found. ``spans``: of all segments, where each process can judge its own."""

    wanted: Wanted
    lines: dict[int, int]
    spans: dict[int, Span] | None


@dataclass(frozen=True, slots=True)
class _Judged:
    """What one process made of its segments; ``left``: the places of the entries that it could not judge alone."""

    faults: Iterable[Faults]
    entries: int
    malformed: int
    tally: Tally
    left: Sequence[int]


class _Job:
    """The work of one process: the segments that it takes, and what it remembers of each."""

    def __init__(self, segments: Sequence[Segment], prefilter: Prefilter, chosen: Chosen | None) -> None:
        self._segments = segments
        self._prefilter = prefilter
        self._chosen = chosen
        self._surveys: dict[int, list[Piece]] = {}

    def survey(self, numbers: Iterable[int], told: Told) -> _Surveyed:
        """Go over some segments.

        :raises FullDecodeError, DamagedError, OSError: where it takes a full decode to see what is there.
        """
        for number in numbers:
            segment = self._segments[number]
            pieces: list[Piece] = []
            before = segment.start
            with segment.open() as (stored, content):
                size = None if segment.compressed else segment.size
                for piece in self._prefilter.survey(content, size, first=segment.start == 0):
                    pieces.append(piece)
                    if stored.tell() - before >= TELL_EVERY:
                        told(stored.tell() - before)
                        before = stored.tell()
                told(stored.tell() - before)
            self._surveys[number] = pieces
        return _Surveyed(
            self._prefilter.wanted,
            {number: sum(piece.lines for piece in pieces) for number, pieces in self._surveys.items()},
            {number: None if self._prefilter.split else _span(pieces) for number, pieces in self._surveys.items()},
        )

    def selected(self, number: int, wanted: Wanted) -> Iterator[list[Selected]]:
        """Batches of what was selected from a segment."""
        segment = self._segments[number]
        with segment.open() as (_, content):
            items = self._prefilter.selected(content, self._surveys[number], wanted)
            while batch := list(itertools.islice(items, _BATCH)):
                yield batch

    def judged(self, task: _Task) -> _Judged:
        """The failures in what was selected from the segments of this process. Their surveys are gone then."""
        share, tally = Share(), Tally()
        fed = 0
        spans = task.spans or {}
        others = [span for number, span in spans.items() if number not in self._surveys]
        for number, before in _lines_before(self._segments, task.lines).items():
            if number not in self._surveys:
                continue
            segment = self._segments[number]
            close = [span for span in others if _meet(span, spans[number])]
            with segment.open() as (_, content):
                for one in self._prefilter.located(content, self._surveys.pop(number), task.wanted):
                    item, place = (one.entry, one.at) if isinstance(one, Located) else (one, 0)
                    entry = tally.sifted(segment.file, item, before, self._chosen)
                    if entry is not None:
                        fed += 1
                        common = bool(close) and isinstance(one, Located) and _among(close, one)
                        place = number << _OFFSET_BITS | segment.start + place
                        share.take(cast("dict[str, Any]", entry), place, common=common)
        malformed = share.end()
        return _Judged(share.faults.parts(), fed - len(share.left), malformed, tally, share.left)

    def work(self, numbers: Iterable[int], channel: Channel) -> None:
        """All of it, in a process of its own. It ends when nobody listens.

        It tells its progress (numbers), its survey (None where that cannot be), and after the answer what it judged
        (the faults in parts, then None), or what it selected: an empty batch after each segment.
        """
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, EOFError, KeyboardInterrupt):
            try:
                surveyed = self.survey(numbers, channel.send)
            except (FullDecodeError, DamagedError, OSError):
                channel.send(None)
                return
            channel.send(surveyed)
            task: _Task = channel.receive()
            if task.spans is not None:
                judged = self.judged(task)
                channel.send(replace(judged, faults=()))
                for part in judged.faults:
                    channel.send(part)
                channel.send(None)
                return
            for number in self._surveys:
                for batch in self.selected(number, task.wanted):
                    channel.send(batch)
                channel.send([])


class _Worker:
    """A job in another process, and what it has said so far."""

    def __init__(self, job: _Job, numbers: Iterable[int], others: Sequence[_Worker]) -> None:
        self._process = Forked(lambda channel: job.work(numbers, channel), [other.channel for other in others])
        self.channel: Channel = self._process.channel
        self.surveyed: _Surveyed | None = None
        self.failed = False

    @property
    def ready(self) -> bool:
        """Whether it has said what its survey found, or that there will be none."""
        return self.failed or self.surveyed is not None

    def listen(self, told: Told) -> None:
        """Take what it says next."""
        try:
            said: int | _Surveyed | None = self.channel.receive()
        except EOFError:  # it was ended from outside
            said = None
        if isinstance(said, int):
            told(said)
        else:
            self.surveyed, self.failed = said, said is None

    def judged(self) -> _Judged:
        """What it made of its segments. The faults come as they are asked for, so that not all are there twice."""
        judged: _Judged = self.channel.receive()
        return replace(judged, faults=iter(self.channel.receive, None))

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.close()


class Crew:
    """The processes that work, the present one included. Who is done with a segment takes the next one.

    :param chosen: whether an entry is asked for; None: all are.
    :param undo: ends the other processes.
    """

    def __init__(
        self, segments: Sequence[Segment], chosen: Chosen | None, undo: contextlib.ExitStack, *, thorough: bool
    ) -> None:
        self._segments = segments
        self._chosen = chosen
        total = sum(segment.size * (_PACKED if segment.compressed else 1) for segment in segments)
        # What is remembered of each piece must not outgrow the memory, however large the files are.
        chunk_bytes = min(MAX_CHUNK_BYTES, max(CHUNK_BYTES, total // MAX_PIECES))
        prefilter = Prefilter(
            chunk_bytes=chunk_bytes,
            thorough=thorough or total <= ALWAYS_THOROUGH,
            keep_bytes=KEEP_PACKED if any(segment.compressed for segment in segments) else KEEP_BYTES,
        )
        self._own = _Job(segments, prefilter, chosen)
        self._numbers: Iterable[int] = range(len(segments))
        self._workers: list[_Worker] = []
        if len(segments) > 1 and total >= 2 * WORTH_A_PROCESS and processes() > 1:
            self._numbers = _dealt(len(segments), undo)
            for _ in range(min(processes(), len(segments)) - 1):
                worker = _Worker(self._own, self._numbers, self._workers)
                undo.callback(worker.close)
                self._workers.append(worker)

    def scan(self, told: Told) -> tuple[ScanResult, Tally] | None:
        """Go over all segments; None where it takes a full decode."""
        surveys = self._survey(told)
        if surveys is None:
            return None
        task = _task(self._segments, surveys)
        try:
            for worker in self._workers:
                worker.channel.send(task)
            if task.spans is not None or not self._workers:
                judged = [self._own.judged(task)]
                judged += [worker.judged() for worker in self._workers]
                return _together(self._segments, judged)
        except (EOFError, BrokenPipeError):  # one was ended from outside
            return None
        scanner, tally = Scanner(failures_only=True), Tally()
        for entry in self._entries(task, tally):
            scanner.add(entry)
        return scanner.finish(), tally

    def _survey(self, told: Told) -> list[_Surveyed] | None:
        def told_all(size: int) -> None:
            told(size)
            self._listen(told, forever=False)

        try:
            own = self._own.survey(self._numbers, told_all)
        except (FullDecodeError, DamagedError, OSError):
            return None
        while self._listen(told, forever=True):
            pass
        theirs = [worker.surveyed for worker in self._workers if worker.surveyed is not None]
        return [own, *theirs] if len(theirs) == len(self._workers) else None

    def _listen(self, told: Told, *, forever: bool) -> bool:
        """Take what workers have said; False where nothing more is to come before they are answered."""
        busy = {worker.channel: worker for worker in self._workers if not worker.ready}
        for channel in waiting(list(busy), forever=forever) if busy else ():
            busy[channel].listen(told)
        return bool(busy)

    def _entries(self, task: _Task, tally: Tally) -> Iterator[Entry]:
        """What all have selected, in the order of the files."""
        whose = {number: worker for worker in self._workers if worker.surveyed for number in worker.surveyed.lines}
        load = loader()
        for number, before in _lines_before(self._segments, task.lines).items():
            at = whose.get(number)
            batches = iter(at.channel.receive, []) if at else self._own.selected(number, task.wanted)
            for item in itertools.chain.from_iterable(batches):
                found = load(item) if isinstance(item, bytes) else item
                entry = tally.sifted(self._segments[number].file, found, before, self._chosen)
                if entry is not None:
                    yield entry


def _task(segments: Sequence[Segment], surveys: Sequence[_Surveyed]) -> _Task:
    """What to do next, from what all processes found."""
    wanted = Wanted()
    lines: dict[int, int] = {}
    spans: dict[int, Span] = {}
    apart = not any(segment.compressed for segment in segments)
    for one in surveys:
        wanted.update(one.wanted)
        lines |= one.lines
        for number, span in one.spans.items():
            if span is None:
                apart = False
            else:
                spans[number] = span
    return _Task(wanted, lines, spans if apart else None)


def _together(segments: Sequence[Segment], judged: Sequence[_Judged]) -> tuple[ScanResult, Tally]:
    """Put together what each process has judged, and judge the rest."""
    scanner, tally = Scanner(failures_only=True), Tally()
    for one in judged:  # before the rest: others end when they have handed over what they hold
        for part in one.faults:
            scanner.faults.merge(part)
        tally.add(one.tally)
    load = loader()
    for line in _lines_at(segments, sorted(itertools.chain.from_iterable(one.left for one in judged))):
        scanner.add(load(line))
    result = scanner.finish()
    entries = result.entries + sum(one.entries for one in judged)
    malformed = result.malformed + sum(one.malformed for one in judged)
    return replace(result, entries=entries, malformed=malformed), tally


def _lines_at(segments: Sequence[Segment], places: Iterable[int]) -> Iterator[bytes]:
    """The lines at some places."""
    for number, some in itertools.groupby(places, key=lambda place: place >> _OFFSET_BITS):
        with segments[number].path.open("rb") as stored:
            for place in some:
                stored.seek(place & _OFFSET_MASK)
                yield stored.readline()


# A place: the number of a segment, and an offset in its file.
_OFFSET_BITS = 48
_OFFSET_MASK = (1 << _OFFSET_BITS) - 1


def _span(pieces: Sequence[Piece]) -> Span | None:
    """When the entries of some pieces were written; None where that is not known of each."""
    times = [piece.times for piece in pieces if piece.times is not None]
    if len(times) < len(pieces):
        return None
    return (min(low for low, _ in times), max(high for _, high in times)) if times else (0, 0)


def _meet(one: Span, other: Span) -> bool:
    """Whether something written in one span may belong together with something written in the other."""
    return one[0] <= other[1] + REACH and other[0] <= one[1] + REACH


def _among(spans: Sequence[Span], one: Located) -> bool:
    """Whether an entry may belong together with something written in some spans: the same for all deliveries of it."""
    times = one.piece.times
    if times is None or not any(_meet(span, times) for span in spans):
        return False
    grain = grain_of_entry(one.entry)
    return grain is not None and any(_meet(span, (grain, grain)) for span in spans)


def _lines_before(segments: Sequence[Segment], lines: Mapping[int, int]) -> dict[int, int]:
    """For each segment the number of lines before it in its file."""
    before: dict[int, int] = {}
    for number, segment in enumerate(segments):
        follows = number > 0 and segments[number - 1].file == segment.file
        before[number] = before[number - 1] + lines[number - 1] if follows else 0
    return before


def _dealt(count: int, undo: contextlib.ExitStack) -> Iterator[int]:
    """The numbers below ``count``, each for one of all the processes that are forked from now on: tickets in a pipe,
    some numbers in a row for each ticket.
    """
    row = -(-count // MAX_SEGMENTS)
    taken, given = os.pipe()
    undo.callback(os.close, taken)
    os.write(given, b"".join(first.to_bytes(_TICKET_BYTES, "big") for first in range(0, count, row)))
    os.close(given)

    def numbers() -> Iterator[int]:
        while ticket := os.read(taken, _TICKET_BYTES):
            first = int.from_bytes(ticket, "big")
            yield from range(first, min(first + row, count))

    return numbers()
