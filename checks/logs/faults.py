"""Occurrences -> failures: one for each fault (service, exception, name, file) and revision.

What is kept of a fault does not depend on the order in which its occurrences come, so that parts of the entries can be
gone over apart and what was found be put together.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from checks.logs.entry import NANOS_PER_MICRO, moment
from checks.logs.occurrences import ERROR, Happening, Occurrence
from checks.logs.signatures import canonical
from checks.plain import stamp

if TYPE_CHECKING:
    from checks.model import JsonValue

MAX_IDS = 50
MAX_MOMENTS = 200
_AT_ONCE = 500
_DEPLOY_ROOT = re.compile(
    r"^(?:/workspace/|/user_code/|/app/|/srv/|/code/|/usr/src/app/|/home/[^/]+/|/opt/app/|/layers/[^/]+/[^/]+/|(?:\./)+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One fault in one revision, as the README of the samples defines its fields.

    ``execution_ids`` and ``insert_ids`` are sorted, and the earliest ``MAX_IDS``; times are UTC. ``message`` is
    what Python printed after the class, ``sample`` the end of the first traceback, or the line: raw and hostile.
    ``kind`` ``error`` stands for any other exception; only ``ScanResult.errors`` holds these. ``moments``: when each
    occurrence was first seen, the earliest ``MAX_MOMENTS``.
    """

    exception: str
    name: str | None
    module: str | None
    kind: str
    service: str
    revision: str | None
    execution_ids: tuple[str, ...]
    file: str | None
    line: int | None
    function: str | None
    count: int
    handled: bool
    first_seen: datetime
    last_seen: datetime
    insert_ids: tuple[str, ...]
    message: str
    sample: str
    moments: tuple[datetime, ...] = ()

    @property
    def fingerprint(self) -> str:
        """The identity of the fault on every run and in every revision.

        That of an error has ``function()`` in the place of the name, which no broken name can be, and never ends in
        ``:``.
        """
        if self.kind == ERROR:
            file = deployed_path(self.file or "").rstrip(":") or "?"
            return f"log:{self.service}:{self.exception}:{self.function or '?'}():{file}"
        name = canonical(self.kind, self.name)
        return f"log:{self.service}:{self.exception}:{name or ''}:{deployed_path(self.file or '')}"

    def as_json(self) -> dict[str, JsonValue]:
        """The object that ``scan --format json`` prints."""
        return {
            "exception": self.exception,
            "name": self.name,
            "module": self.module,
            "kind": self.kind,
            "service": self.service,
            "revision": self.revision,
            "execution_ids": list(self.execution_ids),
            "file": self.file,
            "line": self.line,
            "function": self.function,
            "count": self.count,
            "handled": self.handled,
            "first_seen": stamp(self.first_seen),
            "last_seen": stamp(self.last_seen),
            "insert_ids": list(self.insert_ids),
        }


@lru_cache(maxsize=1024)
def deployed_path(path: str) -> str:
    """A path as it stands in the repository: without the folder into which it was deployed."""
    return _DEPLOY_ROOT.sub("", path.replace("\\", "/"))


class Faults:
    """The faults found so far."""

    def __init__(self) -> None:
        self._faults: dict[tuple[str | None, ...], _Fault] = {}

    def add(self, one: Occurrence) -> None:
        """Take one occurrence."""
        what = one.what
        key = (
            one.service,
            what.exception,
            what.function if what.kind == ERROR else canonical(what.kind, what.name),
            deployed_path(what.file) if what.file else None,
            one.revision,
        )
        fault = self._faults.get(key)
        if fault is None:
            fault = self._faults[key] = _Fault(one)
        fault.add(one)

    def merge(self, others: Faults) -> None:
        """Take what was found elsewhere, in other entries."""
        for key, other in others._faults.items():
            fault = self._faults.setdefault(key, other)
            if fault is not other:
                fault.merge(other)

    def parts(self) -> Iterator[Faults]:
        """Hand them over, some at a time: nothing is kept."""
        while self._faults:
            part = Faults()
            part._faults = dict(self._faults.popitem() for _ in range(min(_AT_ONCE, len(self._faults))))
            yield part

    def failures(self) -> tuple[Failure, ...]:
        """One for each, by service, exception, name, file, function, revision and kind."""
        found = [fault.failure() for fault in self._faults.values()]
        found.sort(
            key=lambda f: (
                f.service,
                f.exception,
                f.name or "",
                f.file or "",
                f.function or "",
                f.revision or "",
                f.kind,
            )
        )
        return tuple(found)


