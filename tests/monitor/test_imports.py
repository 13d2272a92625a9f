"""What each command does not import: start-up time and memory are features."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LISTED = """
import json, sys
from monitor.cli import cli
try:
    cli(sys.argv[1:], prog_name="phasewatch")
except SystemExit:
    pass
sys.stderr.write("\\n" + json.dumps(sorted(sys.modules)))
"""
SERVER = {"starlette", "uvicorn", "jinja2", "prometheus_client", "apscheduler"}
GOOGLE = {"google.cloud.bigquery", "google.cloud.logging_v2", "google.cloud.monitoring_v3", "grpc"}
FRAMES = {"pyarrow", "numpy", "pandas", "google.cloud.bigquery_storage_v1"}
STATE = {"sqlalchemy", "psycopg"}
EVERYTHING = SERVER | GOOGLE | FRAMES | STATE | {"slack_sdk", "rich", "playwright", "bqemulator"}


def imported(folder: Path, *arguments: str) -> set[str]:
    """The modules that are loaded when the command ends."""
    done = subprocess.run(
        [sys.executable, "-c", LISTED, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return set(json.loads(done.stderr.rpartition("\n")[2]))


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--help"], EVERYTHING | {"pydantic", "yaml", "re2", "monitor.config"}),
        (["report", "--help"], EVERYTHING | {"pydantic", "yaml", "re2", "monitor.config"}),
        (["config", "check"], EVERYTHING),
        (["scan", "entries.json"], SERVER | GOOGLE | FRAMES | STATE | {"slack_sdk"}),
        (["incidents"], EVERYTHING),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_imports_only_what_it_needs(tmp_path: Path, arguments: list[str], unwanted: set[str]) -> None:
    """In a process of its own."""
    (tmp_path / "config.yaml").write_text((ROOT / "config.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "entries.json").write_text("[]")
    assert sorted(imported(tmp_path, *arguments) & unwanted) == []


@pytest.mark.emulator
def test_a_report_loads_bigquery_without_data_frames(tmp_path: Path, emulator: str) -> None:
    """And no state where there is none; the text form alone needs rich."""
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    project = "gcp: {project: nba-props-platform, region: us-west2}"
    assert project in text
    text = text.replace(project, f"{project[:-1]}, endpoints: {{bigquery: {emulator}}}}}")
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    loaded = imported(tmp_path, "report", "--format", "json")
    assert "google.cloud.bigquery" in loaded
    unwanted = SERVER | FRAMES | STATE | {"slack_sdk", "rich", "google.cloud.logging_v2", "google.cloud.monitoring_v3"}
    assert sorted(loaded & unwanted) == []
