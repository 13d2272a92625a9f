"""What really happened to this pipeline, one case for each, judged by the shipped configuration."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from checks.phases.evidence import CompletionEvidence
from checks.phases.model import PhaseDay, PhaseState
from checks.phases.states import judge_day
from checks.ports import CompletionRow
from tests.checks.phases.test_reference import SHIPPED
from tests.support import reference
from tests.support.pipelines import et, every_day

ENDED = CompletionEvidence(valid_until=date(2026, 2, 12))
BEFORE, AFTER = date(2026, 2, 11), date(2026, 2, 12)
SPRING, AUTUMN = date(2026, 3, 7), date(2026, 10, 31)  # their mornings after are those of the clock changes


def row(phase: str, processor: str, day: date, completed: datetime, **changes: Any) -> CompletionRow:
    """A success of its own execution, inserted at once."""
    values: dict[str, Any] = {"status": "success", "record_count": 10, "execution_id": f"{processor}@{completed}"}
    values |= {"inserted_at": completed, **changes}
    return CompletionRow(phase=phase, processor=processor, run_date=day, completed_at=completed, **values)


def all_of(phase: str, day: date, completed: datetime) -> list[CompletionRow]:
    """Everything that the phase owes on that date."""
    return [row(phase, name, day, completed) for name in sorted(set().union(*reference.expected(phase, day)))]


def judged(day: date, rows: list[CompletionRow], at: datetime) -> dict[str, PhaseDay]:
    """The phases of one date, by name, with games every day."""
    calendar = every_day(day - timedelta(days=30), day + timedelta(days=30))
    return {d.phase: d for d in judge_day(SHIPPED, day, rows, calendar, at)}


def morning(day: date, clock: str) -> datetime:
    """A wall-clock time in New York on the day after."""
    return et(f"{day + timedelta(days=1)} {clock}")


def test_completions_under_the_run_date_help_neither_date() -> None:
    """Written on the morning after, under that morning's date: missing there, and implausible here."""
    day, next_day = date(2026, 1, 20), date(2026, 1, 21)
    rows = [*all_of("phase2", day, morning(day, "04:00")), *all_of("phase3", next_day, morning(day, "06:40"))]
    at = morning(day, "09:00")
    assert judged(day, rows, at)["phase3"].state is PhaseState.STALLED
    wrong = judged(next_day, rows, at)["phase3"]
    assert wrong.done == ("upcoming_player_game_context", "upcoming_team_game_context")
    assert [flag for flag in wrong.flags if flag.startswith("implausible_early:")] == [
        "implausible_early:player_game_summary",
        "implausible_early:team_defense_game_summary",
        "implausible_early:team_offense_game_summary",
    ]


def test_same_day_rows_are_no_progress_of_the_overnight_run() -> None:
    """They count for the date, and the phase that did nothing since it could start has stalled all the same."""
    day = date(2026, 1, 20)
    rows = [
        *all_of("phase2", day, morning(day, "04:00")),
        row("phase3", "upcoming_player_game_context", day, et("2026-01-20 10:40")),
    ]
    evening = judged(day, rows, et("2026-01-20 20:00"))["phase3"]
    assert (evening.state, evening.done) == (PhaseState.IN_PROGRESS, ("upcoming_player_game_context",))
    assert judged(day, rows, morning(day, "08:00"))["phase3"].state is PhaseState.STALLED


@pytest.mark.parametrize("spelt", ["Phase3", "phase_3", "3", "PHASE3", " phase3 "])
def test_phases_may_be_spelt_otherwise(spelt: str) -> None:
    """Counted, and flagged."""
    day = date(2026, 1, 20)
    found = judged(day, [row(spelt, "player_game_summary", day, morning(day, "06:40"))], morning(day, "06:50"))[
        "phase3"
    ]
    assert (found.done, found.flags) == (("player_game_summary",), ("name_normalised:player_game_summary",))


@pytest.mark.parametrize(
    ("spelt", "name", "flagged"),
    [
        ("PlayerGameSummaryProcessor", "player_game_summary", True),
        ("PlayerGameSummary", "player_game_summary", True),
        ("PLAYER_GAME_SUMMARY", "player_game_summary", True),
        ("nba_analytics.player_game_summary", "player_game_summary", True),
        ("nba-props-platform.nba_analytics.PlayerGameSummaryProcessor", "player_game_summary", True),
        ("  player_game_summary\n", "player_game_summary", False),
        ("TeamOffenseGameSummaryProcessor", "team_offense_game_summary", True),
    ],
)
def test_processors_may_be_spelt_otherwise(spelt: str, name: str, flagged: bool) -> None:
    """Blanks around a name are no other spelling."""
    day = date(2026, 1, 20)
    found = judged(day, [row("phase3", spelt, day, morning(day, "06:40"))], morning(day, "06:50"))["phase3"]
    assert (found.done, found.flags) == ((name,), (f"name_normalised:{name}",) if flagged else ())


def test_two_spellings_of_one_execution_are_a_redelivery() -> None:
    """Names are normalised before anything is compared."""
    day = date(2026, 1, 20)
    rows = [
        row("phase4", spelt, day, morning(day, clock), execution_id="e")
        for spelt, clock in (("ml_feature_store_v2", "07:10"), ("MLFeatureStoreProcessor", "07:20"))
    ]
    assert judged(day, rows, morning(day, "07:30"))["phase4"].flags == (
        "duplicate:ml_feature_store",
        "name_normalised:ml_feature_store",
    )


def test_a_processor_of_another_phase_is_a_stranger() -> None:
    """However well known it is there."""
    day = date(2026, 1, 20)
    found = judged(day, [row("phase3", "ml_feature_store_v2", day, morning(day, "07:10"))], morning(day, "07:30"))
    assert found["phase3"].flags == ("name_normalised:ml_feature_store", "unknown_processor:ml_feature_store")
    assert (found["phase3"].done, found["phase4"].flags) == ((), ())


