"""Which entries are read together with the lines around them, and where those lines are.

The service matches single entries. A traceback may be spread over twenty of them, and even where it is one, the line
before it tells who logged it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from checks.cloud_logging.filters import Place
from checks.logs.entry import mapping
from checks.logs.payload import payload_text
from checks.logs.tracebacks import HEADER

# The engine gives up frames whose exception line does not follow within five seconds (checks.logs.tracebacks).
AROUND = timedelta(seconds=5)
_NEAR = int(AROUND.total_seconds())
_APART = 2 * _NEAR
# Places that overlap are made one up to this length: else a storm would be one place, asked for as long as it lasts.
LONGEST = timedelta(seconds=60)
_LONGEST = int(LONGEST.total_seconds())
_MERGED = LONGEST + 2 * AROUND
MAX_PLACES = 1_000
_INSTANCES = tuple(
    (name, f'labels."{name}"')
    for name in ("instanceId", "instance_id", "execution_id", "run.googleapis.com/execution_name")
)
_SERVICES = tuple((name, f"resource.labels.{name}") for name in ("service_name", "function_name", "job_name"))


# A path of the query language, and its value.
Writer = tuple[str, str]


def needs_neighbours(raw: Mapping[str, Any]) -> bool:
    """Whether the lines around a matching entry may change what it says.

    Not those of a structured record, nor of a message written together with its whole traceback.
    """
    if "split" in raw:
        return True
    text = raw.get("textPayload")
    if not isinstance(text, str) or text.startswith("{"):  # seldom
        text, alone = payload_text(raw)
        if alone:
            return False
    at = text.find(HEADER)
    return at <= 0 or not text[:at].strip()


def writer_of(raw: Mapping[str, Any]) -> Writer | None:
    """What the lines around an entry have in common with it: a path of the query language and its value, as near to the
    one execution as the entry tells; None if nothing says who wrote it.
    """
    labels = raw.get("labels") or {}
    value = labels.get("instanceId")  # nearly always
    if value and isinstance(value, str):
        return _INSTANCES[0][1], value
    for name, path in _INSTANCES[1:]:
        value = labels.get(name)
        if value and isinstance(value, str):
            return path, value
    labels = mapping(raw.get("resource")).get("labels") or {}
    for name, path in _SERVICES:
        value = labels.get(name)
        if value and isinstance(value, str):
            return path, value
    return None


# The seconds of the first and the last entry, and until when it is asked for.
_Span = list[int]


class Noted:
    """Where the neighbours of matching entries are: who wrote in which spans of time, and until when these are asked
    for. Whole Unix seconds. What overlaps is made one, as far as it comes in order of time.
    """

    def __init__(self) -> None:
        self._spans: dict[Writer, list[_Span]] = {}

    def add(self, writer: Writer, second: int, until: int) -> None:
        """Somebody wrote an entry with neighbours."""
        spans = self._spans.get(writer)
        if spans is None:
            self._spans[writer] = [[second, second, until]]
            return
        span = spans[-1]
        first, last, longest = span
        if first <= second <= last + _APART and second < first + _LONGEST:
            if second > last:
                span[1] = second
            if until > longest:
                span[2] = until
        else:
            spans.append([second, second, until])

    def places(self) -> list[tuple[Place, datetime]]:
        """The places around them, until when each is asked for; in the order in which ``merged`` has them."""
        answer: list[tuple[Place, datetime]] = []
        for writer in sorted(self._spans):
            path, value = writer
            for first, last, until in sorted(self._spans[writer]):
                try:
                    start, end, again = _moment(first - _NEAR), _moment(last + 1 + _NEAR), _moment(until)
                except (OverflowError, ValueError):  # a time that does not exist
                    continue
                answer.append((Place(path, value, start, end), again))
        return answer


@lru_cache(maxsize=4096)
def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def merged(places: Iterable[tuple[Place, datetime]]) -> list[tuple[Place, datetime]]:
    """The same places with overlapping ones made one, each with the latest of the times that stand beside them; none
    becomes longer than ``LONGEST`` and what lies around it.
    """
    answer: list[tuple[Place, datetime]] = []
    for one in sorted(places):
        if answer:
            (field, value, start, end), until = answer[-1]
            (other, of, begin, close), again = one
            if begin <= end and of == value and other == field and close - start <= _MERGED:
                answer[-1] = (Place(field, value, start, max(end, close)), max(until, again))
                continue
        answer.append(one)
    return answer


def newest(places: Sequence[tuple[Place, datetime]]) -> list[tuple[Place, datetime]]:
    """As many as are remembered."""
    return sorted(places, key=lambda one: one[1])[-MAX_PLACES:]
