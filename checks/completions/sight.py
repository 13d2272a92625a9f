"""Whether the completions check can see: how far the calendar reaches, and which evidence tables could be asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from checks.model import Clearance, Finding, Severity, Subject, day_words, stamp
from checks.phases.calendar import Calendar, CalendarQuery, CalendarTable
from checks.phases.evidence import TableSight
from checks.phases.words import one_line
from checks.pipeline import Pipeline, local_instant
from checks.ports import CalendarDays

# A calendar is loaded in one go: while that runs it is short of dates and nothing is wrong. A table is rewritten.
_SETTLES = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What follows from what could be seen: findings, clearances, and what was not seen in words."""

    findings: tuple[Finding, ...] = ()
    clearances: tuple[Clearance, ...] = ()
    unseen: tuple[str, ...] = ()


def sight_of_tables(check: str, pipeline: Pipeline, tables: TableSight, now: datetime) -> Sight:
    """Which evidence tables could not be asked; the others are no longer blind, or nobody depends on them."""
    reasons: dict[str, str] = {}
    for proof, reason in tables.unseen.items():
        reasons.setdefault(proof.table, reason)
    findings = tuple(
        Finding(
            fingerprint=f"evidence:{pipeline.name}:{table}",
            check=check,
            kind="blind.evidence",
            severity=Severity.WARNING,
            subject=Subject(pipeline=pipeline.name, table=table),
            title=one_line(f"The rows of {table} cannot be counted: what they would prove is unknown"),
            since=now,
            last_seen=now,
            facts={"reason": reason, "checked at": stamp(now)},
            pending_for=_SETTLES,
        )
        for table, reason in reasons.items()
    )
    clearances = tuple(
        Clearance(
            fingerprint=f"evidence:{pipeline.name}:{table}",
            at=now,
            reason=f"nothing that depends on {table} is unknown any more",
        )
        for table in pipeline.evidence_tables()
        if table not in reasons
    )
    return Sight(findings=findings, clearances=clearances)


def sight_of_calendar(check: str, pipeline: Pipeline, calendar: CalendarDays, today: date, now: datetime) -> Sight:
    """Whether the calendar says anything of today, and what follows if it does not.

    A calendar that begins only later is no fault: a season that has not started owes nothing anybody could miss.
    """
    known = pipeline.calendar
    fingerprint = f"calendar:{pipeline.name}"
    if calendar.covers(today):
        within = calendar.last is not None and today <= calendar.last != date.max
        reach = f" and reaches to {calendar.last}" if within else ""
        reason = f"calendar {known.called} covers {today}{reach}"
        return Sight(clearances=(Clearance(fingerprint=fingerprint, at=now, reason=reason),))
    if calendar.first is None or calendar.last is None:
        extent, since = "is empty", now
    elif today < calendar.first:
        begins = f"Calendar {known.called} begins on {day_words(calendar.first)}"
        return Sight(unseen=(f"{begins}: earlier dates cannot be judged.",))
    else:
        extent = f"ends on {day_words(calendar.last)}"
        since = local_instant(calendar.last + timedelta(days=1), time(0), pipeline.zone)
    title = one_line(f"Calendar {known.called} {extent}: {day_words(today)} cannot be judged")
    table = known.table if isinstance(known, CalendarTable) else None
    remedy = _remedy(known)
    blind = Finding(
        fingerprint=fingerprint,
        check=check,
        kind="blind.calendar",
        severity=Severity.WARNING,
        subject=Subject(pipeline=pipeline.name, table=table),
        title=title,
        since=since,
        last_seen=now,
        facts={
            "calendar": known.called,
            "last covered date": calendar.last.isoformat() if calendar.last is not None else "none",
            "remedy": remedy,
            "checked at": stamp(now),
        },
        pending_for=_SETTLES,
    )
    return Sight(findings=(blind,), unseen=(f"{title}. {remedy}",))


def _remedy(calendar: Calendar) -> str:
    """What to do about a calendar that ends too early."""
    if isinstance(calendar, CalendarTable):
        return f"Load the coming dates into {calendar.table}."
    if isinstance(calendar, CalendarQuery):
        return "Let the calendar's SQL answer the coming dates, or say in the configuration when the season is."
    return "Add the coming dates to the calendar's list in the configuration."
