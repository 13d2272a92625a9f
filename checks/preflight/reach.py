"""From the entry point to every file: by which way, and what a failure there would do.

A file reached by plain imports at load fails with the entry point; one reached only by an import inside a function
fails when that function runs; one behind a guard (an import whose failure is caught and passed over) takes a feature
with it, silently.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from checks.preflight.model import Effect, Way

_TOOLS = frozenset({"conftest.py", "setup.py", "noxfile.py", "fabfile.py"})


class Edge(NamedTuple):
    """One import: ``target`` is the imported file. ``lazy``: inside a function. ``guarded``: an ImportError is caught,
    ``broadly`` any error. ``maybe``: below a condition that cannot be read.
    """

    target: str
    line: int
    lazy: bool
    guarded: bool
    scope: str = ""
    maybe: bool = False
    broadly: bool = False


@dataclass(frozen=True, slots=True)
class Reached:
    """The worst that a failure at load of this file does, and the way. ``sure``: no condition on the way."""

    effect: Effect
    way: Way
    sure: bool = True


def unguarded(edges: Mapping[str, Sequence[Edge]]) -> dict[str, list[Edge]]:
    """The edges as errors other than ImportError see them."""
    return {
        file: [edge if edge.guarded == edge.broadly else edge._replace(guarded=edge.broadly) for edge in some]
        for file, some in edges.items()
    }


def reach(entries: Iterable[str], edges: Mapping[str, Sequence[Edge]]) -> dict[str, Reached]:
    """Every file that can be reached."""
    found = {entry: Reached(Effect.LOAD, Way(entry)) for entry in entries}
    _spread(found, deque(found), edges)
    return found


def reach_rest(found: dict[str, Reached], files: Iterable[str], edges: Mapping[str, Sequence[Edge]]) -> None:
    """Without a known entry point: a file that nothing leads to fails when somebody outside imports it.

    Files that another one imports come last: the way to them may say that they may fail.
    """
    imported = {edge.target for some in edges.values() for edge in some}
    for file in sorted(files, key=lambda file: file in imported):
        if file not in found:
            found[file] = Reached(Effect.RUN, Way(file))
            _spread(found, deque([file]), edges)


def _spread(found: dict[str, Reached], waiting: deque[str], edges: Mapping[str, Sequence[Edge]]) -> None:
    while waiting:
        file = waiting.popleft()
        here = found[file]
        for edge in edges.get(file, ()):
            effect = Effect.DISABLES if edge.guarded else Effect.RUN if edge.lazy else here.effect
            known = found.get(edge.target)
            sure = here.sure and not edge.maybe
            if known is None or (effect.rank, not sure) < (known.effect.rank, not known.sure):
                found[edge.target] = Reached(effect, Way(edge.target, here.way, edge.scope), sure)
                waiting.append(edge.target)


def is_aside(file: str) -> bool:
    """Whether a file is there for tests or for building: nothing that is deployed imports it."""
    *folders, name = file.split("/")
    named = name.startswith("test_") or name.endswith("_test.py") or name in _TOOLS
    return named or not {"test", "tests"}.isdisjoint(folders)
