"""The daemon: everything wired in one straight function, torn down in reverse, also when the start fails half-way."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from alerts.delivery import Delivery, Outcome
from checks.model import CheckRun, Clearance, Finding, JsonValue, Severity, Status, Subject, stamp
from checks.ports import Check
from monitor import metrics, reloading, routes, startup, table_apply, table_wiring, vitals, wiring
from monitor.clock import Clock
from monitor.costs import CURSOR as COST_CURSOR
from monitor.costs import Costs
from monitor.heard import Heard
from monitor.lock import WatchLock
from monitor.report import gather
from monitor.report.cached import FRESH_FOR, CachedReports
from monitor.report.model import HealthReport
from monitor.scheduler import Beat, Scheduler, nearest_slot
from monitor.tick import Path as OnePath
from monitor.web import WebServer, bind

if TYPE_CHECKING:
    from monitor.config import Config

log = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
REVIEW_SECONDS = 15.0
SUPERVISE_SECONDS = 2.0
REVIVE_SINCE = timedelta(days=1)
READY_GRACE = timedelta(seconds=60)


class App:
    """One running watcher. ``start`` returns when it serves; ``stop`` ends everything it started."""

    def __init__(
        self, config: Config, clock: Clock, *, stream: TextIO, progress: Callable[[str], None] = lambda _: None
    ) -> None:
        self.config = config
        self._clock = clock
        self._stream = stream
        self._progress = progress
        self._undo = ExitStack()
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._delivery_thread: threading.Thread | None = None
        self._owner = f"{socket.gethostname()}:{os.getpid()}"
        self.checks: list[Check[Any]] = []
        self.url = ""

    def start(self) -> None:
        """Take the lock, then the port; open the state, start BigQuery if it is embedded, then tick, deliver and serve.

        :raises monitor.lock.AlreadyRunningError, monitor.web.PortTakenError, alerts.store.engine.StateError,
            monitor.embedded.EmulatorError: what stood in the way; nothing is left running then.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        config, clock = self.config, self._clock
        lock_path = state_lock(config)
        lock = self._undo.enter_context(WatchLock(lock_path, clock.now())) if lock_path else None
        listener = bind(config.server.host, config.server.port)
        self._undo.callback(listener.close)
        token = config.server.token.reveal() if config.server.token else None
        self._reports = CachedReports(self._gather, clock.now, FRESH_FOR * clock.speed)
        web = WebServer(listener, lambda: routes.application(self, token, self._listener()))
        self.url = web.url
        if lock is not None:
            lock.serving(self.url)
        self.store = wiring.open_state(config)
        self._undo.callback(self.store.close)
        with self.store.reading() as stored:
            self._costs = Costs(stored.cursor(COST_CURSOR), config.budget.in_bytes() if config.budget else None)
        self.data = replace(self._undo.enter_context(wiring.data(config, self._progress)), costs=self._costs)
        if self.data.emulator is not None:
            # A new local BigQuery is empty: that no table was made yet is no outage there.
            required = table_wiring.required_tables(config)
            table_apply.make_missing(wiring.warehouse(config, self.data), required, progress=self._progress)
        self.checks = wiring.checks(config, self.data)
        self._path = OnePath(self.store, wiring.rules(config), clock.now, self._costs)
        with self.store.reading() as stored:
            runs = stored.last_runs()
        every = [check.every for check in self.checks]
        self._path.catch_up_until = reloading.catch_up_until(runs, every, clock.now(), clock.speed)
        self._path.conclude(reloading.taken(clock.now()), clock.now())
        self._delivery = self._new_delivery(config)
        self.store.outbox.release()
        # The configuration may have been mended since: what was given up is tried again.
        self.store.outbox.revive(clock.now(), since=clock.now() - REVIVE_SINCE)
        self._scheduler = self._new_scheduler()
        self._start_thread("delivery", self._deliver)
        self._start_thread("review", self._review)
        self._start_thread("queries", self._try_queries)
        if self.data.emulator is not None:
            self._start_thread("embedded", self._supervise)
        self._undo.callback(self._stop_threads)
        web.start()
        self._undo.callback(web.stop)
        self._scheduler.start()
        self._undo.callback(self._stop_scheduler)

    def reload(self, config: Config) -> None:
        """Put another configuration in force between two ticks: running ones end first.

        :raises monitor.reloading.ReloadError: if a setting changed that cannot change while the watcher runs.
        """
        fixed = reloading.needs_restart(self.config, config)
        if fixed:
            raise reloading.ReloadError(f"{', '.join(fixed)} can only change with a restart")
        checks, rules, delivery = wiring.checks(config, self.data), wiring.rules(config), self._new_delivery(config)
        self._scheduler.stop()
        self.config, self.checks, self._path.rules, self._delivery = config, checks, rules, delivery
        self._scheduler = self._new_scheduler()
        self._scheduler.start()
        self._start_thread("queries", self._try_queries)
        self._path.conclude(reloading.taken(self._clock.now()), self._clock.now())
        log.info("configuration reloaded", extra={"action": "config.reloaded"})

    def refuse(self, reason: str) -> None:
        """Say that a changed configuration was not taken."""
        log.error("configuration not taken: %s", reason, extra={"action": "config.refused"})
        self._path.conclude(reloading.refused(reason, self._clock.now()), self._clock.now())
        self._wake.set()

    def _new_delivery(self, config: Config) -> Delivery:
        channels = wiring.channels(config, self._stream)
        return Delivery(
            self.store.outbox,
            channels,
            self._owner,
            self._clock.speed,
            muted=self._path.muted,
            withheld=self._path.withheld,
        )

    def _listener(self) -> Heard:
        return Heard(self.store, self._path, self._clock.now, self._wake.set)

    def _new_scheduler(self) -> Scheduler:
        return Scheduler(self._clock, self.checks, self._tick, self._claim, self._absorb)

    def stop(self) -> None:
        """No new ticks; running ones end; what is due is not sent any more but kept; the child process ends."""
        self._undo.close()

    # -- what the web server asks ---------------------------------------------------------------------------------

    def alive(self) -> tuple[bool, dict[str, JsonValue]]:
        """Whether the scheduler and the delivery thread run."""
        delivering = self._delivery_thread is not None and self._delivery_thread.is_alive()
        return self._scheduler.alive and delivering, {"scheduler": self._scheduler.alive, "delivery": delivering}

    def ready(self) -> tuple[bool, dict[str, JsonValue]]:
        """Whether the last tick of every check ended recently; a check that found nothing due has ticked too."""
        now = self._clock.now()
        beats = self._scheduler.beats()
        late = sorted(name for name, beat in beats.items() if not ticked_lately(beat, now, self._clock.speed))
        details: dict[str, JsonValue] = {
            "checks": {
                name: {
                    "last_tick_at": None if beat.ended_at is None else stamp(beat.ended_at),
                    "every_seconds": beat.every.total_seconds(),
                    "late": name in late,
                    "skipped": beat.skipped,
                }
                for name, beat in sorted(beats.items())
            },
            "outbox": [
                {"destination": b.destination, "pending": b.pending, "dead": b.dead, "error": b.error}
                for b in self.store.outbox.backlog()
            ],
        }
        return not late, details

    def report(self, query: Mapping[str, str]) -> HealthReport:
        """The health report, at most half a minute old.

        :raises ValueError: for a query that makes no sense.
        """
        return self._reports(query)

    def _gather(self, query: dict[str, str]) -> HealthReport:
        now = self._clock.now()
        return gather.gather(self.config, self.data, self.store, gather.Request.parse(query, now), now)

    def metrics(self) -> bytes:
        """The vitals in Prometheus' text format."""
        return metrics.render(vitals.read(self.store, self._clock.now()), version("phasewatch"))

    # -- the loops ------------------------------------------------------------------------------------------------

    def _tick(self, check: Check[Any], now: datetime) -> None:
        if not self._costs.holds_back(check.name, check.every, now):
            self._path.tick(check, now)
        news = self._costs.news(now)
        if news is not None:
            self._path.absorb(news, now)
        self._wake.set()

    def _absorb(self, run: CheckRun, now: datetime) -> None:
        self._path.absorb(run, now)

    def _claim(self, check: str, slot: datetime) -> bool:
        with self.store.writing() as stored:
            return stored.claim_slot(check, slot, self._owner)

    def _review(self) -> None:
        """Tell what is due because time went by, also while no check runs."""
        while not self._stopping.wait(REVIEW_SECONDS):
            try:
                now = self._clock.now()
                if self._claim(
                    "alerts.review", nearest_slot(now, timedelta(seconds=REVIEW_SECONDS) * self._clock.speed)
                ):
                    self._path.review(now)
                    self._wake.set()
            except Exception:  # nobody else would notice that this thread is gone
                log.exception("review failed", extra={"action": "review.failed"})

    def _try_queries(self) -> None:
        """Once, beside everything else: what does not fit its table is told at once, and not when it is due."""
        if not self.config.checks.completions.enabled:
            return
        now = self._clock.now()
        warehouse = wiring.warehouse(self.config, self.data)
        try:
            self._path.absorb(startup.try_queries(warehouse, wiring.pipelines(self.config), now), now)
            self._wake.set()
        except Exception:  # the checks will tell of whatever this is
            log.exception("queries could not be tried", extra={"action": "startup.query"})
        finally:
            warehouse.close()

    def _deliver(self) -> None:
        """Send what is due until told to stop. An error of the state is waited out, not died of."""
        troubled: dict[str, bool] = {}
        while not self._stopping.is_set():
            try:
                outcome = self._delivery.send_next(self._clock.now())
                if outcome is not None:
                    if not outcome.withheld:
                        self._note_delivery(outcome, troubled)
                    continue
            except Exception:  # nobody else would notice that this thread is gone
                log.exception("delivery failed", extra={"action": "delivery.failed"})
            self._wake.wait(IDLE_SECONDS)
            self._wake.clear()

    def _note_delivery(self, outcome: Outcome, troubled: dict[str, bool]) -> None:
        """A dead channel is a fault of our own, told through the others; the first message that arrives ends it."""
        name = outcome.destination
        if outcome.error is None:
            if troubled.pop(name, False):
                now = self._clock.now()
                over = Clearance(fingerprint=f"delivery:{name}", at=now, reason=f"{name} takes messages again")
                self._path.absorb(_own_run(f"delivery:{name}", now, clearances=(over,)), now)
            return
        log.warning("not delivered: %s", outcome.error, extra={"action": "delivery.retry", "destination": name})
        troubled[name] = True
        now = self._clock.now()
        finding = Finding(
            fingerprint=f"delivery:{name}",
            check=f"delivery:{name}",
            kind="delivery",
            severity=Severity.CRITICAL,
            subject=Subject(check=name),
            title=f"Alerts do not reach {name}",
            since=now,
            last_seen=now,
            facts={"reason": outcome.error, "remedy": outcome.remedy or "messages wait and are tried again"},
            pending_for=timedelta(0) if outcome.gave_up else timedelta(minutes=5),
        )
        self._path.absorb(_own_run(f"delivery:{name}", now, findings=(finding,)), now)

    def _supervise(self) -> None:
        """Keep the local BigQuery alive. That it is down makes the checks blind; here it is only logged."""
        from monitor.embedded import EmulatorError

        emulator = self.data.emulator
        while emulator is not None and not self._stopping.wait(SUPERVISE_SECONDS):
            try:
                restarted = emulator.ensure_alive()
            except EmulatorError as error:
                log.warning("embedded BigQuery: %s", error, extra={"action": "embedded.down"})
                continue
            if restarted is not None:
                log.warning("embedded BigQuery: %s", restarted, extra={"action": "embedded.restarted"})

    def _start_thread(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=f"phasewatch-{name}", daemon=True)
        thread.start()
        if name == "delivery":
            self._delivery_thread = thread
        self._undo.callback(thread.join, 15)

    def _stop_scheduler(self) -> None:
        self._scheduler.stop()

    def _stop_threads(self) -> None:
        self._stopping.set()
        self._wake.set()


def state_lock(config: Config) -> Path | None:
    """The lock file of a SQLite state; None for a server, where several watchers share the work by slots."""
    path = wiring.state_file(config)
    return None if path is None else path.with_name(path.name + ".lock")


def ticked_lately(beat: Beat, now: datetime, speed: float) -> bool:
    """Whether the last tick ended within three intervals and a minute of real time."""
    return beat.ended_at is not None and now - beat.ended_at <= beat.every * 3 + READY_GRACE * speed


def _own_run(
    name: str, now: datetime, findings: tuple[Finding, ...] = (), clearances: tuple[Clearance, ...] = ()
) -> CheckRun:
    status = Status.FAILING if findings else Status.OK
    return CheckRun(
        check=name, started_at=now, finished_at=now, status=status, findings=findings, clearances=clearances
    )
