"""A day of a watcher on a Logging service, on an accelerated clock: how many list requests it makes in each minute.

Real are the check, the source, its limiter and the gRPC service; the clock is the simulation's, for all of them. Sixty
functions run all day. One fails every seven minutes for ten hours, and what it logs comes twenty minutes late at times;
each hour another one fails in a new revision. There is a storm (4,000 failures a minute for ten minutes), five minutes
of quota errors, forty-five minutes without a watcher, and a restart.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from checks import runner
from checks.kinds.function_logs import FunctionLogs
from checks.model import Status, stamp
from checks.rate import RateLimiter
from checks.sources.cloud_logging import CloudLogging
from monitor.wiring import parts
from tests.support.logging_server import LoggingServer, TestClock

MIDNIGHT = datetime(2026, 1, 26, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RECEIVED = timedelta(seconds=0.4)
FUNCTIONS = [f"phase{n % 6 + 1}-function-{n}" for n in range(60)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What came of it. ``by_minute``: list requests in each minute; ``busiest``: the most in any sixty seconds.

    ``written`` and ``counted``: failures that were logged, and that the check counted; ``blind``: ticks that saw
    nothing.
    """

    by_minute: list[int]
    busiest: int
    ticks: int
    blind: int
    written: int
    counted: int


def simulate(*, first: int = 0, last: int = 1_440) -> Day:
    """The minutes from ``first`` to ``last`` of the day, and half an hour after them in which nothing happens."""
    clock = TestClock(MIDNIGHT + first * MINUTE)
    written = counted = blind = ticks = 0
    with LoggingServer(clock) as service:
        check = _check(service, clock)
        cursor: Any = None
        for minute in range(first, last + 30):
            if minute < last:
                for entry, fails in _logged(minute):
                    service.write([entry])
                    written += fails
            clock.now = max(clock.now, MIDNIGHT + (minute + 1) * MINUTE)
            if 720 <= minute < 765:  # the watcher is down
                continue
            if minute == 900:  # started anew: its limiter knows nothing of what was asked before
                check = _check(service, clock)
            service.script.clear()
            if 180 <= minute < 185:
                service.script.extend(["quota"] * 100)
            run = runner.run(check, clock.now, cursor, blind_after=10 * MINUTE, clock=lambda: clock.now)
            ticks += 1
            if run.status is Status.UNKNOWN:
                blind += 1
                continue
            cursor = json.loads(json.dumps(run.cursor))
            counted += sum(f.occurrences for f in run.findings if f.kind.startswith("log."))
        asked = service.asked_at
    by_minute = [0] * (last + 30)
    for at in asked:
        by_minute[int((at - MIDNIGHT) / MINUTE) % len(by_minute)] += 1
    return Day(
        by_minute=by_minute[first:],
        busiest=max(sum(at <= other < at + MINUTE for other in asked[n : n + 200]) for n, at in enumerate(asked)),
        ticks=ticks,
        blind=blind,
        written=written,
        counted=counted,
    )


def _check(service: LoggingServer, clock: TestClock) -> FunctionLogs:
    """As the daemon wires it; waiting for a turn takes time of the simulation."""

    def elapsed() -> float:
        return (clock.now - MIDNIGHT).total_seconds()

    def wait(seconds: float) -> None:
        clock.forward(timedelta(seconds=seconds))

    limiter = RateLimiter(
        parts.READS_PER_MINUTE,
        parts.READS_AT_ONCE,
        monotonic=elapsed,
        sleep=wait,
    )
    source = CloudLogging("p", limiter=limiter, endpoint=service.endpoint)
    return FunctionLogs(source=source, every=MINUTE, functions=None, settle=2 * MINUTE, phase_functions={})


def _logged(minute: int) -> Iterator[tuple[dict[str, Any], bool]]:
    """What is logged in a minute, and whether it is a failure."""
    start = MIDNIGHT + minute * MINUTE
    for number in range(minute % 3, len(FUNCTIONS), 6):
        yield _request(FUNCTIONS[number], start + timedelta(seconds=number)), False
    if 360 <= minute < 960 and minute % 7 == 0:
        late = 20 * MINUTE if minute % 35 == 0 else timedelta(0)
        yield _failure(FUNCTIONS[0], "00002-bad", start + timedelta(seconds=30), minute, late), True
    if minute % 60 == 15:
        hour = minute // 60
        yield _failure(FUNCTIONS[1 + hour], f"{hour:05}-new", start + timedelta(seconds=10), minute), True
    if 600 <= minute < 610:
        for number in range(4_000):
            at = start + timedelta(seconds=number * 0.0149)
            yield _failure(FUNCTIONS[40 + number % 5], "00007-sad", at, minute * 10_000 + number), True


def _request(service: str, at: datetime) -> dict[str, Any]:
    entry = _entry(service, "00001-old", at, f"r{at.timestamp():.0f}{service}", "requests")
    return entry | {"httpRequest": {"requestMethod": "POST", "status": 200, "latency": "0.3s"}}


def _failure(service: str, revision: str, at: datetime, number: int, late: timedelta = timedelta(0)) -> dict[str, Any]:
    text = 'Traceback (most recent call last):\n  File "/workspace/main.py", line 12, in handle\n    x()\n'
    entry = _entry(service, revision, at, f"f{number}{service}", "stderr")
    entry["receiveTimestamp"] = stamp(at + RECEIVED + late)
    return entry | {"severity": "ERROR", "textPayload": f"{text}NameError: name 'x' is not defined"}


def _entry(service: str, revision: str, at: datetime, insert_id: str, log: str) -> dict[str, Any]:
    labels = {"service_name": service, "revision_name": f"{service}-{revision}", "location": "us-west2"}
    return {
        "insertId": insert_id,
        "logName": f"projects/p/logs/run.googleapis.com%2F{log}",
        "resource": {"type": "cloud_run_revision", "labels": labels},
        "labels": {"instanceId": f"{service}-1"},
        "timestamp": stamp(at),
        "receiveTimestamp": stamp(at + RECEIVED),
    }
