"""The rules that lead from completions to a state, one by one and in their order."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from checks.phases.model import PhaseDay, PhaseState
from checks.phases.states import judge_day
from checks.pipeline import DayTime, Phase, Pipeline, Processor
from checks.ports import CalendarDays, CompletionRow
from tests.support.pipelines import (
    GAME_DAY,
    completion,
    completions_of,
    et,
    every_day,
    nba,
    with_phase,
)

CALENDAR = every_day(date(2026, 1, 1), date(2026, 1, 31), without=[date(2026, 1, 17)])
NIGHT = et("2026-01-13 04:30")
START3, DUE3 = et("2026-01-13 06:30"), et("2026-01-13 09:00")
SECOND = timedelta(seconds=1)
CRITICAL3 = ("player_game_summary", "upcoming_player_game_context")
OPTIONAL3 = ("team_defense_game_summary", "team_offense_game_summary", "upcoming_team_game_context")
PHASE2 = completions_of("phase2", NIGHT)


def judged(
    rows: list[CompletionRow], at: datetime, *, pipeline: Pipeline | None = None, run_date: date = GAME_DAY
) -> dict[str, PhaseDay]:
    """All phases of the date, by name."""
    return {day.phase: day for day in judge_day(pipeline or nba(), run_date, rows, CALENDAR, at)}


def rows_for(names: tuple[str, ...], at: datetime, **changes: object) -> list[CompletionRow]:
    """One success each."""
    return [completion(name, at, **changes) for name in names]


# -- the calendar -----------------------------------------------------------------------------------------------------


def test_nothing_is_owed_on_a_date_without_games() -> None:
    """Rows of such a date are flagged, done and missing stay empty, nothing is due."""
    day = date(2026, 1, 17)
    row = completion("p2_nbacom_schedule", et("2026-01-17 06:10"), run_date=day)
    twice = replace(row, completed_at=row.completed_at + SECOND, inserted_at=row.inserted_at + SECOND)
    phase2, phase3, _ = judge_day(nba(), day, [row, twice], CALENDAR, et("2026-01-18 12:00"))
    assert phase2 == PhaseDay(
        pipeline="nba",
        phase="phase2",
        run_date=day,
        state=PhaseState.NOT_EXPECTED,
        flags=("duplicate:p2_nbacom_schedule", "rows_on_no_game_day"),
        why_not="no run in the calendar",
    )
    assert phase3 == PhaseDay(
        pipeline="nba",
        phase="phase3",
        run_date=day,
        state=PhaseState.NOT_EXPECTED,
        upstream=("phase2",),
        why_not="no run in the calendar",
    )


def test_rows_not_yet_inserted_are_not_on_a_no_game_day() -> None:
    """As of a moment before the row, there is nothing to flag."""
    day, at = date(2026, 1, 17), et("2026-01-17 06:10")
    row = completion("p2_nbacom_schedule", at, run_date=day)
    assert judge_day(nba(), day, [row], CALENDAR, at - SECOND)[0].flags == ()


@pytest.mark.parametrize("calendar", [CALENDAR, CalendarDays(runs={}, first=None, last=None)], ids=["ends", "is empty"])
def test_beyond_the_calendar_nobody_knows(calendar: CalendarDays) -> None:
    """All phases are unknown, neither done nor missing, whatever was recorded."""
    day = date(2026, 2, 1)
    rows = completions_of("phase2", et("2026-02-01 13:00"), run_date=day)
    days = judge_day(nba(), day, rows, calendar, et("2026-02-02 12:00"))
    assert [(d.state, d.done, d.missing, d.flags, d.due_at) for d in days] == [
        (PhaseState.UNKNOWN, (), (), (), None)
    ] * 3


def test_the_ends_of_the_calendar_are_covered() -> None:
    """Its first and last date are judged; the one before the first is not listed."""
    at = et("2026-02-03 12:00")
    assert judge_day(nba(), date(2025, 12, 31), [], CALENDAR, at) == ()
    for day in (date(2026, 1, 1), date(2026, 1, 31)):
        assert judge_day(nba(), day, [], CALENDAR, at)[0].state is PhaseState.INCOMPLETE


# -- complete, late, quorum -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("last", "state"), [(DUE3, PhaseState.COMPLETE), (DUE3 + SECOND, PhaseState.COMPLETE_LATE)])
def test_equal_to_the_deadline_is_in_time(last: datetime, state: PhaseState) -> None:
    """The last of the first successes decides whether a complete phase was late."""
    rows = [*rows_for(CRITICAL3 + OPTIONAL3[1:], START3), completion(OPTIONAL3[0], last)]
    day = judged(rows, DUE3 + timedelta(hours=1))["phase3"]
    assert (day.state, day.missing, day.last_completed_at, day.due_at) == (state, (), last, DUE3)


def test_a_rerun_after_the_deadline_does_not_make_it_late() -> None:
    """Only first successes count."""
    rows = [*completions_of("phase3", START3), *completions_of("phase3", DUE3 + timedelta(hours=2))]
    assert judged(rows, DUE3 + timedelta(hours=3))["phase3"].state is PhaseState.COMPLETE


@pytest.mark.parametrize(
    ("done", "state"),
    [
        (CRITICAL3 + OPTIONAL3[:1], PhaseState.QUORUM),
        (CRITICAL3, PhaseState.INCOMPLETE),
        (CRITICAL3[:1] + OPTIONAL3, PhaseState.INCOMPLETE),
    ],
    ids=["critical and three of five", "too few", "a critical one is missing"],
)
def test_quorum(done: tuple[str, ...], state: PhaseState) -> None:
    """All critical ones, and at least three of five."""
    late = START3 + timedelta(minutes=5)
    assert judged([*PHASE2, *rows_for(done, late)], DUE3)["phase3"].state is state


@pytest.mark.parametrize(
    ("ratio", "expected", "enough"),
    [(0.6, 5, 3), (0.6, 6, 4), (0.7, 10, 7), (0.55, 100, 55), (0.28, 25, 7), (1.0, 4, 4), (0.0, 3, 0), (0.01, 3, 1)],
)
def test_the_share_is_rounded_up_without_floating_point_errors(ratio: float, expected: int, enough: int) -> None:
    """0.55 * 100 is 55.00000000000001 in floating point, and still 55 are enough."""
    names = [f"p{number}" for number in range(expected)]
    pipeline = with_phase(
        nba(),
        "phase2",
        processors=tuple(Processor(name=name, critical=False) for name in names),
        quorum_ratio=ratio,
    )
    for number in range(expected):
        rows = [completion(name, NIGHT, phase="phase2") for name in names[:number]]
        state = judged(rows, DUE3, pipeline=pipeline)["phase2"].state
        assert (number, state) == (number, PhaseState.QUORUM if number >= enough else PhaseState.INCOMPLETE)


def test_without_a_ratio_there_is_no_quorum() -> None:
    """Four of five with all critical ones are then not enough."""
    pipeline = with_phase(nba(), "phase3", quorum_ratio=None)
    rows = [*PHASE2, *rows_for(CRITICAL3 + OPTIONAL3[:2], START3 + SECOND)]
    day = judged(rows, DUE3, pipeline=pipeline)["phase3"]
    assert (day.state, day.satisfied_at) == (PhaseState.INCOMPLETE, None)


def test_satisfied_is_the_moment_the_set_was_first_enough() -> None:
    """The rest may arrive later and does not move it; without a quorum rule it is the last completion."""
    rows = [
        completion(CRITICAL3[0], START3),
        completion(OPTIONAL3[0], START3 + timedelta(minutes=1)),
        completion(CRITICAL3[1], START3 + timedelta(minutes=2)),
        completion(OPTIONAL3[1], START3 + timedelta(minutes=3)),
        completion(OPTIONAL3[2], START3 + timedelta(minutes=4)),
    ]
    assert judged(rows, DUE3)["phase3"].satisfied_at == START3 + timedelta(minutes=2)
    strict = with_phase(nba(), "phase3", quorum_ratio=None)
    assert judged(rows, DUE3, pipeline=strict)["phase3"].satisfied_at == START3 + timedelta(minutes=4)


# -- failed, stalled --------------------------------------------------------------------------------------------------


def test_failed_needs_a_critical_processor() -> None:
    """With only failed rows; an optional one that failed is progress of sorts."""
    at = START3 + timedelta(minutes=20)
    critical = judged([completion(CRITICAL3[0], START3, status="failed")], at)["phase3"]
    assert (critical.state, critical.failed_since) == (PhaseState.FAILED, START3)
    optional = judged([completion(OPTIONAL3[0], START3, status="failed")], at)["phase3"]
    assert (optional.state, optional.failed_since) == (PhaseState.IN_PROGRESS, None)


def test_failed_since_is_the_first_failed_row() -> None:
    """Of any critical processor that has only failed rows, not of one that recovered."""
    rows = [
        completion(CRITICAL3[1], START3, status="failed"),
        completion(CRITICAL3[1], START3 + 2 * SECOND),
        completion(CRITICAL3[0], START3 + 5 * SECOND, status="failed"),
        completion(CRITICAL3[0], START3 + 3 * SECOND, status="failed"),
    ]
    assert judged(rows, DUE3)["phase3"].failed_since == START3 + 3 * SECOND
    both = [completion(name, START3 + number * SECOND, status="failed") for number, name in enumerate(CRITICAL3)]
    assert judged(both, DUE3)["phase3"].failed_since == START3


def test_failed_comes_before_stalled_and_incomplete() -> None:
    """Upstream is satisfied, time has passed, the deadline too: what failed is still failed."""
    rows = [*PHASE2, completion(CRITICAL3[0], START3, status="failed")]
    assert judged(rows, DUE3 + timedelta(hours=3))["phase3"].state is PhaseState.FAILED


@pytest.mark.parametrize(
    ("upstream_at", "since"),
    [(NIGHT, START3), (START3 + timedelta(minutes=10), START3 + timedelta(minutes=10))],
    ids=["upstream before start", "upstream after start"],
)
def test_stalled_after_ninety_minutes(upstream_at: datetime, since: datetime) -> None:
    """Counted from the later of start and upstream, and to the second."""
    rows = [*completions_of("phase2", upstream_at), *rows_for(CRITICAL3[1:], et("2026-01-12 10:40"))]
    before = judged(rows, since + timedelta(minutes=90) - SECOND)["phase3"]
    assert (before.state, before.stalled_since) == (PhaseState.IN_PROGRESS, None)
    after = judged(rows, since + timedelta(minutes=90))["phase3"]
    assert (after.state, after.stalled_since) == (PhaseState.STALLED, since)


def test_upstream_counts_from_its_quorum() -> None:
    """An optional processor upstream that comes an hour later does not give this phase another ninety minutes."""
    optional = ("p2_bigdataball_pbp", "p2_br_season_roster")
    rows = [row for row in PHASE2 if row.processor not in optional]
    rows += [completion(name, et("2026-01-13 07:30")) for name in optional]
    day = judged(rows, START3 + timedelta(minutes=90))["phase3"]
    assert (day.state, day.stalled_since) == (PhaseState.STALLED, START3)


def test_one_completion_after_the_moment_is_no_stall() -> None:
    """A completion at that very moment is not after it."""
    at = START3 + timedelta(minutes=90)
    assert judged([*PHASE2, completion(OPTIONAL3[0], START3)], at)["phase3"].state is PhaseState.STALLED
    assert judged([*PHASE2, completion(OPTIONAL3[0], START3 + SECOND)], at)["phase3"].state is PhaseState.IN_PROGRESS


def test_a_rerun_after_the_moment_is_no_progress() -> None:
    """Only what was first done after it counts."""
    rows = [*PHASE2, completion(OPTIONAL3[0], NIGHT), completion(OPTIONAL3[0], START3 + timedelta(minutes=30))]
    assert judged(rows, DUE3)["phase3"].state is PhaseState.STALLED


def test_a_phase_without_a_start_time_never_stalls() -> None:
    """After the deadline it is incomplete."""
    pipeline = with_phase(nba(), "phase3", start=None)
    day = judged(PHASE2, DUE3 + timedelta(hours=5), pipeline=pipeline)["phase3"]
    assert (day.state, day.start_at) == (PhaseState.INCOMPLETE, None)


def test_a_first_phase_with_a_start_time_can_stall() -> None:
    """Without upstream, its start alone counts."""
    pipeline = with_phase(nba(), "phase2", start=DayTime(day=1, at=time(1)))
    day = judged([], et("2026-01-13 02:30"), pipeline=pipeline)["phase2"]
    assert (day.state, day.stalled_since) == (PhaseState.STALLED, et("2026-01-13 01:00"))


# -- around the deadline ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "phase2", "phase3"),
    [
        (et("2026-01-13 06:59:59"), PhaseState.PENDING, PhaseState.PENDING),
        (et("2026-01-13 07:00"), PhaseState.INCOMPLETE, PhaseState.PENDING),
        (et("2026-01-13 08:59:59"), PhaseState.INCOMPLETE, PhaseState.PENDING),
        (et("2026-01-13 09:00"), PhaseState.INCOMPLETE, PhaseState.BLOCKED),
    ],
)
def test_at_the_deadline_counts_as_after(at: datetime, phase2: PhaseState, phase3: PhaseState) -> None:
    """Pending until then; afterwards blocked behind a phase that is not satisfied, or incomplete."""
    days = judged([], at)
    assert (days["phase2"].state, days["phase3"].state) == (phase2, phase3)


def test_blocked_even_with_some_completions() -> None:
    """Part of a phase's work may come before its upstream: it still waits for it."""
    assert judged(rows_for(OPTIONAL3, START3), DUE3)["phase3"].state is PhaseState.BLOCKED


