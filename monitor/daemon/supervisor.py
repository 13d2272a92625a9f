"""Looks at the watcher itself, in a thread of its own: stores what is wrong, tells it, and keeps the state small."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from alerts.store.sql import Store
from alerts.store.upkeep import Keep
from checks.model import CheckRun
from monitor import storage
from monitor.clock import Clock
from monitor.daemon import itself
from monitor.daemon.emergency import Emergency
from monitor.daemon.itself import Limits, Look, Problem
from monitor.daemon.scheduler import Scheduler
from monitor.daemon.sending import Sending

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
# A look that found the same as the last one is stored this often, to show that somebody looks.
STORE_EVERY = timedelta(minutes=1)
WAITING_STORE_EVERY = timedelta(seconds=20)
PRUNE_EVERY = timedelta(hours=1)
# The supervisor counts as gone when it has not looked for this long, in real time.
STALE_AFTER = timedelta(minutes=2)
# Between two looks that are this far apart the machine was asleep, or its clock leapt.
ASLEEP_AFTER = timedelta(minutes=1)
_TITLES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the supervisor looks at. ``state_file`` None: a server holds the state."""

    store: Store
    scheduler: Scheduler
    sending: Sending
    sender: threading.Thread
    channels: tuple[str, ...]
    state_file: Path | None
    keep: Keep
    limits: Limits
    ping_error: Callable[[], str | None] = lambda: None
    heartbeat_error: Callable[[], str | None] = lambda: None
    trials: Callable[[], Mapping[str, str | None]] = dict


class Supervisor:
    """``absorb`` stores a run with its consequences; ``emergency`` is for when it cannot."""

    def __init__(
        self,
        watched: Watched,
        clock: Clock,
        absorb: Callable[[CheckRun, datetime], object],
        emergency: Emergency,
        stop: threading.Event,
    ) -> None:
        self._watched = watched
        self._clock = clock
        self._absorb = absorb
        self._emergency = emergency
        self._stop = stop
        self._wake = threading.Event()
        self._started_at = clock.now()
        self._replacing = False
        self._unstorable: str | None = None
        self._stored: tuple[datetime, tuple[str, ...]] | None = None
        self._pruned_at = clock.now()
        self.looked_at = clock.now()
        self._awake_since = self._started_at

    def watch(self, watched: Watched, emergency: Emergency) -> None:
        """Look at these from now on: the configuration changed."""
        self._watched, self._emergency = watched, emergency
        self._replacing = False

    def expect_no_scheduler(self) -> None:
        """It is being stopped or replaced: that is no fault, until ``watch`` names the new one."""
        self._replacing = True

    def wake(self) -> None:
        """Look now: something happened to a channel, or it is time to stop."""
        self._wake.set()

    def run(self) -> None:
        """Look every few seconds until told to stop."""
        while not self._stop.is_set():
            try:
                self.once()
            except Exception:  # whatever it is, the next look must come
                log.exception("the supervisor failed", extra={"action": "supervisor.failed"})
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()

    def once(self) -> None:
        """One look, with its consequences."""
        now = self._clock.now()
        if now - self.looked_at > ASLEEP_AFTER * self._clock.speed:
            self._awake_since = now
        look = self.look()
        found = itself.problems(look, self._watched.limits)
        self._remember(look, found)
        self.looked_at = self._clock.now()
        if self._unstorable is None:
            self._tidy(look.at)

    def look(self) -> Look:
        """Everything there is to see of the watcher; also for ``/readyz``."""
        watched, now = self._watched, self._clock.now()
        look = Look(
            at=now,
            started_at=self._started_at,
            awake_since=self._awake_since,
            speed=self._clock.speed,
            beats=watched.scheduler.beats(),
            scheduler_alive=watched.scheduler.alive or self._replacing,
            delivery_alive=watched.sender.is_alive(),
            channels=watched.channels,
            lines=watched.sending.lines(),
            storage=None if watched.state_file is None else storage.look(watched.state_file),
            failed_ticks=watched.scheduler.failed(),
            state_error=self._unstorable or watched.sending.trouble,
            ping_error=watched.ping_error(),
            heartbeat_error=watched.heartbeat_error(),
            trials=watched.trials(),
        )
        try:
            backlog = watched.store.outbox.backlog()
            waiting = {
                b.destination: [
                    letter.message.title
                    for letter in watched.store.letters.unsent(destination=b.destination, limit=_TITLES)
                ]
                for b in backlog
                if b.destination in look.lines or b.dead
            }
        except Exception as error:  # noqa: BLE001 - that the state cannot be read is what is to be told
            return replace(look, state_error=f"{type(error).__name__}: {error}")
        return replace(look, backlog=tuple(backlog), waiting=waiting)

    def problems(self) -> list[Problem]:
        """What is wrong right now."""
        return itself.problems(self.look(), self._watched.limits)

    def verdict(self) -> list[str] | None:
        """None if the last cycle was complete and good: looked at lately, every check ticked, messages are sent."""
        stale = self._clock.now() - self.looked_at > STALE_AFTER * self._clock.speed
        wrong = ["the supervisor does not look any more"] if stale else []
        beats = self._watched.scheduler.beats()
        wrong += [f"{name} has not ticked yet" for name, beat in sorted(beats.items()) if beat.ended_at is None]
        wrong += [problem.sentence for problem in self.problems() if problem.blocks]
        return wrong or None

    def _remember(self, look: Look, found: list[Problem]) -> None:
        same = tuple(f"{p.fingerprint} {p.severity} {dict(p.facts)}" for p in found)
        if self._stored is not None and self._unstorable is None:
            stored_at, before = self._stored
            # What waits out its time before it is told is looked at again by the ledger only when it is stored.
            pause = WAITING_STORE_EVERY if any(p.pending_for for p in found) else STORE_EVERY
            if same == before and look.at - stored_at < pause * self._clock.speed:
                return
        try:
            self._absorb(itself.as_run(look, found), look.at)
        except Exception as error:
            log.exception("what is wrong cannot be stored", extra={"action": "supervisor.unstorable"})
            self._unstorable = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            remedy = "make room or repair the storage of the state; until then nothing that is found is kept or sent"
            self._emergency.tell("phasewatch cannot write its state", self._unstorable, remedy, look.at)
            return
        self._stored = (look.at, same)
        # A small row may fit where a tick's does not: only when ticks and deliveries are stored as well it is over.
        if self._unstorable is not None and not look.failed_ticks and self._watched.sending.trouble is None:
            self._unstorable = None
            self._emergency.over(look.at)

    def _tidy(self, now: datetime) -> None:
        """Prune once an hour, one bounded step after the other."""
        if now - self._pruned_at < PRUNE_EVERY * self._clock.speed:
            return
        self._pruned_at = now
        total = 0
        while not self._stop.is_set() and (gone := self._watched.store.upkeep.step(self._watched.keep, now)):
            total += gone
        if total:
            self._watched.store.upkeep.shrink()
            log.info("state pruned", extra={"action": "state.pruned", "rows": total})
