"""Exported entries in pieces of some whole lines: how many entries a piece holds, and when they were written, without
decoding them.

``Look`` does it, in one of two ways: one knows for certain, the other takes less time.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import BinaryIO, TypeAlias, cast

import simdjson

from checks.exports.entries import MAX_ENTRY_BYTES
from checks.exports.times import TIME_KEY, Span, span_of
from checks.exports.words import count

CHUNK_BYTES = 160 * 1024


class FullDecodeError(Exception):
    """A reason to go the other way: the data are not JSON lines, or nearly everything in them is near a trigger."""


# The number of lines of a piece; of entries, -1 where not every line is one; when they were written, None where that is
# not known of each.
Seen: TypeAlias = tuple[int, int, Span | None]


class Look:
    """Counts the entries of a piece, and finds out when they were written: known if all times are in UTC and written
    alike.

    :param thorough: every line is validated (by simdjson). Otherwise it takes lines for entries where there are as many
        times as lines, and elsewhere those that begin and end with a brace.
    """

    def __init__(self, *, thorough: bool) -> None:
        self._validated = Validated() if thorough else None

    def __call__(self, data: bytes) -> Seen:
        """Look at one piece."""
        keys = count(data, TIME_KEY)
        lines = lines_in(data)
        if data[0] != ord("{"):
            entries = -1
        elif self._validated is not None:
            entries = self._validated(data, lines)
        else:
            entries = lines if keys == lines or _braced(data, lines) else -1
        # In a piece where fewer lines have a time than there are, nothing is known of the others.
        return lines, entries, span_of(data, keys) if 0 < entries <= keys else None


def lines_in(data: bytes) -> int:
    """The number of lines, that of one without its newline at the end included."""
    return count(data, b"\n") + (not data.endswith(b"\n"))


def _braced(data: bytes, lines: int) -> bool:
    """Whether every line begins and ends with a brace."""
    return data.endswith((b"}\n", b"}")) and count(data, b"}\n{") + 1 == lines


class Validated:
    """The number of entries, every line validated; -1 where not every line is one."""

    def __init__(self) -> None:
        self._validate = simdjson.Parser().parse

    def __call__(self, data: bytes, lines: int) -> int:
        """Look at one piece of so many lines."""
        if count(data, b"\n{") + 1 != lines:
            return -1
        listed = data.replace(b"\n", b"\n,")
        try:
            array = self._validate(b"".join((b"[", listed, b"0]" if data.endswith(b"\n") else b",0]")))
        except (ValueError, RuntimeError):
            return -1
        return lines if len(cast("simdjson.Array", array)) == lines + 1 else -1


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
