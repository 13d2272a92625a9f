"""The completions table: what may become SQL, and what real ones answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from checks.kinds.completions import Completions
from checks.model import Status, utc
from checks.phases.states import judge_day
from checks.pipeline import Pipeline
from checks.ports import CalendarDays, QueryResult, SourceError, Warehouse
from checks.sources.bigquery import BigQueryWarehouse
from checks.sources.calendar import Calendars
from checks.sources.completions import CompletionTables
from tests.checks.phases.test_sample import QUERIES, as_expected
from tests.conftest import PROJECT
from tests.support.bigquery import COMPLETIONS_DDL, dataset, load, run
from tests.support.pipelines import (
    DATA,
    GAME_DAY,
    et,
    expected_states,
    nba,
    sample_calendar,
)

NIGHT = et("2026-01-13 04:30")


class NoWarehouse:
    """For what must be decided before anybody is asked."""

    def query(self, sql: str, params: Mapping[str, Any], *, label: str) -> QueryResult:
        raise AssertionError(sql)


def check(pipeline: Pipeline, warehouse: Warehouse, look_back: int = 1) -> Completions:
    """The check over these tables."""
    return Completions(
        pipeline=pipeline,
        tables=CompletionTables(warehouse),
        every=timedelta(minutes=1),
        look_back=look_back,
        name="completions",
    )


# -- what may become SQL ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "x",
        "a.b.c.d",
        "a..b",
        "d.t`; DROP",
        "d.t\n",
        "p-1.d-2.t",
        "p_1.d.t",
        "d.`t`",
        "1p.d.t",
        ".d.t",
        "d.t\\",
        "d.t x",
        "",
    ],
)
def test_a_table_is_an_identifier_or_refused(name: str) -> None:
    """Before anybody is asked."""
    tables = CompletionTables(NoWarehouse())
    pipeline = nba(completions=name, calendar=name)
    for ask in (
        lambda: tables.completions(pipeline, GAME_DAY, GAME_DAY, NIGHT),
        lambda: Calendars(NoWarehouse()).days(pipeline, GAME_DAY, GAME_DAY),
        lambda: tables.recording(pipeline, NIGHT),
    ):
        with pytest.raises(SourceError) as refused:
            ask()
        assert refused.value.kind == "invalid"


def with_columns(columns: Mapping[str, str]) -> Pipeline:
    """The sample pipeline with these columns configured."""
    return replace(nba(), completions=replace(nba().completions, columns=columns))


@pytest.mark.parametrize("column", ["", "a b", "a`", "a.b", "1a", "a\n", "a-b"])
@pytest.mark.parametrize("name", nba().completions.columns)
def test_a_column_is_an_identifier_or_refused(name: str, column: str) -> None:
    """Every configured one."""
    pipeline = with_columns({**nba().completions.columns, name: column})
    with pytest.raises(SourceError) as refused:
        CompletionTables(NoWarehouse()).completions(pipeline, GAME_DAY, GAME_DAY, NIGHT)
    assert (str(refused.value), refused.value.kind) == (f"Not a column name: {column!r}.", "invalid")


def test_a_column_that_is_not_configured_is_named() -> None:
    """Instead of a KeyError."""
    with pytest.raises(SourceError) as refused:
        CompletionTables(NoWarehouse()).completions(with_columns({"phase": "phase"}), GAME_DAY, GAME_DAY, NIGHT)
    assert (str(refused.value), refused.value.kind) == (
        "No column of nba_orchestration.phase_completions is configured for run_date.",
        "invalid",
    )


# -- real tables ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(emulator: str) -> Iterator[Pipeline]:
    """The sample pipeline with its tables loaded as the recorder does it: a load job of JSON lines."""
    with dataset(emulator) as name:
        pipeline = nba(completions=f"{name}.phase_completions", calendar=f"{name}.nba_schedule")
        run(
            emulator,
            COMPLETIONS_DDL.format(table=pipeline.completions.table),
            f"CREATE TABLE {pipeline.calendar.table} (game_date DATE, game_id STRING) PARTITION BY game_date "
            "OPTIONS (require_partition_filter = TRUE)",
        )
        load(emulator, pipeline.completions.table, (DATA / "completions-sample.jsonl").read_bytes())
        games = [
            {"game_date": day, "game_id": f"{day}-{number}"}
            for day, count in expected_states()["calendar"].items()
            for number in range(count)
        ]
        load(emulator, pipeline.calendar.table, "\n".join(json.dumps(game) for game in games).encode())
        yield pipeline


@pytest.fixture(scope="module")
def warehouse(emulator: str) -> Iterator[Warehouse]:
    """The real client on the local BigQuery."""
    with closing(BigQueryWarehouse(PROJECT, endpoint=emulator)) as connected:
        yield connected


@pytest.mark.emulator
@pytest.mark.parametrize("query", QUERIES, ids=[query["query_time"] for query in QUERIES])
def test_the_sample_from_real_tables(query: dict[str, Any], warehouse: Warehouse, sample: Pipeline) -> None:
    """States, root problems and recording of every query time, through the real client and SQL."""
    now = utc(datetime.fromisoformat(query["query_time"]))
    watcher = check(sample, warehouse, look_back=4)
    seen, cursor = watcher.read(now, None)
    days = [day for run_date in seen.dates() for day in judge_day(sample, run_date, seen.rows, seen.calendar, now)]
    assert as_expected(days) == query["days"]
    roots = [finding for finding in watcher.judge(seen, now).findings if finding.kind.startswith("phase.")]
    assert [
        {"game_date": str(f.subject.run_date), "phase": f.subject.phase, "state": f.kind.removeprefix("phase.")}
        for f in roots
        if not f.consequence
    ] == query["root_problems"]
    recording, _ = CompletionTables(warehouse).recording(sample, now)
    assert {
        "rows_inserted_last_24h": recording.rows_inserted_last_24h,
        "of_which_backfill": recording.of_which_backfill,
    } == query["recording"]
    assert cursor is None


@pytest.mark.emulator
def test_a_read_asks_twice_and_says_so(warehouse: Warehouse, emulator: str, sample: Pipeline) -> None:
    """Only rows of the dates looked at, and the calendar of those dates with the ends of the whole table."""
    seen, _ = check(sample, warehouse, look_back=2).read(et("2026-01-18 23:30"), None)
    assert (seen.first, seen.last) == (date(2026, 1, 17), date(2026, 1, 18))
    assert {row.run_date for row in seen.rows} == {date(2026, 1, 17), date(2026, 1, 18)}
    whole = sample_calendar()
    nothing = {date(2026, 1, 17): f"no row in {sample.calendar.called}"}
    assert seen.calendar == CalendarDays(
        runs={date(2026, 1, 18): 6}, first=whole.first, last=whole.last, reasons=nothing
    )
    assert seen.evidence.queries == 2
    assert dict(seen.evidence.counts) == {
        "rows": len(seen.rows),
        "unreadable_rows": 0,
        "fetched_rows": len(seen.rows),
        "calendar_dates": 1,
    }


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("inserted", "backfill"),
    [
        ("2026-03-10 23:59", 0),
        ("2026-03-11 00:00", 1),
        ("2026-03-08 01:00", 0),
    ],
)
def test_backfill_goes_by_the_local_date(warehouse: Warehouse, emulator: str, inserted: str, backfill: int) -> None:
    """More than two days after the run date, in the pipeline's zone, over a clock change as well."""
    at = et(inserted)
    with dataset(emulator) as name:
        pipeline = nba(completions=f"{name}.phase_completions")
        run(
            emulator,
            COMPLETIONS_DDL.format(table=pipeline.completions.table),
            f"INSERT INTO {pipeline.completions.table} (phase, game_date, processor_name, status, completed_at, "
            f"inserted_at) VALUES ('phase3', DATE '2026-03-08', 'x', 'success', TIMESTAMP '{at}', TIMESTAMP '{at}')",
        )
        tables = CompletionTables(warehouse)
        counts = [
            tables.recording(pipeline, at + age)[0].rows_inserted_last_24h
            for age in (timedelta(seconds=-1), timedelta(0), timedelta(hours=23, minutes=59), timedelta(hours=24))
        ]
        assert counts == [0, 1, 1, 0]
        assert tables.recording(pipeline, at)[0].of_which_backfill == backfill


