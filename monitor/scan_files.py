"""Files of exported entries, read for a scan as fast as the machine allows: on Linux by several processes at once.

``checks.prefilter`` says what needs to be decoded at all. Large plain files are cut into segments; each process surveys
its own, all hear what the others found, and each hands over what may be part of a failure.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from checks.exports import DamagedError, Entry, Malformed, decompressed, iter_entries, loader
from checks.pieces import CHUNK_BYTES, FullDecodeError
from checks.prefilter import Passed, Piece, Prefilter, Selected, Wanted

WORTH_A_PROCESS = 16 * 1024 * 1024  # bytes
ALWAYS_THOROUGH = 128 * 1024 * 1024  # bytes
MAX_PROCESSES = 4
MAX_SEGMENTS = 1_000
MAX_LINE_BYTES = 64 * 1024  # where a longer line stands between two segments, they are one
MAX_PIECES = 20_000
MAX_CHUNK_BYTES = 4 * 1024 * 1024
_PACKED = 10  # times as much as is stored: a guess at what a compressed file holds
_BATCH = 200
_TICKET_BYTES = 4
_TELL_EVERY = 4 * 1024 * 1024  # bytes

Told: TypeAlias = Callable[[int], None]
Failed: TypeAlias = Callable[[int, OSError], None]
Item: TypeAlias = Entry | Malformed | Passed
# What is wanted near the triggers of some segments, and the number of lines of each.
Surveyed: TypeAlias = tuple[set[Wanted], dict[int, int]]


def read(
    paths: Sequence[Path],
    *,
    literals: Sequence[str] | None,
    told: Told,
    failed: Failed,
    undo: contextlib.ExitStack,
    thorough: bool = False,
) -> Iterator[tuple[int, Item]]:
    """What in some files can matter to a scan, and what is no entry, with the number of its file; and how many entries
    were passed over. Other processes begin at once; this one takes its part when the first item is asked for.

    :param literals: what further patterns need an entry to hold; None: any entry may match, all are decoded.
    :param told: called with the number of bytes, as stored, that were read since the last call; a negative number
        takes back what was told before.
    :param failed: called for each file that cannot be read, or not to its end.
    :param undo: ends the other processes.
    :param thorough: validate every line however much there is (``checks.prefilter``); up to ``ALWAYS_THOROUGH`` bytes
        this is done in any case: there it costs little.
    """
    segments: list[_Segment] = []
    for number, path in enumerate(paths):
        try:
            segments += _segments(number, path)
        except OSError as error:
            failed(number, error)
    crew = None if literals is None else _Crew(segments, literals, undo, thorough=thorough)
    return _items(paths, segments, crew, _Counter(told), failed)


def _items(
    paths: Sequence[Path], segments: Sequence[_Segment], crew: _Crew | None, counter: _Counter, failed: Failed
) -> Iterator[tuple[int, Item]]:
    if crew is not None:
        if crew.survey(counter.add):
            yield from crew.selected()
            return
        counter.take_back()
    for number in dict.fromkeys(segment.file for segment in segments):
        try:
            for item in _decoded(paths[number], counter):
                yield number, item
        except OSError as error:
            failed(number, error)


class _Counter:
    """Tells how far the work is."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._sum = 0

    def add(self, size: int) -> None:
        self._sum += size
        self._told(size)

    def take_back(self) -> None:
        self._told(-self._sum)
        self._sum = 0


@dataclass(frozen=True, slots=True)
class _Segment:
    """A part of a file that begins and ends with a line."""

    file: int
    path: Path
    start: int
    size: int
    compressed: bool

    @contextlib.contextmanager
    def open(self) -> Iterator[tuple[BinaryIO, BinaryIO]]:
        """The stored bytes, and the content, from the segment's beginning."""
        with self.path.open("rb", buffering=0) as stored:
            stored.seek(self.start)
            yield stored, decompressed(stored) if self.compressed else stored


