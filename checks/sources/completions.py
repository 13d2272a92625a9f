"""The completions table of a pipeline, asked in BigQuery's standard SQL.

Each method is one query. Identifiers come from the configuration and are validated once more before they are quoted
into SQL; values are query parameters. Every query filters on the run-date column, which prunes partitions and satisfies
tables that are created with ``require_partition_filter``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from checks.completions.sql import column, completions_statement
from checks.model import Evidence, utc
from checks.pipeline import Pipeline
from checks.ports import CompletionRow, FoldedDay, QueryResult, Recording, SourceError, Warehouse
from checks.sql import quoted_table

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What was recorded: row by row, or folded where a phase has very many processors."""

    rows: Sequence[CompletionRow]
    folded: Sequence[FoldedDay] = ()


class CompletionTables:
    """What a pipeline's tables say. Holds no state but the warehouse; every answer comes with what it cost."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    @property
    def warehouse(self) -> Warehouse:
        """Where the tables are: the same place knows the calendar."""
        return self._warehouse

    def completions(self, pipeline: Pipeline, first: date, last: date, as_of: datetime) -> tuple[Recorded, Evidence]:
        """All completions for run dates ``first`` to ``last`` (both included) that had been inserted by ``as_of``.

        In no particular order. Rows that cannot be read (NULL where a value is required, a value of another type) are
        left out, counted as ``unreadable_rows`` and named in ``unseen``.

        :raises SourceError: as the warehouse does; ``invalid`` also for a name that is no identifier, and if rows came
            but none of them can be read: that is a table of another shape, not a pipeline without completions.
        """
        statement = completions_statement(pipeline, first, last, as_of)
        result = self._warehouse.query(statement.sql, statement.params, label=statement.label)
        rows, faults = [], Counter[str]()
        special: dict[str, list[Mapping[str, Any]]] = {}
        for record in result.rows:
            kind = record.get("kind", "row")
            if kind != "row":
                special.setdefault(kind, []).append(record)
            elif (fault := _fault(record)) is None:
                rows.append(_row(record))
            else:
                faults[fault] += record["row_count"]
        folded = _folded(special)
        counted = sum(row.rows for row in rows) + sum(day.processors for day in folded)
        table = pipeline.completions.table
        unseen = _unreadable(table, faults, counted)
        if unseen and not counted:
            raise SourceError(
                unseen[0],
                kind="invalid",
                remedy=f"Compare the column types of {table} with the columns configured for pipeline {pipeline.name}.",
                subject=table,
            )
        evidence = _cost(result, unseen, rows=counted, unreadable_rows=faults.total(), fetched_rows=len(result.rows))
        return Recorded(rows=rows, folded=folded), evidence

    def recording(self, pipeline: Pipeline, as_of: datetime) -> tuple[Recording, Evidence]:
        """How alive recording looked at ``as_of``: rows inserted in the 24 hours before it, whatever their run date.

        Backfill is what was inserted on a date, in the pipeline's zone, more than two days after its run date.

        :raises SourceError: as the warehouse does; ``invalid`` also for a name that is no identifier.
        """
        run_date, inserted_at = column(pipeline, "run_date"), column(pipeline, "inserted_at")
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
        run_date, inserted_at = column(pipeline, "run_date"), column(pipeline, "inserted_at")
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
        run_date = column(pipeline, "run_date")
        result = self._warehouse.query(
            f"SELECT MIN({run_date}) AS first_day, MAX({run_date}) AS last_day"
            f" FROM {quoted_table(pipeline.completions.table)} AS t WHERE {run_date} >= {_ALL_DATES}",
            {},
            label="doctor",
        )
        ends = result.rows[0]
        return ends["first_day"], ends["last_day"], _cost(result)


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
        rows=record["row_count"],
        executions=record["executions"],
        last_completed_at=utc(record["last_completed_at"]),
        insert_delay=timedelta(microseconds=record["delay"]),
    )


def _folded(records: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[FoldedDay]:
    """The phases and dates that came folded, with the moments and missing names that belong to them."""
    missing: dict[tuple[str, date], list[str]] = defaultdict(list)
    moments: dict[tuple[str, date], list[datetime]] = defaultdict(list)
    for record in records.get("missing", ()):
        missing[record["phase"], record["run_date"]].append(record["processor"])
    for record in records.get("moment", ()):
        moments[record["phase"], record["run_date"]].append(utc(record["completed_at"]))
    return [
        FoldedDay(
            phase=record["phase"],
            run_date=record["run_date"],
            processors=record["row_count"],
            missing=tuple(missing[record["phase"], record["run_date"]]),
            last_at=utc(record["completed_at"]),
            last_critical_at=utc(record["last_completed_at"]) if record["last_completed_at"] is not None else None,
            first_rank=record["executions"],
            moments=tuple(sorted(moments[record["phase"], record["run_date"]])),
        )
        for record in records.get("folded", ())
    ]


def _unreadable(table: str, faults: Counter[str], readable: int) -> tuple[str, ...]:
    """One sentence on the rows that could not be read, or none."""
    if not faults:
        return ()
    reasons = ", ".join(f"{fault} ({number})" for fault, number in sorted(faults.items()))
    number = faults.total()
    return (f"{number} of {number + readable} rows of {table} could not be read: {reasons}.",)
