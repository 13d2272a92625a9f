"""Mode gcp on loopback: the outage from a real Logging service over gRPC; and what happens when the service fails."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.model import stamp
from checks.ports import SourceError
from checks.rate import RateLimiter
from checks.sources.cloud_logging import CloudLogging
from monitor import demo, demo_story, wiring
from monitor.config import Config
from monitor.demo_story import ORCHESTRATOR, START, failure_entries
from tests.scenarios.world import EVERY, World
from tests.support.logging_server import LoggingServer, TestClock

MINUTE = timedelta(minutes=1)
TRACE = 'Traceback (most recent call last):\n  File "/workspace/main.py", line 12, in handle\n    x\n{}'


@pytest.fixture
def clock() -> TestClock:
    return TestClock(START)


@pytest.fixture
def service(clock: TestClock) -> Iterator[LoggingServer]:
    with LoggingServer(clock) as server:
        yield server


def source(service: LoggingServer, **changes: Any) -> CloudLogging:
    """The source on the service, without waiting for turns: the service's clock stands."""
    limiter = RateLimiter(100_000, 1_000)
    return CloudLogging("p", limiter=limiter, endpoint=service.endpoint, timeout=timedelta(seconds=3), **changes)


def failures(number: int, at: datetime) -> list[dict[str, Any]]:
    """The request and the failure logged during it; every pair has identities of its own."""
    text = TRACE.format(f"NameError: name 'x{number}' is not defined")
    return [{**e, "insertId": f"{e['insertId']}-{number}"} for e in failure_entries("00029-zop", at, text)]


def gcp(folder: Path, emulator: str, service: LoggingServer) -> Config:
    """The demo's pipeline in mode gcp, every endpoint overridden."""
    demo.prepare(folder)
    name = uuid.uuid4().hex[:12]
    text = (folder / "config.yaml").read_text()
    text = text.replace("nba_orchestration.", f"o_{name}.").replace("nba_reference.", f"r_{name}.")
    endpoints = f"endpoints: {{bigquery: {emulator}, logging: {service.endpoint}}}"
    text = text.replace("mode: embedded", "mode: gcp").replace("region: us-west2}", f"region: us-west2, {endpoints}}}")
    (folder / "config.yaml").write_text(text)
    return demo.configuration.load(folder / "config.yaml", {})


@pytest.mark.emulator
def test_the_outage_is_found_joined_and_resolved_from_cloud_logging(
    tmp_path: Path, emulator: str, service: LoggingServer, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same story as on log files: one incident with its two failures and the phases behind, told once, resolved."""
    # The limit is one of real time, and the story has two days of it.
    monkeypatch.setattr(wiring, "READS_PER_MINUTE", 100_000)
    monkeypatch.setattr(wiring, "READS_AT_ONCE", 1_000)
    world = World(gcp(tmp_path, emulator, service), emulator)
    world.stage.set()

    def until(moment: datetime) -> None:
        while world.now < moment:
            clock.now = min(world.now + EVERY, moment)
            world.until(clock.now)

    for event in demo_story.story():
        if event.leap:
            until(world.now + 2 * EVERY)
            world.now = clock.now = event.at
            continue
        until(event.at)
        service.write(event.entries)
        world.stage.perform(event)
    until(world.now + 3 * EVERY)
    with world.store.reading() as stored:
        [incident] = stored.incidents()
        faults = stored.faults(resolved_since=world.now, of_incidents=[incident.id])
        statuses = {r.check: str(r.status) for r in stored.last_runs()}
    world.store.close()
    assert str(incident.state) == "resolved"
    kinds = sorted(f.finding.kind for f in faults.values())
    assert kinds == ["log.missing-module", "log.undefined-name", "phase.incomplete", "phase.stalled"]
    assert statuses == {"completions": "OK", "function_logs": "OK"}
    [first] = [f for f in faults.values() if f.finding.kind == "log.undefined-name"]
    assert first.finding.facts["deployment"] == (
        "first seen in 00029-zop, deployed 10 minutes earlier by dev@example.com; 00028-tam was clean"
    )
    told = world.printed()
    assert told[0].startswith(f"CRITICAL NameError: name 'firestore' is not defined in {ORCHESTRATOR}")
    assert told[-1].startswith("> RESOLVED after 47 h")


def test_entries_ten_minutes_late_are_read_once(service: LoggingServer, clock: TestClock) -> None:
    """Written long before they are received: the cursor goes by when they were received; each comes exactly once."""
    logs = source(service)
    got: list[str] = []
    cursor: Any = None
    truth: list[str] = []
    for tick in range(40):
        now = clock.forward(MINUTE)
        late = timedelta(minutes=10 if tick % 4 == 0 else 0)
        new = [{**e, "receiveTimestamp": stamp(now + late)} for e in failures(tick, now)]
        service.write(new, visible_after=timedelta(seconds=20))
        truth += [e["insertId"] for e in new if "textPayload" in e]
        batch = logs.read(cursor, now)
        got += [e["insertId"] for e in batch.entries if "textPayload" in e]
        cursor = batch.cursor
    for _ in range(15):
        batch = logs.read(cursor, clock.forward(MINUTE))
        got += [e["insertId"] for e in batch.entries if "textPayload" in e]
        cursor = batch.cursor
    logs.close()
    assert sorted(got) == sorted(truth)


@pytest.mark.parametrize("fault", ["unavailable", "quota", "permission", "drop"])
def test_a_failing_service_loses_and_doubles_nothing(service: LoggingServer, clock: TestClock, fault: str) -> None:
    """A read that fails is a SourceError or says what is missing; the next ones bring everything, once."""
    logs = source(service)
    got: list[str] = []
    cursor: Any = None
    service.write(e for n in range(16) for e in failures(n, clock.now + n * MINUTE))
    refused = 0
    for tick in range(22):
        if tick in (3, 7, 8):
            service.script.extend([fault] * 3)
        now = clock.forward(MINUTE)
        try:
            batch = logs.read(cursor, now)
        except SourceError:
            refused += 1
            continue
        finally:
            service.script.clear()
        got += [e["insertId"] for e in batch.entries if "textPayload" in e]
        cursor = batch.cursor
    logs.close()
    assert len(got) == len(set(got)) == 16
    assert refused == 3


def test_requests_per_tick_do_not_grow_with_the_number_of_functions(service: LoggingServer, clock: TestClock) -> None:
    """1, 50 and 500 functions cost the same."""
    counts = []
    for number in (1, 50, 500):
        logs = source(service, functions=[f"function-{n}" for n in range(number)])
        cursor: Any = None
        requests = []
        for _ in range(5):
            before = service.requests
            batch = logs.read(cursor, clock.forward(MINUTE))
            cursor = batch.cursor
            requests.append(service.requests - before)
        counts.append(requests[1:])
        logs.close()
    assert counts[0] == counts[1] == counts[2]
    assert max(len(text) for text in service.filters) <= 20_000
