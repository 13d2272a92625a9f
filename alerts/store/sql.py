"""The store: what the alerts remember. One transaction per tick; the outbox is claimed with a lease."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace as altered
from sqlalchemy import Connection, Engine, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from alerts.model import Change, Fault, FaultState, Incident, IncidentState, Notification, Transition
from alerts.notify.plan import Posting
from alerts.store import codec, engine, schema
from alerts.store.bulk import put
from alerts.store.letters import Letters
from alerts.store.outbox import Outbox
from alerts.store.people import People
from alerts.store.upkeep import Upkeep
from checks.model import CheckRun, Evidence, JsonValue, Status

KEEP_SLOTS = timedelta(days=1)
# Databases limit how many values one statement may have.
_IN_ONE_QUERY = 500
# Transitions in one row of the history, so that a step of the upkeep stays small.
_IN_ONE_ROW = 200
# As the drivers want them, plain texts.
_STATES = {state: state.value for state in FaultState}
# Any number that nothing else in the database locks.
_DECIDING = 7_236_001


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The latest stored run of a check."""

    check: str
    status: Status
    finished_at: datetime
    findings: int
    evidence: Evidence
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """What was to go where, since when, and by which decision (the number of its notification)."""

    notification: int
    incident: int
    destination: str
    action: str
    at: datetime


class Store:
    """The state of one watcher. Safe to use from several threads; each call is its own short transaction."""

    def __init__(self, url: str) -> None:
        """Open or create the state.

        :raises alerts.store.engine.StateError: if it cannot be used.
        """
        self.engine: Engine = engine.open_engine(url)
        with self.writing() as tick:
            self.identity = tick.identity()
        self.outbox = Outbox(self.engine)
        self.letters = Letters(self.engine)
        self.upkeep = Upkeep(self.engine)

    def close(self) -> None:
        """Give all connections back."""
        self.outbox.close()
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Tick]:
        """One transaction: all of it is stored, or nothing."""
        with self.engine.begin() as connection:
            yield Tick(connection)

    @contextmanager
    def reading(self) -> Iterator[Tick]:
        """A consistent view that takes no lock from the writer."""
        with self.engine.connect().execution_options(reading=True) as connection:
            yield Tick(connection)


