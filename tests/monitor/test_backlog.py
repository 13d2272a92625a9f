"""A backlog of exported files that one read does not take: a tick, and `phasewatch check`, go on until it is read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alerts.notify.routing import Routing
from alerts.store.sql import Store
from checks import runner
from checks.kinds.function_logs import FunctionLogs
from checks.model import CheckRun, Status
from checks.sources.files import LogFiles
from monitor.daemon import tick
from monitor.daemon.tick import Path as OnePath
from monitor.wiring.rules import Rules
from tests.checks.logs.entries import entry
from tests.checks.logs.test_function_logs import FINGERPRINT, TRACEBACK

NOW = datetime(2026, 1, 27, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ENTRIES = 400


@pytest.fixture
def check(tmp_path: Path) -> FunctionLogs:
    """On a folder with some 300 kB, of which a read takes 64; the last entry tells of a failure."""
    made = [entry("x" * 500, n) for n in range(ENTRIES - 1)] + [entry(TRACEBACK, ENTRIES)]
    (tmp_path / "export.jsonl").write_text("".join(json.dumps(one) + "\n" for one in made))
    source = LogFiles(tmp_path, max_bytes_per_read=64 * 1024, max_line_bytes=16 * 1024)
    return FunctionLogs(source=source, every=MINUTE, functions=None, settle=MINUTE, phase_functions={})


def run_once(store: Store, check: FunctionLogs) -> CheckRun:
    rules = Rules(pipelines=(), routing=Routing(routes=()), zone=ZoneInfo("UTC"), blind_after=MINUTE)
    run = OnePath(store, rules, lambda: NOW).tick(check, NOW)
    assert run is not None
    return run


def test_one_tick_reads_a_backlog_to_its_end(tmp_path: Path, check: FunctionLogs) -> None:
    """Each read with its own transaction."""
    store = Store(f"sqlite:///{tmp_path}/state.db")
    run = run_once(store, check)
    assert (run.more, run.evidence.unseen) == (False, ())
    with store.reading() as stored:
        assert list(stored.faults(resolved_since=NOW)) == [FINGERPRINT]
    store.close()


def test_a_tick_is_bounded(tmp_path: Path, check: FunctionLogs, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left is said, and comes with the next ones."""
    monkeypatch.setattr(tick, "MAX_RUNS", 2)
    store = Store(f"sqlite:///{tmp_path}/state.db")
    run = run_once(store, check)
    assert run.more
    assert run.evidence.unseen == ("export.jsonl is not read to its end; the rest comes with the next read",)
    while run_once(store, check).more:
        pass
    with store.reading() as stored:
        assert list(stored.faults(resolved_since=NOW)) == [FINGERPRINT]
    store.close()


def test_a_single_look_sees_everything(check: FunctionLogs) -> None:
    """As `phasewatch check` does it: the findings and the evidence of all runs in one."""
    run = runner.whole(check, NOW, blind_after=MINUTE, clock=lambda: NOW)
    assert [f.fingerprint for f in run.findings] == [FINGERPRINT]
    assert run.status is Status.FAILING
    assert run.evidence.counts["entries"] == ENTRIES
    assert run.evidence.unseen == ()
