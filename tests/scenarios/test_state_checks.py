"""Weeks of a pipeline watched by all checks of states: what is said and when. Real BigQuery, real path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from alerts.model import Incident, IncidentState
from tests.scenarios.world import World
from tests.support import bigquery, usual_days
from tests.support.pipelines import et, expected_states, sample_rows

pytestmark = pytest.mark.emulator
# When somebody looks on each day: often while things happen, seldom while they do not.
LOOKS = ["03:00", "05:10", "06:40", "07:05", "07:35", "08:10", "09:05", "11:05", "13:40", "17:00", "18:00"]
JANUARY = usual_days.span(date(2026, 1, 1), 31)


@pytest.fixture
def dataset(emulator: str) -> Iterator[str]:
    """A dataset of this test's own."""
    with bigquery.dataset(emulator) as name:
        yield name


def told(world: World, first: date, days: int, looks: Sequence[str] = LOOKS) -> list[tuple[str, str]]:
    """What was said on these days: when, in local time, and the first line of each message."""
    said = []
    for day in usual_days.span(first, days):
        for at in looks:
            world.look(et(f"{day} {at}"))
            # Reminders are another matter.
            said += [(f"{day.day} {at}", text) for text in world.first_lines() if "Still wrong" not in text]
    return said


def test_the_sample_week_says_what_is_wrong_and_nothing_else(tmp_path: Path, emulator: str, dataset: str) -> None:
    """Its stall and its late day; no false alarm on the quorum day or the day without games."""
    games = [date.fromisoformat(day) for day, number in expected_states()["calendar"].items() if number]
    usual_days.create(emulator, dataset, games, sample_rows())
    # Between two looks of this test nobody sleeps.
    checks = "  history: {every: 5h}"
    world = World(usual_days.configuration(tmp_path, dataset, phase4=usual_days.STARTED_BY, checks=checks), emulator)
    assert [c.name for c in world.checks] == ["completions", "recording", "hand_over", "history", "tables"]
    assert told(world, date(2026, 1, 12), 8) == [
        ("15 08:10", "CRITICAL phase3 of 14 January 2026 has stalled: 3 of 5 completions missing,"),
        ("15 11:05", "> CRITICAL phase4 of 14 January 2026 is blocked: it waits for phase3"),
        ("15 17:00", "> CRITICAL phase4 of 14 January 2026 is not recorded: none of 5 completions"),
        ("15 18:00", "> RESOLVED after 11 h 30 min"),
        ("16 11:05", "CRITICAL phase4 of 15 January 2026 is incomplete after its due time: 2 of 5"),
        ("16 13:40", "> RESOLVED after 2 h 40 min"),
        ("19 05:10", f"WARNING Calendar {dataset}.schedule ends on 18 January 2026: 19 January"),
    ]

    queries = Counter[str]()
    for run in world.runs:
        queries[run.check] += run.evidence.queries
    # The past once a day and at the start, from two queries; the others live on what completions read.
    assert (queries["history"], queries["hand_over"]) == (2 * 9, 0)
    assert queries["recording"] <= 1


# -- recording --------------------------------------------------------------------------------------------------------


def test_a_silence_is_told_before_anything_is_due(tmp_path: Path, emulator: str, dataset: str) -> None:
    """Nothing after the odds of the 15th: told in the night. What is filled in for December is no sign of life."""
    before = usual_days.rows_over(date(2026, 1, 1), 15)
    silent_from = et("2026-01-15 13:30")
    rows = [row for row in before if row.inserted_at < silent_from]
    filled_in = usual_days.rows_of(date(2026, 1, 8), at=et("2026-01-16 03:30"))
    usual_days.create(emulator, dataset, JANUARY, [*rows, *filled_in])
    world = World(usual_days.configuration(tmp_path, dataset), emulator)
    assert told(world, date(2026, 1, 15), 1) == []
    assert told(world, date(2026, 1, 16), 1, ["02:00", "05:10", "07:05", "08:10"]) == [
        ("16 05:10", "WARNING Nothing is being recorded for nba: 2 completions should have come"),
        ("16 07:05", "> CRITICAL phase2 of 15 January 2026 is incomplete after its due time: 3 of 6"),
        ("16 07:05", "> CRITICAL Nothing is being recorded for nba: 8 completions should have come"),
    ]
    [incident] = open_incidents(world)
    assert incident.root == "recording:nba"
    replayed = usual_days.rows_of(date(2026, 1, 15), inserted_at=et("2026-01-16 09:30"))
    today = [row for row in usual_days.rows_of(date(2026, 1, 16)) if row.inserted_at < et("2026-01-16 10:40")]
    usual_days.record(emulator, dataset, [*replayed, *today])
    assert [text for _, text in told(world, date(2026, 1, 16), 1, ["10:45"])] == [
        "> OVER phase2 of 15 January 2026 is incomplete after its due time: 3 of 6",
        "> RESOLVED after 21 h 32 min",
    ]


