"""What an import would fail on, and who catches it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from checks.preflight.model import Kind

_LIKE = 0.8  # of difflib: most slips and many new names are
_SHORT = 3  # letters of a name that many modules have
_FEW = 3  # names, enough to recognise them


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An import that would fail: what it asks for that is not there. ``own``: it is code of the package's owner, not a
    distribution's. ``unknown``: it cannot be told, and is no finding. ``dated``: another version's standard library may
    have it. ``told``: it comes of what is told elsewhere, and is none where somebody is prepared for it.
    """

    kind: Kind
    symbol: str
    message: str
    own: bool = True
    unknown: bool = False
    dated: bool = False
    told: bool = False


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
        """One beside it of which only the case differs, the only one of its last name, or one beside it that is like
        it; empty if there is none.
        """
        parent, _, own = module.rpartition(".")
        beside = self._below.get(parent, ())
        cased = [one for one in beside if one != module and one.casefold() == module.casefold()]
        if cased:
            return f"; {cased[0]!r} is there: names of files are told apart by case"
        same = [one for one in self._of_name.get(own, ()) if one != module]
        if len(same) == 1 and len(own) > _SHORT:
            return f"; is {same[0]!r} meant?"
        return meant(module, beside)


class OffPath:
    """Modules among the files of a package to which none of the folders that are searched leads."""

    def __init__(self, files: Collection[str], search: Sequence[str]) -> None:
        self._files = files
        self._searched = ", ".join(folder or "." for folder in search)

    @cached_property
    def _of_name(self) -> dict[str, list[str]]:
        """The files by the names of the module that each may be, and of the folders that it lies in."""
        found: dict[str, list[str]] = {}
        for file in sorted(self._files):
            for part in {*file.removesuffix(".py").split("/")}:
                found.setdefault(part, []).append(file)
        return found

    def told(self, module: str, home: str | None = None) -> str:
        """Where a module is instead, for a message; empty if nowhere. ``home``: the file of the package at its top,
        which was found.
        """
        base = module.replace(".", "/")
        for file in self._of_name.get(base.rpartition("/")[2], ()):
            found = re.search(rf"/{re.escape(base)}(?:/|\.py$)", f"/{file}")
            if found:
                above = file[: max(found.start() - 1, 0)] or "."
                if home is not None:
                    bare = f"{posixpath.dirname(file)}/__init__.py" not in self._files
                    why = "; its folder has no __init__.py" if bare else ""
                    return f": {file} is shipped, and the package that is found, {home}, does not hold it{why}"
                return f": {file} is shipped, and {above} is not on the search path ({self._searched}): set PYTHONPATH"
        return ""
