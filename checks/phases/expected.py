"""What a phase owes on a run date, prepared once for all dates on which the list is the same."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from checks.pipeline import Phase, Pipeline, Processor


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The processors owed. ``names`` are sorted; completion rows prove something of those in ``by_rows``; ``enough`` is
    how many the quorum takes, None where there is none.
    """

    processors: Mapping[str, Processor]
    names: tuple[str, ...]
    critical: frozenset[str]
    by_rows: frozenset[str]
    enough: int | None

    def all_but(self, missing: frozenset[str]) -> tuple[str, ...]:
        """The names without those, sorted."""
        return tuple(name for name in self.names if name not in missing) if missing else self.names


def expected_of(phase: Phase, run_date: date) -> Expected:
    """What the phase owes for that run date."""
    owed = {processor.name: processor for processor in phase.expected_on(run_date)}
    enough = None
    if phase.quorum_ratio is not None:
        # The ratio as it is written (0.6 is 3/5), since 0.6 * 5 need not be 3 in floating point.
        enough = math.ceil(Fraction(str(phase.quorum_ratio)) * len(owed))
    return Expected(
        processors=owed,
        names=tuple(sorted(owed)),
        critical=frozenset(name for name, processor in owed.items() if processor.critical),
        by_rows=frozenset(
            name
            for name, processor in owed.items()
            if any(proof.valid_on(run_date) for proof in processor.completion_evidence)
        ),
        enough=enough,
    )


@dataclass(slots=True)
class Expectations:
    """The lists of a pipeline by phase and run date; each is made once, however many dates it holds for."""

    pipeline: Pipeline
    _changes: dict[str, list[date]] = field(default_factory=dict)
    _made: dict[tuple[str, int], Expected] = field(default_factory=dict)

    def of(self, phase: Phase, run_date: date) -> Expected:
        """What the phase owes for that run date."""
        changes = self._changes.get(phase.name)
        if changes is None:
            changes = self._changes[phase.name] = _changes(phase)
        era = phase.name, bisect_right(changes, run_date)
        if era not in self._made:
            self._made[era] = expected_of(phase, run_date)
        return self._made[era]


def _changes(phase: Phase) -> list[date]:
    """The run dates from which on another list holds."""
    spans = [span for processor in phase.processors for span in (processor, *processor.evidence)]
    return sorted({day for span in spans for day in (span.valid_from, span.valid_until) if day is not None})
