"""On which run dates a run is owed, and why not on the others. Pure: what a warehouse answered comes in as values.

Ends of spans are exclusive throughout, as in the settings: ``until`` is the first date that is no longer in the span.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from checks.ports import CalendarDays

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ITEM = re.compile(r"(\*|[0-9a-z]+)(?:-([0-9a-z]+))?(?:/([0-9]+))?")
_FIELDS = 5
_SUNDAY_TOO = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class DateSpan:
    """Run dates ``first <= date < until``; None leaves that end open. ``reason`` is for people."""

    first: date | None = None
    until: date | None = None
    reason: str | None = None

    def __contains__(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarTable:
    """The table with at least one row for each date on which a run is owed."""

    table: str
    date_column: str

    @property
    def called(self) -> str:
        """What it is called in messages."""
        return self.table

    @property
    def no_run(self) -> str:
        """Why nothing is owed on a date that it covers and does not hold."""
        return f"no row in {self.table}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarQuery:
    """SQL whose column ``run_date`` holds each date on which a run is owed; ``@first`` and ``@last`` bound them."""

    sql: str
    called: str = "by SQL"
    no_run: str = "no row from the calendar's SQL"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarList:
    """The dates on which a run is owed, sorted. Beyond the last one nobody knows."""

    dates: tuple[date, ...]
    called: str = "by list"
    no_run: str = "not in the calendar's list of dates"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRule:
    """A run is owed on every date that fits the day fields of a cron expression; ``* * * * *`` is every day."""

    cron: str
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    @property
    def called(self) -> str:
        """What it is called in messages."""
        return f"cron {self.cron!r}"

    @property
    def no_run(self) -> str:
        """Why nothing is owed on a date that does not fit."""
        return f"no day of {self.called}"

    def fits(self, day: date) -> bool:
        """Whether a run is owed on that date.

        As in crontab(5): where day of the month and day of the week are both restricted, one of them is enough.
        """
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return of_month or of_week if self.either else of_month and of_week


Calendar = CalendarTable | CalendarQuery | CalendarList | CalendarRule


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltTable:
    """A table with a row per halt: the columns of its first date, the first date after it, and its reason.

    A halt without a value in ``until_column`` lasts until somebody writes one.
    """

    table: str
    from_column: str
    until_column: str
    reason_column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltQuery:
    """SQL with a row per halt: columns ``from_date``, ``until_date`` (NULL: open) and ``reason``."""

    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """When nothing is owed whatever the calendar says.

    ``exclude``: single dates and breaks. ``season``: runs are owed inside these spans only; empty for all year.
    ``halts``: deliberate halts from the configuration; ``halt_state``: where the pipeline itself keeps them.
    """

    exclude: tuple[DateSpan, ...] = ()
    season: tuple[DateSpan, ...] = ()
    halts: tuple[DateSpan, ...] = ()
    halt_state: HaltTable | HaltQuery | None = None

    def reason(self, day: date, recorded: Sequence[DateSpan] = ()) -> str | None:
        """Why nothing is owed on that date, None if these do not say so. ``recorded`` are halts read elsewhere."""
        for halt in (*self.halts, *recorded):
            if day in halt:
                return _halted(halt)
        for span in self.exclude:
            if day in span:
                return _break(span)
        if self.season and not any(day in span for span in self.season):
            coming = min((s.first for s in self.season if s.first is not None and s.first > day), default=None)
            return "outside the season" + (f", which begins on {coming}" if coming else "")
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a calendar itself holds: dates with their numbers of runs, and the first and last date it covers."""

    runs: Mapping[date, int] = field(default_factory=dict)
    first: date | None = None
    last: date | None = None


