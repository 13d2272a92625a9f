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
    ``malformed`` counts what was there and could not be read as an entry; ``cursor`` is JSON-able. ``more``: there is
    more than one read takes, and reading on at once brings it.
    """

    entries: Sequence[Mapping[str, Any]]
    malformed: int
    cursor: JsonValue
    evidence: Evidence
    more: bool = False


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
    """Completions that were recorded alike, mostly a single row; ``phase`` and ``processor`` as spelt in the table.

    Alike are rows of the same phase, run date, spelling, status word and execution: a redelivered message is written
    again. ``rows`` counts them; times and ``record_count`` are those of the earliest. Where the same spelling has many
    executions, the later ones come as one value: ``executions`` counts them, ``execution_id`` means nothing then,
    ``last_completed_at`` is the time of the latest, and ``record_count`` is 0 only if it is 0 in all of them.
    ``insert_delay`` is the longest time between completion and insertion. A single row may leave out these last two.
    """

    phase: str
    run_date: date
    processor: str
    status: str
    record_count: int | None
    execution_id: str | None
    completed_at: datetime
    inserted_at: datetime
    rows: int = 1
    executions: int = 1
    last_completed_at: datetime | None = None
    insert_delay: timedelta | None = None

    @property
    def last_at(self) -> datetime:
        """When the latest of the executions was completed."""
        return self.last_completed_at or self.completed_at

    @property
    def delay(self) -> timedelta:
        """The longest time between completion and insertion."""
        return self.inserted_at - self.completed_at if self.insert_delay is None else self.insert_delay


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedDay:
    """The processors of one phase and run date whose rows there is nothing to say of, as one value.

    Each of them has one success under its canonical name, in time and with records. ``missing`` names the expected
    ones that are not among them: they have no rows, or rows that come by themselves. ``processors`` counts the folded;
    ``last_at`` is the latest of their times, ``last_critical_at`` that of the critical ones. ``moments`` are all times
    from the ``first_rank``-th (counted from 1) to the one that makes the phase's quorum, as far as there are so many.
    """

    phase: str
    run_date: date
    processors: int
    missing: tuple[str, ...]
    last_at: datetime | None = None
    last_critical_at: datetime | None = None
    first_rank: int = 1
    moments: tuple[datetime, ...] = ()


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
