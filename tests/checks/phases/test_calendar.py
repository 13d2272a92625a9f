"""Which run dates are owed: rules, lists, breaks, seasons and halts, and the reasons why not."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.phases.calendar import (
    CalendarList,
    CalendarTable,
    DateSpan,
    Listed,
    Pauses,
    cron_days,
    dates_of,
    days_owed,
    every_day,
    listed,
)
from checks.phases.model import PhaseState
from checks.phases.states import judge_day
from checks.ports import CalendarDays
from tests.support.pipelines import et, nba

TABLE = CalendarTable(table="ref.days", date_column="day")
JANUARY = Listed(runs={date(2026, 1, 5): 2, date(2026, 1, 9): 1}, first=date(2026, 1, 1), last=date(2026, 1, 31))


def fitting(cron: str, first: date = date(2026, 1, 1), last: date = date(2026, 1, 31)) -> list[int]:
    """The days of January that fit."""
    rule = cron_days(cron)
    return [day.day for day in dates_of(first, last) if rule.fits(day)]


@pytest.mark.parametrize(
    ("cron", "days"),
    [
        ("0 0 * * 1-5", [1, 2, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23, 26, 27, 28, 29, 30]),
        ("5 4 * * sun", [4, 11, 18, 25]),
        ("0 0 * * 0", [4, 11, 18, 25]),
        ("0 0 * * 7", [4, 11, 18, 25]),
        ("0 0 * * sat-sun", [3, 4, 10, 11, 17, 18, 24, 25, 31]),
        ("0 0 * JAN MON", [5, 12, 19, 26]),
        ("0 0 1,15 * *", [1, 15]),
        ("0 0 1-10/3 * *", [1, 4, 7, 10]),
        ("0 0 25/2 * *", [25, 27, 29, 31]),
        ("*/5 8-18 13 * 5", [2, 9, 13, 16, 23, 30]),
        ("0 0 */10 * 5", []),
        ("0 0 * 2 *", []),
        ("0 0 31 * *", [31]),
    ],
)
def test_a_cron_chooses_days_as_crontab_does(cron: str, days: list[int]) -> None:
    """Sunday is 0 and 7; two restricted day fields are alternatives, a step from * still demands both."""
    assert fitting(cron) == days


@pytest.mark.parametrize(
    ("cron", "why"),
    [
        ("0 0 * *", "needs five fields: minute, hour, day of the month, month, day of the week"),
        ("60 0 * * *", "minute: '60' is not from 0 to 59"),
        ("0 24 * * *", "hour: '24' is not from 0 to 23"),
        ("0 0 0 * *", "day of the month: '0' is not from 1 to 31"),
        ("0 0 * 13 *", "month: '13' is not from 1 to 12"),
        ("0 0 * * 8", "day of the week: '8' is not from 0 to 7"),
        ("0 0 * * frieday", "day of the week: 'frieday' is not from 0 to 7"),
        ("0 0 5-1 * *", "day of the month: '5-1' holds nothing"),
        ("0 0 */0 * *", "day of the month: '*/0' holds nothing"),
        ("0 0 1, * *", "day of the month: cannot read ''"),
        ("0 0 *-5 * *", "day of the month: cannot read '*-5'"),
        ("0 0 30 2 *", "no date ever fits"),
    ],
)
def test_a_cron_that_will_not_do_says_where(cron: str, why: str) -> None:
    """The field and the part of it."""
    with pytest.raises(ValueError) as refused:
        cron_days(cron)
    assert str(refused.value) == why


def test_every_day_owes_each_date_for_ever() -> None:
    """A rule has no end."""
    held = listed(every_day(), date(2028, 2, 28), date(2028, 3, 1))
    assert held == Listed(
        runs={date(2028, 2, 28): 1, date(2028, 2, 29): 1, date(2028, 3, 1): 1}, first=date.min, last=date.max
    )


def test_a_list_covers_what_lies_between_its_ends() -> None:
    """A date in between that is not listed owes nothing; beyond the ends nobody knows."""
    calendar = CalendarList(dates=(date(2026, 1, 5), date(2026, 1, 7)))
    first, last = date(2026, 1, 4), date(2026, 1, 8)
    days = days_owed(calendar, listed(calendar, first, last), Pauses(), (), first=first, last=last)
    assert days == CalendarDays(
        runs={date(2026, 1, 5): 1, date(2026, 1, 7): 1},
        first=date(2026, 1, 5),
        last=date(2026, 1, 7),
        reasons={date(2026, 1, 6): "not in the calendar's list of dates"},
    )
    assert [days.covers(day) for day in dates_of(first, last)] == [False, True, True, True, False]


BREAK = DateSpan(first=date(2026, 2, 13), until=date(2026, 2, 19), reason="All-Star break")
HALT = DateSpan(first=date(2026, 7, 1), until=date(2026, 10, 1), reason="off-season")
SEASONS = (DateSpan(first=date(2025, 10, 21), until=date(2026, 6, 22)), DateSpan(first=date(2026, 10, 20)))


@pytest.mark.parametrize(
    ("pauses", "day", "why"),
    [
        (Pauses(exclude=(BREAK,)), date(2026, 2, 12), None),
        (Pauses(exclude=(BREAK,)), date(2026, 2, 13), "All-Star break (until 2026-02-19)"),
        (Pauses(exclude=(BREAK,)), date(2026, 2, 18), "All-Star break (until 2026-02-19)"),
        (Pauses(exclude=(BREAK,)), date(2026, 2, 19), None),
        (
            Pauses(exclude=(DateSpan(first=date(2026, 12, 25), until=date(2026, 12, 26)),)),
            date(2026, 12, 25),
            "excluded",
        ),
        (Pauses(season=SEASONS), date(2025, 10, 20), "outside the season, which begins on 2025-10-21"),
        (Pauses(season=SEASONS), date(2025, 10, 21), None),
        (Pauses(season=SEASONS), date(2026, 6, 21), None),
        (Pauses(season=SEASONS), date(2026, 6, 22), "outside the season, which begins on 2026-10-20"),
        (Pauses(season=SEASONS[:1]), date(2026, 6, 22), "outside the season"),
        (Pauses(halts=(HALT,)), date(2026, 9, 30), "halted until 2026-10-01: off-season"),
        (Pauses(halts=(HALT,)), date(2026, 10, 1), None),
        (Pauses(halts=(DateSpan(first=date(2026, 7, 1)),)), date(2030, 1, 1), "halted"),
        (Pauses(halts=(HALT,), season=SEASONS), date(2026, 8, 1), "halted until 2026-10-01: off-season"),
    ],
)
def test_a_pause_says_why_nothing_is_owed(pauses: Pauses, day: date, why: str | None) -> None:
    """`until` is the first date after it; a halt is told before the season it lies in."""
    assert pauses.reason(day) == why


def test_a_paused_date_is_covered_beyond_the_calendars_end() -> None:
    """The schedule of the next season is not loaded yet: the halt says that nothing is owed, and that is known."""
    first, last = date(2026, 9, 29), date(2026, 10, 2)
    recorded = (DateSpan(first=date(2026, 7, 1), until=date(2026, 10, 1), reason="off-season"),)
    days = days_owed(TABLE, JANUARY, Pauses(), recorded, first=first, last=last)
    assert [days.covers(day) for day in dates_of(first, last)] == [True, True, False, False]
    assert days.why_not(first) == "halted until 2026-10-01: off-season"
    phases = judge_day(nba(), first, [], days, et("2026-09-30 12:00"))
    assert {(p.state, p.why_not) for p in phases} == {(PhaseState.NOT_EXPECTED, days.why_not(first))}
    assert {p.state for p in judge_day(nba(), last, [], days, et("2026-10-03 12:00"))} == {PhaseState.UNKNOWN}


def test_a_paused_date_before_the_calendars_beginning_is_listed() -> None:
    """Known to owe nothing, where an unknown earlier date is passed over."""
    early = date(2025, 12, 25)
    pauses = Pauses(exclude=(DateSpan(first=early, until=early + timedelta(days=1), reason="Christmas"),))
    days = days_owed(TABLE, JANUARY, pauses, (), first=early, last=early)
    assert [(p.phase, p.why_not) for p in judge_day(nba(), early, [], days, et("2025-12-26 12:00"))] == [
        ("phase2", "Christmas"),
        ("phase3", "Christmas"),
        ("phase4", "Christmas"),
    ]


def test_a_run_in_the_calendar_is_not_owed_during_a_break() -> None:
    """It does not count as a run either."""
    pauses = Pauses(exclude=(DateSpan(first=date(2026, 1, 9), until=date(2026, 1, 10), reason="snow"),))
    days = days_owed(TABLE, JANUARY, pauses, (), first=date(2026, 1, 8), last=date(2026, 1, 9))
    assert dict(days.runs) == {}
    assert dict(days.reasons) == {date(2026, 1, 8): "no row in ref.days", date(2026, 1, 9): "snow"}


DAYS = st.dates(date(2025, 1, 1), date(2027, 1, 1))
SPANS = st.builds(
    lambda first, days: DateSpan(first=first, until=first + timedelta(days=days)), DAYS, st.integers(1, 90)
)


@given(DAYS, st.integers(0, 40), st.lists(SPANS, max_size=3), st.lists(SPANS, max_size=3), st.booleans())
def test_every_covered_date_is_owed_or_has_a_reason(
    first: date, length: int, exclude: list[DateSpan], halts: list[DateSpan], ruled: bool
) -> None:
    """Never both, and never a reason for a date of which nobody knows."""
    calendar = cron_days("0 0 * * 1-5") if ruled else CalendarList(dates=(date(2025, 11, 3), date(2026, 3, 8)))
    last = first + timedelta(days=length)
    held, pauses = listed(calendar, first, last), Pauses(exclude=tuple(exclude))
    days = days_owed(calendar, held, pauses, halts, first=first, last=last)
    for day in dates_of(first, last):
        assert days.covers(day) == (days.owed(day) or day in days.reasons)
        assert not (days.owed(day) and day in days.reasons)
