"""The protocol of a place with metrics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from checks.metrics.model import MetricQuery, MetricSeries
from checks.model import Evidence, Window


class MetricSource(Protocol):
    """A place with metrics."""

    def series(self, query: MetricQuery, window: Window, period: timedelta) -> tuple[Sequence[MetricSeries], Evidence]:
        """What the query gives for ``window.start < t <= window.end``, one point per period, counted from its end. A
        metric that was never written has no series.

        :raises checks.ports.SourceError: if it could not look; ``invalid`` for a query that is no good.
        """
        ...