@pytest.mark.parametrize(
    ("run_date", "due_utc", "start_utc"),
    [
        (date(2026, 3, 6), "2026-03-07T14:00:00+00:00", "2026-03-07T11:30:00+00:00"),
        (date(2026, 3, 7), "2026-03-08T13:00:00+00:00", "2026-03-08T10:30:00+00:00"),
        (date(2026, 10, 30), "2026-10-31T13:00:00+00:00", "2026-10-31T10:30:00+00:00"),
        (date(2026, 10, 31), "2026-11-01T14:00:00+00:00", "2026-11-01T11:30:00+00:00"),
    ],
)
def test_deadlines_follow_the_clock_on_the_wall(run_date: date, due_utc: str, start_utc: str) -> None:
    """09:00 and 06:30 in the offset valid on that day, on both days of clock changes and the days before."""
    due, calendar = datetime.fromisoformat(due_utc), every_day(run_date, run_date)
    before = judge_day(nba(), run_date, [], calendar, due - SECOND)[1]
    assert (before.state, before.due_at, before.start_at) == (
        PhaseState.PENDING,
        due,
        datetime.fromisoformat(start_utc),
    )
    assert judge_day(nba(), run_date, [], calendar, due)[1].state is PhaseState.BLOCKED


@pytest.mark.parametrize(
    ("run_date", "since_utc"),
    [(date(2026, 3, 7), "2026-03-08T06:30:00+00:00"), (date(2026, 10, 31), "2026-11-01T05:30:00+00:00")],
)
def test_ninety_minutes_are_elapsed_time(run_date: date, since_utc: str) -> None:
    """Over a clock change the wall shows 04:00 or 02:00, and it is ninety minutes after 01:30 all the same."""
    pipeline = with_phase(nba(), "phase2", start=DayTime(day=1, at=time(1, 30)))
    since = datetime.fromisoformat(since_utc)
    calendar = every_day(run_date, run_date)
    after = since + timedelta(minutes=90)
    assert judge_day(pipeline, run_date, [], calendar, after - SECOND)[0].state is PhaseState.PENDING
    stalled = judge_day(pipeline, run_date, [], calendar, after)[0]
    assert (stalled.state, stalled.stalled_since) == (PhaseState.STALLED, since)


