"""Live observations + what the store knows -> the report. Pure: the same code finds the causes as in the alerts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace as altered

from alerts.faults import causes, ledger
from alerts.faults.graph import OF_FUNCTIONS
from alerts.messages.wording import severity_of
from alerts.model import Change, Fault, FaultState, Incident, IncidentState, Notification, Transition
from alerts.notify.silences import Silence
from checks.logs.deployments import Deployment
from checks.model import CheckRun, Status
from checks.phases.habits import Habits, compared, instant_of
from checks.phases.model import PhaseDay, PhaseState
from checks.phases.words import headline
from checks.pipeline import Pipeline
from checks.ports import Recording
from monitor.report import reliability
from monitor.report.model import (
    Cause,
    CheckReport,
    HealthReport,
    IncidentReport,
    Mark,
    PhaseReport,
    PipelineReport,
    ProcessorReport,
    SourceReport,
    StoryLine,
    UsualReport,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was read of one pipeline. ``run`` is its completions check judged on it; ``error`` says what was not.

    ``notes`` are for people, a sentence each.
    """

    pipeline: Pipeline
    run: CheckRun
    days: tuple[PhaseDay, ...]
    recording: Recording | None
    error: str | None
    habits: Habits = field(default_factory=Habits)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the watcher's state knows, as of the moment of the report; empty where there is no state yet.

    ``incidents`` are the open ones and those that ended since ``recently`` or in the range of the report; ``stories``
    tells what happened to them, by number. ``silences`` are those in force. ``watched_since`` is when the oldest run on
    record began.
    """

    faults: Mapping[str, Fault] = field(default_factory=dict)
    incidents: Sequence[Incident] = ()
    checks: Sequence[CheckReport] = ()
    stories: Mapping[int, tuple[StoryLine, ...]] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    watched_since: datetime | None = None


def build(
    *,
    seen: Sequence[Seen],
    logs: CheckRun | None,
    stored: Stored,
    sources: Sequence[SourceReport],
    deployments: Sequence[Deployment] = (),
    notes: Sequence[str],
    as_of: datetime,
    since: datetime,
    generated_at: datetime,
) -> HealthReport:
    """The report.

    :param logs: a live scan; None where logs are only known from the store.
    :param since: the beginning of the range that figures on incidents are given for.
    """
    runs = [s.run for s in seen] + ([_still_so(logs)] if logs is not None else [])
    faults = dict(stored.faults)
    for run in runs:
        for transition in ledger.settle(run, faults, as_of):
            fault = transition.fault
            before = faults.get(fault.fingerprint)
            if before is not None and fault.finding.kind.startswith(OF_FUNCTIONS):
                # The watcher counted what the live scan sees again.
                fault = altered(fault, count=max(before.count, fault.count - before.count))
            if transition.change in (Change.NOTICED, Change.OPENED):
                fault = altered(fault, state=FaultState.FIRING, fired_at=as_of)
            faults[fault.fingerprint] = fault
    pipelines = [s.pipeline for s in seen]
    fresh_from = max((i.id for i in stored.incidents), default=0) + 1
    joinable = [i for i in stored.incidents if i.resolved_at is None or as_of - i.resolved_at <= causes.JOIN_WITHIN]
    grouping = causes.group(faults, joinable, pipelines, as_of, fresh_from)
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
    listed = tuple(
        incident_report(i, stored.faults, stored.stories.get(i.id, ()))
        for i in sorted(stored.incidents, key=lambda i: i.id)
        if i.state is not IncidentState.MERGED
    )
    failures = tuple(
        sorted(
            (f for f in faults.values() if f.is_open and f.finding.kind.startswith(OF_FUNCTIONS)),
            key=lambda f: (f.finding.since, f.fingerprint),
        )
    )
    status = _worst([r.status for r in reports] + [s.status for s in sources] + _of_incidents(listed))
    return HealthReport(
        generated_at=generated_at,
        as_of=as_of,
        zone=pipelines[0].zone if pipelines else ZoneInfo("UTC"),
        status=status,
        verdict=_verdict(status, reports, listed, sources),
        pipelines=reports,
        incidents=listed,
        failures=failures,
        sources=tuple(sorted(sources, key=lambda s: s.name)),
        checks=tuple(sorted(stored.checks, key=lambda c: c.name)),
        response=reliability.response(listed, since, as_of, stored.watched_since),
        marks=_marks(faults.values(), deployments),
        silences=stored.silences,
        notes=tuple(notes),
    )


def _still_so(logs: CheckRun) -> CheckRun:
    """Without what was over before the end of what was read: a scan of everything sees past failures again."""
    clean: dict[str, datetime] = {}
    for clearance in logs.clearances:
        if clearance.service is not None:
            clean[clearance.service] = max(clearance.at, clean.get(clearance.service, clearance.at))
    still = [
        finding
        for finding in logs.findings
        if finding.subject.service is None
        or finding.subject.service not in clean
        or finding.last_seen >= clean[finding.subject.service]
    ]
    return replace(logs, findings=tuple(still))


def _marks(faults: Iterable[Fault], deployments: Iterable[Deployment]) -> tuple[Mark, ...]:
    """When failures were first and last seen, and what was deployed."""
    marks = {
        Mark(at=at, kind="failure", what=fault.finding.title)
        for fault in faults
        if fault.finding.kind.startswith(OF_FUNCTIONS)
        for at in (fault.finding.since, fault.finding.last_seen)
    }
    for one in deployments:
        named = " ".join(filter(None, (one.service, one.revision)))
        by = f" by {one.by}" if one.by else ""
        marks.add(Mark(at=one.at, kind="deployment", what=f"deployment of {named} {one.outcome}{by}"))
    return tuple(sorted(marks, key=lambda mark: (mark.at, mark.kind, mark.what)))


def _verdict(
    status: Status,
    pipelines: Sequence[PipelineReport],
    incidents: Sequence[IncidentReport],
    sources: Sequence[SourceReport],
) -> tuple[str, ...]:
    """Every root problem with its cause, every open incident that is not one of these causes, and what was not seen."""
    troubled = [p for pipeline in pipelines for p in pipeline.phases if p.day.state.is_root_problem]
    said = [f"{p.headline}; cause: {p.cause.summary}" if p.cause else p.headline for p in troubled]
    told = {p.cause.incident for p in troubled if p.cause} | {
        item.incident.id for item in incidents for p in troubled if _is_about(item, p.day)
    }
    said += [
        f"Incident #{item.incident.id} is open: {item.title}"
        for item in incidents
        if item.incident.state is IncidentState.OPEN and item.incident.id not in told
    ]
    said += [f"{pipeline.name} could not be judged: {pipeline.error}" for pipeline in pipelines if pipeline.error]
    said += [
        f"{source.name} could not be seen: {unseen}"
        for source in sources
        if source.status is Status.UNKNOWN
        for unseen in source.evidence.unseen
        if not any(unseen in sentence for sentence in said)
    ]
    if said:
        return tuple(said)
    if status is Status.OK:
        return ("Everything that is due is recorded; no incident is open.",)
    return ("There is nothing to judge by: no pipeline, no log source.",)


def _is_about(item: IncidentReport, day: PhaseDay) -> bool:
    """Whether that phase's trouble is part of the incident."""
    return any(
        (f.finding.subject.pipeline, f.finding.subject.phase, f.finding.subject.run_date)
        == (day.pipeline, day.phase, day.run_date)
        for f in item.faults
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
    on: dict[date, list[PhaseDay]] = {}
    for day in days:
        on.setdefault(day.run_date, []).append(day)
    return PipelineReport(
        name=seen.pipeline.name,
        zone=seen.pipeline.zone,
        status=_judged(seen),
        phases=tuple(
            _phase(
                seen.pipeline,
                day,
                on[day.run_date],
                why.of(day),
                _usual(seen.habits, day, seen.pipeline.zone, why.as_of),
            )
            for day in days
        ),
        recording=seen.recording,
        error=seen.error,
        kept=reliability.kept(days, why.as_of),
    )


def _usual(habits: Habits, day: PhaseDay, zone: ZoneInfo, as_of: datetime) -> UsualReport | None:
    known = habits.usual(day.phase)
    if known is None or day.state in (PhaseState.NOT_EXPECTED, PhaseState.UNKNOWN):
        return None
    moment, word = (as_of, "now") if day.satisfied_at is None else (day.satisfied_at, "this time")
    return UsualReport(
        median_at=instant_of(day.run_date, known.median, zone),
        late_at=instant_of(day.run_date, known.late, zone),
        words=compared(known, day.run_date, moment, zone, word=word),
    )


def _phase(
    pipeline: Pipeline, day: PhaseDay, others: Sequence[PhaseDay], cause: Cause | None, usual: UsualReport | None
) -> PhaseReport:
    done, unseen = frozenset(day.done), frozenset(day.unseen)
    owed = pipeline.phase(day.phase).expected_on(day.run_date) if done or unseen or day.missing else ()
    flags: dict[str, list[str]] = {}
    for flag in day.flags:
        word, _, name = flag.partition(":")
        flags.setdefault(name, []).append(word)
    return PhaseReport(
        day=day,
        headline=headline(day, others),
        cause=cause,
        usual=usual,
        processors=tuple(
            ProcessorReport(
                name=processor.name,
                critical=processor.critical,
                done=None if processor.name in unseen else processor.name in done,
                done_at=day.done_at.get(processor.name),
                flags=tuple(flags.get(processor.name, ())),
            )
            for processor in sorted(owed, key=lambda p: (not p.critical, p.name))
        ),
    )


def incident_report(
    incident: Incident, faults: Mapping[str, Fault], story: tuple[StoryLine, ...] = ()
) -> IncidentReport:
    """An incident with its faults, root first."""
    order = [incident.root, *(n for n in incident.members if n != incident.root)]
    members = tuple(faults[n] for n in order if n in faults)
    return IncidentReport(
        incident=incident,
        severity=severity_of(members),
        title=members[0].finding.title,
        faults=members,
        story=story,
    )


def story(history: Sequence[Transition], said: Sequence[Notification]) -> tuple[StoryLine, ...]:
    """What happened to an incident and what was said of it, oldest first."""
    happened = [StoryLine(at=t.at, what=f"{t.change}: {t.fault.finding.title} ({t.reason})") for t in history]
    told = [StoryLine(at=n.at, what=f"{'not said' if n.suppressed else 'said'}: {n.why}") for n in said]
    return tuple(sorted((*happened, *told), key=lambda line: line.at))


def _judged(seen: Seen) -> Status:
    if any(d.state.is_root_problem for d in seen.days):
        return Status.FAILING
    if seen.error is not None or any(d.state is PhaseState.UNKNOWN for d in seen.days) or not seen.days:
        return Status.UNKNOWN
    return Status.OK


def _of_incidents(incidents: Sequence[IncidentReport]) -> list[Status]:
    """FAILING with an open incident, unless all that is open in it is for the digest only."""
    is_open = [i for i in incidents if i.incident.state is IncidentState.OPEN]
    loud = [i for i in is_open if any(f.is_open and not f.finding.quiet for f in i.faults)]
    return [Status.FAILING] if loud else []


def _worst(statuses: Sequence[Status]) -> Status:
    for status in (Status.FAILING, Status.UNKNOWN, Status.DEGRADED):
        if status in statuses:
            return status
    return Status.OK if statuses else Status.UNKNOWN
