"""Writing completions and calendar rows: what ``phasewatch record`` does, for people, for replays and for the demo.

The warehouse's identity must be one that may write, which the daemon's need not. Completions are appended by one load
job. Calendar rows are merged by one statement: a repeated load replaces.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from checks.pipeline import Pipeline
from checks.ports import SourceError
from checks.sources.bigquery import BigQueryWarehouse
from checks.tables.known import GAME_ID
from checks.tables.model import RequiredTable
from monitor.record_rows import (
    Completions,
    RecordError,
    Schedule,
    calendar_table,
    unknown_field,
)
from monitor.table_apply import make_missing

if TYPE_CHECKING:
    from google.cloud import bigquery

Progress = Callable[[str], None]

# A merge carries its rows in the request, of which BigQuery takes 10 MB.
MERGE_LIMIT_BYTES = 5_000_000
SHOWN_PROBLEMS = 20

# How a value comes out of the text of a JSON object, by the type of its column.
_CASTS = {
    "STRING": "{}",
    **dict.fromkeys(("INTEGER", "INT64"), "CAST({} AS INT64)"),
    **dict.fromkeys(("FLOAT", "FLOAT64"), "CAST({} AS FLOAT64)"),
    **dict.fromkeys(("BOOLEAN", "BOOL"), "CAST({} AS BOOL)"),
    **{kind: f"CAST({{}} AS {kind})" for kind in ("DATE", "TIMESTAMP", "DATETIME", "TIME", "NUMERIC")},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What was done: rows written to ``table``, tables that had to be created, rows left out, and what to know."""

    table: str
    rows: int
    created: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def record_completions(
    warehouse: BigQueryWarehouse,
    pipeline: Pipeline,
    completions: Completions,
    *,
    create: Sequence[RequiredTable] = (),
    skip_bad: bool = False,
    progress: Progress = lambda _: None,
) -> Recorded:
    """Append completions to the pipeline's table in one load job.

    ``create`` (embedded mode): tables that are made first if they are missing. ``skip_bad``: leave out rows with
    problems instead of writing nothing. A row that is given twice is written twice, as the pipeline's recorder does.

    :raises RecordError: for problems, or a missing table; nothing was written.
    :raises SourceError: if BigQuery cannot be asked or refuses.
    """
    _refuse(completions.problems, skip_bad=skip_bad)
    table = pipeline.completions.table
    created = make_missing(warehouse, create, progress=progress)
    live = _live_columns(warehouse, table)
    absent = sorted(
        {key for row in completions.rows for key, value in row.items() if value not in (None, [])} - {*live}
    )
    if absent:
        raise RecordError(f"{table} has no column {', '.join(absent)}", remedy=f"its columns are {', '.join(live)}")
    if completions.rows:
        from google.cloud import bigquery

        progress(f"writing {len(completions.rows)} rows to {table}")
        data = b"".join(
            json.dumps({key: value for key, value in row.items() if key in live}).encode() + b"\n"
            for row in completions.rows
        )
        with warehouse.calls() as (client, retry):
            # Not repeated on failure (num_retries): an append that arrived would then be there twice. Without a size,
            # since the embedded server takes resumable uploads only.
            job = client.load_table_from_file(
                io.BytesIO(data),
                _reference(table, warehouse.project),
                job_config=bigquery.LoadJobConfig(
                    source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
                    write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
                    create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
                    schema=list(live.values()),
                    labels={"app": "phasewatch", "phasewatch_check": "record"},
                ),
                num_retries=0,
                timeout=60.0,
            )
            job.result(retry=retry, timeout=60.0)
    return Recorded(table=table, rows=len(completions.rows), created=created, skipped=completions.problems)


def record_schedule(
    warehouse: BigQueryWarehouse,
    pipeline: Pipeline,
    schedule: Schedule,
    *,
    create: Sequence[RequiredTable] = (),
    skip_bad: bool = False,
    progress: Progress = lambda _: None,
) -> Recorded:
    """Merge rows into the pipeline's calendar by date and game id, all or nothing.

    Dates in ``schedule.whole`` hold exactly the given rows afterwards; other dates keep the games that are not given.
    In a table without a column ``game_id`` every given date is replaced as a whole.

    A date without games has no row. That says "no games" only between the calendar's first and last date, so one that
    lies at its edge cannot be written: it stays unknown until a date beyond it has a row, and ``notes`` says so.

    :raises RecordError: for problems, a missing table, or fields that it does not have; nothing was written.
    :raises SourceError: if BigQuery cannot be asked or refuses.
    """
    _refuse(schedule.problems, skip_bad=skip_bad)
    calendar = calendar_table(pipeline)
    table, column = calendar.table, calendar.date_column
    created = make_missing(warehouse, create, progress=progress)
    live = _live_columns(warehouse, table)
    has_ids = GAME_ID in live
    rows = [
        (place, {key: value for key, value in row.items() if has_ids or key != GAME_ID}) for place, row in schedule.rows
    ]
    _refuse([f"{place}: {unknown_field(key, live)}" for place, row in rows for key in row if key not in live])
    days = {date.fromisoformat(row[column]) for _, row in rows}
    whole = schedule.whole if has_ids else schedule.whole | days
    if rows or whole:
        progress(f"merging {len(rows)} rows into {table}")
        texts = [json.dumps(row) for _, row in rows] or ["{}"]
        if sum(map(len, texts)) > MERGE_LIMIT_BYTES:
            raise RecordError(
                f"{len(rows)} calendar rows are too many for one load", remedy="split the file, a season each"
            )
        keys = (column, GAME_ID) if has_ids else (column,)
        used = [name for name in live if name in keys or any(name in row for _, row in rows)]
        params: dict[str, Any] = {"rows": texts, "first": min(days | whole), "last": max(days | whole)}
        if whole:
            params["whole"] = sorted(whole)
        warehouse.query(
            _merge(table, column, {name: live[name].field_type for name in used}, has_ids=has_ids, whole=bool(whole)),
            params,
            label="record",
        )
    return Recorded(
        table=table,
        rows=len(rows),
        created=created,
        skipped=schedule.problems,
        notes=_beyond_the_edges(warehouse, table, column, sorted(whole - days)),
    )


