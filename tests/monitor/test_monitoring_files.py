"""The policies and the dashboard in ``docs/monitoring``: the service's own messages, asked of what was written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.cloud.monitoring_dashboard_v1.types import Dashboard
from google.cloud.monitoring_v3.types import Aggregation, AlertPolicy, ListTimeSeriesRequest, TimeInterval
from google.protobuf.json_format import ParseDict

from alerts.model import Backlog
from checks.model import Severity, Status
from checks.monitoring_api import MonitoringApi
from checks.phases.model import PhaseState
from monitor.telemetry import gauges
from monitor.telemetry.heartbeat import written
from tests.support.beating import LATE, MINUTE, NOW, World, beating

FOLDER = Path(__file__).parents[2] / "docs" / "monitoring"
POLICIES = sorted(FOLDER.glob("*-policy.json"))
GONE, UNWELL, BLIND, GIVEN_UP, TROUBLE, CRITICAL = (
    "No heartbeat for ten minutes",
    "It says of itself that something is wrong",
    "A check has seen nothing for 30 minutes",
    "Messages were given up",
    "A phase has stalled, failed or is incomplete",
    "A critical incident has been open for an hour",
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with beating(tmp_path) as running:
        yield running


def read(file: Path, message: Any) -> Any:
    """The file as that message; a field or a word that the message does not have is an error."""
    return ParseDict(json.loads(file.read_text(encoding="utf-8")), message)


def conditions() -> list[Any]:
    """The conditions of all policies."""
    policies = [read(file, AlertPolicy.pb(AlertPolicy())) for file in POLICIES]
    return [condition for policy in policies for condition in policy.conditions]


def asked(world: World, filter_text: str, aggregation: Any, since: datetime) -> list[Any]:
    """The series that a filter selects there, aggregated as it is said."""
    api = MonitoringApi("p1", endpoint=world.server.endpoint, timeout=timedelta(seconds=5))
    try:
        request = ListTimeSeriesRequest(
            filter=filter_text,
            interval=TimeInterval(start_time=since, end_time=world.clock.time),
            aggregation=Aggregation(
                alignment_period=aggregation.alignment_period.ToTimedelta(),
                per_series_aligner=aggregation.per_series_aligner,
                cross_series_reducer=aggregation.cross_series_reducer,
                group_by_fields=list(aggregation.group_by_fields),
            ),
        )
        return list(api.page(request).time_series)
    finally:
        api.close()


def holds(world: World, condition: Any) -> bool:
    """Whether the condition holds now: for one series at least, in every period of its duration."""
    absent = condition.HasField("condition_absent")
    what = condition.condition_absent if absent else condition.condition_threshold
    [aggregation] = what.aggregations
    assert aggregation.alignment_period.ToTimedelta() == MINUTE
    # Ten hours back there were points of everything that may be absent by now.
    everything = asked(world, what.filter, aggregation, world.clock.time - timedelta(hours=10))
    assert everything, f"{condition.display_name}: selects nothing that is written"
    since = world.clock.time - max(what.duration.ToTimedelta(), MINUTE)
    points = [[p.value.double_value for p in s.points if p.interval.end_time.ToDatetime(tzinfo=since.tzinfo) > since]
              for s in everything]  # fmt: skip
    if absent:
        return any(not one for one in points)
    over = {"COMPARISON_GT": lambda v: v > what.threshold_value, "COMPARISON_LT": lambda v: v < what.threshold_value}
    breaks = over[comparison(what)]
    periods = (world.clock.time - since) // MINUTE
    return any(len(one) >= periods and all(map(breaks, one)) for one in points)


def comparison(what: Any) -> str:
    """The word for its comparison."""
    return str(type(what).DESCRIPTOR.fields_by_name["comparison"].enum_type.values_by_number[what.comparison].name)


def test_policies_and_dashboard_name_only_what_is_written() -> None:
    """Each filter is of a metric and of labels that the heartbeat writes; and the policies are such messages."""
    assert [file.name for file in POLICIES] == ["pipeline-policy.json", "watcher-policy.json"]
    assert sorted(c.display_name for c in conditions()) == sorted((GONE, UNWELL, BLIND, GIVEN_UP, TROUBLE, CRITICAL))
    for file in FOLDER.glob("*.json"):
        text = json.dumps(json.loads(file.read_text(encoding="utf-8"))).replace('\\"', '"')
        kinds = re.findall(r'metric\.type = "([^"]+)"', text)
        assert kinds
        assert set(kinds) <= set(written()), file.name
        labels = {label for kind in kinds for label in (*written()[kind].labels, "watcher")}
        assert set(re.findall(r"metric\.labels\.(\w+)", text)) <= labels, file.name
    assert {"FAILING", "UNKNOWN"} <= {status.value for status in Status}
    assert min(code for state, code in gauges.STATE_CODES.items() if state.is_root_problem) == 8
    assert max(code for state, code in gauges.STATE_CODES.items() if not state.is_root_problem) == 7


def test_each_condition_holds_when_it_should_and_only_then(world: World) -> None:
    """Asked of what the heartbeat wrote: an hour in order, an hour of all troubles, and ten minutes of silence."""

    def held() -> set[str]:
        return {c.display_name for c in conditions() if holds(world, c)}

    def beats(number: int, **changes: Any) -> None:
        world.changes = changes
        for _ in range(number):
            assert world.beat() is None

    idle = Backlog(destination="slack", pending=0, dead=0, oldest=None, error=None)
    world.ran("completions", Status.OK, NOW, replace(LATE, state=PhaseState.COMPLETE))
    beats(20, backlog=(idle,))
    assert held() == set()
    world.healthy = False
    world.ran("completions", Status.FAILING, world.clock.time, LATE)
    dead = Backlog(destination="slack", pending=0, dead=2, oldest=None, error="channel_not_found")
    beats(11, backlog=(dead,), open_incidents=dict.fromkeys(Severity, 1))
    assert held() == {UNWELL, TROUBLE, GIVEN_UP}, "the rest has not lasted yet"
    beats(50, backlog=(dead,), open_incidents=dict.fromkeys(Severity, 1))
    assert held() == {UNWELL, TROUBLE, GIVEN_UP, BLIND, CRITICAL}
    world.clock.time += 11 * MINUTE
    assert held() == {GONE}


def test_every_chart_of_the_dashboard_shows_something(world: World) -> None:
    """The dashboard is such a message, and each of its charts selects series that the heartbeat wrote."""
    dashboard = read(FOLDER / "dashboard.json", Dashboard.pb(Dashboard()))
    world.ran("completions", Status.FAILING, NOW, LATE)
    world.changes = {"backlog": (Backlog(destination="slack", pending=3, dead=0, oldest=NOW, error=None),)}
    for _ in range(3):
        assert world.beat() is None
    shown = {}
    for widget in dashboard.grid_layout.widgets:
        for data in widget.xy_chart.data_sets:
            chosen = data.time_series_query.time_series_filter
            series = asked(world, chosen.filter, chosen.aggregation, NOW)
            shown[widget.title] = [one.points[0].value.double_value for one in series]
    assert shown == {
        "Healthy (1: it does all its work)": [1],
        "Open incidents": [0, 0, 0],
        "State of each phase (8 and above: trouble)": [10],
        "How late each phase is, seconds": [LATE.lateness(world.clock.time).total_seconds()],
        "Checks that see something wrong": [1],
        "Checks that cannot see": [0],
        "Time since each check last saw, seconds": [200 - 20],
        "Messages that wait": [3],
    }


def test_the_commands_name_these_files() -> None:
    """Each file is created by a command in its README, none is forgotten."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"docs/monitoring/([\w-]+\.json)", text))
    assert named == {file.name for file in FOLDER.glob("*.json")}
