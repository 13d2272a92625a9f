"""The tables. Times are RFC 3339 texts in UTC of fixed width, so that they sort as they are and read the same on
every database; values that are only carried (findings, messages, evidence) are JSON texts.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

SCHEMA_VERSION = 4


def as_text(moment: datetime | None) -> str | None:
    """``2026-01-26T14:00:00.000000Z``, as it stands in the database; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


class Moment(TypeDecorator[datetime]):
    """An aware UTC ``datetime`` as ``2026-01-26T14:00:00.000000Z``."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """To the database."""
        del dialect
        return as_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        del dialect
        return None if value is None else datetime.fromisoformat(value)


metadata = MetaData()

meta = Table("meta", metadata, Column("key", String(64), primary_key=True), Column("value", Text, nullable=False))

check_runs = Table(
    "check_runs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("check_name", String(200), nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment, nullable=False),
    Column("status", String(16), nullable=False),
    Column("findings", Integer, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("error", Text),
    Index("check_runs_latest", "check_name", "finished_at"),
)

cursors = Table(
    "cursors",
    metadata,
    Column("check_name", String(200), primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_at", Moment, nullable=False),
)

# One row per (check, slot): whoever inserts it runs the tick. Claim the slot, not the throne.
slots = Table(
    "slots",
    metadata,
    Column("check_name", String(200), primary_key=True),
    Column("slot", Moment, primary_key=True),
    Column("claimed_by", String(200), nullable=False),
)

faults = Table(
    "faults",
    metadata,
    Column("fingerprint", String(700), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("incident", Integer),
    Column("resolved_at", Moment),
    Column("fault", Text, nullable=False),
    Index("faults_by_end", "resolved_at"),
    Index("faults_by_incident", "incident"),
)

# What changed, as a JSON array of transitions, compressed with zstd: one row per tick, incident and kind of change, or
# a few where very much changed at once.
history = Table(
    "history",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("incident", Integer),
    Column("transitions", LargeBinary, nullable=False),
    Index("history_by_time", "at"),
    Index("history_by_incident", "incident", "id"),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("resolved_at", Moment),
    Column("announced_at", Moment),
    Column("incident", Text, nullable=False),
    Index("incidents_by_state", "state", "resolved_at"),
)

# Everything said, and everything deliberately not said, with the reason.
notifications = Table(
    "notifications",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("incident", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("why", String(64), nullable=False),
    Column("suppressed", Boolean, nullable=False),
    Column("notification", Text, nullable=False),
    Index("notifications_by_incident", "incident", "id"),
    Index("notifications_by_time", "at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", String(120), nullable=False, unique=True),
    Column("incident", Integer, nullable=False),
    Column("destination", String(120), nullable=False),
    Column("action", String(8), nullable=False),
    Column("urgency", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column("state", String(16), nullable=False),  # pending, sent, superseded, muted, dead, dropped
    Column("created_at", Moment, nullable=False),
    Column("not_before", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease_until", Moment),
    Column("claimed_by", String(200)),
    Column("uncertain", Boolean, nullable=False),
    Column("error", Text),
    Column("sent_at", Moment),
    Column("receipt", Text),
    Index("outbox_due", "state", "not_before"),
    Index("outbox_thread", "incident", "destination", "id"),
)

# --- what people said: stored apart from what was found, so that no new finding wipes it out -------------------------

# One row per silence or maintenance window. ``ended_at`` is set when it is ended early, by hand or by a resolution.
silences = Table(
    "silences",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("silence", Text, nullable=False),
    Index("silences_by_end", "ends_at"),
)

acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("incident", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("author", String(200), nullable=False),
    Column("note", Text, nullable=False),
    Index("acknowledgements_by_incident", "incident", "id"),
)

# Faults that somebody closed by hand although they are still so: not opened again until they change.
closures = Table(
    "closures",
    metadata,
    Column("fingerprint", String(700), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("closure", Text, nullable=False),
)

# How far the conversation about an incident has come: reminders, escalation, what is held back. ``busy``: something
# may still have to be said although nothing new happens.
talks = Table(
    "talks",
    metadata,
    Column("incident", Integer, primary_key=True, autoincrement=False),
    Column("busy", Boolean, nullable=False),
    Column("talk", Text, nullable=False),
    Index("talks_busy", "busy"),
)
