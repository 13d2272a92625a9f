"""Times, durations, counts and cleaned text as people on call read them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from alerts.messages.text import clean, redact, shorten
from alerts.model import Fault, open_ones
from checks.model import JsonValue, Severity

MAX_TITLE = 150
MAX_FACT = 1_500
MAX_LISTED = 10


def moment(at: datetime, zone: ZoneInfo) -> str:
    """A time as people on call read it: local first, then UTC."""
    local = at.astimezone(zone)
    return f"{local:%a %d %b %H:%M} {local.tzname()} ({at:%H:%M} UTC)"


def duration(span: timedelta) -> str:
    """``47 h 12 min``, ``3 d 4 h``, ``45 s``: the two largest units."""
    seconds = max(0, round(span.total_seconds()))
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    if days > 1:
        return f"{days} d {hours} h"
    if days or hours:
        return f"{days * 24 + hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


# A message is composed anew whenever one of its lines changed.
@lru_cache(maxsize=1024)
def safe(text: str, limit: int) -> str:
    """Text that may come from a log, fit to leave the process."""
    return shorten(redact(clean(text)), limit)


def plain(value: JsonValue) -> str:
    """A fact of a finding as text."""
    return ", ".join(str(v) for v in value) if isinstance(value, list) else str(value)


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 fault``, ``10,000 faults``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(lines: Sequence[str], more: str, number: int | None = None) -> str:
    """The first lines, and how many there are besides; of ``number`` where not all are among the lines."""
    rest = (len(lines) if number is None else number) - MAX_LISTED
    return "\n".join([*lines[:MAX_LISTED], *([f"and {rest:,} more {more}"] if rest > 0 else [])])


def severity_of(members: Iterable[Fault]) -> Severity:
    """The gravest of the open ones; of all, when none is open."""
    everything = list(members)
    return max({f.finding.severity for f in open_ones(everything) or everything}, key=lambda s: s.rank)
