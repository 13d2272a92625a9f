"""Circular imports that break: loading is played through, statement by statement, without running anything.

Python binds a module's names in the order of its text; who asks a module that is still being loaded for a name further
down gets an ImportError. Both branches of a condition are taken, so that only what certainly comes too late is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from checks.preflight.model import Facts, Import

# What an import statement of a file loads.
Loads = Callable[[str, Import], "Loaded"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one import statement loads: ``files`` in order; ``asked`` is the file that a ``from`` takes names of, and
    ``submodules`` the files of those names that are modules (empty for one without Python text). ``skipped``: it does
    not run. ``guarded``: loading goes on after it failed.
    """

    files: tuple[str, ...] = ()
    asked: str | None = None
    submodules: Mapping[str, str] = field(default_factory=dict)
    skipped: bool = False
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Late:
    """A name that is asked for before it is there: by ``file`` at ``item``, of ``asked``."""

    file: str
    item: Import
    name: str
    asked: str


def play(entries: Iterable[str], facts: Mapping[str, Facts], loads: Loads) -> list[Late]:
    """Load the entries one after the other, as one process would. A failure that nobody catches ends what it belongs
    to: of a circle one place is told, the one that Python would name.
    """
    bound: dict[str, set[str]] = {}
    loading: set[str] = set()
    found: list[Late] = []

    def load(file: str) -> Iterator[str | None]:
        """Yields the files to be loaded first, one by one; None once it has failed."""
        loading.add(file)
        names = bound[file] = set()
        here = facts[file]
        for event in here.events:
            if isinstance(event, str):
                names.discard(event[1:]) if event.startswith("-") else names.add(event)
                continue
            item = here.imports[event]
            loaded = loads(file, item)
            if loaded.skipped:
                continue
            for other in loaded.files:
                if other in facts and other not in bound:
                    yield other
            for name, _ in item.names or ():
                own = loaded.submodules.get(name)
                asked = loaded.asked
                if own is not None and own not in bound and own in facts and name not in bound.get(asked or "", ()):
                    yield own
                elif own is None and asked in loading and _comes_later(facts[asked], name, bound[asked], item):
                    found.append(Late(file, item, name, asked))
                    if not loaded.guarded:
                        yield None
            names.update(item.bindings)
        loading.discard(file)

    for entry in entries:
        if entry in bound or entry not in facts:
            continue
        stack = [load(entry)]
        while stack:
            other = next(stack[-1], "")
            if other is None:
                loading.clear()
                break
            if not other:
                stack.pop()
            elif other not in bound:
                stack.append(load(other))
    return found


def _comes_later(facts: Facts, name: str, bound: set[str], asking: Import) -> bool:
    """Whether loading binds the name (and no function, nor the import that asks), or ``__getattr__`` that gives it, and
    has not done so yet.
    """
    if name in bound or facts.dynamic:
        return False
    if name in facts.answers:
        return "__getattr__" not in bound
    for event in facts.events:
        if event == name:
            return True
        item = facts.imports[event] if isinstance(event, int) else asking
        if item is not asking and item.binds and name in item.bindings:
            return True
    return False
