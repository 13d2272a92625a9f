"""What was tallied for a run date -> the state of each phase.

Nothing here knows a table or a clock: a calendar, rows and a moment go in, states come out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction

from checks.phases.model import PhaseDay, PhaseState
from checks.phases.tally import Tally, tally_phases
from checks.pipeline import Phase, Pipeline
from checks.ports import CalendarDays, CompletionRow

_NO_RUN_FLAG = "rows_on_no_game_day"


def judge_day(
    pipeline: Pipeline, run_date: date, rows: Sequence[CompletionRow], calendar: CalendarDays, at: datetime
) -> tuple[PhaseDay, ...]:
    """Every phase of the pipeline for one run date as it was at ``at``, upstream first.

    ``rows`` may hold other dates and rows inserted after ``at``: both are passed over. A date before the calendar's
    first is not listed (an empty tuple); one after its last, or with an empty calendar, is ``unknown`` in all phases,
    because nobody can say whether a run is owed. A phase that expects no processor on the date owes nothing either, and
    lets those behind it pass from its due time on.
    """
    if calendar.first is not None and run_date < calendar.first and not calendar.covers(run_date):
        return ()
    tallies = tally_phases(pipeline, run_date, rows, at)
    if not calendar.covers(run_date):
        return tuple(
            _not_judged(pipeline, phase, run_date, PhaseState.UNKNOWN, tallies[phase.name].flags)
            for phase in pipeline.phases
        )
    if not calendar.owed(run_date):
        why_not = calendar.why_not(run_date)
        return tuple(_no_run(pipeline, phase, run_date, tallies[phase.name], why_not) for phase in pipeline.phases)
    # When each phase let those behind it pass; a phase is absent until it does.
    passed: dict[str, datetime] = {}
    days = []
    for phase in pipeline.phases:
        tally = tallies[phase.name]
        if not tally.expected:
            nothing = _not_judged(pipeline, phase, run_date, PhaseState.NOT_EXPECTED, tally.flags)
            days.append(replace(nothing, why_not=f"{phase.name} owes no processor for this date"))
            due_at = phase.due.on(run_date, pipeline.zone)
            if at >= due_at:
                passed[phase.name] = due_at
            continue
        day = _judge(pipeline, phase, run_date, tally, passed=passed, at=at)
        days.append(day)
        if day.satisfied_at is not None:
            passed[phase.name] = day.satisfied_at
    return tuple(days)


def _no_run(pipeline: Pipeline, phase: Phase, run_date: date, tally: Tally, why_not: str) -> PhaseDay:
    flags = tally.flags | {_NO_RUN_FLAG} if tally.rows else tally.flags
    return replace(_not_judged(pipeline, phase, run_date, PhaseState.NOT_EXPECTED, flags), why_not=why_not)


def _not_judged(pipeline: Pipeline, phase: Phase, run_date: date, state: PhaseState, flags: frozenset[str]) -> PhaseDay:
    """A phase of which nothing is owed, or nobody knows whether it is: rows are only flagged."""
    return PhaseDay(
        pipeline=pipeline.name,
        phase=phase.name,
        run_date=run_date,
        state=state,
        flags=tuple(sorted(flags)),
        upstream=phase.after,
    )


def _judge(
    pipeline: Pipeline, phase: Phase, run_date: date, tally: Tally, *, passed: Mapping[str, datetime], at: datetime
) -> PhaseDay:
    due_at = phase.due.on(run_date, pipeline.zone)
    start_at = phase.start.on(run_date, pipeline.zone) if phase.start is not None else None
    upstream = [passed.get(name) for name in phase.after]
    could_start = _could_start(start_at, upstream)
    state = _state(phase, tally, due_at=due_at, could_start=could_start, blocked=None in upstream, at=at)
    critical_failures = [tally.failed[name] for name in _critical(tally) if name in tally.failed]
    return PhaseDay(
        pipeline=pipeline.name,
        phase=phase.name,
        run_date=run_date,
        state=state,
        done=tuple(sorted(tally.done)),
        missing=tuple(sorted(tally.missing)),
        flags=tuple(sorted(tally.flags)),
        upstream=phase.after,
        due_at=due_at,
        start_at=start_at,
        satisfied_at=_satisfied_at(phase, tally),
        stalled_since=could_start if state is PhaseState.STALLED else None,
        failed_since=min(critical_failures) if state is PhaseState.FAILED else None,
        last_completed_at=max(tally.done.values(), default=None),
        done_at=dict(sorted(tally.done.items())),
    )


def _state(
    phase: Phase, tally: Tally, *, due_at: datetime, could_start: datetime | None, blocked: bool, at: datetime
) -> PhaseState:
    if not tally.missing:
        return PhaseState.COMPLETE if max(tally.done.values()) <= due_at else PhaseState.COMPLETE_LATE
    if _quorum(phase, tally, frozenset(tally.done)):
        return PhaseState.QUORUM
    if _critical(tally) & tally.failed.keys():
        return PhaseState.FAILED
    if could_start is not None and _stalled(phase, tally, could_start, at):
        return PhaseState.STALLED
    if at < due_at:
        return PhaseState.IN_PROGRESS if tally.done or tally.failed else PhaseState.PENDING
    return PhaseState.BLOCKED if blocked else PhaseState.INCOMPLETE


def _could_start(start_at: datetime | None, upstream: Sequence[datetime | None]) -> datetime | None:
    """The latest of the phase's start time and the moments its upstream was satisfied; None if one of them is wanting.

    So a phase without a start time never stalls: nothing says when it should have begun.
    """
    moments = [start_at, *upstream]
    known = [moment for moment in moments if moment is not None]
    return max(known) if len(known) == len(moments) else None


def _stalled(phase: Phase, tally: Tally, could_start: datetime, at: datetime) -> bool:
    """Whether it has had its time since it could start, and nothing came after that moment."""
    return at - could_start >= phase.stall_after and all(done_at <= could_start for done_at in tally.done.values())


def _critical(tally: Tally) -> frozenset[str]:
    return frozenset(processor.name for processor in tally.expected if processor.critical)


def _quorum(phase: Phase, tally: Tally, done: frozenset[str]) -> bool:
    """Whether that set is enough: all critical ones, and the asked share of all expected, rounded up."""
    if phase.quorum_ratio is None or not _critical(tally) <= done:
        return False
    # The ratio as it is written (0.6 is 3/5), since 0.6 * 5 need not be 3 in floating point.
    return len(done) >= math.ceil(Fraction(str(phase.quorum_ratio)) * len(tally.expected))


def _satisfied_at(phase: Phase, tally: Tally) -> datetime | None:
    """The ``completed_at`` that first made the set enough: by quorum, or else by being complete."""
    done: set[str] = set()
    for name, done_at in sorted(tally.done.items(), key=lambda item: item[1]):
        done.add(name)
        if len(done) == len(tally.expected) or _quorum(phase, tally, frozenset(done)):
            return done_at
    return None
