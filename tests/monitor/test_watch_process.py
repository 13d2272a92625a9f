"""The watcher as people run it: a process that is fed, stopped, killed, and started again."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sink import Sink
from tests.support.slack_http import Fault
from tests.support.slack_server import SlackServer
from tests.support.watching import CONFIG, TITLE, Watcher, eventually, phasewatch

pytestmark = pytest.mark.emulator


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


def children_of(pid: int) -> list[int]:
    """The processes whose parent this is."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def gone(pid: int) -> bool:
    """Whether the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_told_once_and_not_again_after_a_restart(tmp_path: Path, slack: SlackServer) -> None:
    """SIGTERM ends it and its child with exit code 0; the next start repeats nothing and finds its state."""
    with Watcher(tmp_path, slack) as watcher:
        watcher.log_failure()
        eventually(lambda: slack.messages, "the failure is told")
        [child] = children_of(watcher.process.pid)
        assert watcher.stop() == 0
        assert gone(child)
        assert watcher.printed().rstrip().endswith("stopped")

        watcher.start()
        watcher.log_failure("ModuleNotFoundError: No module named 'shared.utils'", minute=5)
        eventually(lambda: slack.messages[0].replies, "the next failure joins")
        assert [m.edits != [] for m in slack.messages] == [True], "one root message, edited"
        assert watcher.stop() == 0


def test_killed_while_sending_nothing_is_lost_and_nothing_doubled(tmp_path: Path, slack: SlackServer) -> None:
    """Slack takes the message and never answers; kill -9; the next start finds it by its key and posts no second."""
    slack.fault("chat.postMessage", Fault(hang=True, after_effect=True))
    with Watcher(tmp_path, slack) as watcher:
        watcher.log_failure()
        eventually(lambda: slack.messages, "Slack has the message, the watcher does not know")
        [child] = children_of(watcher.process.pid)
        watcher.kill()
        eventually(lambda: gone(child), "the local BigQuery ends with its parent")

        watcher.start()
        watcher.log_failure("ModuleNotFoundError: No module named 'shared.utils'", minute=5)
        eventually(lambda: slack.messages[0].replies, "the thread of the first message goes on")
        assert len(slack.messages) == 1
        assert watcher.stop() == 0


def test_killed_before_sending_the_message_comes_after_all(tmp_path: Path, slack: SlackServer) -> None:
    """Slack was down, the watcher died: the outbox kept the message."""
    slack.fault("chat.postMessage", Fault(status=500), times=1000)
    with Watcher(tmp_path, slack) as watcher:
        watcher.log_failure()
        eventually(lambda: "chat.postMessage" in slack.methods(), "it was tried")
        watcher.kill()
        slack.mend()
        watcher.start()
        eventually(lambda: slack.messages, "it arrives")
        assert [m.lines[0] for m in slack.messages] != []
        assert watcher.stop() == 0
    assert len(slack.messages) == 1


@pytest.mark.parametrize("code", ["invalid_auth", "channel_not_found"])
def test_a_refusing_slack_is_told_on_the_console_and_made_up_for_later(
    tmp_path: Path, slack: SlackServer, code: str
) -> None:
    """The alert and the dead channel are on the console; after a restart with Slack mended the alert arrives."""
    config = CONFIG.replace("  channels:\n", "  channels:\n    console: {}\n")
    slack.fault("chat.postMessage", Fault(code=code), times=1000)
    with Watcher(tmp_path, slack, config) as watcher:
        watcher.log_failure()
        eventually(lambda: "Alerts do not reach slack" in watcher.printed(), "the dead channel is told")
        assert TITLE.partition(" in ")[0] in watcher.printed().replace("\n  ", " ")
        assert watcher.stop() == 0
        slack.mend()
        watcher.start()
        eventually(lambda: slack.messages, "the message arrives")
        assert watcher.stop() == 0


def test_the_local_bigquery_is_started_again_when_it_dies(tmp_path: Path, slack: SlackServer) -> None:
    """Killed while running: the watcher notices, starts it, and goes on."""
    with Watcher(tmp_path, slack) as watcher:
        [child] = children_of(watcher.process.pid)
        os.kill(child, signal.SIGKILL)
        eventually(lambda: [c for c in children_of(watcher.process.pid) if c != child], "there is a new one")
        assert watcher.ready()
        assert watcher.stop() == 0


def test_a_second_watcher_on_the_same_state_is_refused_naming_the_first(tmp_path: Path, slack: SlackServer) -> None:
    """With its process id and address."""
    with Watcher(tmp_path, slack) as watcher:
        second = phasewatch(tmp_path, "watch", SLACK_BOT_TOKEN=slack.token, SLACK_BASE_URL=slack.base_url)
        assert second.returncode == 2
        assert f"process {watcher.process.pid}, since" in second.stderr
        assert f"serving {watcher.url()}" in second.stderr
        assert watcher.ready()


def test_a_taken_port_is_named_with_the_remedy(tmp_path: Path) -> None:
    """Nothing is left running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "config.yaml").write_text(f"server: {{port: {port}}}\n")
        refused = phasewatch(tmp_path, "watch")
    assert refused.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in refused.stderr
    assert "PHASEWATCH_PORT" in refused.stderr


