"""Days of a pipeline whose third phase is started by a scheduler job. Real clients, real path."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from alerts.model import IncidentState
from checks.model import Status
from checks.rate import RateLimiter
from tests.checks.test_scheduler_jobs import attempt
from tests.scenarios.world import World
from tests.support import bigquery, usual_days
from tests.support.logging_server import LoggingServer, TestClock
from tests.support.pipelines import et

pytestmark = pytest.mark.emulator
JOB = "daily-yesterday-analytics"
NO_GAMES = date(2026, 1, 8)
GAMES = [day for day in usual_days.span(date(2026, 1, 5), 8) if day != NO_GAMES]
LOOKS = ["06:20", "06:40", "07:02", "08:10", "09:10", "12:00"]


@pytest.fixture
def server() -> Iterator[LoggingServer]:
    with LoggingServer(TestClock(et("2026-01-05 00:00"))) as running:
        yield running


class Watched(World):
    """The world of the other scenarios, with Cloud Logging on the same clock."""

    def __init__(self, folder: Path, emulator: str, dataset: str, server: LoggingServer) -> None:
        config = usual_days.configuration(
            folder,
            dataset,
            phase3=f"started_by: [{{schedule: {JOB}}}]",
            checks=f"  scheduler: {{enabled: true, silent_after: {{{JOB}: 25h, cleanup: 25h}}}}",
            logging=server.endpoint,
        )
        super().__init__(config, emulator)
        self.server = server
        _, jobs = self.checks = [check for check in self.checks if check.name in ("completions", "scheduler")]
        # Our own limit counts real minutes, and these days last for seconds.
        jobs._logs._api._limiter = RateLimiter(60, 1_000)

    def look(self, moment: datetime) -> None:
        self.server.clock.now = moment
        super().look(moment)

    def told(self, day: str) -> list[tuple[str, str]]:
        """What was said on that day: when, and the first line of each message."""
        said = []
        for at in LOOKS:
            self.look(et(f"{day} {at}"))
            said += [(at, text) for text in self.first_lines()]
        return said

    def ran(self, *at: str, status: str = "OK", job: str = JOB) -> None:
        for moment in at:
            self.server.write([attempt(job, et(moment), status)])


def test_a_job_that_does_not_run_is_the_cause_of_the_phase_s_stall(
    tmp_path: Path, emulator: str, server: LoggingServer
) -> None:
    """Told half an hour after it should have run, an hour before the phase has stalled: one incident. Nothing on a day
    without games, though it pauses then; a job nobody linked is missed on such a day as on any other.
    """
    with bigquery.dataset(emulator) as dataset:
        rows = [row for day in GAMES if day.day != 6 for row in usual_days.rows_of(day)]
        rows += [r for r in usual_days.rows_of(date(2026, 1, 6)) if r.phase == "phase2" or "upcoming" in r.processor]
        usual_days.create(emulator, dataset, GAMES, rows)
        world = Watched(tmp_path, emulator, dataset, server)
        world.ran("2026-01-06 06:00")
        world.ran("2026-01-06 06:30", "2026-01-08 06:30")
        world.ran(*(f"2026-01-{day:02} 05:00" for day in (6, 7, 8)), job="cleanup")
        assert world.told("2026-01-06") == []
        assert world.told("2026-01-07") == [
            ("07:02", f"WARNING The scheduler job {JOB} has not run for 6 January"),
            ("08:10", "> CRITICAL phase3 of 6 January 2026 has stalled: 3 of 5 completions missing,"),
            ("09:10", "> CRITICAL Still wrong after 2 h 40 min: phase3 of 6 January 2026 has stalled: 3"),
            ("12:00", "> CRITICAL phase4 of 6 January 2026 is blocked: it waits for phase3"),
        ]
        with world.store.reading() as stored:
            [incident] = [i for i in stored.incidents() if i.state is IncidentState.OPEN]
        assert incident.root == f"scheduler:{JOB}:silent"
        assert incident.explains["phase:nba:phase3:2026-01-06"] == (
            f"the scheduler job {JOB} starts phase3, and did not run"
        )
        usual_days.record(emulator, dataset, usual_days.rows_of(date(2026, 1, 6), at=et("2026-01-07 13:00")))
        assert [text for _, text in world.told("2026-01-08")][-1].startswith("> RESOLVED after")
        # Nothing is owed for the 8th, and the job pauses on the 9th. The other one is missed.
        assert world.told("2026-01-09") == [
            ("06:20", "WARNING The scheduler job cleanup has not run since 2026-01-08T10:00:00Z"),
            ("12:00", "> WARNING Still wrong after 6 h 0 min: The scheduler job cleanup has not run"),
        ]
        world.ran("2026-01-10 05:00", job="cleanup")
        world.ran("2026-01-10 06:30", status="PERMISSION_DENIED")
        assert ("07:02", f"WARNING The scheduler job {JOB} failed for 9 January 2026") in world.told("2026-01-10")
        assert [run.error for run in world.runs if run.error] == []
        assert {run.status for run in world.runs if run.check == "scheduler"} == {Status.OK, Status.FAILING}
