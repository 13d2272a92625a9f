"""Preflight beside what else phasewatch knows: incidents, and the tables of a real local BigQuery."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alerts.model import Incident, IncidentState
from alerts.store.sql import Store
from monitor.cli import cli
from tests.conftest import PROJECT
from tests.support import bigquery
from tests.support.findings import at, log_failure
from tests.support.preflight import write


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def run(folder: Path, *args: str) -> Result:
    """The command with the folder's configuration."""
    return CliRunner().invoke(cli, ["--config", str(folder / "config.yaml"), "preflight", *args])


BROKEN = "def record():\n    return firestore.Client()\n"


def test_who_else_has_the_defect_of_an_incident(folder: Path) -> None:
    """The function that failed is marked, the one that did not yet as well; other findings are left out."""
    write(
        folder,
        {
            "config.yaml": "preflight: {}\n",
            "phase3_to_phase4_orchestrator/main.py": BROKEN,
            "phase3_to_phase4_orchestrator/requirements.txt": "",
            "phase4_to_phase5/main.py": BROKEN + "nope\n",
            "phase4_to_phase5/requirements.txt": "",
            "healthy/main.py": "",
            "healthy/requirements.txt": "",
        },
    )
    fault = log_failure(at(0)).fingerprint
    other = Incident(id=2, state=IncidentState.OPEN, root="blind:x", members=("blind:x",), opened_at=at(0))
    store = Store(f"sqlite:///{folder}/var/phasewatch.db")
    with store.writing() as writer:
        incident = Incident(id=1, state=IncidentState.OPEN, root=fault, members=(fault,), opened_at=at(0))
        writer.save_incidents([incident, other])
    store.close()
    answer = run(folder, "--like", "1")
    assert answer.exit_code == 1
    assert answer.stderr.splitlines() == [
        "NameError: firestore, seen in phase3-to-phase4-orchestrator",
        "phase3_to_phase4_orchestrator: hit",
        "phase4_to_phase5: not hit yet",
    ]
    assert "healthy" not in answer.stdout
    assert "nope" not in answer.stdout
    assert "there is no incident #9" in run(folder, "--like", "9").stderr
    assert "no failed import, no name" in run(folder, "--like", "2").stderr


@pytest.mark.emulator
def test_tables_that_the_code_names_are_asked_for(folder: Path, emulator: str) -> None:
    """One that is there, one that is not, one in a file that nothing runs, and one that the configuration requires."""
    with bigquery.dataset(emulator) as dataset:
        bigquery.run(emulator, f"CREATE TABLE `{PROJECT}.{dataset}.there` (a INT64)")
        config = f"""
gcp: {{project: {PROJECT}, endpoints: {{bigquery: {emulator}}}}}
tables: [{{name: {dataset}.demanded, fields: [a INT64]}}]
preflight: {{}}
"""
        write(
            folder,
            {
                "f/requirements.txt": "",
                "f/main.py": f'def a():\n    return "SELECT * FROM {dataset}.there, {dataset}.x"\n'
                f'def b(p):\n    return f"SELECT * FROM {{p}}.{dataset}.gone"\n',
                "f/old.py": f'q = "SELECT 1 FROM {dataset}.gone"\n',
            },
        )
        (folder / "config.yaml").write_text(config)
        answer = run(folder, "--tables", "--format", "json")
    assert [
        (f["file"], f["line"], f["scope"], f["symbol"], f["kind"], f["effect"], f["reachable_by"])
        for f in json.loads(answer.stdout)["packages"][0]["findings"]
    ] == [
        ("main.py", 4, "b", f"{PROJECT}.{dataset}.gone", "missing_table", "fails_when_run", "main.py:4, inside b"),
        ("old.py", 1, "", f"{PROJECT}.{dataset}.gone", "missing_table", "cannot_happen", None),
    ]
    assert f"required table {PROJECT}.{dataset}.demanded: missing; see phasewatch tables plan" in answer.stderr
    assert answer.exit_code == 1


@pytest.mark.emulator
def test_without_bigquery_it_could_not_see(folder: Path) -> None:
    """Exit code 3, with what was wrong."""
    write(
        folder,
        {
            "config.yaml": """\
                gcp: {project: nba-props-platform, endpoints: {bigquery: "http://127.0.0.1:9"}}
                preflight: {}
                """,
            "f/requirements.txt": "",
            "f/main.py": 'q = "SELECT * FROM ops.done"\n',
        },
    )
    answer = run(folder, "--tables")
    assert answer.exit_code == 3
