"""Calendars as they are asked for: what needs a warehouse and what does not, and what a real one answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest

from checks.model import Evidence
from checks.phases.calendar import (
    CalendarList,
    CalendarQuery,
    DateSpan,
    HaltQuery,
    HaltTable,
    Pauses,
    cron_days,
)
from checks.pipeline import DayTime, Pipeline
from checks.ports import CalendarDays, QueryResult, SourceError, Warehouse
from checks.sources.bigquery import BigQueryWarehouse
from checks.sources.calendar import Calendars, RecentDays, statements
from tests.conftest import PROJECT
from tests.support.bigquery import dataset, run
from tests.support.pipelines import GAME_DAY, et, nba

MONDAY, SUNDAY = date(2026, 1, 12), date(2026, 1, 18)


class NoWarehouse:
    """For what must ask nobody."""

    def query(self, sql: str, params: Mapping[str, Any], *, label: str) -> QueryResult:
        raise AssertionError(sql)


@pytest.fixture
def warehouse(emulator: str) -> Iterator[BigQueryWarehouse]:
    made = BigQueryWarehouse(PROJECT, endpoint=emulator)
    yield made
    made.close()


def test_a_list_and_a_rule_ask_nobody() -> None:
    """And cost nothing."""
    weekdays = replace(nba(), calendar=cron_days("0 0 * * 1-5"))
    days, evidence = Calendars(NoWarehouse()).days(weekdays, MONDAY, SUNDAY)
    assert [day.day for day in days.runs] == [12, 13, 14, 15, 16]
    assert days.why_not(SUNDAY) == "no day of cron '0 0 * * 1-5'"
    assert evidence == Evidence(counts={"calendar_dates": 5})
    named = replace(nba(), calendar=CalendarList(dates=(MONDAY,)))
    days, _ = Calendars(NoWarehouse()).days(named, MONDAY, SUNDAY)
    assert (dict(days.runs), days.covers(SUNDAY)) == ({MONDAY: 1}, False)
    assert statements(weekdays, MONDAY, SUNDAY) == ()


class Counting:
    """A warehouse with a calendar of all January, and how often it was asked for which dates."""

    def __init__(self) -> None:
        self.asked: list[tuple[date, date]] = []

    def query(self, sql: str, params: Mapping[str, Any], *, label: str) -> QueryResult:
        self.asked.append((params["first"], params["last"]))
        january = [date(2026, 1, 1) + timedelta(days=number) for number in range(31)]
        rows = [{"run_day": day, "runs": 1, "first_day": january[0], "last_day": january[-1]} for day in january]
        return QueryResult(rows=rows, bytes_billed=0)


def test_recent_days_are_asked_for_once_an_hour_and_as_far_as_times_reach() -> None:
    """Three days back from the latest time of a run date, forward to the earliest; anew on another day."""
    warehouse = Counting()
    recent = RecentDays(Calendars(warehouse), [DayTime(day=-1, at=time(17)), DayTime(day=2, at=time(9))])
    at = et("2026-01-15 22:00")
    days, calendar, evidence = recent.of(nba(), at)
    assert (days[0], days[-1], evidence.queries) == (date(2026, 1, 10), date(2026, 1, 16), 1)
    assert calendar.owed(days[-1])
    for later, number in ((59, 1), (70, 2), (119, 2), (121, 3), (122, 3)):
        _, _, evidence = recent.of(nba(), at + timedelta(minutes=later))
        assert len(warehouse.asked) == number, later
    assert evidence == Evidence(), "what is known costs nothing again"
    recent.of(nba(), at)
    assert len(warehouse.asked) == 4, "the clock went back"
    _, _, evidence = recent.of(nba(), et("2026-01-31 12:00"))
    assert evidence.unseen == ("The calendar of nba does not cover 1 February 2026.",)


def test_dates_that_are_all_paused_ask_nobody() -> None:
    """In the off-season the schedule is not read at all."""
    halted = replace(nba(), pauses=Pauses(halts=(DateSpan(first=MONDAY, reason="off-season"),)))
    days, evidence = Calendars(NoWarehouse()).days(halted, MONDAY, SUNDAY)
    assert (days.why_not(SUNDAY), len(days.reasons), evidence) == ("halted: off-season", 7, Evidence())


@pytest.mark.parametrize("column", ["a b", "a`", "a.b", ""])
def test_a_column_of_the_halt_table_is_an_identifier_or_refused(column: str) -> None:
    """Before anybody is asked."""
    for name in ("from_column", "until_column", "reason_column"):
        table = HaltTable(table="ops.halts", from_column="a", until_column="b", reason_column="c")
        pipeline = replace(
            nba(), calendar=cron_days("0 0 * * *"), pauses=Pauses(halt_state=replace(table, **{name: column}))
        )
        with pytest.raises(SourceError) as refused:
            Calendars(NoWarehouse()).days(pipeline, MONDAY, SUNDAY)
        assert refused.value.kind == "invalid"


@pytest.mark.emulator
def test_a_table_knows_its_ends_beyond_the_dates_asked_for(warehouse: Warehouse, emulator: str) -> None:
    """Also where no date of the span has a run; an empty one covers nothing."""
    with dataset(emulator) as name:
        pipeline = nba(calendar=f"{name}.days")
        run(emulator, f"CREATE TABLE {name}.days (game_date DATE)")
        empty, evidence = Calendars(warehouse).days(pipeline, GAME_DAY, GAME_DAY)
        assert (empty, evidence.queries) == (CalendarDays(runs={}, first=None, last=None), 1)
        run(emulator, f"INSERT INTO {name}.days (game_date) VALUES (DATE '2026-01-10'), (DATE '2026-01-20')")
        days, _ = Calendars(warehouse).days(pipeline, date(2026, 1, 20), date(2026, 1, 22))
        beyond, _ = Calendars(warehouse).days(pipeline, date(2026, 2, 1), date(2026, 2, 2))
    first, last = date(2026, 1, 10), date(2026, 1, 20)
    assert days == CalendarDays(runs={last: 1}, first=first, last=last)
    assert beyond == CalendarDays(runs={}, first=first, last=last)


@pytest.mark.emulator
def test_a_calendar_without_dates_is_refused(warehouse: Warehouse, emulator: str) -> None:
    """A column of another type is a mistake in the configuration."""
    with dataset(emulator) as name:
        run(
            emulator,
            f"CREATE TABLE {name}.days (game_date TIMESTAMP)",
            f"INSERT INTO {name}.days (game_date) VALUES (TIMESTAMP '2026-01-12 00:00:00+00')",
        )
        for pipeline in (
            nba(calendar=f"{name}.days"),
            replace(nba(), calendar=CalendarQuery(sql=f"SELECT game_date AS run_date FROM {name}.days")),
        ):
            with pytest.raises(SourceError) as refused:
                Calendars(warehouse).days(pipeline, GAME_DAY, GAME_DAY)
            assert refused.value.kind == "invalid"


def sql_pipeline(sql: str, **pauses: Any) -> Pipeline:
    """The sample pipeline with a calendar of that SQL."""
    return replace(nba(), calendar=CalendarQuery(sql=sql), pauses=Pauses(**pauses))


@pytest.mark.emulator
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT day AS run_date FROM {name}.games WHERE sport = 'nba' AND day BETWEEN @first AND @last",
        "SELECT day AS run_date FROM {name}.games WHERE sport = 'nba' -- all of them",
        "WITH g AS (SELECT * FROM {name}.games) SELECT DISTINCT day run_date, 1 AS n FROM g WHERE sport = 'nba';\n",
    ],
)
def test_sql_answers_the_dates(warehouse: Warehouse, emulator: str, sql: str) -> None:
    """With or without its parameters, a comment or a semicolon at its end; its ends are the outermost dates."""
    with dataset(emulator) as name:
        run(
            emulator,
            f"CREATE TABLE {name}.games (day DATE, sport STRING)",
            f"INSERT INTO {name}.games (day, sport) VALUES (DATE '2026-01-10', 'nba'), (DATE '2026-01-12', 'nba'), "
            "(DATE '2026-01-13', 'mlb'), (DATE '2026-01-15', 'nba'), (NULL, 'nba')",
        )
        days, evidence = Calendars(warehouse).days(sql_pipeline(sql.format(name=name)), MONDAY, SUNDAY)
    assert days == CalendarDays(
        runs={MONDAY: 1, date(2026, 1, 15): 1},
        first=date(2026, 1, 10),
        last=date(2026, 1, 15),
        reasons=dict.fromkeys((date(2026, 1, 13), date(2026, 1, 14)), "no row from the calendar's SQL"),
    )
    assert (evidence.queries, days.covers(SUNDAY)) == (1, False)


@pytest.mark.emulator
def test_sql_that_does_not_fit_is_told(warehouse: BigQueryWarehouse, emulator: str) -> None:
    """A column or table that is not there, no column run_date, two statements; a dry run finds it as well."""
    with dataset(emulator) as name:
        run(emulator, f"CREATE TABLE {name}.games (day DATE)")
        for sql, kind in (
            (f"SELECT date AS run_date FROM {name}.games", "invalid"),
            (f"SELECT day FROM {name}.games", "invalid"),
            (f"SELECT day AS run_date FROM {name}.gone", "missing"),
            (f"SELECT day AS run_date FROM {name}.games; DROP TABLE {name}.games", "invalid"),
        ):
            with pytest.raises(SourceError) as refused:
                Calendars(warehouse).days(sql_pipeline(sql), MONDAY, SUNDAY)
            assert refused.value.kind == kind, sql


@pytest.mark.emulator
def test_halts_are_read_from_the_pipelines_own_table(warehouse: Warehouse, emulator: str) -> None:
    """Open ones too; halts outside the dates are left where they are."""
    with dataset(emulator) as name:
        run(
            emulator,
            f"CREATE TABLE {name}.halt_state (began DATE, ended DATE, why STRING)",
            f"INSERT INTO {name}.halt_state (began, ended, why) VALUES "
            "(DATE '2026-01-01', DATE '2026-01-12', 'holidays'), (DATE '2026-01-14', DATE '2026-01-15', 'snow'), "
            "(DATE '2026-01-17', NULL, NULL), (DATE '2026-01-19', NULL, 'later')",
        )
        table = HaltTable(table=f"{name}.halt_state", from_column="began", until_column="ended", reason_column="why")
        sql = f"SELECT began AS from_date, ended AS until_date, why AS reason FROM {name}.halt_state"
        answers = []
        for state in (table, HaltQuery(sql=sql)):
            pipeline = replace(nba(), calendar=cron_days("0 0 * * *"), pauses=Pauses(halt_state=state))
            answers.append(Calendars(warehouse).days(pipeline, MONDAY, SUNDAY))
    assert answers[0] == answers[1]
    days, evidence = answers[0]
    assert dict(days.reasons) == {
        date(2026, 1, 14): "halted until 2026-01-15: snow",
        date(2026, 1, 17): "halted",
        SUNDAY: "halted",
    }
    assert (len(days.runs), evidence.queries, dict(evidence.counts)) == (4, 1, {"halts": 2, "calendar_dates": 4})


@pytest.mark.emulator
def test_halts_that_cannot_be_read_are_no_absence_of_halts(warehouse: Warehouse, emulator: str) -> None:
    """A missing table is told; a time is no date."""
    with dataset(emulator) as name:
        gone = HaltTable(table=f"{name}.gone", from_column="a", until_column="b", reason_column="c")
        timed = HaltQuery(
            sql="SELECT TIMESTAMP '2026-01-01 00:00:00+00' AS from_date, NULL AS until_date, '' AS reason"
        )
        for state, kind in ((gone, "missing"), (timed, "invalid")):
            pipeline = replace(nba(), calendar=cron_days("0 0 * * *"), pauses=Pauses(halt_state=state))
            with pytest.raises(SourceError) as blind:
                Calendars(warehouse).days(pipeline, MONDAY, SUNDAY)
            assert blind.value.kind == kind
