"""How far Cloud Logging has been read: arithmetic on times, and a memory of what was returned. No I/O.

Everything counts by ``receiveTimestamp``: when an entry was written does not matter, it may arrive days later. What
does matter is when a received entry becomes *visible* to queries. Nothing promises that this is at once, or in order,
so each read goes back by an overlap, and what was returned before is told by its (insertId, timestamp).
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.util import source_hash
from typing import Any

from checks.cloud_logging.filters import Place
from checks.logs.entry import EPOCH
from checks.model import JsonValue, stamp

VERSION = 1
# Entries are usually visible within seconds. The time from written to received is taken as a sign of how slow the
# pipeline is at present; half an hour of overlap is as much as one request of a usual project still reads.
LEAST_OVERLAP = timedelta(minutes=2)
MOST_OVERLAP = timedelta(minutes=30)
# A widened overlap comes back by this much per read: at one a minute, from 30 minutes to 2 in about two hours.
SHRINK = 0.98
LONGEST_STEP = timedelta(hours=24)
SHORTEST_STEP = timedelta(seconds=1)
# 12 bytes each, 16 characters as JSON. Beyond it the overlap is cut short, which is said.
MAX_REMEMBERED = 30_000
_KEY = struct.Struct(">8sI")
_TIME_BYTES = 12  # any second that 64 bits hold, in nanoseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where the next read begins, and what it needs to know.

    :param start: entries received before this are done with.
    :param high: up to where everything visible has been read; None before the first read.
    :param step: how long a window may be so that its entries fit into one bounded list.
    :param seen: key of an entry returned before -> Unix second: a read that starts later does not meet it again.
    :param places: places whose lines are asked for again, until the time beside them.
    """

    start: datetime
    high: datetime | None
    overlap: timedelta = LEAST_OVERLAP
    step: timedelta = LONGEST_STEP
    seen: Mapping[bytes, int] = field(default_factory=dict)
    places: Sequence[tuple[Place, datetime]] = ()

    @classmethod
    def first(cls, start: datetime) -> Cursor:
        """That of a watcher that has never read."""
        return cls(start=start, high=None)

    @classmethod
    def of(cls, stored: JsonValue) -> Cursor | None:
        """The one that was stored as ``as_json``; None for anything else, another version's included."""
        if not isinstance(stored, dict) or stored.get("version") != VERSION:
            return None
        try:
            given: dict[str, Any] = stored
            high = given["high"]
            return cls(
                start=datetime.fromisoformat(given["start"]),
                high=None if high is None else datetime.fromisoformat(high),
                overlap=timedelta(seconds=given["overlap"]),
                step=timedelta(seconds=given["step"]),
                seen=dict(_KEY.iter_unpack(base64.b64decode(given["seen"], validate=True))),
                places=tuple(_place(one) for one in given["places"]),
            )
        except (KeyError, TypeError, ValueError, struct.error):
            return None

    def as_json(self) -> dict[str, JsonValue]:
        """The same as JSON-able values."""
        return {
            "version": VERSION,
            "start": stamp(self.start),
            "high": None if self.high is None else stamp(self.high),
            "overlap": self.overlap.total_seconds(),
            "step": self.step.total_seconds(),
            "seen": base64.b64encode(b"".join(_KEY.pack(key, at) for key, at in self.seen.items())).decode(),
            "places": [[p.field, p.value, stamp(p.start), stamp(p.end), stamp(until)] for p, until in self.places],
        }


def _place(one: Any) -> tuple[Place, datetime]:
    field_path, value, start, end, until = one
    place = Place(
        field=str(field_path),
        value=str(value),
        start=datetime.fromisoformat(start),
        end=datetime.fromisoformat(end),
    )
    return place, datetime.fromisoformat(until)


def key_of(insert_id: str, nanos: int) -> bytes:
    """The identity of an entry within a project: insertId and timestamp, in nanoseconds since 1970. 8 bytes.

    ``source_hash`` is the standard library's one hash of 64 bits (SipHash) that is neither salted for each process nor
    meant for secrets: a fifth of the time of BLAKE2. Its key is that of Python's version: after an update what lies
    within the overlap is returned once more, and the check, which has identities of its own, counts it once.
    """
    return source_hash(insert_id.encode() + nanos.to_bytes(_TIME_BYTES, "big", signed=True))


def second_of(moment: datetime) -> int:
    """Whole seconds since 1970, rounded up."""
    return -((EPOCH - moment) // timedelta(seconds=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one read came: up to ``reached``; ``until`` is where it wanted to go. ``full``: it stopped because there
    was too much, rather than because of an error.
    """

    reached: datetime
    until: datetime
    full: bool
    step: timedelta
    lag: timedelta | None
    seen: Mapping[bytes, int]
    places: Sequence[tuple[Place, datetime]]


def advanced(cursor: Cursor, progress: Progress) -> tuple[Cursor, list[str]]:
    """The cursor after a read, and what is to be said of what it may miss.

    The next start is the overlap before the end, never earlier than the present one (before that nothing is
    remembered). Where there is so much that a read does not come further than the one before, the overlap is given up.
    """
    unseen = []
    overlap = max(cursor.overlap * SHRINK, LEAST_OVERLAP)
    if progress.lag is not None:
        overlap = min(max(overlap, progress.lag), MOST_OVERLAP)
    start = max(cursor.start, min(progress.reached, progress.until - overlap))
    stuck = progress.full and cursor.high is not None and cursor.start < progress.reached <= cursor.high
    if stuck and start == cursor.start:
        start = progress.reached
        unseen.append(f"more entries than can be read twice: what arrived late before {stamp(start)} may be missed")
    seen, forgotten = _pruned(progress.seen, second_of(start))
    if forgotten is not None and forgotten > start:
        start = min(forgotten, progress.reached)
        unseen.append(f"more entries than can be remembered: what arrived late before {stamp(start)} may be missed")
    moved = Cursor(
        start=start,
        high=progress.reached if cursor.high is None else max(cursor.high, progress.reached),
        overlap=overlap,
        step=progress.step,
        seen=seen,
        places=tuple(progress.places),
    )
    return moved, unseen


def _pruned(seen: Mapping[bytes, int], oldest: int) -> tuple[dict[bytes, int], datetime | None]:
    """What is still to be remembered; with a time if there was no room: entries received before it are forgotten."""
    kept = {key: at for key, at in seen.items() if at >= oldest}
    if len(kept) <= MAX_REMEMBERED:
        return kept, None
    edge = sorted(kept.values())[-MAX_REMEMBERED]
    # The whole second of the edge goes, so that no part of it comes back.
    return {key: at for key, at in kept.items() if at > edge}, EPOCH + timedelta(seconds=edge)


def percentile_99(values: Iterable[float]) -> float | None:
    """The value that 99 of 100 do not exceed; None of nothing."""
    ordered = sorted(values)
    return ordered[-(-len(ordered) * 99 // 100) - 1] if ordered else None


def smaller(step: timedelta, received: Sequence[float], start: datetime) -> timedelta:
    """A window that was too full, made so short that about four fifths of the entries seen in it would fit.

    :param received: Unix times at which the entries that could be read were received.
    """
    half = step / 2
    if received:
        within = sorted(received)[len(received) * 4 // 5] - (start - EPOCH).total_seconds()
        half = min(half, timedelta(seconds=int(max(within, 1))))
    return max(half, SHORTEST_STEP)
