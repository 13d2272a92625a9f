"""The check of a pipeline's completions: whether what is owed is there, and if not, since when and who waits for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from checks.model import (
    Clearance,
    Evidence,
    Finding,
    HeldUp,
    JsonValue,
    Judgement,
    Severity,
    Status,
    Subject,
    day_words,
    stamp,
)
from checks.phases.calendar import Calendar, CalendarQuery, CalendarTable
from checks.phases.model import PhaseDay, PhaseState
from checks.phases.states import judge_day
from checks.phases.words import headline, one_line, reason_it_is_over
from checks.pipeline import Pipeline, local_instant
from checks.ports import CalendarDays, CompletionRow
from checks.sources.calendar import Calendars
from checks.sources.completions import CompletionTables

_FLAGS_SHOWN = 10
# Run dates in trouble are judged beyond the look-back, but neither without end nor by reading half a year every minute.
_OPEN_DATES_KEPT = 20
_OPEN_DATES_REACH = timedelta(days=45)
# A calendar is loaded in one go: while that runs it is short of dates and nothing is wrong.
_CALENDAR_SETTLES = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCompletions:
    """What one read brought: completions and calendar for run dates ``first`` to ``last``, both included.

    ``open`` are earlier run dates that were in trouble when last judged; they are judged until they are not.
    """

    first: date
    last: date
    rows: Sequence[CompletionRow]
    calendar: CalendarDays
    evidence: Evidence
    open: tuple[date, ...] = ()

    def dates(self) -> tuple[date, ...]:
        """The run dates looked at, oldest first."""
        return *self.open, *(self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1))


class Completions:
    """Judges every phase of one pipeline for the last ``look_back`` run dates, today's local date included.

    Findings have the fingerprint ``phase:<pipeline>:<phase>:<run date>`` and the kind ``phase.<state>``: stalled,
    failed, incomplete, and blocked as a consequence. A phase that is satisfied, or owes nothing, clears its
    fingerprint, and what its recorder failed before that moment; one that is pending, in progress or unknown says
    nothing. A calendar that ends before today is itself a
    finding, ``blind.calendar`` with the fingerprint ``calendar:<pipeline>``.
    """

    def __init__(
        self, *, pipeline: Pipeline, tables: CompletionTables, every: timedelta, look_back: int, name: str
    ) -> None:
        self.name = name
        self.every = every
        self.about = Subject(pipeline=pipeline.name)
        self._pipeline = pipeline
        self._tables = tables
        self._calendars = Calendars(tables.warehouse)
        self._look_back = look_back

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline that is judged."""
        return self._pipeline

    def read(self, now: datetime, cursor: JsonValue) -> tuple[SeenCompletions, JsonValue]:
        """Completions as they were at ``now``, and the calendar. Only run dates in trouble are carried over.

        :raises SourceError: if a table could not be asked, does not exist or has another shape.
        """
        last = now.astimezone(self._pipeline.zone).date()
        first = last - timedelta(days=self._look_back - 1)
        return self.observe(first, last, now, _carried(cursor, first)), None

    def observe(self, first: date, last: date, at: datetime, older: tuple[date, ...] = ()) -> SeenCompletions:
        """Run dates ``first`` to ``last`` and the ``older`` ones, as recorded at ``at``: one query and the calendar's.

        :raises SourceError: as ``read``.
        """
        start = min((first, *older))
        rows, rows_cost = self._tables.rows(self._pipeline, start, last, at)
        calendar, calendar_cost = self.calendar(start, last)
        evidence = rows_cost.merged(calendar_cost)
        return SeenCompletions(first=first, last=last, rows=rows, calendar=calendar, evidence=evidence, open=older)

    def calendar(self, first: date, last: date) -> tuple[CalendarDays, Evidence]:
        """On which of the run dates ``first`` to ``last`` a run is owed, and why not on the others.

        :raises SourceError: as ``read``.
        """
        return self._calendars.days(self._pipeline, first, last)

    def days(self, observed: SeenCompletions, now: datetime) -> list[tuple[PhaseDay, ...]]:
        """The states of all phases, one tuple per run date, oldest first."""
        return [
            judge_day(self._pipeline, run_date, observed.rows, observed.calendar, now) for run_date in observed.dates()
        ]

    def judge(self, observed: SeenCompletions, now: datetime) -> Judgement:
        """States of all phases as findings and clearances.

        FAILING with any root problem; UNKNOWN where the calendar does not cover today or rows could not be read.
        """
        days = self.days(observed, now)
        phase_days = [phase_day for day in days for phase_day in day]
        findings = [self._finding(phase_day, day, now) for day in days for phase_day in day if _in_trouble(phase_day)]
        clearances = [
            Clearance(
                fingerprint=_fingerprint(phase_day),
                at=phase_day.satisfied_at or now,
                reason=reason_it_is_over(phase_day),
            )
            for phase_day in phase_days
            if phase_day.state.satisfied or phase_day.state is PhaseState.NOT_EXPECTED
        ]
        clearances += [
            Clearance(service=recorder, at=phase_day.satisfied_at, reason=reason_it_is_over(phase_day))
            for phase_day in phase_days
            if phase_day.satisfied_at is not None
            and (recorder := self._pipeline.phase(phase_day.phase).recorder_on(phase_day.run_date)) is not None
        ]
        sight = self._sight(observed.calendar, observed.last, now)
        evidence = observed.evidence.merged(
            Evidence(
                counts={"dates": len(days), "phases": len(phase_days)},
                unseen=sight.unseen,
                notes=tuple(_note(phase_day) for phase_day in phase_days if phase_day.flags),
            )
        )
        open_dates = sorted({d.run_date for d in phase_days if _in_trouble(d)})
        return Judgement(
            carry={"open": [d.isoformat() for d in open_dates[-_OPEN_DATES_KEPT:]]},
            status=_status(phase_days, evidence),
            findings=(*findings, *sight.findings),
            clearances=(*clearances, *sight.clearances),
            evidence=evidence,
        )

    def _finding(self, phase_day: PhaseDay, day: Sequence[PhaseDay], now: datetime) -> Finding:
        blocked = phase_day.state is PhaseState.BLOCKED
        phase = self._pipeline.phase(phase_day.phase)
        critical = {processor.name for processor in phase.expected_on(phase_day.run_date) if processor.critical}
        severe = not blocked and not critical.isdisjoint(phase_day.missing)
        return Finding(
            fingerprint=_fingerprint(phase_day),
            check=self.name,
            kind=f"phase.{phase_day.state}",
            severity=Severity.CRITICAL if severe else Severity.WARNING,
            subject=Subject(pipeline=phase_day.pipeline, phase=phase_day.phase, run_date=phase_day.run_date),
            title=headline(phase_day, day),
            since=_since(phase_day, now),
            last_seen=now,
            facts=self._facts(phase_day, now),
            holds_up=self._holds_up(phase_day, day),
            consequence=blocked,
        )

    def _facts(self, phase_day: PhaseDay, now: datetime) -> Mapping[str, JsonValue]:
        facts: dict[str, JsonValue] = {
            "state": phase_day.state.value,
            "done": ", ".join(phase_day.done) or "none",
            "missing": ", ".join(phase_day.missing),
        }
        if phase_day.due_at is not None:
            local = phase_day.due_at.astimezone(self._pipeline.zone)
            facts["due"] = f"{stamp(phase_day.due_at)} ({local:%Y-%m-%d %H:%M %Z})"
        facts["checked at"] = stamp(now)
        return facts

    def _holds_up(self, phase_day: PhaseDay, day: Sequence[PhaseDay]) -> tuple[HeldUp, ...]:
        """The phases behind this one that still wait on that run date."""
        behind = {phase.name for phase in self._pipeline.downstream(phase_day.phase)}
        return tuple(
            HeldUp(pipeline=other.pipeline, phase=other.phase, run_date=other.run_date, due_at=other.due_at)
            for other in day
            if other.phase in behind and not other.state.satisfied and other.state is not PhaseState.NOT_EXPECTED
        )

    def _sight(self, calendar: CalendarDays, today: date, now: datetime) -> _Sight:
        """Whether the calendar says anything of today, and what follows if it does not.

        A calendar that begins only later is no fault: a season that has not started owes nothing anybody could miss.
        """
        known = self._pipeline.calendar
        fingerprint = f"calendar:{self._pipeline.name}"
        if calendar.covers(today):
            within = calendar.last is not None and today <= calendar.last != date.max
            reach = f" and reaches to {calendar.last}" if within else ""
            reason = f"calendar {known.called} covers {today}{reach}"
            return _Sight(clearances=(Clearance(fingerprint=fingerprint, at=now, reason=reason),))
        if calendar.first is None or calendar.last is None:
            extent, since = "is empty", now
        elif today < calendar.first:
            begins = f"Calendar {known.called} begins on {day_words(calendar.first)}"
            return _Sight(unseen=(f"{begins}: earlier dates cannot be judged.",))
        else:
            extent = f"ends on {day_words(calendar.last)}"
            since = local_instant(calendar.last + timedelta(days=1), time(0), self._pipeline.zone)
        title = one_line(f"Calendar {known.called} {extent}: {day_words(today)} cannot be judged")
        table = known.table if isinstance(known, CalendarTable) else None
        remedy = _remedy(known)
        blind = Finding(
            fingerprint=fingerprint,
            check=self.name,
            kind="blind.calendar",
            severity=Severity.WARNING,
            subject=Subject(pipeline=self._pipeline.name, table=table),
            title=title,
            since=since,
            last_seen=now,
            facts={
                "calendar": known.called,
                "last covered date": calendar.last.isoformat() if calendar.last is not None else "none",
                "remedy": remedy,
                "checked at": stamp(now),
            },
            pending_for=_CALENDAR_SETTLES,
        )
        return _Sight(findings=(blind,), unseen=(f"{title}. {remedy}",))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sight:
    """What follows from how far the calendar reaches."""

    findings: tuple[Finding, ...] = ()
    clearances: tuple[Clearance, ...] = ()
    unseen: tuple[str, ...] = ()


