"""Who started a phase: what is declared to do it, or only the schedule that stands behind it. Pure.

No table says it. What can be known is when the upstream was satisfied, when the phase's first completion after that
came, and when the fallback was to start it; where these leave room for both, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from checks.phases.model import PhaseDay, PhaseState
from checks.pipeline import HandOver, Pipeline, StarterKind


class Started(StrEnum):
    """How a phase was started for a run date."""

    AS_DECLARED = "as declared"  # its first completion came before any fallback could have started it
    BY_FALLBACK = "by the fallback"  # what is declared had its time and did nothing; the fallback did
    NOT_YET = "not started"  # what is declared had its time and did nothing; the fallback is still to come
    UNCLEAR = "unclear"  # the times allow for both
    WAITING = "waiting"  # the upstream is not satisfied, or was only lately


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How a phase was started for a run date, and the three moments it was judged by.

    ``fallback_at`` is the fallback that started it, or the next one to come; None where none plays a part.
    """

    phase: str
    run_date: date
    declared: HandOver
    how: Started
    satisfied_at: datetime | None = None
    first_at: datetime | None = None
    fallback_at: datetime | None = None


def starts(pipeline: Pipeline, days: Sequence[Sequence[PhaseDay]], at: datetime) -> tuple[Start, ...]:
    """One for each phase and owed run date whose start is declared and is more than an observation."""
    answer = []
    for day in days:
        by_name = {phase_day.phase: phase_day for phase_day in day}
        for phase_day in day:
            declared = pipeline.phase(phase_day.phase).hand_over_on(phase_day.run_date)
            if declared is None or declared.kind is StarterKind.OBSERVATION:
                continue
            if phase_day.state not in (PhaseState.NOT_EXPECTED, PhaseState.UNKNOWN):
                satisfied_at = _satisfied_at([by_name.get(name) for name in phase_day.upstream])
                fallbacks = [moment.on(phase_day.run_date, pipeline.zone) for moment in declared.fallbacks]
                answer.append(_start(phase_day, declared, satisfied_at, sorted(fallbacks), at=at))
    return tuple(answer)


def _satisfied_at(upstream: Sequence[PhaseDay | None]) -> datetime | None:
    """When the last of them was satisfied; None if one is not, or if there is none to be satisfied."""
    moments = [phase_day.satisfied_at if phase_day is not None else None for phase_day in upstream]
    known = [moment for moment in moments if moment is not None]
    return max(known) if known and len(known) == len(moments) else None


def _start(
    phase_day: PhaseDay,
    declared: HandOver,
    satisfied_at: datetime | None,
    fallbacks: Sequence[datetime],
    *,
    at: datetime,
) -> Start:
    first_at, how, fallback_at = None, Started.WAITING, None
    if satisfied_at is not None:
        moments = sorted(phase_day.done_at.values())
        first_at = next((moment for moment in moments if moment > satisfied_at), None)
        how, fallback_at = _how(declared, satisfied_at, first_at, fallbacks, at=at)
        if first_at is None and len(moments) < len(phase_day.done):
            how, fallback_at = Started.UNCLEAR, None
        # What came before its upstream was satisfied, once it could start, was started by something else.
        if phase_day.start_at is not None and any(phase_day.start_at <= m <= satisfied_at for m in moments):
            how = Started.UNCLEAR
    return Start(
        phase=phase_day.phase,
        run_date=phase_day.run_date,
        declared=declared,
        how=how,
        satisfied_at=satisfied_at,
        first_at=first_at,
        fallback_at=fallback_at,
    )


def _how(
    declared: HandOver,
    satisfied_at: datetime,
    first_at: datetime | None,
    fallbacks: Sequence[datetime],
    *,
    at: datetime,
) -> tuple[Started, datetime | None]:
    if first_at is None:
        coming = next((moment for moment in fallbacks if moment > at), None)
        had_its_time = at - satisfied_at >= declared.within
        # Without a fallback to come there is nothing to warn of in advance: it starts now, or it stalls.
        return (Started.NOT_YET if had_its_time and coming else Started.WAITING), coming
    between = [moment for moment in fallbacks if satisfied_at < moment <= first_at]
    if not between:
        return Started.AS_DECLARED, None
    had_its_time = between[0] - satisfied_at >= declared.within
    follows = first_at - between[-1] <= declared.within
    return (Started.BY_FALLBACK if had_its_time and follows else Started.UNCLEAR), between[-1]
