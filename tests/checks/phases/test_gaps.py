"""What only several run dates together show."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from checks.phases.gaps import Gap, Unmet, empty_successes, late_meanwhile, missing_again, unmet
from checks.phases.model import PhaseDay, PhaseState
from checks.phases.states import judge_day
from checks.pipeline import Pipeline
from checks.ports import CompletionRow
from tests.support.pipelines import completion, completions_of, et, every_day, nba

FIRST = date(2026, 1, 1)
CALENDAR = every_day(FIRST, date(2026, 3, 31), without=[date(2026, 1, 4)])
PHASE2 = (
    "p2_nbacom_schedule",
    "p2_odds_game_lines",
    "p2_nbacom_gamebook_pdf",
    "p2_bigdataball_pbp",
    "p2_br_season_roster",
)


def run_date(number: int) -> date:
    return FIRST + timedelta(days=number)


def morning(number: int) -> datetime:
    return et(f"{run_date(number + 1)} 06:00")


def judged(rows: list[CompletionRow], dates: int, pipeline: Pipeline | None = None) -> list[tuple[PhaseDay, ...]]:
    """The run dates from 1 January on, as they were at noon after the last."""
    at = et(f"{run_date(dates)} 12:00")
    return [judge_day(pipeline or nba(), run_date(n), rows, CALENDAR, at) for n in range(dates)]


def noon(dates: int) -> datetime:
    return et(f"{run_date(dates)} 12:00")


def of(names: tuple[str, ...], dates: int, **changes: object) -> list[CompletionRow]:
    """A success of each on each of the run dates."""
    return [completion(name, morning(n), run_date=run_date(n), **changes) for n in range(dates) for name in names]


# -- never recorded ---------------------------------------------------------------------------------------------------


def test_a_name_that_is_never_met_is_told_with_the_one_that_is_recorded() -> None:
    """The list said p2_bdl_box_scores, the recorder wrote bdl_player_boxscores: sets never matched, only counts did."""
    pipeline = replace(nba(), aliases={})
    rows = of(PHASE2, 8) + of(("bdl_player_boxscores", "something_else"), 8, phase="phase2")
    days = judged(rows, 8, pipeline)
    [found] = [u for u in unmet(pipeline, days, noon(8)) if u.phase == "phase2"]
    assert found == Unmet(
        phase="phase2",
        processor="p2_bdl_box_scores",
        run_dates=tuple(run_date(n) for n in range(8) if n != 3),
        alias="bdl_player_boxscores",
        alias_dates=7,
    )


def test_nothing_like_it_is_recorded() -> None:
    """Then no name is guessed."""
    [found] = [u for u in unmet(nba(), judged(of(PHASE2, 8), 8), noon(8)) if u.phase == "phase2"]
    assert (found.processor, found.alias, found.alias_dates) == ("p2_bdl_box_scores", None, 0)


def test_too_few_run_dates_prove_nothing() -> None:
    """Four owed ones."""
    assert unmet(nba(), judged(of(PHASE2, 5), 5), noon(5)) == ()
    assert len(unmet(nba(), judged(of(PHASE2, 6), 6), noon(6))) == 1


def test_a_phase_of_which_nothing_is_recorded_has_another_trouble() -> None:
    """Its recorder, not its names; here phase3 and phase4 were never recorded."""
    assert {u.phase for u in unmet(nba(), judged(of(PHASE2, 8), 8), noon(8))} == {"phase2"}


def test_a_single_row_is_enough_also_a_failed_one() -> None:
    """The name is right."""
    for status in ("success", "failed"):
        row = completion("p2_bdl_box_scores", morning(0), run_date=run_date(0), status=status)
        assert unmet(nba(), judged([*of(PHASE2, 8), row], 8), noon(8)) == ()


def test_what_is_no_longer_owed_is_nobodys_trouble() -> None:
    """The list changed in the meantime."""
    pipeline = nba()
    phases = tuple(
        replace(
            p, processors=tuple(replace(x, valid_until=run_date(7)) if "bdl" in x.name else x for x in p.processors)
        )
        for p in pipeline.phases
    )
    changed = replace(pipeline, phases=phases)
    assert unmet(changed, judged(of(PHASE2, 8), 8, changed), noon(8)) == ()


# -- zero records -----------------------------------------------------------------------------------------------------


def test_successes_without_records_are_told_with_their_dates() -> None:
    """Of a critical processor, as long as its latest success was empty; a failed run in between changes nothing."""
    rows = of(("player_game_summary",), 3) + [
        completion("player_game_summary", morning(n), run_date=run_date(n), record_count=0) for n in (4, 6)
    ]
    gap = Gap(phase="phase3", processor="player_game_summary", run_dates=(run_date(4), run_date(6)))
    assert empty_successes(nba(), judged(rows, 8)) == (gap,)
    mended = completion("player_game_summary", morning(7), run_date=run_date(7))
    assert empty_successes(nba(), judged([*rows, mended], 8)) == ()


def test_an_empty_optional_processor_is_not_told() -> None:
    """There may be nothing to do for it."""
    assert empty_successes(nba(), judged(of(("team_defense_game_summary",), 3, record_count=0), 3)) == ()


# -- missing again and again ------------------------------------------------------------------------------------------


def phase3(number: int, *without: str) -> list[CompletionRow]:
    rows = completions_of("phase3", et(f"{run_date(number + 1)} 06:40"), run_date=run_date(number))
    return [row for row in rows if row.processor not in without]


def test_an_optional_one_is_told_the_third_time_in_a_row() -> None:
    """Run dates on which nothing is owed (the fourth), or without a quorum, do not count and do not interrupt."""
    name = "team_defense_game_summary"
    rows = [*phase3(0), *phase3(1, name), *phase3(2, name), *phase3(5, name)]  # of the fifth nothing came
    assert missing_again(nba(), judged(rows, 3), noon(3)) == ()
    gap = Gap(phase="phase3", processor=name, run_dates=(run_date(1), run_date(2), run_date(5)))
    assert missing_again(nba(), judged(rows, 6), noon(6)) == (gap,)
    assert missing_again(nba(), judged([*rows, *phase3(6)], 7), noon(7)) == ()


def test_before_it_is_due_it_is_not_missing() -> None:
    """The quorum is there at 06:40, the rest may come until 09:00."""
    name = "team_defense_game_summary"
    rows = [row for n in range(6) for row in phase3(n, *((name,) if n > 2 else ()))]
    calm = et(f"{run_date(6)} 08:00")
    days = [judge_day(nba(), run_date(n), rows, CALENDAR, calm) for n in range(6)]
    assert missing_again(nba(), days, calm) == ()


def test_what_was_never_recorded_is_told_as_that() -> None:
    """Not twice."""
    name = "team_defense_game_summary"
    rows = [row for n in range(8) for row in phase3(n, name)]
    days = judged(rows, 8)
    assert [u.processor for u in unmet(nba(), days, noon(8))] == [name]
    assert missing_again(nba(), days, noon(8)) == ()


# -- late while nobody looked -----------------------------------------------------------------------------------------


def test_late_is_told_if_it_fell_due_and_ended_while_nobody_looked() -> None:
    """Who looked after the due time has seen it late."""
    late_at = et("2026-01-02 16:50")
    rows = [*of(PHASE2, 1), *completions_of("phase3", late_at, run_date=FIRST)]
    days = [judge_day(nba(), FIRST, rows, CALENDAR, et("2026-01-02 18:00"))]
    phase = next(d for d in days[0] if d.phase == "phase3")
    assert phase.state is PhaseState.COMPLETE_LATE
    due = et("2026-01-02 09:00")
    second = timedelta(seconds=1)
    seen = {
        since: [d.phase for d in late_meanwhile(days, since, et("2026-01-02 18:00"))]
        for since in (due - second, due, late_at)
    }
    assert seen == {due - second: ["phase3"], due: [], late_at: []}
    assert late_meanwhile(days, due - second, late_at - second) == ()
