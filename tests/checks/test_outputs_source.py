"""Rows of run dates in real tables: metadata where it proves them, counts where it does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest

from checks.phases.evidence import TableEvidence
from checks.ports import QueryResult, SourceError
from checks.sources.bigquery import BigQueryWarehouse
from checks.sources.completions import CompletionTables, LastRows
from checks.sources.outputs import OutputTables
from tests.conftest import PROJECT
from tests.support import usual_days
from tests.support.bigquery import dataset, refused_endpoint, run
from tests.support.pipelines import et, nba

DAY = date(2026, 1, 25)
OTHER = date(2026, 1, 26)


class Counted:
    """The warehouse, and what it was asked for."""

    def __init__(self, warehouse: BigQueryWarehouse) -> None:
        self._warehouse = warehouse
        self.asked: list[str] = []

    def query(self, sql: str, params: Mapping[str, Any], *, label: str) -> QueryResult:
        self.asked.append(label)
        return self._warehouse.query(sql, params, label=label)


@pytest.fixture
def warehouse(emulator: str) -> Iterator[Counted]:
    with closing(BigQueryWarehouse(PROJECT, endpoint=emulator)) as made:
        yield Counted(made)


@pytest.fixture
def tables(emulator: str) -> Iterator[str]:
    """By day, by another column, not at all; and an empty one."""
    with dataset(emulator) as name:
        run(
            emulator,
            f"CREATE TABLE {name}.by_day (game_date DATE, n INT64) PARTITION BY game_date",
            f"CREATE TABLE {name}.by_other (game_date DATE, made DATE) PARTITION BY made",
            f"CREATE TABLE {name}.plain (game_date DATE, n INT64)",
            f"CREATE TABLE {name}.empty (game_date DATE, n INT64) PARTITION BY game_date",
            f"INSERT INTO {name}.by_day VALUES (DATE '{DAY}', 1), (DATE '{DAY}', 2)",
            f"INSERT INTO {name}.by_other VALUES (DATE '{DAY}', DATE '{OTHER}')",
            f"INSERT INTO {name}.plain VALUES (DATE '{DAY}', 1), (DATE '{DAY}', 1), (DATE '{DAY}', 1)",
        )
        yield name


def output(table: str) -> TableEvidence:
    return TableEvidence(table=table, date="game_date")


@pytest.mark.emulator
def test_metadata_proves_rows_and_counts_the_rest(warehouse: Counted, tables: str) -> None:
    """A partition made by another column is none of the run date; all that is unproved comes from one query."""
    outputs = OutputTables(warehouse)
    found, cost = outputs.rows([(output(f"{tables}.by_day"), DAY)])
    assert (list(found.rows.values()), warehouse.asked, cost.queries) == ([2], ["outputs-metadata"], 1)
    warehouse.asked.clear()
    names = ("by_day", "by_other", "plain", "empty")
    found, cost = outputs.rows([(output(f"{tables}.{name}"), day) for name in names for day in (DAY, OTHER)])
    held = {(wanted.table.partition(".")[2], day): rows for (wanted, day), rows in found.rows.items()}
    assert held == {
        ("by_day", DAY): 2,
        ("by_day", OTHER): 0,
        ("by_other", DAY): 1,
        ("by_other", OTHER): 0,
        ("plain", DAY): 3,
        ("plain", OTHER): 0,
        ("empty", DAY): 0,
        ("empty", OTHER): 0,
    }
    assert (warehouse.asked, cost.queries, cost.counts) == (["outputs-metadata", "outputs"], 2, {"outputs_asked": 8})


@pytest.mark.emulator
def test_one_table_that_cannot_be_asked_hides_no_other(warehouse: Counted, tables: str) -> None:
    """One that does not exist holds nothing and is named; one of another shape is not seen."""
    wanted = [
        (output(f"{tables}.plain"), DAY),
        (output(f"{tables}.gone"), DAY),
        (TableEvidence(table=f"{tables}.empty", date="no_such"), DAY),
        (output("no_such_dataset.gone"), DAY),
    ]
    found, cost = OutputTables(warehouse).rows(wanted)
    assert {w.table: rows for (w, _), rows in found.rows.items()} == {
        f"{tables}.plain": 3,
        f"{tables}.gone": 0,
        "no_such_dataset.gone": 0,
    }
    assert found.absent == {f"{tables}.gone", "no_such_dataset.gone"}
    [unseen] = cost.unseen
    assert unseen.startswith(f"{tables}.empty: ")


def test_a_warehouse_that_is_not_there_is_blindness() -> None:
    """Not an empty table."""
    lost = BigQueryWarehouse(PROJECT, endpoint=refused_endpoint(), timeout=timedelta(seconds=2))
    with closing(lost), pytest.raises(SourceError):
        OutputTables(lost).rows([(output("a.b"), DAY)])


def test_names_are_identifiers_or_refused() -> None:
    """Before anybody is asked."""

    class Nobody:
        def query(self, sql: str, params: Mapping[str, Any], *, label: str) -> QueryResult:
            raise AssertionError(sql)

    found, cost = OutputTables(Nobody()).rows([(output("a`; DROP TABLE x.b"), DAY)])
    assert found.rows == {}
    assert len(cost.unseen) == 1


@pytest.mark.emulator
def test_the_last_rows_tell_present_runs_from_what_is_filled_in(warehouse: Counted, emulator: str) -> None:
    """By the local date of insertion; rows after the moment, or of long ago, do not count."""
    with dataset(emulator) as name:
        now = et("2026-01-16 09:00")
        rows = [
            *usual_days.rows_of(date(2026, 1, 15), inserted_at=et("2026-01-15 13:13")),
            *usual_days.rows_of(date(2026, 1, 13), at=et("2026-01-16 03:30")),  # three days later: filled in
            *usual_days.rows_of(date(2026, 1, 14), at=et("2026-01-16 03:40"))[:1],  # two days later: a late one
            *usual_days.rows_of(date(2026, 1, 16), at=et("2026-01-16 09:01")),  # not yet
        ]
        usual_days.create(emulator, name, [date(2026, 1, 15)], rows)
        tables = CompletionTables(warehouse)
        pipeline = nba(completions=f"{name}.completions")
        found, cost = tables.last_rows(pipeline, now - timedelta(days=3), now)
        assert found == LastRows(last_at=et("2026-01-16 03:40"), live=17, backfill=16)
        assert cost.queries == 1
        none, _ = tables.last_rows(pipeline, now - timedelta(minutes=5), now)
        assert none == LastRows(last_at=None, live=0, backfill=0)
