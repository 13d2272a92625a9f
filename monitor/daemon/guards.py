"""What watches the watcher, made from the configuration. One function each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TextIO

from alerts.store.upkeep import Keep
from monitor.clock import Clock
from monitor.daemon.daily_test import DailyTest
from monitor.daemon.itself import Limits
from monitor.daemon.watchdog import Watchdog
from monitor.telemetry.heartbeat import Heartbeat
from monitor.wiring import parts

if TYPE_CHECKING:
    from alerts.ports import Channel
    from monitor.config.loading import Config
    from monitor.telemetry.vitals import Vitals

# One request; a beat of more than 200 series makes several.
WRITE_WITHIN = timedelta(seconds=10)


def last_resort(config: Config, stream: TextIO) -> dict[str, Channel]:
    """The channels for what cannot be stored: the fallback, or all where there is none; of their own, for they are
    used from another thread.
    """
    chosen = config.alerts.fallback or tuple(config.alerts.channels)
    return {name: made for name, made in parts.channels(config, stream).items() if name in chosen}


def keep(config: Config) -> Keep:
    """How long the state keeps what is over."""
    return Keep(history=config.state.keep.history, runs=config.state.keep.runs)


def limits(config: Config, speed: float) -> Limits:
    """When something is wrong with the watcher. A local trial may forget what it knows."""
    return Limits(
        outbox=config.watchdog.outbox_limit * speed,
        disk_free_bytes=config.watchdog.disk_free_mb * 1_000_000,
        storage_must_last=config.mode == "gcp",
    )


def watchdog(config: Config, verdict: Callable[[], Sequence[str] | None], stop: threading.Event) -> Watchdog | None:
    """The ping to the outside; None where there is nobody to ping."""
    settings = config.watchdog
    if not settings.url:
        return None
    return Watchdog(settings.url.reveal(), settings.every, verdict, stop, start_and_fail=settings.start_and_fail)


def heartbeat(
    config: Config,
    clock: Clock,
    look: Callable[[datetime], Vitals],
    claim: Callable[[str, datetime], bool],
    stop: threading.Event,
) -> Heartbeat | None:
    """What writes metrics to Cloud Monitoring; None where none are wanted."""
    settings = config.watchdog.heartbeat
    if settings is None:
        return None
    from checks.monitoring_api import MonitoringApi

    api = MonitoringApi(
        config.gcp.project, endpoint=config.gcp.endpoints.monitoring, timeout=min(WRITE_WITHIN, settings.every / 3)
    )
    return Heartbeat(
        api,
        watcher=settings.name,
        every=settings.every * clock.speed,
        look=look,
        claim=claim,
        clock=clock,
        stop=stop,
    )


def daily_test(
    config: Config, stream: TextIO, now: Callable[[], datetime], claim: Callable[[str, datetime], bool]
) -> DailyTest | None:
    """The daemon's own test message; None where none is wanted."""
    settings = config.alerts.daily_test
    if settings is None:
        return None
    wanted = {name: made for name, made in parts.channels(config, stream).items() if name in settings.to}
    return DailyTest(wanted, settings.at, parts.rules(config).zone, now, claim)
