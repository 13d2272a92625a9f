"""The calendar's part of a pipeline's settings: where run dates come from, breaks, seasons, halts.

Strict and frozen like all settings; every mistake is reported at its own place (``checks.mistakes``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema

from checks.fields import Column, Day, ListOf, Table
from checks.mistakes import Mistake, Section, kind_of, mistakes_of, refuse
from checks.phases.calendar import (
    Calendar,
    CalendarList,
    CalendarQuery,
    CalendarTable,
    DateSpan,
    HaltQuery,
    HaltTable,
    Pauses,
    cron_days,
    every_day,
)

_LONGEST_SQL = 20_000
_DAY: TypeAdapter[date] = TypeAdapter(Day)


def _cron(value: object) -> str:
    if not isinstance(value, str):
        raise Mistake(message=f"expected a cron expression, found {kind_of(value)}", hint='write "0 0 * * 1-5"').error()
    try:
        cron_days(value)
    except ValueError as error:
        hint = 'five fields, for example "0 0 * * 1-5" for Monday to Friday'
        raise Mistake(message=f"not a cron expression: {error}", hint=hint).error() from None
    return str(value)


def _query(value: str) -> str:
    if not value.strip().rstrip(";").strip():
        raise Mistake(message="must not be empty").error()
    return value


Cron = Annotated[str, BeforeValidator(_cron)]
Sql = Annotated[str, Field(max_length=_LONGEST_SQL), AfterValidator(_query)]
Reason = Annotated[str, Field(min_length=1, max_length=100)]


class SeasonSettings(Section):
    """Run dates between which runs are owed: ``from <= run date < until``."""

    from_: Day | None = Field(default=None, alias="from", description="its first date")
    until: Day | None = Field(default=None, description="the first date after it")

    def contradictions(self) -> Iterator[Mistake]:
        """Says that the span is empty, or says nothing."""
        if self.from_ is None and self.until is None:
            yield Mistake(message="neither from nor until", hint="give one of them")
        if self.from_ and self.until and self.from_ >= self.until:
            yield Mistake(message="must be later than from", hint="until is the first date after it", at=("until",))


class HaltSettings(SeasonSettings):
    """A deliberate halt. Without ``until`` it lasts until it is taken out."""

    reason: Reason | None = Field(default=None, description="why, for people")

    def to_span(self) -> DateSpan:
        """The value meant."""
        return DateSpan(first=self.from_, until=self.until, reason=self.reason)


class BreakSettings(HaltSettings):
    """Dates on which nothing is owed. A bare date stands for that one date."""

    from_: Day = Field(alias="from", description="its first date")
    until: Day | None = Field(default=None, description="the first date after it; only one date if left out")

    def to_span(self) -> DateSpan:
        """The value meant."""
        return DateSpan(first=self.from_, until=self.until or self.from_ + timedelta(days=1), reason=self.reason)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A mapping or a bare date."""
        return {"anyOf": [_DAY.json_schema(), handler.resolve_ref_schema(handler(core))]}


def _break(value: object) -> object:
    if isinstance(value, Mapping | BreakSettings):
        return value
    try:
        return {"from": _DAY.validate_python(value)}
    except ValidationError as error:
        refuse(mistakes_of(error))
        raise


class HaltStateSettings(Section):
    """Where the pipeline itself keeps its halts: a table, or SQL."""

    table: Table | None = Field(default=None, description="table with one row per halt")
    from_: Column = Field(default="from_date", alias="from", description="its column with the first date of a halt")
    until: Column = Field(default="until_date", description="its column with the first date after it; NULL: open")
    reason: Column = Field(default="reason", description="its column with the reason")
    sql: Sql | None = Field(
        default=None, description="a query with the columns from_date, until_date, reason; may use @first and @last"
    )

    def contradictions(self) -> Iterator[Mistake]:
        """One of the two, and columns only where there is a table."""
        if (self.table is None) == (self.sql is None):
            yield Mistake(message="needs a table or sql, one of them")
        if self.sql is not None and self.model_fields_set & {"from_", "until", "reason"}:
            yield Mistake(message="column names go with a table", hint="name the columns in the SQL")

    def to_halt_state(self) -> HaltTable | HaltQuery:
        """The value meant."""
        if self.sql is not None:
            return HaltQuery(sql=self.sql)
        if self.table is None:
            raise AssertionError("one of the two was demanded")
        return HaltTable(table=self.table, from_column=self.from_, until_column=self.until, reason_column=self.reason)


_KINDS = ("table", "sql", "dates", "cron", "every")


class CalendarSettings(Section):
    """On which run dates a run is owed: one of table, sql, dates, cron and every; then breaks and seasons."""

    table: Table | None = Field(
        default=None, description="table with at least one row per run date on which a run is owed"
    )
    date: Column | None = Field(default=None, description="its date column; the pipeline's run_date if left out")
    sql: Sql | None = Field(
        default=None, description="a query whose column run_date holds these dates; may use @first and @last"
    )
    dates: ListOf[Day] = Field(default=(), description="the dates themselves; beyond the last one nobody knows")
    cron: Cron | None = Field(default=None, description='every date that fits a cron\'s day fields: "0 0 * * 1-5"')
    every: Literal["day"] | None = Field(default=None, description="day: a run is owed on each date")
    exclude: ListOf[Annotated[BreakSettings, BeforeValidator(_break)]] = Field(
        default=(), description="dates and breaks on which nothing is owed"
    )
    season: ListOf[SeasonSettings] = Field(default=(), description="when runs are owed at all; all year if left out")

    def contradictions(self) -> Iterator[Mistake]:
        """More than one place that run dates come from, or none."""
        given = [kind for kind in _KINDS if getattr(self, kind)]
        if not given:
            yield Mistake(message="says no run dates", hint="give one of table, sql, dates, cron and every")
        if len(given) > 1:
            yield Mistake(message=f"run dates come from one place, not from {' and '.join(given)}", at=(given[1],))
        if self.date is not None and self.table is None:
            yield Mistake(message="the date column goes with a table", at=("date",))

    def to_calendar(self, run_date: str) -> Calendar:
        """The value meant; ``run_date`` is what the pipeline calls its run date."""
        if self.table is not None:
            return CalendarTable(table=self.table, date_column=self.date or run_date)
        if self.sql is not None:
            return CalendarQuery(sql=self.sql)
        if self.cron is not None:
            return cron_days(self.cron)
        return CalendarList(dates=tuple(sorted(set(self.dates)))) if self.dates else every_day()

    def to_pauses(self, halts: tuple[HaltSettings, ...], halt_state: HaltStateSettings | None) -> Pauses:
        """Breaks and seasons with the halts of the pipeline."""
        return Pauses(
            exclude=tuple(item.to_span() for item in self.exclude),
            season=tuple(DateSpan(first=item.from_, until=item.until) for item in self.season),
            halts=tuple(item.to_span() for item in halts),
            halt_state=halt_state.to_halt_state() if halt_state else None,
        )