class _Fault:
    """Occurrences of one fault in one revision. Of identities and moments the earliest are kept, to the microsecond:
    nanoseconds of the last year there is do not fit into 64 bits.
    """

    __slots__ = (
        "_count",
        "_ended",
        "_executions",
        "_handled",
        "_insert_ids",
        "_moments",
        "_revision",
        "_service",
        "_what",
        "_written",
    )

    def __init__(self, one: Occurrence) -> None:
        self._what: Happening = one.what
        self._service, self._revision = one.service, one.revision
        self._written, self._ended = one.written, one.ended
        self._count = 0
        self._handled = True
        self._executions: _Earliest | None = None
        self._insert_ids = _Earliest()
        self._moments = array("q")

    def add(self, one: Occurrence) -> None:
        written = one.written
        self._count += 1
        self._handled = self._handled and one.what.handled
        self._first(one.what, written)
        self._ended = max(self._ended, one.ended)
        micros = written // NANOS_PER_MICRO
        self._at(micros)
        if execution := one.execution_id:
            self._executed().note(execution, micros)
        for entry in one.telling:
            if entry.insert_id:
                self._insert_ids.note(entry.insert_id, entry.nanos // NANOS_PER_MICRO)

    def merge(self, other: _Fault) -> None:
        self._count += other._count
        self._handled = self._handled and other._handled
        self._first(other._what, other._written)
        self._ended = max(self._ended, other._ended)
        for micros in other._moments:
            self._at(micros)
        if other._executions is not None:
            self._executed().merge(other._executions)
        self._insert_ids.merge(other._insert_ids)

    def _executed(self) -> _Earliest:
        """Often there are none."""
        if self._executions is None:
            self._executions = _Earliest()
        return self._executions

    def _first(self, what: Happening, written: int) -> None:
        """Not all of the first occurrence is kept: its entries would be as well."""
        same = written == self._written
        if written < self._written or (same and what is not self._what and repr(what) < repr(self._what)):
            self._what, self._written = what, written

    def _at(self, micros: int) -> None:
        self._moments.append(micros)
        if len(self._moments) > 2 * MAX_MOMENTS:
            self._moments = array("q", sorted(self._moments)[:MAX_MOMENTS])

    def failure(self) -> Failure:
        what = self._what
        return Failure(
            exception=what.exception,
            name=what.name,
            module=what.module,
            kind=what.kind,
            service=self._service,
            revision=self._revision,
            execution_ids=self._executions.ids() if self._executions is not None else (),
            file=what.file,
            line=what.line,
            function=what.function,
            count=self._count,
            handled=self._handled,
            first_seen=moment(self._written),
            last_seen=moment(self._ended),
            insert_ids=self._insert_ids.ids(),
            message=what.message,
            sample=what.sample,
            moments=tuple(moment(at * NANOS_PER_MICRO) for at in sorted(self._moments)[:MAX_MOMENTS]),
        )


class _Earliest:
    """The ``MAX_IDS`` identities that were seen first, and when. Two rows, as there is one of these for each fault: a
    dict with its numbers takes twice the memory.
    """

    __slots__ = ("_full", "_ids", "_times")

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._times = array("q")
        self._full: int | None = None  # when the last of the first so many was seen, once there were as many

    def note(self, one: str, at: int) -> None:
        """It was seen at this time."""
        if self._full is not None and at > self._full:
            return
        if one in self._ids:
            where = self._ids.index(one)
            self._times[where] = min(at, self._times[where])
            return
        self._ids.append(one)
        self._times.append(at)
        if len(self._ids) > 2 * MAX_IDS:
            first = self._first()
            self._ids = [each for _, each in first]
            self._times = array("q", [then for then, _ in first])
            self._full = first[-1][0]

    def merge(self, other: _Earliest) -> None:
        """Take all of another."""
        for one, at in zip(other._ids, other._times, strict=True):
            self.note(one, at)

    def ids(self) -> tuple[str, ...]:
        """All of them, sorted."""
        return tuple(sorted(self._ids if len(self._ids) <= MAX_IDS else (each for _, each in self._first())))

    def _first(self) -> list[tuple[int, str]]:
        return sorted(zip(self._times, self._ids, strict=True))[:MAX_IDS]
