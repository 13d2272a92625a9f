"""Log entries in exported form: bytes in, entries out, in bounded memory. Pure but for the stream it is given.

Understood are JSON lines; arrays, as ``gcloud logging read --format=json`` prints them (one object below the other,
indented) or compact; an object with a list ``entries``, as the API answers; objects spread over lines, as ``jq``
prints them; several of these one after the other; and all of it compressed with gzip or zstd.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias, cast

import simdjson

from checks.exports.compressed import BLOCK_BYTES, DamagedError, decompressed

Entry: TypeAlias = Mapping[str, Any]

# Cloud Logging takes entries up to 256 KiB; what is longer than this is no entry.
MAX_ENTRY_BYTES = 1024 * 1024

_SPACE = re.compile(rb"\s*")
_SEPARATOR = re.compile(rb"[\s,]*")
_ARRAY = re.compile(rb"\[\s*[{\]]")
_MAYBE_ARRAY = re.compile(rb"\[\s*\Z")
_WRAPPER = re.compile(rb'\{\s*(?:"[^"\\]*"\s*:\s*"[^"\\]*"\s*,\s*)*"entries"\s*:\s*\[')
# A string up to its end, or up to the end of its line (no JSON string holds a newline, so its quote is missing); the
# quote of one that is not all there yet; or a bracket.
_TOKEN = re.compile(rb'"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*["\n]|["{}\[\]]')
_IN_STRING = re.compile(rb'\\[^\n]|["\n]')
_OUT_OF_STRING = re.compile(rb'["{}\[\],]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """Something that is not an entry: where it begins (line, from 1), and why in a few words, never its content."""

    line: int
    reason: str


Found: TypeAlias = Sequence[Entry | Malformed]


def iter_entries(stream: BinaryIO, *, max_bytes: int = MAX_ENTRY_BYTES) -> Iterator[Entry | Malformed]:
    """All entries of a stream in its order, and a ``Malformed`` for each thing that is none.

    The memory needed is bounded by ``max_bytes`` per entry, whatever comes.
    """
    parser = EntryParser(max_bytes=max_bytes)
    content = decompressed(stream)
    whole = True
    try:
        while block := content.read1(BLOCK_BYTES):
            yield from parser.feed(block)
    except DamagedError:
        whole = False
    yield from parser.feed(b"", last=True)
    if not whole:
        yield Malformed(line=parser.line, reason="the compressed data end or break here")


class EntryParser:
    """Entries out of blocks of bytes. What is not complete yet waits for the next block.

    ``state`` is JSON-able and says where to go on: ``offset`` is that of the first byte not dealt with yet. A parser
    made with it goes on from there.
    """

    def __init__(self, *, max_bytes: int = MAX_ENTRY_BYTES, state: Mapping[str, Any] | None = None) -> None:
        state = state or {}
        self._max = max_bytes
        self._load = loader()
        self._buffer = b""
        self._at = 0
        self._start: int = state.get("offset", 0)
        self.line: int = state.get("line", 1)
        self._mode: str = state.get("mode", "top")
        self._back: str = state.get("back", "top")
        self._depth: int = state.get("depth", 0)
        self._in_string: bool = state.get("in_string", False)
        self._modes = {
            "top": self._top,
            "array": self._array,
            "wrapper": self._array,
            "skip": self._skip,
            "line": self._skip_line,
        }

    @property
    def state(self) -> dict[str, Any]:
        """Where to go on, once what ``feed`` gave is used up."""
        state: dict[str, Any] = {"offset": self._start + self._at, "line": self.line, "mode": self._mode}
        if self._mode == "skip":
            state.update(back=self._back, depth=self._depth, in_string=self._in_string)
        return state

    @property
    def at_rest(self) -> bool:
        """Whether all that was given is dealt with, and what follows begins anew."""
        return self._mode == "top" and self._at == len(self._buffer)

    @property
    def in_array(self) -> bool:
        """Whether an array has begun and not ended."""
        return self._mode in ("array", "wrapper") or (self._mode == "skip" and self._back != "top")

    def feed(self, block: bytes, *, last: bool = False) -> Iterator[Entry | Malformed]:
        """What is complete with this block. ``last``: nothing follows, so what is half there is malformed."""
        self._start += self._at
        self._buffer = self._buffer[self._at :] + block
        self._at = 0
        while self._at < len(self._buffer):
            found = self._modes[self._mode](last)
            if found is None:
                break
            yield from found
        if last and self._mode in ("array", "wrapper"):
            yield Malformed(line=self.line, reason="the array is not closed")

    # -- modes: each looks at the buffer from ``_at`` on, and returns what it found, or None if it needs more -------

    def _top(self, last: bool) -> Found | None:
        """Between values: a line with an object, or the beginning of something longer."""
        if self._start + self._at == 0 and self._buffer.startswith(b"\xef\xbb\xbf"):
            self._at = 3
        self._advance(self._match(_SPACE).end())
        buffer, at = self._buffer, self._at
        if at == len(buffer):
            return ()
        opener = buffer[at : at + 1]
        if opener == b"[" and _ARRAY.match(buffer, at):
            self._mode = "array"
            self._advance(at + 1)
            return ()
        if opener == b"[" and _MAYBE_ARRAY.match(buffer, at) and not last:
            return None
        return self._line(last)

    def _line(self, last: bool) -> Found | None:
        """At the first byte of a line that begins no array."""
        buffer, at = self._buffer, self._at
        is_object = buffer[at : at + 1] == b"{"
        newline = buffer.find(b"\n", at)
        end = newline + 1 if newline >= 0 else len(buffer)
        if end - at > self._max:
            if wrapper := _WRAPPER.match(buffer, at):
                return self._enter_wrapper(wrapper.end())
            self._mode = "line"
            return (self._too_long(),)
        # A line may end with the file: a whole object is whole without a newline, and half of one never parses.
        if newline < 0 and not last and not (is_object and buffer.endswith(b"}")):
            return None
        value = self._load(buffer[at:end])
        if value is None and newline < 0 and not last:
            return None
        if value is None and is_object:
            return self._spread(end, last)
        found = self._entries_of(value)
        self._advance(end)
        return found

    def _spread(self, line_end: int, last: bool) -> Found | None:
        """A line that begins an object and does not end it."""
        buffer, at = self._buffer, self._at
        if wrapper := _WRAPPER.match(buffer, at):
            return self._enter_wrapper(wrapper.end())
        if buffer[at:line_end].strip() == b"{":
            close = buffer.find(b"\n}", at)
            if close < 0 and not last and len(buffer) - at <= self._max:
                return None
            value = self._load(buffer[at : close + 2]) if close >= 0 else None
            if value is not None:
                found = self._entries_of(value)
                self._advance(close + 2)
                return found
        found = (Malformed(line=self.line, reason="not JSON"),)
        self._advance(line_end)
        return found

    def _enter_wrapper(self, inside: int) -> Found:
        self._mode = "wrapper"
        self._advance(inside)
        return ()

    def _array(self, last: bool) -> Found | None:
        """Before an element, or the end, of an array."""
        buffer, at = self._buffer, self._at
        start = self._match(_SEPARATOR).end()
        if start == len(buffer):
            return None
        opener = buffer[start : start + 1]
        if opener == b"]":
            self._advance(start + 1)
            if self._mode == "array":
                self._mode = "top"
            else:  # what else the wrapping object holds
                self._mode, self._back, self._depth, self._in_string = "skip", "top", 1, False
            return ()
        if opener == b"{":
            end = _element_end(buffer, at, start)
            if end is None and not last and len(buffer) - start <= self._max:
                return None
            if end is not None and end - start <= self._max:
                self._advance(start)
                value = self._load(buffer[start:end])
                found = self._entries_of(value, wrapped=False)
                # A broken element may have swallowed others: those that begin a line are found again.
                again = buffer.find(b"\n{", start, end) if value is None else -1
                self._advance(again if again >= 0 else end)
                return found
        self._advance(start)
        found = (
            self._too_long()
            if len(buffer) - start > self._max
            else Malformed(line=self.line, reason="not a whole object" if opener == b"{" else "not an object"),
        )
        self._back, self._mode, self._depth, self._in_string = self._mode, "skip", 0, False
        return found

    def _skip(self, last: bool) -> Found | None:
        """Inside something that is left out, up to its end, holding none of it."""
        while True:
            token = (_IN_STRING if self._in_string else _OUT_OF_STRING).search(self._buffer, self._at)
            if token is None:
                # A backslash at the end belongs to the byte after it.
                keep = 1 if self._in_string and self._buffer.endswith(b"\\") and not last else 0
                self._advance(len(self._buffer) - keep)
                return None
            if self._in_string:
                # No JSON string holds a newline: after a missing quote, the next line is a new start.
                self._in_string = token[0].startswith(b"\\")
            elif token[0] == b'"':
                self._in_string = True
            elif self._depth == 0 and token[0] in (b",", b"]"):
                self._advance(token.start())
                self._mode = self._back
                return ()
            elif token[0] in (b"{", b"["):
                self._depth += 1
            elif token[0] in (b"}", b"]"):
                self._depth = max(0, self._depth - 1)
                if self._depth == 0 and self._back == "top":
                    self._mode = "top"
                    self._advance(token.end())
                    return ()
            self._advance(token.end())

    def _skip_line(self, last: bool) -> Found | None:  # noqa: ARG002 - all modes are called alike
        """Inside a line that is left out."""
        newline = self._buffer.find(b"\n", self._at)
        if newline >= 0:
            self._mode = "top"
        self._advance(newline + 1 if newline >= 0 else len(self._buffer))
        return ()

    # -- helpers --------------------------------------------------------------------------------------------------

    def _match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
        """For patterns that match anything, also nothing."""
        return cast("re.Match[bytes]", pattern.match(self._buffer, self._at))

    def _advance(self, to: int) -> None:
        self.line += self._buffer.count(b"\n", self._at, to)
        self._at = to

    def _too_long(self) -> Malformed:
        return Malformed(line=self.line, reason=f"longer than {self._max} bytes")

    def _entries_of(self, value: object, *, wrapped: bool = True) -> Found:
        """The entries in one JSON value that begins at the present line."""
        if isinstance(value, dict):
            inner = value.get("entries")
            if not wrapped or not isinstance(inner, list):
                return (value,)
            return [e if isinstance(e, dict) else Malformed(line=self.line, reason="not an object") for e in inner]
        return (Malformed(line=self.line, reason="not JSON" if value is None else "not an object"),)


def _element_end(buffer: bytes, before: int, start: int) -> int | None:
    """Where the object at ``start`` ends, None if that is not in the buffer. ``before``: where the last one ended."""
    space = buffer[before:start]
    if b"\n" in space and buffer[start + 1 : start + 2] in (b"\n", b"\r"):
        # Printed over lines: it ends at the first brace with its own indentation, even if something inside is broken.
        # A line break in a string is written as \n, so no line inside a string can look like that.
        close = b"\n" + space[space.rindex(b"\n") + 1 :] + b"}"
        found = buffer.find(close, start)
        return found + len(close) if found >= 0 else None
    depth = 0
    for token in _TOKEN.finditer(buffer, start):
        if token[0] in (b"{", b"["):
            depth += 1
        elif token[0] in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                return token.end()
        elif token[0] == b'"':
            return None
    return None


def loader() -> Callable[[bytes], Any]:
    """A function that gives a JSON value, None for what is not JSON (``null`` is no entry either). For one thread.

    simdjson takes half the time of ``json``, which has the last word on what simdjson refuses: ``NaN``, integers of
    more than 64 bits, halves of surrogate pairs.
    """
    parse = simdjson.Parser().parse

    def load(raw: bytes) -> Any:
        try:
            return parse(raw, recursive=True)
        except (ValueError, RuntimeError):
            pass
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            return None

    return load
