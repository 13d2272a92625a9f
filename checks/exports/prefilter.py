"""Exported entries for a scan, without decoding those that cannot matter: many times faster than reading them all.

Two passes over the data. The first validates every line, counts the entries, and finds those with a trigger (the words
without which no entry tells of a failure, ``checks.logs.triggers``) in the raw bytes. The second decodes these, and
what the same instance wrote within some seconds of them: frames, headers, and the line before a traceback. It does not
read again what the first one could keep: lines near which nothing more turned up later.

Why nothing is lost (tested against a full decode):

- A trigger is plain ASCII, so JSON holds it either verbatim or with ``u00XX`` escapes: a line with an escape that
  could stand for a character of a trigger or of a key is decoded whatever else it holds.
- A line counts as an entry only if the validator (simdjson) accepts it as a whole JSON object. Where it does not
  accept every line of a piece, that piece is parsed by ``EntryParser``, whose judgement is final. simdjson accepts
  nothing that ``json`` refuses, but for objects nested some 900 deep, and for one arrangement: an object broken inside
  a list just before another line, and in the same piece two objects with a comma between them on one line.
- Entries of one text have the same instance (or execution): a line that does not hold its name verbatim is not of it,
  nor one that does not hold it after a key that such names have.
- The second pass looks at the pieces whose times are near a trigger. The times of a piece are those of all its lines,
  so that a single line far from its place is found too. One arrangement escapes: an entry without a timestamp of its
  own, but with one inside its payload, which is taken for its own (Cloud Logging gives every entry a timestamp).
- Data that are not JSON lines (arrays, objects spread over lines), or have lines longer than an entry can be, or are
  near a trigger nearly everywhere, are decoded in full.

With ``thorough=False`` one thing is taken on trust, for a fifth less work: that a line is an entry that neither holds
a trigger nor is near one, where there are as many times as lines, or where every line begins and ends with a brace.
The failures are the same; a broken line may be counted as an entry.
"""

from __future__ import annotations

import io
import re
from array import array
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, NamedTuple, TypeAlias

from checks.exports.entries import Entry, EntryParser, Malformed, loader
from checks.exports.near import REACH, Finder, Near
from checks.exports.pieces import CHUNK_BYTES, FullDecodeError, Look, pieces_of
from checks.exports.times import GRAIN, Span
from checks.exports.wanted import Wanted
from checks.exports.words import end_of_line, searcher
from checks.logs.entry import NANOS_PER_SECOND, instance_of, thread_of, written
from checks.logs.payload import payload_text
from checks.logs.triggers import TRIGGER_PARTS, has_trigger

MAX_WANTED = 200_000  # (name, time) pairs held; with more than that nearly everything is near a trigger
KEEP_BYTES = 2 * 1024 * 1024
_MAX_WAITING = 1_500_000  # bytes
_ESCAPE = re.compile(rb"\\u00(?:[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|20|2[cCeE]|3[aA])")
_COLOUR = re.compile(rb"\\u001[bB](?:\[[0-9;?]{0,20}[A-Za-z]|[()][A-Z0-9])")
_PLAIN_NAME = re.compile(r"[\w.:-]+", re.ASCII)
_SPECIAL = (b"\\u00", b'"entries"', b'"split"')
_ESCAPED = 0  # where an escape stands among the words searched for


@dataclass(frozen=True, slots=True)
class Passed:
    """Entries that were counted and not decoded."""

    count: int