# -- several upstream phases, dated lists -----------------------------------------------------------------------------


def joined() -> Pipeline:
    """Two first phases and one that waits for both."""
    processors = (Processor(name="work"),)
    due = DayTime(day=1, at=time(9))

    def phase(name: str, *after: str, start: DayTime | None = None) -> Phase:
        return Phase(
            name=name, after=after, processors=processors, due=due, start=start, stall_after=timedelta(minutes=90)
        )

    start = DayTime(day=1, at=time(3))
    return replace(nba(), phases=(phase("left"), phase("right"), phase("both", "left", "right", start=start)))


def test_all_upstream_phases_must_be_satisfied() -> None:
    """One is not enough, and the moment is that of the latest."""
    left = completion("work", et("2026-01-13 04:00"), phase="left")
    right = completion("work", et("2026-01-13 05:00"), phase="right")
    one = judged([left], et("2026-01-13 08:00"), pipeline=joined())["both"]
    assert (one.state, one.upstream) == (PhaseState.PENDING, ("left", "right"))
    assert judged([left], et("2026-01-13 09:00"), pipeline=joined())["both"].state is PhaseState.BLOCKED
    both = judged([left, right], et("2026-01-13 06:30"), pipeline=joined())["both"]
    assert (both.state, both.stalled_since) == (PhaseState.STALLED, et("2026-01-13 05:00"))


