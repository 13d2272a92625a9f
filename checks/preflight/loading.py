"""Circular imports that break: loading is played through, statement by statement, without running anything.

Python binds a module's names in the order of its text; who asks a module that is still being loaded for a name further
down gets an ImportError. Both branches of a condition are taken, so that only what certainly comes too late is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from checks.preflight.model import Facts, Import
from checks.preflight.statements import Asked


class Late(NamedTuple):
    """A name that is asked for before it is there: by ``file`` at ``item``, of ``asked``; or at a later ``line`` as an
    attribute of what ``item`` imports.
    """

    file: str
    item: Import
    name: str
    asked: str
    line: int | None = None


class _Bound:
    """The names that a file has bound when loading it has come to an event. Few are asked for their names."""

    def __init__(self, facts: Facts, runs: Callable[[Import], bool]) -> None:
        self.reached = 0
        self._facts = facts
        self._runs = runs
        self._names: set[str] = set()
        self._seen = 0

    def __contains__(self, name: str) -> bool:
        for event in self._facts.events[self._seen : self.reached]:
            if isinstance(event, int):
                item = self._facts.imports[event]
                self._names.update(item.bindings if self._runs(item) else ())
            elif event.startswith("-"):
                self._names.discard(event[1:])
            else:
                self._names.add(event)
        self._seen = self.reached
        return name in self._names


def play(
    entries: Iterable[str],
    facts: Mapping[str, Facts],
    asked_by: Callable[[str], Sequence[Asked | None]],
    runs: Callable[[str, Import], bool],
    guarded: Callable[[str, Import], bool],
    *,
    uses: Callable[[str, str], int | None],
) -> list[Late]:
    """Load the entries one after the other, as one process would. A failure that nobody catches ends what it belongs
    to: of a circle one place is told, the one that Python would name.

    ``asked_by``: what each import of a file asks for. ``runs``: it is executed when the file is loaded, and binds its
    names. ``guarded``: loading goes on after it failed. ``uses``: the line where loading a file surely takes an
    attribute, as it is written there.
    """
    bound: dict[str, _Bound] = {}
    loading: set[str] = set()
    found: list[Late] = []

    def load(file: str) -> Iterator[str | None]:
        """Yields the files to be loaded first, one by one; None once it has failed."""
        loading.add(file)
        here, asks = facts[file], asked_by(file)
        names = bound[file] = _Bound(here, lambda item: runs(file, item))
        partly: list[tuple[str, str, Import]] = []
        for at, event in enumerate(here.events):
            if isinstance(event, str):
                continue
            item, asked = here.imports[event], asks[event]
            if asked is None or not asked.own or not runs(file, item):
                continue
            names.reached = at
            for other in asked.files:
                if other in facts and other not in bound:
                    yield other
            for name, _ in item.names or ():
                own = asked.submodules.get(name)
                module = asked.module
                if own is not None and own not in bound and own in facts and name not in bound.get(module or "", ()):
                    yield own
                elif own is None and module in loading and _comes_later(facts[module], name, bound[module], item):
                    found.append(Late(file, item, name, module))
                    if not guarded(file, item):
                        yield None
            partly += [(path, module, item) for path, module in _modules(item, asked) if module in loading]
        for path, module, item in partly:
            for name in _attributes(here, path):
                later = _comes_later(facts[module], name, bound[module], item) and not _is_below(facts, module, name)
                line = uses(file, f"{path}.{name}") if later else None
                if line is not None:
                    found.append(Late(file, item, name, module, line))
                    yield None
        names.reached = len(here.events)
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


def _modules(item: Import, asked: Asked) -> Iterator[tuple[str, str]]:
    """The modules that an import gives a file: by the path that they have there, and their files."""
    if item.names is None and asked.home is not None:
        yield (asked.target if item.bound == asked.target.partition(".")[0] else item.bound), asked.home
    for name, new in item.names or ():
        yield new or name, asked.submodules.get(name, "")


def _attributes(facts: Facts, path: str) -> list[str]:
    """The names that a file takes of what has such a path in it."""
    base, _, below = path.partition(".")
    before = below + "." if below else ""
    chains = [chain.removeprefix(before) for chain in facts.touched.get(base, ()) if chain.startswith(before)]
    return [chain.partition(".")[0] for chain in chains]


def _is_below(facts: Mapping[str, Facts], module: str, name: str) -> bool:
    """Whether a name may be that of a module below a package, which has it as soon as that is loaded."""
    base = module.removesuffix("__init__.py")
    return base != module and (f"{base}{name}.py" in facts or f"{base}{name}/__init__.py" in facts)


def _comes_later(facts: Facts, name: str, bound: _Bound, asking: Import) -> bool:
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
