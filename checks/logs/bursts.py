"""The entries of one group -> what happened in it. What repeats itself is judged once, however often it is written.

A group falls into bursts: after five seconds of silence nothing that was written before matters. What is made of a
burst depends on what its entries say, at which levels, in which logs, and on how far apart they are, and on nothing
else. So what was made of one is remembered, and given for all that are like it: storms repeat the same few tracebacks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TypeAlias

from checks.logs.chains import RAISED, Chain, Mention
from checks.logs.entry import Entry
from checks.logs.occurrences import SAME_EXCEPTION, Happening, Occurrence, occurrences
from checks.logs.stitch import is_interesting
from checks.logs.tracebacks import CARRIED_WITHIN, NOTE_WITHIN, STALE, StreamParser

# All distances in time that parsers and ``occurrences`` compare with: between two neighbours in this row all are alike.
_DISTANCES = (0, NOTE_WITHIN, CARRIED_WITHIN, SAME_EXCEPTION, STALE)
_MAX_CLUSTERS = 6
_MAX_REMEMBERED = 4_000_000  # characters

_Key: TypeAlias = tuple[object, ...]
# What happened, and the numbers of the entries in the burst that tell of it, and that repeat it.
_Known: TypeAlias = tuple[tuple[Happening, tuple[int, ...], tuple[int, ...]], ...]


class Bursts:
    """Judges groups of entries, one after the other."""

    def __init__(self) -> None:
        self._known: dict[_Key, _Known] = {}
        self._size = 0

    def judge(self, group: Sequence[Entry]) -> list[Occurrence]:
        """What happened, in order of time. The entries come in order of time."""
        found: list[Occurrence] = []
        for burst in bursts(group):
            core = _core(burst)
            if core:
                found += self._judge(core)
        return found

    def _judge(self, burst: Sequence[Entry]) -> list[Occurrence]:
        likeness = _likeness(burst)
        known = self._known.get(likeness) if likeness is not None else None
        if known is not None:
            return [
                Occurrence(what, tuple([burst[at] for at in telling]), tuple([burst[at] for at in repeating]))
                for what, telling, repeating in known
            ]
        found = occurrences(events(burst))
        if likeness is not None:
            self._remember(likeness, burst, found)
        return found

    def _remember(self, likeness: _Key, burst: Sequence[Entry], found: Sequence[Occurrence]) -> None:
        self._size += sum(len(entry.text) for entry in burst)
        if self._size > _MAX_REMEMBERED:
            self._known.clear()
            self._size = 0
        places = {id(entry): at for at, entry in enumerate(burst)}
        self._known[likeness] = tuple(
            (
                one.what,
                tuple(places[id(entry)] for entry in one.telling),
                tuple(places[id(entry)] for entry in one.repeating),
            )
            for one in found
        )


def bursts(group: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """The parts of a group between which nothing was written for so long that one has nothing to do with the next."""
    begin = 0
    for end in range(1, len(group) + 1):
        if end == len(group) or group[end].nanos - group[end - 1].nanos > STALE:
            yield group[begin:end]
            begin = end


def _core(burst: Sequence[Entry]) -> Sequence[Entry]:
    """A burst without what can be told to be of no concern at its beginning and its end; empty if that is all."""

    def far(at: int) -> bool:
        return burst[at].nanos - burst[at - 1].nanos > CARRIED_WITHIN

    first, last = 0, len(burst) - 1
    while first < last and far(first + 1) and _inert(burst[first]):
        first += 1
    while first < last and far(last) and _inert(burst[last]):
        last -= 1
    return burst[first : last + 1] if first < last or not _inert(burst[first]) else ()


def _inert(entry: Entry) -> bool:
    """Whether nothing can be made of an entry but the one who carried a traceback that follows at once."""
    text = entry.text
    return "\n" not in text and not is_interesting(text) and not RAISED.match(text)


def _likeness(burst: Sequence[Entry]) -> _Key | None:
    """The same for bursts of which the same is made; None where that would take longer to find out than it saves."""
    said: list[object] = []
    clusters: list[list[int]] = []  # first and last time of what was written within the smallest of the distances
    before = None
    for entry in burst:
        nanos = entry.nanos
        said += (entry.text, entry.level, entry.log, entry.logged, entry.alone, nanos == before)
        before = nanos
        if clusters and nanos - clusters[-1][0] <= NOTE_WITHIN:
            clusters[-1][1] = nanos
        else:
            clusters.append([nanos, nanos])
            said.append(len(said))
    if len(clusters) > _MAX_CLUSTERS:
        return None
    for one, other in combinations(clusters, 2):
        near, far = bisect_left(_DISTANCES, other[0] - one[1]), bisect_left(_DISTANCES, other[1] - one[0])
        if near != far:  # some of their entries are closer to one another than others, in a way that matters
            return None
        said.append(near)
    return tuple(said)


def events(burst: Sequence[Entry]) -> list[Chain | Mention]:
    """Each of the logs read as one text."""
    found: list[Chain | Mention] = []
    streams: dict[str, StreamParser] = {}
    for entry in burst:
        if entry.alone:
            parser = StreamParser()
            parser.feed(entry)
            parser.close()
            found += parser.events
        else:
            if entry.log not in streams:
                streams[entry.log] = StreamParser()
            streams[entry.log].feed(entry)
    for log in sorted(streams):
        streams[log].close()
        found += streams[log].events
    return found
