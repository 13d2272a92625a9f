"""What an import would fail on, and who catches it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checks.preflight.model import Kind

_LIKE = 0.8  # of difflib: most slips and many new names are
_SHORT = 3  # letters of a name that many modules have


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An import that would fail: what it asks for that is not there. ``own``: it is code of the package's owner, not a
    distribution's. ``unknown``: it cannot be told, and is no finding. ``dated``: another version's standard library may
    have it.
    """

    kind: Kind
    symbol: str
    message: str
    own: bool = True
    unknown: bool = False
    dated: bool = False


@dataclass(frozen=True, slots=True)
class Guard:
    """Who catches an import error: the line of the try statement; ``fallback`` says that a handler puts something in
    place; ``whole`` that the try is about more than imports, so that its work is lost with them; ``broad`` that it
    catches any error.
    """

    line: int
    fallback: bool
    whole: bool
    broad: bool


def meant(name: str, names: Iterable[str]) -> str:
    """What may have been meant by a name that is not there; empty if nothing is like it."""
    import difflib

    found = difflib.get_close_matches(name, [one for one in names if one != name], 1, cutoff=_LIKE)
    return f"; is {found[0]!r} meant?" if found else ""


def moved(module: str, modules: Iterable[str]) -> str:
    """Where a module that is not there may have gone: the only one of its last name, or one that is like it."""
    parent, _, own = module.rpartition(".")
    modules = set(modules) - {module}
    same = [one for one in modules if one.rpartition(".")[2] == own]
    beside = [one for one in modules if parent and one.rpartition(".")[0] == parent]
    if len(same) == 1 and len(own) > _SHORT:
        return f"; is {same[0]!r} meant?"
    return meant(module, beside)
