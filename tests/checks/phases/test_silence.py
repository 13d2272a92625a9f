"""Whether nothing at all is being recorded."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from checks.phases.habits import Habits, Usual, learn
from checks.phases.model import PhaseDay
from checks.phases.silence import awaited, is_silent, overdue
from checks.phases.states import judge_day
from checks.pipeline import Pipeline
from checks.ports import CompletionRow
from tests.support.pipelines import GAME_DAY, completion, completions_of, et, every_day, nba

CALENDAR = every_day(date(2025, 12, 1), date(2026, 1, 31))


def history() -> Habits:
    """Ten days like each other: phase2 through the day and night, phase3 and phase4 in the morning."""
    pipeline = nba()
    days = []
    for number in range(10):
        day = date(2025, 12, 20) + timedelta(days=number)
        after = day + timedelta(days=1)
        rows = [
            completion("p2_nbacom_schedule", et(f"{day} 06:15"), run_date=day),
            completion("p2_br_season_roster", et(f"{day} 06:30"), run_date=day),
            completion("upcoming_player_game_context", et(f"{day} 10:35"), run_date=day),
            completion("upcoming_team_game_context", et(f"{day} 10:40"), run_date=day),
            completion("p2_odds_game_lines", et(f"{day} 13:15"), run_date=day),
            completion("p2_bdl_box_scores", et(f"{after} 01:20"), run_date=day),
            completion("p2_nbacom_gamebook_pdf", et(f"{after} 04:30"), run_date=day),
            completion("p2_bigdataball_pbp", et(f"{after} 06:20"), run_date=day),
            *(
                completion(name, et(f"{after} 06:45"), run_date=day)
                for name in ("player_game_summary", "team_offense_game_summary", "team_defense_game_summary")
            ),
            *completions_of("phase4", et(f"{after} 07:30"), run_date=day),
        ]
        days.append(judge_day(pipeline, day, rows, CALENDAR, et("2026-01-05 12:00")))
    return learn(pipeline, days, date(2026, 1, 5), Habits(), {})


HABITS = history()


def silent(last: str | None, now: str, habits: Habits = HABITS, rows: list[CompletionRow] | None = None) -> bool:
    """Whether nothing is recorded: the last row was at that time, judged at another."""
    at = et(now)
    days: list[tuple[PhaseDay, ...]] = [
        judge_day(nba(), day, rows or before(last), CALENDAR, at)
        for day in (date(2026, 1, 11), GAME_DAY, date(2026, 1, 13))
    ]
    last_at = et(last) if last else None
    return is_silent(nba(), habits, overdue(awaited(nba(), habits, days, at), last_at), last_at, at)


def before(last: str | None) -> list[CompletionRow]:
    """What is recorded on usual days up to that moment."""
    rows = []
    for day in (date(2026, 1, 11), GAME_DAY):
        for phase, names in HABITS.processors.items():
            for name, usual in names.items():
                moment = et(f"{day} 00:00") + usual.median
                if last is not None and moment <= et(last):
                    rows.append(completion(name, moment, run_date=day, phase=phase))
    return rows


def test_nothing_after_noon_is_proved_in_the_night() -> None:
    """Silent since the odds at 13:15: not while silence is usual, but long before the first phase is due at 07:00."""
    told = [hour for hour in range(24) if silent("2026-01-12 13:15", f"2026-01-13 {hour:02}:59")]
    assert told[0] == 5
    assert not silent("2026-01-12 13:15", "2026-01-12 23:59")


def test_two_phases_prove_it_at_once() -> None:
    """Nothing since 06:20: the next day's phase2, and at 07:15 phase3, are half an hour later than usual."""
    assert not silent("2026-01-13 06:20", "2026-01-13 07:14")
    assert silent("2026-01-13 06:20", "2026-01-13 07:15")


def test_without_habits_only_the_plan_proves_it() -> None:
    """Phase3 was due at 09:00, phase4 at 11:00."""
    assert not silent("2026-01-13 06:20", "2026-01-13 10:59", Habits())
    assert silent("2026-01-13 06:20", "2026-01-13 11:00", Habits())


def test_one_phase_alone_has_its_own_trouble() -> None:
    """Phase3 is not recorded; what comes of the others at 10:35 shows that recording lives."""
    rows = [
        *before("2026-01-13 06:20"),
        completion("p2_nbacom_schedule", et("2026-01-13 07:45"), run_date=date(2026, 1, 13)),
    ]
    assert not silent("2026-01-13 07:45", "2026-01-13 08:30", rows=rows)


def test_a_day_like_all_days_is_not_silent() -> None:
    """At no minute of it."""
    moment = et("2026-01-12 00:00")
    while moment < et("2026-01-13 12:00"):
        last = max((r.inserted_at for r in before(f"{moment.astimezone(nba().zone):%Y-%m-%d %H:%M}")), default=None)
        assert last is None or not silent(local(last), local(moment)), moment
        moment += timedelta(minutes=15)


def local(moment: datetime) -> str:
    return f"{moment.astimezone(nba().zone):%Y-%m-%d %H:%M}"


def test_what_was_never_recorded_is_not_awaited() -> None:
    """Nor what is satisfied already."""
    at = et("2026-01-13 11:00")
    habits = Habits(unmet={"phase3": ("player_game_summary",)})
    days = [judge_day(nba(), GAME_DAY, completions_of("phase2", et("2026-01-13 04:30")), CALENDAR, at)]
    assert {(a.phase, a.processor) for a in awaited(nba(), habits, days, at) if a.phase != "phase4"} == {
        ("phase3", "upcoming_player_game_context"),
        ("phase3", "team_defense_game_summary"),
        ("phase3", "team_offense_game_summary"),
        ("phase3", "upcoming_team_game_context"),
    }


def test_nothing_is_awaited_without_games_or_before_its_time() -> None:
    """A usual time never makes anything later than its due time."""
    empty = every_day(date(2025, 12, 1), date(2026, 1, 31), without=[GAME_DAY])
    at = et("2026-01-13 12:00")
    assert awaited(nba(), HABITS, [judge_day(nba(), GAME_DAY, [], empty, at)], at) == ()
    slow = Usual(median=timedelta(days=1, hours=20), late=timedelta(days=1, hours=22), samples=9, last=GAME_DAY)
    habits = Habits(processors={"phase2": {"p2_bdl_box_scores": slow}})
    due = et("2026-01-13 07:00")
    for at, number in ((due - timedelta(seconds=1), 0), (due, 6)):
        days = [judge_day(nba(), GAME_DAY, [], CALENDAR, at)]
        assert len([a for a in awaited(nba(), habits, days, at) if a.phase == "phase2"]) == number


def test_a_pipeline_of_one_phase_needs_no_second_one() -> None:
    """Two of its processors are enough."""
    whole = nba()
    pipeline = Pipeline(
        **{name: getattr(whole, name) for name in whole.__dataclass_fields__ if name != "phases"},
        phases=whole.phases[:1],
    )
    at = et("2026-01-13 07:00")
    late = awaited(pipeline, Habits(), [judge_day(pipeline, GAME_DAY, [], CALENDAR, at)], at)
    assert is_silent(pipeline, Habits(), late, None, at)
    assert not is_silent(pipeline, Habits(), late[:1], None, at)
