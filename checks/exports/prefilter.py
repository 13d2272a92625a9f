"""Exported entries for a scan, without decoding those that cannot matter: many times faster than reading them all.

Two passes over the data. The first validates every line, counts the entries, and finds those with a trigger (the words
without which no entry tells of a failure, ``checks.logs.triggers``) in the raw bytes. The second decodes these, and
what the same instance wrote within some seconds of them: frames, headers, and the line before a traceback.

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
a trigger nor is near one, and begins with a brace where there are as many times as lines, or begins and ends with one.
The failures are the same; a broken line may be counted as an entry.
"""

from __future__ import annotations

import io
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple, TypeAlias

from checks.exports.entries import Entry, EntryParser, Malformed, loader
from checks.exports.pieces import CHUNK_BYTES, FullDecodeError, Look, pieces_of
from checks.exports.times import GRAIN, TIME_KEY, Span, grain_at
from checks.exports.wanted import Wanted
from checks.exports.words import all_of, end_of_line, find, searcher
from checks.logs.entry import NANOS_PER_SECOND, instance_of, thread_of, written
from checks.logs.payload import payload_text
from checks.logs.triggers import TRIGGER_PARTS, has_trigger

MAX_WANTED = 200_000  # (name, time) pairs held; with more than that nearly everything is near a trigger
REACH = 3  # grains: what was written within 6 seconds of a trigger may belong to it (a traceback goes stale after 5)
_ESCAPE = re.compile(rb"\\u00(?:[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|20|2[cCeE]|3[aA])")
_COLOUR = re.compile(rb"\\u001[bB](?:\[[0-9;?]{0,20}[A-Za-z]|[()][A-Z0-9])")
_PLAIN_NAME = re.compile(r"[\w.:-]+", re.ASCII)
_SPECIAL = (b"\\u00", b'"entries"', b'"split"')
_ESCAPED = 0  # where an escape stands among the words searched for
_FEW = 8  # names, each of which is searched for in a piece; of more the values after these keys are looked at
_NAME_KEYS = (
    b'"instanceId"',
    b'"instance_id"',
    b'"execution_id"',
    b'execution_name"',  # of run.googleapis.com, however the slash is written
    b'"trace"',
    b'"spanId"',
)
_USUAL_COLON = b': "'
_COLON = re.compile(rb'\s*:\s*"')


@dataclass(frozen=True, slots=True)
class Passed:
    """Entries that were counted and not decoded."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some whole lines of a stream, as the survey found them.

    ``line``: the number of the first one. ``entries``: -1 where not every line is one. ``hits``: where the lines begin
    that are selected in any case. ``times``: of the earliest and the latest entry, in grains; None where not known.
    """

    size: int
    line: int
    lines: int
    entries: int
    hits: array[int]
    times: Span | None
    first: bool


class Located(NamedTuple):
    """An entry that was selected: of which piece, at what offset its line begins, the line, and what it holds."""

    piece: Piece
    at: int
    line: bytes
    entry: dict[str, Any]


# Per name when its triggers were, in order.
Near: TypeAlias = dict[bytes, list[int]]
# A line that is an entry; what is decoded already; or how many were passed over.
Selected: TypeAlias = bytes | Entry | Malformed | Passed


class Prefilter:
    """Two passes over a stream: ``survey``, then, once all streams of the scan are surveyed, ``selected``.

    :param literals: what further patterns need an entry to hold, in ASCII letters and digits; such are selected too.
    :param chunk_bytes: about how much is looked at at once.
    :param thorough: look at every line (see above).
    """

    def __init__(self, *, literals: Sequence[str] = (), chunk_bytes: int = CHUNK_BYTES, thorough: bool = True) -> None:
        # glibc gives large blocks back to the system, to be cleared anew each time; but not those smaller than the
        # largest one given back so far (mallopt(3), M_MMAP_THRESHOLD). That was a fifth of the time.
        bytes(4 * chunk_bytes)
        self._look = Look(thorough=thorough)
        self._load = loader()
        self._search = searcher([*_SPECIAL, *(word.encode("ascii") for word in (*TRIGGER_PARTS, *literals))])
        self._chunk_bytes = chunk_bytes
        self._names: dict[str, bytes] = {}
        self.wanted = Wanted()
        self.split = False  # whether an entry was seen that is a part of a larger one

    def survey(self, stream: BinaryIO, size: int | None = None, *, first: bool = True) -> Iterator[Piece]:
        """Count the entries of a stream, and collect in ``wanted`` what is near the triggers in them.

        :param size: stop after so many bytes, which end with a line; None: read it all.
        :param first: this is where the data begin, not a later part of them.
        :raises FullDecodeError: where no time can be saved.
        """
        line = 1
        for data in pieces_of(stream, size, self._chunk_bytes):
            piece = self._piece(data, line, first=first and line == 1)
            line += piece.lines
            yield piece

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
        near = _Near(wanted)
        passed = at = ahead = 0
        for piece in pieces:
            names = near.names(piece)
            if piece.entries >= 0 and not piece.hits and not names:
                passed += piece.entries
                ahead += piece.size
                continue
            _skip(stream, ahead)
            at += ahead
            ahead = 0
            data = stream.read(piece.size)
            if piece.entries < 0:
                yield from _parsed(data, piece.line, first=piece.first)
            else:
                lines = sorted(near.lines(data, names, set(piece.hits)))
                passed += piece.entries - len(lines)
                for start in lines:
                    line = data[start : end_of_line(data, start)]
                    entry = self._load(line)
                    if entry is None:
                        yield Malformed(line=piece.line + data.count(b"\n", 0, start), reason="not JSON")
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


