"""The shipped pipeline, judged by the product and by a second implementation of the definition, on random weeks."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from checks.phases.model import PhaseDay, PhaseState
from checks.phases.states import judge_days
from checks.pipeline import Pipeline
from checks.ports import CalendarDays, CompletionRow
from monitor.config.loading import load
from tests.support import reference
from tests.support.reference import Row, wall

SHIPPED = load(Path(__file__).parents[3] / "config.yaml", {}).pipelines[0].to_pipeline()
# Ordinary; the list of phase 2 changes; clocks go forward; clocks go back.
WEEKS = (date(2026, 1, 12), date(2026, 2, 10), date(2026, 3, 6), date(2026, 10, 30))
DATES = 4

SPELLINGS = {
    "player_game_summary": ("PlayerGameSummaryProcessor", " player_game_summary ", "nba_analytics.player_game_summary"),
    "ml_feature_store": ("ml_feature_store_v2", "MLFeatureStoreProcessor", "nba_precompute.ml_feature_store_v2"),
    "p2_bdl_box_scores": ("bdl_player_boxscores", "nba_raw.bdl_player_boxscores", "BdlPlayerBoxscoresProcessor"),
    "p2_odds_game_lines": ("odds_api_game_lines", "P2_ODDS_GAME_LINES"),
    "player_daily_cache": ("PlayerDailyCache", "PLAYER_DAILY_CACHE"),
}
PHASES = {"phase2": ("Phase2", "2", "phase_2"), "phase3": ("Phase3", "3", "phase_3"), "phase4": ("PHASE4", "phase_4")}


def names_of(phase: str, day: date) -> list[str]:
    """What is owed, before and after the list changed, and a stranger."""
    both = [
        name
        for moment in (date(2026, 1, 1), date(2026, 3, 1))
        for name in set().union(*reference.expected(phase, moment))
    ]
    return sorted({*both, "stranger", "player_daily_cache"})


def moments(first: date) -> st.SearchStrategy[datetime]:
    """Moments at which something changes, exactly and just beside; and ordinary ones."""
    days = st.integers(min_value=0, max_value=DATES).map(lambda n: first + timedelta(days=n))
    walls = st.sampled_from(
        [
            time(0),
            time(1, 30),
            time(6, 29),
            time(6, 30),
            time(6, 45),
            time(7),
            time(8),
            time(8, 30),
            time(9),
            time(11),
            time(12),
            time(13),
            time(19, 30),
        ]
    )
    beside = st.sampled_from([0, 0, 0, -1, 1, 300, -300, 301, 1800, 5400]).map(lambda s: timedelta(seconds=s))
    return st.builds(lambda day, at, delta: wall(day, at) + delta, days, walls, beside)


@st.composite
def weeks(draw: st.DrawFn) -> tuple[list[Row], dict[date, int], datetime]:
    """Rows, the calendar and the moment of a query."""
    first = draw(st.sampled_from(WEEKS))
    at = moments(first)
    rows: list[Row] = []
    for _ in range(draw(st.integers(min_value=0, max_value=3))):
        # Most of a phase at once, or no state but pending would ever be met.
        phase, day = draw(st.sampled_from(sorted(PHASES))), first + timedelta(days=draw(st.integers(0, DATES - 1)))
        owed = sorted(set().union(*reference.expected(phase, day)))
        left_out = draw(st.sets(st.sampled_from(owed), max_size=3))
        completed = wall(
            day + timedelta(days=1), draw(st.sampled_from([time(4), time(6, 35), time(8), time(9), time(12)]))
        )
        rows += [
            Row(phase, day, name, "success", 5, f"run-{name}", completed, completed)
            for name in owed
            if name not in left_out
        ]
    for _ in range(draw(st.integers(min_value=0, max_value=12))):
        # Mostly of two processors, so that their executions meet.
        phase, day = (
            draw(st.sampled_from([*sorted(PHASES), "phase3", "phase4"])),
            first + timedelta(days=draw(st.sampled_from([0, 1, 1, 1, 2, 3]))),
        )
        favourite = {"phase3": "player_game_summary", "phase4": "ml_feature_store"}.get(phase, "p2_odds_game_lines")
        name = draw(st.one_of(st.just(favourite), st.just(favourite), st.sampled_from(names_of(phase, day))))
        completed = draw(at)
        rows.append(
            Row(
                draw(st.sampled_from((phase, phase, phase, *PHASES[phase]))),
                day,
                draw(st.sampled_from((name, name, *SPELLINGS.get(name, ())))),
                draw(st.sampled_from(["success", "success", "partial", "failed", "failed", "skipped"])),
                draw(st.sampled_from([None, 0, 0, 5])),
                draw(st.sampled_from([None, "a", "b"])),
                completed,
                completed
                + draw(st.sampled_from([0, 0, 1799, 1800, 1801, 86400, -300, -301, -3600])) * timedelta(seconds=1),
            )
        )
    games = {first + timedelta(days=n): draw(st.sampled_from([6, 6, 6, 0])) for n in range(DATES)}
    games[first] = games[first + timedelta(days=DATES - 1)] = 6  # a table's ends are dates with games
    return rows, games, draw(at)


def calendar_of(games: dict[date, int]) -> CalendarDays:
    """As the table gives it: a date without games has no row."""
    return CalendarDays(runs={d: n for d, n in games.items() if n}, first=min(games), last=max(games))


def as_rows(rows: list[Row]) -> list[CompletionRow]:
    """The rows as the product has them."""
    return [
        CompletionRow(
            phase=row.phase,
            run_date=row.game_date,
            processor=row.processor_name,
            status=row.status,
            record_count=row.record_count,
            execution_id=row.execution_id,
            completed_at=row.completed_at,
            inserted_at=row.inserted_at,
        )
        for row in rows
    ]


def judged(pipeline: Pipeline, rows: list[Row], games: dict[date, int], now: datetime) -> list[tuple[PhaseDay, ...]]:
    """The dates that a query covers."""
    today = now.astimezone(pipeline.zone).date()
    dates = [today - timedelta(days=back) for back in (3, 2, 1, 0)]
    return judge_days(pipeline, dates, as_rows(rows), calendar_of(games), now)


def as_reference(days: list[tuple[PhaseDay, ...]]) -> dict[date, dict[str, dict[str, object]]]:
    """The product's answer in the reference's form; dates that the calendar does not cover are not listed there."""
    answer: dict[date, dict[str, dict[str, object]]] = {}
    for phase_day in (d for day in days for d in day if d.state is not PhaseState.UNKNOWN):
        answer.setdefault(phase_day.run_date, {})[phase_day.phase] = {
            "state": phase_day.state.value,
            "done": list(phase_day.done),
            "missing": list(phase_day.missing),
            "flags": list(phase_day.flags),
        }
    return answer


@settings(max_examples=250)
@given(weeks())
def test_both_say_the_same(week: tuple[list[Row], dict[date, int], datetime]) -> None:
    """State, done, missing and flags of every phase and date."""
    rows, games, now = week
    assert as_reference(judged(SHIPPED, rows, games, now)) == reference.judge(rows, games, now)