LOOSE_DDL = """
CREATE TABLE {table} (phase STRING, game_date DATE, processor_name STRING, status {status}, record_count INT64,
  execution_id STRING, completed_at TIMESTAMP, inserted_at TIMESTAMP)
"""
LOOSE_ROW = (
    "INSERT INTO {table} (phase, game_date, processor_name, status, completed_at, inserted_at) VALUES "
    "({phase}, DATE '2026-01-12', {processor}, {status}, {completed}, {inserted})"
)


def loose_row(table: str, **changes: str) -> str:
    """A statement that inserts one row into a table that refuses nothing."""
    moment = "TIMESTAMP '2026-01-12 12:00:00+00'"
    values = {"phase": "'phase2'", "processor": "'p'", "status": "'success'", "completed": moment, "inserted": moment}
    return LOOSE_ROW.format(table=table, **{**values, **changes})


@pytest.mark.emulator
def test_rows_that_cannot_be_read_are_counted_and_named(warehouse: Warehouse, emulator: str) -> None:
    """The others are read; the check does not say OK."""
    with dataset(emulator) as name:
        pipeline = nba(completions=f"{name}.done", calendar=f"{name}.days")
        table = pipeline.completions.table
        run(
            emulator,
            LOOSE_DDL.format(table=table, status="STRING"),
            loose_row(table),
            loose_row(table, phase="NULL"),
            loose_row(table, processor="NULL"),
            loose_row(table, completed="NULL"),
            loose_row(table, completed="NULL"),
            loose_row(table, inserted="NULL"),
            f"CREATE TABLE {name}.days (game_date DATE)",
            f"INSERT INTO {name}.days (game_date) VALUES (DATE '2026-01-12')",
        )
        watcher = check(pipeline, warehouse)
        seen, _ = watcher.read(et("2026-01-12 20:00"), None)
        judgement = watcher.judge(seen, et("2026-01-12 20:00"))
    assert [(row.processor, row.record_count, row.execution_id) for row in seen.rows] == [("p", None, None)]
    assert dict(seen.evidence.counts) == {"rows": 1, "unreadable_rows": 5, "fetched_rows": 5, "calendar_dates": 1}
    reasons = "completed_at is NULL (2), inserted_at is NULL (1), phase is NULL (1), processor is NULL (1)"
    assert judgement.evidence.unseen == (f"5 of 6 rows of {table} could not be read: {reasons}.",)
    assert (judgement.status, judgement.findings) == (Status.UNKNOWN, ())


@pytest.mark.emulator
def test_a_table_of_another_shape_is_no_evidence_of_absence(warehouse: Warehouse, emulator: str) -> None:
    """If not one row can be read the check is blind: an error that names the column, and no missing completions."""
    with dataset(emulator) as name:
        pipeline = nba(completions=f"{name}.done")
        table = pipeline.completions.table
        run(emulator, LOOSE_DDL.format(table=table, status="INT64"), loose_row(table, status="1"))
        with pytest.raises(SourceError) as blind:
            CompletionTables(warehouse).completions(pipeline, GAME_DAY, GAME_DAY, NIGHT)
    assert (str(blind.value), blind.value.kind, blind.value.subject) == (
        f"1 of 1 rows of {table} could not be read: status is a int (1).",
        "invalid",
        table,
    )


@pytest.mark.emulator
def test_a_missing_table_is_told_and_not_caught(warehouse: Warehouse, emulator: str, sample: Pipeline) -> None:
    """The runner makes a finding of it."""
    gone = replace(sample, completions=replace(sample.completions, table=f"{sample.completions.table}_gone"))
    with pytest.raises(SourceError) as missing:
        check(gone, warehouse).read(NIGHT, None)
    assert missing.value.kind == "missing"
