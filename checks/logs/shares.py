"""Entries gone over in parts, each on its own: what can be judged from a part alone, and what only with the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checks.logs.bursts import bursts
from checks.logs.entry import PLACE, Entry
from checks.logs.failures import Scanner


class Share(Scanner):
    """The failures in one part of the entries of a scan.

    What was written when other parts were, too (``common``), may belong together with entries of theirs: it is not
    judged here, and neither is what may belong together with it in turn. ``left`` says where these entries stand; the
    failures in them are found when those of all parts are gone over together, in their order.
    """

    def __init__(self) -> None:
        super().__init__(failures_only=True)
        self._left: set[int] = set()

    def take(self, raw: dict[str, Any], place: int, *, common: bool) -> None:
        """Take one entry. ``place``: an own number for each."""
        raw[PLACE] = place
        if common:
            self._left.add(place)
        self.add(raw)

    @property
    def left(self) -> Sequence[int]:
        """The places of the entries that were not judged; complete after the ``end``."""
        return sorted(self._left)

    def _group(self, entries: list[Entry]) -> None:
        alone: list[Entry] = []
        for burst in bursts(entries):
            if any(entry.place in self._left for entry in burst):
                self._left.update(entry.place for entry in burst)
            else:
                alone += burst
        super()._group(alone)
