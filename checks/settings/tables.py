"""Required tables in ``config.yaml``: how each must look, how fresh it must be, and what was retired on purpose."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, PlainSerializer, WithJsonSchema
from pydantic_core import CoreSchema

from checks.fields import Column, Day, Duration, ListOf, Span, Table, at_least, matching
from checks.mistakes import Mistake, Section, kind_of, unknown
from checks.settings.days import DayTimeSettings, ValiditySettings
from checks.tables.model import (
    MODES,
    TYPES,
    Freshness,
    Partitioning,
    RequiredTable,
    RowsOwed,
    full_name,
    normal_type,
)
from checks.tables.model import Column as TableColumn

if TYPE_CHECKING:
    from checks.tables.partitions import PartitionRules

Dataset = Annotated[
    str,
    matching(r"(?:[a-z][a-z0-9-]{4,28}[a-z0-9]\.)?[A-Za-z0-9_]{1,1024}", "the name of a dataset", "write dataset"),
    WithJsonSchema({"type": "string"}),
]


def _word(value: object, what: str, known: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        raise Mistake(message=f"expected {what}, found {kind_of(value)}").error()
    if value.upper() not in known:
        mistake = unknown(what, value, known)
        raise mistake.error()
    return value.upper()


FieldType = Annotated[
    str,
    BeforeValidator(lambda value: normal_type(_word(value, "type of a field", TYPES))),
    WithJsonSchema({"enum": list(TYPES)}),
]
Mode = Annotated[
    str, BeforeValidator(lambda value: _word(value, "mode of a field", MODES)), WithJsonSchema({"enum": list(MODES)})
]


def _days(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if value == "never":
        return timedelta(0)
    found = re.fullmatch(r"([1-9][0-9]{0,4}) ?d", value) if isinstance(value, str) else None
    if found is None:
        raise Mistake(message="expected never, or days", hint="write never, or 400d").error()
    return timedelta(days=int(found[1]))


Expiration = Annotated[
    timedelta,
    BeforeValidator(_days),
    PlainSerializer(lambda span: f"{span.days}d" if span else "never", return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^(never|[1-9][0-9]{0,4} ?d)$", "examples": ["never", "400d"]}),
]


def _field(value: object) -> object:
    if not isinstance(value, str):
        return value
    words = value.split()
    if len(words) not in (2, 3):
        raise Mistake(message="expected a name, a type and maybe a mode", hint="write phase STRING REQUIRED").error()
    return dict(zip(("name", "type", "mode"), words, strict=False))


def _named(key: str) -> Callable[[object], object]:
    """For a section that a bare name may stand for."""
    return lambda value: {key: value} if isinstance(value, str) else value


class FieldSettings(Section):
    """One field. ``phase STRING REQUIRED`` is short for a mapping; without a mode any mode will do."""

    name: Column = Field(description="its name")
    type: FieldType = Field(description="its type in BigQuery, STRING or INT64 for example")
    mode: Mode | None = Field(default=None, description="NULLABLE, REQUIRED or REPEATED; any will do if left out")
    fields: ListOf[Annotated[FieldSettings, BeforeValidator(_field)]] = Field(
        default=(), description="the fields of a RECORD"
    )

    def contradictions(self) -> Iterator[Mistake]:
        """Fields go with a record, and a record has some."""
        if (self.type == "RECORD") != bool(self.fields):
            message = "a RECORD needs its fields" if not self.fields else "only a RECORD has fields of its own"
            yield Mistake(message=message, at=("fields",) if self.fields else ())
        yield from _twice(self.fields)

    def to_column(self) -> TableColumn:
        """The value meant."""
        return TableColumn(
            name=self.name,
            type=self.type,
            mode=self.mode,
            fields=tuple(field.to_column() for field in self.fields),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A mapping or a line of text."""
        short = {"type": "string", "examples": ["phase STRING REQUIRED"]}
        return {"anyOf": [short, handler.resolve_ref_schema(handler(core))]}


def _twice(fields: tuple[FieldSettings, ...], at: str = "fields") -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for index, field in enumerate(fields):
        if first.setdefault(field.name.lower(), index) != index:
            yield Mistake(message=f"the same name as {at}[{first[field.name.lower()]}]", at=(at, index))


