"""The parts of the files of a scan, and what is counted in them beside the entries that are looked at."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, TypeAlias

from checks.exports.compressed import decompressed
from checks.exports.entries import Entry, Malformed
from checks.exports.prefilter import Passed

SHOWN_MALFORMED = 5

Told: TypeAlias = Callable[[int], None]
Chosen: TypeAlias = Callable[[Entry], bool]


@dataclass(frozen=True, slots=True)
class Segment:
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
            if not self.compressed:
                yield stored, stored
                return
            with contextlib.closing(decompressed(stored, ahead=True)) as content:
                yield stored, content


@dataclass(slots=True)
class Tally:
    """What is counted beside the entries that are looked at.

    ``passed``: entries that nobody needs to look at; ``skipped``: things that are no entries, and of the first few
    where they are (file, and line in it).
    """

    passed: int = 0
    skipped: int = 0
    malformed: list[tuple[int, Malformed]] = field(default_factory=list)

    def sifted(self, file: int, item: Entry | Malformed | Passed, before: int, chosen: Chosen | None) -> Entry | None:
        """The entry, if it is one that is asked for. ``before``: the number of lines before its segment."""
        if isinstance(item, Passed):
            self.passed += item.count
        elif isinstance(item, Malformed):
            self.skipped += 1
            if len(self.malformed) < SHOWN_MALFORMED:
                self.malformed.append((file, replace(item, line=item.line + before)))
        elif chosen is None or chosen(item):
            return item
        else:
            self.passed += 1
        return None

    def add(self, other: Tally) -> None:
        """Take what was counted elsewhere."""
        self.passed += other.passed
        self.skipped += other.skipped
        both = [*self.malformed, *other.malformed]
        self.malformed = sorted(both, key=lambda one: (one[0], one[1].line))[:SHOWN_MALFORMED]
