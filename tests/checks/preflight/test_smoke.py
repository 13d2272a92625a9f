"""Importing for real: what only running shows, without network, in time, and apart from this process."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from checks.preflight.shipped import packages
from checks.preflight.smoke import Smoke, smoke
from tests.support.preflight import line, write

NETWORK = """\
import socket
from lib import talk
"""
TALK = """\
import socket
try:
    socket.create_connection(("127.0.0.1", {port}), timeout=2)
except OSError as error:  # refused by the hook, or nobody is there in a network of its own
    raise RuntimeError("no way out") from error
"""


def tried(folder: Path, files: dict[str, str], **more: int) -> Smoke:
    """What comes of importing a folder's main.py."""
    return smoke(packages.of_folder(write(folder, files)), sys.executable, **more)


def test_what_imports_is_silent_and_what_does_not_is_placed(tmp_path: Path) -> None:
    """At the last line of the package's own in the traceback."""
    assert tried(tmp_path / "right", {"main.py": "import lib.a\n", "lib/a.py": "x = 1\n"}).finding is None
    answer = tried(tmp_path / "wrong", {"main.py": "import lib.a\n", "lib/a.py": "\nint('no number')\n"})
    assert answer.finding is not None
    assert line(answer.finding) == "load import_failed lib/a.py:2 main"
    assert "ValueError: invalid literal" in answer.finding.message


def test_it_runs_with_a_clean_environment_in_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither secrets nor the real folder are in reach by name."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/secret")
    text = "import os\nassert 'GOOGLE_APPLICATION_CREDENTIALS' not in os.environ\nopen('left-behind', 'w').close()\n"
    assert tried(tmp_path, {"main.py": text}).finding is None
    assert not (tmp_path / "left-behind").exists()


def test_it_ends_in_time_with_all_that_it_started(tmp_path: Path) -> None:
    """The whole process group."""
    text = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).wait()\n"
    answer = tried(tmp_path, {"main.py": text}, seconds=2)
    assert answer.finding is not None
    assert answer.finding.message == "importing main took longer than 2 s"


@pytest.mark.parametrize("way", ["namespace", "hook"])
def test_it_has_no_network(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a network namespace where that is allowed, by an audit hook elsewhere; it says which."""
    import socket

    if way == "hook":
        monkeypatch.setenv("PATH", str(tmp_path))  # no unshare there
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answer = tried(tmp_path, {"main.py": NETWORK, "lib/talk.py": TALK.replace("{port}", str(port))})
    if way == "namespace" and "namespace" not in answer.how:
        pytest.skip("this user may not make network namespaces")
    assert way in answer.how
    assert answer.finding is not None
    assert "no way out" in answer.finding.message


def test_what_is_not_all_here_is_not_tried(tmp_path: Path) -> None:
    """Where a script copies something of which nobody knows what it is."""
    package = packages.of_folder(write(tmp_path, {"main.py": "import gone\n"}))
    assert smoke(package, sys.executable).finding is not None
    answer = smoke(replace(package, filled=(("lib", "deploy.sh:2 copies something"),)), sys.executable)
    assert (answer.finding, answer.unsure) == (None, "deploy.sh:2 copies something")


def test_without_an_entry_point_nothing_is_tried(tmp_path: Path) -> None:
    """And it says so."""
    answer = tried(tmp_path, {"a.py": "", "b.py": ""})
    assert answer.finding is None
    assert answer.unsure == "no entry point is known: name it with --entry"
