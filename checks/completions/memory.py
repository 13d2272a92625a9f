"""What the completions check remembers between two looks, as JSON that is stored with its cursor."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from checks.model import JsonValue, stamp
from checks.phases.evidence import TableEvidence, TableRows
from checks.phases.looks import NextLook
from checks.phases.model import PhaseDay, PhaseState
from checks.pipeline import Pipeline

Proved = Mapping[tuple[TableEvidence, date], TableRows]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastState:
    """A phase of a run date as it was last judged: for who must know it without asking the tables again.

    ``satisfied_at``: when enough of it was done, for a state that is satisfied. ``due_at`` is None where nothing is
    owed.
    """

    pipeline: str
    phase: str
    run_date: date
    state: PhaseState
    due_at: datetime | None = None
    satisfied_at: datetime | None = None

    @classmethod
    def of(cls, day: PhaseDay) -> LastState:
        """What is kept of a phase that was judged."""
        return cls(
            pipeline=day.pipeline,
            phase=day.phase,
            run_date=day.run_date,
            state=day.state,
            due_at=day.due_at,
            satisfied_at=day.satisfied_at,
        )

    def lateness(self, at: datetime) -> timedelta:
        """How long after its due time the phase was satisfied, or still is not; nothing while it is in time."""
        if self.due_at is None:
            return timedelta(0)
        return max(timedelta(0), (self.satisfied_at or at) - self.due_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is known of the former look.

    ``open``: run dates that were in trouble. ``settled``: those of which nothing more can come. ``proved``: what tables
    hold enough rows for, which is not asked again. ``looked_at``: when; None if there was no look, or at another
    configuration. ``next_look``: when the next one is needed, None for every time. ``states``: what was
    judged of its run dates, oldest first.
    """

    open: tuple[date, ...] = ()
    settled: frozenset[date] = frozenset()
    proved: Proved = field(default_factory=dict)
    looked_at: datetime | None = None
    next_look: NextLook | None = None
    states: tuple[LastState, ...] = ()

    def spares(self, now: datetime) -> NextLook | None:
        """The next look if none is needed at this moment, None if one is."""
        if self.looked_at is None or self.next_look is None or not self.looked_at <= now < self.next_look.at:
            return None
        return self.next_look


def plan_of(pipeline: Pipeline) -> str:
    """Identifies the pipeline as it is configured: what was remembered of another one is worth nothing."""
    return hashlib.sha256(repr(pipeline).encode()).hexdigest()[:16]


def as_json(memory: Memory, pipeline: Pipeline, plan: str) -> dict[str, JsonValue]:
    """What to store."""
    places = {proof: place for place, proof in enumerate(_table_evidence(pipeline))}
    look = memory.next_look
    return {
        "plan": plan,
        "open": [day.isoformat() for day in memory.open],
        "settled": [day.isoformat() for day in sorted(memory.settled)],
        "proved": [
            [
                places[proof],
                day.isoformat(),
                rows.rows,
                rows.needed,
                _stamped(rows.reached_at),
            ]
            for (proof, day), rows in memory.proved.items()
            if proof in places
        ],
        "looked_at": _stamped(memory.looked_at),
        "next_look": None if look is None else {"at": stamp(look.at), "why": look.why},
        "states": [
            [s.pipeline, s.phase, s.run_date.isoformat(), s.state.value, _stamped(s.due_at), _stamped(s.satisfied_at)]
            for s in memory.states
        ],
    }


def from_cursor(cursor: JsonValue, pipeline: Pipeline, plan: str) -> Memory:
    """What was stored. Of what was stored for another configuration only the dates in trouble are kept."""
    carry = cursor.get("carry") if isinstance(cursor, dict) else None
    if not isinstance(carry, dict):
        return Memory()
    troubled = _dates(carry.get("open"))
    if carry.get("plan") != plan:
        return Memory(open=troubled)
    looked_at, look = carry.get("looked_at"), carry.get("next_look")
    return Memory(
        open=troubled,
        settled=frozenset(_dates(carry.get("settled"))),
        proved=_proved(carry.get("proved"), _table_evidence(pipeline)),
        looked_at=_moment(looked_at),
        next_look=NextLook(at=datetime.fromisoformat(str(look["at"])), why=str(look["why"]))
        if isinstance(look, dict)
        else None,
        states=states_in(cursor),
    )


def states_in(cursor: JsonValue) -> tuple[LastState, ...]:
    """The states that a completions check last judged, from its stored cursor; none if there are none in it."""
    carry = cursor.get("carry") if isinstance(cursor, dict) else None
    stored = carry.get("states") if isinstance(carry, dict) else None
    answer = []
    for item in stored if isinstance(stored, list) else ():
        if not isinstance(item, list):
            continue
        pipeline, phase, run_date, state, due_at, satisfied_at = item
        answer.append(
            LastState(
                pipeline=str(pipeline),
                phase=str(phase),
                run_date=date.fromisoformat(str(run_date)),
                state=PhaseState(str(state)),
                due_at=_moment(due_at),
                satisfied_at=_moment(satisfied_at),
            )
        )
    return tuple(answer)


def _stamped(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)


def _moment(stored: object) -> datetime | None:
    return datetime.fromisoformat(stored) if isinstance(stored, str) else None


def _table_evidence(pipeline: Pipeline) -> list[TableEvidence]:
    """All that tables may prove, in the order of the configuration, each once."""
    proofs = (proof for phase in pipeline.phases for p in phase.processors for proof in p.evidence)
    return list(dict.fromkeys(proof for proof in proofs if isinstance(proof, TableEvidence)))


def _dates(stored: object) -> tuple[date, ...]:
    return tuple(date.fromisoformat(d) for d in _texts(stored))


def _texts(stored: object) -> Iterable[str]:
    return (item for item in stored if isinstance(item, str)) if isinstance(stored, list) else ()


def _proved(stored: object, proofs: Sequence[TableEvidence]) -> Proved:
    answer = {}
    for item in stored if isinstance(stored, list) else ():
        place, day, rows, needed, reached = item
        answer[proofs[place], date.fromisoformat(day)] = TableRows(
            rows=rows, needed=needed, reached_at=_moment(reached)
        )
    return answer
