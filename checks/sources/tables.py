"""What BigQuery says of tables: their metadata, which costs nothing, and a few bounded queries.

Identifiers come from the configuration and are validated once more before they are quoted into SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from checks.model import Evidence, utc
from checks.ports import QueryResult, SourceError, Warehouse
from checks.sql import quoted_column, quoted_table
from checks.tables.model import Column, Freshness, LiveTable, Partitioning, RowsOwed, normal_type
from checks.tables.partitions import Filled

ONE_READ_SECONDS = 10.0


class Metadata(Warehouse, Protocol):
    """A warehouse that also answers questions about its tables, through the client's own methods."""

    @property
    def project(self) -> str:
        """The project of names that have none."""
        ...

    def calls(self, sql: str = "") -> AbstractContextManager[tuple[Any, Any]]:
        """The client and the retry to pass to its methods; errors come out as SourceError."""
        ...


class TableSource:
    """What is known of tables. Holds no state but the warehouse."""

    def __init__(self, warehouse: Metadata) -> None:
        self._warehouse = warehouse

    @property
    def warehouse(self) -> Metadata:
        """Where the tables are: the same place knows the calendar."""
        return self._warehouse

    def live(self, table: str) -> LiveTable | None:
        """What the table looks like, from one metadata read (nothing is billed); None if there is no such table.

        Right after a table was made or dropped the service may answer with what was before.

        :raises SourceError: if it could not be asked.
        """
        try:
            with self._warehouse.calls() as (client, retry):
                found = client.get_table(table, retry=retry, timeout=ONE_READ_SECONDS)
        except SourceError as error:
            if error.kind == "missing":
                return None
            raise
        return live_table(table, found)

    def newest(self, live: LiveTable, freshness: Freshness, now: datetime) -> tuple[datetime | None, Evidence]:
        """When a table's newest row was written, as far as that is at most 31 days ago; None if it is not.

        :raises SourceError: as the warehouse does; ``invalid`` also for a column that holds no timestamps.
        """
        column = quoted_column(freshness.column)
        since = now - max(timedelta(days=31), freshness.within)
        result = self._warehouse.query(
            f"SELECT MAX({column}) AS newest FROM {quoted_table(live.name)} AS t"
            f" WHERE {column} >= @since{_every_partition(live)}",
            {"since": utc(since)},
            label="freshness",
        )
        newest = result.rows[0]["newest"]
        if newest is not None and not (isinstance(newest, datetime) and newest.tzinfo is not None):
            raise SourceError(
                f"Column {freshness.column} of {live.name} holds no timestamps.",
                kind="invalid",
                remedy="Name a column of type TIMESTAMP as the freshness column.",
                subject=live.name,
            )
        return None if newest is None else utc(newest), _cost(result)

    def rows(self, live: LiveTable, owed: RowsOwed, first: date, last: date) -> tuple[Mapping[date, int], Evidence]:
        """Rows per run date ``first`` to ``last``; a date without any is not in it.

        :raises SourceError: as the warehouse does; ``invalid`` also for a column that holds no dates.
        """
        column = quoted_column(owed.column)
        result = self._warehouse.query(
            f"SELECT {column} AS run_day, COUNT(*) AS number FROM {quoted_table(live.name)} AS t"
            f" WHERE {column} BETWEEN @first AND @last{_every_partition(live)} GROUP BY run_day",
            {"first": first, "last": last},
            label="table-rows",
        )
        if any(type(record["run_day"]) is not date for record in result.rows):
            raise SourceError(
                f"Column {owed.column} of {live.name} holds no dates.",
                kind="invalid",
                remedy="Name a column of type DATE as the column of rows.",
                subject=live.name,
            )
        return {record["run_day"]: int(record["number"]) for record in result.rows}, _cost(result)

    def partitions(self, datasets: Sequence[str], first: date, last: date) -> tuple[list[Filled], Evidence]:
        """The dates with rows of every table in the datasets, from ``first`` to ``last``, by ONE metadata query.

        Rows that still lie in a streaming buffer are in no partition yet. A dataset of which nothing came is named in
        ``unseen``. BigQuery answers for at most 1,000 tables at once and bills at least 10 MB.

        :raises SourceError: as the warehouse does; ``invalid`` also for a dataset that does not exist.
        """
        parts = " UNION ALL ".join(
            f"SELECT '{dataset}' AS dataset, p.table_name AS name, p.partition_id AS part, p.total_rows AS number"
            f" FROM {_partitions_of(dataset)} AS p"
            for dataset in datasets
        )
        day = "SUBSTR(t.part, 1, 8)"
        by_day = f"REGEXP_CONTAINS(t.part, r'^[0-9]{{8}}([0-9]{{2}})?$') AND {day} BETWEEN @first AND @last"
        try:
            result = self._warehouse.query(
                f"SELECT t.dataset, t.name, STRING_AGG(DISTINCT IF(t.number > 0 AND {by_day}, {day}, NULL)) AS days"
                f" FROM ({parts}) AS t GROUP BY t.dataset, t.name",
                {"first": f"{first:%Y%m%d}", "last": f"{last:%Y%m%d}"},
                label="partitions",
            )
        except SourceError as error:
            if error.kind != "missing":
                raise
            raise SourceError(
                f"A dataset of the setting partitions.datasets does not exist: {error}",
                kind="invalid",
                remedy="Correct its name in the configuration.",
            ) from error
        filled = [
            Filled(table=f"{record['dataset']}.{record['name']}", days=_days(record["days"])) for record in result.rows
        ]
        answered = {record["dataset"] for record in result.rows}
        unseen = tuple(
            f"The dataset {dataset} holds no table that could be seen."
            for dataset in datasets
            if dataset not in answered
        )
        counts = {"datasets": len(answered), "tables": len(filled), "dates_with_rows": sum(len(f.days) for f in filled)}
        return filled, Evidence(counts=counts, queries=1, bytes_billed=result.bytes_billed, unseen=unseen)


