"""Files of exported entries, read for a scan as fast as the machine allows: on Linux by several processes at once.

``checks.prefilter`` says what needs to be decoded at all. Large plain files are cut into segments; each process surveys
its own, all hear what the others found, and each hands over what may be part of a failure.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from checks.exports import MAX_ENTRY_BYTES, DamagedError, Entry, Malformed, decompressed, iter_entries
from checks.prefilter import FullDecodeError, Passed, Piece, Prefilter, Selected, Wanted

WORTH_A_PROCESS = 16 * 1024 * 1024  # bytes
MAX_PROCESSES = 4
_BATCH = 200
_TELL_EVERY = 4 * 1024 * 1024  # bytes

Told: TypeAlias = Callable[[int], None]
Failed: TypeAlias = Callable[[int, OSError], None]
Item: TypeAlias = Entry | Malformed | Passed


def read(
    paths: Sequence[Path], *, literals: Sequence[str] | None, told: Told, failed: Failed
) -> Iterator[tuple[int, Item]]:
    """What in some files can matter to a scan, and what is no entry, with the number of its file; and how many entries
    were passed over.

    :param literals: what further patterns need an entry to hold; None: any entry may match, all are decoded.
    :param told: called with the number of bytes, as stored, that were read since the last call; a negative number
        takes back what was told before.
    :param failed: called for each file that cannot be read, or not to its end.
    """
    segments: list[_Segment] = []
    for number, path in enumerate(paths):
        try:
            segments += _segments(number, path)
        except OSError as error:
            failed(number, error)
    counter = _Counter(told)
    if literals is not None:
        with contextlib.ExitStack() as undo:
            crew = _crew(segments, literals, undo)
            surveyed = _survey(crew, counter)
            if surveyed is not None:
                yield from _selected(crew, segments, *surveyed)
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
        parts = 1 if compressed else max(1, min(_processes(), size // WORTH_A_PROCESS))
        edges = [0]
        for part in range(1, parts):
            stream.seek(size * part // parts)
            newline = stream.read(MAX_ENTRY_BYTES).find(b"\n")
            if newline >= 0:
                edges.append(size * part // parts + newline + 1)
        for start, stop in itertools.pairwise(sorted({*edges, size})):
            yield _Segment(number, path, start, stop - start, compressed)


def _processes() -> int:
    if sys.platform != "linux":  # elsewhere a process cannot be forked safely, and a new one costs what it gains
        return 1
    return min(MAX_PROCESSES, len(os.sched_getaffinity(0)))


# -- the work on some segments: in this process, or in one of its own ------------------------------------------------


class _Job:
    def __init__(self, segments: Sequence[_Segment], literals: Sequence[str]) -> None:
        self.segments = segments
        self._prefilter = Prefilter(literals=literals)
        self._surveys: list[list[Piece]] = []

    def survey(self, told: Told) -> tuple[set[Wanted], list[int]]:
        """What is wanted near the triggers in the segments, and how many lines each has.

        :raises FullDecodeError, DamagedError, OSError: where it takes a full decode to see what is there.
        """
        for segment in self.segments:
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
            self._surveys.append(pieces)
        return self._prefilter.wanted, [sum(piece.lines for piece in pieces) for pieces in self._surveys]

    def selected(self, wanted: set[Wanted]) -> Iterator[list[Selected]]:
        """Batches of what was selected from the segments; after each segment an empty one."""
        for segment, pieces in zip(self.segments, self._surveys, strict=True):
            with segment.open() as (_, content):
                items = self._prefilter.selected(content, pieces, wanted)
                while batch := list(itertools.islice(items, _BATCH)):
                    yield batch
            yield []


class _Worker:
    """A job in a process of its own."""

    def __init__(self, job: _Job) -> None:
        context = multiprocessing.get_context("fork")
        self.channel, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=_work, args=(job, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def close(self) -> None:
        """End it, whatever it does."""
        self.channel.close()
        self._process.terminate()
        self._process.join()


def _work(job: _Job, channel: Connection) -> None:
    """The process: tells its progress (numbers), its survey (None where that cannot be), and after the answer what it
    selected. It ends when nobody listens.
    """
    with contextlib.suppress(BrokenPipeError, EOFError, KeyboardInterrupt):
        try:
            surveyed = job.survey(channel.send)
        except (FullDecodeError, DamagedError, OSError):
            channel.send(None)
            return
        channel.send(surveyed)
        for batch in job.selected(channel.recv()):
            channel.send(batch)


_Crew: TypeAlias = Sequence[_Job] | Sequence[_Worker]


def _crew(segments: Sequence[_Segment], literals: Sequence[str], undo: contextlib.ExitStack) -> _Crew:
    """Those who do the work: this process, or as many as are worth it, the segments dealt out in turn."""
    number = min(_processes(), len(segments))
    if number <= 1 or sum(segment.size for segment in segments) < 2 * WORTH_A_PROCESS:
        return [_Job(segments, literals)]
    workers = []
    for first in range(number):
        worker = _Worker(_Job(segments[first::number], literals))
        undo.callback(worker.close)
        workers.append(worker)
    return workers


def _survey(crew: _Crew, counter: _Counter) -> tuple[set[Wanted], list[list[int]]] | None:
    """What all want, and the lines of each one's segments; None where it takes a full decode."""
    if isinstance(crew[0], _Job):
        try:
            alone = crew[0].survey(counter.add)
        except (FullDecodeError, DamagedError, OSError):
            return None
        return alone[0], [alone[1]]
    channels: dict[Any, int] = {
        worker.channel: number for number, worker in enumerate(crew) if isinstance(worker, _Worker)
    }
    waiting = set(channels)
    wanted: set[Wanted] = set()
    every: list[list[int]] = [[] for _ in channels]
    while waiting:
        for channel in cast("list[Connection]", wait(list(waiting))):
            said: int | tuple[set[Wanted], list[int]] | None = channel.recv()
            if said is None:
                return None
            if isinstance(said, int):
                counter.add(said)
            else:
                wanted |= said[0]
                every[channels[channel]] = said[1]
                waiting.remove(channel)
    return wanted, every


def _selected(
    crew: _Crew, segments: Sequence[_Segment], wanted: set[Wanted], lines: Sequence[Sequence[int]]
) -> Iterator[tuple[int, Item]]:
    """What all have selected, in the order of the files."""
    batches = [_batches(one, wanted) for one in crew]
    line, file = 0, -1
    for number, segment in enumerate(segments):
        if segment.file != file:
            line, file = 0, segment.file
        for batch in iter(batches[number % len(crew)].__next__, []):
            for item in batch:
                yield file, _item(item, line)
        line += lines[number % len(crew)][number // len(crew)]


def _batches(one: _Job | _Worker, wanted: set[Wanted]) -> Iterator[list[Selected]]:
    if isinstance(one, _Job):
        return one.selected(wanted)
    one.channel.send(wanted)
    return iter(one.channel.recv, None)


def _item(item: Selected, before: int) -> Item:
    """What was selected, decoded, its line counted from the beginning of the file."""
    if isinstance(item, bytes):
        entry: Entry = json.loads(item)
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