def _refuse(problems: Sequence[str], *, skip_bad: bool = False) -> None:
    """:raises RecordError: if there are problems, unless they may be skipped."""
    if not problems or skip_bad:
        return
    more = len(problems) - SHOWN_PROBLEMS
    shown = [*problems[:SHOWN_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]
    raise RecordError(
        "nothing was written: " + "; ".join(shown),
        problems=problems,
        remedy="correct the rows, or leave the bad ones out with --skip-bad",
    )


# -- tables -----------------------------------------------------------------------------------------------------------


def _reference(table: str, project: str) -> bigquery.TableReference:
    from google.cloud import bigquery

    return bigquery.TableReference.from_string(table, default_project=project)


def _live_columns(warehouse: BigQueryWarehouse, table: str) -> dict[str, bigquery.SchemaField]:
    """The table's columns as they are.

    :raises RecordError: if there is no such table.
    """
    try:
        with warehouse.calls() as (client, retry):
            live = client.get_table(_reference(table, warehouse.project), retry=retry, timeout=10.0)
            return {field.name: field for field in live.schema}
    except SourceError as error:
        if error.kind != "missing":
            raise
        raise RecordError(
            f"the table {table} does not exist in project {warehouse.project}",
            remedy="`phasewatch tables apply` makes it; or correct its name in the configuration",
        ) from error


def _merge(table: str, column: str, kinds: Mapping[str, str], *, has_ids: bool, whole: bool) -> str:
    """The statement that merges ``@rows`` (JSON objects) into a calendar. Names come from the live table's schema."""
    if unsupported := [name for name, kind in kinds.items() if kind not in _CASTS]:
        name = unsupported[0]
        raise RecordError(f"the column {name} of {table} has type {kinds[name]}, which record cannot write")
    if not re.fullmatch(r"[\w.:-]+", table):
        raise RecordError(f"not the name of a table: {table!r}")
    extracted = {name: _CASTS[kind].format(f"JSON_VALUE(r, '$.{name}')") for name, kind in kinds.items()}
    values = ", ".join(f"{value} AS `{name}`" for name, value in extracted.items())
    names = ", ".join(f"`{name}`" for name in kinds)
    # The constant bounds are for tables that demand a filter on their partitions.
    matches = (
        f"t.`{column}` = s.`{column}` AND t.`{GAME_ID}` = s.`{GAME_ID}` AND t.`{column}` BETWEEN @first AND @last"
        if has_ids
        else "FALSE"
    )
    parts = [
        f"MERGE `{table}` AS t",
        f"USING (SELECT {values} FROM UNNEST(@rows) AS r WHERE JSON_VALUE(r, '$.{column}') IS NOT NULL) AS s",
        f"ON {matches}",
        f"WHEN NOT MATCHED BY TARGET THEN INSERT ({names}) VALUES ({', '.join(f's.`{name}`' for name in kinds)})",
    ]
    if has_ids and (updates := [f"`{n}` = s.`{n}`" for n in kinds if n not in (column, GAME_ID)]):
        parts.append(f"WHEN MATCHED THEN UPDATE SET {', '.join(updates)}")
    if whole:
        parts.append(
            f"WHEN NOT MATCHED BY SOURCE AND t.`{column}` BETWEEN @first AND @last "
            f"AND t.`{column}` IN UNNEST(@whole) THEN DELETE"
        )
    return "\n".join(parts)


def _beyond_the_edges(warehouse: BigQueryWarehouse, table: str, column: str, empty: Sequence[date]) -> tuple[str, ...]:
    """A note for dates without games of which the calendar says nothing, since no row lies beyond them."""
    if not empty:
        return ()
    ends = warehouse.query(
        f"SELECT MIN(`{column}`) AS first_day, MAX(`{column}`) AS last_day FROM `{table}` "
        f"WHERE `{column}` >= DATE '0001-01-01'",
        {},
        label="record",
    ).rows[0]
    first, last = ends["first_day"], ends["last_day"]
    outside = [str(day) for day in empty if first is None or not first <= day <= last]
    if not outside:
        return ()
    covers = f"which covers {first} to {last}" if first else "which is empty"
    listed = ", ".join(outside)
    return (f"{listed}: no games, but outside the calendar, {covers}; unknown until a date beyond has games",)
