"""The watcher as a process, with a configuration of its own; and log entries to feed it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from monitor.demo_story import ORCHESTRATOR, failure_entries
from tests.support.slack_server import SlackServer

PATIENCE_SECONDS = 60.0

CONFIG = """
pipelines: []
checks:
  function_logs: {every: 5s, settle: 1s}
  completions: {enabled: false}
alerts:
  channels:
    slack: {token: "${SLACK_BOT_TOKEN}", channel: "#pipeline-health", base_url: "${SLACK_BASE_URL}"}
server: {port: 0}
"""


def eventually(what: Callable[[], Any], why: str) -> Any:
    """The first true answer; fails with ``why`` when none comes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = what()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited in vain: {why}")


def phasewatch(
    folder: Path, *arguments: str, patience: float = PATIENCE_SECONDS, **env: str
) -> subprocess.CompletedProcess[str]:
    """One command, run to its end in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "monitor", *arguments],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
    )


class Watcher:
    """``phasewatch watch`` in a folder. Left running, it is killed at the end of the ``with`` block."""

    def __init__(self, folder: Path, slack: SlackServer | None = None, config: str = CONFIG, **env: str) -> None:
        self.folder = folder
        (folder / "config.yaml").write_text(config, encoding="utf-8")
        self._env = {**os.environ, **env}
        if slack is not None:
            self._env |= {"SLACK_BOT_TOKEN": slack.token, "SLACK_BASE_URL": slack.base_url}
        self._out = folder / "watch.out"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        with self._out.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "monitor", "watch"], cwd=self.folder, env=self._env, stdout=out, stderr=out
            )
        eventually(self.ready, f"the watcher is ready; it printed: {self.printed()}")

    def printed(self) -> str:
        """What it printed since its start."""
        return self._out.read_text(encoding="utf-8") if self._out.exists() else ""

    def url(self) -> str | None:
        """Where it serves, as its lock file says; None while it does not."""
        try:
            facts = json.loads((self.folder / "var" / "phasewatch.db.lock").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return facts.get("url") or None if facts.get("pid") == self.process.pid else None

    def get(self, path: str) -> tuple[int, Mapping[str, Any]]:
        """A page's status and JSON."""
        try:
            with urllib.request.urlopen(f"{self.url()}{path}", timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def ready(self) -> bool:
        """Whether every check has ticked."""
        if self.process.poll() is not None:
            raise AssertionError(f"the watcher ended with {self.process.returncode}: {self.printed()}")
        try:
            return self.url() is not None and self.get("/readyz")[0] == 200
        except OSError:
            return False

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)

    def log_failure(self, text: str = "NameError: name 'firestore' is not defined", minute: int = 0) -> None:
        """Append a failure of the orchestrator to the log folder."""
        trace = f'Traceback (most recent call last):\n  File "/workspace/main.py", line 12, in handle\n    x\n{text}'
        entries = failure_entries("00029-zop", datetime(2026, 1, 26, 12, minute, tzinfo=UTC), trace)
        path = self.folder / "var" / "logs" / "functions.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(e) + "\n" for e in entries)


TITLE = f"NameError: name 'firestore' is not defined in {ORCHESTRATOR}"
