"""Fires each check on time and says so when it does not. APScheduler 3.11 with a memory job store.

Its defaults would drop a run that is a second late: here there is no misfire limit, late runs are joined into one, and
one instance of a check runs at a time. What it missed or skipped is counted and becomes a fault of our own. A run that
takes longer than the limit is abandoned: its thread cannot be ended, but what it finds is not stored any more, and the
next run begins afresh.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.model import CheckRun, Finding, Severity, Status, Subject
from checks.ports import Check
from monitor.clock import Clock

log = logging.getLogger(__name__)

# So many threads may hang in one check before it is left alone: each holds memory and perhaps a connection.
MOST_ABANDONED = 3
STOP_PATIENCE_SECONDS = 30.0
SKIPPED_GRACE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """When a check last began and last ended a tick, and how often the scheduler had to skip it."""

    every: timedelta
    began_at: datetime | None = None
    ended_at: datetime | None = None
    skipped: int = 0


def nearest_slot(now: datetime, every: timedelta) -> datetime:
    """The multiple of ``every`` since 1970 that is nearest: replicas compute the same one without talking."""
    return EPOCH + every * round((now - EPOCH) / every)


class Attempt:
    """One run of a check in a thread of its own, so that it can be left behind."""

    def __init__(self, work: Callable[[Attempt], None], name: str) -> None:
        self._lock = threading.Lock()
        self._state = "looking"
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=[work], name=f"phasewatch-{name}", daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[Attempt], None]) -> None:
        try:
            work(self)
        except Exception as error:  # noqa: BLE001 - handed on to whoever waits
            self.error = error

    def may_store(self) -> bool:
        """Whether what was found is still wanted; from then on the attempt is not abandoned any more."""
        with self._lock:
            if self._state == "looking":
                self._state = "storing"
            return self._state == "storing"

    def ended_within(self, seconds: float, stopping: threading.Event) -> bool:
        """Wait for its end, not long any more once ``stopping`` is set. False: it was still looking and is abandoned;
        storing is waited for.
        """
        deadline = time.monotonic() + seconds
        while self._thread.is_alive() and (left := deadline - time.monotonic()) > 0:
            if stopping.is_set():
                deadline = min(deadline, time.monotonic() + STOP_PATIENCE_SECONDS)
                self._thread.join(min(left, STOP_PATIENCE_SECONDS))
            else:
                self._thread.join(min(left, 0.25))
        with self._lock:
            if self._thread.is_alive() and self._state == "looking":
                self._state = "abandoned"
                return False
        self._thread.join()
        return True

    @property
    def alive(self) -> bool:
        """Whether its thread still runs."""
        return self._thread.is_alive()


class Scheduler:
    """Runs ``work(check, now, may_store)`` for each check at its interval, in threads.

    ``work`` asks ``may_store()`` once, between looking and storing, and stores nothing if the answer is no.
    ``claim(check, slot)`` says whether this process runs that slot. ``report(run, now)`` takes faults of our own.
    ``limit`` is how long looking may take, in real time.
    """

    def __init__(  # noqa: PLR0917 - its four callers by name would be an object of one use
        self,
        clock: Clock,
        checks: Sequence[Check[Any]],
        work: Callable[[Check[Any], datetime, Callable[[], bool]], None],
        claim: Callable[[str, datetime], bool],
        report: Callable[[CheckRun, datetime], None],
        limit: timedelta = timedelta(minutes=10),
    ) -> None:
        self._clock = clock
        self._checks = {c.name: c for c in checks}
        self._work = work
        self._claim = claim
        self._report = report
        self._limit = limit
        self._abandoned: dict[str, list[Attempt]] = {}
        self._busy = {name: threading.Lock() for name in self._checks}
        self._failed: dict[str, str] = {}
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._beats = {c.name: Beat(every=c.every) for c in checks}
        self._scheduler: Any = None

    def start(self) -> None:
        """Run every check once now, then at each multiple of its interval."""
        from apscheduler import events
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler
        from apscheduler.triggers.interval import IntervalTrigger

        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(max(4, len(self._checks)))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._skipped, events.EVENT_JOB_MISSED | events.EVENT_JOB_MAX_INSTANCES)
        self._scheduler.add_listener(self._died, events.EVENT_JOB_ERROR)
        for check in self._checks.values():
            every = check.every / self._clock.speed
            self._scheduler.add_job(
                self._fire,
                trigger=IntervalTrigger(seconds=every.total_seconds(), start_date=EPOCH, timezone=UTC),
                args=[check.name, False],
                id=check.name,
                name=check.name,
            )
            self._scheduler.add_job(self._fire, trigger="date", args=[check.name, True], id=f"{check.name}:first")
        self._scheduler.start()

    def stop(self) -> None:
        """Let running ticks end, start no more. One that hangs is not waited for."""
        self._stopping.set()
        if self._scheduler is not None and self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    @property
    def alive(self) -> bool:
        """Whether the scheduler's own thread runs."""
        return self._scheduler is not None and bool(self._scheduler.running)

    def beats(self) -> dict[str, Beat]:
        """How each check beats, by name."""
        with self._lock:
            return dict(self._beats)

    def _fire(self, name: str, first: bool) -> None:
        # The first tick is a job of its own: while it runs, the interval may come round.
        if not self._busy[name].acquire(blocking=False):
            self._skip(name)
            return
        try:
            self._tick_within_limit(name, first)
        finally:
            self._busy[name].release()

    def _tick_within_limit(self, name: str, first: bool) -> None:
        check = self._checks[name]
        now = self._clock.now()
        if not self._claim(name, now if first else nearest_slot(now, check.every)):
            # Another watcher on the same state runs it: the check ticks, only not here.
            self._set(name, replace(self._beats[name], ended_at=now))
            return
        left = [attempt for attempt in self._abandoned.get(name, ()) if attempt.alive]
        self._abandoned[name] = left
        if len(left) >= MOST_ABANDONED:
            self._tell(name, _hung(name, self._limit, len(left)), now)
            return
        before = self._beats[name]
        self._set(name, Beat(every=check.every, began_at=now, ended_at=before.ended_at, skipped=before.skipped))
        attempt = Attempt(lambda this: self._work(check, now, this.may_store), name)
        if not attempt.ended_within(self._limit.total_seconds(), self._stopping):
            left.append(attempt)
            if self._stopping.is_set():
                return
            log.error("tick abandoned", extra={"action": "tick.abandoned", "check": name})
            self._tell(name, _hung(name, self._limit, len(left)), self._clock.now())
            return
        if attempt.error is not None:
            raise attempt.error
        self._failed.pop(name, None)
        self._set(name, Beat(every=check.every, began_at=now, ended_at=self._clock.now(), skipped=0))

    def failed(self) -> dict[str, str]:
        """By check why its latest tick failed outside the check itself; most likely the state could not be written."""
        return dict(self._failed)

    def _set(self, name: str, beat: Beat) -> None:
        with self._lock:
            self._beats[name] = beat

    def _skipped(self, event: Any) -> None:
        """A run did not happen: the former one still runs, or the machine slept."""
        self._skip(str(event.job_id).removesuffix(":first"))

    def _skip(self, name: str) -> None:
        now = self._clock.now()
        beat = self._beats[name]
        self._set(
            name, Beat(every=beat.every, began_at=beat.began_at, ended_at=beat.ended_at, skipped=beat.skipped + 1)
        )
        log.warning("tick skipped", extra={"action": "tick.skipped", "check": name})
        self._tell(name, _skipped(name, self._checks[name].every, self._clock.speed), now)

    def _died(self, event: Any) -> None:
        """The tick itself failed, outside the check: most likely the state could not be written."""
        name = str(event.job_id).removesuffix(":first")
        error = event.exception
        self._failed[name] = f"{type(error).__name__}: {error}"
        log.error("tick failed: %s: %s", type(error).__name__, error, extra={"action": "tick.failed", "check": name})

    def _tell(self, name: str, trouble: _Trouble, now: datetime) -> None:
        finding = Finding(
            fingerprint=f"{trouble.kind}:{name}",
            check=name,
            kind=trouble.kind,
            severity=trouble.severity,
            subject=Subject(check=name),
            title=trouble.title,
            since=now,
            last_seen=now,
            facts={"remedy": trouble.remedy},
            pending_for=trouble.pending_for,
        )
        run = CheckRun(
            check=name,
            started_at=now,
            finished_at=now,
            status=Status.UNKNOWN,
            findings=(finding,),
            error=trouble.title,
        )
        try:
            self._report(run, now)
        except Exception:  # the listener runs in the scheduler's thread, which must live
            log.exception("cannot store what is wrong with a tick", extra={"action": "tick.failed", "check": name})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trouble:
    """What kept a check from looking."""

    kind: str
    title: str
    remedy: str
    severity: Severity
    pending_for: timedelta = timedelta(0)


def _skipped(name: str, every: timedelta, speed: float) -> _Trouble:
    return _Trouble(
        kind="skipped",
        title=f"The check {name} does not keep up: its last run has not ended",
        remedy=f"give it more time: a longer `every` for {name}, or fewer functions and dates to look at",
        severity=Severity.WARNING,
        # Three intervals, and a minute of real time: with a faster clock three intervals may be a second.
        pending_for=max(every * 3, SKIPPED_GRACE * speed),
    )


def _hung(name: str, limit: timedelta, times: int) -> _Trouble:
    again = "is begun anew each time" if times < MOST_ABANDONED else "is not begun again before a restart"
    return _Trouble(
        kind="hung",
        title=f"The check {name} hangs: a run did not end within {limit.total_seconds():.0f} s; it {again}",
        remedy="look whether its source answers (`phasewatch doctor`); `watchdog.check_limit` allows more time",
        severity=Severity.CRITICAL,
    )
