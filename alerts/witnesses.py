"""What the checks beside the states explain: silence of the recording, data without completions, hand-overs. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.model import Fault
from checks.pipeline import Pipeline

# Findings about one phase of one run date, and what each says of that phase's trouble.
_OF_THE_PHASE = {
    "outputs.unrecorded": "its data is there: only the recording failed",
    "hand-over.fallback": "only the fallback started it",
    "hand-over.not-started": "its starter did not start it",
}


def explains(cause: Fault, effect: Fault, pipelines: Mapping[str, Pipeline]) -> str | None:
    """Why the first explains the second, in words; None if neither is of these checks, or it does not."""
    why, of = cause.finding, effect.finding
    if why.kind == "recording.silent":
        return "nothing is being recorded" if _in_the_silence(cause, effect) else None
    if of.kind in ("recording.silent", "outputs.unrecorded") and why.kind.startswith("log."):
        return _recorder(cause, effect, pipelines)
    if of.kind.startswith("phase.") and _about_the_same(cause, effect):
        return _OF_THE_PHASE.get(why.kind)
    return None


def _in_the_silence(cause: Fault, effect: Fault) -> bool:
    """Whether the other is about completions of the same pipeline that are missing while nobody records anything."""
    why, of = cause.finding, effect.finding
    concerned = of.kind.startswith("phase.") or of.kind == "outputs.unrecorded"
    return concerned and why.subject.pipeline == of.subject.pipeline and cause.is_open and of.last_seen >= why.since


def _recorder(cause: Fault, effect: Fault, pipelines: Mapping[str, Pipeline]) -> str | None:
    """A recorder that has failed since the trouble began."""
    pipeline = pipelines.get(effect.finding.subject.pipeline or "")
    service, only = cause.finding.subject.service, effect.finding.subject.phase
    if pipeline is None or service is None or cause.finding.last_seen < effect.finding.since:
        return None
    phases = (p for p in pipeline.phases if p.recorder == service and only in (None, p.name))
    return next((f"{service} records {phase.name}" for phase in phases), None)


def _about_the_same(one: Fault, other: Fault) -> bool:
    """Whether both are about one phase of one run date."""
    a, b = one.finding.subject, other.finding.subject
    return (a.pipeline, a.phase, a.run_date) == (b.pipeline, b.phase, b.run_date)
