"""Which fault explains which, from the pipelines' own graph -> incidents: a root and what it explains. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

from alerts.model import Fault, Incident, IncidentState
from checks.pipeline import Pipeline, local_instant

# Further failures of the same function join an incident for this long after it was resolved.
JOIN_WITHIN = timedelta(hours=1)
# What can be wrong with a function: a failure in its logs, a deployment that failed.
OF_FUNCTIONS = ("log.", "rollout.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """What became of the incidents: all that changed, new ones included, each as it is afterwards.

    ``placed`` says for every fault that got or changed its incident which one it is in.
    """

    incidents: tuple[Incident, ...]
    placed: Mapping[str, int]


def group(
    faults: Mapping[str, Fault],
    incidents: Sequence[Incident],
    pipelines: Sequence[Pipeline],
    now: datetime,
    next_id: int,
) -> Grouping:
    """Place every firing fault in an incident, choose each incident's root, resolve what is over.

    ``faults`` holds all open faults, all faults of ``incidents``, and those resolved lately; ``incidents`` the open
    ones and those resolved within ``JOIN_WITHIN``. Cause and effects are judged on this one snapshot. A fault that
    links two open incidents merges the younger into the older: the older one's message is already read.
    """
    graph = _Graph(pipelines)
    live = {i.id: i for i in incidents if i.state is not IncidentState.MERGED}
    before = dict(live)
    merged: dict[int, Incident] = {}
    home = {name: i.id for i in live.values() for name in i.members}
    # Causes first, so that effects find an incident to join.
    for fault in sorted(_firing(faults.values()), key=_rank):
        related = _related(fault, live.values(), faults, graph, now)
        if not related and fault.fingerprint in home and live[home[fault.fingerprint]].state is IncidentState.OPEN:
            continue
        own = home.get(fault.fingerprint)
        if own is not None and (live[own].state is IncidentState.OPEN or _joinable(live[own], now)):
            related.setdefault(own, live[own].explains.get(fault.fingerprint, ""))
        if not related:
            fresh = Incident(
                id=next_id,
                state=IncidentState.OPEN,
                root=fault.fingerprint,
                members=(fault.fingerprint,),
                opened_at=now,
            )
            next_id += 1
            live[fresh.id] = fresh
            home[fault.fingerprint] = fresh.id
            continue
        target = min(related)
        live[target] = _join(live[target], fault, related[target])
        home[fault.fingerprint] = target
        for other in sorted(set(related) - {target}):
            if live[other].state is not IncidentState.OPEN:
                continue
            gone = live.pop(other)
            merged[other] = replace(gone, state=IncidentState.MERGED, resolved_at=now, merged_into=target)
            for name in gone.members:
                live[target] = _join(live[target], faults[name], gone.explains.get(name, ""))
                home[name] = target
    settled = {k: _settle(i, faults, graph, now) for k, i in live.items()}
    changed = [i for i in settled.values() if i != before.get(i.id)]
    placed = {
        name: number
        for name, number in home.items()
        if name in faults and faults[name].incident != number and number in settled
    }
    ordered = sorted([*changed, *merged.values()], key=lambda i: i.id)
    return Grouping(incidents=tuple(ordered), placed=MappingProxyType(placed))


def explanation(cause: Fault, effect: Fault, pipelines: Sequence[Pipeline], now: datetime) -> str | None:
    """Why ``cause`` explains ``effect``, in words; None if it does not."""
    return _Graph(pipelines).explains(cause, effect, now)


def _firing(faults: Iterable[Fault]) -> list[Fault]:
    return [f for f in faults if f.fired_at is not None and f.is_open]


def _rank(fault: Fault) -> tuple[int, datetime, str]:
    """What is rather a cause comes first: a missing table, a failing function, a phase, a phase that waits."""
    kind = fault.finding.kind
    order = 4
    if kind == "table.missing":
        order = 0
    elif kind.startswith(OF_FUNCTIONS):
        order = 1
    elif kind == "phase.blocked":
        order = 3
    elif kind.startswith("phase."):
        order = 2
    return (order, fault.finding.since, fault.fingerprint)


def _joinable(incident: Incident, now: datetime) -> bool:
    if incident.state is IncidentState.OPEN:
        return True
    return incident.resolved_at is not None and now - incident.resolved_at <= JOIN_WITHIN


def _join(incident: Incident, fault: Fault, why: str) -> Incident:
    explains = dict(incident.explains)
    if why:
        explains[fault.fingerprint] = why
    members = incident.members if fault.fingerprint in incident.members else (*incident.members, fault.fingerprint)
    return replace(incident, state=IncidentState.OPEN, resolved_at=None, members=members, explains=explains)


def _related(
    fault: Fault, incidents: Iterable[Incident], faults: Mapping[str, Fault], graph: _Graph, now: datetime
) -> dict[int, str]:
    """The incidents this fault belongs to, each with the reason."""
    answer: dict[int, str] = {}
    for incident in incidents:
        if not _joinable(incident, now):
            continue
        for name in incident.members:
            if name == fault.fingerprint or name not in faults:
                continue
            other = faults[name]
            reason = graph.relation(fault, other, now)
            if reason is not None and (other.is_open or _same_function(fault, other)):
                answer[incident.id] = reason
                break
    return answer


def _same_function(one: Fault, other: Fault) -> bool:
    return (
        one.finding.kind.startswith(OF_FUNCTIONS)
        and other.finding.kind.startswith(OF_FUNCTIONS)
        and one.finding.subject.service == other.finding.subject.service
    )


def _settle(incident: Incident, faults: Mapping[str, Fault], graph: _Graph, now: datetime) -> Incident:
    """Choose the root, explain the others by it, and resolve the incident when all its faults are."""
    members = [faults[name] for name in incident.members if name in faults]
    candidates = [f for f in members if f.is_open] or members
    if incident.state is not IncidentState.OPEN or not candidates:
        return incident
    root = min(candidates, key=_rank)
    explains = dict(incident.explains)
    explains.pop(root.fingerprint, None)
    for fault in members:
        if fault is root:
            continue
        for cause in (root, *(m for m in members if m is not root and m is not fault)):
            reason = graph.explains(cause, fault, now) or (graph.relation(cause, fault, now) if cause is root else None)
            if reason is not None:
                explains[fault.fingerprint] = reason
                break
    over = not any(f.is_open for f in members)
    return replace(
        incident,
        root=root.fingerprint,
        explains=explains,
        state=IncidentState.RESOLVED if over else IncidentState.OPEN,
        resolved_at=now if over else None,
    )


class _Graph:
    """The pipelines, asked which fault explains which."""

    def __init__(self, pipelines: Sequence[Pipeline]) -> None:
        self._pipelines = {p.name: p for p in pipelines}

    def relation(self, one: Fault, other: Fault, now: datetime) -> str | None:
        """Why the two belong together, whichever is the cause."""
        return self.explains(one, other, now) or self.explains(other, one, now) or self._shared(one, other)

    def explains(self, cause: Fault, effect: Fault, now: datetime) -> str | None:
        """Why the first explains the second."""
        why, of = cause.finding, effect.finding
        if why.kind == "table.missing" and why.subject.table is not None:
            if of.subject.table == why.subject.table and of.kind != "table.missing":
                return f"the table {why.subject.table} is missing"
            pipeline = self._pipelines.get(of.subject.pipeline or "")
            if of.kind.startswith("phase.") and pipeline is not None and _reads(pipeline, why.subject.table):
                return f"the table {why.subject.table} is missing"
        if of.kind.startswith("phase.") and of.subject.run_date is not None:
            if why.kind.startswith("log."):
                return self._function_explains(cause, of.subject.pipeline, of.subject.phase, of.subject.run_date, now)
            if why.kind.startswith("phase.") and of.kind == "phase.blocked":
                return self._upstream_explains(cause, effect)
        return None

    def _function_explains(
        self, cause: Fault, pipeline_name: str | None, phase_name: str | None, run_date: date, now: datetime
    ) -> str | None:
        """A failing recorder or starter explains its phase, if it failed between the phase's start and now."""
        pipeline = self._pipelines.get(pipeline_name or "")
        if pipeline is None or phase_name not in {p.name for p in pipeline.phases}:
            return None
        phase = pipeline.phase(phase_name)
        service = cause.finding.subject.service
        recorder = phase.recorder_on(run_date)
        if service is None or (service != recorder and service not in phase.starters):
            return None
        begin = phase.start.on(run_date, pipeline.zone) if phase.start else None
        begin = begin or local_instant(run_date, time(0), pipeline.zone)
        if cause.finding.since > now or not (cause.is_open or cause.finding.last_seen >= begin):
            return None
        return f"{service} {'records' if service == recorder else 'starts'} {phase.name}"

    def _upstream_explains(self, cause: Fault, effect: Fault) -> str | None:
        why, of = cause.finding.subject, effect.finding.subject
        pipeline = self._pipelines.get(of.pipeline or "")
        if pipeline is None or why.phase is None or (why.pipeline, why.run_date) != (of.pipeline, of.run_date):
            return None
        if of.phase in {p.name for p in pipeline.downstream(why.phase)}:
            return f"{of.phase} waits for {why.phase}"
        return None

    def _shared(self, one: Fault, other: Fault) -> str | None:
        """The same function, the same fault of a shared module in another one, or the same missing table."""
        if _same_function(one, other):
            return f"another failure of {one.finding.subject.service}"
        kinds, table = {one.finding.kind, other.finding.kind}, one.finding.subject.table
        if kinds == {"table.missing"} and table is not None and table == other.finding.subject.table:
            return f"the table {table} is missing"
        if one.finding.kind.startswith("log.") and other.finding.kind.startswith("log."):
            identity = _shared_identity(one)
            if identity is not None and identity == _shared_identity(other):
                return f"the same failure in {one.finding.subject.service}: a shared module"
        return None


def _reads(pipeline: Pipeline, table: str) -> bool:
    """Whether the pipeline is judged by that table (``project.dataset.table``); its own names may lack the project."""
    return any(table == name or table.endswith(f".{name}") for name in pipeline.tables())


def _shared_identity(fault: Fault) -> str | None:
    """Exception, name and file of a log fault: its fingerprint ``log:service:...`` without the service."""
    prefix = f"log:{fault.finding.subject.service}:"
    rest = fault.fingerprint.removeprefix(prefix)
    return None if rest == fault.fingerprint or rest.endswith(":") else rest
