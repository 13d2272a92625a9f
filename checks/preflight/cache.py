"""Facts of files already read, by their content.

A file of SQLite, so that a small package reads few rows of it and two runs may share it. It holds nothing that cannot
be made again: whatever is wrong with it, it is left alone, and the run goes on without.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_KEEP = 60_000  # rows; some 100 MB of sources
_AT_ONCE = 500


class Cache:
    """Facts by content digest, for one *maker*: interpreter, target, ruff and our own version."""

    def __init__(self, path: Path | None, maker: str) -> None:
        self._maker = maker
        self._db: sqlite3.Connection | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=2, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=OFF")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS facts (maker TEXT, digest TEXT, facts BLOB, PRIMARY KEY (maker, digest))"
            )
        except (OSError, sqlite3.Error):
            self._db = None

    def get(self, digests: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The facts that are there."""
        found: dict[str, dict[str, Any]] = {}
        wanted = list(digests)
        if self._db is None:
            return found
        with contextlib.suppress(sqlite3.Error, ValueError, zlib.error):
            for start in range(0, len(wanted), _AT_ONCE):
                part = wanted[start : start + _AT_ONCE]
                marks = ",".join("?" * len(part))
                sql = f"SELECT digest, facts FROM facts WHERE maker = ? AND digest IN ({marks})"
                for digest, facts in self._db.execute(sql, (self._maker, *part)):
                    found[digest] = json.loads(facts)
        return found

    def put(self, facts: Mapping[str, str]) -> None:
        """Keep these, JSON each, and of the others not more than fit."""
        if self._db is None or not facts:
            return
        rows = [(self._maker, digest, item) for digest, item in facts.items()]
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", rows)
            self._db.execute(
                "DELETE FROM facts WHERE rowid <= (SELECT max(rowid) FROM facts) - ?",
                (_KEEP,),
            )
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            self._db.close()
