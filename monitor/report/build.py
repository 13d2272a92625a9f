"""Live observations + what the store knows -> the report. Pure: the same code finds the causes as in the alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts import causes, ledger
from alerts.model import Change, Fault, FaultState, Incident, IncidentState
from alerts.wording import severity_of
from checks.model import CheckRun, Status
from checks.phases.model import PhaseDay, PhaseState
from checks.pipeline import Pipeline
from checks.ports import Recording
from monitor.report.model import (
    Cause,
    CheckReport,
    HealthReport,
    IncidentReport,
    PhaseReport,
    PipelineReport,
    SourceReport,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was read of one pipeline. ``run`` is its completions check judged on it; ``error`` says what was not."""

    pipeline: Pipeline
    run: CheckRun
    days: tuple[PhaseDay, ...]
    recording: Recording | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the watcher's state knows, as of the moment of the report; empty where there is no state yet."""

    faults: Mapping[str, Fault]
    incidents: Sequence[Incident]
    checks: Sequence[CheckReport]


def build(
    *,
    seen: Sequence[Seen],
    logs: CheckRun | None,
    stored: Stored,
    sources: Sequence[SourceReport],
    notes: Sequence[str],
    as_of: datetime,
    generated_at: datetime,
) -> HealthReport:
    """The report. ``logs`` is a live scan (None where logs are only known from the store)."""
    runs = [s.run for s in seen] + ([logs] if logs is not None else [])
    faults = dict(stored.faults)
    for run in runs:
        for transition in ledger.settle(run, faults, as_of):
            fault = transition.fault
            before = faults.get(fault.fingerprint)
            if before is not None and fault.finding.kind.startswith("log."):
                # The watcher counted what the live scan sees again.
                fault = replace(fault, count=max(before.count, fault.count - before.count))
            if transition.change in (Change.NOTICED, Change.OPENED):
                fault = replace(fault, state=FaultState.FIRING, fired_at=as_of)
            faults[fault.fingerprint] = fault
    pipelines = [s.pipeline for s in seen]
    fresh_from = max((i.id for i in stored.incidents), default=0) + 1
    grouping = causes.group(faults, stored.incidents, pipelines, as_of, fresh_from)
    incidents = {i.id: i for i in (*stored.incidents, *grouping.incidents)}
    home = {name: i for i in incidents.values() if i.state is not IncidentState.MERGED for name in i.members}
    why = _Causes(
        faults=faults,
        home=home,
        numbered=frozenset(i.id for i in stored.incidents),
        pipelines=tuple(pipelines),
        as_of=as_of,
    )
    reports = tuple(_pipeline(s, why) for s in seen)
    listed = tuple(incident_report(i, stored.faults) for i in stored.incidents if i.state is not IncidentState.MERGED)
    failures = tuple(
        sorted(
            (f for f in faults.values() if f.is_open and f.finding.kind.startswith("log.")),
            key=lambda f: (f.finding.since, f.fingerprint),
        )
    )
    return HealthReport(
        generated_at=generated_at,
        as_of=as_of,
        status=_worst([r.status for r in reports] + [s.status for s in sources] + _of_incidents(listed)),
        pipelines=reports,
        incidents=tuple(sorted(listed, key=lambda i: i.incident.id)),
        failures=failures,
        sources=tuple(sorted(sources, key=lambda s: s.name)),
        checks=tuple(sorted(stored.checks, key=lambda c: c.name)),
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Causes:
    """Faults and the incidents they are in, asked why a phase is as it is. ``numbered``: incidents people know."""

    faults: Mapping[str, Fault]
    home: Mapping[str, Incident]
    numbered: frozenset[int]
    pipelines: tuple[Pipeline, ...]
    as_of: datetime

    def of(self, day: PhaseDay) -> Cause | None:
        """The open fault that explains this phase; the incident's root before others."""
        fingerprint = f"phase:{day.pipeline}:{day.phase}:{day.run_date.isoformat()}"
        fault, incident = self.faults.get(fingerprint), self.home.get(fingerprint)
        if fault is None or incident is None or not (day.state.is_root_problem or day.state is PhaseState.BLOCKED):
            return None
        for name in (incident.root, *incident.members):
            other = self.faults.get(name)
            if other is None or other is fault or not other.is_open:
                continue
            if causes.explanation(other, fault, self.pipelines, self.as_of) is not None:
                number = incident.id if incident.id in self.numbered else None
                return Cause(incident=number, kind=other.finding.kind, summary=other.finding.title)
        return None


def _pipeline(seen: Seen, why: _Causes) -> PipelineReport:
    order = {phase.name: number for number, phase in enumerate(seen.pipeline.phases)}
    days = sorted(seen.days, key=lambda d: (d.run_date, order[d.phase]))
    return PipelineReport(
        name=seen.pipeline.name,
        zone=seen.pipeline.zone,
        status=_judged(seen),
        phases=tuple(PhaseReport(day=day, cause=why.of(day)) for day in days),
        recording=seen.recording,
        error=seen.error,
    )


def incident_report(incident: Incident, faults: Mapping[str, Fault]) -> IncidentReport:
    """An incident with its faults, root first."""
    order = [incident.root, *(n for n in incident.members if n != incident.root)]
    members = tuple(faults[n] for n in order if n in faults)
    return IncidentReport(
        incident=incident, severity=severity_of(members), title=members[0].finding.title, faults=members
    )


def _judged(seen: Seen) -> Status:
    if any(d.state.is_root_problem for d in seen.days):
        return Status.FAILING
    if seen.error is not None or any(d.state is PhaseState.UNKNOWN for d in seen.days) or not seen.days:
        return Status.UNKNOWN
    return Status.OK


def _of_incidents(incidents: Sequence[IncidentReport]) -> list[Status]:
    loud = [i for i in incidents if i.incident.state is IncidentState.OPEN]
    return [Status.FAILING] if loud else []


def _worst(statuses: Sequence[Status]) -> Status:
    for status in (Status.FAILING, Status.UNKNOWN, Status.DEGRADED):
        if status in statuses:
            return status
    return Status.OK if statuses else Status.UNKNOWN
