"""A Cloud Monitoring service on loopback: real gRPC, real messages, its rules as documented, on the test's clock.

Points are visible some time after they were measured. Writes are judged one series at a time: what breaks a rule is
refused, the rest is stored, and the call fails all the same. Faults happen as scripted, one word per request.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent import futures
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import grpc
from google.api import metric_pb2
from google.cloud.monitoring_v3.types import (
    CreateMetricDescriptorRequest,
    CreateTimeSeriesRequest,
    ListTimeSeriesRequest,
    ListTimeSeriesResponse,
)
from google.protobuf import empty_pb2

from tests.support.logging_server import TestClock
from tests.support.monitoring_aggregation import REDUCERS, RefusedError, Series, align, aligner, reduce

SERVICE = "google.monitoring.v3.MetricService"
Labels = Mapping[str, str]
_FAULTS = {
    "unavailable": (grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable."),
    "quota": (grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded for quota metric 'Time series queries'"),
    "permission": (grpc.StatusCode.PERMISSION_DENIED, "Permission monitoring.timeSeries.list denied"),
}
# One point of a custom metric's series per five seconds (cloud.google.com/monitoring/quotas).
_SAMPLING = timedelta(seconds=5)
_CONDITION = re.compile(
    r'\s*(metric\.type|resource\.type|(?:metric|resource)\.labels?\."?\w+"?)\s*'
    r'(=|!=)\s*(?:"([^"]*)"|(one_of|starts_with)\(([^)]*)\))\s*'
)


class MonitoringServer:
    """``with MonitoringServer(clock) as server: ... server.endpoint``.

    :ivar requests: the methods that were called, in order; ``filters`` are of the lists that began.
    :ivar script: what happens to the next requests: ``ok``, a fault's name, ``hang``, ``lost`` (done, no answer).
    :ivar page_points: the most points of one page, whatever was asked for.
    """

    def __init__(self, clock: TestClock, *, visible_after: timedelta = timedelta(minutes=3)) -> None:
        self.clock = clock
        self.requests: list[str] = []
        self.filters: list[str] = []
        self.script: deque[str] = deque()
        self.page_points = 100_000
        self.written: list[int] = []
        self.descriptors: dict[str, Any] = {}
        self.series: dict[tuple[Any, ...], Series] = {}
        self._visible_after = visible_after
        self._lists: dict[str, tuple[Any, ...]] = {}
        self._guard = threading.Lock()
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        server = grpc.server(futures.ThreadPoolExecutor(8))
        methods: dict[str, tuple[Callable[..., Any], Any]] = {
            "ListTimeSeries": (self._list, ListTimeSeriesRequest.pb(ListTimeSeriesRequest())),
            "CreateTimeSeries": (self._write, CreateTimeSeriesRequest.pb(CreateTimeSeriesRequest())),
            "CreateMetricDescriptor": (
                self._describe,
                CreateMetricDescriptorRequest.pb(CreateMetricDescriptorRequest()),
            ),
        }
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                self._served(name, method),
                request_deserializer=type(message).FromString,
                response_serializer=lambda answer: answer.SerializeToString(),
            )
            for name, (method, message) in methods.items()
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        self._port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self._server = server
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.stop(None).wait()

    @property
    def endpoint(self) -> str:
        """Its address, as it stands in a configuration."""
        return f"http://127.0.0.1:{self._port}"

    def put(
        self,
        metric: str,
        at: datetime,
        value: float | list[float],
        *,
        resource: str,
        kind: str = "DELTA",
        **labels: str,
    ) -> None:
        """One point. ``labels`` are the resource's, or with the prefix ``metric_`` the metric's."""
        metric_labels = {k.removeprefix("metric_"): v for k, v in labels.items() if k.startswith("metric_")}
        resource_labels = {k: v for k, v in labels.items() if not k.startswith("metric_")}
        with self._guard:
            self._series_of(metric, metric_labels, resource, resource_labels, kind).points[at] = value

    def latest(self, metric: str, **labels: str) -> Any:
        """The latest value of the series of that metric with these metric labels; None if there is none."""
        found = [s for s in self.series.values() if s.metric == metric and s.metric_labels.items() >= labels.items()]
        assert len(found) < 2, [s.metric_labels for s in found]
        return found[0].points[max(found[0].points)] if found else None

    # -- the service ----------------------------------------------------------------------------------------------

    def _series_of(
        self, metric: str, metric_labels: Labels, resource: str, resource_labels: Labels, kind: str
    ) -> Series:
        key = (metric, tuple(sorted(metric_labels.items())), resource, tuple(sorted(resource_labels.items())))
        made = Series(
            metric=metric,
            metric_labels=dict(metric_labels),
            resource=resource,
            resource_labels=dict(resource_labels),
            kind=kind,
        )
        return self.series.setdefault(key, made)

    def _served(self, name: str, method: Callable[[Any], Any]) -> Callable[[Any, grpc.ServicerContext], Any]:
        def serve(request: Any, context: grpc.ServicerContext) -> Any:
            with self._guard:
                self.requests.append(name)
                fault = self.script.popleft() if self.script else "ok"
            if fault in _FAULTS:
                context.abort(*_FAULTS[fault])
            refused: RefusedError | None = None
            answer = None
            if fault != "hang":
                with self._guard:
                    try:
                        answer = method(request)
                    except RefusedError as error:
                        refused = error
            while fault in ("hang", "lost") and context.is_active() and not self._closing.is_set():
                time.sleep(0.02)
            if refused is not None:
                context.abort(refused.code, str(refused))
            return answer

        return serve

    def _describe(self, request: Any) -> Any:
        described = request.metric_descriptor
        if not re.fullmatch(r"(custom|external)\.googleapis\.com/[A-Za-z0-9_/]+", described.type):
            raise RefusedError(f"Field metricDescriptor.type had an invalid value of {described.type!r}")
        if not described.metric_kind or not described.value_type:
            raise RefusedError("metricKind and valueType are required")
        self.descriptors[described.type] = described
        return metric_pb2.MetricDescriptor.FromString(described.SerializeToString())

    def _write(self, request: Any) -> Any:
        if len(request.time_series) > 200:
            raise RefusedError("Field timeSeries had an invalid value: at most 200 TimeSeries per request")
        self.written.append(len(request.time_series))
        seen: set[int] = set()
        wrong = []
        for number, series in enumerate(request.time_series):
            reason = self._store(series, seen)
            if reason:
                wrong.append(f"{reason}: timeSeries[{number}] {series.metric.type}")
        if wrong:
            raise RefusedError(f"One or more TimeSeries could not be written: {'; '.join(wrong)}")
        return empty_pb2.Empty()

    def _store(self, series: Any, seen: set[int]) -> str | None:
        """Store a series' point; why not, if it breaks a rule."""
        reason = self._misfit(series)
        if reason is not None:
            return reason
        [point] = series.points
        labels = dict(series.metric.labels), dict(series.resource.labels)
        held = self._series_of(series.metric.type, labels[0], series.resource.type, labels[1], "GAUGE")
        at = point.interval.end_time.ToDatetime(tzinfo=UTC)
        youngest = max(held.points, default=None)
        if id(held) in seen:
            reason = "Duplicate TimeSeries encountered. Only one point can be written per TimeSeries per request."
        elif not self.clock.now - timedelta(hours=25) <= at <= self.clock.now + timedelta(minutes=5):
            reason = "Data points cannot be written more than 25 hours in the past or 5 minutes in the future"
        elif youngest is not None and at <= youngest:
            reason = "Points must be written in order. One or more of the points had an older end time"
        elif youngest is not None and at - youngest < _SAMPLING:
            reason = "One or more points were written more frequently than the maximum sampling period"
        else:
            held.points[at] = getattr(point.value, str(point.value.WhichOneof("value")))
        seen.add(id(held))
        return reason

    def _misfit(self, series: Any) -> str | None:
        """Why a series does not fit its metric."""
        described = self.descriptors.get(series.metric.type)
        if len(series.points) != 1:
            return "Exactly one point must be given per time series"
        if described is None:
            return "unknown metric"  # the real service would make a descriptor without unit and description
        kinds = {"int64_value": 2, "double_value": 3, "bool_value": 1}
        if kinds[str(series.points[0].value.WhichOneof("value"))] != described.value_type:
            return "Value type for metric must match its descriptor"
        if set(series.metric.labels) - {label.key for label in described.labels}:
            return "unrecognized metric labels"
        return None

    def _list(self, request: Any) -> Any:
        size = min(request.page_size or 100_000, self.page_points)
        asked = (request.filter, request.interval.SerializeToString(), request.aggregation.SerializeToString())
        if request.page_token:
            before, rows = self._lists.get(request.page_token, ((), []))
            if before != asked:
                raise RefusedError("page_token does not belong to this request")
        else:
            self.filters.append(request.filter)
            rows = self._found(request)
        answer = ListTimeSeriesResponse.pb(ListTimeSeriesResponse())
        points = 0
        for number, (series, found) in enumerate(rows):
            part = found[: size - points]
            points += len(part)
            self._add(answer, series, part)
            if points >= size and (len(part) < len(found) or number + 1 < len(rows)):
                rest = [(series, found[len(part) :])] if len(part) < len(found) else []
                token = f"token-{len(self._lists)}"
                self._lists[token] = (asked, [*rest, *rows[number + 1 :]])
                answer.next_page_token = token
                break
        return answer

    def _found(self, request: Any) -> list[tuple[Series, list[tuple[datetime, Any]]]]:
        matches = _compile(request.filter)
        start = request.interval.start_time.ToDatetime(tzinfo=UTC)
        end = request.interval.end_time.ToDatetime(tzinfo=UTC)
        if not start <= end:
            raise RefusedError("interval.startTime must not be after its endTime")
        visible = self.clock.now - self._visible_after
        kind = re.findall(r'metric\.type\s*=\s*"([^"]+)"', request.filter)[0]
        if kind not in {s.metric for s in self.series.values()} | set(self.descriptors):
            message = f"Cannot find metric(s) that match type = {kind!r}"
            raise RefusedError(message, grpc.StatusCode.NOT_FOUND)
        raw = []
        for series in self.series.values():
            points = {t: v for t, v in series.points.items() if start < t <= min(end, visible)}
            if points and matches(series):
                raw.append((series, points))
        aggregation = request.aggregation
        if not aggregation.per_series_aligner:
            return [(s, sorted(points.items(), reverse=True)) for s, points in raw]
        period = aggregation.alignment_period.ToTimedelta()
        if period < timedelta(minutes=1):
            raise RefusedError("aggregation.alignmentPeriod must be at least 60s")
        chosen = aligner(_name_of(request, "Aligner", aggregation.per_series_aligner), period)
        aligned = [(series, align(series, points, end, period, chosen)) for series, points in raw]
        if aggregation.cross_series_reducer:
            reducer = REDUCERS[_name_of(request, "Reducer", aggregation.cross_series_reducer)]
            aligned = reduce(aligned, list(aggregation.group_by_fields), reducer)
        return [(s, sorted(points.items(), reverse=True)) for s, points in aligned if points]

    def _add(self, answer: Any, series: Series, points: Iterable[tuple[datetime, Any]]) -> None:
        added = answer.time_series.add()
        added.metric.type, added.resource.type = series.metric, series.resource
        added.metric.labels.update(series.metric_labels)
        added.resource.labels.update(series.resource_labels)
        for at, value in points:
            point = added.points.add()
            point.interval.end_time.FromDatetime(at)
            if isinstance(value, int):
                point.value.int64_value = value
            else:
                point.value.double_value = value


def _name_of(request: Any, enum: str, number: int) -> str:
    described = type(request.aggregation).DESCRIPTOR.enum_types_by_name[enum]
    return str(described.values_by_number[number].name)


def _compile(text: str) -> Callable[[Series], bool]:
    """Our part of the monitoring filter language: conditions joined by AND, exactly one metric type."""
    conditions = []
    for part in re.split(r"\bAND\b", text):
        found = _CONDITION.fullmatch(part)
        if found is None:
            raise RefusedError(f"Could not parse filter {text!r}")
        conditions.append(found)
    if [c[2] for c in conditions if c[1] == "metric.type"] != ["="]:
        raise RefusedError("The filter must specify a single metric type")

    def matches(series: Series) -> bool:
        for condition in conditions:
            name = condition[1]
            value = {"metric.type": series.metric, "resource.type": series.resource}.get(name) or series.label(name)
            listed = re.findall(r'"([^"]*)"', condition[5] or "")
            if condition[4] == "starts_with":
                holds = value.startswith(listed[0])
            else:
                holds = value in (listed if condition[4] else [condition[3]])
            if holds != (condition[2] == "="):
                return False
        return True

    return matches