def cron_days(expression: str) -> CalendarRule:
    """The rule of a cron expression with five fields; minute and hour must be valid and mean nothing here.

    Day of the week: 0 and 7 are Sunday, names are English (``mon-fri``). Lists, ranges and steps as in crontab(5).

    :raises ValueError: saying which field is wrong.
    """
    fields = expression.lower().split()
    if len(fields) != _FIELDS:
        raise ValueError("needs five fields: minute, hour, day of the month, month, day of the week")
    minute, hour, day, month, weekday = fields
    _numbers(minute, "minute", 0, 59)
    _numbers(hour, "hour", 0, 23)
    weekdays = _numbers(weekday, "day of the week", 0, _SUNDAY_TOO, dict(zip(_WEEKDAYS, range(7), strict=True)))
    rule = CalendarRule(
        cron=expression,
        days=_numbers(day, "day of the month", 1, 31),
        months=_numbers(month, "month", 1, 12, dict(zip(_MONTHS, range(1, 13), strict=True))),
        weekdays=frozenset(number % _SUNDAY_TOO for number in weekdays),
        either=not day.startswith("*") and not weekday.startswith("*"),
    )
    # A leap year holds every date there is.
    if not any(rule.fits(date(2024, 1, 1) + timedelta(days=number)) for number in range(366)):
        raise ValueError("no date ever fits")
    return rule


def every_day() -> CalendarRule:
    """The rule that a run is owed on each date."""
    return cron_days("0 0 * * *")


def listed(calendar: CalendarList | CalendarRule, first: date, last: date) -> Listed:
    """What a calendar that needs no warehouse holds of the dates ``first`` to ``last``, both included."""
    if isinstance(calendar, CalendarRule):
        runs = {day: 1 for day in dates_of(first, last) if calendar.fits(day)}
        return Listed(runs=runs, first=date.min, last=date.max)
    runs = {day: 1 for day in calendar.dates if first <= day <= last}
    return Listed(runs=runs, first=calendar.dates[0], last=calendar.dates[-1])


def days_owed(
    calendar: Calendar, held: Listed, pauses: Pauses, recorded: Sequence[DateSpan], *, first: date, last: date
) -> CalendarDays:
    """The calendar's answer for the dates ``first`` to ``last``, with a reason for each on which nothing is owed.

    A date that is paused is covered, also beyond the calendar's end: of it we know that nothing is owed. Any other date
    outside the calendar has no reason, because nobody knows.
    """
    reasons: dict[date, str] = {}
    for day in dates_of(first, last):
        why = pauses.reason(day, recorded)
        if why is None and day not in held.runs and _within(held, day):
            why = calendar.no_run
        if why is not None:
            reasons[day] = why
    return CalendarDays(
        runs={day: number for day, number in sorted(held.runs.items()) if first <= day <= last and day not in reasons},
        first=held.first,
        last=held.last,
        reasons=reasons,
    )


def dates_of(first: date, last: date) -> Iterable[date]:
    """Every date from ``first`` to ``last``, both included."""
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _within(held: Listed, day: date) -> bool:
    return held.first is not None and held.last is not None and held.first <= day <= held.last


def _halted(halt: DateSpan) -> str:
    until = f" until {halt.until}" if halt.until is not None else ""
    return f"halted{until}" + (f": {halt.reason}" if halt.reason else "")


def _break(span: DateSpan) -> str:
    single = span.first is not None and span.until == span.first + timedelta(days=1)
    until = "" if single or span.until is None else f" (until {span.until})"
    return f"{span.reason or 'excluded'}{until}"


def _numbers(text: str, what: str, least: int, most: int, names: Mapping[str, int] | None = None) -> frozenset[int]:
    """The numbers that one cron field stands for."""
    found: set[int] = set()
    for item in text.split(","):
        parts = _ITEM.fullmatch(item)
        if parts is None or (parts[1] == "*" and parts[2]):
            raise ValueError(f"{what}: cannot read {item!r}")
        step = int(parts[3] or 1)
        if parts[1] == "*":
            start, end = least, most
        else:
            start = _number(parts[1], what, least, most, names)
            # "5/2" is every second from 5 on, "5" only 5.
            end = _number(parts[2], what, least, most, names) if parts[2] else most if parts[3] else start
        if most == _SUNDAY_TOO and end == 0 < start:
            end = most  # sat-sun: the week's last day, not its first
        if step == 0 or end < start:
            raise ValueError(f"{what}: {item!r} holds nothing")
        found.update(range(start, end + 1, step))
    return frozenset(found)


def _number(text: str, what: str, least: int, most: int, names: Mapping[str, int] | None) -> int:
    value = (names or {}).get(text, int(text) if text.isdecimal() else None)
    if value is None or not least <= value <= most:
        raise ValueError(f"{what}: {text!r} is not from {least} to {most}")
    return value
