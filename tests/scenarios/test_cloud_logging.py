"""Mode gcp on loopback: the outage from a real Logging service over gRPC; and what happens when the service fails."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.notify.routing import Route, Routing
from alerts.store.sql import Store
from checks.kinds.function_logs import FunctionLogs
from checks.model import Status, stamp
from checks.ports import SourceError
from checks.rate import RateLimiter
from checks.sources.cloud_logging import CloudLogging
from monitor import demo, demo_story
from monitor.config.loading import Config
from monitor.daemon.tick import Path as OnePath
from monitor.demo_story import ORCHESTRATOR, START, failure_entries
from monitor.wiring import parts
from monitor.wiring.rules import Rules
from tests.scenarios.world import EVERY, World
from tests.support.logging_server import LoggingServer, TestClock

MINUTE = timedelta(minutes=1)
TRACE = 'Traceback (most recent call last):\n  File "/workspace/main.py", line 12, in handle\n    x\n{}'


@pytest.fixture
def clock() -> TestClock:
    return TestClock(START)


@pytest.fixture
def service(clock: TestClock) -> Iterator[LoggingServer]:
    with LoggingServer(clock, reads_per_minute=10_000) as server:
        yield server


def source(service: LoggingServer, **changes: Any) -> CloudLogging:
    """The source on the service, without waiting for turns: the service's clock stands."""
    limiter = RateLimiter(100_000, 1_000)
    settings = {"timeout": timedelta(seconds=30), "read_within": timedelta(minutes=2)} | changes
    return CloudLogging("p", limiter=limiter, endpoint=service.endpoint, **settings)


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
    monkeypatch.setattr(parts, "READS_PER_MINUTE", 100_000)
    monkeypatch.setattr(parts, "READS_AT_ONCE", 1_000)
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
    assert statuses == {"completions": "OK", "function_logs": "OK", "tables": "OK"}
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


