"""The completions table as it should not be: gone, or of another shape. Real BigQuery, real path."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from monitor import demo
from monitor.demo_story import START
from monitor.report import gather
from tests.scenarios.world import EVERY, World
from tests.support.bigquery import client

pytestmark = pytest.mark.emulator


@pytest.fixture
def world(tmp_path: Path, emulator: str) -> World:
    """The demo's pipeline on tables of its own, in its healthy beginning."""
    demo.prepare(tmp_path)
    name = uuid.uuid4().hex[:12]
    text = (tmp_path / "config.yaml").read_text()
    text = text.replace("nba_orchestration.", f"o_{name}.").replace("nba_reference.", f"r_{name}.")
    (tmp_path / "config.yaml").write_text(text)
    made = World(demo.configuration.load(tmp_path / "config.yaml", {}), emulator)
    made.stage.set()
    return made


def table(world: World) -> str:
    pipeline = world.config.pipelines[0]
    return f"{world.config.gcp.project}.{pipeline.completions.table}"


def test_a_table_that_vanishes_is_told_at_the_second_look_and_over_when_it_is_back(world: World, emulator: str) -> None:
    """The outage's second cause: the table was never created, and every write failed quietly."""
    world.until(START + EVERY)
    assert world.printed() == []
    bigquery = client(emulator)
    kept = bigquery.get_table(table(world))
    bigquery.delete_table(table(world))
    world.until(world.now + EVERY)
    assert world.printed() == [], "one look proves nothing: metadata answers lag"
    world.until(world.now + EVERY)
    [told] = world.printed()
    assert told.startswith(f"CRITICAL The table {table(world)} does not exist")
    assert "`phasewatch tables apply` makes it" in told
    world.until(world.now + 2 * EVERY)
    assert world.printed() == [], "the check of completions, which looked later, says nothing new: one incident"
    with world.store.reading() as stored:
        assert {r.check: str(r.status) for r in stored.last_runs()} == {
            "completions": "UNKNOWN",
            "function_logs": "OK",
            "tables": "FAILING",
        }

    bigquery.create_table(kept)
    world.until(world.now + EVERY)
    owed, over = world.printed()
    assert "The table" not in owed, "the check of tables has not seen it yet"
    assert "phase2 of 24 January 2026 is not recorded" in owed, "what the empty table owes is told too"
    assert over.startswith("> OVER The table")
    with world.store.reading() as stored:
        assert len(stored.incidents()) == 1
    world.store.close()


def test_a_column_that_is_not_there_makes_the_check_blind_not_healthy(world: World, emulator: str) -> None:
    """UNKNOWN at once, told at the second look, with the service's own words: waiting does not mend it."""
    bigquery = client(emulator)
    bigquery.query(f"ALTER TABLE `{table(world)}` DROP COLUMN status").result()
    world.until(START + 2 * EVERY)
    told = " ".join(world.printed())
    assert told.startswith("CRITICAL Blind: a query of the check completions no longer fits its table")
    assert "status" in told
    with world.store.reading() as stored:
        assert [r.status for r in stored.last_runs()] == ["UNKNOWN", "OK", "OK"]
    world.store.close()


def test_two_pipelines_are_judged_apart(tmp_path: Path, emulator: str) -> None:
    """Each with its own zone, calendar, table and check; one's trouble is not the other's."""
    demo.prepare(tmp_path)
    text = (tmp_path / "config.yaml").read_text()
    name = uuid.uuid4().hex[:12]
    text = text.replace("nba_orchestration.", f"o_{name}.").replace("nba_reference.", f"r_{name}.")
    second = f"""  - name: mlb
    timezone: UTC
    calendar: {{table: r_{name}.mlb_schedule}}
    completions: {{table: o_{name}.mlb_completions}}
    phases:
      - {{name: load, due: {{day: 1, time: "06:00"}}, processors: [games]}}
checks:
"""
    (tmp_path / "config.yaml").write_text(text.replace("checks:\n", second))
    world = World(demo.configuration.load(tmp_path / "config.yaml", {}), emulator)
    world.stage.set()
    world.until(START + 3 * EVERY)
    with world.store.reading() as stored:
        assert {r.check: str(r.status) for r in stored.last_runs()} == {
            "completions:mlb": "UNKNOWN",
            "completions:nba": "OK",
            "function_logs": "OK",
            "tables": "FAILING",
        }
    report = gather.gather(world.config, world.data, world.store, gather.Request(at=world.now), world.now)
    assert [(p.name, str(p.zone), str(p.status)) for p in report.pipelines] == [
        ("nba", "America/New_York", "OK"),
        ("mlb", "UTC", "UNKNOWN"),
    ]
    assert {incident.title for incident in report.incidents} == {
        f"The table {world.config.gcp.project}.o_{name}.mlb_completions does not exist",
        f"The table {world.config.gcp.project}.r_{name}.mlb_schedule does not exist",
    }
    world.store.close()
