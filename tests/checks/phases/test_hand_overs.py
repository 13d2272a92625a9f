"""Who started a phase, told from three moments: upstream satisfied, first completion, fallback."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from checks.phases.hand_overs import Started, starts
from checks.phases.states import judge_day
from checks.pipeline import DayTime, HandOver, Pipeline, StarterKind
from tests.support.pipelines import (
    GAME_DAY,
    completion,
    completions_of,
    et,
    every_day,
    nba,
    sample_calendar,
    sample_rows,
    with_phase,
)

FUNCTION = HandOver(
    kind=StarterKind.FUNCTION,
    name="phase3-to-phase4-orchestrator",
    within=timedelta(minutes=30),
    fallbacks=(DayTime(day=1, at=time(7)), DayTime(day=1, at=time(11))),
)
CALENDAR = every_day(date(2026, 1, 1), date(2026, 1, 31))
NIGHT = "2026-01-13"


def declared(*hand_overs: HandOver) -> Pipeline:
    return with_phase(nba(), "phase4", hand_overs=hand_overs or (FUNCTION,))


def how(upstream: str | None, first: str | None, now: str = "12:00", pipeline: Pipeline | None = None) -> Started:
    """How phase4 was started: times on the wall of the day after."""
    pipeline = pipeline or declared()
    rows = completions_of("phase3", et(f"{NIGHT} {upstream}")) if upstream else []
    rows += [completion("player_daily_cache", et(f"{NIGHT} {first}"))] if first else []
    at = et(f"{NIGHT} {now}")
    [start] = starts(pipeline, [judge_day(pipeline, GAME_DAY, rows, CALENDAR, at)], at)
    return start.how


@pytest.mark.parametrize(
    ("upstream", "first", "now", "expected"),
    [
        ("06:00", "06:20", "12:00", Started.AS_DECLARED),
        ("06:00", "06:59", "12:00", Started.AS_DECLARED),  # slow, but before any fallback
        ("08:30", "08:50", "12:00", Started.AS_DECLARED),  # the first fallback came before the upstream
        ("06:00", "07:10", "12:00", Started.BY_FALLBACK),  # an hour without a start, then the fallback
        ("06:30", "07:10", "12:00", Started.BY_FALLBACK),  # exactly the time it has
        ("06:31", "07:10", "12:00", Started.UNCLEAR),  # it may just have been slow
        ("06:00", "07:31", "12:00", Started.UNCLEAR),  # too long after the fallback to be its work
        ("08:30", "11:15", "12:00", Started.BY_FALLBACK),  # the second fallback
        ("06:00", "11:15", "12:00", Started.BY_FALLBACK),  # the first one failed as well
        (None, "07:10", "12:00", Started.WAITING),  # without its upstream
        ("06:00", None, "06:29", Started.WAITING),
        ("06:00", None, "06:30", Started.NOT_YET),  # the fallback comes at 07:00
        ("06:00", None, "08:00", Started.NOT_YET),  # another one at 11:00
        ("06:00", None, "11:00", Started.WAITING),  # none to come: it starts now or stalls
    ],
)
def test_who_started_it(upstream: str | None, first: str | None, now: str, expected: Started) -> None:
    """Where the times allow for both, nothing is claimed."""
    assert how(upstream, first, now) is expected


def test_rows_before_the_upstream_are_no_proof() -> None:
    """Something else started it: nobody knows whether its starter would have."""
    rows = [
        *completions_of("phase3", et(f"{NIGHT} 08:30")),
        completion("player_daily_cache", et(f"{NIGHT} 07:10")),
        completion("ml_feature_store", et(f"{NIGHT} 08:50")),
    ]
    at = et(f"{NIGHT} 12:00")
    [start] = starts(declared(), [judge_day(declared(), GAME_DAY, rows, CALENDAR, at)], at)
    assert start.how is Started.UNCLEAR


def test_an_observation_says_nothing() -> None:
    """The 2->3 orchestrator only watched; phase 3 started without it."""
    watcher = HandOver(kind=StarterKind.OBSERVATION, name="phase2-to-phase3-orchestrator", within=timedelta(minutes=30))
    at = et(f"{NIGHT} 12:00")
    assert starts(declared(watcher), [judge_day(declared(watcher), GAME_DAY, [], CALENDAR, at)], at) == ()


def test_each_run_date_is_judged_by_what_was_declared_then() -> None:
    """A scheduler job until the function took over."""
    before = HandOver(
        kind=StarterKind.SCHEDULE, name="overnight-phase4", within=timedelta(minutes=30), valid_until=GAME_DAY
    )
    pipeline = declared(before, replace(FUNCTION, valid_from=GAME_DAY))
    at = et(f"{NIGHT} 12:00")
    days = [judge_day(pipeline, day, [], CALENDAR, at) for day in (date(2026, 1, 11), GAME_DAY)]
    assert [start.declared.kind for start in starts(pipeline, days, at)] == ["schedule", "function"]


def test_the_sample_week_claims_nothing_wrong() -> None:
    """Phase 3 ends at 06:49 and the fallback comes at 07:00: on most days nobody can say who started phase 4."""
    pipeline = declared()
    at = et("2026-01-20 12:00")
    days = [judge_day(pipeline, date(2026, 1, n), sample_rows(), sample_calendar(), at) for n in range(12, 19)]
    assert [(start.run_date.day, start.how) for start in starts(pipeline, days, at)] == [
        (12, Started.UNCLEAR),
        (13, Started.UNCLEAR),
        (14, Started.AS_DECLARED),  # phase 3 was replayed in the afternoon, and phase 4 followed by itself
        (15, Started.UNCLEAR),
        (16, Started.UNCLEAR),
        (18, Started.UNCLEAR),
    ]
