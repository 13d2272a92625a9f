"""Whether nothing at all is being recorded although something should have come. Pure.

One phase of which nothing comes is that phase's own trouble. That nobody records anything is proved by several phases
at once, or by a silence longer than any usual one; both may be known before anything is due.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from checks.phases.evidence import CompletionEvidence
from checks.phases.habits import ENOUGH, Habits
from checks.phases.model import PhaseDay, PhaseState
from checks.pipeline import Pipeline, Processor, local_instant

_PHASES = 2
_PROCESSORS = 2
# How much later than usual something may come before it counts as awaited.
_MARGIN = timedelta(minutes=30)
# How much longer than usual nothing may come.
_LONGER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """A completion that should have come by ``by``: when its phase is due, or before, when it usually comes."""

    phase: str
    processor: str
    run_date: date
    by: datetime
    due_at: datetime
    critical: bool


def awaited(
    pipeline: Pipeline, habits: Habits, days: Sequence[Sequence[PhaseDay]], at: datetime
) -> tuple[Awaited, ...]:
    """Completion rows that should have come by ``at`` and have not, of phases that are not satisfied, earliest first.

    What is proved by something else than a completion row, and what was never recorded, is not among them.
    """
    found = (a for day in days for phase_day in day for a in _of(pipeline, habits, phase_day) if a.by <= at)
    return tuple(sorted(found, key=lambda a: (a.by, a.phase, a.processor)))


def _of(pipeline: Pipeline, habits: Habits, phase_day: PhaseDay) -> Iterator[Awaited]:
    if phase_day.state is PhaseState.UNKNOWN or phase_day.state.satisfied or phase_day.due_at is None:
        return
    for processor in pipeline.phase(phase_day.phase).expected_on(phase_day.run_date):
        if processor.name not in phase_day.missing or processor.name in habits.unmet.get(phase_day.phase, ()):
            continue
        if by_row(processor, phase_day.run_date):
            yield Awaited(
                phase=phase_day.phase,
                processor=processor.name,
                run_date=phase_day.run_date,
                by=min(phase_day.due_at, _usually(pipeline, habits, phase_day, processor) or phase_day.due_at),
                due_at=phase_day.due_at,
                critical=processor.critical,
            )


def by_row(processor: Processor, run_date: date) -> bool:
    """Whether a completion row proves this processor for that run date."""
    return any(isinstance(proof, CompletionEvidence) for proof in processor.evidence_on(run_date))


def _usually(pipeline: Pipeline, habits: Habits, phase_day: PhaseDay, processor: Processor) -> datetime | None:
    usual = habits.processors.get(phase_day.phase, {}).get(processor.name)
    if usual is None or usual.samples < ENOUGH:
        return None
    offset = usual.late + _MARGIN
    minutes = offset % timedelta(days=1) // timedelta(minutes=1)
    day = phase_day.run_date + timedelta(days=offset.days)
    return local_instant(day, time(minutes // 60, minutes % 60), pipeline.zone)


def overdue(owed: Sequence[Awaited], last_at: datetime | None) -> tuple[Awaited, ...]:
    """Those that should have come after the last row that came."""
    return tuple(a for a in owed if last_at is None or a.by > last_at)


def is_silent(
    pipeline: Pipeline, habits: Habits, late: Sequence[Awaited], last_at: datetime | None, at: datetime
) -> bool:
    """Whether what is overdue proves that nothing is recorded at all, not only nothing of one phase."""
    phases = {a.phase for a in late}
    days = {a.run_date for a in late}
    recorded = [p for p in pipeline.phases if any(by_row(x, day) for day in days for x in p.expected_on(day))]
    if not phases or len(late) < _PROCESSORS:
        return False
    if len(phases) >= min(_PHASES, len(recorded)):
        return True
    if habits.silence is None:
        return False
    # Before the first of these run dates nothing had to come: a break is silent, and proves nothing.
    begins = local_instant(min(days), time(0), pipeline.zone)
    return at - (begins if last_at is None else max(begins, last_at)) >= habits.silence + _LONGER
