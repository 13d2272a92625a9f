"""What scheduler jobs explain: the phases that they are declared to start; and what explains that they fail. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alerts.faults.measures import FAILING
from alerts.model import Fault
from checks.pipeline import Phase, Pipeline

# How the kinds of faults of scheduler jobs begin.
JOB = "scheduler."
_ABSENT = "metrics.absent"
_SAYS = {"scheduler.failing": "fails", "scheduler.silent": "did not run"}


def explains(cause: Fault, effect: Fault, pipelines: Mapping[str, Pipeline]) -> str | None:
    """Why the first explains the second, in words; None if no scheduler job is among them, or it does not."""
    why, of = cause.finding, effect.finding
    if why.kind.startswith(JOB) and (of.kind.startswith("phase.") or of.kind == _ABSENT):
        return _starts(cause, effect, pipelines)
    if of.kind == "scheduler.failing" and (why.kind.startswith(("log.", "rollout.")) or why.kind == FAILING):
        # What the job calls answers with an error.
        called = {service for _, phase in _phases(effect, pipelines) for service in phase.starters}
        service = why.subject.service
        return f"{service} fails" if service in called and why.since <= of.last_seen else None
    return None


def offers(fault: Fault, pipelines: Mapping[str, Pipeline]) -> Iterator[tuple[object, ...]]:
    """The keys under which others find a fault of a scheduler job; see ``alerts.faults.graph``."""
    for pipeline, phase in _phases(fault, pipelines):
        yield ("job of", pipeline, phase.name)
        yield ("phase", pipeline, phase.name)


def asks(fault: Fault, pipelines: Mapping[str, Pipeline]) -> Iterator[tuple[object, ...]]:
    """The keys under which a scheduler job finds what it may explain."""
    for pipeline, phase in _phases(fault, pipelines):
        yield ("phase", pipeline, phase.name)
        yield ("measured of", pipeline, phase.name)


def asks_for_causes(fault: Fault, pipelines: Mapping[str, Pipeline]) -> Iterator[tuple[object, ...]]:
    """The keys under which a fault finds the scheduler job behind it, and a job what it calls."""
    kind, subject = fault.finding.kind, fault.finding.subject
    if kind.startswith("phase.") or kind == _ABSENT:
        yield ("job of", subject.pipeline, subject.phase)
    for _, phase in _phases(fault, pipelines):
        for service in phase.starters:
            yield ("service", service)
            yield ("measured", service)


def _phases(fault: Fault, pipelines: Mapping[str, Pipeline]) -> Iterator[tuple[str, Phase]]:
    """The phases that the fault's job is declared to start, for whichever run dates; none for another fault."""
    if not fault.finding.kind.startswith(JOB):
        return
    job = fault.finding.facts.get("job")
    for name, pipeline in pipelines.items():
        for phase in pipeline.phases:
            if job is not None and any(h.job == job for h in phase.hand_overs):
                yield name, phase


def _starts(cause: Fault, effect: Fault, pipelines: Mapping[str, Pipeline]) -> str | None:
    """The job was to start the phase for that run date, and was in trouble before the phase was due."""
    why, of = cause.finding, effect.finding.subject
    for name, phase in _phases(cause, pipelines):
        if of.run_date is None or (name, phase.name) != (of.pipeline, of.phase):
            continue
        declared, zone = phase.hand_over_on(of.run_date), pipelines[name].zone
        by_it = declared is not None and declared.job == why.facts.get("job")
        lasted = cause.is_open or why.last_seen >= phase.begins_on(of.run_date, zone)
        if by_it and lasted and why.since <= phase.due.on(of.run_date, zone):
            return f"the scheduler job {why.facts['job']} starts {phase.name}, and {_SAYS.get(why.kind, 'fails')}"
    return None
