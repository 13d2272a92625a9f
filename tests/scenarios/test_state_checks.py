"""Weeks of a pipeline watched by all checks of states: what is said and when. Real BigQuery, real path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from tests.scenarios.world import World
from tests.support import bigquery, weeks
from tests.support.pipelines import et, expected_states, sample_rows

pytestmark = pytest.mark.emulator
# When somebody looks on each day: often while things happen, seldom while they do not.
LOOKS = ["03:00", "05:10", "06:40", "07:05", "07:35", "08:10", "09:05", "11:05", "13:40", "17:00", "18:00"]
JANUARY = weeks.span(date(2026, 1, 1), 31)


@pytest.fixture
def dataset(emulator: str) -> Iterator[str]:
    """A dataset of this test's own."""
    with bigquery.dataset(emulator) as name:
        yield name


def told(world: World, first: date, days: int, looks: Sequence[str] = LOOKS) -> list[tuple[str, str]]:
    """What was said on these days: when, in local time, and the first line of each message."""
    said = []
    for day in weeks.span(first, days):
        for at in looks:
            world.look(et(f"{day} {at}"))
            said += [(f"{day.day} {at}", text) for text in world.first_lines()]
    return said


def test_the_sample_week_says_what_is_wrong_and_nothing_else(tmp_path: Path, emulator: str, dataset: str) -> None:
    """Its stall and its late day; no false alarm on the quorum day or the day without games."""
    games = [date.fromisoformat(day) for day, number in expected_states()["calendar"].items() if number]
    weeks.create(emulator, dataset, games, sample_rows())
    world = World(weeks.configuration(tmp_path, dataset, phase4=weeks.STARTED_BY), emulator)
    assert [c.name for c in world.checks] == ["completions", "recording", "hand_over", "history"]
    assert told(world, date(2026, 1, 12), 8) == []
