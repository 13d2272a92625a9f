"""The sample's 49 query times give exactly the expected states, from rows in memory."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from checks.model import utc
from checks.phases.model import PhaseDay, PhaseState
from checks.phases.states import judge_day
from tests.support.pipelines import expected_states, nba, sample_calendar, sample_rows

QUERIES = expected_states()["queries"]


def as_expected(days: list[PhaseDay]) -> dict[str, dict[str, Any]]:
    """Judged days in the form of expected-states.json; dates beyond the calendar are not listed there."""
    listed: dict[str, dict[str, Any]] = {}
    for day in days:
        if day.state is not PhaseState.UNKNOWN:
            listed.setdefault(day.run_date.isoformat(), {})[day.phase] = {
                "done": list(day.done),
                "missing": list(day.missing),
                "state": day.state.value,
                "flags": list(day.flags),
            }
    return listed


@pytest.mark.parametrize("query", QUERIES, ids=[query["query_time"] for query in QUERIES])
def test_states_of_the_sample(query: dict[str, Any]) -> None:
    """State, done, missing and flags of every phase, and the root problems."""
    pipeline, at = nba(), utc(datetime.fromisoformat(query["query_time"]))
    today = at.astimezone(pipeline.zone).date()
    days = [
        day
        for back in (3, 2, 1, 0)
        for day in judge_day(pipeline, today - timedelta(days=back), sample_rows(), sample_calendar(), at)
    ]
    assert as_expected(days) == query["days"]
    assert [
        {"game_date": day.run_date.isoformat(), "phase": day.phase, "state": day.state.value}
        for day in days
        if day.state.is_root_problem
    ] == query["root_problems"]
