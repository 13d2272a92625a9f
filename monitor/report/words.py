"""What several forms of the report say in the same words."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from alerts.silences import Silence
from alerts.text import clean, redact
from alerts.wording import duration, moment
from checks.model import Evidence
from checks.phases.model import PhaseState
from monitor.report.model import HealthReport, IncidentReport

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
