"""What was read of required tables, and what is remembered of it until the next read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from checks.model import Evidence, JsonValue, stamp
from checks.ports import CalendarDays
from checks.tables.model import LiveTable, RequiredTable


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTable:
    """What one read brought of one table. ``error`` and ``remedy``: it could not be asked, and why.

    ``live`` None without an error: there is no such table. ``newest``: the newest row known, also from earlier reads.
    ``counted``: rows of the run dates that were asked for; ``owed`` the dates among them that are owed and due.
    """

    table: RequiredTable
    live: LiveTable | None = None
    error: str | None = None
    remedy: str | None = None
    newest: datetime | None = None
    counted: Mapping[date, int] = field(default_factory=dict)
    owed: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTables:
    """All tables, and by pipeline the calendars that were needed; None: one could not be read."""

    tables: tuple[SeenTable, ...]
    calendars: Mapping[str, CalendarDays | None]
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is remembered between two reads, by table: the newest row, run dates that are settled, and open ones."""

    newest: Mapping[str, datetime]
    settled: Mapping[str, frozenset[date]]
    open: Mapping[str, frozenset[date]]

    @classmethod
    def of(cls, cursor: JsonValue) -> Memory:
        """From the cursor; empty where there is none."""
        source = cursor.get("source") if isinstance(cursor, dict) else None
        kept = source if isinstance(source, dict) else {}

        def dates(part: str) -> dict[str, frozenset[date]]:
            found = kept.get(part)
            return {
                table: frozenset(date.fromisoformat(str(day)) for day in listed)
                for table, listed in (found.items() if isinstance(found, dict) else ())
                if isinstance(listed, list)
            }

        newest = kept.get("newest")
        return cls(
            newest={
                table: datetime.fromisoformat(str(moment)).astimezone(UTC)
                for table, moment in (newest.items() if isinstance(newest, dict) else ())
            },
            settled=dates("settled"),
            open=dates("open"),
        )

    def after(self, observed: SeenTables) -> Memory:
        """With what was just seen; of what could not be asked, what was known."""
        newest = {s.table.name: s.newest for s in observed.tables if s.newest is not None}
        settled: dict[str, frozenset[date]] = {}
        opened: dict[str, frozenset[date]] = {}
        for seen in observed.tables:
            if seen.table.rows is None:
                continue
            name, least = seen.table.name, seen.table.rows.at_least
            short = {day for day in seen.owed if seen.counted[day] < least}
            good = {day for day in seen.counted if day not in short}
            opened[name] = frozenset((self.open.get(name, frozenset()) - good) | short)
            settled[name] = frozenset((self.settled.get(name, frozenset()) - short) | good)
        return Memory(newest=newest, settled=settled, open=opened)

    def as_json(self) -> JsonValue:
        """For the cursor; of settled dates the latest are enough."""
        return {
            "newest": {table: stamp(moment) for table, moment in self.newest.items()},
            "settled": {table: [d.isoformat() for d in sorted(days)[-90:]] for table, days in self.settled.items()},
            "open": {table: [d.isoformat() for d in sorted(days)] for table, days in self.open.items() if days},
        }


def late(newest: datetime | None, within: timedelta, now: datetime) -> bool:
    """Whether the newest row is too old; no row is."""
    return newest is None or newest + within < now
