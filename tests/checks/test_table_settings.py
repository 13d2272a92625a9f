"""Required tables in the configuration: short forms, what is refused, and the two that are shipped."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from checks.phases.calendar import CalendarTable
from checks.pipeline import DayTime
from checks.tables.known import known_tables
from checks.tables.model import Column, Freshness, Partitioning, RequiredTable, RowsOwed
from checks.tables.partitions import PartitionRules, Retired
from monitor.config.loading import load
from monitor.wiring.tables import required_tables
from tests.conftest import PROJECT
from tests.support.config import GOOD, loaded, said

ROOT = Path(__file__).parents[2]
# The pipeline's documentation, section 6: twelve fields in this order.
TWELVE = """
phase STRING REQUIRED | game_date DATE REQUIRED | processor_name STRING REQUIRED | status STRING REQUIRED
record_count INTEGER NULLABLE | correlation_id STRING NULLABLE | execution_id STRING NULLABLE
completed_at TIMESTAMP REQUIRED | is_incremental BOOLEAN NULLABLE | entities_changed STRING REPEATED
metadata JSON NULLABLE | inserted_at TIMESTAMP REQUIRED
"""


def tables(folder: Path, text: str) -> tuple[RequiredTable, ...]:
    """What the tables at the top of a configuration mean."""
    config = loaded(folder, f"gcp: {{project: {PROJECT}}}\ntables:\n{text}")
    return required_tables(config)


def test_the_shipped_definitions_are_exact() -> None:
    """And the same as those that phasewatch makes by itself where nobody describes them."""
    config = load(ROOT / "config.yaml", {})
    calendar, completions = required_tables(config)
    assert completions.name == f"{PROJECT}.nba_orchestration.phase_completions"
    fields = [f"{c.name} {c.type} {c.mode}" for c in completions.columns]
    assert fields == [field.strip() for line in TWELVE.strip().splitlines() for field in line.split("|")]
    assert completions.partitioning == Partitioning(column="game_date")
    assert (completions.clustering, completions.expires_after) == (("phase", "processor_name"), timedelta(0))
    pipeline = config.pipelines[0].to_pipeline()
    assert isinstance(pipeline.calendar, CalendarTable)
    assert [replace(t, only=None) for t in known_tables(pipeline, PROJECT)] == [calendar, completions]


def test_short_forms(tmp_path: Path) -> None:
    """A bare name, a line for a field, a column for a partitioning; types in either spelling and case."""
    text = """
  - ops.log
  - name: other-project-1.ops.box
    fields:
      - game_date date required
      - number INT64
      - {name: box, type: STRUCT, mode: REPEATED, fields: [minutes FLOAT64]}
    partitioning: game_date
    clustering: []
    expiration: never
"""
    log, box = tables(tmp_path, text)
    assert log == RequiredTable(name=f"{PROJECT}.ops.log")
    assert box == RequiredTable(
        name="other-project-1.ops.box",
        columns=(
            Column(name="game_date", type="DATE", mode="REQUIRED"),
            Column(name="number", type="INTEGER"),
            Column(name="box", type="RECORD", mode="REPEATED", fields=(Column(name="minutes", type="FLOAT"),)),
        ),
        partitioning=Partitioning(column="game_date"),
        clustering=(),
        expires_after=timedelta(0),
    )


def test_the_long_form_and_what_goes_with_a_pipeline(tmp_path: Path) -> None:
    """Rows take the pipeline's run date; the pipeline's own tables come first, described or not."""
    more = """
    tables:
      - name: ops.box
        partitioning: {field: day, by: month, require_filter: true}
        expiration: 400d
        freshness: {column: written, within: 26h}
        rows: {at_least: 10, due: {day: 1, time: "09:00"}}
        valid: {from: 2026-02-12}
    partitions:
      datasets: [raw, other-project-1.raw]
      due: {day: 2, time: "06:00"}
      retired: [{table: raw.old, reason: switched off, since: 2026-02-12}]
