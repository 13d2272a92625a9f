"""The version of the state: made new, carried over from an older version, or refused when it is newer."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, Integer, MetaData, String, Table, Text, inspect, select, text, update

from alerts.store import codec, schema, upkeep
from alerts.store.bulk import put

# Any number; the same for all that open the state at once, so that one of them makes or changes it.
_ADVISORY_LOCK = 7_293_018_221


class StateError(Exception):
    """The state cannot be used; the message says why and how to go on."""


# The history as version 3 had it.
_history_3 = Table(
    "history",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", String(27), nullable=False),
    Column("incident", Integer),
    Column("transitions", Text, nullable=False),
)
_ROWS_AT_ONCE = 100


def _to_3(connection: Connection) -> None:
    """The history in rows of many transitions instead of one, and an index by which open faults are found."""
    _history_3.create(connection)
    reason = "json_quote(reason)" if connection.dialect.name == "sqlite" else "to_json(reason)"
    said = f"""'[{{"at":"' || at || '","change":"' || change || '","reason":' || {reason}"""
    whole = f"""{said} || ',"fault":' || fault || '}}]'"""
    copied = (
        f"INSERT INTO history (at, incident, transitions) SELECT at, incident, {whole} FROM transitions ORDER BY id"
    )
    connection.exec_driver_sql(copied)
    connection.execute(text("DROP TABLE transitions"))
    connection.execute(text("DROP INDEX faults_by_state"))
    [index] = [i for i in schema.faults.indexes if i.name == "faults_by_end"]
    index.create(connection)


def _to_4(connection: Connection) -> None:
    """The history compressed."""
    for name in ("history_by_time", "history_by_incident"):
        connection.execute(text(f"DROP INDEX IF EXISTS {name}"))
    connection.execute(text("ALTER TABLE history RENAME TO history_3"))
    schema.history.create(connection)
    old = _history_3.to_metadata(MetaData(), name="history_3")
    last = 0
    while rows := connection.execute(select(old).where(old.c.id > last).order_by(old.c.id).limit(_ROWS_AT_ONCE)).all():
        packed = [(row.at, row.incident, codec.pack(row.transitions)) for row in rows]
        put(connection, schema.history, ("at", "incident", "transitions"), packed)
        last = rows[-1].id
    connection.execute(text("DROP TABLE history_3"))


# What makes of version n-1 a version n, beyond tables that are new: those are made anyway. What version 2 added to
# version 1 is gone again.
STEPS: Mapping[int, Callable[[Connection], None]] = {3: _to_3, 4: _to_4}


def prepare(engine: Engine, where: str) -> None:
    """Make the tables, or bring those of an older version to this one.

    A SQLite file is copied first, to ``NAME.v2-backup`` beside it (2: its version): an older program cannot read
    what a newer one wrote.

    :raises StateError: if the tables are not ours, or from a newer version.
    """
    with engine.connect().execution_options(reading=True) as connection:
        found = _version(connection, where)
    outdated = found is not None and found < schema.SCHEMA_VERSION
    if outdated and engine.url.get_backend_name() == "sqlite":
        copy(Path(str(engine.url.database)), backup_of(str(engine.url.database), found))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        found = _version(connection, where)  # another process may have been quicker
        if found == schema.SCHEMA_VERSION:
            return
        for version in range((found or schema.SCHEMA_VERSION) + 1, schema.SCHEMA_VERSION + 1):
            if version in STEPS:
                STEPS[version](connection)
        schema.metadata.create_all(connection)
        written = str(schema.SCHEMA_VERSION)
        if found is None:
            connection.execute(schema.meta.insert().values(key="schema_version", value=written))
        else:
            ours = schema.meta.c.key == "schema_version"
            connection.execute(update(schema.meta).where(ours).values(value=written))
    if found == 1:
        # Version 1 kept the pages of deleted rows for ever; rewriting the file once changes that.
        upkeep.Upkeep(engine).shrink(whole=True)


def backup_of(path: str, version: int | None) -> Path:
    """Where a SQLite state of that version is kept when a newer program has changed it."""
    return Path(f"{path}.v{version}-backup")


def _version(connection: Connection, where: str) -> int | None:
    """The version of the tables; None where there are none yet."""
    if not inspect(connection).has_table("meta"):
        return None
    query = select(schema.meta.c.value).where(schema.meta.c.key == "schema_version")
    found = connection.execute(query).scalar_one_or_none()
    if found is None or not found.isdigit():
        raise StateError(f"{where} has tables of something else; name another `state.url`")
    if int(found) > schema.SCHEMA_VERSION:
        kept = backup_of(where, schema.SCHEMA_VERSION)
        back = f"to go back to what it was before that, put {kept} in its place" if kept.exists() else ""
        raise StateError(
            f"the state {where} was written by a newer phasewatch (version {found}, this one knows "
            f"{schema.SCHEMA_VERSION}); run that version, or "
            f"{back or 'move the state away to start with an empty one'}"
        )
    return int(found)


def copy(source: Path, target: Path, progress: Callable[[int, int], None] | None = None) -> None:
    """A consistent copy of a SQLite state that may be in use, by SQLite's own backup; checked before it gets its name.

    ``progress`` is told the pages done and the pages in all. An existing target is replaced at the end, at once.

    :raises StateError: if it cannot be made or is damaged; no target is left or changed then.
    """
    begun = target.with_name(f"{target.name}.part")
    try:
        begun.unlink(missing_ok=True)
        begun.touch(mode=0o600)
        with closing(sqlite3.connect(source)) as db, closing(sqlite3.connect(begun)) as made:
            report = None if progress is None else lambda _, left, pages: progress(pages - left, pages)
            db.backup(made, pages=256, progress=report, sleep=0.05)
            # The copy is one file, wherever it is put.
            made.execute("PRAGMA journal_mode=DELETE")
            [verdict] = made.execute("PRAGMA quick_check").fetchone()
        if verdict != "ok":
            raise StateError(f"the copy of {source} is damaged: {verdict}; the state itself may be, too")
        begun.replace(target)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise StateError(f"cannot copy the state {source} to {target}: {reason}") from error
    finally:
        begun.unlink(missing_ok=True)
