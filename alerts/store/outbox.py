"""The outbox: rows wait here until a channel has them. Claimed by a guarded update, with a lease."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, bindparam, func, or_, select, update

from alerts.model import Action, Backlog, Dispatch, Message
from alerts.store import codec, schema
from checks.model import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A row this process may send until its lease ends."""

    id: int
    incident: int
    destination: str
    dispatch: Dispatch


class Outbox:
    """Rows in order per incident and destination: nothing overtakes an unsent row of its own thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._observer: Any = None

    def close(self) -> None:
        """Give back what ``version`` holds."""
        with self._lock:
            if self._observer is not None:
                self._observer.close()
                self._observer = None

    def version(self) -> object:
        """Equal to a former one only if nobody, in whatever process, has written to the state since; cheap.

        SQLite counts what other connections commit (sqlite.org/pragma.html#pragma_data_version), so one is kept that
        only looks. A server has no such number: there no version equals another.
        """
        if self._engine.dialect.name != "sqlite":
            return object()
        with self._lock:
            if self._observer is None:
                self._observer = self._engine.raw_connection()
            [version] = self._observer.cursor().execute("PRAGMA data_version").fetchone()
            return version

    def claim(
        self, now: datetime, lease: timedelta, owner: str, paused: frozenset[str] = frozenset()
    ) -> Claimed | None:
        """The most urgent row that is due, leased to ``owner``; None when nothing is.

        A row whose lease ran out was being sent when its sender died: it may have arrived, so it comes back as
        ``uncertain``. ``paused`` names destinations that asked us to wait.
        """
        table = schema.outbox
        with self._engine.begin() as db:
            row = db.execute(_first_due(), {"now": now, "paused": sorted(paused)}).one_or_none()
            if row is None:
                return None
            uncertain = row.uncertain or row.lease_until is not None
            taken = db.execute(
                update(table)
                .where(table.c.id == row.id, _due(now))
                .values(lease_until=now + lease, claimed_by=owner, attempts=row.attempts + 1, uncertain=uncertain)
            )
            if taken.rowcount != 1:
                return None
            root = (
                select(table.c.receipt)
                .where(
                    table.c.incident == row.incident,
                    table.c.destination == row.destination,
                    table.c.id < row.id,
                    table.c.action != Action.REPLY.value,
                    table.c.state == "sent",
                    table.c.receipt.is_not(None),
                )
                .order_by(table.c.id.desc())
                .limit(1)
            )
            receipt = db.execute(root).scalar_one_or_none()
        return Claimed(
            id=row.id,
            incident=row.incident,
            destination=row.destination,
            dispatch=Dispatch(
                key=row.key,
                action=Action(row.action),
                message=codec.load(Message, row.message),
                created_at=row.created_at,
                attempt=row.attempts + 1,
                uncertain=uncertain,
                root=None if receipt is None else json.loads(receipt),
            ),
        )

    def sent(self, row: int, receipt: Mapping[str, JsonValue], now: datetime) -> None:
        """It arrived."""
        self._set(
            row,
            state="sent",
            receipt=codec.dump(dict(receipt)),
            sent_at=now,
            lease_until=None,
            uncertain=False,
            error=None,
        )

    def retry(self, row: int, error: str, not_before: datetime, *, uncertain: bool) -> None:
        """It did not arrive (or may have, if ``uncertain``); again from ``not_before`` on."""
        doubt = {"uncertain": True} if uncertain else {}
        self._set(row, error=error, not_before=not_before, lease_until=None, **doubt)

    def dead(self, row: int, error: str, *, uncertain: bool = False) -> None:
        """Given up until a person changes something: ``revive`` or the next start brings it back."""
        doubt = {"uncertain": True} if uncertain else {}
        self._set(row, state="dead", error=error, lease_until=None, **doubt)

    def withhold(self, claimed: Claimed) -> None:
        """Do not send it, for its incident is muted by now. Without the root message nothing of its thread is sent."""
        table = schema.outbox
        mine = table.c.id == claimed.id
        if claimed.dispatch.action is Action.POST:
            mine = (table.c.incident == claimed.incident) & (table.c.destination == claimed.destination)
        with self._engine.begin() as db:
            db.execute(update(table).where(mine, table.c.state == "pending").values(state="muted", lease_until=None))

    def revive(
        self, now: datetime, *, since: datetime, destination: str | None = None, tried_below: int | None = None
    ) -> int:
        """Dead rows written since then are due again, those tried fewer than ``tried_below`` times; how many."""
        table = schema.outbox
        mine = (table.c.state == "dead") & (table.c.created_at >= since)
        if tried_below is not None:
            mine &= table.c.attempts < tried_below
        if destination is not None:
            mine &= table.c.destination == destination
        with self._engine.begin() as db:
            return db.execute(update(table).where(mine).values(state="pending", not_before=now)).rowcount

    def release(self) -> int:
        """End all leases: for a start that knows the former sender is gone. Their rows are uncertain from now on."""
        table = schema.outbox
        held = (table.c.state == "pending") & table.c.lease_until.is_not(None)
        with self._engine.begin() as db:
            return db.execute(update(table).where(held).values(lease_until=None, uncertain=True)).rowcount

    def backlog(self) -> list[Backlog]:
        """What waits, per destination."""
        with self._engine.connect().execution_options(reading=True) as db:
            return [
                Backlog(
                    destination=r.destination,
                    pending=r.pending,
                    dead=r.dead,
                    oldest=r.oldest,
                    error=r.error,
                    waits_since=r.waits_since,
                )
                for r in db.execute(_backlog())
            ]

    def last_sent(self) -> datetime | None:
        """When a message last arrived anywhere; None if none ever did."""
        with self._engine.connect().execution_options(reading=True) as db:
            latest: datetime | None = db.execute(select(func.max(schema.outbox.c.sent_at))).scalar_one_or_none()
            return latest

    def next_due(self) -> datetime | None:
        """When the earliest waiting row may be sent; None if none waits."""
        with self._engine.connect().execution_options(reading=True) as db:
            due: datetime | None = db.execute(_next_due()).scalar_one_or_none()
            return due

    def _set(self, row: int, **values: object) -> None:
        with self._engine.begin() as db:
            db.execute(update(schema.outbox).where(schema.outbox.c.id == row).values(**values))


# These are asked all day long: to build a statement takes longer than to run it.


@cache
def _first_due() -> Select[Any]:
    table = schema.outbox
    return (
        select(table)
        .where(
            _due(bindparam("now", type_=table.c.not_before.type)),
            ~_behind("pending", "dead"),
            table.c.destination.not_in(bindparam("paused", expanding=True)),
        )
        # Fewest attempts first: a row that no channel takes must not starve the others.
        .order_by(table.c.attempts, table.c.urgency.desc(), table.c.id)
        .limit(1)
    )


@cache
def _next_due() -> Select[Any]:
    table = schema.outbox
    return select(func.min(table.c.not_before)).where(table.c.state == "pending")


@cache
def _backlog() -> Select[Any]:
    table = schema.outbox
    return (
        select(
            table.c.destination,
            func.count().filter(table.c.state == "pending").label("pending"),
            func.count().filter(table.c.state == "dead").label("dead"),
            func.min(table.c.created_at).label("oldest"),
            func.min(table.c.created_at).filter(table.c.state == "pending", ~_behind("dead")).label("waits_since"),
            func.max(table.c.error).label("error"),
        )
        .where(table.c.state.in_(["pending", "dead"]))
        .group_by(table.c.destination)
        .order_by(table.c.destination)
    )


def _due(now: datetime | ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a row may be sent and nobody sends it; ``now`` is a time or a parameter."""
    table = schema.outbox
    free = or_(table.c.lease_until.is_(None), table.c.lease_until <= now)
    return (table.c.state == "pending") & (table.c.not_before <= now) & free


def _behind(*states: str) -> ColumnElement[bool]:
    """Whether an earlier row of the same thread is in one of these states."""
    table = schema.outbox
    earlier = table.alias("earlier")
    return (
        select(earlier.c.id)
        .where(
            earlier.c.incident == table.c.incident,
            earlier.c.destination == table.c.destination,
            earlier.c.id < table.c.id,
            earlier.c.state.in_(states),
        )
        .exists()
    )