def test_a_state_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """It says how to go on."""
    (tmp_path / "config.yaml").write_text("server: {port: 0}\n")
    (tmp_path / "var").mkdir()
    with sqlite3.connect(tmp_path / "var" / "phasewatch.db") as db:
        db.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")
        db.execute("INSERT INTO meta VALUES ('schema_version', '99')")
    db.close()
    refused = phasewatch(tmp_path, "watch")
    assert refused.returncode == 2
    assert "written by a newer phasewatch" in refused.stderr


def test_health_and_report_over_http(tmp_path: Path, slack: SlackServer) -> None:
    """Alive, ready, the report as the contract says, wrong questions answered with what would be right."""
    with Watcher(tmp_path, slack) as watcher:
        alive = {"status": "alive", "scheduler": True, "delivery": True, "supervisor": True}
        assert watcher.get("/healthz") == (200, alive)
        assert f"  report    {watcher.url()}/  or  " in watcher.printed(), "the page is named, not its JSON"
        status, ready = watcher.get("/readyz")
        assert (status, ready["status"], list(ready["checks"])) == (200, "ready", ["function_logs"])
        assert ready["reasons"] == []
        status, report = watcher.get("/report")
        assert (status, report["schema_version"], report["status"]) == (200, 1, "OK")
        status, refused = watcher.get("/report?at=yesterday")
        assert (status, refused) == (
            400,
            {"error": "'yesterday' is no time; write it as 2026-01-26T10:00:00-05:00"},
        )
        json.dumps(report)


def test_a_watcher_that_can_tell_nobody_says_so_outside_and_resends_on_demand(
    tmp_path: Path, slack: SlackServer
) -> None:
    """Pinged while all is well. Slack refuses and there is no other channel: /readyz and URL/fail say why; what was
    given up is sent again by hand, without a restart.
    """
    with Sink() as outside:
        config = CONFIG + f'watchdog: {{url: "http://{outside.address}/ping/uuid", every: 10s}}\n'
        with Watcher(tmp_path, slack, config) as watcher:
            eventually(lambda: [r for r in outside.received if r.path == "/ping/uuid"], "a good cycle is pinged")
            assert outside.received[0].path == "/ping/uuid/start"
            slack.fault("chat.postMessage", Fault(code="not_in_channel"), times=1)
            watcher.log_failure()
            eventually(lambda: watcher.get("/readyz")[0] == 503, "it is unfit")
            status, ready = watcher.get("/readyz")
            assert (status, ready["status"]) == (503, "not ready")
            assert ready["reasons"] == [
                "Alerts do not reach slack: Slack's chat.postMessage in #pipeline-health: not_in_channel"
            ]
            eventually(lambda: [r for r in outside.received if r.path == "/ping/uuid/fail"], "it is told outside")
            assert "not_in_channel" in outside.received[-1].body

            env = {"SLACK_BOT_TOKEN": slack.token, "SLACK_BASE_URL": slack.base_url}
            listed = phasewatch(tmp_path, "outbox", **env)
            assert (listed.returncode, "1 given up" in listed.stdout) == (1, True)
            assert phasewatch(tmp_path, "outbox", "resend", "--all-dead", **env).returncode == 0
            eventually(lambda: slack.messages, "it arrives")
            eventually(lambda: watcher.get("/readyz")[0] == 200, "it is fit again")
            assert watcher.stop() == 0
