"""The daemon's own test message, once a day: a dead channel is found before it is needed."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.ports import Channel
from alerts.trial import try_channel
from checks.pipeline import local_instant

log = logging.getLogger(__name__)

NAME = "daily_test"
LOOK_SECONDS = 20.0
# A watcher that was down at the time makes up for it this long; later, tomorrow's test will do.
MADE_UP_WITHIN = timedelta(hours=1)


def due_since(now: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The latest moment at or before ``now`` at which the wall clock of the zone showed that time."""
    today = now.astimezone(zone).date()
    moments = (local_instant(today - timedelta(days=back), at, zone) for back in range(3))
    return next(moment for moment in moments if moment <= now)


class DailyTest:
    """Runs in a thread of its own. ``claim(name, moment)`` says whether this process does that day's test."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        at: time,
        zone: ZoneInfo,
        now: Callable[[], datetime],
        claim: Callable[[str, datetime], bool],
    ) -> None:
        self._channels = channels
        self._at = at
        self._zone = zone
        self._now = now
        self._claim = claim
        self._outcomes: dict[str, str | None] = {}

    def outcomes(self) -> dict[str, str | None]:
        """By channel what failed in the last test, None for a good one; empty before the first."""
        return dict(self._outcomes)

    def run(self, stop: threading.Event) -> None:
        """Test when it is due, until told to stop."""
        while not stop.wait(LOOK_SECONDS):
            try:
                self.once()
            except Exception:  # the state may be away; tomorrow comes
                log.exception("the daily test failed", extra={"action": "daily_test.failed"})

    def once(self) -> None:
        """Test if it is due and nobody did."""
        now = self._now()
        moment = due_since(now, self._at, self._zone)
        if now - moment > MADE_UP_WITHIN or not self._claim(NAME, moment):
            return
        by = f"The daily test of the watcher on {socket.gethostname()}."
        for name, channel in self._channels.items():
            trial = try_channel(channel, now, by=by)
            self._outcomes[name] = trial.error
            log.info("daily test", extra={"action": "daily_test.done", "destination": name, "error": trial.error})