def _segments(number: int, path: Path) -> Iterator[_Segment]:
    with path.open("rb", buffering=0) as stream:
        size = os.fstat(stream.fileno()).st_size
        compressed = stream.read(4)[:2] in {b"\x1f\x8b", b"\x28\xb5"}
        worth = max(WORTH_A_PROCESS, size // MAX_SEGMENTS)
        parts = 1 if compressed or _processes() == 1 else max(1, size // worth)
        edges = [0]
        for part in range(1, parts):
            stream.seek(size * part // parts)
            newline = stream.read(MAX_LINE_BYTES).find(b"\n")
            if newline >= 0:
                edges.append(size * part // parts + newline + 1)
        for start, stop in itertools.pairwise(sorted({*edges, size})):
            yield _Segment(number, path, start, stop - start, compressed)


def _processes() -> int:
    if sys.platform != "linux":  # elsewhere a process cannot be forked safely, and a new one costs what it gains
        return 1
    return min(MAX_PROCESSES, len(os.sched_getaffinity(0)))


# -- the work on the segments: dealt out to this process and others of its own ---------------------------------------


class _Job:
    """The work of one process: the segments that it takes, and what it remembers of each."""

    def __init__(self, segments: Sequence[_Segment], prefilter: Prefilter) -> None:
        self._segments = segments
        self._prefilter = prefilter
        self._surveys: dict[int, list[Piece]] = {}

    def survey(self, numbers: Iterable[int], told: Told) -> Surveyed:
        """What is wanted near the triggers in some segments, and how many lines each has.

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
                    if stored.tell() - before >= _TELL_EVERY:
                        told(stored.tell() - before)
                        before = stored.tell()
                told(stored.tell() - before)
            self._surveys[number] = pieces
        lines = {number: sum(piece.lines for piece in pieces) for number, pieces in self._surveys.items()}
        return self._prefilter.wanted, lines

    def selected(self, number: int, wanted: set[Wanted]) -> Iterator[list[Selected]]:
        """Batches of what was selected from a segment."""
        segment = self._segments[number]
        with segment.open() as (_, content):
            items = self._prefilter.selected(content, self._surveys[number], wanted)
            while batch := list(itertools.islice(items, _BATCH)):
                yield batch

    def work(self, numbers: Iterable[int], channel: Connection) -> None:
        """All of it, in a process of its own: tells its progress (numbers), its survey (None where that cannot be), and
        after the answer what it selected, an empty batch after each segment. It ends when nobody listens.
        """
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, EOFError, KeyboardInterrupt):
            try:
                surveyed = self.survey(numbers, channel.send)
            except (FullDecodeError, DamagedError, OSError):
                channel.send(None)
                return
            channel.send(surveyed)
            wanted = channel.recv()
            for number in self._surveys:
                for batch in self.selected(number, wanted):
                    channel.send(batch)
                channel.send([])


class _Worker:
    """A job in another process, and what it has said so far."""

    def __init__(self, job: _Job, numbers: Iterable[int]) -> None:
        context = multiprocessing.get_context("fork")
        self.channel, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=job.work, args=(numbers, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self.surveyed: Surveyed | None = None
        self.failed = False

    @property
    def ready(self) -> bool:
        """Whether it has said what its survey found, or that there will be none."""
        return self.failed or self.surveyed is not None

    def listen(self, told: Told) -> None:
        """Take what it says next."""
        try:
            said: int | Surveyed | None = self.channel.recv()
        except EOFError:  # it was ended from outside
            said = None
        if isinstance(said, int):
            told(said)
        else:
            self.surveyed, self.failed = said, said is None

    def close(self) -> None:
        """End it, whatever it does."""
        self.channel.close()
        self._process.terminate()
        self._process.join()


class _Crew:
    """The processes that work, the present one included. Who is done with a segment takes the next one."""

    def __init__(
        self, segments: Sequence[_Segment], literals: Sequence[str], undo: contextlib.ExitStack, *, thorough: bool
    ) -> None:
        self._segments = segments
        total = sum(segment.size * (_PACKED if segment.compressed else 1) for segment in segments)
        # What is remembered of each piece must not outgrow the memory, however large the files are.
        chunk_bytes = min(MAX_CHUNK_BYTES, max(CHUNK_BYTES, total // MAX_PIECES))
        thorough = thorough or total <= ALWAYS_THOROUGH
        self._own = _Job(segments, Prefilter(literals=literals, chunk_bytes=chunk_bytes, thorough=thorough))
        self._numbers: Iterable[int] = range(len(segments))
        self._workers: list[_Worker] = []
        self._wanted: set[Wanted] = set()
        self._lines: dict[int, int] = {}
        if len(segments) > 1 and total >= 2 * WORTH_A_PROCESS and _processes() > 1:
            self._numbers = _dealt(len(segments), undo)
            for _ in range(min(_processes(), len(segments)) - 1):
                worker = _Worker(self._own, self._numbers)
                undo.callback(worker.close)
                self._workers.append(worker)

    def survey(self, told: Told) -> bool:
        """Go over all segments; False where it takes a full decode."""

        def told_all(size: int) -> None:
            told(size)
            for worker in self._workers:
                while not worker.ready and worker.channel.poll():
                    worker.listen(told)

        try:
            self._wanted, self._lines = self._own.survey(self._numbers, told_all)
        except (FullDecodeError, DamagedError, OSError):
            return False
        while waiting := {worker.channel: worker for worker in self._workers if not worker.ready}:
            for channel in wait(list(waiting)):
                waiting[cast("Connection", channel)].listen(told)
        for worker in self._workers:
            if worker.surveyed is None:
                return False
            self._wanted |= worker.surveyed[0]
        return True

    def selected(self) -> Iterator[tuple[int, Item]]:
        """What all have selected, in the order of the files."""
        whose: dict[int, _Worker] = {}
        lines = dict(self._lines)
        for worker in self._workers:
            worker.channel.send(self._wanted)
            theirs = worker.surveyed[1] if worker.surveyed else {}
            lines.update(theirs)
            whose.update(dict.fromkeys(theirs, worker))
        load = loader()
        line, file = 0, -1
        for number, segment in enumerate(self._segments):
            if segment.file != file:
                line, file = 0, segment.file
            at = whose.get(number)
            batches = iter(at.channel.recv, []) if at else self._own.selected(number, self._wanted)
            for batch in batches:
                for item in batch:
                    yield file, _item(item, line, load)
            line += lines[number]


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


def _item(item: Selected, before: int, load: Callable[[bytes], Any]) -> Item:
    """What was selected, decoded, its line counted from the beginning of the file."""
    if isinstance(item, bytes):
        entry: Entry = load(item)
        return entry
    return replace(item, line=item.line + before) if isinstance(item, Malformed) else item


def _decoded(path: Path, counter: _Counter) -> Iterator[Item]:
    """All of a file, decoded."""
    before = 0
    with path.open("rb") as stored:
        for item in iter_entries(stored):
            yield item
            if stored.tell() - before >= _TELL_EVERY:
                counter.add(stored.tell() - before)
                before = stored.tell()
        counter.add(stored.tell() - before)
