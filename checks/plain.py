"""Times and names as they are written. Apart from ``checks.model``, whose import takes a twentieth of a second."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


def utc(moment: datetime) -> datetime:
    """The same instant in UTC. A naive time is refused: nobody can know what it means.

    :raises ValueError: for a time without a zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"time without a zone: {moment.isoformat()}")
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with ``Z``; fractions only where there are any."""
    return utc(moment).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=4096)
def normal_service(name: str) -> str:
    """A function's name as Cloud Run writes it: lower case, ``_`` as ``-`` (seen in gen2 exports)."""
    return name.strip().lower().replace("_", "-")