class PartitioningSettings(Section):
    """How it is partitioned by time. A bare name is the column, by day."""

    field: Column | None = Field(default=None, description="its DATE or TIMESTAMP column; by ingestion if left out")
    by: Literal["hour", "day", "month", "year"] = Field(default="day", description="hour, day, month or year")
    require_filter: bool | None = Field(
        default=None, description="whether queries must filter on it; either will do if left out"
    )

    def to_partitioning(self) -> Partitioning:
        """The value meant."""
        return Partitioning(column=self.field, unit=self.by.upper(), require_filter=self.require_filter)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A mapping or a bare name."""
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(core))]}


class FreshnessSettings(Section):
    """How old its newest row may be."""

    column: Column = Field(description="its TIMESTAMP column that says when a row was written")
    within: Span = Field(description="how old the newest row may be while runs are owed")


class RowsSettings(Section):
    """Rows for each run date that is owed."""

    column: Column | None = Field(default=None, description="its DATE column with the run date; run_date if left out")
    at_least: int = Field(default=1, ge=1, le=1_000_000_000, description="how many rows a run date needs")
    due: DayTimeSettings = Field(description='by when, as {day: 1, time: "09:00"}')

    def to_rows(self, run_date: str) -> RowsOwed:
        """The value meant; ``run_date`` is what the pipeline calls its run date."""
        return RowsOwed(column=self.column or run_date, at_least=self.at_least, due=self.due.to_day_time())


class TableSettings(Section):
    """One required table. A bare name demands only that it exists."""

    name: Table = Field(description="the table")
    fields: ListOf[Annotated[FieldSettings, BeforeValidator(_field)]] = Field(
        default=(), description="its fields, in order; others do no harm"
    )
    partitioning: Annotated[PartitioningSettings, BeforeValidator(_named("field"))] | None = Field(
        default=None, description="how it is partitioned; anyhow if left out"
    )
    clustering: ListOf[Column] | None = Field(
        default=None, max_length=4, description="the columns it is clustered by, in order; [] for none"
    )
    expiration: Expiration | None = Field(
        default=None, description="never, or how many days its partitions are kept; anything if left out"
    )
    freshness: FreshnessSettings | None = Field(default=None, description="how old its newest row may be")
    rows: RowsSettings | None = Field(default=None, description="rows for each run date (tables of a pipeline)")
    valid: ValiditySettings | None = Field(default=None, description="the run dates for which it is required")

    def contradictions(self) -> Iterator[Mistake]:
        """Names that are twice there, or not among the fields."""
        yield from _twice(self.fields)
        known = {field.name.lower(): field for field in self.fields}
        named: list[tuple[tuple[str | int, ...], str | None]] = [
            (("partitioning", "field"), self.partitioning.field if self.partitioning else None),
            *((("clustering", index), name) for index, name in enumerate(self.clustering or ())),
            (("freshness", "column"), self.freshness.column if self.freshness else None),
            (("rows", "column"), self.rows.column if self.rows else None),
        ]
        for at, name in named:
            if known and name is not None and name.lower() not in known:
                mistake = unknown("field", name, (field.name for field in self.fields))
                yield Mistake(message=mistake.message, hint=mistake.hint, at=at)
        if self.expiration and self.partitioning is None:
            yield Mistake(message="days are for partitions, and there are none", hint="or never", at=("expiration",))

    def to_table(self, project: str, *, pipeline: str | None = None, run_date: str = "run_date") -> RequiredTable:
        """The value meant."""
        valid = self.valid
        return RequiredTable(
            name=full_name(self.name, project),
            columns=tuple(field.to_column() for field in self.fields),
            partitioning=self.partitioning.to_partitioning() if self.partitioning else None,
            clustering=self.clustering,
            expires_after=self.expiration,
            freshness=Freshness(column=self.freshness.column, within=self.freshness.within) if self.freshness else None,
            rows=self.rows.to_rows(run_date) if self.rows else None,
            pipeline=pipeline,
            valid_from=valid.from_ if valid else None,
            valid_until=valid.until if valid else None,
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A mapping or a bare name."""
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(core))]}


Tables = ListOf[Annotated[TableSettings, BeforeValidator(_named("name"))]]


def tables_twice(raw: object) -> Iterator[Mistake]:
    """Tables that a list, as it was written, names more than once."""
    first: dict[str, int] = {}
    for index, item in enumerate(raw if isinstance(raw, list | tuple) else ()):
        name = item.get("name") if isinstance(item, Mapping) else item
        if isinstance(name, str) and first.setdefault(name, index) != index:
            yield Mistake(message=f"the same table as tables[{first[name]}]", at=("tables", index))


class RetiredSettings(Section):
    """A table that stopped filling on purpose."""

    table: Table = Field(description="the table")
    reason: str = Field(min_length=1, max_length=200, description="why, for people")
    since: Day = Field(description="the first run date without rows")


class PartitionSettings(Section):
    """Where once a day all partitions are looked through for tables that stopped filling, and for holes."""

    datasets: ListOf[Dataset] = Field(min_length=1, max_length=20, description="the datasets looked through")
    due: DayTimeSettings = Field(description='by when a run date\'s rows are there, as {day: 2, time: "06:00"}')
    dark_after: int = Field(
        default=3, ge=1, le=60, description="run dates in a row without rows after which a daily table is told"
    )
    retired: ListOf[RetiredSettings] = Field(default=(), description="tables that stopped on purpose")

    def to_rules(self, project: str) -> PartitionRules:
        """The value meant."""
        from checks.tables.partitions import PartitionRules, Retired

        return PartitionRules(
            datasets=tuple(name if "." in name else f"{project}.{name}" for name in dict.fromkeys(self.datasets)),
            due=self.due.to_day_time(),
            dark_after=self.dark_after,
            retired=tuple(
                Retired(table=full_name(item.table, project), reason=item.reason, since=item.since)
                for item in self.retired
            ),
        )


Interval = Annotated[Duration, at_least(timedelta(seconds=5))]


class TableCheckSettings(Section):
    """The check of required tables."""

    enabled: bool = Field(default=True, description="whether this check runs")
    every: Interval = Field(default=timedelta(minutes=5), description="how often, at least 5s")
    look_back: int = Field(default=4, ge=1, le=60, description="of how many run dates rows are demanded, today's too")


class PartitionCheckSettings(Section):
    """The daily look through all partitions."""

    enabled: bool = Field(default=True, description="whether this check runs")
    every: Interval = Field(
        default=timedelta(hours=1), description="how often it sees whether another day's look is due, at least 5s"
    )
