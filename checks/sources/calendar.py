"""A pipeline's calendar: which run dates are owed, from a table, SQL, a list or a rule, and the halts it keeps itself.

What needs no warehouse asks none. Identifiers are validated once more before they are quoted into SQL; SQL of the
configuration runs as a subquery, so that it can be nothing but one query.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from checks.model import Evidence, day_words
from checks.phases.calendar import (
    CalendarQuery,
    CalendarTable,
    DateSpan,
    HaltQuery,
    HaltTable,
    Listed,
    dates_of,
    days_owed,
    listed,
)
from checks.pipeline import DayTime, Pipeline
from checks.ports import CalendarDays, SourceError, Warehouse
from checks.sql import Statement, quoted_column, quoted_table, subquery

# BigQuery's first date: a filter that every row passes and that still counts as a filter on the partition column.
_ALL_DATES = "DATE '0001-01-01'"
# SQL is asked for so many dates more on either side, to learn how far its calendar reaches.
_HORIZON = timedelta(days=366)
_KEPT = timedelta(hours=1)


class Calendars:
    """What pipelines' calendars say. Holds no state but the warehouse; every answer comes with what it cost."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def days(self, pipeline: Pipeline, first: date, last: date) -> tuple[CalendarDays, Evidence]:
        """Runs owed per date in ``first`` to ``last`` (both included), why not on the others, and the calendar's ends.

        An empty calendar covers nothing (``first`` and ``last`` of the answer are None). Where the configuration alone
        says that nothing is owed on any of the dates, nobody is asked and the ends are None too.

        :raises SourceError: as the warehouse does; ``invalid`` also for a name that is no identifier, or a column that
            holds no dates.
        """
        if all(pipeline.pauses.reason(day) is not None for day in dates_of(first, last)):
            return days_owed(pipeline.calendar, Listed(), pipeline.pauses, (), first=first, last=last), Evidence()
        held, cost = self._held(pipeline, first, last)
        halts, halt_cost = self._halts(pipeline, first, last)
        days = days_owed(pipeline.calendar, held, pipeline.pauses, halts, first=first, last=last)
        return days, cost.merged(halt_cost).merged(Evidence(counts={"calendar_dates": len(days.runs)}))

    def _held(self, pipeline: Pipeline, first: date, last: date) -> tuple[Listed, Evidence]:
        calendar = pipeline.calendar
        if not isinstance(calendar, CalendarTable | CalendarQuery):
            return listed(calendar, first, last), Evidence()
        statement = calendar_statement(calendar, first, last)
        result = self._warehouse.query(statement.sql, statement.params, label=statement.label)
        if any(type(record["run_day"]) is not date for record in result.rows):
            name = f"Column {calendar.date_column} of {calendar.table}" if isinstance(calendar, CalendarTable) else None
            raise SourceError(
                f"{name or 'The column run_date of the calendar SQL'} holds no dates.",
                kind="invalid",
                remedy="Name a column of type DATE as the calendar's date.",
                subject=calendar.table if isinstance(calendar, CalendarTable) else None,
            )
        runs = {record["run_day"]: int(record["runs"]) for record in result.rows}
        ends = result.rows[0] if result.rows else {"first_day": None, "last_day": None}
        held = Listed(runs=runs, first=ends["first_day"], last=ends["last_day"])
        return held, Evidence(queries=1, bytes_billed=result.bytes_billed)

    def _halts(self, pipeline: Pipeline, first: date, last: date) -> tuple[tuple[DateSpan, ...], Evidence]:
        state = pipeline.pauses.halt_state
        if state is None:
            return (), Evidence()
        statement = halt_statement(state, first, last)
        result = self._warehouse.query(statement.sql, statement.params, label=statement.label)
        halts = []
        for record in result.rows:
            begins, until, reason = record["from_date"], record["until_date"], record["reason"]
            if type(begins) is not date or not (until is None or type(until) is date):
                raise SourceError(
                    f"{statement.what}: a halt has no date to begin with, or ends with something else than a date.",
                    kind="invalid",
                    remedy="Both must be of type DATE; only the end may be NULL.",
                )
            halts.append(DateSpan(first=begins, until=until, reason=None if reason is None else str(reason)[:200]))
        return tuple(halts), Evidence(counts={"halts": len(halts)}, queries=1, bytes_billed=result.bytes_billed)


