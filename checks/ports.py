"""The protocols between a check, the places it asks, and whoever runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeVar, runtime_checkable

from checks.model import Evidence, JsonValue, Judgement, Subject


class SourceError(Exception):
    """A place could not be asked, or gave no usable answer: the check is blind, which is not the same as healthy.

    :param remedy: what a person can do about it, a sentence; None where nothing is known.
    :param kind: ``unreachable``, ``forbidden``, ``quota``, ``missing``, ``timeout``, ``invalid``: what a message and
        doctor tell apart.
    :param subject: the missing thing itself (a table), where there is one.
    """

    def __init__(
        self, message: str, *, kind: str = "unreachable", remedy: str | None = None, subject: str | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.remedy = remedy
        self.subject = subject


@dataclass(frozen=True, slots=True, kw_only=True)
class LogBatch:
    """New log entries since a cursor, in the order the source has them.

    ``entries`` are LogEntry objects as ``gcloud logging read --format=json`` prints them.
    ``malformed`` counts what was there and could not be read as an entry; ``cursor`` is JSON-able.
    """

    entries: Sequence[Mapping[str, Any]]
    malformed: int
    cursor: JsonValue
    evidence: Evidence


class LogSource(Protocol):
    """A place with log entries."""

    def read(self, cursor: JsonValue, until: datetime) -> LogBatch:
        """Entries after the cursor that were received by ``until``. ``None`` as cursor means: from the beginning of
        what the source is configured to look back to.

        Idempotent: the same cursor gives the same entries again (and newer ones). Bounded in time and memory.

        :raises SourceError: if it could not look.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsSeen:
    """By normalised name the entry that proves a function's latest successful run, for those that have one."""

    entries: Mapping[str, Mapping[str, Any]]
    evidence: Evidence


@runtime_checkable
class RunSource(Protocol):
    """A log source that does not bring the runs of healthy functions along, and is asked for them instead."""

    def runs_since(self, functions: Sequence[str], since: datetime, until: datetime) -> RunsSeen:
        """For each function the entry of its latest successful run written in ``since <= t < until``: one bounded read.

        :raises SourceError: if it could not look.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A revision in which something failed at ``at``; ``revision`` None where a function (gen1) or job has none."""

    service: str
    revision: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSeen:
    """Entries that tell of the past of revisions, in any order."""

    entries: Sequence[Mapping[str, Any]]
    evidence: Evidence


@runtime_checkable
class RevisionSource(Protocol):
    """A log source that does not bring along how the revisions of a function came about, and is asked instead."""

    def past(self, failing: Sequence[Failing]) -> PastSeen:
        """Before each failure: the deployments of the function, the first entry of the revision, a successful run of
        the revision before it, and what failed there. A few bounded reads, however many revisions are asked for.

        :raises SourceError: if it could not look.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """Rows as dicts of Python values, with what it cost. ``bytes_billed`` None: not reported."""

    rows: Sequence[Mapping[str, Any]]
    bytes_billed: int | None


class Warehouse(Protocol):
    """Where rows are asked for in SQL."""

    def query(self, sql: str, params: Mapping[str, Any], *, label: str) -> QueryResult:
        """Run one parametrised query, bounded in time and bytes billed.

        ``params`` values may be str, int, float, bool, date, datetime, or a non-empty list of one of these.
        ``label`` is written to the job as ``phasewatch_check``.

        :raises SourceError: ``missing`` (with the table as subject) for 404, ``forbidden`` for 403, ``invalid`` for a
            query that does not fit its table, ``timeout`` or ``unreachable`` otherwise.
        """
        ...


Observed = TypeVar("Observed")


class Check(Protocol[Observed]):
    """One check: ``read`` asks the sources, ``judge`` decides.

    ``judge`` is pure: the same observations and ``now`` give the same judgement. ``about`` is what the check looks
    at as a whole (its pipeline), for what is said when it cannot look. The cursor it is handed is
    ``{"source", "carry"}``: what ``read`` answered last time and what ``judge`` carried over; None the first time.
    """

    name: str
    every: timedelta
    about: Subject

    def read(self, now: datetime, cursor: JsonValue) -> tuple[Observed, JsonValue]:
        """Observations, and the cursor to store once their consequences are stored.

        :raises SourceError: if it could not look.
        """
        ...

    def judge(self, observed: Observed, now: datetime) -> Judgement:
        """Findings, clearances and evidence."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionRow:
    """One recorded completion as it stands in the table; ``phase`` and ``processor`` as spelt there."""

    phase: str
    run_date: date
    processor: str
    status: str
    record_count: int | None
    execution_id: str | None
    completed_at: datetime
    inserted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDays:
    """The calendar's answer for a span of dates.

    ``runs`` holds each date on which a run is owed, with its number of rows; ``first`` and ``last`` are the dates the
    calendar covers: inside them a date without a row owes nothing, outside nobody knows. ``reasons`` says why nothing
    is owed, for people; a date with a reason (a break, a halt) is covered wherever it lies.
    """

    runs: Mapping[date, int]
    first: date | None
    last: date | None
    reasons: Mapping[date, str] = field(default_factory=dict)

    def covers(self, day: date) -> bool:
        """Whether the calendar says anything of that date."""
        within = self.first is not None and self.last is not None and self.first <= day <= self.last
        return within or day in self.reasons

    def why_not(self, day: date) -> str:
        """Why no run is owed for that date; only meaningful where ``covers`` and not ``owed``."""
        return self.reasons.get(day, "no run in the calendar")

    def owed(self, day: date) -> bool:
        """Whether a run is owed for that date; only meaningful where ``covers``."""
        return self.runs.get(day, 0) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """How alive recording looks: rows inserted in the last 24 hours, and how many of them are backfill."""

    rows_inserted_last_24h: int
    of_which_backfill: int
