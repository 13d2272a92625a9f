"""Metrics written by the real client to a real gRPC service with Cloud Monitoring's rules, and who reads them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.store.sql import Store
from checks.completions.memory import Memory, as_json, from_cursor, plan_of, states_in
from checks.model import Status
from checks.monitoring_api import MonitoringApi
from checks.phases.model import PhaseState
from monitor.config.loading import load
from monitor.config.problems import ConfigError
from monitor.daemon import guards
from monitor.telemetry import metrics, vitals
from monitor.telemetry.heartbeat import PREFIX, Heartbeat, written
from tests.support.beating import LATE, MINUTE, NOW, World, beating
from tests.support.findings import log_failure
from tests.support.pipelines import et, nba
from tests.support.slack_server import SlackServer
from tests.support.watched import World as Watching


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with beating(tmp_path) as running:
        yield running


def test_one_call_per_beat_says_how_everything_is(world: World) -> None:
    """Health, checks, phases, incidents; metrics described once, with units; points at the beginning of the slot."""
    world.ran("completions", Status.FAILING, NOW - 5 * MINUTE, LATE, replace(LATE, phase="phase4", due_at=None))
    world.ran("function_logs", Status.UNKNOWN, NOW)
    assert world.beat() is None
    assert world.beat() is None
    calls = world.server.requests
    assert calls.count("CreateMetricDescriptor") == len(written()) == len(set(world.server.descriptors))
    assert calls[-2:] == ["CreateTimeSeries", "CreateTimeSeries"]
    latest = world.server.latest
    labels = {"watcher": "phasewatch"}
    assert latest(f"{PREFIX}healthy", **labels) == 1
    assert latest(f"{PREFIX}check/status", check="completions", status="FAILING") == 1
    assert latest(f"{PREFIX}check/status", check="completions", status="OK") == 0
    assert latest(f"{PREFIX}check/status", check="function_logs", status="UNKNOWN") == 1
    assert latest(f"{PREFIX}check/since_success", check="completions") == 7 * 60
    assert latest(f"{PREFIX}check/since_success", check="function_logs") is None, "it never saw anything"
    assert latest(f"{PREFIX}phase/state", phase="phase3", run_date="2026-01-25") == 10
    assert latest(f"{PREFIX}phase/lateness", phase="phase3") == (32 * 60 + 20)
    assert latest(f"{PREFIX}phase/lateness", phase="phase4") == 0, "nothing is owed of it"
    assert latest(f"{PREFIX}incidents/open", severity="critical") == 0
    described = world.server.descriptors[f"{PREFIX}phase/lateness"]
    assert (described.unit, [label.key for label in described.labels]) == (
        "s", ["pipeline", "phase", "run_date", "watcher"],
    )  # fmt: skip
    assert "8 stalled" in world.server.descriptors[f"{PREFIX}phase/state"].description
    points = {at for series in world.server.series.values() for at in series.points}
    assert points == {datetime(2026, 1, 26, 14, minute, tzinfo=UTC) for minute in (31, 32)}


def test_no_slot_is_written_twice(world: World) -> None:
    """By two watchers, after a restart, or when the clock goes back: nothing is ever refused as out of order."""
    assert world.beat() is None
    other = world.heartbeat()
    for later in (timedelta(0), timedelta(seconds=20), timedelta(seconds=20), -timedelta(minutes=3), 4 * MINUTE):
        world.clock.time += later
        for one in (other, world.beat_of):
            one.beat()
            assert one.error is None
    slots = sorted({at for series in world.server.series.values() for at in series.points})
    assert [f"{slot:%H:%M}" for slot in slots] == ["14:31", "14:32", "14:33"]
    assert world.server.requests.count("CreateTimeSeries") == 3


def test_more_than_200_series_take_another_call(world: World) -> None:
    """Ninety dates of six phases; what one call refuses does not keep the next from being made."""
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(30)]
    states = [replace(LATE, phase=f"phase{p}", run_date=d) for d in days for p in range(6)]
    world.ran("completions", Status.FAILING, NOW, *states)
    assert world.beat() is None
    assert [n for n in world.server.written if n] == [200, len(world.server.series) - 200]
    world.server.script.extend(["quota"])
    error = world.beat()
    assert error is not None
    assert error.startswith("Cloud Monitoring refuses to write metrics of project p1 for now: Quota exceeded")
    assert world.server.written[-1] < 200, "the second call was made"


FAULTS = [
    ("unavailable", "cannot be reached: The service is currently unavailable"),
    ("quota", "refuses to write metrics of project p1 for now"),
    ("permission", "roles/monitoring.metricWriter"),
    ("hang", "did not answer in time"),
    ("lost", "did not answer in time"),
]


@pytest.mark.parametrize(("fault", "said"), FAULTS)
def test_what_cannot_be_written_is_told_and_over_with_the_next_beat(world: World, fault: str, said: str) -> None:
    """In a bounded time, with the remedy; a write whose answer was lost is not repeated, so that nothing is refused."""
    assert world.beat() is None
    world.beat_of = world.heartbeat(timedelta(seconds=0.5))
    world.beat_of._described = True
    world.server.script.append(fault)
    began = time.monotonic()
    error = world.beat()
    assert error is not None
    assert said in error
    assert time.monotonic() - began < 3
    assert world.beat() is None


def test_nothing_waits_for_a_write_that_hangs(world: World) -> None:
    """Neither who stores what a check found, nor who reads the state; and the thread ends when it is told to."""
    assert world.beat() is None
    world.server.script.append("hang")
    world.clock.time += MINUTE
    beating = threading.Thread(target=world.beat_of.beat)
    began = time.monotonic()
    beating.start()
    while world.server.script:
        time.sleep(0.01)
    for number in range(20):
        world.ran("completions", Status.OK, NOW + number * MINUTE)
        assert vitals.read(world.store, NOW).runs
    assert time.monotonic() - began < 4
    assert beating.is_alive(), "it still waits"
    beating.join(10)
    assert "did not answer in time" in str(world.beat_of.error)


def test_metrics_that_cannot_be_described_are_tried_again(world: World) -> None:
    """Nothing is written meanwhile: the service would make metrics without unit and description."""
    world.server.script.append("permission")
    assert "not allowed to create metrics" in str(world.beat())
    assert world.server.series == {}
    assert world.beat() is None
    assert world.server.latest(f"{PREFIX}healthy") == 1


def test_a_part_that_is_refused_is_named(world: World) -> None:
    """The rest is stored, as the service does it."""
    assert world.beat() is None
    [healthy] = [s for s in world.server.series.values() if s.metric == f"{PREFIX}healthy"]
    healthy.points[NOW + timedelta(minutes=4)] = 1.0
    error = world.beat()
    assert error is not None
    assert "Points must be written in order" in error
    assert "phasewatch/healthy" in error
    assert world.server.latest(f"{PREFIX}incidents/open", severity="critical") == 0
    assert len([s for s in world.server.series.values() if len(s.points) == 2]) == len(world.server.series)


def test_a_state_that_cannot_be_read_is_told(world: World) -> None:
    """And never raised: the thread lives on."""
    world.clock.time += MINUTE
    broken = Heartbeat(
        MonitoringApi("p1", endpoint=world.server.endpoint, timeout=timedelta(seconds=5)),
        watcher="phasewatch",
        every=MINUTE,
        look=lambda now: vitals.read(Store("sqlite:////dev/null/state.db"), now),
        claim=lambda name, slot: True,
        clock=world.clock,  # type: ignore[arg-type]  # what it asks of one
        stop=threading.Event(),
    )
    broken.beat()
    assert "StateError" in str(broken.error)
    assert world.server.requests == []


# -- what the checks leave for it --------------------------------------------------------------------------------------


def test_states_are_remembered_with_the_cursor() -> None:
    """As they were judged; another configuration's are forgotten by the check; older states have none."""
    done = replace(LATE, state=PhaseState.COMPLETE_LATE, satisfied_at=et("2026-01-26 10:15"))
    kept: Any = {"source": None, "carry": json.loads(json.dumps(as_json(Memory(states=(LATE, done)), nba(), "plan")))}
    assert states_in(kept) == (LATE, done)
    assert from_cursor(kept, nba(), "plan").states == (LATE, done)
    assert from_cursor(kept, nba(), plan_of(nba())).states == ()
    assert states_in(None) == states_in({"carry": {"plan": "plan"}}) == ()
    assert done.lateness(NOW) == timedelta(hours=1, minutes=15)
    assert LATE.lateness(et("2026-01-26 08:59")) == timedelta(0)


