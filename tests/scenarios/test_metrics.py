"""Days of a pipeline watched through Cloud Monitoring as well: what is said and when. Real clients, real path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from alerts.model import Incident, IncidentState
from checks.model import Status
from checks.rate import RateLimiter
from tests.scenarios.world import World
from tests.support import bigquery, usual_days
from tests.support.logging_server import TestClock
from tests.support.monitoring_server import MonitoringServer
from tests.support.pipelines import et

pytestmark = pytest.mark.emulator
RECORDER, PROCESSORS, SUBSCRIPTION = (
    "phase3-to-phase4-orchestrator",
    "nba-phase3-analytics-processors",
    "nba-phase3-analytics-sub",
)
JANUARY = usual_days.span(date(2026, 1, 5), 6)
NO_GAMES = date(2026, 1, 8)
GAMES = [day for day in JANUARY if day != NO_GAMES]
MINUTE = timedelta(minutes=1)
COUNT, AGE = "run.googleapis.com/request_count", "pubsub.googleapis.com/subscription/oldest_unacked_message_age"
ABSENCE = f"""{{preset: no_executions, functions: [{RECORDER}], pipeline: nba, phase: phase3,
         begins: {{day: 1, time: "05:00"}}}}"""
BACKLOG = f"{{preset: backlog, subscriptions: {{{SUBSCRIPTION}: {PROCESSORS}}}, pipeline: nba, phase: phase3}}"
FAILING = f"{{preset: failed_executions, functions: [{PROCESSORS}, {RECORDER}], pipeline: nba, phase: phase3}}"


@pytest.fixture
def dataset(emulator: str) -> Iterator[str]:
    """A dataset of this test's own."""
    with bigquery.dataset(emulator) as name:
        yield name


@pytest.fixture
def server() -> Iterator[MonitoringServer]:
    with MonitoringServer(TestClock(et("2026-01-05 00:00"))) as running:
        yield running


class Watched(World):
    """The world of the other scenarios, with Cloud Monitoring on the same clock."""

    def __init__(
        self, folder: Path, emulator: str, dataset: str, server: MonitoringServer, *rules: str, **more: str
    ) -> None:
        watch = "\n".join(f"      - {rule}" for rule in rules)
        checks = f"  metrics:\n    watch:\n{watch}"
        super().__init__(
            usual_days.configuration(folder, dataset, checks=checks, monitoring=server.endpoint, **more), emulator
        )
        self.server = server
        self.checks = [check for check in self.checks if check.name in ("completions", "metrics")]

    def look(self, moment: datetime) -> None:
        self.server.clock.now = moment
        super().look(moment)

    def told(self, day: date, looks: Sequence[str]) -> list[tuple[str, str]]:
        """What was said on that day: when, and the first line of each message."""
        said = []
        for at in looks:
            self.look(et(f"{day} {at}"))
            said += [(at, text) for text in self.first_lines()]
        return said

    def open_incidents(self) -> list[Incident]:
        with self.store.reading() as stored:
            return [i for i in stored.incidents() if i.state is IncidentState.OPEN]

    def status(self) -> Status:
        with self.store.reading() as stored:
            return next(run.status for run in stored.last_runs() if run.check == "metrics")


def executed(server: MonitoringServer, day: date, at: str, service: str, *, code: str = "200") -> None:
    server.put(
        COUNT, et(f"{day} {at}"), 4, resource="cloud_run_revision", service_name=service, metric_response_code=code
    )


def test_a_function_that_stops_being_invoked(
    tmp_path: Path, emulator: str, dataset: str, server: MonitoringServer
) -> None:
    """Found by absence when its window is over and visible; not on the healthy day, not on one without games; over with
    its next execution. It is the cause of the phase's trouble, which was told before.
    """
    rows = [row for day in (date(2026, 1, 5), date(2026, 1, 7)) for row in usual_days.rows_of(day)]
    rows += [row for row in usual_days.rows_of(date(2026, 1, 6)) if row.phase == "phase2"]
    usual_days.create(emulator, dataset, GAMES, rows)
    world = Watched(tmp_path, emulator, dataset, server, ABSENCE)
    executed(server, date(2026, 1, 6), "06:12", RECORDER)
    looks = ["06:40", "08:10", "09:00", "09:04", "09:06", "11:00"]
    assert world.told(date(2026, 1, 6), looks) == []
    assert world.status() is Status.OK

    assert world.told(date(2026, 1, 7), looks) == [
        ("08:10", "CRITICAL phase3 of 6 January 2026 has stalled: 5 of 5 completions missing,"),
        ("09:06", f"> CRITICAL The cause: {RECORDER} was not invoked for 6"),
        ("11:00", "> CRITICAL phase4 of 6 January 2026 is blocked: it waits for phase3"),
    ]
    [incident] = world.open_incidents()
    assert incident.root == f"metric:no_executions:{RECORDER}"
    assert incident.explains["phase:nba:phase3:2026-01-06"] == f"{RECORDER} was not invoked: look at its trigger"

    usual_days.record(emulator, dataset, usual_days.rows_of(date(2026, 1, 6), at=et("2026-01-07 12:00")))
    executed(server, date(2026, 1, 7), "12:00", RECORDER)
    assert world.told(date(2026, 1, 7), ["12:10"]) == [
        ("12:10", "> OVER phase3 of 6 January 2026 has stalled: 5 of 5 completions missing, nothing"),
        ("12:10", "> RESOLVED after 7 h 10 min"),
    ]
    executed(server, date(2026, 1, 8), "06:12", RECORDER)
    assert world.told(date(2026, 1, 8), looks) == []

    # Nothing is owed for the 8th: on the 9th there is no execution, nobody is told, and nobody is asked.
    world.told(date(2026, 1, 9), ["05:00"])
    before = len(server.requests)
    assert world.told(date(2026, 1, 9), [*looks, "12:00", "18:00"]) == []
    assert len(server.requests) == before, "what was seen for the 7th is not asked for again"
    assert world.status() is Status.OK