class _Near:
    """Finds the lines that are near a trigger of their own instance."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        # One search for each: for a single word the searcher takes a thirtieth of the time.
        self._keys = [searcher([key]) for key in _NAME_KEYS]

    def names(self, piece: Piece) -> Near:
        """Whose triggers are close in time to a piece, and when."""
        if piece.times is None:
            return self._wanted.near(None, None)
        return self._wanted.near(piece.times[0] - REACH, piece.times[1] + REACH)

    def lines(self, data: bytes, near: Near, hits: set[int]) -> set[int]:
        """Where in a piece they begin. ``near``: what ``names`` gave for this piece; ``hits``: lines that are taken in
        any case.
        """
        taken = hits
        if b"" in near:
            line_starts = [0, *(at + 1 for at in all_of(data[:-1], b"\n"))]
            found = [(grains, start) for start in line_starts for grains in near.values()]
        elif len(near) < _FEW:
            found = [(grains, at) for name, grains in near.items() for at in all_of(data, name)]
        else:
            found = list(self._named(data, near))
        for grains, at in found:
            start = data.rfind(b"\n", 0, at) + 1
            if start not in taken:
                grain = _grain_of_line(data, start, end_of_line(data, at))
                if grain is None or _close(grain, grains):
                    taken.add(start)
        return taken

    def _named(self, data: bytes, near: Near) -> Iterator[tuple[list[int], int]]:
        """Where names stand that are near, after the keys that names of instances and executions have."""
        for search in self._keys:
            for _, at, key in search(data):
                begin = key + len(_USUAL_COLON)
                if data[key:begin] != _USUAL_COLON:
                    colon = _COLON.match(data, key)
                    if colon is None:
                        continue
                    begin = colon.end()
                grains = near.get(data[begin - 1 : data.find(b'"', begin) + 1])
                if grains is not None:
                    yield grains, at


def grain_of_entry(raw: Mapping[str, Any]) -> int | None:
    """When an entry was written, in grains; None where nothing says it."""
    nanos = written(raw)
    return None if nanos is None else nanos // (GRAIN * NANOS_PER_SECOND)


def _grain_of_line(data: bytes, start: int, end: int) -> int | None:
    """When a line was written, in grains; None where that is not plain."""
    key = find(data, TIME_KEY, start, end)
    # With a second timestamp, in the payload, it is not known which is the entry's own.
    if key < 0 or find(data, TIME_KEY, key + 1, end) >= 0:
        return None
    return grain_at(data, key + len(TIME_KEY))


def _close(grain: int, grains: Sequence[int]) -> bool:
    """Whether something at one time is near any of some others, which are in order."""
    at = bisect_left(grains, grain - REACH)
    return at < len(grains) and grains[at] <= grain + REACH


def _parsed(data: bytes, line: int, *, first: bool) -> list[Entry | Malformed]:
    """What ``EntryParser`` makes of a piece."""
    parser = EntryParser(state={"offset": 0 if first else 1, "line": line})
    found = list(parser.feed(data, last=not data.endswith(b"\n")))
    if not parser.at_rest:
        raise FullDecodeError
    return found


def _skip(content: BinaryIO, size: int) -> None:
    """Go ahead in a stream."""
    if content.seekable():
        content.seek(size, io.SEEK_CUR)
        return
    while size > 0:
        size -= len(content.read(min(size, CHUNK_BYTES)))
