"""The outbox as people look at it: what waits, what was given up, sent again or dropped by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, select, update

from alerts.model import Action, Message
from alerts.store import codec, schema

DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One row of the outbox. ``state`` is pending, sent, dead, superseded or dropped.

    ``uncertain``: an attempt may have arrived. ``behind`` is the given-up row that this one waits for, if any.
    """

    id: int
    incident: int
    destination: str
    action: Action
    state: str
    message: Message
    created_at: datetime
    not_before: datetime
    attempts: int
    uncertain: bool
    error: str | None
    sent_at: datetime | None
    behind: int | None = None


class Letters:
    """Reads and changes rows by hand, from any process; a running watcher takes up what became due."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def unsent(self, *, destination: str | None = None, limit: int | None = None) -> list[Letter]:
        """What waits or was given up, gravest and oldest first."""
        table = schema.outbox
        wanted: ColumnElement[bool] = table.c.state.in_(["pending", "dead"])
        if destination is not None:
            wanted &= table.c.destination == destination
        return self._read(wanted, limit)

    def one(self, number: int) -> Letter | None:
        """One row by its number."""
        found = self._read(schema.outbox.c.id == number, None)
        return found[0] if found else None

    def resend(self, now: datetime, *, number: int | None = None) -> int:
        """Make one given-up row due again, or all of them, with a fresh count of attempts; how many there were.

        Whether an earlier attempt arrived stays as uncertain as it was.
        """
        chosen: ColumnElement[bool] = schema.outbox.c.state == "dead"
        if number is not None:
            chosen &= schema.outbox.c.id == number
        return self._set(chosen, state="pending", not_before=now, attempts=0)

    def drop(self, number: int, reason: str, now: datetime) -> bool:
        """Never send it, and say why; what waited behind it goes on. False if it is neither waiting nor given up, or
        is being sent right now.
        """
        table = schema.outbox
        free = table.c.lease_until.is_(None) | (table.c.lease_until <= now)
        chosen = (table.c.id == number) & table.c.state.in_(["pending", "dead"]) & free
        return self._set(chosen, state=DROPPED, error=f"dropped: {reason}", lease_until=None) == 1

    def _set(self, chosen: ColumnElement[bool], **values: object) -> int:
        with self._engine.begin() as db:
            return db.execute(update(schema.outbox).where(chosen).values(**values)).rowcount

    def _read(self, wanted: ColumnElement[bool], limit: int | None) -> list[Letter]:
        table = schema.outbox
        earlier = table.alias("earlier")
        behind = (
            select(earlier.c.id)
            .where(
                earlier.c.incident == table.c.incident,
                earlier.c.destination == table.c.destination,
                earlier.c.id < table.c.id,
                earlier.c.state == "dead",
            )
            .order_by(earlier.c.id)
            .limit(1)
            .scalar_subquery()
        )
        query = select(table, behind.label("behind")).where(wanted).order_by(table.c.urgency.desc(), table.c.id)
        with self._engine.connect().execution_options(reading=True) as db:
            rows: Sequence[Any] = db.execute(query if limit is None else query.limit(limit)).all()
        return [
            Letter(
                id=r.id,
                incident=r.incident,
                destination=r.destination,
                action=Action(r.action),
                state=r.state,
                message=codec.load(Message, r.message),
                created_at=r.created_at,
                not_before=r.not_before,
                attempts=r.attempts,
                uncertain=r.uncertain,
                error=r.error,
                sent_at=r.sent_at,
                behind=r.behind,
            )
            for r in rows
        ]
