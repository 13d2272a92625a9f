"""Modules that a file imports when they are asked for: those that it lists by name (a registry), and what a module's
own ``__getattr__`` imports for one of its names. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from checks.preflight.bindings import absolute
from checks.preflight.model import Facts, Import, Listed
from checks.preflight.resolve import Found, Module, Resolver

GETATTR = "__getattr__"
_ABSENT = (Found.MISSING, Found.UNKNOWN)


def with_listed(facts: Mapping[str, Facts], resolver: Resolver) -> dict[str, Facts]:
    """The facts, with an import in the function that looks them up for each module that a file lists.

    A text is a module's name only if it leads into the package, and taken for the name of one that is not there only
    in a list of which most are.
    """
    answer = dict(facts)
    for file, item in facts.items():
        if item.listed:
            more = _Listing(file, facts, resolver).imports()
            answer[file] = msgspec.structs.replace(item, imports=(*item.imports, *more)) if more else item
    return answer


class _Listing:
    """The texts of one file."""

    def __init__(self, file: str, facts: Mapping[str, Facts], resolver: Resolver) -> None:
        self._rows = facts[file].listed
        self._facts = facts
        self._resolver = resolver
        name = resolver.name_of(file) or ""
        self._package = name if file.endswith("/__init__.py") else name.rpartition(".")[0]
        self._lazy = facts[file].answering

    def imports(self) -> list[Import]:
        """The imports that the texts stand for."""
        places = [(self._place(row), row.within) for row in self._rows]
        there = Counter(within for place, within in places if place is not None and place[1])
        absent = Counter(within for place, within in places if place is not None and not place[1])
        return [
            place[0]
            for place, within in places
            if place is not None and (place[1] or (within and there[within] > absent[within]))
        ]

    def _place(self, row: Listed) -> tuple[Import, bool] | None:
        """The import that a text stands for, and whether its module is there; None if it does not lead into the
        package.
        """
        level = len(row.text) - len(row.text.lstrip("."))
        plain = row.text.lstrip(".")
        item = Import(row.line, row.scope, level, plain, None, "", row.tries, row.when, binds=False)
        target = absolute(self._package, item)
        if target is None or not self._owns(target.partition(".")[0]):
            return None
        there = self._resolver.module(target)
        if there.found in _ABSENT and not level:
            above, _, last = target.rpartition(".")
            module = self._resolver.module(above)
            if module.file is not None and last[:1].isupper():
                there = module  # ``package.module.Class``
                item = msgspec.structs.replace(item, module=above, names=((last, None),))
            elif module.found is Found.FILE or self._may_bind(module.file, last):
                return None  # a name of the module
        elif self._is_asked(row.name, plain, there):
            item = msgspec.structs.replace(item, names=((row.name, None),))
        return item, there.found not in _ABSENT

    def _is_asked(self, name: str, text: str, module: Module) -> bool:
        """Whether a name is asked of the module that it is listed with, and is not that module's own."""
        asked = self._lazy or (name[:1].isupper() and module.file is not None)
        return asked and name not in ("", text.rpartition(".")[2])

    def _may_bind(self, file: str | None, name: str) -> bool:
        facts = self._facts.get(file or "")
        return facts is not None and (name in facts.bound or facts.dynamic)

    def _owns(self, top: str) -> bool:
        module = self._resolver.module(top)
        return module.file is not None or bool(module.folders)


class Lazy:
    """What modules of the package import in their own ``__getattr__``, by the name that is asked for: nothing of it is
    loaded before that.
    """

    def __init__(self, facts: Mapping[str, Facts]) -> None:
        self._facts = facts
        self._of_file = {
            file: found
            for file, item in facts.items()
            if item.answering and (found := [one for one in item.imports if one.scope == GETATTR])
        }

    def __bool__(self) -> bool:
        return bool(self._of_file)

    def __contains__(self, file: str | None) -> bool:
        return file in self._of_file

    def imports(self, file: str | None, name: str) -> Sequence[Import]:
        """What asking the module of that file for a name makes it import."""
        found = self._of_file.get(file or "")
        if file is None or not found or name in self._facts[file].loaded or self._is_below(file, name):
            return ()
        return [item for item in found if name in item.bindings]

    def _is_below(self, file: str, name: str) -> bool:
        """Whether it is a module of the package that the file is: that is found without asking."""
        folder = file.removesuffix("__init__.py")
        return folder != file and (f"{folder}{name}.py" in self._facts or f"{folder}{name}/__init__.py" in self._facts)
