"""Tables as values: what is required of one, and what BigQuery says of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from checks.pipeline import DayTime

# BigQuery's two spellings of one type: its API answers the legacy names, SQL and people use the others.
_LEGACY = {
    "INT64": "INTEGER",
    "FLOAT64": "FLOAT",
    "BOOL": "BOOLEAN",
    "STRUCT": "RECORD",
    "DECIMAL": "NUMERIC",
    "BIGDECIMAL": "BIGNUMERIC",
}
_MODERN = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
TYPES = (
    *("STRING", "BYTES", "INTEGER", "INT64", "FLOAT", "FLOAT64", "NUMERIC", "DECIMAL", "BIGNUMERIC", "BIGDECIMAL"),
    *("BOOLEAN", "BOOL", "TIMESTAMP", "DATE", "TIME", "DATETIME", "INTERVAL", "GEOGRAPHY", "JSON", "RECORD", "STRUCT"),
)
MODES = ("NULLABLE", "REQUIRED", "REPEATED")


def normal_type(name: str) -> str:
    """A type as BigQuery's API names it: ``INT64`` is ``INTEGER``, ``STRUCT`` is ``RECORD``."""
    return _LEGACY.get(name.upper(), name.upper())


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One field of a table. ``type`` is the API's name of it; ``mode`` None: any will do, NULLABLE where it is made.

    ``fields`` are those of a RECORD.
    """

    name: str
    type: str
    mode: str | None = None
    fields: tuple[Column, ...] = ()

    @property
    def made_as(self) -> str:
        """The mode with which it is created."""
        return self.mode or "NULLABLE"

    def sql_type(self) -> str:
        """Its type in BigQuery's SQL, with what a RECORD holds and ``ARRAY<>`` where it is repeated."""
        kind = _MODERN.get(self.type, self.type)
        if self.type == "RECORD":
            kind = f"STRUCT<{', '.join(f'`{field.name}` {field.sql_type()}' for field in self.fields)}>"
        return f"ARRAY<{kind}>" if self.made_as == "REPEATED" else kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitioning:
    """How a table is cut by time. ``column`` None: by the time of ingestion; ``unit`` DAY, HOUR, MONTH or YEAR.

    ``require_filter`` None, for a required table: either will do.
    """

    column: str | None
    unit: str = "DAY"
    require_filter: bool | None = None

    def words(self) -> str:
        """``game_date (day)``."""
        return f"{self.column or 'the time of ingestion'} ({self.unit.lower()})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """The newest value of a TIMESTAMP ``column`` must not be older than ``within``."""

    column: str
    within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOwed:
    """At least so many rows whose DATE ``column`` is the run date, for each run date that is owed, once it is due."""

    column: str
    at_least: int
    due: DayTime


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredTable:
    """What is demanded of one table, by its full name ``project.dataset.table``.

    Without ``columns`` its schema may be anything. None for ``partitioning``, ``clustering`` and ``expires_after``
    means that any will do; ``expires_after`` of zero: neither the table nor its partitions may expire.
    ``only``: of a table that exists only these columns are compared, and nothing else; for tables that nobody
    described, of which phasewatch reads just these. Required on run dates ``valid_from <= date < valid_until``.
    """

    name: str
    columns: tuple[Column, ...] = ()
    partitioning: Partitioning | None = None
    clustering: tuple[str, ...] | None = None
    expires_after: timedelta | None = None
    freshness: Freshness | None = None
    rows: RowsOwed | None = None
    pipeline: str | None = None
    only: frozenset[str] | None = None
    valid_from: date | None = None
    valid_until: date | None = None

    def valid_on(self, day: date) -> bool:
        """Whether it is required on that date."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day < self.valid_until
        )

    def compared(self) -> Iterator[Column]:
        """The columns that a table which exists is compared by; those nobody described have no mode of their own."""
        if self.only is None:
            yield from self.columns
        else:
            yield from (replace(column, mode=None) for column in self.columns if column.name in self.only)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTable:
    """What BigQuery's metadata says of a table. ``kind`` is TABLE, VIEW, EXTERNAL...

    ``expires_at``: when the table itself will be deleted; ``expires_after``: how long its partitions live.
    """

    name: str
    kind: str = "TABLE"
    columns: tuple[Column, ...] = ()
    partitioning: Partitioning | None = None
    partitioned_otherwise: str | None = None
    clustering: tuple[str, ...] = ()
    expires_at: datetime | None = None
    expires_after: timedelta | None = None


def full_name(table: str, project: str) -> str:
    """``project.dataset.table`` of a name that may lack its project."""
    return table if table.count(".") > 1 else f"{project}.{table}"
