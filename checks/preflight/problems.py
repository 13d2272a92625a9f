"""What an import would fail on, and who catches it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checks.preflight.model import Kind

_LIKE = 0.8  # of difflib: most slips and many new names are
_SHORT = 3  # letters of a name that many modules have
_FEW = 3  # names, enough to recognise them


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
    place, ``noted`` that it sets anything, if only a flag; ``whole`` that the try is about more than imports, so that
    its work is lost with them; ``broad`` that it catches any error.
    """

    line: int
    fallback: bool
    whole: bool
    broad: bool
    noted: bool


def meant(name: str, names: Iterable[str]) -> str:
    """What may have been meant by a name that is not there; empty if nothing is like it."""
    import difflib

    found = difflib.get_close_matches(name, [one for one in names if one != name], 1, cutoff=_LIKE)
    return f"; is {found[0]!r} meant?" if found else ""


def few(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    shown = ", ".join(names[:_FEW])
    return shown if len(names) <= _FEW else f"{shown} and {len(names) - _FEW} more"


class Moved:
    """Where modules that are not there may have gone, of those that are."""

    def __init__(self, modules: Iterable[str]) -> None:
        self._of_name: dict[str, list[str]] = {}
        self._below: dict[str, list[str]] = {}
        for module in set(modules):
            parent, _, own = module.rpartition(".")
            self._of_name.setdefault(own, []).append(module)
            self._below.setdefault(parent, []).append(module)

    def meant(self, module: str) -> str:
        """The only one of its last name, or one beside it that is like it; empty if there is none."""
        parent, _, own = module.rpartition(".")
        same = [one for one in self._of_name.get(own, ()) if one != module]
        if len(same) == 1 and len(own) > _SHORT:
            return f"; is {same[0]!r} meant?"
        return meant(module, self._below.get(parent, ())) if parent else ""
