"""Lines near a trigger: of the same instance or execution, and written within some seconds of it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from checks.exports.times import TIME_KEY, Span, grain_at
from checks.exports.wanted import Wanted
from checks.exports.words import all_of, end_of_line, find, searcher

REACH = 3  # grains: what was written within 6 seconds of a trigger may belong to it (a traceback goes stale after 5)
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

# Per name when its triggers were, in order.
Near: TypeAlias = dict[bytes, list[int]]


class Finder:
    """Finds the lines that are near a trigger of their own instance."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        # One search for each: for a single word the searcher takes a thirtieth of the time.
        self._keys = [searcher([key]) for key in _NAME_KEYS]

    def names(self, times: Span | None) -> Near:
        """Whose triggers are close to some times, and when; None: to any."""
        if times is None:
            return self._wanted.near(None, None)
        return self._wanted.near(times[0] - REACH, times[1] + REACH)

    def lines(self, data: bytes, near: Near, hits: set[int]) -> set[int]:
        """Where in a piece they begin. ``near``: what ``names`` gave for its times; ``hits``: lines that are taken in
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