def test_a_backlog_explains_a_stall_in_one_incident(
    tmp_path: Path, emulator: str, dataset: str, server: MonitoringServer
) -> None:
    """It is told before the phase stalls, and names its subscriber, whose failing executions explain it in turn."""
    day, next_day = date(2026, 1, 5), date(2026, 1, 6)
    rows = [row for row in usual_days.rows_of(day) if row.phase == "phase2" or row.processor.startswith("upcoming")]
    usual_days.create(emulator, dataset, GAMES, rows)
    world = Watched(tmp_path, emulator, dataset, server, BACKLOG, FAILING)
    for minute in range(6 * 60, 14 * 60):
        age = 20 if minute < 6 * 60 + 30 or minute > 12 * 60 else (minute - 6 * 60 - 20) * 60
        at = et(f"{next_day} {minute // 60:02}:{minute % 60:02}")
        server.put(AGE, at, age, resource="pubsub_subscription", kind="GAUGE", subscription_id=SUBSCRIPTION)
    assert world.told(next_day, ["06:20", "06:45", "06:50", "06:55", "07:15", "08:10"]) == [
        ("06:45", f"WARNING {SUBSCRIPTION} has an old unacknowledged message"),
        ("08:10", "> CRITICAL phase3 of 5 January 2026 has stalled: 3 of 5 completions missing,"),
    ]
    assert world.status() is Status.FAILING
    [incident] = world.open_incidents()
    assert incident.root == f"metric:backlog:{SUBSCRIPTION}"
    assert dict(incident.explains) == {"phase:nba:phase3:2026-01-05": f"{PROCESSORS} does not take its messages"}
    executed(server, next_day, "08:18", PROCESSORS, code="500")
    assert world.told(next_day, ["08:25"]) == [
        ("08:25", f"> CRITICAL The cause: {PROCESSORS}: executions failed (500)"),
    ]
    [incident] = world.open_incidents()
    assert incident.root == f"metric:failed_executions:{PROCESSORS}"
    assert incident.explains[f"metric:backlog:{SUBSCRIPTION}"] == f"{PROCESSORS} fails"


def test_nobody_is_asked_for_what_the_halt_and_the_calendar_exclude(
    tmp_path: Path, emulator: str, dataset: str, server: MonitoringServer
) -> None:
    """A day in a deliberate halt, the whole day through; then a day beyond the calendar is UNKNOWN."""
    usual_days.create(emulator, dataset, GAMES, [])
    halted = "halt: [{from: 2026-01-04, until: 2026-01-07, reason: repairs}]"
    world = Watched(tmp_path, emulator, dataset, server, ABSENCE, BACKLOG, FAILING, pipeline=halted)
    assert world.told(date(2026, 1, 6), ["06:45", "08:10", "09:10", "13:00"]) == []
    assert server.requests == []
    world.told(date(2026, 1, 13), ["07:00"])
    assert world.status() is Status.UNKNOWN


def test_a_day_of_calls(tmp_path: Path, emulator: str, dataset: str, server: MonitoringServer) -> None:
    """How many are made in 24 hours at the default interval, and that none is refused by our own limit."""
    usual_days.create(emulator, dataset, GAMES, usual_days.rows_of(date(2026, 1, 5)))
    rules = (ABSENCE, "{preset: failed_executions, at_least: 2}", BACKLOG, "{preset: timeouts, timeout: 540s}")
    world = Watched(tmp_path, emulator, dataset, server, *rules, "{preset: runaway}")
    [check] = world.checks = [check for check in world.checks if check.name == "metrics"]

    world.now = et("2026-01-06 00:00")

    def never(seconds: float) -> None:
        raise AssertionError(f"waits for {seconds} s")

    def seconds() -> float:
        return world.now.timestamp()

    check._source._limiter = RateLimiter(30, 20, monotonic=seconds, sleep=never)
    executed(server, date(2026, 1, 6), "06:12", RECORDER)
    for number in range(24 * 12):
        world.look(et("2026-01-06 00:00") + number * 5 * MINUTE)
    assert [run.error for run in world.runs if run.error] == []
    assert world.open_incidents() == []
    # Two for failed executions, two for timeouts and four for the runaway in each run, and four that learn what is
    # typical; the backlog only while the phase is owed, the absence once: 97.5 an hour, 1.3 of them for bound rules.
    assert len(server.requests) == 24 * 12 * 8 + 4 + 30 + 2
