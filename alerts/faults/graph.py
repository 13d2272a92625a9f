"""Which fault explains which: asked of the pipelines' own graph, of the functions, of shared modules. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime

from alerts.faults import measures, triggers, witnesses
from alerts.model import Fault
from checks.model import Subject
from checks.pipeline import Pipeline

# A word for what may link two faults, and its values.
Key = tuple[object, ...]
# What can be wrong with a function: a failure in its logs, a deployment that failed.
OF_FUNCTIONS = ("log.", "rollout.")


def same_function(one: Fault, other: Fault) -> bool:
    """Whether both are failures in one function's log."""
    return (
        one.finding.kind.startswith(OF_FUNCTIONS)
        and other.finding.kind.startswith(OF_FUNCTIONS)
        and one.finding.subject.service == other.finding.subject.service
    )


class Graph:
    """The pipelines, asked which fault explains which.

    ``keys`` says where to look: two faults can only be related if one of them asks for a key that the other offers.
    Without them every fault would have to be compared with every other.
    """

    def __init__(self, pipelines: Sequence[Pipeline]) -> None:
        self._pipelines = {p.name: p for p in pipelines}
        self._phases = {(p.name, phase.name): phase for p in pipelines for phase in p.phases}
        self._upstream: dict[tuple[str | None, str | None], list[str]] = {}
        self._serves: dict[str, list[Key]] = {}
        for (pipeline, name), phase in self._phases.items():
            for behind in self._pipelines[pipeline].downstream(name):
                self._upstream.setdefault((pipeline, behind.name), []).append(name)
            for service in {s for s in (phase.recorder, *phase.starters) if s is not None}:
                self._serves.setdefault(service, []).append(("phase", pipeline, name))

    def relation(self, one: Fault, other: Fault, now: datetime) -> str | None:
        """Why the two belong together, whichever is the cause."""
        return self.explains(one, other, now) or self.explains(other, one, now) or self._shared(one, other)

    def explains(self, cause: Fault, effect: Fault, now: datetime) -> str | None:
        """Why the first explains the second."""
        why, of = cause.finding, effect.finding
        if why.kind == "table.missing" and why.subject.table is not None:
            if of.subject.table == why.subject.table and of.kind != "table.missing":
                return f"the table {why.subject.table} is missing"
            if of.kind.startswith("phase.") and _is_one_of(why.subject.table, self._judged_by(of.subject)):
                return f"the table {why.subject.table} is missing"
        if of.kind.startswith(OF_FUNCTIONS):
            return None  # nothing else explains that a function fails
        return (
            witnesses.explains(cause, effect, self._pipelines)
            or measures.explains(cause, effect)
            or triggers.explains(cause, effect, self._pipelines)
            or self._explains_phase(cause, effect, now)
        )

    def _explains_phase(self, cause: Fault, effect: Fault, now: datetime) -> str | None:
        """A function that fails or does not run, and a phase that waits, explain a phase or its hand-over."""
        why, of = cause.finding, effect.finding
        if not of.kind.startswith(("phase.", witnesses.HAND_OVER)) or of.subject.run_date is None:
            return None
        if why.kind.startswith(("log.", measures.MEASURED)):
            serves = self._function_explains(cause, of.subject.pipeline, of.subject.phase, of.subject.run_date, now)
            return f"{serves}, and {measures.said(cause)}" if serves and measures.is_measured(cause) else serves
        if why.kind.startswith("phase.") and of.kind == "phase.blocked":
            return self._upstream_explains(cause, effect)
        return None

    def apart(self, faults: Collection[Fault]) -> set[str]:
        """Those of them that share no key with any other: failures of functions that no phase depends on, of which
        there is no other failure, in functions in which nothing else is wrong. Most of a storm, and of what is open on
        a quiet day, is like that, and need not be looked for.
        """
        services = Counter([f.finding.subject.service for f in faults])
        identities = [shared_identity(f) for f in faults]
        alike = Counter(identities)
        return {
            f.finding.fingerprint
            for f, identity in zip(faults, identities, strict=True)
            if services[f.finding.subject.service] == 1
            and f.finding.subject.service not in self._serves
            and f.finding.subject.table is None
            and (identity is None or alike[identity] == 1)
            and f.finding.kind.startswith(OF_FUNCTIONS)
        }

    def keys(self, fault: Fault) -> tuple[list[Key], list[Key]]:
        """The keys under which others may find this fault, and those under which it finds what it may be related to."""
        if not fault.finding.kind.startswith(OF_FUNCTIONS):
            return list(self._offers(fault)), list(self._asks(fault))
        # What storms are made of, so without a detour.
        subject = fault.finding.subject
        identity, service, table = shared_identity(fault), subject.service, subject.table
        offers: list[Key] = [("service", service)]
        if identity is not None:
            offers.append(("shared", identity))
        asks = [*self._serves.get(service or "", ()), *offers, ("measured", service)]
        if table is not None:
            offers.append(("table", table))
            asks.insert(0, ("missing table", table))
        return offers, asks

    def _offers(self, fault: Fault) -> Iterator[Key]:
        kind, subject = fault.finding.kind, fault.finding.subject
        if kind == "table.missing":
            yield ("missing table", subject.table)
            yield from (("missing table of", name) for name in self._readers(subject.table))
        elif subject.table is not None:
            yield ("table", subject.table)
        if kind.startswith("phase."):
            yield ("phase", subject.pipeline, subject.phase)
            yield ("phase of", subject.pipeline)
            yield ("stuck", subject.pipeline, subject.phase, subject.run_date)
            if kind == "phase.blocked":
                for name in self._upstream.get((subject.pipeline, subject.phase), ()):
                    yield ("waiting for", subject.pipeline, name, subject.run_date)
        yield from witnesses.offers(fault, self._pipelines)
        yield from measures.offers(fault)
        yield from triggers.offers(fault, self._pipelines)

    def _asks(self, fault: Fault) -> Iterator[Key]:
        yield from self.asks_for_causes(fault)
        kind, subject = fault.finding.kind, fault.finding.subject
        if kind == "table.missing":
            yield ("table", subject.table)
            yield ("missing table", subject.table)
            yield from (("phase of", name) for name in self._readers(subject.table))
        elif kind.startswith("phase."):
            yield ("waiting for", subject.pipeline, subject.phase, subject.run_date)
        elif kind.startswith(measures.MEASURED):
            yield from self._serves.get(subject.service or "", ())
        yield from witnesses.asks(fault)
        yield from measures.asks(fault)
        yield from triggers.asks(fault, self._pipelines)

    def asks_for_causes(self, fault: Fault) -> Iterator[Key]:
        """The keys under which this fault finds what may explain it."""
        kind, subject = fault.finding.kind, fault.finding.subject
        if kind != "table.missing" and subject.table is not None:
            yield ("missing table", subject.table)
        if kind.startswith(OF_FUNCTIONS):
            return  # as in ``explains``
        if kind.startswith("phase."):
            yield ("missing table of", subject.pipeline)
            phase = self._phases.get((subject.pipeline or "", subject.phase or ""))
            for service in (phase.recorder, *phase.starters) if phase else ():
                if service is not None:
                    yield ("service", service)
                    yield ("measured", service)
            if kind == "phase.blocked":
                for name in self._upstream.get((subject.pipeline, subject.phase), ()):
                    yield ("stuck", subject.pipeline, name, subject.run_date)
        yield from witnesses.asks_for_causes(fault, self._pipelines)
        yield from measures.asks_for_causes(fault)
        yield from triggers.asks_for_causes(fault, self._pipelines)

    def _judged_by(self, subject: Subject) -> tuple[str, ...]:
        """The tables that decide what is said of a phase: the pipeline's, and those that prove its own processors."""
        pipeline = self._pipelines.get(subject.pipeline or "")
        phase = self._phases.get((subject.pipeline or "", subject.phase or ""))
        return (*(pipeline.tables() if pipeline else ()), *(phase.evidence_tables() if phase else ()))

    def _readers(self, table: str | None) -> list[str]:
        """The pipelines of which at least one phase is judged by that table."""
        return [
            name
            for name, pipeline in self._pipelines.items()
            if table is not None and _is_one_of(table, (*pipeline.tables(), *pipeline.evidence_tables()))
        ]

    def _function_explains(
        self, cause: Fault, pipeline_name: str | None, phase_name: str | None, run_date: date, now: datetime
    ) -> str | None:
        """A failing recorder or starter explains its phase, if it failed between the phase's start and now; what was
        only measured, if it began before the phase was due.
        """
        phase = self._phases.get((pipeline_name or "", phase_name or ""))
        if phase is None:
            return None
        zone = self._pipelines[pipeline_name or ""].zone
        service = cause.finding.subject.service
        recorder = phase.recorder_on(run_date)
        if service is None or (service != recorder and service not in phase.starters):
            return None
        # What was measured after the phase was due did not keep it from being done.
        latest = min(now, phase.due.on(run_date, zone)) if measures.is_measured(cause) else now
        if cause.finding.since > latest:
            return None
        if not cause.is_open and cause.finding.last_seen < phase.begins_on(run_date, zone):
            return None
        return f"{service} {'records' if service == recorder else 'starts'} {phase.name}"

    def _upstream_explains(self, cause: Fault, effect: Fault) -> str | None:
        why, of = cause.finding.subject, effect.finding.subject
        if (why.pipeline, why.run_date) != (of.pipeline, of.run_date):
            return None
        if why.phase in self._upstream.get((of.pipeline, of.phase), ()):
            return f"{of.phase} waits for {why.phase}"
        return None

    def _shared(self, one: Fault, other: Fault) -> str | None:
        """The same function, the same fault of a shared module in another one, or the same missing table."""
        if same_function(one, other):
            return f"another failure of {one.finding.subject.service}"
        kinds, table = {one.finding.kind, other.finding.kind}, one.finding.subject.table
        if kinds == {"table.missing"} and table is not None and table == other.finding.subject.table:
            return f"the table {table} is missing"
        if one.finding.kind.startswith(OF_FUNCTIONS) and other.finding.kind.startswith(OF_FUNCTIONS):
            identity = shared_identity(one)
            if identity is not None and identity == shared_identity(other):
                return f"the same failure in {one.finding.subject.service}: a shared module"
        return None


def _is_one_of(table: str, names: Iterable[str]) -> bool:
    """Whether ``project.dataset.table`` is meant by one of the names, which may lack their project."""
    return any(table == name or table.endswith(f".{name}") for name in names)


def shared_identity(fault: Fault) -> str | None:
    """Exception, name and file of a log fault: its fingerprint ``log:service:...`` without the service."""
    name, prefix = fault.finding.fingerprint, f"log:{fault.finding.subject.service}:"
    return name[len(prefix) :] if name[-1:] != ":" and name.startswith(prefix) else None
