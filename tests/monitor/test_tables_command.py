"""`phasewatch tables plan|apply` as people use it, on a real local BigQuery."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from monitor.cli import cli
from tests.conftest import PROJECT
from tests.support import bigquery
from tests.support.table_server import serving

CONFIG = """
gcp: {{project: {project}, endpoints: {{bigquery: {endpoint}}}}}
tables:
  - name: {dataset}.completions
    partitioning: {{field: game_date, require_filter: true}}
    clustering: [phase]
    expiration: 400d
    fields: [phase STRING REQUIRED, game_date DATE REQUIRED, tags STRING REPEATED{more}]
"""


class Here:
    """A configuration in a folder of its own, on a dataset that does not exist yet."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.endpoint = endpoint
        self.dataset = f"t_{uuid.uuid4().hex[:12]}"
        self.path = folder / "config.yaml"
        self.write()

    def write(self, *more: str) -> None:
        """The configuration, with further fields."""
        text = CONFIG.format(
            project=PROJECT, endpoint=self.endpoint, dataset=self.dataset, more="".join(f", {field}" for field in more)
        )
        self.path.write_text(text)

    def run(self, *arguments: str) -> Result:
        """The command, without a terminal."""
        return CliRunner().invoke(cli, ["--config", str(self.path), "tables", *arguments])

    def sql(self, statement: str) -> list[dict[str, Any]]:
        """A statement with ``{table}``."""
        return bigquery.run(self.endpoint, statement.format(table=f"`{PROJECT}.{self.dataset}.completions`"))


@pytest.fixture
def here(tmp_path: Path, emulator: str) -> Iterator[Here]:
    """Nothing is there."""
    made = Here(tmp_path, emulator)
    yield made
    with bigquery.client(emulator) as client:
        client.delete_dataset(made.dataset, delete_contents=True, not_found_ok=True, timeout=30)


@pytest.mark.emulator
def test_plan_apply_plan_on_an_empty_project(here: Here) -> None:
    """Missing; made; nothing to do. What it will do is said before, what it did after."""
    plan = here.run("plan")
    assert plan.exit_code == 1
    assert plan.stdout == (
        f"project {PROJECT}, 1 required table\n"
        f"+ {here.dataset}.completions: missing\n"
        "    3 fields, partitioned by game_date (day), filter required, clustered by\n"
        "      phase, partitions kept 400 days\n"
        "To do (run `phasewatch tables apply`):\n"
        f"  create dataset {PROJECT}.{here.dataset}\n"
        f"  create table {PROJECT}.{here.dataset}.completions\n"
    )
    assert here.run("plan").stdout == plan.stdout, "nothing was changed"
    applied = here.run("apply", "--yes")
    assert applied.exit_code == 0
    steps = [f"create dataset {PROJECT}.{here.dataset}", f"create table {PROJECT}.{here.dataset}.completions"]
    lines = applied.stdout.splitlines()
    assert [line.strip() for line in lines if line.startswith("  create")] == steps
    assert [line for line in lines if line.startswith("done")] == [f"done: {step}" for step in steps]
    again = here.run("plan")
    assert (again.exit_code, again.stdout.splitlines()[1:]) == (
        0,
        [f"= {here.dataset}.completions: ok", "Nothing to do."],
    )
    assert here.run("apply", "--yes").stdout.splitlines()[-1] == "Nothing to do."


@pytest.mark.emulator
def test_apply_adds_fields_and_keeps_every_row(here: Here) -> None:
    """The new fields can be written at once; what was there stays."""
    here.run("apply", "--yes")
    here.sql("INSERT INTO {table} (phase, game_date) VALUES ('phase3', '2026-01-25')")
    here.write("metadata JSON", "count INT64")
    plan = here.run("plan")
    assert "    + field metadata: missing, wanted JSON\n    + field count: missing, wanted INTEGER\n" in plan.stdout
    assert here.run("apply", "--yes").exit_code == 0
    assert here.run("plan").exit_code == 0
    here.sql("INSERT INTO {table} (phase, game_date, count) VALUES ('phase4', '2026-01-25', 5)")
    rows = here.sql("SELECT phase, count FROM {table} WHERE game_date = '2026-01-25' ORDER BY phase")
    assert rows == [{"phase": "phase3", "count": None}, {"phase": "phase4", "count": 5}]


