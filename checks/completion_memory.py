"""What the completions check remembers between two looks, as JSON that is stored with its cursor."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from checks.model import JsonValue, stamp
from checks.phases.evidence import TableEvidence, TableRows
from checks.phases.looks import NextLook
from checks.pipeline import Pipeline

Proved = Mapping[tuple[TableEvidence, date], TableRows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is known of the former look.

    ``open``: run dates that were in trouble. ``settled``: those of which nothing more can come. ``proved``: what tables
    hold enough rows for, which is not asked again. ``looked_at``: when; None if there was no look, or at another
    configuration. ``next_look``: when the next one is needed, None for every time.
    """

    open: tuple[date, ...] = ()
    settled: frozenset[date] = frozenset()
    proved: Proved = field(default_factory=dict)
    looked_at: datetime | None = None
    next_look: NextLook | None = None

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
                None if rows.reached_at is None else stamp(rows.reached_at),
            ]
            for (proof, day), rows in memory.proved.items()
            if proof in places
        ],
        "looked_at": None if memory.looked_at is None else stamp(memory.looked_at),
        "next_look": None if look is None else {"at": stamp(look.at), "why": look.why},
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
        looked_at=datetime.fromisoformat(looked_at) if isinstance(looked_at, str) else None,
        next_look=NextLook(at=datetime.fromisoformat(str(look["at"])), why=str(look["why"]))
        if isinstance(look, dict)
        else None,
    )


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
        since = None if reached is None else datetime.fromisoformat(reached)
        answer[proofs[place], date.fromisoformat(day)] = TableRows(rows=rows, needed=needed, reached_at=since)
    return answer
