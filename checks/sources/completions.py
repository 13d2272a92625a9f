"""The completions table of a pipeline, asked in BigQuery's standard SQL.

Each method is one query. Identifiers come from the configuration and are validated once more before they are quoted
into SQL; values are query parameters. Every query filters on the run-date column, which prunes partitions and satisfies
tables that are created with ``require_partition_filter``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from checks.model import Evidence, utc
from checks.pipeline import Pipeline
from checks.ports import CompletionRow, QueryResult, Recording, SourceError, Warehouse
from checks.sql import quoted_column, quoted_table

# BigQuery's first date: a filter that every row passes and that still counts as a filter on the partition column.
_ALL_DATES = "DATE '0001-01-01'"
_RECENT = timedelta(hours=24)
# A row inserted on a later local date than the run date and this many days is backfill.
_BACKFILL_DAYS = 2
_BACKFILL_SEEN = timedelta(days=7)

_REQUIRED: Mapping[str, type] = {
    "phase": str,
    "run_date": date,
    "processor": str,
    "status": str,
    "completed_at": datetime,
    "inserted_at": datetime,
}
_NULLABLE: Mapping[str, type] = {"record_count": int, "execution_id": str}


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRows:
    """What was written lately: when the last row of a present run was, and how many of either kind there were."""

    last_at: datetime | None
    live: int
    backfill: int


class CompletionTables:
    """What a pipeline's tables say. Holds no state but the warehouse; every answer comes with what it cost."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    @property
    def warehouse(self) -> Warehouse:
        """Where the tables are: the same place knows the calendar."""
        return self._warehouse

    def rows(
        self, pipeline: Pipeline, first: date, last: date, as_of: datetime
    ) -> tuple[list[CompletionRow], Evidence]:
        """All completions for run dates ``first`` to ``last`` (both included) that had been inserted by ``as_of``.

        In no particular order. Rows that cannot be read (NULL where a value is required, a value of another type) are
        left out, counted as ``unreadable_rows`` and named in ``unseen``.

        :raises SourceError: as the warehouse does; ``invalid`` also for a name that is no identifier, and if rows came
            but none of them can be read: that is a table of another shape, not a pipeline without completions.
        """
        columns = {name: self._column(pipeline, name) for name in (*_REQUIRED, *_NULLABLE)}
        table = pipeline.completions.table
        listed = ", ".join(f"{column} AS {name}" for name, column in columns.items())
        result = self._warehouse.query(
            f"SELECT {listed} FROM {quoted_table(table)} AS t"
            f" WHERE {columns['run_date']} BETWEEN @first AND @last"
            # A row without a time of insertion is fetched, so that it is counted as unreadable and not lost.
            f" AND ({columns['inserted_at']} <= @as_of OR {columns['inserted_at']} IS NULL)",
            {"first": first, "last": last, "as_of": utc(as_of)},
            label="completions",
        )
        faults = [_fault(record) for record in result.rows]
        rows = [_row(record) for record, fault in zip(result.rows, faults, strict=True) if fault is None]
        unseen = _unreadable(table, [fault for fault in faults if fault is not None], len(result.rows))
        if unseen and not rows:
            raise SourceError(
                unseen[0],
                kind="invalid",
                remedy=f"Compare the column types of {table} with the columns configured for pipeline {pipeline.name}.",
                subject=table,
            )
        return rows, _cost(result, unseen, rows=len(rows), unreadable_rows=len(result.rows) - len(rows))

    def recording(self, pipeline: Pipeline, as_of: datetime) -> tuple[Recording, Evidence]:
        """How alive recording looked at ``as_of``: rows inserted in the 24 hours before it, whatever their run date.

        Backfill is what was inserted on a date, in the pipeline's zone, more than two days after its run date.

        :raises SourceError: as the warehouse does; ``invalid`` also for a name that is no identifier.
        """
        run_date, inserted_at = self._column(pipeline, "run_date"), self._column(pipeline, "inserted_at")
        result = self._warehouse.query(
            "SELECT COUNT(*) AS inserted,"
            f" COUNTIF(DATE({inserted_at}, @zone) > DATE_ADD({run_date}, INTERVAL {_BACKFILL_DAYS} DAY)) AS backfill"
            f" FROM {quoted_table(pipeline.completions.table)} AS t"
            f" WHERE {run_date} >= {_ALL_DATES} AND {inserted_at} > @since AND {inserted_at} <= @as_of",
            {"zone": pipeline.zone.key, "since": utc(as_of) - _RECENT, "as_of": utc(as_of)},
            label="recording",
        )
        counts = result.rows[0]
        recording = Recording(rows_inserted_last_24h=int(counts["inserted"]), of_which_backfill=int(counts["backfill"]))
        return recording, _cost(result, inserted_rows=recording.rows_inserted_last_24h)

    def last_rows(self, pipeline: Pipeline, since: datetime, as_of: datetime) -> tuple[LastRows, Evidence]:
        """What was inserted after ``since`` and by ``as_of`` for the run dates that may be present ones.

        Only their partitions are read, so backfill is what was filled in for run dates of the week before ``since``.

        :raises SourceError: as the warehouse does; ``invalid`` also for a name that is no identifier.
        """
        run_date, inserted_at = self._column(pipeline, "run_date"), self._column(pipeline, "inserted_at")
        backfill = f"DATE({inserted_at}, @zone) > DATE_ADD({run_date}, INTERVAL {_BACKFILL_DAYS} DAY)"
        result = self._warehouse.query(
            f"SELECT MAX(IF({backfill}, NULL, {inserted_at})) AS last_at, COUNTIF({backfill}) AS backfill,"
            f" COUNT(*) AS inserted FROM {quoted_table(pipeline.completions.table)} AS t"
            f" WHERE {run_date} BETWEEN @first AND @last AND {inserted_at} > @since AND {inserted_at} <= @as_of",
            {
                "zone": pipeline.zone.key,
                "first": since.astimezone(pipeline.zone).date() - _BACKFILL_SEEN,
                "last": as_of.astimezone(pipeline.zone).date() + timedelta(days=1),
                "since": utc(since),
                "as_of": utc(as_of),
            },
            label="recording",
        )
        found = result.rows[0]
        backfilled = int(found["backfill"])
        last_at = utc(found["last_at"]) if found["last_at"] is not None else None
        rows = LastRows(last_at=last_at, live=int(found["inserted"]) - backfilled, backfill=backfilled)
        return rows, _cost(result, live_rows=rows.live, backfill_rows=rows.backfill)

    def span(self, pipeline: Pipeline) -> tuple[date | None, date | None, Evidence]:
        """The first and the last run date with a completion; None and None for an empty table.

        :raises SourceError: as the warehouse does; ``invalid`` also for a name that is no identifier.
        """
        run_date = self._column(pipeline, "run_date")
        result = self._warehouse.query(
            f"SELECT MIN({run_date}) AS first_day, MAX({run_date}) AS last_day"
            f" FROM {quoted_table(pipeline.completions.table)} AS t WHERE {run_date} >= {_ALL_DATES}",
            {},
            label="doctor",
        )
        ends = result.rows[0]
        return ends["first_day"], ends["last_day"], _cost(result)

    @staticmethod
    def _column(pipeline: Pipeline, name: str) -> str:
        """The quoted column that holds that field of ours."""
        try:
            return quoted_column(pipeline.completions.columns[name])
        except KeyError:
            raise SourceError(
                f"No column of {pipeline.completions.table} is configured for {name}.", kind="invalid"
            ) from None


