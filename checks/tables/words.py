"""What is said of tables, for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from checks.model import day_words
from checks.tables.compare import Difference

_DATES_SHOWN = 12


def some_dates(days: Sequence[date]) -> str:
    """Dates in a line, the latest first; of many, how many more there are."""
    shown = ", ".join(day.isoformat() for day in sorted(days, reverse=True)[:_DATES_SHOWN])
    more = len(days) - _DATES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def listed(found: Sequence[Difference]) -> str:
    """The differences in a line."""
    return "; ".join(difference.words() for difference in found)


def remedy(found: Sequence[Difference]) -> str:
    """What ends them: that of the one, or where those of many are named."""
    each = list(dict.fromkeys(difference.remedy for difference in found if difference.remedy))
    if len(each) == 1:
        return each[0]
    adds = "; `phasewatch tables apply` adds missing fields" if any(d.add is not None for d in found) else ""
    return f"`phasewatch tables plan` names for each what ends it{adds}"


def differs(table: str, found: Sequence[Difference]) -> str:
    """A headline that names what differs."""
    about = list(dict.fromkeys(d.field or d.what.value.replace("_", " ") for d in found))
    more = f" and {len(about) - 3} more" if len(about) > 3 else ""  # noqa: PLR2004 - as many as a headline takes
    return f"The table {table} is not as required: {', '.join(about[:3])}{more}"


def rows_short(table: str, day: date, found: int, at_least: int) -> str:
    """A headline for a run date without its rows."""
    have = "no rows" if found == 0 else f"only {found} of {at_least} rows"
    return f"The table {table} has {have} for {day_words(day)}"
