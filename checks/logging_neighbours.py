"""Which entries are read together with the lines around them, and where those lines are.

The service matches single entries. A traceback may be spread over twenty of them, and even where it is one, the line
before it tells who logged it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from checks.logging_filter import Place
from checks.logs.entry import mapping, moment, text_of, written
from checks.logs.payload import payload_text
from checks.logs.tracebacks import HEADER

# The engine gives up frames whose exception line does not follow within five seconds (checks.logs.tracebacks).
AROUND = timedelta(seconds=5)
MAX_PLACES = 1_000
_INSTANCES = ("instanceId", "instance_id", "execution_id", "run.googleapis.com/execution_name")
_SERVICES = ("service_name", "function_name", "job_name")


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


def place_of(raw: Mapping[str, Any]) -> Place | None:
    """Where the lines around an entry are; None if nothing says who wrote it or when."""
    nanos = written(raw)
    if nanos is None:
        return None
    labels, resource = mapping(raw.get("labels")), mapping(mapping(raw.get("resource")).get("labels"))
    named = [(f'labels."{name}"', text_of(labels.get(name))) for name in _INSTANCES]
    named += [(f"resource.labels.{name}", text_of(resource.get(name))) for name in _SERVICES]
    for field, value in named:
        if value:
            try:
                return Place(field=field, value=value, start=moment(nanos) - AROUND, end=moment(nanos) + AROUND)
            except OverflowError:
                return None
    return None


def merged(places: Iterable[tuple[Place, datetime]]) -> list[tuple[Place, datetime]]:
    """The same places with overlapping ones made one, each with the latest of the times that stand beside them."""
    answer: list[tuple[Place, datetime]] = []
    for place, until in sorted(places, key=lambda one: (one[0].field, one[0].value, one[0].start)):
        last, last_until = answer[-1] if answer else (None, until)
        if last and (last.field, last.value) == (place.field, place.value) and place.start <= last.end:
            both = Place(field=last.field, value=last.value, start=last.start, end=max(last.end, place.end))
            answer[-1] = (both, max(last_until, until))
        else:
            answer.append((place, until))
    return answer


def newest(places: Sequence[tuple[Place, datetime]]) -> list[tuple[Place, datetime]]:
    """As many as are remembered."""
    return sorted(places, key=lambda one: one[1])[-MAX_PLACES:]