class Kept(NamedTuple):
    """Lines of a piece with the places where they begin in it, and what was near it."""

    near: Near
    lines: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some whole lines of a stream, as the survey found them.

    ``line``: the number of the first one. ``entries``: -1 where not every line is one. ``hits``: where the lines begin
    that are selected in any case. ``times``: of the earliest and the latest entry, in grains; None where not known.
    ``kept``: the lines to be selected, if no more triggers are near it than when these were looked for.
    """

    size: int
    line: int
    lines: int
    entries: int
    hits: array[int]
    times: Span | None
    first: bool
    kept: Kept | None = None


class Located(NamedTuple):
    """An entry that was selected: of which piece, at what offset its line begins, the line, and what it holds."""

    piece: Piece
    at: int
    line: bytes
    entry: dict[str, Any]


# A line that is an entry; what is decoded already; or how many were passed over.
Selected: TypeAlias = bytes | Entry | Malformed | Passed


class Prefilter:
    """Two passes over a stream: ``survey``, then, once all streams of the scan are surveyed, ``selected``.

    :param literals: what further patterns need an entry to hold, in ASCII letters and digits; such are selected too.
    :param chunk_bytes: about how much is looked at at once.
    :param thorough: look at every line (see above).
    :param keep_bytes: about how many bytes of lines may be kept by the survey, so as not to be read again.
    """

    def __init__(
        self,
        *,
        literals: Sequence[str] = (),
        chunk_bytes: int = CHUNK_BYTES,
        thorough: bool = True,
        keep_bytes: int = KEEP_BYTES,
    ) -> None:
        # glibc gives large blocks back to the system, to be cleared anew each time; but not those smaller than the
        # largest one given back so far (mallopt(3), M_MMAP_THRESHOLD). That was a fifth of the time.
        bytes(4 * chunk_bytes)
        self._look = Look(thorough=thorough)
        self._load = loader()
        self._search = searcher([*_SPECIAL, *(word.encode("ascii") for word in (*TRIGGER_PARTS, *literals))])
        self._chunk_bytes = chunk_bytes
        self._names: dict[str, bytes] = {}
        self._room = keep_bytes
        self.wanted = Wanted()
        self._finder = Finder(self.wanted)
        self.split = False  # whether an entry was seen that is a part of a larger one

    def survey(self, stream: BinaryIO, size: int | None = None, *, first: bool = True) -> Iterator[Piece]:
        """Count the entries of a stream, and collect in ``wanted`` what is near the triggers in them.

        :param size: stop after so many bytes, which end with a line; None: read it all.
        :param first: this is where the data begin, not a later part of them.
        :raises FullDecodeError: where no time can be saved.
        """
        line = 1
        waiting: deque[tuple[Piece, bytes]] = deque()
        for data in pieces_of(stream, size, self._chunk_bytes):
            piece = self._piece(data, line, first=first and line == 1)
            line += piece.lines
            waiting.append((piece, data))
            while waiting and _is_past(waiting[0][0], piece):
                yield self._kept(*waiting.popleft())
            if len(waiting) * self._chunk_bytes > _MAX_WAITING:
                yield waiting.popleft()[0]
        for last, data in waiting:
            yield self._kept(last, data)

    def selected(self, stream: BinaryIO, pieces: Sequence[Piece], wanted: Wanted) -> Iterator[Selected]:
        """The entries that may be part of a failure, and what is no entry, in order.

        :param stream: the surveyed one, at the same place again; ``pieces``: the survey.
        :param wanted: that of all surveys of this scan.
        """
        for one in self.located(stream, pieces, wanted):
            if isinstance(one, Located):
                yield one.line
            else:
                yield one

    def located(
        self, stream: BinaryIO, pieces: Sequence[Piece], wanted: Wanted
    ) -> Iterator[Located | Entry | Malformed | Passed]:
        """The same; lines with their entry and their place."""
        finder = Finder(wanted)
        source = _Source(stream)
        passed = at = 0
        for piece in pieces:
            near = finder.names(piece.times)
            if piece.entries < 0:
                yield from _parsed(source.read(at, piece.size), piece.line, first=piece.first)
            elif not piece.hits and not near:
                passed += piece.entries
            else:
                if piece.kept is not None and piece.kept.near == near:
                    lines = piece.kept.lines
                else:
                    lines = _lines(source.read(at, piece.size), finder, piece, near)
                passed += piece.entries - len(lines)
                for start, line in lines:
                    entry = self._load(line)
                    if entry is None:
                        before = source.read(at, piece.size).count(b"\n", 0, start)
                        yield Malformed(line=piece.line + before, reason="not JSON")
                    else:
                        yield Located(piece, at + start, line, entry)
            at += piece.size
        yield Passed(passed)

    # -- the survey of one piece ----------------------------------------------------------------------------------

    def _piece(self, data: bytes, line: int, *, first: bool) -> Piece:
        lines, entries, times = self._look(data)
        hits = array("i", self._hits(data) if entries >= 0 else ())
        grains: list[int] = []
        for at in hits:
            entry = self._load(data[at : end_of_line(data, at)])
            if entry is None or isinstance(entry.get("entries"), list):
                entries, hits, times = -1, array("i"), None
                break
            self.split = self.split or "split" in entry
            grains += self._want(entry)
        if entries < 0:
            for item in _parsed(data, line, first=first):
                if isinstance(item, dict) and ("split" in item or has_trigger(payload_text(item)[0])):
                    self._want(item)
        if times is not None and grains:
            times = (min(times[0], *grains), max(times[1], *grains))
        return Piece(size=len(data), line=line, lines=lines, entries=entries, hits=hits, times=times, first=first)

    def _kept(self, piece: Piece, data: bytes) -> Piece:
        """The piece with its lines that are to be selected, if there is room for them: where data are in order of time,
        nothing that follows changes what is near it. Then it need not be read again.
        """
        if self._room <= 0 or piece.entries < 0 or piece.times is None:
            return piece
        near = self._finder.names(piece.times)
        if not piece.hits and not near:
            return piece
        kept = Kept(near, _lines(data, self._finder, piece, near))
        self._room -= sum(len(line) for _, line in kept.lines)
        return replace(piece, kept=kept)

    def _hits(self, data: bytes) -> Iterator[int]:
        """Where the lines with triggers begin."""
        end = 0
        for word, at, _ in self._search(data):
            if at < end:
                continue
            if word == _ESCAPED and not _ESCAPE.match(data, at):
                if not _COLOUR.match(data, at):
                    continue
                # A colour may stand inside a word; if there is none without it, the next word is looked at.
                start = data.rfind(b"\n", 0, at) + 1
                plain = _COLOUR.sub(b"", data[start : end_of_line(data, at)])
                if not any(
                    word > _ESCAPED or (word == _ESCAPED and _ESCAPE.match(plain, at))
                    for word, at, _ in self._search(plain)
                ):
                    continue
            start = data.rfind(b"\n", 0, at) + 1
            end = end_of_line(data, at)
            yield start

    def _want(self, raw: Mapping[str, Any]) -> tuple[int, ...]:
        """What is near this entry is wanted. Gives its time in grains, if it has one."""
        grain = grain_of_entry(raw)
        if grain is None:
            return ()
        # Another entry of the same text holds one of these as a value of its own.
        name = self._name(instance_of(raw)) or self._name(thread_of(raw))
        self.wanted.add(grain, name)
        if len(self.wanted) > MAX_WANTED:
            raise FullDecodeError
        return (grain,)

    def _name(self, text: str) -> bytes:
        """A name in quotes; empty for one that cannot be searched for."""
        name = self._names.get(text)
        if name is None and _PLAIN_NAME.fullmatch(text):
            name = self._names[text] = b'"%b"' % text.encode()
        return name or b""


def grain_of_entry(raw: Mapping[str, Any]) -> int | None:
    """When an entry was written, in grains; None where nothing says it."""
    nanos = written(raw)
    return None if nanos is None else nanos // (GRAIN * NANOS_PER_SECOND)


def _parsed(data: bytes, line: int, *, first: bool) -> list[Entry | Malformed]:
    """What ``EntryParser`` makes of a piece."""
    parser = EntryParser(state={"offset": 0 if first else 1, "line": line})
    found = list(parser.feed(data, last=not data.endswith(b"\n")))
    if not parser.at_rest:
        raise FullDecodeError
    return found


def _is_past(piece: Piece, latest: Piece) -> bool:
    """Whether what is near a piece is known by now, if all is in order of time."""
    return piece.times is not None and latest.times is not None and piece.times[1] + REACH < latest.times[0]


def _lines(data: bytes, finder: Finder, piece: Piece, near: Near) -> tuple[tuple[int, bytes], ...]:
    """The lines of a piece that are to be selected, with the places where they begin in it."""
    starts = sorted(finder.lines(data, near, set(piece.hits)))
    return tuple((start, data[start : end_of_line(data, start)]) for start in starts)


class _Source:
    """Reads pieces of a stream in their order, and each as often as it is asked for."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._begin = self._end = 0
        self._last = b""

    def read(self, at: int, size: int) -> bytes:
        """The piece that begins at this place."""
        if at != self._begin or size != len(self._last):
            ahead = at - self._end
            if self._stream.seekable():
                self._stream.seek(ahead, io.SEEK_CUR)
            else:
                while ahead > 0:
                    ahead -= len(self._stream.read(min(ahead, CHUNK_BYTES)))
            self._last = self._stream.read(size)
            self._begin, self._end = at, at + len(self._last)
        return self._last
