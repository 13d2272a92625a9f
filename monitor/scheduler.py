"""Fires each check on time and says so when it does not. APScheduler 3.11 with a memory job store.

Its defaults would drop a run that is a second late: here there is no misfire limit, late runs are joined into one, and
one instance of a check runs at a time. What it missed or skipped is counted and becomes a fault of our own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.model import CheckRun, Finding, Severity, Status, Subject
from checks.ports import Check
from monitor.clock import Clock

log = logging.getLogger(__name__)

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


class Scheduler:
    """Runs ``work(check, now)`` for each check at its interval, in threads.

    ``claim(check, slot)`` says whether this process runs that slot. ``report(run, now)`` takes faults of our own.
    """

    def __init__(
        self,
        clock: Clock,
        checks: Sequence[Check[Any]],
        work: Callable[[Check[Any], datetime], None],
        claim: Callable[[str, datetime], bool],
        report: Callable[[CheckRun, datetime], None],
    ) -> None:
        self._clock = clock
        self._checks = {c.name: c for c in checks}
        self._work = work
        self._claim = claim
        self._report = report
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
        """Let running ticks end, start no more."""
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
        check = self._checks[name]
        now = self._clock.now()
        if not self._claim(name, now if first else nearest_slot(now, check.every)):
            return
        before = self._beats[name]
        self._set(name, Beat(every=check.every, began_at=now, ended_at=before.ended_at, skipped=before.skipped))
        self._work(check, now)
        self._set(name, Beat(every=check.every, began_at=now, ended_at=self._clock.now(), skipped=0))

    def _set(self, name: str, beat: Beat) -> None:
        with self._lock:
            self._beats[name] = beat

    def _skipped(self, event: Any) -> None:
        """A run did not happen: the former one still runs, or the machine slept."""
        name = str(event.job_id).removesuffix(":first")
        now = self._clock.now()
        beat = self._beats[name]
        self._set(
            name, Beat(every=beat.every, began_at=beat.began_at, ended_at=beat.ended_at, skipped=beat.skipped + 1)
        )
        log.warning("tick skipped", extra={"action": "tick.skipped", "check": name})
        self._tell(name, f"The check {name} does not keep up: its last run has not ended", now)

    def _died(self, event: Any) -> None:
        """The tick itself failed, outside the check: most likely the state could not be written."""
        name = str(event.job_id).removesuffix(":first")
        error = event.exception
        log.error("tick failed: %s: %s", type(error).__name__, error, extra={"action": "tick.failed", "check": name})

    def _tell(self, name: str, title: str, now: datetime) -> None:
        finding = Finding(
            fingerprint=f"skipped:{name}",
            check=name,
            kind="skipped",
            severity=Severity.WARNING,
            subject=Subject(check=name),
            title=title,
            since=now,
            last_seen=now,
            facts={
                "remedy": f"give it more time: a longer `every` for {name}, or fewer functions and dates to look at"
            },
            pending_for=self._checks[name].every * 3,
        )
        run = CheckRun(
            check=name,
            started_at=now,
            finished_at=now,
            status=Status.UNKNOWN,
            findings=(finding,),
            error="its last run has not ended",
        )
        try:
            self._report(run, now)
        except Exception:  # the listener runs in the scheduler's thread, which must live
            log.exception("cannot store a skipped tick", extra={"action": "tick.failed", "check": name})