def _remedy(calendar: Calendar) -> str:
    """What to do about a calendar that ends too early."""
    if isinstance(calendar, CalendarTable):
        return f"Load the coming dates into {calendar.table}."
    if isinstance(calendar, CalendarQuery):
        return "Let the calendar's SQL answer the coming dates, or say in the configuration when the season is."
    return "Add the coming dates to the calendar's list in the configuration."


def _status(phase_days: Sequence[PhaseDay], evidence: Evidence) -> Status:
    if any(phase_day.state.is_root_problem for phase_day in phase_days):
        return Status.FAILING
    return Status.UNKNOWN if evidence.unseen else Status.OK


def _in_trouble(phase_day: PhaseDay) -> bool:
    return phase_day.state.is_root_problem or phase_day.state is PhaseState.BLOCKED


def _carried(cursor: JsonValue, first: date) -> tuple[date, ...]:
    """Run dates before ``first`` that were in trouble: without another look they would stay so for ever."""
    carry = cursor.get("carry") if isinstance(cursor, dict) else None
    listed = carry.get("open") if isinstance(carry, dict) else None
    dates = [date.fromisoformat(d) for d in listed if isinstance(d, str)] if isinstance(listed, list) else []
    return tuple(d for d in dates if first - _OPEN_DATES_REACH <= d < first)


def _fingerprint(phase_day: PhaseDay) -> str:
    return f"phase:{phase_day.pipeline}:{phase_day.phase}:{phase_day.run_date}"


def _since(phase_day: PhaseDay, now: datetime) -> datetime:
    """When the trouble began: it stopped, it first failed, or what was due did not come."""
    return phase_day.stalled_since or phase_day.failed_since or phase_day.due_at or now


def _note(phase_day: PhaseDay) -> str:
    """The flags of a phase's rows: odd, but no trouble. Unknown names are as many as somebody cares to record."""
    shown = ", ".join(phase_day.flags[:_FLAGS_SHOWN])
    more = len(phase_day.flags) - _FLAGS_SHOWN
    return f"{phase_day.phase} of {phase_day.run_date}: {shown}" + (f" and {more} more" if more > 0 else "")
