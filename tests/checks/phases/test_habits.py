"""What is usual: learned from run dates, compared, used as a due time, and kept."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.phases.habits import (
    Habits,
    Usual,
    compared,
    due_time,
    from_json,
    learn,
    to_json,
    usual_words,
    wall_clock,
    with_learned,
)
from checks.phases.model import PhaseDay, PhaseState
from checks.phases.states import judge_day
from checks.pipeline import DayTime, LearnedDue
from tests.support.pipelines import ET, et, nba, sample_calendar, sample_rows, with_phase

WEEK = [date(2026, 1, number) for number in range(12, 19)]
AFTER = et("2026-01-25 12:00")
LEARNED = LearnedDue(margin=timedelta(minutes=30), latest=DayTime(day=1, at=time(10)), samples=3)


def minutes(text: str, day: int = 1) -> timedelta:
    hours, minute = text.split(":")
    return timedelta(days=day, hours=int(hours), minutes=int(minute))


def day_of(run_date: date, completed: str, phase: str = "phase3", state: PhaseState = PhaseState.COMPLETE) -> PhaseDay:
    """A phase whose one processor was done at that local time, on the day after the run date."""
    at = et(f"{run_date + timedelta(days=1)} {completed}")
    return PhaseDay(
        pipeline="nba",
        phase=phase,
        run_date=run_date,
        state=state,
        done=("player_game_summary",),
        satisfied_at=at,
        last_completed_at=at,
        done_at={"player_game_summary": at},
    )


def learned(times: list[str], before: Habits | None = None) -> Habits:
    """Habits of phase3 over run dates from 1 January on."""
    days = [[day_of(date(2026, 1, 1) + timedelta(days=n), at)] for n, at in enumerate(times)]
    return learn(nba(), days, date(2026, 2, 1), before or Habits(), {})


def test_the_sample_week_has_its_usual_times() -> None:
    """By the wall clock after the run date's midnight; what was replayed within two days is among them."""
    pipeline = nba()
    days = [judge_day(pipeline, day, sample_rows(), sample_calendar(), AFTER) for day in WEEK]
    habits = learn(pipeline, days, date(2026, 1, 20), Habits(), {})
    assert {name: (usual_words(u), u.samples, u.last) for name, u in habits.phases.items()} == {
        "phase2": ("usually 06:24, 95% by 06:25", 6, date(2026, 1, 18)),
        "phase3": ("usually 06:50, 95% by 16:53", 6, date(2026, 1, 18)),
        "phase4": ("usually 07:39, 95% by 17:43", 6, date(2026, 1, 18)),
    }
    odds = habits.processors["phase2"]["p2_odds_game_lines"]
    assert (odds.median, odds.late, odds.samples) == (minutes("13:14", 0), minutes("13:18", 0), 6)
    assert habits.silence is None, "too few days on which runs were owed that day and the day before"


def test_the_usual_silence_is_that_of_days_with_games() -> None:
    """The longest of each day, from the odds to the box scores; not over a date on which nothing is owed."""
    days = []
    for number in (0, 1, 2, 3, 4, 5, 9, 10):
        run_date = date(2026, 1, 1) + timedelta(days=number)
        night = et(f"{run_date + timedelta(days=1)} 01:30")
        done_at = {"upcoming_player_game_context": et(f"{run_date} 13:00"), "player_game_summary": night}
        day = day_of(run_date, "01:30")
        days.append([replace(day, done_at=done_at, due_at=day.last_completed_at)])
    assert learn(nba(), days, date(2026, 2, 1), Habits(), {}).silence == minutes("12:30", 0)


@pytest.mark.parametrize(
    ("run_date", "at"),
    [
        (date(2026, 3, 7), "2026-03-08 09:00"),
        (date(2026, 10, 31), "2026-11-01 09:00"),
        (date(2026, 1, 5), "2026-01-06 09:00"),
    ],
)
def test_nine_o_clock_is_nine_o_clock_over_a_change_of_the_clocks(run_date: date, at: str) -> None:
    """The elapsed hours differ, the wall clock does not."""
    assert wall_clock(run_date, et(at), ET) == timedelta(days=1, hours=9)


