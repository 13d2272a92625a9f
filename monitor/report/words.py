"""What several forms of the report say in the same words."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from alerts.messages.text import clean, redact
from alerts.messages.wording import duration, moment
from alerts.notify.silences import Silence
from checks.model import Evidence
from checks.phases.model import PhaseState
from monitor.report.model import HealthReport, IncidentReport, Kept

# Of these, what is missing is named: nothing is wrong yet with what is pending, and nobody knows of what is unknown.
TROUBLE_SHOWN = frozenset(PhaseState) - {PhaseState.PENDING, PhaseState.UNKNOWN}


def span(item: IncidentReport, report: HealthReport) -> str:
    """Since when an incident is open, or how long it lasted."""
    opened = item.incident.opened_at
    ended = item.incident.resolved_at
    lasted = duration((ended or report.as_of) - opened)
    return f"since {moment(opened, report.zone)}, {'lasted' if ended else 'open for'} {lasted}"


def silence_words(silence: Silence, zone: ZoneInfo) -> str:
    """What is not told, until when, by whose word and why."""
    said = f"{silence.matcher.words()}, until {moment(silence.ends_at, zone)}, by {silence.author}: {silence.reason}"
    return redact(clean(said))


def looked(evidence: Evidence) -> str:
    """What was read, in a few words."""
    parts = [f"{number:,} {name.replace('_', ' ')}" for name, number in evidence.counts.items()]
    if evidence.queries:
        billed = "not reported" if evidence.bytes_billed is None else f"{evidence.bytes_billed:,}"
        parts.append(f"{evidence.queries} queries, bytes billed: {billed}")
    return ", ".join(parts)


def kept_words(kept: Kept) -> str:
    """How a phase kept its due times, without its name."""
    parts = [f"{kept.in_time} of {kept.dates} in time"]
    if kept.late_by is not None:
        parts.append(f"{kept.late} late by {duration(kept.late_by)}{' (median)' if kept.late > 1 else ''}")
    if kept.never:
        parts.append(f"{kept.never} not at all")
    return ", ".join(parts)


def response_words(report: HealthReport) -> str:
    """How many incidents began in the range of the report, how fast they were noticed and resolved, and from when on
    that is known.
    """
    answer = report.response
    sentences = [f"Incidents that began in this range: {answer.incidents}."]
    if answer.to_notice is not None:
        sentences.append(f"Noticed after {duration(answer.to_notice)} (median).")
    if answer.to_resolve is not None:
        sentences.append(f"Resolved after {duration(answer.to_resolve)} (median).")
    if answer.unrecorded_until is not None:
        until = answer.unrecorded_until
        since = "" if until >= report.as_of else f" before {moment(until, report.zone)}"
        sentences.append(f"No watcher's record of incidents{since}: there only the completions tell what was late.")
    return " ".join(sentences)
