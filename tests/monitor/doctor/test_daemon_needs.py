"""`phasewatch doctor` looks at what the daemon itself needs: its state and its port."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from alerts.store.schema import SCHEMA_VERSION
from tests.support.doctor import Place
from tests.support.slack_server import SlackServer
from tests.support.watching import Watcher


def test_a_state_that_is_none_is_told(place: Place) -> None:
    """Some other file at its place."""
    (place.folder / "var" / "phasewatch.db").write_text("not a database, but long enough to be one" * 50)
    code, verdicts = place.doctor()
    assert (code, verdicts["state"]["state"]) == (1, "FAILED")
    assert "is not a phasewatch state file" in verdicts["state"]["said"]


def test_a_taken_port_is_told(place: Place) -> None:
    """Somebody else listens there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, verdicts = place.doctor(port=port)
    assert (code, verdicts["http port"]["state"]) == (1, "FAILED")
    assert verdicts["http port"]["said"].startswith(f"cannot listen on 127.0.0.1:{port}: ")


@pytest.mark.emulator
def test_a_running_watcher_is_recognised(tmp_path: Path, place: Place, slack: SlackServer, emulator: str) -> None:
    """Its port is taken by itself, its state is open in both."""
    with Watcher(place.folder, slack) as watcher:
        port = int((watcher.url() or "").rpartition(":")[2])
        _, verdicts = place.doctor(port=port)
        pid = watcher.process.pid
    assert verdicts["http port"]["state"] == "OK"
    assert verdicts["http port"]["said"].startswith(f"127.0.0.1:{port} is served by a running watcher (process {pid}, ")
    assert verdicts["state"]["said"].endswith(f"can be written, version {SCHEMA_VERSION}")
