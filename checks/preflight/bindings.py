"""Which names a module has, followed through star imports and submodules."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

from checks.preflight.library import Library
from checks.preflight.model import Facts, Import
from checks.preflight.resolve import Found, Module, Resolver, finds_names

# What every module has without binding it.
GIVEN = frozenset(
    f"__{name}__"
    for name in (
        *("name", "file", "doc", "package", "spec", "loader", "builtins"),
        *("dict", "cached", "annotations", "path", "class"),
    )
)
# What begins with a fixed byte is found three times as fast as what begins with `^`.
_PLAIN = re.compile(rb"\n(?:(?:(?:async )?def|class)\s+(\w+)|(\w+)\s*=)")


# A name where a module may bind it, be it in a list of names.
_BOUND = rb"(?:\b(?:def|class|as|import)[ \t]+|[(,\n][ \t]*|[\"'])%s(?:[\"']|[ \t]*[,)=:(\n])"
_OTHER_PLATFORM = re.compile(rb"win32|_winapi|msvcrt|darwin|cygwin|[\"']nt[\"']")


class Outside(Protocol):
    """Reads files of the standard library and of installed distributions."""

    def text(self, file: Path) -> bytes:
        """The text; empty if it cannot be read."""
        ...

    def outside(self, file: Path) -> Facts | None:
        """The facts; None if it cannot be parsed."""
        ...


class Bindings:
    """Answers for the modules of one package, and for those outside whose text is at hand."""

    def __init__(self, facts: Mapping[str, Facts], resolver: Resolver, outside: Outside, library: Library) -> None:
        """``outside`` reads files that are not in the package."""
        self._library = library
        self._facts = facts
        self._resolver = resolver
        self._outside = outside
        self._plain: dict[Path, frozenset[str]] = {}
        # `module.name = ...` in another file binds a name that the module's own text does not have.
        self._set_from_outside = {(base, name) for item in facts.values() for base, name in item.sets}

    def set_from_outside(self, module: str, name: str) -> bool:
        """Whether another file of the package assigns to the module's attribute of that name."""
        return (module.rpartition(".")[2], name) in self._set_from_outside

    def has(self, module: Module, name: str) -> bool | None:
        """Whether ``from module import name`` finds the name once the module is loaded; None if nobody can tell."""
        lacks = self.lacks(module, name) if module.found is Found.STDLIB else None
        if name in GIVEN or lacks is False or self.plainly(module, name):
            return True
        if module.found is Found.STDLIB and name.startswith("__"):
            return None  # ``typing.__getattr__``: it is the library's own business which of these it has
        facts = None if lacks and not self.mentions(module, name) else self.facts_of(module)
        if facts is not None and name in facts.bound:
            return True
        below = self._resolver.module(f"{module.name}.{name}")
        there = below.found not in (Found.MISSING, Found.UNKNOWN)
        if lacks and (not there or below.real is None):
            return None if self._is_for_other_platforms(module, name) else False
        if module.found in (Found.STDLIB, Found.OTHER) and facts is None:
            # What a distribution's module holds is known only where its text is.
            return True if there and below.real is not None else None
        if there:
            return True
        if module.found is Found.NAMESPACE:
            return None if below.found is Found.UNKNOWN else False
        if facts is None or (module.found is Found.OTHER and module.real is not None and finds_names(module.real)):
            return None
        return self._bound(module, facts, name, set())

    def lacks(self, module: Module, name: str) -> bool | None:
        """Whether a module of the standard library has no such name on any platform; None if that cannot be told."""
        if not self._library.knows(module.name) and self.plainly(module, name):
            return False
        return self._library.lacks(module.name, name)

    def foresee(self, taken: Mapping[str, Collection[str]]) -> None:
        """Have the standard library asked for what will be looked up in its modules, beside what else is done."""
        modules = {name: self._resolver.module(name) for name in taken}
        asked = (name for name, module in modules.items() if module.found is Found.STDLIB)
        self._library.ahead(name for name in asked if not all(self.plainly(modules[name], one) for one in taken[name]))

    def surely(self, module: Module) -> frozenset[str]:
        """Names of a module of the package that need no further look."""
        facts = self._facts.get(module.file) if module.file is not None else None
        return facts.bound if facts is not None else frozenset()

    def plainly(self, module: Module, name: str) -> bool:
        """Whether the text of a module outside the package binds the name where anybody sees it: nothing to parse."""
        if module.real is None or module.real.suffix != ".py":
            return False
        if module.real not in self._plain:
            found = _PLAIN.findall(b"\n" + self._outside.text(module.real))
            self._plain[module.real] = frozenset((one or other).decode() for one, other in found)
        return name in self._plain[module.real]

    def mentions(self, module: Module, name: str) -> bool:
        """Whether the text of a module outside the package has the name, as no attribute of another thing: one that
        does not need not be read.
        """
        text = self._outside.text(module.real) if module.real is not None and module.real.suffix == ".py" else b""
        word = name.encode()
        at = text.find(word)
        while at >= 0:
            before, after = text[at - 1 : at] if at else b"", text[at + len(word) : at + len(word) + 1]
            if not (before in (b".", b"_") or after == b"_" or before.isalnum() or after.isalnum()):
                return True
            at = text.find(word, at + 1)
        return False

    def _is_for_other_platforms(self, module: Module, name: str) -> bool:
        """Whether a module of the standard library may have a name on a platform that is not the target's."""
        text = self._outside.text(module.real) if module.real is not None else b""
        if not self.mentions(module, name) or not _OTHER_PLATFORM.search(text):
            return False
        from checks.preflight.sketch import Sketch  # rarely needed

        return re.search(_BOUND % re.escape(name.encode()), Sketch(text).text(())) is not None

    def typing_only(self, module: Module, name: str) -> bool:
        """Whether the module binds the name for type checkers only."""
        if module.file is None and not self.mentions(module, name):
            return False
        facts = self.facts_of(module)
        return facts is not None and name in facts.typing

    def from_stars(self, module_name: str, facts: Facts, name: str) -> bool | None:
        """Whether one of a file's star imports brings the name."""
        answer: bool | None = False
        for item in facts.stars:
            brought = self._star(module_name, item, name, set())
            if brought:
                return True
            answer = None if brought is None else answer
        return answer

    def facts_of(self, module: Module) -> Facts | None:
        """What the text of a module says; None where there is none to read."""
        if module.file is not None:
            return self._facts.get(module.file)
        python = module.real is not None and module.real.suffix == ".py"
        return self._outside.outside(module.real) if python and module.real is not None else None

    def _bound(self, module: Module, facts: Facts, name: str, seen: set[str]) -> bool | None:
        if name in facts.bound:
            return True
        if self.set_from_outside(module.name, name):
            return None
        if facts.dynamic or facts.error is not None:
            return None
        seen.add(module.name)
        answer: bool | None = False
        package = package_of(module)
        for item in facts.stars:
            brought = self._star(package, item, name, seen)
            if brought:
                return True
            answer = None if brought is None else answer
        return answer

    def _star(self, package: str, item: Import, name: str, seen: set[str]) -> bool | None:
        target = absolute(package, item)
        if target is None:
            return None
        module = self._resolver.module(target)
        if module.name in seen:
            return False
        facts = self.facts_of(module)
        if facts is None or facts.error is not None:
            return None
        if facts.exported is not None and (name in facts.exported or not facts.all_open):
            return name in facts.exported
        if "__all__" in facts.bound:
            return None
        if name.startswith("_"):
            return False
        if self._resolver.module(f"{module.name}.{name}").found in (Found.FILE, Found.PACKAGE):
            return True
        return self._bound(module, facts, name, seen)


def package_of(module: Module) -> str:
    """The package that a module's relative imports start from: itself, if it is one."""
    own = module.found is Found.PACKAGE or (module.real is not None and module.real.name == "__init__.py")
    return module.name if own else module.name.rpartition(".")[0]


def absolute(package: str, item: Import) -> str | None:
    """The absolute name of what an import names, seen from a package; None beyond the top."""
    if item.level == 0:
        return item.module
    parts = package.split(".") if package else []
    if item.level - 1 >= len(parts):
        return None
    base = parts[: len(parts) - (item.level - 1)]
    return ".".join([*base, item.module] if item.module else base)
