"""Every preset asked of a real gRPC service with the metrics as documented: what it finds, and what it lets be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from checks.kinds.metrics import Metrics
from checks.metrics.presets import PRESETS
from checks.model import Judgement, Status
from checks.monitoring_api import MonitoringApi
from checks.rate import RateLimiter
from checks.settings.metrics import MetricCheckSettings
from checks.sources.calendar import Calendars
from checks.sources.cloud_monitoring import CloudMonitoring
from tests.support.logging_server import TestClock
from tests.support.monitoring_server import MonitoringServer

NOW = datetime(2026, 1, 26, 14, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GEN1 = {"resource": "cloud_function", "function_name": "old_one"}
GEN2 = {"resource": "cloud_run_revision", "service_name": "new-one"}
SUBSCRIPTION = {"resource": "pubsub_subscription", "subscription_id": "a-sub"}
TOPIC = {"resource": "pubsub_topic", "topic_id": "a-topic"}
EXECUTIONS, REQUESTS = "cloudfunctions.googleapis.com/function/execution_count", "run.googleapis.com/request_count"
PUSHES = "pubsub.googleapis.com/subscription/push_request_count"
AGE = "pubsub.googleapis.com/subscription/oldest_unacked_message_age"
DEAD = "pubsub.googleapis.com/subscription/dead_letter_message_count"
TIMES, LATENCIES = "cloudfunctions.googleapis.com/function/execution_times", "run.googleapis.com/request_latencies"
USED = "cloudfunctions.googleapis.com/function/user_memory_bytes"
UTILIZATION = "run.googleapis.com/container/memory/utilizations"
SENT, LOGGED = "pubsub.googleapis.com/topic/send_request_count", "logging.googleapis.com/log_entry_count"


@pytest.fixture
def server() -> Iterator[MonitoringServer]:
    with MonitoringServer(TestClock(NOW)) as running:
        yield running


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Points of one series, one a minute in the last quarter of an hour that is visible."""

    metric: str
    of: Mapping[str, str]
    value: float | list[float]
    kind: str = "DELTA"
    labels: Mapping[str, str] = field(default_factory=dict)

    def put(self, server: MonitoringServer, first: int = 5, minutes: int = 15) -> None:
        for minute in range(first, first + minutes):
            labels = {f"metric_{name}": value for name, value in self.labels.items()}
            server.put(self.metric, NOW - minute * MINUTE, self.value, kind=self.kind, **self.of, **labels)


def look(server: MonitoringServer, preset: str, **written: Any) -> Judgement:
    rule = {"preset": preset, **written}
    api = MonitoringApi("p1", endpoint=server.endpoint, timeout=timedelta(seconds=5))
    check = Metrics(
        rules=MetricCheckSettings.model_validate({"watch": [rule]}).to_rules(),
        source=CloudMonitoring(api, limiter=RateLimiter(60, 100)),
        pipelines=(),
        calendars=Calendars(None),  # type: ignore[arg-type]  # nothing is bound to a run date
        every=5 * MINUTE,
        visible_after=5 * MINUTE,
    )
    try:
        return check.judge(check.read(NOW, None)[0], NOW)
    finally:
        api.close()


def by_code(code: str, value: int = 2) -> Measured:
    return Measured(metric=REQUESTS, of=GEN2, value=value, labels={"response_code": code})


def by_status(status: str) -> Measured:
    return Measured(metric=EXECUTIONS, of=GEN1, value=2, labels={"status": status})


def pushed(response_class: str, value: int = 2) -> Measured:
    return Measured(metric=PUSHES, of=SUBSCRIPTION, value=value, labels={"response_class": response_class})


def age(seconds: int) -> Measured:
    return Measured(metric=AGE, of=SUBSCRIPTION, value=seconds, kind="GAUGE")


