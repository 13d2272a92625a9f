"""Writes metrics about the watcher and what it watches to Cloud Monitoring, where an alert policy can watch them.

One series takes one point per call, each later than the one before, and a repeated write is refused. So a beat is
written at most once: for its slot of time, which is claimed in the state, and which is the time of its points. What a
beat could not write the next one does not make up for; it has newer values.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from checks.logs.entry import EPOCH
from checks.monitoring_api import MAX_SERIES, MonitoringApi
from checks.ports import SourceError
from monitor.clock import Clock
from monitor.telemetry import gauges
from monitor.telemetry.gauges import Gauge
from monitor.telemetry.vitals import Vitals

log = logging.getLogger(__name__)

PREFIX = "custom.googleapis.com/phasewatch/"
# Tells the watchers of one project apart.
WATCHER = "watcher"
SLOT = "heartbeat"


def written() -> dict[str, Gauge]:
    """The metrics that are written, by their type in Cloud Monitoring."""
    known = (value for value in vars(gauges).values() if isinstance(value, Gauge))
    return {f"{PREFIX}{gauge.path}": gauge for gauge in known if gauge.path is not None}


def time_series(vitals: Vitals, project: str, watcher: str, at: datetime) -> list[Any]:
    """One TimeSeries with one point for every number; ``at`` is the time of all of them."""
    return [
        {
            "metric": {
                "type": f"{PREFIX}{gauge.path}",
                "labels": dict(zip(gauge.labels, labels, strict=True), watcher=watcher),
            },
            "resource": {"type": "global", "labels": {"project_id": project}},
            "points": [{"interval": {"end_time": at}, "value": {"double_value": float(value)}}],
        }
        for gauge, samples in gauges.measured(vitals, "")
        if gauge.path is not None
        for labels, value in samples
    ]


def descriptors() -> Iterator[Any]:
    """The MetricDescriptor of each metric: unit, labels, and what it means."""
    from google.api.label_pb2 import LabelDescriptor
    from google.api.metric_pb2 import MetricDescriptor

    for kind, gauge in written().items():
        yield MetricDescriptor(
            type=kind,
            metric_kind=MetricDescriptor.GAUGE,
            value_type=MetricDescriptor.DOUBLE,
            unit=gauge.unit,
            description=gauge.description,
            display_name=f"phasewatch {str(gauge.path).replace('/', ' ').replace('_', ' ')}",
            labels=[LabelDescriptor(key=label) for label in (*gauge.labels, WATCHER)],
        )


class Heartbeat:
    """Beats in a thread of its own, so that no tick ever waits for it.

    :param every: on the clock that is given.
    :param look: the vitals at a moment.
    :param claim: whether the slot is this watcher's; another one on the same state may have it.
    :ivar error: why the last beat could not be written whole; None if it could.
    """

    def __init__(
        self,
        api: MonitoringApi,
        *,
        watcher: str,
        every: timedelta,
        look: Callable[[datetime], Vitals],
        claim: Callable[[str, datetime], bool],
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        self._api = api
        self._watcher = watcher
        self._every = every
        self._look = look
        self._claim = claim
        self._clock = clock
        self._stop = stop
        self._described = False
        self._latest = EPOCH
        self.error: str | None = None

    def run(self) -> None:
        """Beat until told to stop."""
        pause = (self._every / self._clock.speed).total_seconds()
        while not self._stop.wait(pause):
            self.beat()
        self._api.close()

    def beat(self) -> None:
        """Write the metrics of this moment, once; whatever stands in the way is told, never raised."""
        try:
            now = self._clock.now()
            # The slot that has begun: never in the future, and later than any before.
            slot = EPOCH + self._every * ((now - EPOCH) // self._every)
            # Not one before the latest either: the clock may have gone back.
            if slot > self._latest and self._claim(SLOT, slot):
                self.error = self._write(time_series(self._look(now), self._api.project, self._watcher, slot))
            self._latest = max(self._latest, slot)
        except Exception as error:
            log.exception("heartbeat failed", extra={"action": "heartbeat.failed"})
            self.error = f"{type(error).__name__}: {error}"
        if self.error is not None:
            log.warning("heartbeat: %s", self.error, extra={"action": "heartbeat.unwritten"})

    def _write(self, series: Sequence[Any]) -> str | None:
        """Why not all of it was written; what one call refuses keeps no other from being made."""
        try:
            self._describe()
        except SourceError as error:
            return _told(error)
        failed = None
        for start in range(0, len(series), MAX_SERIES):
            try:
                self._api.write(series[start : start + MAX_SERIES])
            except SourceError as error:
                failed = failed or _told(error)
        return failed

    def _describe(self) -> None:
        """Create the metrics, once in the life of a process: a new version may describe them otherwise."""
        if not self._described:
            for descriptor in descriptors():
                self._api.describe(descriptor)
            self._described = True


def _told(error: SourceError) -> str:
    return f"{error}; {error.remedy}" if error.remedy else str(error)
