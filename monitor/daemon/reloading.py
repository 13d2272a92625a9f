"""A changed configuration while the watcher runs: what may change, what is said if it is wrong; and catching up.

Pure, but for reading the state.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from checks.model import CheckRun, Clearance, Finding, Severity, Status, Subject

if TYPE_CHECKING:
    from alerts.store.sql import LastRun
    from monitor.config.loading import Config

CHECK = "config"
FINGERPRINT = "own:config"
# Whoever was away for longer reads back first and judges then.
AWAY = timedelta(minutes=30)
_CATCH_UP_WITHIN = timedelta(minutes=5)


class ReloadError(Exception):
    """The configuration is good, but not for a watcher that runs; the message says why and what to do."""


def needs_restart(old: Config, new: Config) -> list[str]:
    """The settings that changed and cannot change while the watcher runs."""
    pairs = {
        "mode": (old.mode, new.mode),
        "gcp.endpoints": (old.gcp.endpoints, new.gcp.endpoints),
        "state": (old.state, new.state),
        "server": (old.server, new.server),
        "var": (old.var, new.var),
        "watchdog": (old.watchdog, new.watchdog),
        "alerts.daily_test": (old.alerts.daily_test, new.alerts.daily_test),
    }
    return [name for name, (before, after) in pairs.items() if before != after]


def refused(reason: str, now: datetime) -> CheckRun:
    """That the changed configuration was not taken, as a fault of our own."""
    finding = Finding(
        fingerprint=FINGERPRINT,
        check=CHECK,
        kind="own.config",
        severity=Severity.WARNING,
        subject=Subject(check=CHECK),
        title="The changed configuration was not taken: the old one stays in force",
        since=now,
        last_seen=now,
        facts={"reason": reason, "remedy": "phasewatch config check; mend the file, then send SIGHUP again"},
    )
    return CheckRun(check=CHECK, started_at=now, finished_at=now, status=Status.DEGRADED, findings=(finding,))


def taken(now: datetime) -> CheckRun:
    """That the configuration in the file is in force."""
    over = Clearance(fingerprint=FINGERPRINT, at=now, reason="the configuration in the file is in force")
    return CheckRun(check=CHECK, started_at=now, finished_at=now, status=Status.OK, clearances=(over,))


def catch_up_until(
    runs: Iterable[LastRun], intervals: Iterable[timedelta], now: datetime, speed: float
) -> datetime | None:
    """Until when what is found is kept back because it may have happened, and passed, while nobody watched.

    None where a check ran lately. Long enough for every check to look twice, but not longer than a few minutes.
    """
    last = max((run.finished_at for run in runs), default=None)
    if last is not None and now - last < AWAY * speed:
        return None
    return now + min(2 * max(intervals, default=timedelta(0)), _CATCH_UP_WITHIN * speed)
