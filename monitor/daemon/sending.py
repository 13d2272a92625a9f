"""The delivery loop: sends what is due, and keeps what it learnt of each channel."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.delivery import ATTEMPTS_AT_LEAST, Delivery, Outcome
from alerts.store.outbox import Outbox
from monitor.daemon.itself import Line

IDLE_SECONDS = 1.0
REVIVE_SINCE = timedelta(days=1)

log = logging.getLogger(__name__)


class Sending:
    """Runs in a thread of its own until ``stop`` is set. ``noticed`` is called when a channel fails or works again."""

    def __init__(
        self,
        delivery: Delivery,
        outbox: Outbox,
        now: Callable[[], datetime],
        stop: threading.Event,
        noticed: Callable[[], None],
    ) -> None:
        self._delivery = delivery
        self._outbox = outbox
        self._now = now
        self._stop = stop
        self._noticed = noticed
        self._wake = threading.Event()
        self._lines: dict[str, Line] = {}
        self._version: object = None
        self._due_at: datetime | None = None
        self.trouble: str | None = None

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def use(self, delivery: Delivery) -> None:
        """Send with these channels from the next message on."""
        self._delivery = delivery

    def lines(self) -> dict[str, Line]:
        """What is known of each channel that was sent to, by name."""
        return dict(self._lines)

    def run(self) -> None:
        """Send what is due. An error of the state is waited out, not died of: nobody else would notice."""
        while not self._stop.is_set():
            try:
                tried = self._send_next()
                self.trouble = None
            except Exception as error:
                tried = False
                self.trouble = f"{type(error).__name__}: {error}"
                log.exception("delivery failed", extra={"action": "delivery.failed"})
            if not tried:
                self._wake.wait(IDLE_SECONDS)
                self._wake.clear()

    def _send_next(self) -> bool:
        """Whether there was something to send. While nobody writes to the state, nothing is asked of it."""
        now = self._now()
        version = self._outbox.version()
        if version != self._version or self.trouble is not None:
            self._due_at, self._version = self._outbox.next_due(), version
        if self._due_at is None or self._due_at > now:
            return False
        outcome = self._delivery.send_next(now)
        if outcome is not None and not outcome.withheld:
            self.note(outcome, self._now())
        return outcome is not None

    def note(self, outcome: Outcome, now: datetime) -> None:
        """Learn from one attempt."""
        name = outcome.destination
        before = self._lines.get(name, Line())
        if outcome.error is None:
            self._lines[name] = Line(arrived_at=now)
            if before.failing_since is not None:
                # It takes messages again: what it refused lately has a chance now, but not for ever.
                since = now - REVIVE_SINCE
                self._outbox.revive(now, since=since, destination=name, tried_below=ATTEMPTS_AT_LEAST)
            if before.failing_since is not None or before.arrived_at is None:
                self._noticed()
            return
        log.warning("not delivered: %s", outcome.error, extra={"action": "delivery.retry", "destination": name})
        self._lines[name] = replace(
            before,
            failing_since=before.failing_since or now,
            error=outcome.error,
            remedy=outcome.remedy,
            gave_up=before.gave_up or outcome.gave_up,
        )
        self._noticed()
