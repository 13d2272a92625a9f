"""Names in a pipeline's settings that refer to one another: phases to phases, aliases to processors.

Works on what was written, of any type and before it is judged: what is no name is passed over here and reported where
it stands. So a wrong reference and a wrong time are found in the same round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pydantic import TypeAdapter, ValidationError

from checks.fields import Canonical
from checks.mistakes import Mistake, mistakes_of, quoted, unknown
from checks.phases.names import canonical_phase

_CANONICAL: TypeAdapter[str] = TypeAdapter(Canonical)


def texts(value: object) -> dict[int, str]:
    """The texts in what should be a list, by index."""
    return {index: item for index, item in enumerate(_items(value)) if isinstance(item, str)}


def mappings(value: object) -> dict[int, Mapping[str, Any]]:
    """The mappings in what should be a list, by index."""
    return {index: item for index, item in enumerate(_items(value)) if isinstance(item, Mapping)}


def as_mapping(processor: object) -> object:
    """A processor written as a bare name, as the mapping it stands for."""
    return {"name": processor} if isinstance(processor, str) else processor


def _items(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _names(phases: Mapping[int, Mapping[str, Any]]) -> dict[int, str]:
    return {index: phase["name"] for index, phase in phases.items() if isinstance(phase.get("name"), str)}


def repeated_phases(phases: Mapping[int, Mapping[str, Any]]) -> Iterator[Mistake]:
    """Phases whose names mean the same one: rows spell ``phase3`` also ``Phase_3`` and ``3``."""
    earlier: dict[str, int] = {}
    for index, name in _names(phases).items():
        same = canonical_phase(name, earlier)
        if same is None:
            earlier[name] = index
        else:
            message = f"{quoted(name)} is the same phase as phases[{earlier[same.name]}]"
            yield Mistake(message=message, at=("phases", index, "name"))


def upstreams(phases: Mapping[int, Mapping[str, Any]]) -> Iterator[Mistake]:
    """Phases that wait for one that is not there, or for each other."""
    names = _names(phases)
    after: dict[str, list[str]] = {name: [] for name in names.values()}
    for index, phase in phases.items():
        own = names.get(index)
        for item, upstream in texts(phase.get("after")).items():
            if upstream not in after:
                mistake = unknown("phase", upstream, [name for name in names.values() if name != own])
                yield replace(mistake, at=("phases", index, "after", item), unnamed=True)
            elif own is not None:
                after[own].append(upstream)
    for ring in _rings(after):
        index = next(index for index, name in names.items() if name == ring[0])
        path = " -> ".join(quoted(name) for name in ring)
        yield Mistake(message=f"phases wait for each other: {path}", at=("phases", index, "after"))


def _rings(after: Mapping[str, Iterable[str]]) -> Iterator[list[str]]:
    """Rings of names, each waiting for the next, from the first one written back to itself."""
    graph = {name: list(upstream) for name, upstream in after.items()}
    order = list(graph)
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            ring: list[str] = error.args[1][:0:-1]  # from waited for to waiting; turned round, without the repetition
            first = min(range(len(ring)), key=lambda place: order.index(ring[place]))
            ring = [*ring[first:], *ring[:first]]
            yield [*ring, ring[0]]
            graph[ring[-1]].remove(ring[0])
        else:
            return


def alias_targets(aliases: object, phases: Iterable[Mapping[str, Any]]) -> Iterator[Mistake]:
    """Aliases that lead nowhere, are never met, or lead away from a name that is owed itself."""
    processors = [as_mapping(item) for phase in phases for item in _items(phase.get("processors"))]
    expected = [item["name"] for item in processors if isinstance(item, Mapping) and isinstance(item.get("name"), str)]
    for recorded, target in aliases.items() if isinstance(aliases, Mapping) else ():
        if isinstance(target, str) and target not in expected:
            yield replace(unknown("processor", target, expected), at=("aliases", recorded))
        if recorded in expected:
            message = f"{quoted(recorded)} is a processor itself: its rows would count for another"
            yield Mistake(message=message, at=("aliases", recorded), at_key=True)
        try:
            _CANONICAL.validate_python(recorded)
        except ValidationError as error:
            yield from (replace(m, at=("aliases", recorded), at_key=True) for m in mistakes_of(error))