def test_prometheus_sees_the_same(world: World) -> None:
    """One place for the facts, two renderers."""
    world.ran("completions", Status.FAILING, NOW, LATE, findings=(log_failure(NOW),))
    text = metrics.render(vitals.read(world.store, NOW, healthy=False), "1").decode()
    labels = 'phase="phase3",pipeline="nba",run_date="2026-01-25"'
    assert f'phasewatch_phase_state{{{labels},state="incomplete"}} 1.0' in text
    assert f'phasewatch_phase_state{{{labels},state="complete"}} 0.0' in text
    assert f"phasewatch_phase_lateness_seconds{{{labels}}} 1820.0" in text
    assert "phasewatch_healthy 0.0" in text


# -- in the watcher ----------------------------------------------------------------------------------------------------


def test_it_is_made_from_the_configuration(world: World, tmp_path: Path) -> None:
    """None unless it is wanted; an endpoint on this machine takes no credentials."""
    text = f"gcp: {{endpoints: {{monitoring: {world.server.endpoint}}}}}\n"
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")

    def made() -> Heartbeat | None:
        config = load(tmp_path / "config.yaml", {})
        clock: Any = world.clock
        return guards.heartbeat(
            config, clock, lambda now: vitals.read(world.store, now), world.claim, threading.Event()
        )

    assert made() is None
    (tmp_path / "config.yaml").write_text(text + "watchdog: {heartbeat: {name: w}}\n", encoding="utf-8")
    beat = made()
    assert beat is not None
    beat.beat()
    assert beat.error is None
    assert world.server.latest(f"{PREFIX}incidents/open", severity="warning", watcher="w") == 0


def test_without_cloud_monitoring_it_is_a_mistake(tmp_path: Path) -> None:
    """In mode embedded nobody would take the metrics, nor answer."""
    text = "watchdog: {heartbeat: {}}\nchecks: {metrics: {watch: [{preset: backlog}]}, scheduler: {enabled: true}}\n"
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "config.yaml", {})
    assert [problem.path for problem in refused.value.problems] == [
        "watchdog.heartbeat",
        "checks.metrics.watch",
        "checks.scheduler.enabled",
    ]


def test_a_fault_of_our_own_like_any_other(tmp_path: Path) -> None:
    """Told after five minutes, by the path of all own faults; over when metrics are written again."""
    with SlackServer() as slack:
        watched = Watching(tmp_path, slack)
        error: list[str | None] = ["Cloud Monitoring did not answer in time"]
        watched.supervisor._watched = replace(watched.supervisor._watched, heartbeat_error=lambda: error[0])
        for _ in range(4):
            watched.pass_time()
        assert watched.open_own() == []
        for _ in range(3):
            watched.pass_time()
        assert watched.open_own() == ["Metrics cannot be written to Cloud Monitoring"]
        error[0] = None
        watched.pass_time()
        assert watched.open_own() == []
