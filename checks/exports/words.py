"""Words in raw bytes: where they stand, and how often."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import ahocorasick_rs
import stringzilla

# A word that was found: which one, where it begins, where it ends.
Found: TypeAlias = tuple[int, int, int]

# Whole registers of the processor at once: 25 GB/s, where bytes.count and bytes.find do 1 to 4.
count: Callable[[bytes | bytearray, bytes], int] = stringzilla.count
find: Callable[..., int] = stringzilla.find  # like bytes.find


def searcher(words: Sequence[bytes]) -> Callable[[bytes], Sequence[Found]]:
    """A function that finds words in some bytes."""
    made = ahocorasick_rs.BytesAhoCorasick(words, matchkind=ahocorasick_rs.MatchKind.LeftmostFirst)
    return made.find_matches_as_indexes


def all_of(data: bytes, word: bytes) -> Iterator[int]:
    """Where a word begins, each time."""
    at = find(data, word)
    while at >= 0:
        yield at
        at = find(data, word, at + 1)


def end_of_line(data: bytes, at: int) -> int:
    """The end of the line around ``at``, its newline left out."""
    end = data.find(b"\n", at)
    return end if end >= 0 else len(data)
