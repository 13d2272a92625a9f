"""Keeping the state small: what is long over is deleted, in bounded steps; what is open never is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Engine, Table, delete, func, or_, select

from alerts.model import FaultState, IncidentState
from alerts.store import schema

INCIDENTS_AT_ONCE = 50
ROWS_AT_ONCE = 500
PAGES_AT_ONCE = 2_000
# What is waiting or given up is still somebody's business.
_UNSENT = ("pending", "dead")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long what is over is kept: incidents with all that belongs to them, and runs of checks."""

    history: timedelta
    runs: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much there is. ``bytes`` None: not known."""

    rows: dict[str, int]
    bytes: int | None


class Upkeep:
    """Prunes one state. Each call is one short transaction, so that ticks and deliveries get their turn."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def step(self, keep: Keep, now: datetime) -> int:
        """Delete up to ``ROWS_AT_ONCE`` rows that are over for longer than they are kept; how many, 0 when all is done.

        The incident with the highest number stays: the next one is numbered after it.
        """
        old = now - keep.history
        with self._engine.begin() as db:
            over = _over(db, old)
            for table, key in _BELONGINGS:
                gone = _delete(db, table, key, table.c.incident.in_(over)) if over else 0
                if gone:
                    return gone
            if over:
                return db.execute(delete(schema.incidents).where(schema.incidents.c.id.in_(over))).rowcount
            for table, key, condition in _loose(keep, now):
                gone = _delete(db, table, key, condition)
                if gone:
                    return gone
        return 0

    def shrink(self, *, whole: bool = False) -> None:
        """Give freed pages of a SQLite file back to the disk: some of them, or with ``whole`` all (rewrites the file,
        and waits for nobody else to use it). A server does that by itself.
        """
        if self._engine.dialect.name != "sqlite":
            return
        some = f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})"
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
            # As a script: `execute` would take one step of it, and free one page.
            connection: Any = db.connection.dbapi_connection
            connection.executescript("PRAGMA auto_vacuum=INCREMENTAL; VACUUM" if whole else some)

    def size(self) -> Size:
        """Rows by table, and bytes."""
        with self._engine.connect().execution_options(reading=True) as db:
            rows = {
                table.name: int(db.execute(select(func.count()).select_from(table)).scalar_one())
                for table in schema.metadata.sorted_tables
            }
            if self._engine.dialect.name == "sqlite":
                pages = [db.exec_driver_sql(f"PRAGMA {p}").scalar_one() for p in ("page_count", "page_size")]
                return Size(rows=dict(sorted(rows.items())), bytes=int(pages[0]) * int(pages[1]))
            used = db.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
            return Size(rows=dict(sorted(rows.items())), bytes=int(used))


_BELONGINGS: Sequence[tuple[Table, Column[Any]]] = (
    (schema.history, schema.history.c.id),
    (schema.notifications, schema.notifications.c.id),
    (schema.outbox, schema.outbox.c.id),
    (schema.acknowledgements, schema.acknowledgements.c.id),
    (schema.talks, schema.talks.c.incident),
    (schema.faults, schema.faults.c.fingerprint),
)


def _over(db: Connection, old: datetime) -> list[int]:
    """Some incidents that ended before then, oldest first, without any that something still waits for."""
    table, rows = schema.incidents, schema.outbox
    newest = select(func.max(table.c.id)).scalar_subquery()
    waits = select(rows.c.id).where(rows.c.incident == table.c.id, rows.c.state.in_(_UNSENT)).exists()
    query = (
        select(table.c.id)
        .where(table.c.state != IncidentState.OPEN.value, table.c.resolved_at < old, table.c.id < newest, ~waits)
        .order_by(table.c.id)
        .limit(INCIDENTS_AT_ONCE)
    )
    return list(db.execute(query).scalars())


def _loose(keep: Keep, now: datetime) -> list[tuple[Table, Column[Any], ColumnElement[bool]]]:
    """What belongs to no incident, or to one that is gone: each with the condition under which it is old."""
    old = now - keep.history
    known = select(schema.incidents.c.id)
    faults, history, runs = schema.faults, schema.history, schema.check_runs
    notifications, outbox = schema.notifications, schema.outbox
    latest = select(func.max(runs.c.id)).group_by(runs.c.check_name)
    return [
        (
            faults,
            faults.c.fingerprint,
            (faults.c.state == FaultState.RESOLVED.value) & (faults.c.resolved_at < old) & _homeless(faults, known),
        ),
        (history, history.c.id, (history.c.at < old) & _homeless(history, known)),
        (notifications, notifications.c.id, (notifications.c.at < old) & _homeless(notifications, known)),
        (
            outbox,
            outbox.c.id,
            (outbox.c.created_at < old) & outbox.c.state.not_in(_UNSENT) & _homeless(outbox, known),
        ),
        (schema.silences, schema.silences.c.id, schema.silences.c.ends_at < old),
        (runs, runs.c.id, (runs.c.finished_at < now - keep.runs) & runs.c.id.not_in(latest)),
    ]


def _homeless(table: Table, known: Any) -> ColumnElement[bool]:
    return or_(table.c.incident.is_(None), table.c.incident.not_in(known))


def _delete(db: Connection, table: Table, key: Column[Any], condition: ColumnElement[bool]) -> int:
    chosen = select(key).where(condition).limit(ROWS_AT_ONCE)
    return db.execute(delete(table).where(key.in_(chosen))).rowcount
