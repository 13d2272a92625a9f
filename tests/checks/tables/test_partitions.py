"""Tables that used to fill and stopped, and run dates they lack: from dates alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.pipeline import DayTime
from checks.ports import CalendarDays
from checks.tables.partitions import Filled, Outlook, PartitionRules, Retired, look_through
from tests.support.pipelines import ET, every_day

FIRST = date(2025, 10, 21)
TODAY = date(2026, 1, 26)
NOW = datetime(2026, 1, 26, 12, tzinfo=UTC)
RULES = PartitionRules(datasets=("p.raw",), due=DayTime(day=1, at=time(6)))
# The run date of today is not due: the latest that is, is yesterday's.
LAST_DUE = TODAY - timedelta(days=1)


def days(first: date, last: date, step: int = 1) -> tuple[date, ...]:
    """Every ``step``-th date."""
    return tuple(first + timedelta(days=n) for n in range(0, (last - first).days + 1, step))


def looked(
    *filled: Filled,
    rules: PartitionRules = RULES,
    without: Sequence[date] = (),
    known: dict[str, date] | None = None,
    calendar: CalendarDays | None = None,
) -> Outlook:
    """An outlook at NOW; a run is owed on every date since October but those."""
    owed = calendar or every_day(FIRST, TODAY, without=without)
    return look_through(rules, filled, owed, known or {}, now=NOW, zone=ZoneInfo("America/New_York"))


def table(filled: tuple[date, ...], name: str = "p.raw.box") -> Filled:
    """A table with rows on these dates."""
    return Filled(table=name, days=filled)


@pytest.mark.parametrize(("lacking", "dark"), [(0, False), (1, False), (2, False), (3, True), (30, True)])
def test_a_daily_table_is_dark_after_three_run_dates(lacking: int, dark: bool) -> None:
    """Not before: a late night is no end."""
    [found] = looked(table(days(FIRST, LAST_DUE - timedelta(days=lacking)))).tables
    assert (found.lacks, found.dark, found.holes) == (lacking, dark, ())


def test_dates_on_which_nothing_is_owed_do_not_count() -> None:
    """A break of a week is no silence."""
    pause = days(LAST_DUE - timedelta(days=6), LAST_DUE)
    [found] = looked(table(days(FIRST, pause[0] - timedelta(days=1))), without=pause).tables
    assert (found.lacks, found.dark) == (0, False)


def test_a_table_is_judged_by_its_own_habit() -> None:
    """One that fills weekly is given two weeks."""
    weekly = days(FIRST, LAST_DUE, 7)
    fine = [d for d in weekly if d <= LAST_DUE - timedelta(days=8)]
    [found] = looked(table(tuple(fine))).tables
    assert (found.usual, found.dark, found.holes) == (7, False, ())
    gone = [d for d in weekly if d <= LAST_DUE - timedelta(days=15)]
    [found] = looked(table(tuple(gone))).tables
    assert found.dark


def test_too_little_history_is_no_habit() -> None:
    """Four dates say nothing; they are counted as irregular, and so is a table without partitions by day."""
    outlook = looked(table(days(FIRST, FIRST + timedelta(days=3))), table((), "p.raw.config"))
    assert (outlook.tables, outlook.irregular) == ((), 2)


def test_holes_are_run_dates_of_the_season_between_dates_with_rows() -> None:
    """Dates without a run, and those after the last one, are none."""
    gaps = {date(2025, 12, 24), date(2026, 1, 3), date(2026, 1, 4)}
    filled = tuple(d for d in days(FIRST, LAST_DUE - timedelta(days=1)) if d not in gaps)
    [found] = looked(table(filled), without=[date(2025, 12, 24)]).tables
    assert found.holes == (date(2026, 1, 3), date(2026, 1, 4))
    assert not found.dark


def test_holes_of_an_earlier_season_are_history() -> None:
    """More than 45 days without a run lie between two seasons."""
    last_season = days(date(2025, 3, 1), date(2025, 6, 1))
    season = days(FIRST, TODAY)
    calendar = CalendarDays(runs=dict.fromkeys((*last_season, *season), 1), first=last_season[0], last=TODAY)
    filled = (*last_season[:20], *last_season[25:], *days(FIRST, LAST_DUE))
    [found] = looked(table(filled), calendar=calendar).tables
    assert found.holes == ()


def test_a_dark_table_stays_so_until_rows_return_or_it_is_retired() -> None:
    """Also when its rows left the window, or the table itself is gone."""
    [dark] = looked(known={"p.raw.box": date(2026, 1, 10)}).tables
    assert (dark.table, dark.last, dark.dark) == ("p.raw.box", date(2026, 1, 10), True)
    [back] = looked(table((LAST_DUE,)), known={"p.raw.box": date(2026, 1, 10)}).tables
    assert (back.last, back.dark) == (LAST_DUE, False)
    retired = Retired(table="p.raw.box", reason="source switched off", since=date(2026, 1, 11))
    rules = PartitionRules(datasets=RULES.datasets, due=RULES.due, retired=(retired,))
    [gone] = looked(rules=rules, known={"p.raw.box": date(2026, 1, 10)}).tables
    assert (gone.dark, gone.retired) == (False, retired)


def test_what_is_not_due_is_not_missed() -> None:
    """Until the hour of `due` the last run date counts for nothing."""
    filled = table(days(FIRST, LAST_DUE - timedelta(days=3)))
    early = datetime(2026, 1, 26, 5, 59, tzinfo=ET)
    owed = every_day(FIRST, TODAY)
    [found] = look_through(RULES, [filled], owed, {}, now=early, zone=ET).tables
    assert (found.lacks, found.dark) == (2, False)


@given(st.sets(st.integers(0, 96), min_size=5))
def test_order_means_nothing_and_a_filled_last_date_is_never_dark(numbers: set[int]) -> None:
    """Whatever the history is."""
    filled = sorted(FIRST + timedelta(days=n) for n in {*numbers, (LAST_DUE - FIRST).days})
    one = looked(table(tuple(filled)), table((), "p.raw.other"))
    other = looked(table((), "p.raw.other"), table(tuple(filled)))
    assert one == other
    [found] = one.tables
    assert not found.dark
    assert not set(found.holes) & set(filled)
