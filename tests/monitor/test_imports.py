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
# The same, at the moment at which BigQuery's client is imported.
LISTED_AT_THE_QUESTION = """
import json, sys
from monitor.cli import cli
class Listing:
    def find_spec(self, name, path=None, target=None):
        if name == "google.cloud.bigquery":
            sys.meta_path.remove(self)
            sys.stderr.write("\\n" + json.dumps(sorted(name for name, module in sys.modules.items() if module)))
            sys.exit()
sys.meta_path.insert(0, Listing())
cli(sys.argv[1:], prog_name="phasewatch")
"""
SERVER = {"starlette", "uvicorn", "jinja2", "prometheus_client", "apscheduler"}
GOOGLE = {"google.cloud.bigquery", "google.cloud.logging_v2", "google.cloud.monitoring_v3", "grpc"}
FRAMES = {"pyarrow", "numpy", "pandas", "google.cloud.bigquery_storage_v1", "opentelemetry"}
STATE = {"sqlalchemy", "psycopg"}
EVERYTHING = SERVER | GOOGLE | FRAMES | STATE | {"slack_sdk", "rich", "playwright", "bqemulator"}


def imported(folder: Path, *arguments: str, listed: str = LISTED) -> set[str]:
    """The modules that are loaded when the command ends, or when ``listed`` says."""
    done = subprocess.run(
        [sys.executable, "-c", listed, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return set(json.loads(done.stderr.rpartition("\n")[2]))


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--help"], EVERYTHING | {"pydantic", "yaml", "re2", "monitor.config.loading"}),
        (["report", "--help"], EVERYTHING | {"pydantic", "yaml", "re2", "monitor.config.loading"}),
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


def test_a_report_asks_before_it_loads_what_judges_and_draws_the_answers(tmp_path: Path) -> None:
    """All of it is loaded while BigQuery works: a person waits for the sum of what comes before the questions."""
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    project = "gcp: {project: nba-props-platform, region: us-west2}"
    assert project in text
    text = text.replace(project, f"{project[:-1]}, endpoints: {{bigquery: http://127.0.0.1:9}}}}")
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    loaded = imported(tmp_path, "report", listed=LISTED_AT_THE_QUESTION)
    assert "checks.sources.completions" in loaded
    later = {"monitor.report.gather", "monitor.report.build", "checks.kinds.completions", "checks.logs.failures"}
    unwanted = EVERYTHING | later | {"alerts.model", "alerts.faults.causes", "checks.kinds.function_logs"}
    assert sorted(loaded & unwanted) == []