FAULTS = {
    "unavailable": ["unavailable"] * 3,
    "quota": ["quota"],
    "permission": ["permission"],
    "dropped connection": ["drop"] * 3,
    "hang": ["hang"],
    "half a list, then an error": ["ok", "internal", "internal", "internal"],
    "half a list, then the quota": ["ok", "quota"],
    "half a list, then a hang": ["ok", "hang"],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_service_loses_and_doubles_nothing(service: LoggingServer, clock: TestClock, fault: str) -> None:
    """A read that fails is a SourceError or says what is missing; the next ones bring everything, once. Entries come
    out of order and ten minutes late, lists have several pages, some empty, some beginning with what the last one had.
    """
    service.empty_pages = service.repeat = True
    logs = source(service, timeout=timedelta(seconds=1 if "hang" in fault else 20))
    got: list[str] = []
    cursor: Any = None
    truth: list[str] = []
    refused = 0
    for tick in range(40):
        if tick >= 20 and len(got) >= len(truth):
            break
        now = clock.forward(MINUTE)
        if tick < 8:
            # 1,100 of each minute fill more than a page; those of every third are received ten minutes later.
            new = [
                entry for n in range(1_100) for entry in failures(tick * 10_000 + n, now - timedelta(seconds=n % 50))
            ]
            late = timedelta(minutes=10 if tick == 2 else 0)
            new = [{**e, "receiveTimestamp": stamp(now + late)} for e in new[::-1] if "textPayload" in e]
            service.write(new)
            truth += [e["insertId"] for e in new]
        if tick in (3, 5, 6):
            service.script.extend(FAULTS[fault])
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
    assert len(truth) == 8_800
    assert (len(got), len(set(got) - set(truth)), len(set(truth) - set(got))) == (8_800, 0, 0)
    assert refused >= 3, "on a busy machine an honest answer may take longer than the second it is given here"


def test_a_blind_check_says_since_when_and_sees_again(service: LoggingServer, tmp_path: Path) -> None:
    """Quota, a hang, a missing permission: UNKNOWN each time, one fault since the first of them, over when it reads."""
    logs = source(service, timeout=timedelta(seconds=2))
    check = FunctionLogs(source=logs, every=MINUTE, functions=None, settle=2 * MINUTE, phase_functions={})
    store = Store(f"sqlite:///{tmp_path}/state.db")
    routing = Routing(routes=(Route(to=("console",)),))
    rules = Rules(pipelines=(), routing=routing, zone=ZoneInfo("UTC"), blind_after=2 * MINUTE)
    path = OnePath(store, rules, lambda: service.clock.now)
    assert path.tick(check, service.clock.now).status is Status.OK
    blind_since = service.clock.forward(MINUTE)
    for fault in ("quota", "hang", "permission"):
        service.script.append(fault)
        run = path.tick(check, service.clock.now)
        assert (run.status, run.error is not None) == (Status.UNKNOWN, True)
        service.clock.forward(MINUTE)
    with store.reading() as stored:
        [fault_] = stored.faults(resolved_since=service.clock.now).values()
    assert (fault_.finding.kind, fault_.finding.since, str(fault_.state)) == ("blind", blind_since, "firing")
    assert path.tick(check, service.clock.now).status is Status.OK
    with store.reading() as stored:
        assert not any(f.is_open for f in stored.faults(resolved_since=service.clock.now - MINUTE).values())
    store.close()
    logs.close()


def test_a_gap_is_read_back_completely_and_oldest_first(service: LoggingServer, clock: TestClock) -> None:
    """Ten hours without a watcher: in bounded steps, each of which says what is still missing."""
    logs = source(service)
    cursor = logs.read(None, clock.now).cursor
    entries = [
        e for n in range(23_900) for e in failures(n, clock.now + n * timedelta(seconds=1.5)) if "textPayload" in e
    ]
    service.write(entries)
    clock.forward(timedelta(hours=10))
    got: list[str] = []
    reached: list[datetime] = []
    for _ in range(20):
        before = service.requests
        batch = logs.read(cursor, clock.now)
        assert service.requests - before <= 20
        got += [e["insertId"] for e in batch.entries]
        cursor = batch.cursor
        assert batch.evidence.window is not None
        reached.append(batch.evidence.window.end)
        left = [text for text in batch.evidence.unseen if text.endswith("not read yet")]
        if not left:
            break
        assert left[0].startswith(f"entries received from {stamp(reached[-1])}")
    logs.close()
    assert reached == sorted(set(reached))
    assert len(reached) > 1
    assert reached[-1] == clock.now
    assert (len(got), set(got)) == (23_900, {e["insertId"] for e in entries})


def test_what_is_too_long_ago_is_said(service: LoggingServer, clock: TestClock) -> None:
    """The limit of looking back, when it cuts."""
    logs = source(service)
    first = clock.now
    cursor = logs.read(None, first).cursor
    clock.forward(timedelta(hours=30))
    batch = logs.read(cursor, clock.now)
    logs.close()
    cut = clock.now - timedelta(hours=24)
    assert batch.evidence.unseen[0] == (
        f"entries received from {stamp(first - timedelta(minutes=2))} to {stamp(cut)}: too long ago to read"
    )


def test_a_measured_lag_widens_the_overlap(service: LoggingServer, clock: TestClock) -> None:
    """And stands in the evidence: entries that become visible long after they were received are then still read."""
    logs = source(service)
    cursor: Any = logs.read(None, clock.now).cursor
    slow = [{**e, "receiveTimestamp": stamp(clock.now + 12 * MINUTE)} for e in failures(1, clock.now)]
    service.write(slow)
    batch = logs.read(cursor, clock.forward(13 * MINUTE))
    counts = batch.evidence.counts
    assert 718 <= counts["lag_seconds"] <= 720
    assert counts["overlap_seconds"] == counts["lag_seconds"]
    hidden = [{**e, "receiveTimestamp": stamp(clock.now - MINUTE)} for e in failures(2, clock.now - MINUTE)]
    service.write(hidden, visible_after=9 * MINUTE)
    batch = logs.read(batch.cursor, clock.forward(MINUTE))
    assert batch.entries == []
    batch = logs.read(batch.cursor, clock.forward(9 * MINUTE))
    logs.close()
    assert [e["insertId"] for e in batch.entries if "textPayload" in e] == [hidden[1]["insertId"]]


@pytest.mark.parametrize("failing", [False, True], ids=["all is well", "one in ten fails"])
def test_requests_per_tick_do_not_grow_with_the_number_of_functions(failing: bool) -> None:
    """1, 50 and 500 functions cost the same; also the questions about new failures, and whether they have run since."""
    counted = [_requests_per_tick(number, failing=failing) for number in (1, 50, 500)]
    assert counted[0] == counted[1] == counted[2]
    assert max(counted[0]) <= (8 if failing else 1)


def _requests_per_tick(number: int, *, failing: bool) -> list[int]:
    clock = TestClock(START)
    names = [f"function-{n}" for n in range(number)]
    requests = []
    with LoggingServer(clock) as service:
        logs = source(service, functions=names)
        check = FunctionLogs(source=logs, every=MINUTE, functions=tuple(names), settle=MINUTE, phase_functions={})
        cursor: Any = None
        for tick in range(8):
            now = clock.forward(MINUTE)
            if failing and tick == 2:
                service.write(_broken(name, n, now) for n, name in enumerate(names[: max(1, number // 10)]))
            before = service.requests
            observed, position = check.read(now, cursor)
            cursor = {"source": position, "carry": check.judge(observed, now).carry}
            requests.append(service.requests - before)
        logs.close()
        assert max(len(text) for text in service.filters) <= 20_000
    return requests


def _broken(service: str, number: int, now: datetime) -> dict[str, Any]:
    """A failure of a function, received at once."""
    labels = {"service_name": service, "revision_name": f"{service}-00002-abc"}
    resource = {"type": "cloud_run_revision", "labels": labels}
    return {**failures(number, now)[1], "resource": resource, "receiveTimestamp": stamp(now)}