def live_table(name: str, found: Any) -> LiveTable:
    """A ``google.cloud.bigquery.Table`` as a value.

    The filter on partitions is demanded by the table (``requirePartitionFilter``), or, where an older client made it,
    by its partitioning.
    """
    time, ranges = found.time_partitioning, found.range_partitioning
    expires_ms = time.expiration_ms if time else None
    # The nested one has a getter that warns of being deprecated; the wire format is what counts here.
    nested = (found.to_api_repr().get("timePartitioning") or {}).get("requirePartitionFilter")
    return LiveTable(
        name=name,
        kind=found.table_type or "TABLE",
        columns=tuple(_column(field) for field in found.schema),
        partitioning=Partitioning(
            column=time.field, unit=time.type_ or "DAY", require_filter=bool(found.require_partition_filter or nested)
        )
        if time
        else None,
        partitioned_otherwise=f"by ranges of {ranges.field}" if ranges else None,
        clustering=tuple(found.clustering_fields or ()),
        expires_at=None if found.expires is None else utc(found.expires),
        expires_after=None if expires_ms is None else timedelta(milliseconds=expires_ms),
    )


def _column(field: Any) -> Column:
    return Column(
        name=field.name,
        type=normal_type(field.field_type),
        mode=(field.mode or "NULLABLE").upper(),
        fields=tuple(_column(inner) for inner in field.fields),
    )


def _partitions_of(dataset: str) -> str:
    """The view of a dataset named ``project.dataset``, quoted."""
    quoted_table(f"{dataset}.x")  # refuses what is no name
    project, _, name = dataset.rpartition(".")
    return f"`{project}`.`{name}`.INFORMATION_SCHEMA.PARTITIONS"


def _every_partition(live: LiveTable) -> str:
    """The condition, with its AND, that a table demands which requires a filter on its partitions: all of them."""
    parts = live.partitioning
    if parts is None or not parts.require_filter:
        return ""
    if parts.column is None:
        return " AND _PARTITIONTIME >= TIMESTAMP '1970-01-01'"
    kind = next((column.type for column in live.columns if column.name == parts.column), "DATE")
    return f" AND {quoted_column(parts.column)} >= {kind} '0001-01-01'"


def _days(listed: str | None) -> tuple[date, ...]:
    found = []
    for text in (listed or "").split(","):
        try:
            found.append(date.fromisoformat(text))
        except ValueError:  # nothing listed, or a number of eight digits that is no day
            continue
    return tuple(sorted(found))


def _cost(result: QueryResult) -> Evidence:
    return Evidence(queries=1, bytes_billed=result.bytes_billed)
