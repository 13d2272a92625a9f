"""What the checks beside the states explain: silence of the recording, data without completions, hand-overs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alerts.model import Fault
from checks.pipeline import Phase, Pipeline

SILENT, UNRECORDED, HAND_OVER = "recording.silent", "outputs.unrecorded", "hand-over."
# What comes between a failing function and a phase in trouble: rather a cause than the phase.
KINDS = (SILENT, UNRECORDED, HAND_OVER)

# Findings about one phase of one run date, and what each says of that phase's trouble.
_OF_THE_PHASE = {
    UNRECORDED: "its data is there: only the recording failed",
    "hand-over.fallback": "only the fallback started it",
    "hand-over.not-started": "its starter did not start it",
}


def explains(cause: Fault, effect: Fault, pipelines: Mapping[str, Pipeline]) -> str | None:
    """Why the first explains the second, in words; None if neither is of these checks, or it does not."""
    why, of = cause.finding, effect.finding
    if why.kind == SILENT:
        return "nothing is being recorded" if _in_the_silence(cause, effect) else None
    if of.kind in (SILENT, UNRECORDED) and why.kind.startswith("log."):
        return _recorder(cause, effect, pipelines)
    if of.kind.startswith("phase.") and _about_the_same(cause, effect):
        return _OF_THE_PHASE.get(why.kind)
    return None


def offers(fault: Fault, pipelines: Mapping[str, Pipeline]) -> Iterator[tuple[object, ...]]:
    """The keys under which others find a fault of these checks; see ``alerts.faults.graph``."""
    kind, subject = fault.finding.kind, fault.finding.subject
    if kind == SILENT:
        yield ("silent", subject.pipeline)
        pipeline = pipelines.get(subject.pipeline or "")
        yield from (("phase", subject.pipeline, phase.name) for phase in (pipeline.phases if pipeline else ()))
    elif kind.startswith(KINDS):
        yield ("witness", subject.pipeline, subject.phase, subject.run_date)
        yield ("phase", subject.pipeline, subject.phase)
    if kind == UNRECORDED:
        yield ("unrecorded", subject.pipeline)


def asks(fault: Fault) -> Iterator[tuple[object, ...]]:
    """The keys under which a fault of these checks finds what it may explain."""
    kind, subject = fault.finding.kind, fault.finding.subject
    if kind == SILENT:
        yield ("phase of", subject.pipeline)
        yield ("unrecorded", subject.pipeline)
    elif kind.startswith(KINDS):
        yield ("stuck", subject.pipeline, subject.phase, subject.run_date)


def asks_for_causes(fault: Fault, pipelines: Mapping[str, Pipeline]) -> Iterator[tuple[object, ...]]:
    """The keys under which any fault finds what these checks explain, and theirs find the function behind them."""
    kind, subject = fault.finding.kind, fault.finding.subject
    if kind.startswith("phase."):
        yield ("silent", subject.pipeline)
        yield ("witness", subject.pipeline, subject.phase, subject.run_date)
    if kind == UNRECORDED:
        yield ("silent", subject.pipeline)
    if kind.startswith(KINDS):
        pipeline = pipelines.get(subject.pipeline or "")
        for phase in pipeline.phases if pipeline else ():
            if kind == SILENT or phase.name == subject.phase:
                yield from (("service", service) for service in _functions(phase))


def _functions(phase: Phase) -> Iterator[str]:
    yield from (service for service in (phase.recorder, *phase.starters) if service is not None)


def _in_the_silence(cause: Fault, effect: Fault) -> bool:
    """Whether the other is about completions of the same pipeline that are missing while nobody records anything."""
    why, of = cause.finding, effect.finding
    concerned = of.kind.startswith("phase.") or of.kind == UNRECORDED
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