def test_the_expected_list_is_the_one_of_the_run_date() -> None:
    """Valid from its first date on, and no longer on its last; who is not expected is unknown."""
    old = Processor(name="old", valid_until=date(2026, 1, 13))
    new = Processor(name="new", valid_from=date(2026, 1, 13))
    pipeline = with_phase(nba(), "phase2", processors=(old, new))
    at = et("2026-01-15 12:00")
    outcomes = {}
    for run_date in (date(2026, 1, 12), date(2026, 1, 13)):
        rows = [completion(name, NIGHT, phase="phase2", run_date=run_date) for name in ("old", "new")]
        day = judged(rows, at, pipeline=pipeline, run_date=run_date)["phase2"]
        outcomes[run_date.day] = (day.state, day.done, day.flags)
    assert outcomes == {
        12: (PhaseState.COMPLETE, ("old",), ("unknown_processor:new",)),
        13: (PhaseState.COMPLETE, ("new",), ("unknown_processor:old",)),
    }


def test_a_phase_that_owes_nothing_lets_others_pass_from_its_due_time() -> None:
    """From the date on which its recorder is gone, those behind it are neither blocked nor early."""
    gone = tuple(replace(p, valid_until=GAME_DAY) for p in nba().phase("phase2").processors)
    pipeline = with_phase(nba(), "phase2", processors=gone)
    due2 = et("2026-01-13 07:00")
    waiting = judged([], due2 - SECOND, pipeline=pipeline)
    assert (waiting["phase2"].state, waiting["phase2"].due_at) == (PhaseState.NOT_EXPECTED, None)
    assert waiting["phase3"].state is PhaseState.PENDING
    same_due = with_phase(pipeline, "phase3", due=pipeline.phase("phase2").due)
    assert judged([], due2, pipeline=same_due)["phase3"].state is PhaseState.INCOMPLETE
    stalled = judged([], due2 + timedelta(minutes=90), pipeline=pipeline)["phase3"]
    assert (stalled.state, stalled.stalled_since) == (PhaseState.STALLED, due2)