def _cost(result: QueryResult, unseen: Sequence[str] = (), **counts: int) -> Evidence:
    """One query as evidence; counts of nothing are kept, they prove that somebody looked."""
    return Evidence(counts=counts, queries=1, bytes_billed=result.bytes_billed, unseen=tuple(unseen))


def _fault(record: Mapping[str, Any]) -> str | None:
    """What keeps this record from being a completion, None if nothing does."""
    for name, kind in (*_REQUIRED.items(), *_NULLABLE.items()):
        value = record[name]
        if value is None:
            if name in _REQUIRED:
                return f"{name} is NULL"
        # The exact type: a datetime is a date to isinstance, and True an int.
        elif type(value) is not kind:
            return f"{name} is a {type(value).__name__}"
        elif isinstance(value, datetime) and value.tzinfo is None:
            return f"{name} has no time zone"
    return None


def _row(record: Mapping[str, Any]) -> CompletionRow:
    return CompletionRow(
        phase=record["phase"],
        run_date=record["run_date"],
        processor=record["processor"],
        status=record["status"],
        record_count=record["record_count"],
        execution_id=record["execution_id"],
        completed_at=utc(record["completed_at"]),
        inserted_at=utc(record["inserted_at"]),
    )


def _unreadable(table: str, faults: Sequence[str], total: int) -> tuple[str, ...]:
    """One sentence on the rows that could not be read, or none."""
    if not faults:
        return ()
    reasons = ", ".join(f"{fault} ({number})" for fault, number in sorted(Counter(faults).items()))
    return (f"{len(faults)} of {total} rows of {table} could not be read: {reasons}.",)
