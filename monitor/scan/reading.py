"""Files of exported entries, scanned as fast as the machine allows.

Large plain files are cut into segments, which several processes share (``monitor.scan.crew``). What cannot be read like
that, and what is looked through for patterns of the user's own, is decoded in full.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from checks.exports.entries import Entry, Malformed, iter_entries
from checks.logs.failures import Scanner, ScanResult
from checks.logs.signatures import Signature
from monitor.scan.crew import MAX_SEGMENTS, TELL_EVERY, WORTH_A_PROCESS, Crew, processes
from monitor.scan.parts import Chosen, Segment, Tally, Told

MAX_LINE_BYTES = 64 * 1024  # where a longer line stands between two segments, they are one

Failed: TypeAlias = Callable[[int, OSError], None]


def scan(
    paths: Sequence[Path],
    *,
    signatures: Sequence[Signature],
    chosen: Chosen | None,
    told: Told,
    failed: Failed,
    thorough: bool = False,
) -> tuple[ScanResult, Tally]:
    """The failures in some files.

    :param signatures: patterns of the user's own. Any entry may match: with some, all are decoded.
    :param chosen: whether an entry is asked for; None: all are.
    :param told: called with the number of bytes, as stored, that were read since the last call; a negative number
        takes back what was told before.
    :param failed: called for each file that cannot be read, or not to its end.
    :param thorough: validate every line however much there is (``checks.exports.prefilter``); up to ``ALWAYS_THOROUGH``
        bytes this is done in any case: there it costs little.
    """
    segments: list[Segment] = []
    for number, path in enumerate(paths):
        try:
            segments += _segments(number, path)
        except OSError as error:
            failed(number, error)
    counter = _Counter(told)
    if not signatures:
        with contextlib.ExitStack() as undo:
            found = Crew(segments, chosen, undo, thorough=thorough).scan(counter.add)
        if found is not None:
            return found
        counter.take_back()
    scanner, tally = Scanner(signatures), Tally()
    for number in dict.fromkeys(segment.file for segment in segments):
        try:
            for item in _decoded(paths[number], counter):
                entry = tally.sifted(number, item, 0, chosen)
                if entry is not None:
                    scanner.add(entry)
        except OSError as error:
            failed(number, error)
    return scanner.finish(), tally


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


def _segments(number: int, path: Path) -> Iterator[Segment]:
    with path.open("rb", buffering=0) as stream:
        size = os.fstat(stream.fileno()).st_size
        compressed = stream.read(4)[:2] in {b"\x1f\x8b", b"\x28\xb5"}
        worth = max(WORTH_A_PROCESS, size // MAX_SEGMENTS)
        parts = 1 if compressed or processes() == 1 else max(1, size // worth)
        edges = [0]
        for part in range(1, parts):
            stream.seek(size * part // parts)
            newline = stream.read(MAX_LINE_BYTES).find(b"\n")
            if newline >= 0:
                edges.append(size * part // parts + newline + 1)
        for start, stop in itertools.pairwise(sorted({*edges, size})):
            yield Segment(number, path, start, stop - start, compressed)


def _decoded(path: Path, counter: _Counter) -> Iterator[Entry | Malformed]:
    """All of a file, decoded."""
    before = 0
    with path.open("rb") as stored:
        for item in iter_entries(stored):
            yield item
            if stored.tell() - before >= TELL_EVERY:
                counter.add(stored.tell() - before)
                before = stored.tell()
        counter.add(stored.tell() - before)
