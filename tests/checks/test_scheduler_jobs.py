"""Scheduler jobs judged by their execution logs: the real client, a real gRPC service, the test's clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from checks.kinds.scheduler import SchedulerCheck
from checks.logging_api import LoggingApi
from checks.model import JsonValue, Judgement, Status, stamp
from checks.ports import SourceError
from checks.rate import RateLimiter
from checks.sources.scheduler_logs import SchedulerLogs
from tests.support.logging_server import LoggingServer, TestClock

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FINISHED = "type.googleapis.com/google.cloud.scheduler.logging.AttemptFinished"


@pytest.fixture
def server() -> Iterator[LoggingServer]:
    with LoggingServer(TestClock(NOW)) as running:
        yield running


class Watched:
    """The check with its cursor, on the server's clock."""

    def __init__(self, server: LoggingServer, **silent_after: timedelta) -> None:
        self.server = server
        api = LoggingApi("p1", limiter=RateLimiter(60, 1_000), endpoint=server.endpoint, timeout=timedelta(seconds=5))
        named = {name.replace("_", "-"): span for name, span in silent_after.items()}
        self.check = SchedulerCheck(logs=SchedulerLogs(api), every=HOUR, failures=3, silent_after=named)
        self.cursor: JsonValue = None

    def attempt(self, job: str, at: datetime, status: str = "", **changes: Any) -> None:
        payload = {"@type": FINISHED, "jobName": f"projects/p1/locations/us-west2/jobs/{job}", **changes}
        if status:
            payload["status"] = status
        entry = {
            "insertId": f"{job}-{at.timestamp()}",
            "timestamp": stamp(at),
            "receiveTimestamp": stamp(at + timedelta(seconds=1)),
            "severity": "ERROR" if status not in ("", "OK") else "INFO",
            "logName": "projects/p1/logs/cloudscheduler.googleapis.com%2Fexecutions",
            "resource": {"type": "cloud_scheduler_job", "labels": {"job_id": job, "project_id": "p1"}},
            "jsonPayload": payload,
        }
        self.server.write([entry])

    def look(self, at: datetime) -> Judgement:
        self.server.clock.now = at
        observed, source = self.check.read(at, self.cursor)
        judgement = self.check.judge(observed, at)
        self.cursor = {"source": source, "carry": judgement.carry}
        return judgement

    def found(self, at: datetime) -> list[str]:
        return [finding.fingerprint for finding in self.look(at).findings]


def test_three_failures_in_a_row_over_several_looks(server: LoggingServer) -> None:
    """Not two, nor three with a success between them; over with a success; attempts that begin are none."""
    watched = Watched(server)
    for hour, status in enumerate(["NOT_FOUND", "NOT_FOUND", "OK", "INTERNAL", "INTERNAL"]):
        watched.attempt("hourly", NOW + HOUR * hour, status)
        assert watched.found(NOW + HOUR * hour + HOUR / 2) == []
    begun = "type.googleapis.com/google.cloud.scheduler.logging.AttemptStarted"
    watched.attempt("hourly", NOW + HOUR * 4.6, "INTERNAL", **{"@type": begun})
    assert watched.found(NOW + HOUR * 4.8) == []
    watched.attempt("hourly", NOW + HOUR * 5, "PERMISSION_DENIED")
    [finding] = watched.look(NOW + HOUR * 5.5).findings
    assert finding.title == "The scheduler job hourly failed 3 times in a row or more (PERMISSION_DENIED)"
    assert (finding.since, finding.last_seen) == (NOW + HOUR * 3, NOW + HOUR * 5)
    assert watched.found(NOW + HOUR * 5.6) == ["scheduler:hourly:failing"], "still so, without another attempt"
    watched.attempt("hourly", NOW + HOUR * 6)
    judgement = watched.look(NOW + HOUR * 6.5)
    assert judgement.status is Status.OK
    assert "scheduler:hourly:failing" in {c.fingerprint for c in judgement.clearances}


def test_a_silence_is_judged_by_the_job_s_own_pauses(server: LoggingServer) -> None:
    """A job of working hours pauses at night and at weekends; that is known after eight days, and then missed."""
    watched = Watched(server)
    for number in range(9 * 24):
        at = NOW + HOUR * number
        if at.weekday() < 5 and 6 <= at.hour < 23 and number < 8 * 24 + 3:
            watched.attempt("working-hours", at)
        assert watched.found(at + HOUR / 4) == [], at
    last = NOW + HOUR * (8 * 24 + 2)
    pause = timedelta(days=2, hours=8)  # from Friday 22:00 to Monday 06:00
    assert watched.found(last + pause * 1.25 + HOUR) == []
    [finding] = watched.look(last + pause * 1.25 + HOUR * 1.1).findings
    assert finding.title == f"The scheduler job working-hours has not run since {stamp(last)}"
    back = last + pause * 1.25 + HOUR * 2
    watched.attempt("working-hours", back)
    judgement = watched.look(back + HOUR / 2)
    assert judgement.findings == ()
    assert "scheduler:working-hours:silent" in {c.fingerprint for c in judgement.clearances}


def test_a_pause_that_is_told_holds_at_once_and_who_never_ran_is_not_missed(server: LoggingServer) -> None:
    """From the first attempt on."""
    watched = Watched(server, daily_job=timedelta(hours=25), never_seen=HOUR)
    watched.attempt("daily-job", NOW - HOUR)
    assert watched.found(NOW) == []
    assert watched.found(NOW + HOUR * 23) == []
    assert watched.found(NOW + HOUR * 25) == ["scheduler:daily-job:silent"]


def test_late_entries_are_counted_once_and_errors_are_blindness(server: LoggingServer) -> None:
    """What arrives late is found by when it was received; a refusal is the client's error with its remedy."""
    watched = Watched(server)
    for minute in (0, 10, 20):
        watched.attempt("a", NOW + timedelta(minutes=minute), "INTERNAL")
    assert watched.found(NOW + timedelta(minutes=15)) == []
    assert watched.found(NOW + timedelta(minutes=25)) == ["scheduler:a:failing"]
    assert watched.look(NOW + timedelta(minutes=26)).evidence.counts["attempts"] == 0
    server.script.append("permission")
    with pytest.raises(SourceError, match="not allowed to read the logs"):
        watched.look(NOW + timedelta(minutes=30))