def test_breaks_halts_and_days_without_games_are_silent(tmp_path: Path, emulator: str, dataset: str) -> None:
    """Two days without games, a break, a halt: nothing is said, and almost nothing is asked."""
    games = usual_days.span(date(2026, 1, 5), 5)
    usual_days.create(
        emulator, dataset, [*games, date(2026, 1, 31)], [row for day in games for row in usual_days.rows_of(day)]
    )
    pauses = "halt: [{from: 2026-01-14, until: 2026-01-16, reason: maintenance}]"
    world = World(usual_days.configuration(tmp_path, dataset, pipeline=pauses, phase4=usual_days.STARTED_BY), emulator)
    assert told(world, date(2026, 1, 9), 7, ["07:05", "11:05", "18:00"]) == []
    with world.store.reading() as stored:
        assert {run.check: str(run.status) for run in stored.last_runs()} == dict.fromkeys(
            ("completions", "recording", "hand_over", "history", "tables"), "OK"
        )


# -- hand-over --------------------------------------------------------------------------------------------------------


def test_a_dead_starter_is_told_although_the_fallback_starts_everything(
    tmp_path: Path, emulator: str, dataset: str
) -> None:
    """For weeks phase 4 was only started by the schedule, and every phase was complete in time."""
    dead = (date(2026, 1, 6), date(2026, 1, 7))
    rows = [row for day in JANUARY[4:9] for row in usual_days.rows_of(day) if row.phase != "phase4" or day not in dead]
    for day, at in zip(dead, ("2026-01-07 07:20", "2026-01-08 07:20"), strict=True):
        rows += [row for row in usual_days.rows_of(day, at=et(at)) if row.phase == "phase4"]
    usual_days.create(emulator, dataset, JANUARY[4:], rows)
    checks = "  completions: {idle: 5m}"
    world = World(usual_days.configuration(tmp_path, dataset, phase4=usual_days.STARTED_BY, checks=checks), emulator)
    looks = ["06:30", "06:50", "07:35"]
    assert told(world, date(2026, 1, 6), 4, looks) == [
        ("7 06:50", "WARNING phase4 of 6 January 2026 was not started by function"),
        ("7 07:35", "> WARNING phase4 of 6 January 2026 was started only by the fallback, not by"),
        ("8 06:50", "> WARNING phase4 of 7 January 2026 was not started by function"),
        ("8 07:35", "> WARNING phase4 of 7 January 2026 was started only by the fallback, not by"),
        ("9 06:50", "> RESOLVED after 2 d 0 h"),
    ]


# -- outputs ----------------------------------------------------------------------------------------------------------


def test_the_second_witness(tmp_path: Path, emulator: str, dataset: str) -> None:
    """Data without completions explains the phase; a completion without data is an incident of its own."""
    summaries = ("player_game_summary", "team_offense_game_summary", "team_defense_game_summary")
    day = date(2026, 1, 6)
    rows = [row for row in usual_days.rows_of(day) if row.phase == "phase2" or row.processor.startswith("upcoming")]
    usual_days.create(emulator, dataset, JANUARY[5:], rows)
    for name in (*summaries, "upcoming_player_game_context"):
        bigquery.run(emulator, f"CREATE TABLE {dataset}.{name} (game_date DATE, n INT64) PARTITION BY game_date")
    for name in summaries:
        values = ", ".join(f"(DATE '{day}', {number})" for number in range(312))
        bigquery.run(emulator, f"INSERT INTO {dataset}.{name} VALUES {values}")
    outputs = f'outputs: {{table: "{dataset}.{{processor}}", exclude: [upcoming_team_game_context]}}'
    world = World(usual_days.configuration(tmp_path, dataset, phase3=outputs), emulator)
    assert told(world, date(2026, 1, 6), 1, ["11:30", "11:40"]) == [
        ("6 11:40", "CRITICAL upcoming_player_game_context of phase3 recorded success for 6 January"),
    ]
    bigquery.run(emulator, f"INSERT INTO {dataset}.upcoming_player_game_context VALUES (DATE '{day}', 1)")
    assert told(world, date(2026, 1, 6), 1, ["12:00"]) == [("6 12:00", "> RESOLVED after 30 min")]
    assert told(world, date(2026, 1, 7), 1, ["07:35", "08:10", "08:20"]) == [
        ("7 08:10", "CRITICAL phase3 of 6 January 2026 has stalled: 3 of 5 completions missing,"),
        ("7 08:10", "> CRITICAL The cause: The data of 3 processors of phase3 for 6 January 2026 is"),
    ]
    [incident] = open_incidents(world)
    assert incident.root == "outputs:nba:phase3:2026-01-06:unrecorded"
    assert dict(incident.explains) == {"phase:nba:phase3:2026-01-06": "its data is there: only the recording failed"}


def open_incidents(world: World) -> list[Incident]:
    """What is open, as stored."""
    with world.store.reading() as stored:
        return [i for i in stored.incidents() if i.state is IncidentState.OPEN]
