"""Exported entries in pieces of some whole lines: how many entries a piece holds, and when they were written, without
decoding them.

``Look`` does it, in one of two ways: one knows for certain, the other takes less time.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import BinaryIO, TypeAlias, cast

import ahocorasick_rs
import re2
import simdjson

from checks.exports.entries import MAX_ENTRY_BYTES
from checks.logs.entry import EPOCH

CHUNK_BYTES = 160 * 1024
GRAIN = 2  # seconds
TIME_KEY = b'"timestamp"'
_TIME_BYTES = 40  # what is looked at after the key of a time: a colon, spaces, and the whole time
_USUAL_TIME = b': "0000-00-00T00:00:00.000000Z"'
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_SECOND_BYTES = len("2026-01-26T09:07:04")
_OTHER_START = re2.compile(rb"\n[^{]")
_TIMES = re2.compile(rb'(?:\s{0,4}:\s{0,4}"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z"[^\x00]*\x00)*')
_TIME = re.compile(rb'\s{0,4}:\s{0,4}"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?Z"')


# A word that was found: which one, where it begins, where it ends.
Found: TypeAlias = tuple[int, int, int]


class FullDecodeError(Exception):
    """A reason to go the other way: the data are not JSON lines, or nearly everything in them is near a trigger."""


# The number of entries in a piece, -1 where not every line is one; the earliest and the latest time of them, in grains,
# None where they are not known.
Seen: TypeAlias = tuple[int, tuple[int, int] | None]


class Look:
    """Counts the entries of a piece, and reads the time of every line: known if all are in UTC and written alike.

    :param thorough: every line is validated (by simdjson). Otherwise it takes lines for entries that begin with a brace
        where there are as many times as lines, and elsewhere those that begin and end with one.
    """

    def __init__(self, *, thorough: bool) -> None:
        self._thorough = thorough
        self._validated, self._braced = Validated(), Braced()
        self._keys = searcher([TIME_KEY])

    def __call__(self, data: bytes) -> Seen:
        """Look at one piece."""
        keys = self._keys(data)
        if self._thorough:
            entries = self._validated(data)
        elif len(keys) == lines_in(data) and begin_with_braces(data):
            entries = len(keys)
        else:
            entries = self._braced(data)
        # In a piece where fewer lines have a time than there are, nothing is known of the others.
        return entries, _times(data, keys) if 0 <= entries <= len(keys) else None


def _times(data: bytes, keys: Sequence[Found]) -> tuple[int, int] | None:
    """The earliest and the latest of the times after some keys, in grains; None where they are not in UTC, or not all
    written alike.
    """
    width = len(_USUAL_TIME)
    values = [data[end : end + width] for _, _, end in keys]
    if b"".join(values).translate(_ZEROS) != _USUAL_TIME * len(values):  # nearly always they are written so
        values = [data[end : end + _TIME_BYTES] for _, _, end in keys]
        if not _TIMES.fullmatch(b"\0".join([*values, b""])):
            return None
    low, high = min(values), max(values)
    lead = low.index(b'"') + 1
    if low[:lead] != high[:lead]:  # not all are written with the same spaces before them
        return None
    return _range(low[lead : lead + _SECOND_BYTES], high[lead : lead + _SECOND_BYTES])


def lines_in(data: bytes) -> int:
    """The number of lines, that of one without its newline at the end included."""
    # Twice as fast as data.count(b"\n").
    return len(data.replace(b"\n", b"\n,")) - len(data) + (not data.endswith(b"\n"))


def begin_with_braces(data: bytes) -> bool:
    """Whether every line begins with a brace."""
    return data[0] == ord("{") and not _OTHER_START.search(data)


class Validated:
    """The number of entries, every line validated; -1 where not every line is one."""

    def __init__(self) -> None:
        self._validate = simdjson.Parser().parse

    def __call__(self, data: bytes) -> int:
        """Look at one piece."""
        if not begin_with_braces(data):
            return -1
        listed = data.replace(b"\n", b"\n,")
        whole = data[-1] == ord("\n")
        lines = len(listed) - len(data) + (not whole)
        try:
            array = cast("simdjson.Array", self._validate(b"".join((b"[", listed, b"0]" if whole else b",0]"))))
        except (ValueError, RuntimeError):
            return -1
        return lines if len(array) == lines + 1 else -1


class Braced:
    """The same, where lines that begin and end with a brace are taken for entries: in half the time."""

    def __init__(self) -> None:
        self._breaks = searcher([b"}\n{"])

    def __call__(self, data: bytes) -> int:
        """Look at one piece."""
        if data[0] != ord("{") or not data.endswith((b"}\n", b"}")):
            return -1
        lines = len(self._breaks(data)) + 1
        return lines if lines == lines_in(data) else -1


def searcher(words: Sequence[bytes]) -> Callable[[bytes], Sequence[Found]]:
    """A function that finds words in some bytes."""
    made = ahocorasick_rs.BytesAhoCorasick(words, matchkind=ahocorasick_rs.MatchKind.LeftmostFirst)
    return made.find_matches_as_indexes


def _range(first: bytes, last: bytes) -> tuple[int, int] | None:
    earliest, latest = grain_of(first), grain_of(last)
    return None if earliest is None or latest is None else (earliest, latest)


def grain_at(data: bytes, at: int) -> int | None:
    """The time after its key, which ends at ``at``, in grains since 1970; None where it is not plain."""
    found = _TIME.match(data, at)
    return grain_of(found[1]) if found else None


@lru_cache(maxsize=1024)
def grain_of(time: bytes) -> int | None:
    """A time as ``2026-01-26T09:07:04`` (UTC) in grains since 1970; None if there is no such time."""
    try:
        return (datetime.fromisoformat(f"{time.decode()}+00:00") - EPOCH) // timedelta(seconds=GRAIN)
    except ValueError:
        return None


def pieces_of(stream: BinaryIO, size: int | None, about: int) -> Iterator[bytes]:
    """The stream in pieces that end with a line."""
    left = sys.maxsize if size is None else size
    again = stream.seekable()  # then the beginning of a line is read again: cheaper than to join it with its end
    rest = b""
    while block := stream.read(min(about, left)):
        left -= len(block)
        cut = block.rfind(b"\n") + 1
        if len(rest) + (block.find(b"\n") if cut else len(block)) >= MAX_ENTRY_BYTES:
            raise FullDecodeError
        if not cut:
            rest += block
            continue
        yield rest + block[:cut] if rest else block[:cut]
        rest = b""
        if not again:
            rest = block[cut:]
        elif cut < len(block):
            stream.seek(cut - len(block), io.SEEK_CUR)
            left += len(block) - cut
    if rest:
        yield rest


def end_of_line(data: bytes, at: int) -> int:
    """The end of the line around ``at``, its newline left out."""
    end = data.find(b"\n", at)
    return end if end >= 0 else len(data)


def all_of(data: bytes, word: bytes) -> Iterator[int]:
    """Where a word begins, each time."""
    at = data.find(word)
    while at >= 0:
        yield at
        at = data.find(word, at + 1)
