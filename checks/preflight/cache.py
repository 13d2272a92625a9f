"""What is known of files already read: their facts by their content, and their content's digest by what the disk says.

A file of SQLite, so that a small package reads few rows of it and two runs may share it. It holds nothing that cannot
be made again: whatever is wrong with it, it is left alone, and the run goes on without.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

_KEEP = 60_000  # rows; some 100 MB of sources
_AT_ONCE = 500
_TABLES = (
    "CREATE TABLE IF NOT EXISTS facts (maker TEXT, digest TEXT, facts BLOB, PRIMARY KEY (maker, digest))",
    "CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, state TEXT, digest TEXT)",
)

Answer = TypeVar("Answer")


class Cache:
    """Facts by content digest, for one *maker*: interpreter, target, ruff and our own version; and digests of files."""

    def __init__(self, path: Path | None, maker: str) -> None:
        self._maker = maker
        self._db: sqlite3.Connection | None = None
        self._new: dict[str, str] = {}  # by digest, not yet written: a transaction for each answer costs more than it
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=2, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=OFF")
            for table in _TABLES:
                self._db.execute(table)
        except (OSError, sqlite3.Error):
            self.close()
            self._db = None

    def get(self, digests: Iterable[str], decode: Callable[[str], Answer]) -> dict[str, Answer]:
        """The facts that are there, decoded. What cannot be (a ValueError) is not there."""
        found: dict[str, Answer] = {}
        wanted = set(digests)
        rows = [(digest, self._new[digest]) for digest in wanted.intersection(self._new)]
        rows += self._rows(
            "digest, facts FROM facts WHERE maker = ? AND digest", [self._maker], wanted.difference(self._new)
        )
        for digest, facts in rows:
            with contextlib.suppress(ValueError, TypeError):
                found[digest] = decode(facts)
        return found

    def put(self, facts: Mapping[str, str]) -> None:
        """Keep these, JSON each, and of the others not more than fit."""
        self._new.update(facts)
        if len(self._new) > _AT_ONCE:
            self._write()

    def _write(self) -> None:
        self._keep("facts", [(self._maker, digest, item) for digest, item in self._new.items()])
        self._new.clear()

    def digests(self, paths: Iterable[bytes]) -> dict[bytes, tuple[str, str]]:
        """For each path that is known what the disk said of the file when it was read, and its content's digest."""
        return {path: (state, digest) for path, state, digest in self._rows("* FROM files WHERE path", [], paths)}

    def put_digests(self, files: Sequence[tuple[bytes, str, str]]) -> None:
        """Keep these: path, what the disk says of it, digest."""
        self._keep("files", files)

    def _rows(self, what: str, first: Sequence[str], keys: Iterable[str | bytes]) -> list[tuple[Any, ...]]:
        """The rows with one of these keys, as far as they can be read."""
        rows: list[tuple[Any, ...]] = []
        if self._db is None:
            return rows
        wanted = list(keys)
        with contextlib.suppress(sqlite3.Error):
            for start in range(0, len(wanted), _AT_ONCE):
                part = wanted[start : start + _AT_ONCE]
                sql = f"SELECT {what} IN ({','.join('?' * len(part))})"
                rows += self._db.execute(sql, (*first, *part))
        return rows

    def _keep(self, table: str, rows: Sequence[tuple[str | bytes, ...]]) -> None:
        """Keep these rows, and of the oldest not more than fit."""
        if self._db is None or not rows:
            return
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("BEGIN")
            self._db.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", rows)
            self._db.execute(f"DELETE FROM {table} WHERE rowid <= (SELECT max(rowid) FROM {table}) - ?", (_KEEP,))
            self._db.execute("COMMIT")
            return
        with contextlib.suppress(sqlite3.Error):  # the disk is full, or another run writes for long
            self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Write what is new, and let go of the file."""
        self._write()
        if self._db is not None:
            self._db.close()
