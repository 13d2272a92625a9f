"""What people say over HTTP, carried out on the running watcher's own state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from alerts.store.sql import Store
from checks.model import JsonValue
from monitor import people
from monitor.commands.silence import as_json
from monitor.daemon.tick import Path


class Heard:
    """A ``monitor.server.people_routes.Listener``. ``wake`` is called when there may be something to tell."""

    def __init__(self, store: Store, path: Path, now: Callable[[], datetime], wake: Callable[[], None]) -> None:
        self._store = store
        self._path = path
        self._now = now
        self._wake = wake

    def acknowledge(self, number: int, given: Mapping[str, str]) -> dict[str, JsonValue]:
        """See ``monitor.people.acknowledge``."""
        people.acknowledge(self._store, number, given.get("author", ""), given.get("note", ""), self._now())
        return self._told({"incident": number, "acknowledged_by": given.get("author", "")})

    def resolve(self, number: int, given: Mapping[str, str]) -> dict[str, JsonValue]:
        """See ``monitor.people.resolve``."""
        closed = people.resolve(self._path, number, given.get("author", ""), given.get("reason", ""), self._now())
        return self._told({"incident": number, "faults_closed": closed})

    def silences(self, number: int, given: Mapping[str, str]) -> dict[str, JsonValue]:
        """All that are on or still to come."""
        del number, given
        now = self._now()
        with self._store.reading() as stored:
            return {"silences": [as_json(s, now) for s in stored.people.silences(ended_since=now)]}

    def silence(self, number: int, given: Mapping[str, str]) -> dict[str, JsonValue]:
        """See ``monitor.people.silence``."""
        del number
        now = self._now()
        return self._told(as_json(people.add_silence(self._store, people.silence(given, now)), now))

    def end_silence(self, number: int, given: Mapping[str, str]) -> dict[str, JsonValue]:
        """See ``monitor.people.end_silence``."""
        now = self._now()
        return self._told(as_json(people.end_silence(self._store, number, given.get("author", ""), now), now))

    def _told(self, answer: dict[str, JsonValue]) -> dict[str, JsonValue]:
        self._path.review(self._now())
        self._wake()
        return answer