def test_what_was_filled_in_later_is_not_usual() -> None:
    """A completion three days after its run date was a repair."""
    at = et("2026-01-16 09:00")
    repaired = PhaseDay(
        pipeline="nba",
        phase="phase3",
        run_date=date(2026, 1, 13),
        state=PhaseState.COMPLETE_LATE,
        last_completed_at=at,
        done_at={"player_game_summary": at},
    )
    habits = learn(nba(), [[repaired]], date(2026, 2, 1), Habits(), {})
    assert (habits.phases, habits.processors) == ({}, {})


def test_what_stops_keeps_its_usual_time() -> None:
    """A phase that completes no more, or hardly ever, is still measured by what it did."""
    before = learned(["08:00"] * 20)
    assert learned([], before).phases == before.phases
    assert learned(["15:00"] * 2, before).phases == before.phases
    assert learned(["08:30"] * 5, before).phases["phase3"].median == minutes("08:30")


@pytest.mark.parametrize(
    ("times", "due"),
    [
        (["08:00"] * 2, time(9)),  # too few: the fixed time
        (["08:00"] * 3, time(8, 30)),
        (["08:01"] * 3, time(8, 35)),  # up to five minutes
        (["06:05"] * 3, time(6, 35)),
        (["05:00"] * 3, time(6, 30)),  # never before its start
        (["08:00"] * 2 + ["09:10"], time(9, 40)),
        (["13:00"] * 50, time(10)),  # never later than the cap, however late every day was
    ],
)
def test_a_learned_due_time_stays_between_its_limits(times: list[str], due: time) -> None:
    """The usual latest, a margin more, within what is configured."""
    pipeline = with_phase(nba(), "phase3", learned=LEARNED)
    assert with_learned(pipeline, learned(times)).phase("phase3").due == DayTime(day=1, at=due)


def test_a_fixed_due_time_is_not_moved() -> None:
    """Without `learned` nothing changes, not even the object."""
    pipeline = nba()
    assert with_learned(pipeline, learned(["08:00"] * 9)) is pipeline


@given(st.lists(st.lists(st.integers(min_value=0, max_value=2 * 1440), max_size=12), max_size=6))
def test_no_history_moves_the_due_time_out_of_its_limits(history: list[list[int]]) -> None:
    """However late the days were, in whatever order they are learned."""
    phase = with_phase(nba(), "phase3", learned=LEARNED).phase("phase3")
    habits = Habits()
    for offsets in history:
        days = []
        for number, offset in enumerate(offsets):
            run_date = date(2026, 1, 1) + timedelta(days=number)
            at = et(f"{run_date} 00:00") + timedelta(minutes=offset)
            done = PhaseDay(
                pipeline="nba",
                phase="phase3",
                run_date=run_date,
                state=PhaseState.COMPLETE,
                last_completed_at=at,
                done_at={"a": at},
            )
            days.append([done])
        habits = learn(nba(), days, date(2026, 2, 1), habits, {})
        assert minutes("06:30") <= due_time(phase, habits).after <= minutes("10:00")


def test_in_words() -> None:
    """Another day than the usual one is named."""
    usual = Usual(median=minutes("08:12"), late=minutes("00:30", 2), samples=9, last=date(2026, 1, 9))
    run_date = date(2026, 1, 12)
    assert usual_words(usual) == "usually 08:12, 95% by 00:30 1 day later"
    now = compared(usual, run_date, et("2026-01-13 09:40"), ET, word="now")
    assert now == "usually 08:12, 95% by 00:30 1 day later; now 09:40"
    assert compared(usual, run_date, et("2026-01-13 09:40"), ET).endswith("; this time 09:40")
    assert compared(usual, run_date, et("2026-01-15 09:40"), ET).endswith("; this time 09:40 2 days later")
    assert compared(usual, run_date, et("2026-01-12 23:00"), ET).endswith("; this time 23:00 1 day earlier")


def test_habits_are_kept_as_json() -> None:
    """And what cannot be read is learned again."""
    habits = learned(["08:00", "08:10", "08:20", "08:30", "08:40"])
    kept = json.loads(json.dumps(to_json(habits)))
    assert from_json(kept) == habits
    for broken in (None, [], {}, {**kept, "phases": 3}, {**kept, "processors": {"phase3": {"a": ["x"]}}}):
        assert from_json(broken) == Habits()
