"""One watcher per state: an advisory lock on a file beside it, which says who holds it."""

from __future__ import annotations

import fcntl
import json
import os
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from checks.model import stamp


class AlreadyRunningError(Exception):
    """Another watcher holds the state; the message names it."""


class WatchLock:
    """Held while the ``with`` block runs. The kernel frees it when the process dies, however it dies."""

    def __init__(self, path: Path, now: datetime) -> None:
        self._path = path
        self._facts = {"pid": os.getpid(), "started_at": stamp(now)}
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        """Take the lock.

        :raises AlreadyRunningError: if another process has it.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise AlreadyRunningError(_refusal(self._path, holder(self._path))) from error
        self._file = file
        self.serving("")
        return self

    def serving(self, url: str) -> None:
        """Say where this watcher can be asked, once that is known."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.write(json.dumps({**self._facts, "url": url}))
            self._file.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lock back. The file stays: removing it would let two processes lock two files of one name."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


def holder(path: Path) -> dict[str, object] | None:
    """What the holder of the lock wrote about itself; None if nobody holds it or it cannot be read."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def _refusal(path: Path, first: dict[str, object] | None) -> str:
    who = "another process"
    if first is not None:
        who = (
            f"process {first.get('pid')}, since {first.get('started_at')}, serving {first.get('url') or 'nothing yet'}"
        )
    state = path.name.removesuffix(".lock")
    return f"a watcher already runs on the state {state}: {who}; stop it first, or give this one its own `state.url`"