"""
    config = loaded(tmp_path, GOOD.replace("    phases:\n", f"{more.lstrip(chr(10))}    phases:\n", 1))
    settings = config.pipelines[0]
    *known, box = required_tables(config)
    assert [table.name for table in known] == [
        table.name for table in known_tables(settings.to_pipeline(), config.gcp.project)
    ]
    assert box == RequiredTable(
        name=f"{config.gcp.project}.ops.box",
        partitioning=Partitioning(column="day", unit="MONTH", require_filter=True),
        expires_after=timedelta(days=400),
        freshness=Freshness(column="written", within=timedelta(hours=26)),
        rows=RowsOwed(column=settings.run_date, at_least=10, due=DayTime(day=1, at=time(9))),
        pipeline=settings.name,
        valid_from=date(2026, 2, 12),
    )
    assert settings.partitions is not None
    assert settings.partitions.to_rules("p") == PartitionRules(
        datasets=("p.raw", "other-project-1.raw"),
        due=DayTime(day=2, at=time(6)),
        retired=(Retired(table="p.raw.old", reason="switched off", since=date(2026, 2, 12)),),
    )


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (
            "{name: ops.box, fields: [phase]}",
            "fields[0]: expected a name, a type and maybe a mode; write phase STRING REQUIRED",
        ),
        (
            "{name: ops.box, fields: [phase STRNG]}",
            "fields[0].type: unknown type of a field 'STRNG'; did you mean 'STRING'?",
        ),
        (
            "{name: ops.box, fields: [phase STRING NEEDED]}",
            "fields[0].mode: unknown mode of a field 'NEEDED'; known: 'NULLABLE', 'REQUIRED', 'REPEATED'",
        ),
        ("{name: ops.box, fields: [a DATE, A DATE]}", "fields[1]: the same name as fields[0]"),
        ("{name: ops.box, fields: [a RECORD]}", "fields[0]: a RECORD needs its fields"),
        ("{name: ops.box, fields: [a DATE], clustering: [b]}", "clustering[0]: unknown field 'b'; known: 'a'"),
        ("{name: ops.box, fields: [a DATE], partitioning: b}", "partitioning.field: unknown field 'b'; known: 'a'"),
        ("{name: ops.box, expiration: 400}", "expiration: expected never, or days; write never, or 400d"),
        ("{name: ops.box, expiration: 400d}", "expiration: days are for partitions, and there are none; or never"),
        (
            '{name: ops.box, rows: {due: {day: 1, time: "09:00"}}}',
            "rows: a run date needs a pipeline; move the table to its tables",
        ),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path: Path, table: str, problem: str) -> None:
    """At the field that is wrong, with what would be right."""
    [line] = said(tmp_path, f"tables:\n  - {table}\n")
    assert line.split(": ", 1)[1] == f"tables[0].{problem}"


def test_a_table_is_described_once(tmp_path: Path) -> None:
    """Two descriptions would contradict each other sooner or later."""
    [line] = said(tmp_path, "tables: [ops.box, {name: ops.box}]\n")
    assert line.endswith("tables[1]: the same table as tables[0]")


@pytest.mark.parametrize(
    ("written", "size"),
    [("500 GB", 500 * 10**9), ("1TiB", 2**40), ("6.25 USD", 2**40), ("5 USD", int(0.8 * 2**40))],
)
def test_a_budget_in_money_or_bytes(tmp_path: Path, written: str, size: int) -> None:
    """Money at the price of the configuration."""
    budget = loaded(tmp_path, f"budget: {{monthly: {written}}}\n").budget
    assert budget is not None
    assert budget.in_bytes() == size


def test_a_budget_needs_a_unit(tmp_path: Path) -> None:
    """And more than nothing."""
    for written in ("5", "0 USD", "5 EUR"):
        [line] = said(tmp_path, f"budget: {{monthly: {written}}}\n")
        assert line.endswith("write 5 USD, or 500 GB")