class RecentDays:
    """The run dates for which something may be under way, by the calendars. Asked once an hour: each time it costs.

    ``moments`` are times of run dates beside the phases' own; how far is looked follows from all of them, and ``back``
    days more, for what is told later.
    """

    def __init__(self, calendars: Calendars, moments: Iterable[DayTime] = (), *, back: int = 3) -> None:
        self._calendars = calendars
        self._offsets = [moment.day for moment in moments]
        self._back = back
        self._kept: dict[str, tuple[datetime, tuple[date, date], CalendarDays]] = {}

    def of(self, pipeline: Pipeline, now: datetime) -> tuple[list[date], CalendarDays, Evidence]:
        """The dates in their order, the calendar, and what asking it cost or what it does not cover.

        :raises SourceError: if it could not be asked.
        """
        own = (m.day for phase in pipeline.phases for m in (phase.start, phase.due) if m is not None)
        offsets = [0, *own, *self._offsets]
        today = now.astimezone(pipeline.zone).date()
        span = today - timedelta(days=self._back + max(offsets)), today - timedelta(days=min(offsets))
        kept = self._kept.get(pipeline.name)
        evidence = Evidence()
        if kept is not None and kept[1] == span and timedelta(0) <= now - kept[0] < _KEPT:
            calendar = kept[2]
        else:
            calendar, evidence = self._calendars.days(pipeline, *span)
            self._kept[pipeline.name] = (now, span, calendar)
        beyond = next((day for day in (today, span[1]) if not calendar.covers(day)), None)
        if beyond is not None:
            unseen = f"The calendar of {pipeline.name} does not cover {day_words(beyond)}."
            evidence = evidence.merged(Evidence(unseen=(unseen,)))
        return list(dates_of(*span)), calendar, evidence


def statements(pipeline: Pipeline, first: date, last: date) -> tuple[Statement, ...]:
    """Every query that the pipeline's calendar runs for those dates: what a dry run has to validate.

    :raises SourceError: ``invalid`` for a name that is no identifier.
    """
    answer = []
    if isinstance(pipeline.calendar, CalendarTable | CalendarQuery):
        answer.append(calendar_statement(pipeline.calendar, first, last))
    if pipeline.pauses.halt_state is not None:
        answer.append(halt_statement(pipeline.pauses.halt_state, first, last))
    return tuple(answer)


def calendar_statement(calendar: CalendarTable | CalendarQuery, first: date, last: date) -> Statement:
    """One row per date with the columns ``run_day``, ``runs``, and ``first_day`` and ``last_day`` of the calendar.

    A table is scanned once: the calendar's first date is always in the answer, so that the ends are known even when no
    date of the span is. SQL is asked for a year more on either side: its ends are the outermost dates it answers.

    :raises SourceError: ``invalid`` for a name that is no identifier.
    """
    if isinstance(calendar, CalendarTable):
        day = quoted_column(calendar.date_column)
        source = f"{quoted_table(calendar.table)} AS t WHERE {day} >= {_ALL_DATES}"
        wanted, reach, what = "run_day = first_day OR run_day BETWEEN @first AND @last", timedelta(0), "table"
    else:
        day, source = "t.run_date", f"{subquery(calendar.sql)} AS t"
        wanted, reach, what = "run_day IS NOT NULL", _HORIZON, "SQL"
    return Statement(
        what=f"the calendar's {what}",
        label="calendar",
        sql=(
            f"SELECT {day} AS run_day, COUNT(*) AS runs,"
            f" MIN({day}) OVER () AS first_day, MAX({day}) OVER () AS last_day"
            f" FROM {source} GROUP BY {day} QUALIFY {wanted}"
        ),
        params={"first": first - reach, "last": last + reach},
        table=calendar.table if isinstance(calendar, CalendarTable) else None,
        settings={calendar.date_column: "calendar.date"} if isinstance(calendar, CalendarTable) else {},
    )


def halt_statement(state: HaltTable | HaltQuery, first: date, last: date) -> Statement:
    """One row per halt that touches the dates: ``from_date``, ``until_date``, ``reason``.

    :raises SourceError: ``invalid`` for a name that is no identifier.
    """
    if isinstance(state, HaltTable):
        begins, until = quoted_column(state.from_column), quoted_column(state.until_column)
        source = (
            f"(SELECT {begins} AS from_date, {until} AS until_date, {quoted_column(state.reason_column)} AS reason"
            f" FROM {quoted_table(state.table)} AS t WHERE {begins} <= @last)"
        )
        what = f"halts in {state.table}"
    else:
        source, what = subquery(state.sql), "the SQL of halt_state"
    return Statement(
        what=what,
        label="halts",
        sql=(
            f"SELECT h.from_date, h.until_date, h.reason FROM {source} AS h"
            " WHERE h.from_date <= @last AND (h.until_date IS NULL OR h.until_date > @first)"
        ),
        params={"first": first, "last": last},
        table=state.table if isinstance(state, HaltTable) else None,
        settings={
            state.from_column: "halt_state.from",
            state.until_column: "halt_state.until",
            state.reason_column: "halt_state.reason",
        }
        if isinstance(state, HaltTable)
        else {},
    )
