"""A folder in which ``phasewatch doctor`` is run, and a BigQuery that refuses everything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from monitor.cli import cli
from tests.conftest import PROJECT
from tests.support.slack_server import SlackServer

NOON = datetime(2026, 1, 26, 12, tzinfo=UTC)
CONFIG = """
mode: {mode}
gcp: {{project: {project}, endpoints: {endpoints}, log_analytics: {analytics}}}
pipelines: {pipelines}
checks: {{completions: {{look_back: 2}}}}
alerts:
  channels:
    console: {{}}
    slack: {{token: "{token}", channel: "{channel}", base_url: "{base_url}", timeout: 2s}}
server: {{port: {port}}}
"""
PIPELINE = """
  - name: nba
    timezone: America/New_York
    run_date: game_date
    calendar: {{table: {dataset}.schedule}}
    completions: {{table: {dataset}.completions}}
    phases: [{{name: phase2, due: {{day: 1, time: "07:00"}}, processors: [a]}}]
"""


class Place:
    """A folder with a configuration, and the servers it names."""

    def __init__(self, folder: Path, slack: SlackServer, endpoint: str) -> None:
        self.folder = folder
        (folder / "var" / "logs").mkdir(parents=True)
        self.settings: dict[str, Any] = {
            "mode": "embedded",
            "project": PROJECT,
            "endpoints": json.dumps({"bigquery": endpoint}),
            "pipelines": "[]",
            "analytics": "",
            "token": slack.token,
            "channel": "#pipeline-health",
            "base_url": slack.base_url,
            "port": 0,
        }

    def run(self, *arguments: str, **changed: Any) -> Result:
        text = CONFIG.format(**(self.settings | changed))
        config = self.folder / "config.yaml"
        config.write_text(text, encoding="utf-8")
        return CliRunner().invoke(cli, ["--config", str(config), *arguments])

    def doctor(self, **changed: Any) -> tuple[int, dict[str, Mapping[str, Any]]]:
        """The exit code and the verdicts by name."""
        result = self.run("doctor", "--format", "json", "--timeout", "10", **changed)
        answer = json.loads(result.stdout)
        assert answer["exit_code"] == result.exit_code
        return result.exit_code, {v["name"]: v for v in answer["verdicts"]}


def told(verdict: Mapping[str, Any]) -> tuple[str, str, str | None]:
    return verdict["state"], verdict["said"], verdict["remedy"]


DENIED = {
    "code": 403,
    "message": f"Access Denied: Project {PROJECT}: User does not have bigquery.jobs.create permission",
    "errors": [{"reason": "accessDenied", "message": "User does not have bigquery.jobs.create permission"}],
}


class Refuses(BaseHTTPRequestHandler):
    """A BigQuery that lets us do nothing, and says so at once."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps({"error": DENIED}).encode()
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing."""


def of_tables(tables: tuple[str, str]) -> dict[str, str]:
    endpoint, name = tables
    return {"endpoints": json.dumps({"bigquery": endpoint}), "pipelines": PIPELINE.format(dataset=name)}
