"""What people said: silences, acknowledgements, what they closed by hand; and how far the conversations have come.

It stands apart from what was found, so that no new finding wipes it out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, delete, func, or_, select, update

from alerts.model import Acknowledgement, IncidentState, Talk, Why
from alerts.notify.silences import Silence
from alerts.store import codec, schema
from alerts.store.bulk import put


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A fault that somebody closed though it is still so; ``signature`` (``alerts.faults.ledger``): how it was then."""

    fingerprint: str
    signature: str
    author: str
    reason: str
    at: datetime


class People:
    """What can be read and written of it inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    # --- silences ---------------------------------------------------------------------------------------------------

    def add_silence(self, silence: Silence) -> Silence:
        """Store it; the silence with its number."""
        result = self._db.execute(
            schema.silences.insert().values(
                starts_at=silence.starts_at, ends_at=silence.ends_at, silence=codec.dump(silence)
            )
        )
        key = result.inserted_primary_key
        return replace(silence, id=int(key[0]) if key else 0)

    def silences(self, *, ended_since: datetime) -> list[Silence]:
        """Those that are on or still to come, and those that ended since then; in order of their beginning."""
        table = schema.silences
        lately = func.coalesce(table.c.ended_at, table.c.ends_at) >= ended_since
        rows = self._db.execute(select(table.c.id, table.c.silence).where(lately).order_by(table.c.starts_at))
        return [replace(codec.load(Silence, row.silence), id=row.id) for row in rows]

    def silence(self, number: int) -> Silence | None:
        """One silence by its number."""
        text = self._db.execute(select(schema.silences.c.silence).where(schema.silences.c.id == number)).scalar()
        return None if text is None else replace(codec.load(Silence, text), id=number)

    def end_silence(self, silence: Silence, by: str, now: datetime) -> Silence:
        """End it before its time; the silence as it is then."""
        ended = replace(silence, ended_at=now, ended_by=by)
        mine = schema.silences.c.id == silence.id
        self._db.execute(update(schema.silences).where(mine).values(ended_at=now, silence=codec.dump(ended)))
        return ended

    # --- acknowledgements, closures ---------------------------------------------------------------------------------

    def acknowledge(self, said: Acknowledgement) -> None:
        """Somebody has an incident in hand."""
        self._db.execute(
            schema.acknowledgements.insert().values(
                incident=said.incident, at=said.at, author=said.author, note=said.note
            )
        )

    def acknowledged(self, numbers: Collection[int]) -> dict[int, Acknowledgement]:
        """The latest acknowledgement of each of these incidents."""
        table = schema.acknowledgements
        lately = select(func.max(table.c.id)).group_by(table.c.incident)
        rows = self._db.execute(select(table).where(table.c.id.in_(lately)))
        said = (Acknowledgement(incident=r.incident, at=r.at, author=r.author, note=r.note) for r in rows)
        return {a.incident: a for a in said if a.incident in numbers}

    def close(self, closure: Closure) -> None:
        """Remember that somebody closed it by hand."""
        self._db.execute(delete(schema.closures).where(schema.closures.c.fingerprint == closure.fingerprint))
        self._db.execute(
            schema.closures.insert().values(fingerprint=closure.fingerprint, at=closure.at, closure=codec.dump(closure))
        )

    def closures(self) -> dict[str, str]:
        """What is closed by hand: signature by fingerprint."""
        texts = self._db.execute(select(schema.closures.c.closure)).scalars()
        return {c.fingerprint: c.signature for c in (codec.load(Closure, text) for text in texts)}

    def forget_closures(self, fingerprints: Collection[str]) -> None:
        """They are over, or another matter by now."""
        if fingerprints:
            mine = schema.closures.c.fingerprint.in_(sorted(fingerprints))
            self._db.execute(delete(schema.closures).where(mine))

    # --- conversations ----------------------------------------------------------------------------------------------

    def held_incidents(self) -> set[int]:
        """The incidents of which something is held back."""
        return set(self._db.execute(select(schema.talks.c.incident).where(schema.talks.c.busy)).scalars())

    def talks(self, *, resolved_since: datetime) -> dict[int, Talk]:
        """The conversations about open incidents, those that ended since then, and those with something held back."""
        table, incidents = schema.talks, schema.incidents
        lately = or_(incidents.c.state == IncidentState.OPEN.value, incidents.c.resolved_at >= resolved_since)
        live = select(incidents.c.id).where(lately)
        texts = self._db.execute(select(table.c.talk).where(or_(table.c.busy, table.c.incident.in_(live)))).scalars()
        return {talk.incident: talk for talk in codec.load_all(Talk, list(texts))}

    def talk(self, incident: int) -> Talk:
        """The conversation about one incident."""
        text = self._db.execute(select(schema.talks.c.talk).where(schema.talks.c.incident == incident)).scalar()
        return Talk(incident=incident) if text is None else codec.load(Talk, text)

    def save_talks(self, talks: Iterable[Talk]) -> None:
        """Insert or replace by incident."""
        rows = [(t.incident, t.held is not None, codec.dump(t)) for t in talks]
        put(self._db, schema.talks, ("incident", "busy", "talk"), rows)

    def unannounce(self, incident: int) -> None:
        """Nobody was told after all, unless a channel has the message or may still get it."""
        table = schema.outbox
        has = select(table.c.id).where(
            table.c.incident == incident, table.c.action == "post", table.c.state.in_(["pending", "sent", "dead"])
        )
        if self._db.execute(has.limit(1)).first() is None:
            mine = schema.incidents.c.id == incident
            self._db.execute(update(schema.incidents).where(mine).values(announced_at=None))

    # --- for the digest ---------------------------------------------------------------------------------------------

    def suppressed(self, since: datetime) -> dict[Why, int]:
        """How often nobody was told since then, by reason."""
        table = schema.notifications
        query = select(table.c.why, func.count().label("times")).where(table.c.suppressed, table.c.at >= since)
        return {Why(row.why): row.times for row in self._db.execute(query.group_by(table.c.why))}
