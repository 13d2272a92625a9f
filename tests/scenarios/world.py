"""The watcher's parts on real stores and clients, driven by hand: the clock is a value."""

from __future__ import annotations

import io
import weakref
from datetime import datetime, timedelta

from alerts.delivery import Delivery
from checks.model import CheckRun
from monitor import demo, demo_story
from monitor.config.loading import Config
from monitor.daemon.tick import Path as OnePath
from monitor.wiring import parts

EVERY = timedelta(minutes=10)


class World:
    """Ticks at the times the scheduler would choose, and what they said on the console."""

    def __init__(self, config: Config, endpoint: str) -> None:
        self.config = config
        self.data = parts.Data(endpoint=endpoint, emulator=None)
        self.store = parts.open_state(config)
        weakref.finalize(self, self.store.close)
        self.now = demo_story.START
        self.checks = parts.checks(config, self.data)
        self.path = OnePath(self.store, parts.rules(config), lambda: self.now)
        self.runs: list[CheckRun] = []
        self.console = io.StringIO()
        self.delivery = Delivery(self.store.outbox, parts.channels(config, self.console), "test")
        self.stage = demo.Stage(config, self.data)

    def until(self, moment: datetime) -> None:
        """Tick and deliver every ten minutes up to that moment."""
        while self.now < moment:
            self.look(min(self.now + EVERY, moment))

    def look(self, moment: datetime) -> None:
        """Tick every check once at that moment, and deliver."""
        self.now = moment
        self.runs += [self.path.tick(check, self.now) for check in self.checks]
        while self.delivery.send_next(self.now):
            pass

    def printed(self) -> list[str]:
        """The first line of everything said on the console since the last look."""
        paragraphs = self.console.getvalue().split("\n\n")
        self.console.seek(0)
        self.console.truncate()
        return [" ".join(p.split()) for p in paragraphs if p.strip()]

    def first_lines(self) -> list[str]:
        """The first line of every message on the console since the last look."""
        blocks = self.console.getvalue().split("\n\n")
        self.console.seek(0)
        self.console.truncate()
        return [b.strip().splitlines()[0] for b in blocks if b.strip()]
