"""What entries tell beside failures: that a pattern matches, that a run has succeeded."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import Any

from checks.logs.activity import Run, Runs, run_of
from checks.logs.entry import entry_of, moment
from checks.logs.glance import Glance
from checks.logs.signals import Signal, SignalScanner
from checks.logs.signatures import Signature

SIGNAL_MARK = "signal:"


class Aside:
    """Takes entries one by one, in any order. For the parameters see ``checks.logs.failures.scan``."""

    def __init__(self, signatures: Sequence[Signature], settled: datetime | None, seen: Container[str]) -> None:
        self._signals = SignalScanner(signatures)
        self._runs = Runs(settled)
        self._seen = seen

    def look(self, raw: Mapping[str, Any], text: str) -> None:
        """Take one entry, and what it says."""
        run = run_of(raw, text)
        if run is not None:
            self._runs.add(run, raw)
        if not text or not self._signals.suspects(text):
            return
        entry = entry_of(raw)
        # An entry may be counted as a signal and still wait to be a part of a failure, or the other way round.
        if entry is not None and SIGNAL_MARK + entry.key not in self._seen:
            self._signals.look(entry)

    def suspected(self, glance: Glance) -> Sequence[int]:
        """The numbers of the entries in which a pattern may match."""
        return self._signals.suspected(glance.texts, glance.said)

    def signals(self) -> tuple[Signal, ...]:
        """What matched."""
        return self._signals.signals()

    def noted(self) -> list[str]:
        """The marked identities of the entries that matched."""
        return [SIGNAL_MARK + key for key in self._signals.counted]

    def activity(self, last_failures: Mapping[str, int]) -> Mapping[str, Run]:
        """Per service the latest successful run, where it began after the last failure (in nanoseconds)."""
        return self._runs.clean({service: moment(at) for service, at in last_failures.items()})

    def unsettled(self) -> Sequence[Mapping[str, Any]]:
        """Entries of runs that may not be complete yet."""
        return self._runs.unsettled()
