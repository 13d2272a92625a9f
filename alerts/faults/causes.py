"""Which fault explains which, from the pipelines' own graph -> incidents: a root and what it explains. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType

import msgspec

from alerts.faults.graph import OF_FUNCTIONS, Graph, Key, same_function
from alerts.faults.measures import FAILING, MEASURED
from alerts.faults.triggers import JOB
from alerts.faults.witnesses import KINDS
from alerts.model import Fault, FaultState, Incident, IncidentState, open_ones
from checks.pipeline import Pipeline

# Further failures of the same function join an incident for this long after it was resolved.
JOIN_WITHIN = timedelta(hours=1)
_NOWHERE: Mapping[int, dict[str, None]] = MappingProxyType({})
_NO_KEYS: tuple[Sequence[Key], Sequence[Key]] = ((), ())


class Alone(msgspec.Struct, frozen=True):
    """A new incident of a single fault, before it is made: of a storm's thousands hardly one ever is."""

    id: int
    root: str
    members: tuple[str]

    def made(self, now: datetime) -> Incident:
        """The incident."""
        return Incident(id=self.id, state=IncidentState.OPEN, root=self.root, members=self.members, opened_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """What became of the incidents at that time: those that ``changed``, new ones of several faults included, each as
    it is afterwards, and the new ones of one fault each.

    ``placed`` says for every fault that got or changed its incident which one it is in.
    """

    changed: tuple[Incident, ...]
    alone: Sequence[Alone]
    placed: Mapping[str, int]
    at: datetime

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """All of them, made now, by number."""
        return tuple(sorted([*self.changed, *(new.made(self.at) for new in self.alone)], key=attrgetter("id")))


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
    links two open incidents merges the younger into the older: the older one's message is already read. An incident
    that gathers a storm merges with no other. A consequence (a phase that waits) is placed as soon as its cause fires;
    while that is pending it waits too, and where there is none it is an incident by itself.
    """
    before = {i.id: i for i in incidents if i.state is not IncidentState.MERGED}
    at_first = home(incidents)
    graph = Graph(pipelines)
    board = _Board(before.values(), at_first, faults, graph, now)
    merged: dict[int, Incident] = {}
    # Causes first, so that effects find an incident to join.
    for fault in sorted(_firing(faults.values()), key=rank):
        offers, asks = board.keys(fault)
        related = board.related(fault, asks) if asks else {}
        own = board.home.get(fault.finding.fingerprint)
        if not related and own is not None and board.draft(own).is_open:
            continue
        if own is not None and board.joinable(own):
            related.setdefault(own, board.draft(own).explains.get(fault.fingerprint, ""))
        if not related:
            if own is None and fault.finding.consequence and board.cause_is_pending(fault):
                continue
            board.open(next_id, fault, offers)
            next_id += 1
            continue
        target = own if own in related and board.draft(own).gathers else board.target(related)
        board.join(target, fault, related[target], offers)
        for other in sorted(set(related) - {target}):
            if board.may_merge(other, target):
                merged[other] = board.merge(other, target)
    settled = [board.settled(number) for number in board.drafts]
    changed = [i for i in settled if i != before.get(i.id)]
    placed = {n: number for n, number in board.home.items() if n in faults and at_first.get(n) != number}
    return Grouping(changed=(*changed, *merged.values()), alone=tuple(board.alone.values()), placed=placed, at=now)


def home(incidents: Iterable[Incident]) -> dict[str, int]:
    """For each fault the incident that it is in: of several that had it the open one, or the last."""
    standing = [i for i in incidents if i.state is not IncidentState.MERGED]
    standing.sort(key=lambda i: (i.state is IncidentState.OPEN, i.id))
    return {name: i.id for i in standing for name in i.members}


def explanation(cause: Fault, effect: Fault, pipelines: Sequence[Pipeline], now: datetime) -> str | None:
    """Why ``cause`` explains ``effect``, in words; None if it does not."""
    return Graph(pipelines).explains(cause, effect, now)


def rank(fault: Fault) -> tuple[int, datetime, str]:
    """What is rather a cause comes first: a missing table, a failing function by its log, then by its metrics, or a
    scheduler job; a witness or another metric, a phase, one that waits.
    """
    finding = fault.finding
    return (_order(finding.kind), finding.since, finding.fingerprint)


@lru_cache(maxsize=256)
def _order(kind: str) -> int:
    if kind == "table.missing":
        return 0
    if kind.startswith(OF_FUNCTIONS):
        return 1
    if kind == FAILING or kind.startswith(JOB):
        return 2
    if kind.startswith((*KINDS, MEASURED)):
        return 3
    if kind == "phase.blocked":
        return 5
    return 4 if kind.startswith("phase.") else 6


def _firing(faults: Iterable[Fault]) -> list[Fault]:
    return [f for f in open_ones(faults) if f.fired_at is not None]


class _Draft:
    """An incident while it is being worked on: a tuple of ten thousand members is not copied for each new one."""

    __slots__ = ("explains", "gathers", "incident", "is_open", "members", "touched")

    def __init__(self, incident: Incident) -> None:
        self.incident = incident
        self.members = dict.fromkeys(incident.members)
        self.explains = dict(incident.explains)
        self.is_open = incident.state is IncidentState.OPEN
        self.gathers = incident.storm is not None
        self.touched = False

    def join(self, name: str, why: str) -> None:
        """Take the fault in, again if it is back."""
        if why:
            self.explains[name] = why
        self.members[name] = None
        self.is_open = True
        self.touched = True

    def frozen(self) -> Incident:
        """The incident as it is by now."""
        if not self.touched:
            return self.incident
        return replace(
            self.incident,
            state=IncidentState.OPEN if self.is_open else self.incident.state,
            resolved_at=None if self.is_open else self.incident.resolved_at,
            members=tuple(self.members),
            explains=self.explains,
        )


class _Board:
    """All incidents as drafts, and where to find what a fault may be related to.

    A new incident stays ``alone``, without a draft, until a second fault joins: in a storm most do.
    """

    def __init__(
        self,
        incidents: Iterable[Incident],
        at_first: Mapping[str, int],
        faults: Mapping[str, Fault],
        graph: Graph,
        now: datetime,
    ) -> None:
        self.drafts = {i.id: _Draft(i) for i in incidents}
        self.alone: dict[int, Alone] = {}
        self.home = dict(at_first)
        self._faults = faults
        self._graph = graph
        self._now = now
        self._apart = graph.apart(faults.values())
        self._offered: dict[Key, dict[int, dict[str, None]]] = {}
        for name, number in self.home.items():
            self._offer(name, number, self._offered_by(name))
        self._pending = [f for f in faults.values() if f.state is FaultState.PENDING]

    def draft(self, number: int) -> _Draft:
        """The incident, to be worked on."""
        if number in self.alone:
            self.drafts[number] = _Draft(self.alone.pop(number).made(self._now))
        return self.drafts[number]

    def keys(self, fault: Fault) -> tuple[Sequence[Key], Sequence[Key]]:
        """What the fault offers and asks for; nothing if that could link it to no other."""
        return _NO_KEYS if fault.finding.fingerprint in self._apart else self._graph.keys(fault)

    def related(self, fault: Fault, asks: Iterable[Key]) -> dict[int, str]:
        """The incidents this fault belongs to, each with the reason."""
        answer: dict[int, str] = {}
        if self._offered.keys().isdisjoint(asks):
            return answer
        for key in asks:
            for number, names in self._offered.get(key, _NOWHERE).items():
                if number not in answer and self.joinable(number):
                    reason = self._reason(fault, names)
                    if reason is not None:
                        answer[number] = reason
        return answer

    def _reason(self, fault: Fault, names: Iterable[str]) -> str | None:
        """Why the fault is related to the first of these that it is related to."""
        for name in names:
            other = self._faults[name]
            if name == fault.fingerprint or not (other.is_open or same_function(fault, other)):
                continue
            reason = self._graph.relation(fault, other, self._now)
            if reason is not None:
                return reason
        return None

    def cause_is_pending(self, fault: Fault) -> bool:
        """Whether a fault explains this one that may still pass by itself."""
        return any(self._graph.explains(other, fault, self._now) is not None for other in self._pending)

    def joinable(self, number: int) -> bool:
        """Open, or over so lately that it goes on."""
        draft = self.draft(number)
        ended = draft.incident.resolved_at
        return draft.is_open or (ended is not None and self._now - ended <= JOIN_WITHIN)

    def target(self, related: Iterable[int]) -> int:
        """The oldest; one that gathers a storm only if there is no other."""
        return min(related, key=lambda number: (self.draft(number).gathers, number))

    def may_merge(self, other: int, target: int) -> bool:
        """Whether the two open incidents are one story. A storm is many, and would swallow every other."""
        drafts = self.draft(other), self.draft(target)
        return drafts[0].is_open and not any(d.gathers for d in drafts)

    def open(self, number: int, fault: Fault, offers: Iterable[Key]) -> None:
        """A new incident with this root."""
        name = fault.finding.fingerprint
        self.alone[number] = Alone(number, name, (name,))
        self._place(name, number, offers)

    def join(self, number: int, fault: Fault, why: str, offers: Iterable[Key]) -> None:
        """Put the fault into the incident."""
        self.draft(number).join(fault.fingerprint, why)
        self._place(fault.fingerprint, number, offers)

    def merge(self, other: int, target: int) -> Incident:
        """Move everything; the other incident as it ends."""
        gone = self.drafts.pop(other)
        for name in gone.members:
            self.drafts[target].join(name, gone.explains.get(name, ""))
            self._place(name, target, self._offered_by(name))
        return replace(gone.frozen(), state=IncidentState.MERGED, resolved_at=self._now, merged_into=target)

    def settled(self, number: int) -> Incident:
        """Choose the root, explain the others by it, and resolve the incident when all its faults are."""
        draft = self.drafts[number]
        incident = draft.frozen()
        alone = self._faults.get(incident.root) if len(draft.members) == 1 and draft.is_open else None
        if alone is not None and alone.is_open:
            return incident  # most are
        members = [self._faults[name] for name in draft.members if name in self._faults]
        candidates = [f for f in members if f.is_open] or members
        if incident.state is not IncidentState.OPEN or not candidates:
            return incident
        root = min(candidates, key=rank)
        explains = dict(draft.explains)
        explains.pop(root.fingerprint, None)
        for fault in members if incident.storm is None else ():
            if fault is not root:
                reason = self._graph.relation(root, fault, self._now) or self._explained_within(number, fault)
                if reason is not None:
                    explains[fault.fingerprint] = reason
        over = not any(f.is_open for f in members)
        return replace(
            incident,
            root=root.fingerprint,
            explains=explains,
            state=IncidentState.RESOLVED if over else IncidentState.OPEN,
            resolved_at=self._now if over else None,
        )

    def _explained_within(self, number: int, fault: Fault) -> str | None:
        """Why another member of the incident explains this one."""
        for key in self._graph.asks_for_causes(fault):
            for name in self._offered.get(key, {}).get(number, ()):
                reason = self._graph.explains(self._faults[name], fault, self._now)
                if reason is not None and name != fault.fingerprint:
                    return reason
        return None

    def _place(self, name: str, number: int, offers: Iterable[Key]) -> None:
        before = self.home.get(name)
        if before == number:
            return
        if before is not None:
            self._withdraw(name, before, offers)
        self.home[name] = number
        self._offer(name, number, offers)

    def _offered_by(self, name: str) -> Iterable[Key]:
        return self.keys(self._faults[name])[0] if name in self._faults else ()

    def _offer(self, name: str, number: int, offers: Iterable[Key]) -> None:
        for key in offers:
            at_home = self._offered.get(key)
            if at_home is None:
                self._offered[key] = {number: {name: None}}
            else:
                at_home.setdefault(number, {})[name] = None

    def _withdraw(self, name: str, number: int, offers: Iterable[Key]) -> None:
        for key in offers:
            names = self._offered[key][number]
            names.pop(name, None)
            if not names:
                del self._offered[key][number]
