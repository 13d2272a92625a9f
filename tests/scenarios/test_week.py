"""What watching costs on the real path, a date without games among the days."""

from __future__ import annotations

from datetime import timedelta

import pytest

from checks.model import Status
from tests.support import week
from tests.support.pipelines import et

EVERY = timedelta(minutes=10)


@pytest.mark.emulator
def test_nobody_is_asked_while_nothing_is_due_and_nothing_is_open(emulator: str) -> None:
    """From the morning of the 17th, a date without games, when the last run is complete, to the 18th."""
    begin, end = et("2026-01-17 04:00"), et("2026-01-18 02:00")
    found, runs = week.days(emulator, begin, end, EVERY)
    assert {run.status for run in runs} == {Status.OK}
    quiet, game_day = found["2026-01-17"], found["2026-01-18"]
    # Six times until 06:30, then each time until phase 4 has its quorum, at 07:38.
    assert (quiet.ticks, quiet.ticks - quiet.spared) == (120, 6 + 7)
    # Half an hour apart.
    assert (game_day.ticks, game_day.spared) == (12, 8)
    by_time = {run.started_at: run.evidence for run in runs}
    noon = by_time[et("2026-01-17 12:00")]
    assert (noon.queries, noon.notes) == (
        0,
        ("not asked: nothing is due before 2026-01-18 00:00 EST (another run date)",),
    )
    early = by_time[et("2026-01-17 04:20")]
    assert early.notes == ("not asked: nothing is due before 06:30 EST (phase2 of 2026-01-16)",)
