"""Opening the state: which database, whether it may be written, and whether this version understands it."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, OperationalError

from alerts.store import migrate
from alerts.store.migrate import StateError

__all__ = ["StateError", "open_engine"]

BUSY_TIMEOUT_MS = 10_000
# A storm fits, so that none of its pages is written twice: early, for want of room, and again when it is complete.
CACHE_KIB = 32_768
# What is committed is safe in the log; moving it to its place in the file can wait until no storm is being stored.
PAGES_BETWEEN_CHECKPOINTS = 4_000
PAGE_BYTES = 8_192


def open_engine(url: str) -> Engine:
    """An engine on a state database whose tables exist and have this version.

    SQLite runs with WAL and ``synchronous=FULL``: what was said to be
    stored is on disk, and readers do not wait for the writer.

    :raises StateError: read-only, not a database, from a newer version, or unreachable.
    """
    parsed = make_url(url)
    where = parsed.render_as_string(hide_password=True)
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise StateError("the state must be a file: memory would be forgotten at the first restart")
        path = Path(parsed.database)
        where = str(path)
        _check_file(path)
        engine = create_engine(parsed, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    else:
        engine = create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    with ExitStack() as undo:
        undo.callback(engine.dispose)
        try:
            migrate.prepare(engine, where)
        except OperationalError as error:
            raise StateError(f"cannot open the state {where}: {error.orig}") from error
        except DatabaseError as error:
            raise StateError(
                f"{where} is not a phasewatch state file ({error.orig}); move it away and start again, or restore a "
                "backup"
            ) from error
        undo.pop_all()
    return engine


def _check_file(path: Path) -> None:
    """Refuse what cannot be written. The mode is asked as well as the kernel, for root may write everything."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = path.stat().st_mode if path.exists() else None
    except OSError as error:
        raise StateError(f"cannot use the folder of the state file {path}: {error.strerror}") from error
    if mode is not None and not stat.S_ISREG(mode):
        raise StateError(f"the state {path} is not a regular file; name another one under `state.url`")
    if mode is not None and not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise StateError(f"the state file {path} is read-only; run `chmod u+w {path}`, or name another `state.url`")


def _begin(connection: Connection) -> None:
    """Writers take the write lock at once, so that none finds out half-way that it cannot have it; readers never do."""
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by the engine's own event, as IMMEDIATE ones
    pragmas = [
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        f"cache_size=-{CACHE_KIB}",
        f"wal_autocheckpoint={PAGES_BETWEEN_CHECKPOINTS}",
    ]
    for pragma in (*_for_a_new_file(connection), *pragmas):
        try:
            connection.execute(f"PRAGMA {pragma}")
        except sqlite3.OperationalError as error:
            connection.close()
            raise StateError(
                f"cannot write the state file ({error}); check its owner and mode, and those of its folder"
            ) from error


def _for_a_new_file(connection: Any) -> list[str]:
    """What can only be said of an empty file: how large its pages are (a fault's text fills a good part of the usual
    4 KiB), and that those of deleted rows can be given back little by little.
    """
    try:
        [pages] = connection.execute("PRAGMA page_count").fetchone()
    except sqlite3.DatabaseError:  # not a state at all, which is found out and said later
        return []
    return [] if pages else [f"page_size={PAGE_BYTES}", "auto_vacuum=INCREMENTAL"]
