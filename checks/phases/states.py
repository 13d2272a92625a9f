"""What was tallied for a run date -> the state of each phase.

Nothing here knows a table or a clock: a calendar, rows and a moment go in, states come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from checks.phases.evidence import TableSight
from checks.phases.expected import Expectations
from checks.phases.model import PhaseDay, PhaseState
from checks.phases.tally import Tally, by_phase_and_date, tally
from checks.pipeline import Phase, Pipeline
from checks.ports import CalendarDays, CompletionRow, FoldedDay

_NO_RUN_FLAG = "rows_on_no_game_day"


def judge_days(
    pipeline: Pipeline,
    run_dates: Sequence[date],
    rows: Sequence[CompletionRow],
    calendar: CalendarDays,
    at: datetime,
    *,
    folded: Sequence[FoldedDay] = (),
    tables: TableSight | None = None,
) -> list[tuple[PhaseDay, ...]]:
    """Every phase of the pipeline for each run date as it was at ``at``, upstream first.

    ``rows`` may hold other dates and rows inserted after ``at``: both are passed over. ``folded`` stands for rows that
    do not come by themselves, at most one for a phase and date; ``tables`` is what evidence tables answered.

    A date before the calendar's first is not listed (an empty tuple); one after its last, or with an empty calendar, is
    ``unknown`` in all phases, because nobody can say whether a run is owed. A phase that expects no processor on the
    date owes nothing either, and lets those behind it pass from its due time on.

    Where evidence could not be asked, a phase is judged twice: as if none of what it would prove were done, and as if
    all were. It is ``unknown`` where that makes a difference and what is known is not enough.
    """
    expectations = Expectations(pipeline)
    recorded = by_phase_and_date(pipeline, rows, at)
    bulk = {(day.phase, day.run_date): day for day in folded}
    answer = []
    for run_date in run_dates:
        tallies = {}
        for phase in pipeline.phases:
            key = phase.name, run_date
            tallies[phase.name] = tally(
                pipeline,
                run_date,
                expectations.of(phase, run_date),
                recorded.get(key, ()),
                at,
                folded=bulk.get(key),
                tables=tables,
                in_time=phase.due.on(run_date, pipeline.zone),
            )
        answer.append(_day(pipeline, run_date, tallies, calendar, at))
    return answer


def judge_day(
    pipeline: Pipeline,
    run_date: date,
    rows: Sequence[CompletionRow],
    calendar: CalendarDays,
    at: datetime,
    *,
    tables: TableSight | None = None,
) -> tuple[PhaseDay, ...]:
    """One run date, as ``judge_days`` says."""
    return judge_days(pipeline, [run_date], rows, calendar, at, tables=tables)[0]


def _day(
    pipeline: Pipeline, run_date: date, tallies: Mapping[str, Tally], calendar: CalendarDays, at: datetime
) -> tuple[PhaseDay, ...]:
    if not calendar.covers(run_date):
        if calendar.first is not None and run_date < calendar.first:
            return ()
        return tuple(
            _not_judged(pipeline, phase, run_date, PhaseState.UNKNOWN, tallies[phase.name].flags)
            for phase in pipeline.phases
        )
    if not calendar.owed(run_date):
        why_not = calendar.why_not(run_date)
        return tuple(_no_run(pipeline, phase, run_date, tallies[phase.name], why_not) for phase in pipeline.phases)
    passed = _Passed()
    days = []
    for phase in pipeline.phases:
        counted = tallies[phase.name]
        due_at = phase.due.on(run_date, pipeline.zone)
        if counted.expected.names:
            days.append(_judge(pipeline, phase, run_date, counted, passed=passed, at=at))
            continue
        nothing = _not_judged(pipeline, phase, run_date, PhaseState.NOT_EXPECTED, counted.flags)
        days.append(replace(nothing, why_not=_why_nothing(phase, run_date)))
        if at >= due_at:
            passed.known[phase.name] = passed.possible[phase.name] = due_at
    return tuple(days)


@dataclass(frozen=True, slots=True)
class _Passed:
    """When each phase let those behind it pass; a phase is absent until it does.

    ``possible`` is the same as if all were done that could not be seen.
    """

    known: dict[str, datetime] = field(default_factory=dict)
    possible: dict[str, datetime] = field(default_factory=dict)


def _why_nothing(phase: Phase, run_date: date) -> str:
    if any(processor.valid_on(run_date) for processor in phase.processors):
        return f"nobody records {phase.name} for this date, and nothing else shows that it is done"
    return f"{phase.name} owes no processor for this date"


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
    pipeline: Pipeline, phase: Phase, run_date: date, counted: Tally, *, passed: _Passed, at: datetime
) -> PhaseDay:
    due_at = phase.due.on(run_date, pipeline.zone)
    start_at = phase.start.on(run_date, pipeline.zone) if phase.start is not None else None
    upstream = [passed.known.get(name) for name in phase.after]
    could_start = _could_start(start_at, upstream)
    state = _state(phase, counted, due_at=due_at, could_start=could_start, blocked=None in upstream, at=at)
    satisfied_at = counted.satisfied_at
    if satisfied_at is not None:
        passed.known[phase.name] = passed.possible[phase.name] = satisfied_at
    else:
        # What could not be seen may be done, and so may what this phase waits for.
        supposed = counted.supposing(at)
        if supposed.satisfied_at is not None:
            passed.possible[phase.name] = supposed.satisfied_at
        upstream = [passed.possible.get(name) for name in phase.after]
        possible_start = _could_start(start_at, upstream)
        other = _state(phase, supposed, due_at=due_at, could_start=possible_start, blocked=None in upstream, at=at)
        state = state if other is state else PhaseState.UNKNOWN
    critical_failures = [counted.failed[name] for name in counted.expected.critical & counted.failed.keys()]
    missing = counted.missing
    return PhaseDay(
        pipeline=pipeline.name,
        phase=phase.name,
        run_date=run_date,
        state=state,
        done=counted.expected.all_but(counted.not_done),
        missing=tuple(sorted(missing)),
        unseen=tuple(sorted(counted.unseen)),
        flags=tuple(sorted(counted.flags)),
        upstream=phase.after,
        due_at=due_at,
        start_at=start_at,
        satisfied_at=satisfied_at,
        stalled_since=could_start if state is PhaseState.STALLED else None,
        failed_since=min(critical_failures) if state is PhaseState.FAILED else None,
        last_completed_at=counted.last_done_at,
        done_at={name: moment for name, moment in sorted(counted.done.items()) if name not in counted.undated},
    )


def _state(
    phase: Phase, counted: Tally, *, due_at: datetime, could_start: datetime | None, blocked: bool, at: datetime
) -> PhaseState:
    last_done_at = counted.last_done_at
    if not counted.not_done:
        return PhaseState.COMPLETE if last_done_at is None or last_done_at <= due_at else PhaseState.COMPLETE_LATE
    if counted.enough:
        return PhaseState.QUORUM
    if counted.expected.critical & counted.failed.keys():
        return PhaseState.FAILED
    # It has had its time since it could start: did anything come after that moment?
    had_its_time = could_start is not None and at - could_start >= phase.stall_after
    if could_start is not None and had_its_time and (last_done_at is None or last_done_at <= could_start):
        return PhaseState.STALLED
    if at < due_at:
        return PhaseState.IN_PROGRESS if counted.count or counted.failed else PhaseState.PENDING
    return PhaseState.BLOCKED if blocked else PhaseState.INCOMPLETE


def _could_start(start_at: datetime | None, upstream: Sequence[datetime | None]) -> datetime | None:
    """The latest of the phase's start time and the moments its upstream was satisfied; None if one of them is wanting.

    So a phase without a start time never stalls: nothing says when it should have begun.
    """
    moments = [start_at, *upstream]
    known = [moment for moment in moments if moment is not None]
    return max(known) if len(known) == len(moments) else None
