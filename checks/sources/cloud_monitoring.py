"""Cloud Monitoring's time series: aligned and reduced there, paged through here, within a limit of our own."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.metrics.model import MetricQuery, MetricSeries
from checks.model import Evidence, Window
from checks.monitoring_api import MonitoringApi
from checks.ports import SourceError
from checks.rate import RateLimiter

PAGE_POINTS = 10_000
_MAX_PAGES = 20
# One list with all its pages must be over by then.
_PATIENCE = timedelta(seconds=30)
_WAIT_SECONDS = 10.0


class CloudMonitoring:
    """Lists the time series of one project. May be used from several threads."""

    def __init__(self, api: MonitoringApi, *, limiter: RateLimiter) -> None:
        self._api = api
        self._limiter = limiter

    def series(self, query: MetricQuery, window: Window, period: timedelta) -> tuple[Sequence[MetricSeries], Evidence]:
        """See ``checks.metrics.ports.MetricSource``. A series may be spread over pages, and a page be empty.

        :raises SourceError: as there; ``quota`` also if our own limiter leaves no turn, ``invalid`` also for an aligner
            or reducer that there is not.
        """
        request = _request(query, window, period)
        found: dict[tuple[tuple[str, str], ...], dict[datetime, float]] = defaultdict(dict)
        deadline = time.monotonic() + _PATIENCE.total_seconds()
        for number in range(1, _MAX_PAGES + 1):
            if not self._limiter.acquire(_WAIT_SECONDS):
                raise SourceError(
                    "the watcher's own limit on reads of Cloud Monitoring is used up for the moment",
                    kind="quota",
                    remedy="wait, or have checks.metrics look less often",
                )
            try:
                page = self._api.page(request, deadline - time.monotonic())
            except SourceError as error:
                if error.kind == "missing":
                    return [], Evidence(counts={"requests": number, "series": 0}, notes=(f"never written: {error}",))
                raise
            for one in page.time_series:
                labels = _labels(one, query.group_by)
                found[tuple(sorted(labels.items()))].update(_points(one))
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        else:
            raise SourceError(
                f"more than {_MAX_PAGES} pages of {PAGE_POINTS} points",
                kind="invalid",
                remedy="narrow the filter, group by fewer labels, or take a longer period",
            )
        series = [
            MetricSeries(labels=dict(labels), points=tuple(sorted(points.items()))) for labels, points in found.items()
        ]
        return series, Evidence(counts={"requests": number, "series": len(series)})


def _request(query: MetricQuery, window: Window, period: timedelta) -> Any:
    from google.cloud.monitoring_v3.types import Aggregation, ListTimeSeriesRequest, TimeInterval

    aligner = Aggregation.Aligner.__members__.get(query.aligner)
    reducer = Aggregation.Reducer.__members__.get(query.reducer or "REDUCE_NONE")
    if aligner is None or reducer is None:
        wrong = query.aligner if aligner is None else query.reducer
        raise SourceError(f"Cloud Monitoring knows no {wrong}", kind="invalid")
    return ListTimeSeriesRequest(
        filter=query.filter,
        interval=TimeInterval(start_time=window.start, end_time=window.end),
        aggregation=Aggregation(
            alignment_period=period,
            per_series_aligner=aligner,
            cross_series_reducer=reducer,
            group_by_fields=list(query.group_by) if query.reducer else [],
        ),
        view=ListTimeSeriesRequest.TimeSeriesView.FULL,
        page_size=PAGE_POINTS,
    )


def _labels(series: Any, wanted: Sequence[str]) -> dict[str, str]:
    """The labels by their names in filters; only the wanted ones, all others come from nowhere."""
    places = {"metric": series.metric.labels, "resource": series.resource.labels}
    answer = {}
    for name in wanted:
        place, _, key = name.partition(".labels.")
        answer[name] = places.get(place, {}).get(key, "")
    return answer


def _points(series: Any) -> dict[datetime, float]:
    return {
        point.interval.end_time.ToDatetime(tzinfo=UTC): float(getattr(point.value, point.value.WhichOneof("value")))
        for point in series.points
        if point.value.WhichOneof("value") in ("int64_value", "double_value", "bool_value")
    }
