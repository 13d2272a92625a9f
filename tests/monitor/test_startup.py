"""Queries tried at the start: which setting is wrong, told at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from checks.model import Severity, Status
from checks.phases.calendar import CalendarQuery
from checks.phases.evidence import CompletionEvidence, TableEvidence
from checks.pipeline import Pipeline
from checks.sources.bigquery import BigQueryWarehouse
from monitor.daemon import startup
from tests.conftest import PROJECT
from tests.support.bigquery import COMPLETIONS_DDL, dataset, refused_endpoint, run
from tests.support.pipelines import COLUMNS, et, nba, with_phase

pytestmark = pytest.mark.emulator

NOW = et("2026-01-13 12:00")


@pytest.fixture(scope="module")
def warehouse(emulator: str) -> Iterator[BigQueryWarehouse]:
    """The real client on the local BigQuery."""
    with closing(BigQueryWarehouse(PROJECT, endpoint=emulator)) as connected:
        yield connected


@pytest.fixture(scope="module")
def pipeline(emulator: str) -> Iterator[Pipeline]:
    """The sample pipeline on empty tables of its own."""
    with dataset(emulator) as name:
        run(
            emulator,
            COMPLETIONS_DDL.format(table=f"{name}.done"),
            f"CREATE TABLE {name}.days (game_date DATE)",
            f"CREATE TABLE {name}.scores (game_date DATE, written_at TIMESTAMP)",
        )
        yield nba(completions=f"{name}.done", calendar=f"{name}.days")


def test_queries_that_fit_are_cleared(warehouse: BigQueryWarehouse, pipeline: Pipeline) -> None:
    """So that what was found wrong at the last start is over."""
    tried = startup.try_queries(warehouse, [pipeline], NOW)
    assert (tried.status, tried.findings, dict(tried.evidence.counts)) == (Status.OK, (), {"queries_tried": 2})
    assert [c.fingerprint for c in tried.clearances] == [
        "query:nba:the calendar's table",
        "query:nba:the completions",
    ]


@pytest.mark.parametrize("field", [name for name in COLUMNS if name != "phase"])
def test_a_column_that_is_not_there_is_named_with_its_setting(
    warehouse: BigQueryWarehouse, pipeline: Pipeline, field: str
) -> None:
    """Table, column, setting; critical, and at once."""
    table = pipeline.completions
    wrong = replace(pipeline, completions=replace(table, columns={**COLUMNS, field: "no_such_column"}))
    [finding] = startup.try_queries(warehouse, [wrong], NOW).findings
    assert finding.title == f"{table.table} has no column no_such_column: pipeline nba cannot be judged by it"
    assert (finding.severity, finding.pending_for.total_seconds()) == (Severity.CRITICAL, 0)
    assert finding.facts["setting"] == f"completions.columns.{field}"
    assert finding.facts["remedy"] == (
        f"correct completions.columns.{field}, or add the column no_such_column to {table.table}"
    )


def test_evidence_and_calendars_are_tried_too(warehouse: BigQueryWarehouse, pipeline: Pipeline) -> None:
    """One wrong column in a table of evidence, one in SQL; a table that is not there is left to the checks."""
    out = pipeline.completions.table.replace(".done", ".scores")
    proofs = (
        CompletionEvidence(),
        TableEvidence(table=out, date="game_date", time="written_on"),
        TableEvidence(table="nowhere.out", date="game_date"),
    )
    [first, *others] = pipeline.phase("phase2").processors
    wrong = with_phase(pipeline, "phase2", processors=(replace(first, evidence=proofs), *others))
    wrong = replace(wrong, calendar=CalendarQuery(sql=f"SELECT game_day AS run_date FROM {pipeline.calendar.called}"))
    found = startup.try_queries(warehouse, [wrong], NOW).findings
    assert [(f.fingerprint, f.facts.get("setting")) for f in found] == [
        ("query:nba:the calendar's SQL", None),
        (f"query:nba:the rows in {out}", "evidence.time"),
    ]
    assert "game_day" in str(found[0].facts["reason"])


def test_who_does_not_answer_has_refused_nothing(pipeline: Pipeline) -> None:
    """No finding and no clearance: the checks tell that they are blind."""
    with closing(BigQueryWarehouse(PROJECT, endpoint=refused_endpoint())) as nobody:
        tried = startup.try_queries(nobody, [pipeline], NOW)
    assert (tried.findings, tried.clearances) == ((), ())
