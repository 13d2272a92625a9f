"""Everything between a finding and Slack on a real state, with a clock that stands until it is moved."""

from __future__ import annotations

import io
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from alerts.channels.console import ConsoleChannel
from alerts.channels.slack.channel import SlackChannel
from alerts.delivery import Delivery
from alerts.faults.own import is_own
from alerts.notify.routing import Route, Routing
from alerts.store.sql import Store
from alerts.store.upkeep import Keep
from monitor.daemon.emergency import Emergency
from monitor.daemon.itself import Limits
from monitor.daemon.scheduler import Beat
from monitor.daemon.sending import REVIVE_SINCE, Sending
from monitor.daemon.supervisor import Supervisor, Watched
from monitor.daemon.tick import Path as OnePath
from monitor.daemon.tick import Rules
from tests.support.findings import START
from tests.support.slack_server import TOKEN, SlackServer

MINUTE = timedelta(minutes=1)


class SetClock:
    """A clock that stands until it is moved."""

    speed = 1.0

    def __init__(self, time: datetime) -> None:
        self.time = time

    def now(self) -> datetime:
        return self.time


class Ticks:
    """What the supervisor asks of a scheduler."""

    alive = True

    def __init__(self, clock: SetClock) -> None:
        self.last = {"logs": Beat(every=MINUTE, ended_at=clock.now())}
        self.errors: dict[str, str] = {}

    def beats(self) -> dict[str, Beat]:
        return self.last

    def failed(self) -> dict[str, str]:
        return self.errors


class World:
    """A supervisor with all it looks at: Slack for everything, a console as the fallback.

    As at the start of a watcher, leases are released and what was given up is taken up again.
    """

    def __init__(
        self,
        folder: Path,
        slack: SlackServer,
        *,
        now: datetime = START,
        token: str = TOKEN,
        pace: timedelta = timedelta(0),
    ) -> None:
        self.clock = SetClock(now)
        self.console = io.StringIO()
        self.direct = io.StringIO()
        self.path = folder / "state.db"
        self.store = Store(f"sqlite:///{self.path}")
        rules = Rules(
            pipelines=(),
            routing=Routing(routes=(Route(to=("slack",)),), fallback=("console",)),
            zone=ZoneInfo("UTC"),
            blind_after=10 * MINUTE,
        )
        self.one_path = OnePath(self.store, rules, self.clock.now)
        channels: dict[str, Any] = {
            "slack": SlackChannel("slack", token, "#pipeline-health", base_url=slack.base_url, pace=pace),
            "console": ConsoleChannel("console", self.console),
        }
        self.stop = threading.Event()
        self.ticks = Ticks(self.clock)
        delivery = Delivery(self.store.outbox, channels, "test", chance=lambda: 0.0)
        self.sending = Sending(delivery, self.store.outbox, self.clock.now, self.stop, lambda: None)
        watched: Any = Watched(
            store=self.store,
            scheduler=self.ticks,  # type: ignore[arg-type]  # what it asks of one
            sending=self.sending,
            sender=threading.current_thread(),
            channels=("console", "slack"),
            state_file=self.path,
            keep=Keep(history=timedelta(days=30), runs=timedelta(days=14)),
            limits=Limits(outbox=5 * MINUTE, disk_free_bytes=0, storage_must_last=False),
        )
        emergency = Emergency({"console": ConsoleChannel("console", self.direct)})
        self.supervisor = Supervisor(watched, self.clock, self.one_path.absorb, emergency, self.stop)
        self.delivery = delivery
        self.store.outbox.release()
        self.store.outbox.revive(now, since=now - REVIVE_SINCE)

    def pass_time(self, span: timedelta = MINUTE) -> None:
        """Time passes; the checks tick, what is due is sent, the supervisor looks."""
        self.clock.time += span
        self.ticks.last = {n: Beat(every=MINUTE, ended_at=self.clock.now()) for n in self.ticks.last}
        self.work()

    def work(self) -> None:
        for _ in range(2):
            while outcome := self.delivery.send_next(self.clock.now()):
                self.sending.note(outcome, self.clock.now())
            self.supervisor.once()

    def open_own(self) -> list[str]:
        with self.store.reading() as stored:
            faults = stored.faults(resolved_since=self.clock.now() + timedelta(days=1))
        return sorted(f.finding.title for f in faults.values() if is_own(f.finding.kind) and f.fired_at is not None)