@pytest.mark.emulator
def test_what_apply_cannot_do_is_named_with_what_helps(here: Here) -> None:
    """It leaves the table alone and ends with 1."""
    with bigquery.client(here.endpoint) as client:
        client.create_dataset(here.dataset, timeout=30)
    here.sql("CREATE TABLE {table} (phase INT64, note STRING)")
    answer = json.loads(here.run("plan", "--format", "json").stdout)
    [table] = answer["tables"]
    assert (answer["schema_version"], answer["exit_code"], table["state"]) == (1, 1, "different")
    assert {d["field"] or d["what"]: (d["what"], d["apply"]) for d in table["differences"]} == {
        "phase": ("type", False),
        "game_date": ("missing_field", False),
        "tags": ("missing_field", True),
        "note": ("extra_field", False),
        "partitioning": ("partitioning", False),
        "clustering": ("clustering", False),
        "expiration": ("expiration", False),
    }
    assert all(d["remedy"] for d in table["differences"] if d["what"] != "extra_field" and not d["apply"])
    assert [step["act"] for step in answer["steps"]] == ["add_fields"]
    applied = here.run("apply", "--yes")
    assert applied.exit_code == 1
    assert "For a person: 5; `apply` cannot do them." in applied.stdout
    assert max(map(len, applied.stdout.splitlines())) <= 100, "but for one long word a line fits 80 columns"


@pytest.mark.emulator
def test_without_a_terminal_and_without_yes_it_changes_nothing(here: Here) -> None:
    """Nobody could have agreed."""
    refused = here.run("apply")
    assert refused.exit_code == 2
    assert "add --yes" in refused.stderr
    assert here.run("plan").exit_code == 1


@pytest.mark.emulator
@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("y\n", 0)])
def test_on_a_terminal_it_asks(here: Here, answer: str, code: int) -> None:
    """A no changes nothing."""
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    command = [sys.executable, "-m", "monitor", "--config", str(here.path), "tables", "apply"]
    done = subprocess.run(command, stdin=theirs, capture_output=True, text=True, timeout=120, check=False)
    os.close(ours)
    os.close(theirs)
    assert "Go ahead? [y/N]" in done.stdout
    assert (done.returncode, "Nothing was changed." in done.stdout) == (code, answer == "n\n"), done.stderr
    assert here.run("plan").exit_code == code


def test_what_could_not_be_seen_ends_with_3(tmp_path: Path) -> None:
    """A table that may not be read is neither missing nor right."""
    with serving() as server:
        here = Here(tmp_path, server.endpoint)
        server.refuse.add(f"{PROJECT}.{here.dataset}.completions")
        plan = here.run("plan")
    assert plan.exit_code == 3
    assert f"? {here.dataset}.completions: unknown" in plan.stdout
    assert "roles/bigquery.dataViewer" in plan.stdout
    assert "Not seen: 1." in plan.stdout


def test_bigquery_that_does_not_answer_ends_with_3(tmp_path: Path) -> None:
    """With the reason."""
    plan = Here(tmp_path, bigquery.refused_endpoint()).run("plan")
    assert plan.exit_code == 3


def test_a_configuration_without_tables_is_told_so(tmp_path: Path) -> None:
    """Wrong usage."""
    path = tmp_path / "config.yaml"
    path.write_text("mode: embedded\n")
    answer = CliRunner().invoke(cli, ["--config", str(path), "tables", "plan"])
    assert (answer.exit_code, "requires no table" in answer.stderr) == (2, True)
