"""Which entries are read together with the lines around them, and where those lines are.

The service matches single entries. A traceback may be spread over twenty of them, and even where it is one, the line
before it tells who logged it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from checks.logging_filter import Place
from checks.logs.entry import EPOCH, mapping
from checks.logs.payload import payload_text
from checks.logs.tracebacks import HEADER

# The engine gives up frames whose exception line does not follow within five seconds (checks.logs.tracebacks).
AROUND = timedelta(seconds=5)
_APART = 2 * int(AROUND.total_seconds())
# Places that overlap are made one up to this length: else a storm would be one place, asked for as long as it lasts.
LONGEST = timedelta(seconds=60)
_LONGEST = int(LONGEST.total_seconds())
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
    text, alone = payload_text(raw)
    if alone:
        return False
    before, header, _ = text.partition(HEADER)
    return not (header and before.strip())


def writer_of(raw: Mapping[str, Any]) -> Writer | None:
    """What the lines around an entry have in common with it: a path of the query language and its value, as near to the
    one execution as the entry tells; None if nothing says who wrote it.
    """
    labels = raw.get("labels") or {}
    for name, path in _INSTANCES:
        value = labels.get(name)
        if value and isinstance(value, str):
            return path, value
    labels = mapping(raw.get("resource")).get("labels") or {}
    for name, path in _SERVICES:
        value = labels.get(name)
        if value and isinstance(value, str):
            return path, value
    return None


def places_of(noted: Mapping[tuple[Writer, int], int]) -> list[tuple[Place, datetime]]:
    """Around what somebody wrote in some second, until when it is asked for (Unix seconds); what overlaps made one."""
    spans: list[tuple[Writer, int, int, int]] = []
    for (writer, second), until in sorted(noted.items()):
        span = spans[-1] if spans else None
        if span and span[0] == writer and second <= span[2] + _APART and second < span[1] + _LONGEST:
            spans[-1] = (writer, span[1], second, max(span[3], until))
        else:
            spans.append((writer, second, second, until))
    answer = []
    for (path, value), first, last, until in spans:
        with suppress(OverflowError):  # a time that does not exist
            start, end = (EPOCH + timedelta(seconds=second) for second in (first, last + 1))
            place = Place(field=path, value=value, start=start - AROUND, end=end + AROUND)
            answer.append((place, EPOCH + timedelta(seconds=until)))
    return answer


def merged(places: Iterable[tuple[Place, datetime]]) -> list[tuple[Place, datetime]]:
    """The same places with overlapping ones made one, each with the latest of the times that stand beside them; none
    becomes longer than ``LONGEST`` and what lies around it.
    """
    answer: list[tuple[Place, datetime]] = []
    for place, until in sorted(places, key=lambda one: (one[0].field, one[0].value, one[0].start)):
        last, last_until = answer[-1] if answer else (None, until)
        near = last and (last.field, last.value) == (place.field, place.value) and place.start <= last.end
        if last and near and place.end - last.start <= LONGEST + 2 * AROUND:
            both = Place(field=last.field, value=last.value, start=last.start, end=max(last.end, place.end))
            answer[-1] = (both, max(last_until, until))
        else:
            answer.append((place, until))
    return answer


def newest(places: Sequence[tuple[Place, datetime]]) -> list[tuple[Place, datetime]]:
    """As many as are remembered."""
    return sorted(places, key=lambda one: one[1])[-MAX_PLACES:]