def test_the_list_of_phase_2_changes_with_the_run_date() -> None:
    """Each date by its own list, whenever it is judged; an alias of what is no longer owed leads to a stranger."""
    at = morning(AFTER, "08:00")
    for day, other in ((BEFORE, AFTER), (AFTER, BEFORE)):
        own = judged(day, all_of("phase2", day, morning(day, "04:00")), at)["phase2"]
        assert (own.state, own.flags) == (PhaseState.COMPLETE, ())
        names = {r.processor for r in all_of("phase2", other, at)} - {r.processor for r in all_of("phase2", day, at)}
        wrong = [row("phase2", name, day, morning(day, "04:00")) for name in names]
        found = judged(day, wrong, at)["phase2"]
        assert (found.done, found.flags) == ((), tuple(sorted(f"unknown_processor:{name}" for name in names)))
    [aliased] = [judged(AFTER, [row("phase2", "bdl_player_boxscores", AFTER, morning(AFTER, "04:00"))], at)["phase2"]]
    assert aliased.flags == ("name_normalised:p2_bdl_box_scores", "unknown_processor:p2_bdl_box_scores")


def test_without_rows_or_tables_phase_2_is_incomplete_after_its_recorder_ended() -> None:
    """And who waits for it is blocked: nothing says that it was done."""
    found = judged(AFTER, [], morning(AFTER, "11:00"))
    assert [found[name].state for name in ("phase2", "phase3", "phase4")] == [
        PhaseState.INCOMPLETE,
        PhaseState.BLOCKED,
        PhaseState.BLOCKED,
    ]


@pytest.mark.parametrize(
    ("day", "utc_due"), [(SPRING, "2026-03-08T13:00:00+00:00"), (AUTUMN, "2026-11-01T14:00:00+00:00")]
)
def test_due_times_on_the_mornings_of_clock_changes(day: date, utc_due: str) -> None:
    """09:00 on the wall: equal is in time, a second later is late, and at that moment it counts as after."""
    due = datetime.fromisoformat(utc_due)
    second = timedelta(seconds=1)
    phase2 = all_of("phase2", day, morning(day, "04:00"))
    for last, state in ((due, PhaseState.COMPLETE), (due + second, PhaseState.COMPLETE_LATE)):
        assert judged(day, [*phase2, *all_of("phase3", day, last)], due + 2 * second)["phase3"].state is state
    progress = [*phase2, row("phase3", "player_game_summary", day, morning(day, "06:40"))]
    assert judged(day, progress, due - second)["phase3"].state is PhaseState.IN_PROGRESS
    assert judged(day, progress, due)["phase3"].state is PhaseState.INCOMPLETE


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_stalling_is_elapsed_time_on_the_mornings_of_clock_changes(day: date) -> None:
    """Ninety minutes after 06:30, whatever the night did; upstream was satisfied before the change."""
    rows = all_of("phase2", day, et(f"{day + timedelta(days=1)} 00:30"))
    start = morning(day, "06:30")
    wait = timedelta(minutes=90)
    assert judged(day, rows, start + wait - timedelta(seconds=1))["phase3"].state is PhaseState.PENDING
    stalled = judged(day, rows, start + wait)["phase3"]
    assert (stalled.state, stalled.stalled_since) == (PhaseState.STALLED, start)


@pytest.mark.parametrize("done", range(6))
def test_the_quorum_of_five_is_three(done: int) -> None:
    """60 % rounded up, with both critical ones."""
    day = date(2026, 1, 20)
    names = ["player_daily_cache", "ml_feature_store", "player_composite_factors", "player_shot_zone_analysis"]
    names = [*names, "team_defense_zone_analysis"][:done]
    rows = [row("phase4", name, day, morning(day, "07:30")) for name in names]
    state = judged(day, rows, morning(day, "11:00"))["phase4"].state
    wanted = {3: PhaseState.QUORUM, 4: PhaseState.QUORUM, 5: PhaseState.COMPLETE}
    assert state is wanted.get(done, PhaseState.BLOCKED)


def test_a_failure_behind_a_dead_upstream_is_a_failure() -> None:
    """Failed comes before blocked."""
    day = date(2026, 1, 20)
    rows = [row("phase3", "player_game_summary", day, morning(day, "07:00"), status="failed")]
    assert judged(day, rows, morning(day, "10:00"))["phase3"].state is PhaseState.FAILED


def test_a_phase_that_nothing_proves_lets_the_next_one_pass() -> None:
    """Without recorder and other evidence it owes nothing, and says why; from its due time on nobody waits for it."""
    phases = tuple(
        replace(phase, processors=tuple(replace(p, evidence=(ENDED,)) for p in phase.processors))
        if phase.name == "phase2"
        else phase
        for phase in SHIPPED.phases
    )
    pipeline = replace(SHIPPED, phases=phases)
    calendar = every_day(AFTER, AFTER)
    due = morning(AFTER, "07:00")
    before, after = (judge_day(pipeline, AFTER, [], calendar, at) for at in (due - timedelta(seconds=1), due))
    assert before[0].state is after[0].state is PhaseState.NOT_EXPECTED
    assert after[0].why_not == "nobody records phase2 for this date, and nothing else shows that it is done"
    stalled = judge_day(pipeline, AFTER, [], calendar, due + timedelta(minutes=90))[1]
    assert (stalled.state, stalled.stalled_since) == (PhaseState.STALLED, due)
    assert judge_day(pipeline, BEFORE, [], every_day(BEFORE, BEFORE), due)[0].state is PhaseState.INCOMPLETE
