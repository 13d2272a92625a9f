"""The embedded BigQuery: real servers, real kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monitor.embedded import EmulatorError, attach_or_start
from tests.conftest import PROJECT
from tests.support import bigquery

pytestmark = [pytest.mark.emulator, pytest.mark.usefixtures("emulator"), pytest.mark.xdist_group("embedded")]

HOLD = """
import sys, time
from pathlib import Path
from monitor.embedded import attach_or_start
with attach_or_start(Path(sys.argv[1]), sys.argv[2]) as emulator:
    print(emulator.pid, emulator.endpoint, emulator.owned, flush=True)
    sys.stdin.read()
"""


def holder(var: Path) -> subprocess.Popen[str]:
    """Another process that has the local BigQuery open until its standard input closes."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(var), PROJECT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has), waiting for it up to a bound far beyond what it needs."""
    for _ in range(300):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


def kill(pid: int) -> None:
    """Kill a child of this very process, and wait until it is dead but not yet reaped."""
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def fill(endpoint: str) -> None:
    """One dataset with one table with one row."""
    bigquery.run(
        endpoint, "CREATE SCHEMA kept", "CREATE TABLE kept.rows (n INT64)", "INSERT INTO kept.rows (n) VALUES (7)"
    )


def read(endpoint: str) -> list[dict[str, object]]:
    """What ``fill`` wrote."""
    return bigquery.run(endpoint, "SELECT n FROM kept.rows")


def test_data_survives_a_restart_and_the_port_stays(tmp_path):
    """What was written is there after an orderly stop and a new start, at the same endpoint."""
    said: list[str] = []
    with attach_or_start(tmp_path / "var", PROJECT, progress=said.append) as first:
        assert first.owned
        fill(first.endpoint)
        pid = first.pid
        found = json.loads((tmp_path / "var/embedded.lock").read_text())
        assert found == {
            "pid": pid,
            "owner": os.getpid(),
            "port": int(first.endpoint.rsplit(":", 1)[1]),
            "endpoint": first.endpoint,
        }
    assert gone(pid)
    assert json.loads((tmp_path / "var/embedded.lock").read_text())["endpoint"] is None
    assert said == [f"starting the local BigQuery, its data in {tmp_path}/var/bigquery"]
    with attach_or_start(tmp_path / "var", PROJECT) as second:
        assert second.endpoint == first.endpoint
        assert read(second.endpoint) == [{"n": 7}]


def test_a_killed_server_is_started_again_with_its_data(tmp_path):
    """``ensure_alive`` restarts a server that was killed: same endpoint, same data; a living one it leaves alone."""
    with attach_or_start(tmp_path, PROJECT) as emulator:
        endpoint, pid = emulator.endpoint, emulator.pid
        fill(endpoint)
        assert emulator.ensure_alive() is None
        kill(pid)
        assert emulator.ensure_alive() == "the local BigQuery had stopped (exit code -9) and was started again"
        assert emulator.ensure_alive() is None
        assert emulator.pid != pid
        assert emulator.endpoint == endpoint
        assert read(endpoint) == [{"n": 7}]


def test_a_server_that_keeps_dying_is_not_restarted_at_once(tmp_path):
    """Deaths in quick succession: after at most a few restarts it has to wait, and the error says so."""
    with attach_or_start(tmp_path, PROJECT) as emulator:

        def keep_killing() -> None:
            for _ in range(6):
                kill(emulator.pid)
                emulator.ensure_alive()

        with pytest.raises(EmulatorError, match=r"keeps stopping; next attempt in \d+ s$") as caught:
            keep_killing()
        assert caught.value.remedy == f"see {tmp_path}/bigquery.log"


def test_the_server_does_not_outlive_a_killed_parent(tmp_path):
    """After ``kill -9`` of the process that runs it the server ends, and the next command starts it with its data."""
    with holder(tmp_path) as parent:
        pid, endpoint, owned = parent.stdout.readline().split()
        assert owned == "True"
        fill(endpoint)
        parent.kill()
        parent.wait()
        with attach_or_start(tmp_path, PROJECT) as emulator:
            assert emulator.owned
            assert gone(int(pid))
            assert emulator.endpoint == endpoint
            assert read(endpoint) == [{"n": 7}]