class Tick:
    """What can be read and written inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        self.people = People(connection)

    def identity(self) -> str:
        """A random name of this state, made once: part of every delivery key, so that no two states share one."""
        query = select(schema.meta.c.value).where(schema.meta.c.key == "identity")
        found = self._db.execute(query).scalar_one_or_none()
        if found is None:
            found = uuid.uuid4().hex[:12]
            self._db.execute(schema.meta.insert().values(key="identity", value=found))
        return found

    def alone(self) -> None:
        """Wait until no other writer decides what is told: SQLite has but one, a server may have several."""
        if self._db.dialect.name == "postgresql":
            self._db.execute(select(func.pg_advisory_xact_lock(_DECIDING)))

    def claim_slot(self, check: str, slot: datetime, owner: str) -> bool:
        """Whether this caller runs the check's tick of that time. The database refuses the second one."""
        try:
            with self._db.begin_nested():
                self._db.execute(schema.slots.insert().values(check_name=check, slot=slot, claimed_by=owner))
        except IntegrityError:
            return False
        old = schema.slots.c.slot < slot - KEEP_SLOTS
        self._db.execute(delete(schema.slots).where(schema.slots.c.check_name == check, old))
        return True

    def cursor(self, check: str) -> JsonValue:
        """Where the check's source stopped; None before the first run."""
        query = select(schema.cursors.c.value).where(schema.cursors.c.check_name == check)
        found = self._db.execute(query).scalar_one_or_none()
        return None if found is None else json.loads(found)

    def save_run(self, run: CheckRun) -> None:
        """Store a run, and its cursor if it saw anything."""
        row = {
            "check_name": run.check,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "status": run.status.value,
            "findings": len(run.findings),
            "evidence": codec.dump(run.evidence),
            "error": run.error,
        }
        self._db.execute(schema.check_runs.insert(), row)
        if run.error is None and run.cursor is not None:
            self.set_cursor(run.check, run.cursor, run.finished_at)

    def set_cursor(self, check: str, value: JsonValue, at: datetime) -> None:
        """Keep where a check's source stopped, instead of what was kept before."""
        row = {"value": codec.dump(value), "updated_at": at}
        changed = self._db.execute(update(schema.cursors).where(schema.cursors.c.check_name == check).values(**row))
        if changed.rowcount == 0:
            self._db.execute(schema.cursors.insert(), {"check_name": check, **row})

    def last_runs(self, at: datetime | None = None) -> list[LastRun]:
        """The latest run of every check (that had finished by ``at``), by name."""
        table = schema.check_runs
        latest = select(func.max(table.c.id)).group_by(table.c.check_name)
        if at is not None:
            latest = latest.where(table.c.finished_at <= at)
        rows = self._db.execute(select(table).where(table.c.id.in_(latest)).order_by(table.c.check_name))
        return [
            LastRun(
                check=r.check_name,
                status=Status(r.status),
                finished_at=r.finished_at,
                findings=r.findings,
                evidence=codec.load(Evidence, r.evidence),
                error=r.error,
            )
            for r in rows
        ]

    def seen_at(self) -> dict[str, datetime]:
        """For each check the end of its last run that could see: that was not UNKNOWN."""
        table = schema.check_runs
        query = (
            select(table.c.check_name, func.max(table.c.finished_at).label("at"))
            .where(table.c.status != Status.UNKNOWN.value)
            .group_by(table.c.check_name)
        )
        return {r.check_name: r.at for r in self._db.execute(query)}

    def faults(self, *, resolved_since: datetime, of_incidents: Collection[int] = ()) -> dict[str, Fault]:
        """Open faults, those resolved since then, and all members of the named incidents."""
        table = schema.faults
        lately = or_(table.c.resolved_at.is_(None), table.c.resolved_at >= resolved_since)
        numbers = sorted(of_incidents)
        parts = [numbers[n : n + _IN_ONE_QUERY] for n in range(0, len(numbers), _IN_ONE_QUERY)]
        texts = list(self._db.execute(select(table.c.fault).where(lately)).scalars())
        for part in parts:
            older = select(table.c.fault).where(table.c.incident.in_(part), ~lately)
            texts += self._db.execute(older).scalars()
        return {f.fingerprint: f for f in codec.load_all(Fault, texts)}

    def save_faults(
        self, faults: Sequence[Fault], home: Mapping[str, int], transitions: Iterable[Transition], now: datetime
    ) -> None:
        """Insert or replace faults, each with the incident it is in, and append to the history what changed of them. A
        mere recurrence is no change and is not kept.
        """
        texts = dict(zip([f.finding.fingerprint for f in faults], codec.dump_each(faults), strict=True))
        rows = [
            (name, _STATES[f.state], home.get(name), f.resolved_at and schema.as_text(f.resolved_at), text)
            for f, (name, text) in zip(faults, texts.items(), strict=True)
        ]
        put(self._db, schema.faults, ("fingerprint", "state", "incident", "resolved_at", "fault"), rows)
        at = schema.as_text(now)
        changes: dict[tuple[int | None, Change, str], list[str]] = {}
        recurred = Change.RECURRED
        for t in transitions:
            if t.change is not recurred:
                name = t.fault.finding.fingerprint
                changes.setdefault((home.get(name), t.change, t.reason), []).append(texts[name])
        for (incident, change, reason), same in changes.items():
            # All begin alike, so the faults' texts are joined rather than written once more.
            head = codec.dump({"at": now, "change": change, "reason": reason}).removesuffix("}") + ',"fault":'
            lines = [
                (at, incident, codec.pack(f"[{head}{f'}},{head}'.join(same[n : n + _IN_ONE_ROW])}}}]"))
                for n in range(0, len(same), _IN_ONE_ROW)
            ]
            put(self._db, schema.history, ("at", "incident", "transitions"), lines)

    def transitions(self, *, incident: int | None = None, until: datetime | None = None) -> list[Transition]:
        """The history, oldest first."""
        table = schema.history
        query = select(table.c.incident, table.c.transitions).order_by(table.c.id)
        if incident is not None:
            query = query.where(table.c.incident == incident)
        if until is not None:
            query = query.where(table.c.at <= until)
        rows = self._db.execute(query).all()
        parts = codec.load_all(list[Transition], [codec.unpack(row.transitions) for row in rows])
        return [altered(t, incident=row.incident) for row, part in zip(rows, parts, strict=True) for t in part]

    def incidents(self, *, resolved_since: datetime | None = None, besides: Collection[int] = ()) -> list[Incident]:
        """Open incidents and those that ended since then (None: all), and those named besides; oldest first."""
        table = schema.incidents
        query = select(table.c.incident).order_by(table.c.id)
        if resolved_since is not None:
            lately = or_(table.c.state == IncidentState.OPEN.value, table.c.resolved_at >= resolved_since)
            query = query.where(or_(lately, table.c.id.in_(sorted(besides)[:_IN_ONE_QUERY])))
        return codec.load_all(Incident, list(self._db.execute(query).scalars()))

    def incident(self, number: int) -> Incident | None:
        """One incident by its number."""
        query = select(schema.incidents.c.incident).where(schema.incidents.c.id == number)
        text = self._db.execute(query).scalar_one_or_none()
        return None if text is None else codec.load(Incident, text)

    def next_incident(self) -> int:
        """The number the next incident gets."""
        highest = self._db.execute(select(func.max(schema.incidents.c.id))).scalar_one_or_none()
        return (highest or 0) + 1

    def save_incidents(self, incidents: Iterable[Incident]) -> None:
        """Insert or replace by number."""
        rows = [
            (i.id, i.state.value, schema.as_text(i.opened_at), schema.as_text(i.resolved_at), codec.dump(i))
            for i in incidents
        ]
        put(self._db, schema.incidents, ("id", "state", "opened_at", "resolved_at", "incident"), rows)

    def announced(self, *, resolved_since: datetime, besides: Collection[int] = ()) -> dict[int, datetime]:
        """Of the same incidents those that somebody was told of, and when first."""
        table = schema.incidents
        lately = or_(table.c.state == IncidentState.OPEN.value, table.c.resolved_at >= resolved_since)
        wanted = or_(lately, table.c.id.in_(sorted(besides)[:_IN_ONE_QUERY]))
        rows = self._db.execute(select(table.c.id, table.c.announced_at).where(wanted))
        return {row.id: row.announced_at for row in rows if row.announced_at is not None}

    def watching_since(self) -> datetime | None:
        """When the oldest run that is still kept began; None before the first."""
        since: datetime | None = self._db.execute(select(func.min(schema.check_runs.c.started_at))).scalar()
        return since

    def add_notification(self, notification: Notification) -> int:
        """Log one decision to speak, and its number. An announcement marks its incident."""
        result = self._db.execute(schema.notifications.insert(), _notification_row(notification))
        if not notification.suppressed:
            mine = (schema.incidents.c.id == notification.incident) & schema.incidents.c.announced_at.is_(None)
            self._db.execute(update(schema.incidents).where(mine).values(announced_at=notification.at))
        key = result.inserted_primary_key
        return int(key[0]) if key else 0

    def add_suppressed(self, notifications: Iterable[Notification]) -> None:
        """Log decisions not to speak."""
        rows = [_notification_row(n) for n in notifications]
        if rows:
            self._db.execute(schema.notifications.insert(), rows)

    def notifications(self, *, incident: int | None = None) -> list[Notification]:
        """The notification log, oldest first."""
        table = schema.notifications
        query = select(table.c.notification).order_by(table.c.id)
        if incident is not None:
            query = query.where(table.c.incident == incident)
        return [codec.load(Notification, text) for text in self._db.execute(query).scalars()]

    def rows(self) -> list[OutboxRow]:
        """All that was ever put into the outbox, oldest first."""
        table = schema.outbox
        return [
            OutboxRow(
                notification=int(r.key.split("-", 2)[1]),
                incident=r.incident,
                destination=r.destination,
                action=r.action,
                at=r.created_at,
            )
            for r in self._db.execute(select(table).order_by(table.c.id))
        ]

    def numbered_notifications(self) -> dict[int, Notification]:
        """The notification log by number, oldest first."""
        table = schema.notifications
        rows = self._db.execute(select(table.c.id, table.c.notification).order_by(table.c.id))
        return {row.id: codec.load(Notification, row.notification) for row in rows}

    def threads(self, number: int) -> tuple[str, ...]:
        """The destinations that have the incident's root message, sent or on its way."""
        table = schema.outbox
        query = select(table.c.destination).where(
            table.c.incident == number, table.c.action == "post", table.c.state != "muted"
        )
        return tuple(sorted(set(self._db.execute(query).scalars())))

    def enqueue(self, notification_id: int, identity: str, postings: Sequence[Posting], now: datetime) -> None:
        """Put rows into the outbox. A newer EDIT makes older unsent ones of the same message pointless. What was given
        up in the same thread gets another attempt with each news: the channel may have been mended meanwhile.
        """
        table = schema.outbox
        for posting in postings:
            thread = (table.c.incident == posting.incident) & (table.c.destination == posting.destination)
            self._db.execute(
                update(table).where(thread, table.c.state == "dead").values(state="pending", not_before=now)
            )
            if posting.action.value == "edit":
                waits = (table.c.state == "pending") & table.c.lease_until.is_(None)
                stale = thread & (table.c.action == "edit") & waits
                self._db.execute(update(table).where(stale).values(state="superseded"))
            self._db.execute(
                table.insert().values(
                    key=f"{identity}-{notification_id}-{posting.destination}-{posting.action.value}",
                    incident=posting.incident,
                    destination=posting.destination,
                    action=posting.action.value,
                    urgency=posting.urgency,
                    message=codec.dump(posting.message),
                    state="pending",
                    created_at=now,
                    not_before=now,
                    attempts=0,
                    uncertain=False,
                )
            )


def _notification_row(notification: Notification) -> dict[str, object]:
    return {
        "incident": notification.incident,
        "at": notification.at,
        "why": notification.why.value,
        "suppressed": notification.suppressed,
        "notification": codec.dump(notification),
    }
