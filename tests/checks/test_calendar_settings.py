"""The calendar's settings: what may be written, what it means, and where mistakes are told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from checks.phases.calendar import (
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
from checks.pipeline import Pipeline
from tests.support.config import changed, loaded, said


def pipeline(folder: Path, calendar: str, more: str = "") -> Pipeline:
    """The good pipeline with that calendar."""
    text = changed("calendar: {table: ref.schedule}", f"calendar: {calendar}{more}")
    return loaded(folder, text).pipelines[0].to_pipeline()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{table: ref.days}", CalendarTable(table="ref.days", date_column="run_date")),
        ("{table: ref.days, date: day}", CalendarTable(table="ref.days", date_column="day")),
        ('{sql: "SELECT d AS run_date FROM x.y"}', CalendarQuery(sql="SELECT d AS run_date FROM x.y")),
        (
            '{dates: [2026-01-14, "2026-01-12", 2026-01-14]}',
            CalendarList(dates=(date(2026, 1, 12), date(2026, 1, 14))),
        ),
        ('{cron: "0 0 * * 1-5"}', cron_days("0 0 * * 1-5")),
        ("{every: day}", every_day()),
    ],
)
def test_run_dates_come_from_one_of_five_places(tmp_path: Path, written: str, meant: object) -> None:
    """Dates of a list are sorted, each once."""
    assert pipeline(tmp_path, written).calendar == meant


def test_breaks_seasons_and_halts(tmp_path: Path) -> None:
    """A bare date is that one date; a break without an end as well; a halt without an end lasts."""
    made = pipeline(
        tmp_path,
        "{every: day, exclude: [2026-12-25, {from: 2026-12-31, reason: party}, {from: 2026-02-13, until: 2026-02-19}], "
        "season: [{from: 2025-10-21, until: 2026-06-22}, {from: 2026-10-20}]}",
        "\n    halt: [{from: 2026-07-01, until: 2026-10-01, reason: off-season}, {from: 2027-07-01}]",
    )
    assert made.pauses == Pauses(
        exclude=(
            DateSpan(first=date(2026, 12, 25), until=date(2026, 12, 26)),
            DateSpan(first=date(2026, 12, 31), until=date(2027, 1, 1), reason="party"),
            DateSpan(first=date(2026, 2, 13), until=date(2026, 2, 19)),
        ),
        season=(
            DateSpan(first=date(2025, 10, 21), until=date(2026, 6, 22)),
            DateSpan(first=date(2026, 10, 20)),
        ),
        halts=(
            DateSpan(first=date(2026, 7, 1), until=date(2026, 10, 1), reason="off-season"),
            DateSpan(first=date(2027, 7, 1)),
        ),
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (
            "{table: ops.halts}",
            HaltTable(table="ops.halts", from_column="from_date", until_column="until_date", reason_column="reason"),
        ),
        (
            "{table: ops.halts, from: began, until: ended, reason: why}",
            HaltTable(table="ops.halts", from_column="began", until_column="ended", reason_column="why"),
        ),
        ("{sql: SELECT 1}", HaltQuery(sql="SELECT 1")),
    ],
)
def test_halts_may_be_kept_by_the_pipeline(tmp_path: Path, written: str, meant: object) -> None:
    """In a table, or wherever SQL finds them; the table is one of the pipeline's."""
    made = pipeline(tmp_path, "{every: day}", f"\n    halt_state: {written}")
    assert made.pauses.halt_state == meant
    halts = (meant.table,) if isinstance(meant, HaltTable) else ()
    assert made.tables() == (*halts, "ops.completions")


FIELDS = "needs five fields: minute, hour, day of the month, month, day of the week"
DATE = "expected a date; write 2026-02-12"
AT = "config.yaml:4:15: pipelines[0].calendar"


@pytest.mark.parametrize(
    ("written", "mistakes"),
    [
        ("{}", [f"{AT}: says no run dates; give one of table, sql, dates, cron and every"]),
        ("{dates: []}", [f"{AT}: says no run dates; give one of table, sql, dates, cron and every"]),
        (
            "{table: a.b, every: day}",
            ["config.yaml:4:35: pipelines[0].calendar.every: run dates come from one place, not from table and every"],
        ),
        ("{every: day, date: d}", ["config.yaml:4:34: pipelines[0].calendar.date: the date column goes with a table"]),
        ("{every: hour}", ["config.yaml:4:23: pipelines[0].calendar.every: expected 'day', not 'hour'"]),
        (
            '{cron: "0 0 * *"}',
            [
                (
                    f"config.yaml:4:22: pipelines[0].calendar.cron: not a cron expression: {FIELDS}; five fields, for "
                    'example "0 0 * * 1-5" for Monday to Friday'
                )
            ],
        ),
        ("{sql: ' ; '}", ["config.yaml:4:21: pipelines[0].calendar.sql: must not be empty"]),
        (
            "{dates: [tomorrow]}",
            [f"config.yaml:4:24: pipelines[0].calendar.dates[0]: {DATE}"],
        ),
        (
            "{every: day, exclude: [soon]}",
            [f"config.yaml:4:38: pipelines[0].calendar.exclude[0]: {DATE}"],
        ),
        (
            "{every: day, exclude: [{from: 2026-01-02, until: 2026-01-02}]}",
            [
                (
                    "config.yaml:4:64: pipelines[0].calendar.exclude[0].until: must be later than from; "
                    "until is the first date after it"
                )
            ],
        ),
        (
            "{every: day, season: [{}]}",
            ["config.yaml:4:37: pipelines[0].calendar.season[0]: neither from nor until; give one of them"],
        ),
    ],
)
def test_a_mistake_in_the_calendar_is_told_at_its_place(tmp_path: Path, written: str, mistakes: list[str]) -> None:
    """With what to write instead."""
    assert said(tmp_path, changed("calendar: {table: ref.schedule}", f"calendar: {written}")) == mistakes


@pytest.mark.parametrize(
    ("written", "mistakes"),
    [
        ("{}", ["config.yaml:5:17: pipelines[0].halt_state: needs a table or sql, one of them"]),
        ("{table: a.b, sql: x}", ["config.yaml:5:17: pipelines[0].halt_state: needs a table or sql, one of them"]),
        (
            "{sql: x, reason: why}",
            ["config.yaml:5:17: pipelines[0].halt_state: column names go with a table; name the columns in the SQL"],
        ),
    ],
)
def test_a_mistake_in_the_halts_is_told_at_its_place(tmp_path: Path, written: str, mistakes: list[str]) -> None:
    """As everywhere."""
    text = changed("calendar: {table: ref.schedule}", f"calendar: {{every: day}}\n    halt_state: {written}")
    assert said(tmp_path, text) == mistakes
