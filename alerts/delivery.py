"""Claim, send, record. At least once, in order per thread, with back-off; gives up loudly."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.ports import Channel, DeliveryError
from alerts.store.outbox import Claimed, Outbox

LEASE = timedelta(seconds=90)
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=10)
GIVE_UP_AFTER = timedelta(days=1)
# What was made due again by hand is old at once: it gets its attempts all the same, about an hour of them.
ATTEMPTS_AT_LEAST = 12
# Pauses are stretched by up to this part, so that what failed together does not come back together.
JITTER = 0.2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one attempt. ``error`` None: it arrived, or was ``withheld``; ``gave_up``: nobody tries again by
    himself.
    """

    destination: str
    error: str | None = None
    gave_up: bool = False
    remedy: str | None = None
    withheld: bool = False


class Delivery:
    """Sends outbox rows one at a time. Its own thread calls it; it never sleeps itself, but a channel may keep a pace.

    ``speed`` is how many seconds of the clock pass in a second: leases and pauses are real time, stored in the clock's.
    ``muted`` is asked at the last moment whether a message is not to be sent after all; ``withheld`` is told so, with
    the number of the incident.
    ``chance`` answers numbers from 0 to 1, by which pauses are stretched.
    """

    def __init__(
        self,
        outbox: Outbox,
        channels: Mapping[str, Channel],
        owner: str,
        speed: float = 1.0,
        chance: Callable[[], float] = random.random,
        *,
        muted: Callable[[Claimed, datetime], bool] = lambda _claimed, _now: False,
        withheld: Callable[[int, datetime], None] = lambda _incident, _now: None,
    ) -> None:
        self._outbox = outbox
        self._muted = muted
        self._withheld = withheld
        self._channels = channels
        self._owner = owner
        self._speed = speed
        self._chance = chance
        self._paused: dict[str, datetime] = {}

    def send_next(self, now: datetime) -> Outcome | None:
        """Send one row; None when nothing is due."""
        self._paused = {name: until for name, until in self._paused.items() if until > now}
        claimed = self._outbox.claim(now, LEASE * self._speed, self._owner, frozenset(self._paused))
        if claimed is None:
            return None
        if self._muted(claimed, now):
            self._outbox.withhold(claimed)
            self._withheld(claimed.incident, now)
            return Outcome(destination=claimed.destination, withheld=True)
        channel = self._channels.get(claimed.destination)
        if channel is None:
            reason = f"there is no channel {claimed.destination!r} in the configuration any more"
            self._outbox.dead(claimed.id, reason)
            return Outcome(destination=claimed.destination, error=reason, gave_up=True)
        try:
            receipt = channel.send(claimed.dispatch)
        except DeliveryError as error:
            return self._failed(claimed, error, now)
        except Exception as error:  # a bug in a channel must not end the loop, nor lose the row
            log.exception("channel failed", extra={"action": "delivery.broken", "destination": claimed.destination})
            return self._failed(claimed, DeliveryError(f"{type(error).__name__}: {error}", uncertain=True), now)
        self._outbox.sent(claimed.id, receipt, now)
        return Outcome(destination=claimed.destination)

    def _failed(self, claimed: Claimed, error: DeliveryError, now: datetime) -> Outcome:
        text = str(error)
        attempt = claimed.dispatch.attempt
        too_old = now - claimed.dispatch.created_at > GIVE_UP_AFTER * self._speed and attempt >= ATTEMPTS_AT_LEAST
        if error.permanent or too_old:
            self._outbox.dead(claimed.id, text, uncertain=error.uncertain)
            return Outcome(destination=claimed.destination, error=text, gave_up=True, remedy=error.remedy)
        doublings = min(attempt - 1, 10)  # beyond that only the number would grow
        pause = error.retry_after or min(FIRST_PAUSE * 2**doublings, LONGEST_PAUSE)
        # Never shorter: a service that says when to come back means it.
        until = now + pause * self._speed * (1 + JITTER * self._chance())
        self._outbox.retry(claimed.id, text, until, uncertain=error.uncertain)
        # What one message met the next would meet too: the whole destination waits.
        self._paused[claimed.destination] = until
        return Outcome(destination=claimed.destination, error=text, remedy=error.remedy)
