"""What a check carried over from its last run, read without trusting it: another version may have written it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from checks.model import JsonValue, utc


def carry_of(cursor: JsonValue) -> Mapping[str, JsonValue]:
    """The mapping that ``judge`` carried over; empty the first time."""
    carry = cursor.get("carry") if isinstance(cursor, dict) else None
    return carry if isinstance(carry, dict) else {}


def texts(value: JsonValue) -> tuple[str, ...]:
    """The texts in what should be a list of them."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def moment(value: JsonValue) -> datetime | None:
    """A time as ``checks.model.stamp`` writes it."""
    try:
        return utc(datetime.fromisoformat(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def day(value: JsonValue) -> date | None:
    """A date as ``isoformat`` writes it."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
