"""A state, a Cloud Monitoring service, and the heartbeat between them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from alerts.store.sql import Store
from checks.completions.memory import LastState, Memory, as_json
from checks.model import CheckRun, Status
from checks.monitoring_api import MonitoringApi
from checks.phases.model import PhaseState
from monitor.telemetry import vitals
from monitor.telemetry.heartbeat import Heartbeat
from tests.support.logging_server import TestClock
from tests.support.monitoring_server import MonitoringServer
from tests.support.pipelines import et, nba
from tests.support.watched import SetClock

NOW = datetime(2026, 1, 26, 14, 30, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LATE = LastState(
    pipeline="nba",
    phase="phase3",
    run_date=date(2026, 1, 25),
    state=PhaseState.INCOMPLETE,
    due_at=et("2026-01-26 09:00"),
)


@contextmanager
def beating(folder: Path) -> Iterator[World]:
    """The world, with points that are visible at once."""
    with MonitoringServer(TestClock(NOW), visible_after=timedelta(0)) as server:
        world = World(folder, server, SetClock(NOW))
        yield world
        world.store.close()


class World:
    """A state, a service, and the heartbeat between them; the service's clock follows the watcher's.

    :ivar changes: to what the state says, for the next beats.
    """

    def __init__(self, folder: Path, server: MonitoringServer, clock: SetClock) -> None:
        self.clock = clock
        self.server = server
        self.store = Store(f"sqlite:///{folder}/state.db")
        self.healthy = True
        self.changes: dict[str, Any] = {}
        self.beat_of = self.heartbeat()

    def heartbeat(self, timeout: timedelta = timedelta(seconds=5)) -> Heartbeat:
        """Another process on the same state."""
        return Heartbeat(
            MonitoringApi("p1", endpoint=self.server.endpoint, timeout=timeout),
            watcher="phasewatch",
            every=MINUTE,
            look=lambda now: replace(vitals.read(self.store, now, healthy=self.healthy), **self.changes),
            claim=self.claim,
            clock=self.clock,  # type: ignore[arg-type]  # what it asks of one
            stop=threading.Event(),
        )

    def claim(self, name: str, slot: datetime) -> bool:
        with self.store.writing() as stored:
            return stored.claim_slot(name, slot, "test")

    def ran(self, check: str, status: Status, at: datetime, *states: LastState, **values: Any) -> None:
        carry = as_json(Memory(states=states), nba(), "plan")
        cursor: Any = {"source": None, "carry": carry}
        run = CheckRun(check=check, started_at=at, finished_at=at, status=status, cursor=cursor, **values)
        with self.store.writing() as stored:
            stored.save_run(run)

    def beat(self, later: timedelta = MINUTE) -> str | None:
        self.clock.time += later
        self.server.clock.now = self.clock.time
        self.beat_of.beat()
        return self.beat_of.error
