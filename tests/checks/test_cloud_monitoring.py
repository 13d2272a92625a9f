"""The real client against a real gRPC service with Cloud Monitoring's rules: alignment, paging, faults, our limit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from checks.metrics.model import MetricQuery
from checks.model import Window
from checks.monitoring_api import MonitoringApi
from checks.ports import SourceError
from checks.rate import RateLimiter
from checks.sources.cloud_monitoring import CloudMonitoring
from tests.support.logging_server import TestClock
from tests.support.monitoring_server import MonitoringServer

NOW = datetime(2026, 1, 26, 14, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
COUNT = "run.googleapis.com/request_count"
SERVICE, CODE = "resource.labels.service_name", "metric.labels.response_code"
BY_CODE = MetricQuery(
    filter=f'metric.type = "{COUNT}" AND resource.type = "cloud_run_revision"',
    aligner="ALIGN_DELTA",
    reducer="REDUCE_SUM",
    named_by=SERVICE,
    group_by=(SERVICE, CODE),
)
LAST_QUARTER = Window(start=NOW - 15 * MINUTE, end=NOW)


@pytest.fixture
def server() -> Iterator[MonitoringServer]:
    with MonitoringServer(TestClock(NOW + 5 * MINUTE)) as running:
        yield running


def source(server: MonitoringServer, *, burst: int = 100, timeout: float = 5) -> CloudMonitoring:
    api = MonitoringApi("p1", endpoint=server.endpoint, timeout=timedelta(seconds=timeout))
    return CloudMonitoring(api, limiter=RateLimiter(1, burst))


def requests(server: MonitoringServer, at: datetime, number: int, code: str = "200", revision: str = "r1") -> None:
    labels = {"service_name": "f", "revision_name": revision}
    server.put(COUNT, at, number, resource="cloud_run_revision", metric_response_code=code, **labels)


def test_points_are_aligned_and_summed_there(server: MonitoringServer) -> None:
    """Per period and code, over revisions; the beginning of the window is not in it, its end is."""
    for minute, number in ((0, 1), (4, 2), (5, 10), (15, 100)):
        requests(server, NOW - minute * MINUTE, number)
    requests(server, NOW - 2 * MINUTE, 5, revision="r2")
    requests(server, NOW - 2 * MINUTE, 3, code="500")
    series, evidence = source(server).series(BY_CODE, LAST_QUARTER, 5 * MINUTE)
    assert {one.labels[CODE]: one.points for one in series} == {
        "200": ((NOW - 5 * MINUTE, 10.0), (NOW, 8.0)),
        "500": ((NOW, 3.0),),
    }
    assert {one.labels[SERVICE] for one in series} == {"f"}
    assert evidence.counts == {"requests": 1, "series": 2}


def test_what_is_not_visible_yet_is_not_there(server: MonitoringServer) -> None:
    """The service shows points three minutes late here."""
    server.clock.now = NOW
    requests(server, NOW - 2 * MINUTE, 5)
    assert source(server).series(BY_CODE, LAST_QUARTER, 5 * MINUTE)[0] == []


def test_all_pages_are_read_and_each_is_a_request(server: MonitoringServer) -> None:
    """A series that is cut by a page is whole again."""
    for minute in range(15):
        for code in ("200", "404", "500"):
            requests(server, NOW - minute * MINUTE, minute, code)
    whole, one = source(server).series(BY_CODE, LAST_QUARTER, MINUTE)
    server.page_points = 7
    paged, many = source(server).series(BY_CODE, LAST_QUARTER, MINUTE)
    assert {s.labels[CODE]: s.points for s in paged} == {s.labels[CODE]: s.points for s in whole}
    assert (one.counts["requests"], many.counts["requests"]) == (1, 7)


def test_endless_pages_are_refused(server: MonitoringServer) -> None:
    """With what to do about it."""
    for minute in range(15):
        for code in range(5):
            requests(server, NOW - minute * MINUTE, 1, str(200 + code))
    server.page_points = 3
    with pytest.raises(SourceError, match="more than 20 pages") as refused:
        source(server).series(BY_CODE, LAST_QUARTER, MINUTE)
    assert (refused.value.kind, server.requests.count("ListTimeSeries")) == ("invalid", 20)


def test_our_own_limit_comes_before_the_service_s(server: MonitoringServer) -> None:
    """And says so at once, since a minute is longer than anybody waits."""
    requests(server, NOW, 1)
    asked = source(server, burst=2)
    for _ in range(2):
        asked.series(BY_CODE, LAST_QUARTER, MINUTE)
    with pytest.raises(SourceError, match="own limit") as refused:
        asked.series(BY_CODE, LAST_QUARTER, MINUTE)
    assert (refused.value.kind, len(server.requests)) == ("quota", 2)


def test_a_metric_that_was_never_written_has_no_series(server: MonitoringServer) -> None:
    """The service answers 404: nobody has such functions."""
    series, evidence = source(server).series(BY_CODE, LAST_QUARTER, MINUTE)
    assert series == []
    assert "Cannot find metric" in evidence.notes[0]


FAULTS = [
    ("unavailable", "unreachable"),
    ("quota", "quota"),
    ("permission", "forbidden"),
    ("hang", "timeout"),
]


@pytest.mark.parametrize(("fault", "kind"), FAULTS)
def test_each_fault_has_its_kind_and_ends_in_time(server: MonitoringServer, fault: str, kind: str) -> None:
    """One request, no repetition by the client; what is forbidden names the role."""
    requests(server, NOW, 1)
    server.script.append(fault)
    began = time.monotonic()
    with pytest.raises(SourceError) as raised:
        source(server, timeout=0.5).series(BY_CODE, LAST_QUARTER, MINUTE)
    assert raised.value.kind == kind
    assert time.monotonic() - began < 3
    assert server.requests == ["ListTimeSeries"]
    if kind == "forbidden":
        assert "roles/monitoring.viewer" in str(raised.value.remedy)


BAD = [
    (replace(BY_CODE, filter='resource.type = "x"'), "single metric type"),
    (replace(BY_CODE, aligner="ALIGN_PERCENTILE_99"), "not valid for the metric"),
    (replace(BY_CODE, aligner="ALIGN_OTHERWISE"), "knows no ALIGN_OTHERWISE"),
]


@pytest.mark.parametrize(("query", "said"), BAD, ids=[said for _, said in BAD])
def test_a_query_that_is_no_good_is_invalid(server: MonitoringServer, query: MetricQuery, said: str) -> None:
    """Whoever finds it out."""
    requests(server, NOW, 1)
    with pytest.raises(SourceError, match=said) as refused:
        source(server).series(query, LAST_QUARTER, MINUTE)
    assert refused.value.kind == "invalid"


def test_nobody_there(server: MonitoringServer) -> None:
    """Unreachable within the deadline."""
    api = MonitoringApi("p1", endpoint="http://127.0.0.1:9", timeout=timedelta(seconds=1))
    with pytest.raises(SourceError) as refused:
        CloudMonitoring(api, limiter=RateLimiter(60, 5)).series(BY_CODE, LAST_QUARTER, MINUTE)
    assert refused.value.kind in ("unreachable", "timeout")