MIB = 2**20
CASES: list[tuple[str, dict[str, Any], list[Measured], str | None]] = [
    ("failed_executions", {}, [by_status("ok"), by_code("200")], None),
    *(
        ("failed_executions", {}, [by_status("ok"), by_status(bad)], f"old-one: executions failed ({bad})")
        for bad in ("error", "crash", "timeout", "out of memory", "connection error")
    ),
    ("failed_executions", {}, [by_code("500")], "new-one: executions failed (500)"),
    ("failed_executions", {}, [by_code("403")], None),
    ("request_errors", {}, [by_code("200"), by_code("302"), by_code("401")], None),
    *(
        ("request_errors", {}, [by_code("200"), by_code(bad)], f"new-one: requests were answered with an error ({bad})")
        for bad in ("400", "403", "404", "500", "503", "504")
    ),
    ("timeouts", {"timeout": "540s"}, [Measured(metric=TIMES, of=GEN1, value=[3e9, 540e9])],
     "old-one runs as long as its timeout allows: it is killed"),
    ("timeouts", {"timeout": "540s"}, [Measured(metric=TIMES, of=GEN1, value=[3e9, 500e9])], None),
    ("timeouts", {"timeout": "15m"}, [Measured(metric=LATENCIES, of=GEN2, value=[900e3])],
     "new-one runs as long as its timeout allows: it is killed"),
    ("timeouts", {"timeout": "15m"}, [Measured(metric=LATENCIES, of=GEN2, value=[540e3])], None),
    ("memory", {}, [Measured(metric=UTILIZATION, of=GEN2, value=[0.4, 0.95])], "new-one is near its memory limit"),
    ("memory", {}, [Measured(metric=UTILIZATION, of=GEN2, value=[0.4, 0.85])], None),
    ("memory", {"memory_mb": 256}, [Measured(metric=USED, of=GEN1, value=[250.0 * MIB])],
     "old-one is near its memory limit"),
    ("memory", {"memory_mb": 512}, [Measured(metric=USED, of=GEN1, value=[250.0 * MIB])], None),
    ("backlog", {}, [age(700)], "a-sub has an old unacknowledged message"),
    ("backlog", {}, [age(500)], None),
    ("dead_letters", {}, [age(10), Measured(metric=DEAD, of=SUBSCRIPTION, value=1)],
     "a-sub gave messages up to its dead-letter topic"),
    ("dead_letters", {}, [age(10)], None),
    ("push_errors", {}, [pushed("ack")], None),
    *(
        ("push_errors", {}, [pushed(bad)], f"a-sub: pushes were not acknowledged ({bad})")
        for bad in ("remote_server_4xx", "remote_server_5xx", "unreachable", "deadline_exceeded")
    ),
]  # fmt: skip


@pytest.mark.parametrize(("preset", "written", "measured", "found"), CASES, ids=lambda value: str(value)[:60])
def test_what_each_preset_finds(
    server: MonitoringServer, preset: str, written: dict[str, Any], measured: list[Measured], found: str | None
) -> None:
    """By the metric types, resources, labels and units of the documentation."""
    for one in measured:
        one.put(server)
    judgement = look(server, preset, **written)
    assert [finding.title for finding in judgement.findings] == ([] if found is None else [found])
    assert judgement.status is (Status.OK if found is None else Status.FAILING)


RUNAWAYS = [
    (Measured(metric=REQUESTS, of=GEN2, value=40, labels={"response_code": "200"}), "new-one does far more than usual"),
    (Measured(metric=EXECUTIONS, of=GEN1, value=40, labels={"status": "ok"}), "old-one does far more than usual"),
    (Measured(metric=LOGGED, of=GEN2, value=40, labels={"severity": "INFO"}),
     "log of new-one does far more than usual"),
    (Measured(metric=SENT, of=TOPIC, value=40, labels={"response_class": "success"}),
     "topic a-topic does far more than usual"),
]  # fmt: skip


@pytest.mark.parametrize(("measured", "found"), RUNAWAYS, ids=[found for _, found in RUNAWAYS])
def test_a_runaway_is_ten_times_its_typical_hour_for_half_an_hour(
    server: MonitoringServer, measured: Measured, found: str
) -> None:
    """Executions, log entries or publishes; twenty minutes of it are not enough, nor nine times."""
    labels = {f"metric_{name}": value for name, value in measured.labels.items()}
    for hour in range(3, 6 * 24):
        server.put(measured.metric, NOW - timedelta(hours=hour), 200, **measured.of, **labels)
    measured.put(server, first=10, minutes=20)
    assert look(server, "runaway").findings == ()
    measured.put(server, first=10, minutes=30)
    [finding] = look(server, "runaway").findings
    assert finding.title == found
    assert "2,400 an hour, typically 200" in str(finding.facts["measured"])
    server.clock.now = NOW
    for hour in range(3, 6 * 24):
        server.put(measured.metric, NOW - timedelta(hours=hour), 267, **measured.of, **labels)
    assert look(server, "runaway").findings == (), "nine times its typical hour"


def test_every_preset_is_among_these() -> None:
    """But for no_executions, which is bound to run dates: the scenarios have it."""
    assert {preset for preset, *_ in CASES} | {"runaway", "no_executions"} == set(PRESETS)
