"""The words of the checks: values only, never changed once made (mappings in them are not to be written to).

Every time is an aware UTC ``datetime``; every calendar day is a ``date`` in the pipeline's own zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias
from zoneinfo import ZoneInfo

from checks.plain import normal_service as normal_service  # noqa: PLC0414 - part of these words
from checks.plain import stamp as stamp  # noqa: PLC0414
from checks.plain import utc as utc  # noqa: PLC0414

# What may stand in evidence, facts and JSON answers. What reads JSON by these annotations cannot follow the recursion,
# and need not: any JSON is one.
if TYPE_CHECKING:
    JsonValue: TypeAlias = str | int | float | bool | list["JsonValue"] | dict[str, "JsonValue"] | None
else:
    JsonValue = Any


class Status(StrEnum):
    """What one check run says of its subject. UNKNOWN means: could not see, which is never OK."""

    OK = "OK"
    DEGRADED = "DEGRADED"
    FAILING = "FAILING"
    UNKNOWN = "UNKNOWN"


class Severity(StrEnum):
    """How urgent a finding is. Compare with ``rank``: 0 for info, 1 for warning, 2 for critical."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    rank: int  # asked of each of thousands of faults, so it is there and not computed

    # An Enum's own hash is computed in Python at each look into a dict; a string knows its own.
    __hash__ = str.__hash__


for _rank, _severity in enumerate(Severity):
    _severity.rank = _rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A half-open span of time, ``start <= t < end``."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was looked at, so that quiet is proven and not assumed.

    ``bytes_billed`` is None where the service did not report it: that is "not reported", never 0.
    ``unseen`` names what could not be looked at, a sentence each.
    """

    window: Window | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    queries: int = 0
    bytes_billed: int | None = None
    unseen: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def merged(self, other: Evidence) -> Evidence:
        """Both together: the outer window, summed counts, all that was unseen."""
        counts = dict(self.counts)
        for name, number in other.counts.items():
            counts[name] = counts.get(name, 0) + number
        windows = [w for w in (self.window, other.window) if w is not None]
        billed = [b for b in (self.bytes_billed, other.bytes_billed) if b is not None]
        return Evidence(
            window=Window(start=min(w.start for w in windows), end=max(w.end for w in windows)) if windows else None,
            counts=counts,
            queries=self.queries + other.queries,
            bytes_billed=sum(billed) if billed else None,
            unseen=tuple(dict.fromkeys(self.unseen + other.unseen)),
            notes=tuple(dict.fromkeys(self.notes + other.notes)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a finding is about. Each kind of finding fills the fields that fit; the others stay None.

    ``service`` is the function's name normalised as the platform does it: lower case, ``_`` turned to ``-``.
    """

    pipeline: str | None = None
    phase: str | None = None
    run_date: date | None = None
    service: str | None = None
    table: str | None = None
    check: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldUp:
    """A phase that waits for the subject of a finding, and when its own output is due (UTC)."""

    pipeline: str
    phase: str
    run_date: date
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check says of one subject at one time.

    ``fingerprint`` is the stable, documented identity: the same trouble has the same one on every run.
    ``kind`` is a dotted word: ``log.undefined-name``, ``phase.incomplete``, ``table.missing``, ``blind``.
    ``occurrences`` counts what is *new* in this run: events for a log failure; 0 or 1 for a state that is still so.
    ``since`` is when the trouble began as far as the evidence shows; ``last_seen`` the latest evidence of it.
    ``pending_for``: how long it must last before anybody is told.
    ``consequence``: true for what never alerts by itself while its root is known (a blocked phase).
    ``quiet``: true for what belongs in the digest only (a handled failure in a function no phase depends on).
    ``facts`` are ordered, short, and shown to people as they stand; log text in them is raw and hostile.
    """

    fingerprint: str
    check: str
    kind: str
    severity: Severity
    subject: Subject
    title: str
    since: datetime
    last_seen: datetime
    occurrences: int = 1
    facts: Mapping[str, JsonValue] = field(default_factory=dict)
    holds_up: tuple[HeldUp, ...] = ()
    pending_for: timedelta = timedelta(0)
    consequence: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """Positive evidence that faults are over. Without one, a fault stays open.

    Either ``fingerprint`` names one fault, or ``service`` all log faults of a function that are older than ``at``.
    ``at`` is the moment of the evidence (the completion that closed the set, the clean run); ``reason`` is for people.
    """

    reason: str
    at: datetime
    fingerprint: str | None = None
    service: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a check concludes from its observations: no I/O, no memory.

    ``carry`` is handed back to the next run with the new observations (lines that may be half of something).
    It must be JSON-able and bounded. ``more``: the source had more than one read takes.
    """

    status: Status
    findings: tuple[Finding, ...] = ()
    clearances: tuple[Clearance, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    carry: JsonValue = None
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """One run of one check. ``cursor`` is what to store when its consequences are stored, and not before.

    ``error`` is set when the check could not see (UNKNOWN) and says why, in a sentence. ``more``: a run from the new
    cursor would find more at once.
    """

    check: str
    started_at: datetime
    finished_at: datetime
    status: Status
    findings: tuple[Finding, ...] = ()
    clearances: tuple[Clearance, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    cursor: JsonValue = None
    error: str | None = None
    more: bool = False


def in_zone(moment: datetime, zone: ZoneInfo) -> str:
    """A time in UTC and on the wall: ``2026-01-26T14:00:00Z (2026-01-26 09:00 EST)``."""
    return f"{stamp(moment)} ({moment.astimezone(zone):%Y-%m-%d %H:%M %Z})"


def day_words(day: date) -> str:
    """A run date in words: ``25 January 2026``."""
    return f"{day.day} {day:%B %Y}"
