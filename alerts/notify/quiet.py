"""Times of the week: quiet hours and maintenance windows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from checks.model import Severity
from checks.pipeline import local_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """From one wall-clock time to another on some days of the week (0 is Monday).

    An end that is not after the beginning is on the day after: 22:00 to 07:00 on Fridays ends on Saturday. Clock
    changes are those of the zone.
    """

    days: frozenset[int]
    begin: time
    end: time
    zone: ZoneInfo

    def around(self, now: datetime) -> tuple[datetime, datetime] | None:
        """The span that holds this moment, ``start <= now < end``; None outside."""
        today = now.astimezone(self.zone).date()
        for day in (today - timedelta(days=1), today):
            if day.weekday() not in self.days:
                continue
            start = local_instant(day, self.begin, self.zone)
            end = local_instant(day + timedelta(days=self.end <= self.begin), self.end, self.zone)
            if start <= now < end:
                return start, end
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """When nobody is told of what is less grave than ``below``."""

    spans: Sequence[Weekly] = field(default=())
    below: Severity = Severity.CRITICAL

    def on(self, now: datetime) -> bool:
        """Whether these are quiet hours."""
        return any(s.around(now) is not None for s in self.spans)

    def hold(self, severity: Severity, now: datetime) -> bool:
        """Whether this is held back for now."""
        return severity.rank < self.below.rank and self.on(now)
