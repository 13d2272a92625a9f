"""Function logs in mode gcp, wired as the daemon wires them: what is hidden, the second source, the report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.cloud.logging_v2.types import LogExclusion

from checks.kinds.function_logs import FunctionLogs
from checks.model import Judgement, Status
from checks.sources.log_analytics import LogAnalytics
from monitor.config import loading as configuration
from monitor.config.loading import Config
from monitor.daemon.tick import Path as OnePath
from monitor.report import gather
from monitor.report.model import HealthReport, SourceReport
from monitor.wiring import parts
from tests.checks.logs.corpus import CASES
from tests.support import bigquery, log_analytics
from tests.support.logging_config_server import LoggingConfigServer
from tests.support.logging_server import LoggingServer, TestClock

NOW = datetime(2026, 1, 26, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CONFIG = """
mode: gcp
gcp:
  project: {project}
  endpoints: {{bigquery: {bigquery}, logging: {logging}}}
  log_analytics: {analytics}
checks: {{function_logs: {{functions: "*"}}}}
"""


@pytest.fixture
def server() -> Iterator[LoggingConfigServer]:
    with LoggingConfigServer() as running:
        yield running


def loaded(folder: Path, server: LoggingConfigServer | LoggingServer, **changes: str) -> Config:
    values = {"project": "p1-project", "bigquery": "http://127.0.0.1:1", "logging": server.endpoint, "analytics": ""}
    (folder / "config.yaml").write_text(CONFIG.format(**(values | changes)))
    return configuration.load(folder / "config.yaml", {})


def logs_of(config: Config) -> FunctionLogs:
    where = parts.Data(endpoint=config.gcp.endpoints.bigquery, emulator=None)
    [check] = [c for c in parts.checks(config, where) if c.name == "function_logs"]
    assert isinstance(check, FunctionLogs)
    return check


def judged(check: FunctionLogs, now: datetime, cursor: Any = None) -> tuple[Judgement, Any]:
    observed, source = check.read(now, cursor)
    judgement = check.judge(observed, now)
    return judgement, {"source": source, "carry": judgement.carry}


def test_what_the_configuration_drops_is_in_the_evidence_of_every_run(
    tmp_path: Path, server: LoggingConfigServer
) -> None:
    """Asked for once in an hour; a missing permission is named with the command that grants it."""
    server.exclusions = [LogExclusion(name="quiet", filter="severity<ERROR")]
    check = logs_of(loaded(tmp_path, server))
    cursor: Any = None
    dropped = "the exclusion 'quiet' on the sink _Default drops entries of: severity<ERROR (this can hit function logs)"
    for minute in range(3):
        judgement, cursor = judged(check, NOW + minute * MINUTE, cursor)
        assert judgement.evidence.unseen == (dropped,)
    assert [method for method, _ in server.calls if method != "ListLogEntries"] == [
        "ListSinks",
        "ListExclusions",
        "ListBuckets",
    ]
    server.faults["ListExclusions"] = grpc.StatusCode.PERMISSION_DENIED
    judgement, _ = judged(check, NOW + 61 * MINUTE, cursor)
    [unseen] = judgement.evidence.unseen
    assert unseen == (
        "the exclusions could not be listed: grant roles/logging.viewer: `gcloud projects add-iam-policy-binding"
        " p1-project --member=MEMBER --role=roles/logging.viewer`"
    )


@pytest.mark.emulator
def test_log_analytics_finds_what_files_give(tmp_path: Path, emulator: str, server: LoggingConfigServer) -> None:
    """The same check on the same entries: every finding but when its evidence was looked at."""
    entries = [entry for case in CASES.values() for entry in case]
    day = [e for e in entries if e["receiveTimestamp"] < "2026-01-26T14:59"]
    with bigquery.dataset(emulator) as name:
        log_analytics.create(emulator, f"{name}._AllLogs")
        log_analytics.load(emulator, f"{name}._AllLogs", day)
        view = f"{{view: {name}._AllLogs, max_gigabytes: 2, lateness: 24h}}"
        config = loaded(tmp_path, server, bigquery=emulator, analytics=view, project=bigquery.PROJECT)
        check = logs_of(config)
        source = check._source
        assert isinstance(source, LogAnalytics)
        assert source._warehouse._maximum_bytes_billed == 2 * 1024**3  # type: ignore[attr-defined]
        cursor: Any = {"source": {"since": _nanos(NOW - timedelta(hours=24)), "behind": False, "seen": {}}}
        found: dict[str, Any] = {}
        for _ in range(6):
            judgement, cursor = judged(check, NOW, cursor)
            found |= {f.fingerprint: (f.kind, f.title, f.since, f.severity) for f in judgement.findings}
    folder = tmp_path / "var" / "logs"
    folder.mkdir(parents=True)
    (folder / "export.jsonl").write_text("".join(json.dumps(e) + "\n" for e in day))
    files, _ = judged(parts.log_files_check(config) or check, NOW)
    expected = {f.fingerprint: (f.kind, f.title, f.since, f.severity) for f in files.findings}
    watched = {key: value for key, value in expected.items() if value[0] not in {"log.new-error", "log.signal"}}
    assert len(watched) > 20
    assert {key: found.get(key) for key in watched} == watched


def _nanos(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000


def reported(config: Config, store: Any, at: datetime) -> tuple[HealthReport, SourceReport]:
    where = parts.Data(endpoint=config.gcp.endpoints.bigquery, emulator=None)
    report = gather.gather(config, where, store, gather.Request(at=at), at)
    [source] = [s for s in report.sources if s.name == "logs"]
    return report, source


def test_a_report_takes_the_logs_from_the_watcher(tmp_path: Path) -> None:
    """Its faults and its evidence, while it watches; UNKNOWN where nobody has looked, or nobody does any more."""
    with LoggingServer(TestClock(NOW)) as service:
        config = loaded(tmp_path, service)
        _, logs = reported(config, None, NOW)
        assert logs.status is Status.UNKNOWN
        store = parts.open_state(config)
        _, logs = reported(config, store, NOW)
        assert logs.status is Status.UNKNOWN
        assert "no watcher has read them yet" in logs.evidence.unseen[0]

        path = OnePath(store, parts.rules(config), lambda: NOW)
        service.write(CASES["dev-001"])
        check = logs_of(config)
        path.tick(check, NOW)
        before = service.requests
        report, logs = reported(config, store, NOW + MINUTE)
        assert service.requests == before, "a report asks Cloud Logging nothing"
        assert logs.status is Status.OK
        assert logs.evidence.counts["requests"] >= 1
        assert logs.evidence.notes[-1] == "as the watcher read them at 2026-01-26T15:00:00Z"
        assert len(report.failures) == 3
        assert report.failures[0].finding.title.startswith("NameError: name 'firestore' is not defined")

        _, logs = reported(config, store, NOW + 10 * MINUTE)
        assert logs.status is Status.UNKNOWN
        assert logs.evidence.unseen[-1].startswith("what was logged since 2026-01-26T15:00:00Z")

        service.script.append("permission")
        path.tick(check, NOW + 11 * MINUTE)
        report, logs = reported(config, store, NOW + 12 * MINUTE)
        assert logs.status is Status.UNKNOWN
        assert len(report.failures) == 3, "what was known stays known"
        store.close()
