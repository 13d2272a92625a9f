"""What the HTTP server answers, asked over a real socket."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from alerts.store.sql import Store
from checks.model import CheckRun, Evidence, JsonValue, Status
from monitor.daemon.heard import Heard
from monitor.report import as_json
from monitor.report.cached import CachedReports
from monitor.report.model import HealthReport
from monitor.server import openapi, routes
from monitor.server.people_routes import Listener
from monitor.server.web import START_TIMEOUT_SECONDS, WebServer, bind
from monitor.telemetry import metrics, vitals
from tests.support.reports import NOON, sample_report

TOKEN = "a-token-of-the-tests"


class Sample:
    """A watcher that has only its report and its state."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.asked: list[Mapping[str, str]] = []

    def alive(self) -> tuple[bool, dict[str, JsonValue]]:
        return True, {}

    def ready(self) -> tuple[bool, dict[str, JsonValue]]:
        return False, {"late": ["completions"]}

    def report(self, query: Mapping[str, str]) -> HealthReport:
        self.asked.append(query)
        if "days" in query and not query["days"].isdigit():
            raise ValueError("days: no number")
        return sample_report()

    def metrics(self) -> bytes:
        return metrics.render(vitals.read(self.store, NOON), "1.2.3")


class Served:
    """Asks the server; an answer is (status, headers, body)."""

    def __init__(self, server: WebServer, watcher: Sample) -> None:
        self.server = server
        self.watcher = watcher

    def get(self, path: str, **headers: str) -> tuple[int, Message, str]:
        asked = urllib.request.Request(
            self.server.url + path, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()


def serve(folder: Path, token: str | None) -> Iterator[Served]:
    store = Store(f"sqlite:///{folder}/state.db")
    watcher = Sample(store)
    server = WebServer(bind("127.0.0.1", 0), lambda: routes.application(watcher, token))
    server.start()
    try:
        yield Served(server, watcher)
    finally:
        server.stop()
        store.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    yield from serve(tmp_path, None)


def test_an_answer_says_when_it_was_made_and_the_server_ends_at_once(tmp_path: Path) -> None:
    """It sleeps between requests, whatever it is asked or told wakes it."""
    with contextmanager(serve)(tmp_path, None) as served:
        for _ in range(2):
            made = parsedate_to_datetime(served.get("/healthz")[1]["Date"])
            assert abs(made - datetime.now(UTC)) < timedelta(seconds=5)
            time.sleep(1)
        begun = time.monotonic()
        served.server.stop()
        assert time.monotonic() - begun < START_TIMEOUT_SECONDS / 2


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Served]:
    yield from serve(tmp_path, TOKEN)


def test_every_path_is_described_and_every_described_path_answers(served: Served) -> None:
    """The description is complete, and its schemas fit what is answered."""
    described = json.loads(served.get("/api/v1/openapi.json")[2])
    assert described["openapi"] == "3.1.0"
    # What people say is only read by name here: tests/monitor/test_people.py says it.
    app = routes.application(served.watcher, None, cast("Listener", Heard))
    routed = {route.path.replace(":int", "") for route in app.routes}  # type: ignore[attr-defined]
    assert set(described["paths"]) == routed
    examples = {"pipeline": "nba", "phase": "phase3", "id": "7"}
    for path, (_, media, schema, _) in openapi.PATHS.items():
        status, headers, body = served.get(path.format(**examples))
        assert status == (503 if path == "/readyz" else 200), path
        assert headers.get_content_type() == media
        if schema is not None:
            whole = {"components": described["components"], **schema}
            jsonschema.validate(json.loads(body), whole)


def test_the_page_and_the_api_say_the_same(served: Served) -> None:
    """One report behind all of it."""
    report = json.loads(served.get("/api/v1/report")[2])
    assert report == as_json.to_json(sample_report())
    assert json.loads(served.get("/report")[2]) == report
    assert json.loads(served.get("/api/v1/incidents")[2])["incidents"] == report["incidents"]
    assert json.loads(served.get("/api/v1/checks")[2])["checks"] == report["checks"]
    incident = json.loads(served.get("/api/v1/incidents/7")[2])
    assert incident["story"] == [{"at": "2026-01-15T13:30:00Z", "what": "opened: seen for the first time"}]
    status, headers, page = served.get("/")
    assert (status, headers["X-Frame-Options"]) == (200, "DENY")
    assert report["verdict"][0].replace("'", "&#39;") in page
    assert "phase3: stalled" in served.get("/badge/nba/phase3.svg")[2]
    assert "phasewatch: FAILING" in served.get("/badge.svg")[2]


