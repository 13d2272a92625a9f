"""Which tables used to fill and stopped, and which run dates they lack, from the dates of their partitions. Pure.

What is usual is learned from each table itself: how many owed run dates lie between two that have rows. A table that
fills on every run date is told of after a few without rows, one that fills weekly only after two weeks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import ceil
from zoneinfo import ZoneInfo

from checks.pipeline import DayTime
from checks.ports import CalendarDays

# A table with rows on fewer run dates than this has no usual behaviour yet.
LEAST_HISTORY = 5
# So many of its gaps are no longer than what counts as usual.
USUAL_SHARE = 0.9
# Below this share of filled run dates a table has no holes, it is irregular.
REGULAR_SHARE = 0.8
# No run owed for so long: what follows is another season.
BETWEEN_SEASONS = timedelta(days=45)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """A table (full name) that stopped on purpose; ``since`` is the first run date without rows."""

    table: str
    reason: str
    since: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionRules:
    """Which datasets (``project.dataset``) are looked through, and when a run date's rows are due."""

    datasets: tuple[str, ...]
    due: DayTime
    dark_after: int = 3
    retired: tuple[Retired, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A table's dates with rows (of its partitions by day or hour), sorted. Empty: not partitioned so, or empty."""

    table: str
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableHealth:
    """What is to be said of one table. ``last`` is its latest date with rows.

    ``lacks``: how many owed run dates after it have none; ``dark``: that is more than is usual for it. ``holes``: owed
    run dates of this season without rows, between dates that have some.
    """

    table: str
    last: date
    lacks: int = 0
    usual: int = 1
    dark: bool = False
    holes: tuple[date, ...] = ()
    retired: Retired | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """All tables that could be judged, and by name the latest date of those that ever could: it is handed back.

    ``irregular``: how many have too little history, or no partitions by day.
    """

    tables: tuple[TableHealth, ...] = ()
    known: Mapping[str, date] = field(default_factory=dict)
    irregular: int = 0


def look_through(
    rules: PartitionRules,
    filled: Sequence[Filled],
    calendar: CalendarDays,
    known: Mapping[str, date],
    *,
    now: datetime,
    zone: ZoneInfo,
) -> Outlook:
    """Judge every table by the run dates owed in the calendar that are due by now.

    ``known`` is what the last outlook knew: a table in it stays dark though its rows left the window, or it is gone,
    until newer rows come or it is retired.
    """
    owed = sorted(day for day in calendar.runs if calendar.owed(day) and rules.due.on(day, zone) <= now)
    season = _season(owed)
    retired = {item.table: item for item in rules.retired}
    by_name = {item.table: frozenset(item.days) for item in filled}
    tables, remembered = [], dict(known)
    for name in sorted({*by_name, *known}):
        days = by_name.get(name, frozenset())
        history = [number for number, day in enumerate(owed) if day in days]
        if len(history) < LEAST_HISTORY and name not in known:
            continue
        last = max({*days, *([known[name]] if name in known else [])})
        remembered[name] = last
        lacks = len(owed) - bisect_right(owed, last)
        usual = _usual(history)
        patience = rules.dark_after if usual == 1 else max(rules.dark_after, 2 * usual)
        health = TableHealth(
            table=name,
            last=last,
            lacks=lacks,
            usual=usual,
            dark=lacks >= patience and name not in retired,
            holes=_holes([owed[number] for number in history], owed, season),
            retired=retired.get(name),
        )
        tables.append(health)
    judged = {health.table for health in tables}
    return Outlook(tables=tuple(tables), known=remembered, irregular=len(by_name.keys() - judged))


def _usual(history: Sequence[int]) -> int:
    """How many run dates usually lie between two that have rows; 1: it has rows on every one."""
    steps = sorted(after - before for before, after in pairwise(history))
    return steps[ceil(len(steps) * USUAL_SHARE) - 1] if steps else 1


def _holes(filled: Sequence[date], owed: Sequence[date], season: date | None) -> tuple[date, ...]:
    present = [day for day in filled if season is not None and day >= season]
    if len(present) < LEAST_HISTORY:
        return ()
    span = [day for day in owed if present[0] <= day <= present[-1]]
    if len(present) < len(span) * REGULAR_SHARE:
        return ()
    return tuple(sorted(set(span) - set(present)))


def _season(owed: Sequence[date]) -> date | None:
    """The first run date of the present season; None where there is none."""
    first = owed[-1] if owed else None
    for before, after in reversed(list(pairwise(owed))):
        if after - before > BETWEEN_SEASONS:
            break
        first = before
    return first
