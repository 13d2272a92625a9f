"""What single rows are worth: flags, and whether a processor counts as done."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from checks.phases.model import PhaseDay
from checks.phases.states import judge_day
from checks.ports import CompletionRow
from tests.support.pipelines import GAME_DAY, completion, et, every_day, nba

CALENDAR = every_day(date(2026, 1, 1), date(2026, 1, 31))
AT = et("2026-01-13 08:00")
SUMMARY = "player_game_summary"
OPTIONAL = "team_offense_game_summary"
MORNING = et("2026-01-13 06:40")
LATER = et("2026-01-13 07:10")
LAST = et("2026-01-13 07:20")


def phase3(*rows: CompletionRow, at: datetime = AT) -> PhaseDay:
    """Phase 3 of the game day with these rows and no others."""
    return next(day for day in judge_day(nba(), GAME_DAY, rows, CALENDAR, at) if day.phase == "phase3")


@pytest.mark.parametrize(
    ("rows", "done", "flags"),
    [
        pytest.param([completion(SUMMARY, MORNING)], True, [], id="one success"),
        pytest.param([completion(SUMMARY, MORNING, status="partial")], True, ["partial"], id="partial"),
        pytest.param([completion(SUMMARY, MORNING, status="failed")], False, ["failed"], id="failed"),
        pytest.param([completion(SUMMARY, MORNING, status="running")], False, [], id="another status word"),
        pytest.param([completion(SUMMARY, MORNING, status="SUCCESS")], False, [], id="status words are exact"),
        pytest.param([completion(SUMMARY, MORNING, record_count=0)], True, ["zero_records"], id="zero records"),
        pytest.param([completion(SUMMARY, MORNING, record_count=None)], True, [], id="no count is not zero"),
        pytest.param(
            [completion(SUMMARY, MORNING, record_count=0), completion(SUMMARY, LATER)],
            True,
            ["rerun"],
            id="zero records, then some",
        ),
        pytest.param(
            [completion(SUMMARY, MORNING), completion(SUMMARY, LATER)], True, ["rerun"], id="another execution"
        ),
        pytest.param(
            [completion(SUMMARY, MORNING, execution_id="e"), completion(SUMMARY, LATER, execution_id="e")],
            True,
            ["duplicate"],
            id="a redelivery",
        ),
        pytest.param(
            [completion(SUMMARY, MORNING, execution_id=None), completion(SUMMARY, LATER, execution_id=None)],
            True,
            ["duplicate"],
            id="without execution ids nothing tells two rows apart",
        ),
        pytest.param(
            [
                completion(SUMMARY, MORNING, status="failed", execution_id="e"),
                completion(SUMMARY, LATER, execution_id="e"),
            ],
            True,
            ["recovered"],
            id="the same execution with another status is no duplicate",
        ),
        pytest.param(
            [completion(SUMMARY, MORNING, status="failed"), completion(SUMMARY, LATER)],
            True,
            ["recovered"],
            id="failed, then success",
        ),
        pytest.param(
            [completion(SUMMARY, MORNING, status="failed"), completion(SUMMARY, MORNING)],
            True,
            ["recovered"],
            id="failed and success at the same time",
        ),
        pytest.param(
            [completion(SUMMARY, MORNING), completion(SUMMARY, LATER, status="failed")],
            True,
            ["rerun_failed_after_success"],
            id="success, then failed",
        ),
        pytest.param(
            [
                completion(SUMMARY, MORNING, status="failed"),
                completion(SUMMARY, LATER),
                completion(SUMMARY, LAST, status="failed"),
            ],
            True,
            ["recovered", "rerun_failed_after_success"],
            id="failed, success, failed",
        ),
        pytest.param(
            [completion(SUMMARY, MORNING, status="partial"), completion(SUMMARY, LATER)],
            True,
            ["rerun"],
            id="partial, then success",
        ),
        pytest.param(
            [completion(SUMMARY, MORNING, inserted_at=MORNING + timedelta(minutes=30))],
            True,
            [],
            id="30 min is in time",
        ),
        pytest.param(
            [completion(SUMMARY, MORNING, inserted_at=MORNING + timedelta(minutes=30, seconds=1))],
            True,
            ["late_insert"],
            id="inserted late",
        ),
        pytest.param(
            [completion(SUMMARY, AT + timedelta(minutes=5), inserted_at=AT)], True, [], id="5 min ahead is tolerated"
        ),
        pytest.param(
            [completion(SUMMARY, AT + timedelta(minutes=5, seconds=1), inserted_at=AT)],
            False,
            ["future_timestamp"],
            id="from the future",
        ),
        pytest.param([completion(SUMMARY, et("2026-01-12 12:00"))], True, [], id="at noon of the game date"),
        pytest.param(
            [completion(SUMMARY, et("2026-01-12 11:59"))], False, ["implausible_early"], id="before noon, post-game"
        ),
        pytest.param([completion(SUMMARY, MORNING, phase="3")], True, ["name_normalised"], id="phase spelt otherwise"),
        pytest.param(
            [completion(SUMMARY, MORNING, inserted_at=AT + timedelta(seconds=1))], False, [], id="not there yet"
        ),
        pytest.param([completion(SUMMARY, MORNING, run_date=date(2026, 1, 11))], False, [], id="another date"),
        pytest.param([completion(SUMMARY, MORNING, phase="phase9")], False, [], id="no phase of ours"),
    ],
)
def test_rows_of_one_processor(rows: list[CompletionRow], done: bool, flags: list[str]) -> None:
    """Whether the processor is done, and exactly which flags its rows give."""
    day = phase3(*rows)
    assert (day.done, day.flags) == ((SUMMARY,) if done else (), tuple(f"{flag}:{SUMMARY}" for flag in flags))


def test_other_spellings_count() -> None:
    """A class name of a processor completes it, and is flagged with the canonical name."""
    day = phase3(completion("PlayerGameSummaryProcessor", MORNING))
    assert (day.done, day.flags) == ((SUMMARY,), (f"name_normalised:{SUMMARY}",))


def test_unknown_names_are_only_flagged() -> None:
    """A name that is not expected of the phase counts for nothing, whatever else is odd about its row."""
    day = phase3(
        completion("nba_raw.SomebodyElse", MORNING, inserted_at=AT),
        completion("ml_feature_store", MORNING, phase="phase3"),
    )
    assert (day.done, day.flags) == (
        (),
        ("name_normalised:somebody_else", "unknown_processor:ml_feature_store", "unknown_processor:somebody_else"),
    )


def test_the_future_comes_before_the_unknown() -> None:
    """The first reason to ignore a row is the one that is flagged."""
    assert phase3(completion("somebody_else", AT + timedelta(hours=1), inserted_at=AT)).flags == (
        "future_timestamp:somebody_else",
    )


@pytest.mark.parametrize("counts", [(0, 5), (5, 0), (None, 0), (0, None)])
def test_duplicates_at_the_same_time_are_told_apart_without_their_order(counts: tuple[int | None, int | None]) -> None:
    """A table has no order: the same one is kept, whichever comes first."""
    rows = [completion(SUMMARY, MORNING, execution_id="e", record_count=count) for count in counts]
    assert phase3(*rows) == phase3(*reversed(rows))


def test_pre_game_processors_may_be_early() -> None:
    """Only post-game work has a time before which it cannot be meant."""
    assert phase3(completion("upcoming_player_game_context", et("2026-01-12 08:00"))).flags == ()


def test_the_time_of_a_processor_is_that_of_its_first_success() -> None:
    """Not of its re-run, nor of a failure before."""
    day = phase3(
        completion(SUMMARY, LAST),
        completion(SUMMARY, LATER, status="partial"),
        completion(SUMMARY, MORNING, status="failed"),
    )
    assert day.last_completed_at == LATER


@pytest.mark.parametrize(
    ("run_date", "noon_utc"),
    [(date(2026, 3, 8), "2026-03-08T16:00:00+00:00"), (date(2026, 11, 1), "2026-11-01T17:00:00+00:00")],
)
def test_noon_on_the_days_of_clock_changes(run_date: date, noon_utc: str) -> None:
    """Noon is noon on the wall: the new offset holds from two in the morning on."""
    noon = datetime.fromisoformat(noon_utc)
    calendar = every_day(run_date, run_date)
    rows = [
        completion(SUMMARY, noon - timedelta(seconds=1), run_date=run_date),
        completion(OPTIONAL, noon, run_date=run_date),
    ]
    day = judge_day(nba(), run_date, rows, calendar, noon)[1]
    assert (day.done, day.flags) == ((OPTIONAL,), (f"implausible_early:{SUMMARY}",))