def test_wrong_questions_are_answered_with_what_is_wrong(served: Served) -> None:
    """400 for a query, 404 for what is not there; never a stack trace."""
    assert served.get("/?days=many")[0] == 400
    assert json.loads(served.get("/api/v1/report?days=many")[2]) == {"error": "days: no number"}
    assert json.loads(served.get("/api/v1/incidents/99")[2]) == {"error": "there is no incident 99"}
    assert served.get("/badge/nba/phase9.svg")[0] == 404
    assert served.get("/badge/mlb/phase3.svg")[0] == 404


def test_a_token_guards_everything_but_health(guarded: Served) -> None:
    """As Bearer for programs, as the password of any user in a browser; wrong ones are refused, health is open."""
    for path in ("/", "/report", "/metrics", "/api/v1/checks", "/badge.svg", "/api/v1/openapi.json"):
        status, headers, body = guarded.get(path)
        assert (status, headers["WWW-Authenticate"].startswith("Basic")) == (401, True)
        assert TOKEN not in body
        assert guarded.get(path, Authorization="Bearer wrong")[0] == 401
        assert guarded.get(path, Authorization=f"Bearer {TOKEN}")[0] == 200
    password = base64.b64encode(f"anna:{TOKEN}".encode()).decode()
    assert guarded.get("/", Authorization=f"Basic {password}")[0] == 200
    assert guarded.get("/", Authorization="Basic ###")[0] == 401
    assert guarded.get("/", Authorization=TOKEN)[0] == 401
    assert guarded.get("/healthz")[0] == 200
    assert guarded.get("/readyz")[0] == 503


def test_without_a_token_other_names_for_this_machine_are_not_answered(served: Served) -> None:
    """A page elsewhere whose name was made to point to 127.0.0.1 reads nothing."""
    assert served.get("/report", Host="evil.example")[0] == 403
    assert served.get("/report", Host="evil.example:8080")[0] == 403
    assert served.get("/report", Host="localhost:8080")[0] == 200
    assert served.get("/healthz", Host="10.0.0.7:8080")[0] == 200, "a load balancer asks so"


def test_metrics_are_what_prometheus_reads(served: Served) -> None:
    """A status per check, when it last could see, and every metric is in the docs."""
    for minutes, status in ((30, Status.OK), (5, Status.UNKNOWN)):
        at = NOON - timedelta(minutes=minutes)
        with served.watcher.store.writing() as stored:
            stored.save_run(
                CheckRun(
                    check="completions",
                    started_at=at,
                    finished_at=at,
                    status=status,
                    evidence=Evidence(counts={"rows": 96}, queries=2),
                )
            )
    families = {f.name: f for f in text_string_to_metric_families(served.get("/metrics")[2])}
    values = {
        (s.name, s.labels.get("check"), s.labels.get("status") or s.labels.get("what")): s.value
        for f in families.values()
        for s in f.samples
    }
    assert values["phasewatch_check_status", "completions", "UNKNOWN"] == 1
    assert values["phasewatch_check_status", "completions", "OK"] == 0
    seen = values["phasewatch_check_last_success_timestamp_seconds", "completions", None]
    assert seen == (NOON - timedelta(minutes=30)).timestamp()
    assert values["phasewatch_check_looked_at", "completions", "rows"] == 96
    documented = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert [name for name in families if f"`{name}`" not in documented] == []


def test_a_report_that_many_ask_for_is_made_once() -> None:
    """Each costs queries: within half a minute the same question has the same answer, and errors are not kept."""
    made: list[Any] = []
    now = NOON

    def clock() -> datetime:
        return now

    def make(query: dict[str, str]) -> HealthReport:
        made.append(query)
        if query.get("days") == "0":
            raise ValueError("days")
        return sample_report()

    reports = CachedReports(make, clock)
    first = reports({"days": "4"})
    assert reports({"days": "4", "at": ""}) is first
    assert reports({"days": "5"}) is not first
    now += timedelta(seconds=29)
    assert reports({"days": "4"}) is first
    now += timedelta(seconds=1)
    assert reports({"days": "4"}) is not first
    assert len(made) == 3
    for _ in range(2):
        with pytest.raises(ValueError, match="days"):
            reports({"days": "0"})
    assert len(made) == 5