def test_a_second_process_attaches_and_takes_over_when_the_first_ends(tmp_path):
    """Two processes, one server; the second ends nobody's server, and starts one itself once the first is gone."""
    with holder(tmp_path) as first:
        pid, endpoint, _ = first.stdout.readline().split()
        with attach_or_start(tmp_path, PROJECT) as passing:
            assert (passing.endpoint, passing.owned, passing.pid) == (endpoint, False, None)
            fill(passing.endpoint)
        with attach_or_start(tmp_path, PROJECT) as second:
            assert read(second.endpoint) == [{"n": 7}]
            assert second.ensure_alive() is None
            first.stdin.close()
            first.wait()
            assert gone(int(pid))
            assert second.ensure_alive() == (
                "the process that ran the local BigQuery is gone; this one has started it again"
            )
            assert (second.endpoint, second.owned) == (endpoint, True)
            assert read(second.endpoint) == [{"n": 7}]


def test_a_taken_port_is_replaced_at_the_start(tmp_path):
    """The port of the last time is only a wish: somebody else may have it by now."""
    with bigquery.hanging_endpoint() as taken:
        port = int(taken.rsplit(":", 1)[1])
        (tmp_path / "embedded.lock").write_text(json.dumps({"port": port}))
        with attach_or_start(tmp_path, PROJECT) as emulator:
            assert emulator.endpoint != taken
            assert bigquery.run(emulator.endpoint, "SELECT 1 AS n") == [{"n": 1}]


def test_damaged_data_are_named_with_a_remedy(tmp_path):
    """A file that is no DuckDB database: the error names it and what to do, and the lock is free again."""
    (tmp_path / "bigquery").mkdir()
    (tmp_path / "bigquery/bqemulator.duckdb").write_bytes(b"not a database" * 1000)
    with pytest.raises(EmulatorError) as caught, attach_or_start(tmp_path, PROJECT):
        pass
    assert str(caught.value) == (
        f"the data of the local BigQuery cannot be read: {tmp_path}/bigquery/bqemulator.duckdb is damaged or of "
        "another version"
    )
    assert caught.value.remedy == (
        f"move {tmp_path}/bigquery away and start again with an empty one, then record what is needed anew"
    )
    (tmp_path / "bigquery/bqemulator.duckdb").unlink()
    with attach_or_start(tmp_path, PROJECT) as emulator:
        assert emulator.owned


def test_data_open_elsewhere_are_named_with_a_remedy(tmp_path):
    """Another program has the database file open: the error says which file and how to find the program."""
    (tmp_path / "bigquery").mkdir()
    path = tmp_path / "bigquery/bqemulator.duckdb"
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(EmulatorError) as caught, attach_or_start(tmp_path, PROJECT):
            pass
        other.stdin.close()
    assert str(caught.value) == f"another program has the data of the local BigQuery open: {path}"
    assert caught.value.remedy == f"close it (`fuser {path}` names it), then try again"


def test_without_a_usable_home_the_extension_goes_beside_the_data(tmp_path, monkeypatch):
    """DuckDB keeps extensions in the home directory; where there is none, the server starts all the same."""
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    with attach_or_start(tmp_path / "var", PROJECT) as emulator:
        assert bigquery.run(emulator.endpoint, "SELECT 1 AS n") == [{"n": 1}]
    assert [p.name for p in (tmp_path / "var/bigquery/home/.duckdb").rglob("*.duckdb_extension")] == [
        "spatial.duckdb_extension"
    ]


def test_without_the_extra_the_error_names_it(tmp_path, monkeypatch):
    """The package is not installed: the error says what to install, and the lock is free again."""
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "bqemulator", None)  # what the import system takes for "not there"
        with pytest.raises(EmulatorError) as caught, attach_or_start(tmp_path, PROJECT):
            pass
    assert str(caught.value) == "the embedded mode needs the package bqemulator, which is not installed"
    assert caught.value.remedy == 'run `make install`, or `pip install "phasewatch[embedded]"`'
    with attach_or_start(tmp_path, PROJECT) as emulator:
        assert emulator.owned


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    """``var`` below a file: the error says which folder."""
    (tmp_path / "file").write_text("")
    with pytest.raises(EmulatorError) as caught, attach_or_start(tmp_path / "file/var", PROJECT):
        pass
    assert str(caught.value) == f"cannot write {tmp_path}/file/var: Not a directory"
    assert caught.value.remedy == f"make {tmp_path}/file/var a folder you may write to"


def test_a_large_log_is_rotated_at_the_start(tmp_path):
    """The log does not grow for ever: beyond its limit it becomes ``.1`` and a new one begins."""
    (tmp_path / "bigquery.log").write_bytes(b"x" * 1_000_001)
    with attach_or_start(tmp_path, PROJECT):
        assert (tmp_path / "bigquery.log.1").stat().st_size == 1_000_001
        assert (tmp_path / "bigquery.log").stat().st_size < 100_000
