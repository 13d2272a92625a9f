"""A changed configuration while the watcher runs, and what a start does after an absence."""

from __future__ import annotations

import signal
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.store.sql import LastRun
from checks.model import Evidence, Status
from monitor.config.loading import load
from monitor.daemon import reloading
from tests.support.findings import at
from tests.support.slack_server import Channel, SlackServer
from tests.support.watching import CONFIG, TITLE, Watcher, eventually

MINUTE = timedelta(minutes=1)


def titles(slack: SlackServer, channel: str) -> list[str]:
    return [m.lines[0] for m in slack.messages if m.channel == channel]


@pytest.mark.emulator
def test_a_good_configuration_is_taken_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    """SIGHUP: the new channel is used from then on; a mistake leaves the old configuration in force, and is said."""
    channels = (Channel("C0OLD", "pipeline-health"), Channel("C0NEW", "elsewhere"))
    with SlackServer(channels=channels) as slack, Watcher(tmp_path, slack) as watcher:
        watcher.log_failure()
        eventually(lambda: titles(slack, "C0OLD"), "the failure is told in the first channel")
        file = tmp_path / "config.yaml"

        file.write_text(CONFIG.replace("every: 5s", "every: 1s"), encoding="utf-8")
        watcher.process.send_signal(signal.SIGHUP)
        told = eventually(lambda: titles(slack, "C0OLD")[1:], "that it was not taken is told")
        assert "The changed configuration was not taken" in told[0]
        assert any("at least 5s" in line for line in slack.messages[-1].lines)
        assert watcher.ready()

        file.write_text(CONFIG.replace("server: {port: 0}", "server: {port: 1}"), encoding="utf-8")
        watcher.process.send_signal(signal.SIGHUP)
        eventually(lambda: "server can only change with a restart" in watcher.printed(), "a restart is asked for")

        file.write_text(CONFIG.replace("#pipeline-health", "#elsewhere"), encoding="utf-8")
        watcher.process.send_signal(signal.SIGHUP)
        eventually(lambda: any("Resolved" in t for t in titles(slack, "C0OLD")), "the good one ends that fault")
        watcher.log_failure("NameError: name 'json' is not defined", minute=5)
        eventually(watcher.ready, "it goes on ticking")
        assert titles(slack, "C0OLD")[0].endswith(TITLE), "what is known stays one incident in its own thread"
        assert watcher.stop() == 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("state: {url: sqlite:///other.db}", ["state"]),
        ("mode: gcp\ngcp: {project: my-project-1}", ["mode"]),
        ("server: {port: 9999}", ["server"]),
        ("checks: {function_logs: {every: 30s}}", []),
        ("alerts: {reminders: {critical: 2h}}", []),
    ],
)
def test_what_cannot_change_while_it_runs_is_named(tmp_path: Path, change: str, named: list[str]) -> None:
    """Everything else can."""
    (tmp_path / "old.yaml").write_text("pipelines: []\n", encoding="utf-8")
    (tmp_path / "new.yaml").write_text(change + "\n", encoding="utf-8")
    old, new = load(tmp_path / "old.yaml", {}), load(tmp_path / "new.yaml", {})
    assert reloading.needs_restart(old, new) == named


@pytest.mark.parametrize(
    ("last", "until"),
    [
        (None, 2),  # the first start: every check looks twice
        (timedelta(minutes=29), None),  # a quick restart
        (timedelta(hours=5), 2),
    ],
)
def test_a_start_after_an_absence_reads_back_before_it_tells(last: timedelta | None, until: int | None) -> None:
    """Minutes until what is found is told."""
    runs = [] if last is None else [_run(last)]
    answer = reloading.catch_up_until(runs, [MINUTE, MINUTE / 2], at(0), 1.0)
    assert answer == (None if until is None else at(0) + until * MINUTE)


def test_nobody_waits_for_an_hourly_check_to_look_twice() -> None:
    """Five minutes are enough for all to have looked once."""
    assert reloading.catch_up_until([], [timedelta(hours=1)], at(0), 1.0) == at(0) + 5 * MINUTE


def _run(ago: timedelta) -> LastRun:
    return LastRun(check="logs", status=Status.OK, finished_at=at(0) - ago, findings=0, evidence=Evidence(), error=None)
