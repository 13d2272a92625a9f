"""The user's own patterns, looked for in every text: what matched, where, when, and what it captured."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import re2

from checks.logs.entry import EPOCH, Entry, mapping
from checks.logs.signatures import Signature, said
from checks.logs.triggers import encodable
from checks.plain import stamp

if TYPE_CHECKING:
    from checks.model import JsonValue

MAX_IDS = 50
MAX_CAPTURED = 5
MAX_MINUTES = 3_000
_MAX_SAMPLE = 500
_MAX_VALUE = 200
_MAX_MATCHES = 20
_MAX_KEYS = 20_000
_FEW = 8
_EDGE = re.compile(r"(?<!\[)\^|\$|\\[AzZ]")  # taken for one in a class or after a backslash, too: that only takes time
_MINUTE = 60 * 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """The matches of one minute; ``own_first`` and ``own_last`` only of those that a run of the function wrote itself.

    What the platform says of a request that it refused is no part of any run.
    """

    count: int
    last: datetime
    own_first: datetime | None
    own_last: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What one pattern matched, in one service and revision.

    ``captured``: per named group the first ``MAX_CAPTURED`` different values. ``minutes``: by Unix minute, the latest
    ``MAX_MINUTES``. ``sample`` is the line from the match on: raw and hostile, as are the captured values.
    """

    signature: str
    service: str
    revision: str | None
    count: int
    first_seen: datetime
    last_seen: datetime
    insert_ids: tuple[str, ...]
    execution_ids: tuple[str, ...]
    captured: Mapping[str, tuple[str, ...]]
    minutes: Mapping[int, Minute]
    sample: str

    def as_json(self) -> dict[str, JsonValue]:
        """The object that ``scan --format json`` prints."""
        return {
            "signature": self.signature,
            "service": self.service,
            "revision": self.revision,
            "count": self.count,
            "first_seen": stamp(self.first_seen),
            "last_seen": stamp(self.last_seen),
            "insert_ids": list(self.insert_ids),
            "sample": self.sample,
        }


class SignalScanner:
    """Looks for all patterns in each text once. One pass over a text tells whether any of them is in it."""

    def __init__(self, signatures: Sequence[Signature]) -> None:
        self._signatures = signatures
        patterns = tuple(signature.pattern.pattern for signature in signatures)
        self._gate = _any_of(patterns)
        # A pattern that asks for the beginning or the end of a text finds neither among many.
        self._together = self._gate is not None and not any(map(_EDGE.search, patterns))
        self._found: dict[tuple[str, str, str], _Matches] = {}
        self.counted: dict[str, None] = {}

    def suspects(self, text: str) -> bool:
        """Whether it is worth while to look closer at a text."""
        return bool(self._signatures) and (self._gate is None or bool(self._gate.Match(encodable(text))))

    def suspected(self, texts: Sequence[str], said: bytes) -> list[int]:
        """The numbers of those texts that it is worth while to look closer at.

        :param said: all of them, with a NUL between each two.
        """
        if not self._signatures or (self._together and not self._gate.Match(said)):
            return []
        if not self._together or len(texts) <= _FEW:
            return [number for number, text in enumerate(texts) if text and self.suspects(text)]
        half = len(texts) // 2
        found = []
        for start, some in ((0, texts[:half]), (half, texts[half:])):
            found += [start + number for number in self.suspected(some, encodable("\0".join(some)).encode())]
        return found

    def look(self, entry: Entry) -> None:
        """Count what matches in an entry: each signature once, and no entry twice."""
        if entry.key in self.counted:
            return
        text = encodable(entry.text)
        for signature in self._signatures:
            found = _first_match(signature, text)
            if found is not None:
                key = (signature.name, entry.service, entry.revision or "")
                self._found.setdefault(key, _Matches()).add(entry, found, text)
                if len(self.counted) < _MAX_KEYS:
                    self.counted[entry.key] = None

    def signals(self) -> tuple[Signal, ...]:
        """What was found, sorted by name, service and revision."""
        return tuple(
            matches.signal(name, service, revision or None)
            for (name, service, revision), matches in sorted(self._found.items())
        )


@lru_cache(maxsize=8)  # to make one takes as long as to search many thousand texts
def _any_of(patterns: tuple[str, ...]) -> Any:
    """What finds the numbers of the patterns that are in a text; None where it would take too much memory."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem *= len(patterns) + 1  # what each was allowed alone; with too little it would find nothing
    gate = re2.Set.SearchSet(options)
    try:
        for pattern in patterns:
            gate.Add(pattern)
        gate.Compile()
    except re2.error:
        return None
    return gate


def _first_match(signature: Signature, text: str) -> Any:
    """The first match outside of lines that name a failure by themselves (an import, a name, a missing table).

    Those are reported as failures: the words around one, and the failure itself, are not to be told twice.
    """
    for found in islice(signature.pattern.finditer(text), _MAX_MATCHES):
        start = text.rfind("\n", 0, found.start()) + 1
        end = text.find("\n", found.start())
        if said(text[start : len(text) if end < 0 else end]) is None:
            return found
    return None


@dataclass(slots=True)
class _Matches:
    count: int = 0
    first: Entry | None = None
    sample: str = ""
    last: datetime = EPOCH
    insert_ids: dict[str, None] = field(default_factory=dict)
    executions: dict[str, None] = field(default_factory=dict)
    captured: dict[str, dict[str, None]] = field(default_factory=dict)
    minutes: dict[int, Minute] = field(default_factory=dict)

    def add(self, entry: Entry, found: Any, text: str) -> None:
        self.count += 1
        if self.first is None or entry.nanos < self.first.nanos:
            self.first = entry
            self.sample = text[found.start() : found.start() + _MAX_SAMPLE].partition("\n")[0]
        self.last = max(self.last, entry.at)
        if entry.insert_id and len(self.insert_ids) < MAX_IDS:
            self.insert_ids[entry.insert_id] = None
        if entry.execution_id and len(self.executions) < MAX_IDS:
            self.executions[entry.execution_id] = None
        for name, value in found.groupdict().items():
            values = self.captured.setdefault(name, {})
            if value and len(values) < MAX_CAPTURED:
                values[value.strip()[:_MAX_VALUE]] = None
        self._minute(entry)

    def _minute(self, entry: Entry) -> None:
        minute, at = entry.nanos // _MINUTE, entry.at
        old = self.minutes.get(minute)
        own = not mapping(entry.raw.get("httpRequest"))
        firsts = [when for when in (old.own_first if old else None, at if own else None) if when]
        lasts = [when for when in (old.own_last if old else None, at if own else None) if when]
        self.minutes[minute] = Minute(
            count=old.count + 1 if old else 1,
            last=max(old.last, at) if old else at,
            own_first=min(firsts) if firsts else None,
            own_last=max(lasts) if lasts else None,
        )
        if len(self.minutes) > MAX_MINUTES:
            del self.minutes[min(self.minutes)]

    def signal(self, signature: str, service: str, revision: str | None) -> Signal:
        return Signal(
            signature=signature,
            service=service,
            revision=revision,
            count=self.count,
            first_seen=self.first.at if self.first else EPOCH,
            last_seen=self.last,
            insert_ids=tuple(sorted(self.insert_ids)),
            execution_ids=tuple(sorted(self.executions)),
            captured={name: tuple(values) for name, values in self.captured.items() if values},
            minutes=dict(sorted(self.minutes.items())),
            sample=self.sample,
        )
