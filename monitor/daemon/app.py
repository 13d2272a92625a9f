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
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from alerts.delivery import Delivery
from checks.model import CheckRun, JsonValue, stamp
from checks.ports import Check
from monitor import table_apply
from monitor.clock import Clock
from monitor.costs import CURSOR as COST_CURSOR
from monitor.costs import Costs
from monitor.daemon import guards, reloading, startup
from monitor.daemon.emergency import Emergency
from monitor.daemon.heard import Heard
from monitor.daemon.itself import problems, ticked_lately
from monitor.daemon.lock import WatchLock
from monitor.daemon.scheduler import Scheduler, nearest_slot
from monitor.daemon.sending import REVIVE_SINCE, Sending
from monitor.daemon.supervisor import STALE_AFTER, Supervisor, Watched
from monitor.daemon.tick import Path as OnePath
from monitor.report import gather
from monitor.report.cached import FRESH_FOR, CachedReports
from monitor.report.model import HealthReport
from monitor.report.request import Request
from monitor.server import routes
from monitor.server.web import WebServer, bind
from monitor.telemetry import metrics, vitals
from monitor.wiring import parts, tables

if TYPE_CHECKING:
    from monitor.config.loading import Config

log = logging.getLogger(__name__)

REVIEW_SECONDS = 15.0
SUPERVISE_SECONDS = 2.0


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
        self._owner = f"{socket.gethostname()}:{os.getpid()}"
        self.checks: list[Check[Any]] = []
        self.url = ""

    def start(self) -> None:
        """Take the lock, then the port; open the state, start BigQuery if it is embedded, then tick, deliver and serve.

        :raises monitor.daemon.lock.AlreadyRunningError, monitor.server.web.PortTakenError,
            alerts.store.engine.StateError, monitor.embedded.EmulatorError: what stood in the way; nothing is left
            running then.
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
        self.store = parts.open_state(config)
        self._undo.callback(self.store.close)
        with self.store.reading() as stored:
            self._costs = Costs(stored.cursor(COST_CURSOR), _budget(config))
        self.data = replace(self._undo.enter_context(parts.data(config, self._progress)), costs=self._costs)
        if self.data.emulator is not None:
            # A new local BigQuery is empty: that no table was made yet is no outage there.
            required = tables.required_tables(config)
            table_apply.make_missing(parts.warehouse(config, self.data), required, progress=self._progress)
        self.checks = parts.checks(config, self.data, self.store)
        self._path = OnePath(self.store, parts.rules(config), clock.now, self._costs)
        with self.store.reading() as stored:
            runs = stored.last_runs()
        every = [check.every for check in self.checks]
        self._path.catch_up_until = reloading.catch_up_until(runs, every, clock.now(), clock.speed)
        self._path.conclude(reloading.taken(clock.now()), clock.now())
        self.store.outbox.release()
        self._revive()
        self._scheduler = self._new_scheduler()
        delivery = self._new_delivery(config)
        self._sending = Sending(delivery, self.store.outbox, clock.now, self._stopping, self._noticed)
        self._sender = self._thread("delivery", self._sending.run)
        guarding = self._guard()
        self._sender.start()
        self._thread("review", self._review).start()
        self._thread("queries", self._try_queries).start()
        if self.data.emulator is not None:
            self._thread("embedded", self._keep_emulator).start()
        self._undo.callback(self._stop_threads)
        web.start()
        self._undo.callback(web.stop)
        self._scheduler.start()
        self._undo.callback(self._stop_scheduler)
        for thread in guarding:
            thread.start()

    def _guard(self) -> list[threading.Thread]:
        """What watches the watcher: the supervisor, the ping to the outside, the daily test; each in its own thread."""
        self._test = guards.daily_test(self.config, self._stream, self._clock.now, self._claim)
        self._watchdog = guards.watchdog(self.config, self._verdict, self._stopping)
        self._heartbeat = guards.heartbeat(self.config, self._clock, self._vitals, self._claim, self._stopping)
        self._supervisor = Supervisor(self._watched(), self._clock, self._absorb, self._last_resort(), self._stopping)
        loops = {"supervisor": self._supervisor.run}
        if self._watchdog is not None:
            loops["watchdog"] = self._watchdog.run
        if self._heartbeat is not None:
            loops["heartbeat"] = self._heartbeat.run
        if self._test is not None:
            loops["daily-test"] = partial(self._test.run, self._stopping)
        return [self._thread(name, loop) for name, loop in loops.items()]

    def _watched(self) -> Watched:
        config, watchdog, heartbeat = self.config, self._watchdog, self._heartbeat
        return Watched(
            store=self.store,
            scheduler=self._scheduler,
            sending=self._sending,
            sender=self._sender,
            channels=tuple(name for name, channel in config.alerts.channels.items() if channel.enabled),
            state_file=parts.state_file(config),
            keep=guards.keep(config),
            limits=guards.limits(config, self._clock.speed),
            ping_error=lambda: None if watchdog is None else watchdog.error,
            heartbeat_error=lambda: None if heartbeat is None else heartbeat.error,
            trials=dict if self._test is None else self._test.outcomes,
        )

    def _last_resort(self) -> Emergency:
        return Emergency(guards.last_resort(self.config, self._stream))

    def _revive(self) -> None:
        """The configuration may have been mended: what was given up is tried again."""
        now = self._clock.now()
        self.store.outbox.revive(now, since=now - REVIVE_SINCE)

    def reload(self, config: Config) -> None:
        """Put another configuration in force between two ticks: running ones end first.

        :raises monitor.daemon.reloading.ReloadError: if a setting changed that cannot change while the watcher runs.
        """
        fixed = reloading.needs_restart(self.config, config)
        if fixed:
            raise reloading.ReloadError(f"{', '.join(fixed)} can only change with a restart")
        checks, rules = parts.checks(config, self.data, self.store), parts.rules(config)
        delivery = self._new_delivery(config)
        self._stop_scheduler()
        self.config, self.checks, self._path.rules = config, checks, rules
        self._costs.budget = _budget(config)
        self._sending.use(delivery)
        self._scheduler = self._new_scheduler()
        self._scheduler.start()
        self._supervisor.watch(self._watched(), self._last_resort())
        self._thread("queries", self._try_queries).start()
        self._revive()
        self._path.conclude(reloading.taken(self._clock.now()), self._clock.now())
        self._sending.wake()
        log.info("configuration reloaded", extra={"action": "config.reloaded"})

    def refuse(self, reason: str) -> None:
        """Say that a changed configuration was not taken."""
        log.error("configuration not taken: %s", reason, extra={"action": "config.refused"})
        self._path.conclude(reloading.refused(reason, self._clock.now()), self._clock.now())
        self._sending.wake()

    def _new_delivery(self, config: Config) -> Delivery:
        return Delivery(
            self.store.outbox,
            parts.channels(config, self._stream),
            self._owner,
            self._clock.speed,
            muted=self._path.muted,
            withheld=self._path.withheld,
        )

    def _listener(self) -> Heard:
        return Heard(self.store, self._path, self._clock.now, self._sending.wake)

    def _new_scheduler(self) -> Scheduler:
        limit = self.config.watchdog.check_limit
        return Scheduler(self._clock, self.checks, self._tick, self._claim, self._absorb, limit)

    def stop(self) -> None:
        """No new ticks; running ones end; what is due is not sent any more but kept; the child process ends."""
        self._undo.close()

    # -- what the web server asks ---------------------------------------------------------------------------------

    def alive(self) -> tuple[bool, dict[str, JsonValue]]:
        """Whether the scheduler, the delivery thread and the supervisor run."""
        delivering = self._sender.is_alive()
        looking = self._clock.now() - self._supervisor.looked_at <= STALE_AFTER * self._clock.speed
        details: dict[str, JsonValue] = {
            "scheduler": self._scheduler.alive,
            "delivery": delivering,
            "supervisor": looking,
        }
        return self._scheduler.alive and delivering and looking, details

    def ready(self) -> tuple[bool, dict[str, JsonValue]]:
        """Whether the last tick of every check ended recently and nothing else blocks; a check that found nothing due
        has ticked too. ``reasons`` are all that is wrong with the watcher, whether it blocks or not.
        """
        look = self._supervisor.look()
        found = problems(look, guards.limits(self.config, self._clock.speed))
        late = sorted(n for n, beat in look.beats.items() if not ticked_lately(beat, look.at, look.speed))
        details: dict[str, JsonValue] = {
            "reasons": [
                *(f"{name} has not ticked yet" for name in late if look.beats[name].ended_at is None),
                *(problem.sentence for problem in found),
            ],
            "checks": {
                name: {
                    "last_tick_at": None if beat.ended_at is None else stamp(beat.ended_at),
                    "every_seconds": beat.every.total_seconds(),
                    "late": name in late,
                    "skipped": beat.skipped,
                }
                for name, beat in sorted(look.beats.items())
            },
            "outbox": [
                {"destination": b.destination, "pending": b.pending, "dead": b.dead, "error": b.error}
                for b in look.backlog
            ],
            "storage": None if look.storage is None else look.storage.to_json(),
        }
        return not late and not any(problem.blocks for problem in found), details

    def report(self, query: Mapping[str, str]) -> HealthReport:
        """The health report, at most half a minute old.

        :raises ValueError: for a query that makes no sense.
        """
        return self._reports(query)

    def _gather(self, query: dict[str, str]) -> HealthReport:
        now = self._clock.now()
        request = Request.parse(query, now)
        return gather.gather(self.config, self.data, self.store, request, now, speed=self._clock.speed)

    def metrics(self) -> bytes:
        """The vitals in Prometheus' text format."""
        return metrics.render(self._vitals(self._clock.now()), version("phasewatch"))

    def _vitals(self, now: datetime) -> vitals.Vitals:
        return vitals.read(self.store, now, healthy=self._verdict() is None)

    # -- the loops ------------------------------------------------------------------------------------------------

    def _tick(self, check: Check[Any], now: datetime, may_store: Callable[[], bool]) -> None:
        self._path.tick(check, now, may_store)
        self._sending.wake()

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
                    self._sending.wake()
            except Exception:  # nobody else would notice that this thread is gone
                log.exception("review failed", extra={"action": "review.failed"})

    def _try_queries(self) -> None:
        """Once, beside everything else: what does not fit its table is told at once, and not when it is due."""
        if not self.config.checks.completions.enabled:
            return
        now = self._clock.now()
        warehouse = parts.warehouse(self.config, self.data)
        try:
            self._path.absorb(startup.try_queries(warehouse, parts.pipelines(self.config), now), now)
            self._sending.wake()
        except Exception:  # the checks will tell of whatever this is
            log.exception("queries could not be tried", extra={"action": "startup.query"})
        finally:
            warehouse.close()

    def _keep_emulator(self) -> None:
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

    # The supervisor is made after what it watches.

    def _noticed(self) -> None:
        self._supervisor.wake()

    def _verdict(self) -> list[str] | None:
        return self._supervisor.verdict()

    def _thread(self, name: str, target: Callable[[], None]) -> threading.Thread:
        """A thread that is waited for at the end, if it was started."""
        thread = threading.Thread(target=target, name=f"phasewatch-{name}", daemon=True)
        self._undo.callback(lambda: thread.join(15) if thread.is_alive() else None)
        return thread

    def _stop_scheduler(self) -> None:
        self._supervisor.expect_no_scheduler()
        self._scheduler.stop()

    def _stop_threads(self) -> None:
        self._stopping.set()
        self._sending.wake()
        self._supervisor.wake()


def _budget(config: Config) -> int | None:
    """The month's budget in bytes; None without one."""
    return config.budget.in_bytes() if config.budget else None


def state_lock(config: Config) -> Path | None:
    """The lock file of a SQLite state; None for a server, where several watchers share the work by slots."""
    path = parts.state_file(config)
    return None if path is None else path.with_name(path.name + ".lock")
