"""What is wrong with each import of a package, and who would catch it. Pure: facts in, problems out."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from checks.preflight import stdlib
from checks.preflight.bindings import Bindings, absolute
from checks.preflight.loading import Loaded
from checks.preflight.model import Facts, Import, Kind, Try, Version
from checks.preflight.provided import Provided, provider_of
from checks.preflight.reach import Edge
from checks.preflight.resolve import Found, Module, Resolver


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An import that would fail: what it asks for that is not there. ``own``: it is code of the package's owner, not a
    distribution's. ``unknown``: it cannot be told, and is no finding.
    """

    kind: Kind
    symbol: str
    message: str
    own: bool = True
    unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Who catches an import error: the line of the try statement; ``fallback`` says that a handler puts something in
    place; ``whole`` that the try is about more than imports, so that its work is lost with them.
    """

    line: int
    fallback: bool
    whole: bool


_NOTHING = Loaded()


class Imports:
    """Judges the imports of one package. ``elsewhere`` says where in the repository a module lies that it lacks."""

    def __init__(
        self,
        facts: Mapping[str, Facts],
        resolver: Resolver,
        bindings: Bindings,
        *,
        provided: Provided | None,
        python: Version,
        elsewhere: Callable[[str], str | None],
    ) -> None:
        self._facts = facts
        self._resolver = resolver
        self._bindings = bindings
        self._provided = provided
        self._python = python
        self._elsewhere = elsewhere
        self._problems: dict[tuple[str, int], list[Problem]] = {}
        self._targets: dict[tuple[str, int, str], str | None] = {}
        self._packages: dict[str, str] = {}
        self._owned: dict[str, bool] = {}
        self._chains: dict[str, tuple[str, ...]] = {}

    # -- what an import means ------------------------------------------------------------------------------------------

    def module_of(self, file: str) -> str:
        """The dotted name of a file; empty if it has none."""
        return self._resolver.name_of(file) or ""

    def module(self, file: str) -> Module:
        """The module that a file of the package is."""
        return self._resolver.module(self.module_of(file))

    def package_of(self, file: str) -> str:
        """The package that relative imports of a file start from; empty at the top."""
        package = self._packages.get(file)
        if package is None:
            name = self.module_of(file)
            package = self._packages[file] = name if file.endswith("/__init__.py") else name.rpartition(".")[0]
        return package

    def target(self, file: str, item: Import) -> str | None:
        """The absolute name of the module that is asked for; None beyond the top."""
        key = (file, item.level, item.module)
        if key not in self._targets:
            name = absolute(self.package_of(file), item)
            self._targets[key] = name if name is None or item.level else self._beside(file, name)
        return self._targets[key]

    def _beside(self, file: str, name: str) -> str:
        """A module that lies beside a program is found there; any folder that is no package may hold programs."""
        folder = posixpath.dirname(file)
        if not folder or f"{folder}/__init__.py" in self._facts:
            return name
        top = name.partition(".")[0]
        if not (f"{folder}/{top}.py" in self._facts or f"{folder}/{top}/__init__.py" in self._facts):
            return name
        if self._resolver.module(top).found not in (Found.MISSING, Found.UNKNOWN):
            return name
        inside = self._resolver.name_of(f"{folder}/{top}.py")
        return name if inside is None else f"{inside}{name[len(top) :]}"

    def edges(self, file: str, *, script: bool) -> list[Edge]:
        """The files of the package that a file imports. ``script``: its ``__main__`` part runs."""
        found: dict[tuple[str, bool, bool, str], Edge] = {}
        for item in self._facts[file].imports:
            loaded = self._loaded(file, item)
            if not loaded or not self.runs(file, item, script=script):
                continue
            guard = self.guard(file, item)
            for target in loaded:
                if target != file:
                    edge = Edge(target, item.line, bool(item.scope), guard is not None and not guard.whole, item.scope)
                    found.setdefault((target, edge.lazy, edge.guarded, item.scope), edge)
        return list(found.values())

    def loads(self, file: str, item: Import, *, script: bool) -> Loaded:
        """What it loads, for playing through."""
        if not self.runs(file, item, script=script) or item.scope:
            return Loaded(skipped=True)
        target = self.target(file, item)
        if target is None:
            return Loaded(skipped=True)
        if not self._own(target):
            return _NOTHING
        asked = self._resolver.module(target).file if item.names is not None else None
        submodules = {}
        for name, _ in item.names or ():
            below = self._resolver.module(f"{target}.{name}")
            if below.found not in (Found.MISSING, Found.UNKNOWN):
                submodules[name] = below.file or ""
        return Loaded(files=self._chain(target), asked=asked, submodules=submodules)

    def runs(self, file: str, item: Import, *, script: bool) -> bool:
        """Whether it is ever executed: not under TYPE_CHECKING, in a branch for other versions, in ``__main__`` of a
        file that is imported, or in a handler for an import that works.
        """
        if item.when in ("typing", "never") or (item.when == "main" and not script):
            return False
        return not item.tries or not any(
            part == "old" or (part == "handler" and not self._body_fails(file, index)) for index, part in item.tries
        )

    def _own(self, target: str) -> bool:
        """Whether the top of a dotted name lies in the package."""
        owned = self._owned.get(target)
        if owned is None:
            top = self._resolver.module(target.partition(".")[0])
            owned = self._owned[target] = top.file is not None or bool(top.folders)
        return owned

    def _chain(self, target: str) -> tuple[str, ...]:
        """The files that are loaded on the way to a module, and its own."""
        chain = self._chains.get(target)
        if chain is None:
            above = self._chain(target.rpartition(".")[0]) if "." in target else ()
            file = self._resolver.module(target).file
            chain = self._chains[target] = above if file is None else (*above, file)
        return chain

    def _loaded(self, file: str, item: Import) -> list[str]:
        target = self.target(file, item)
        if target is None or not self._own(target):
            return []
        files = list(self._chain(target))
        if not item.names or self._resolver.module(target).found is Found.FILE:
            return files
        for name, _ in item.names or ():
            own = self._resolver.module(f"{target}.{name}").file
            if own is not None:
                files.append(own)
        return files

    # -- who catches it ------------------------------------------------------------------------------------------------

    def guard(self, file: str, item: Import) -> Guard | None:
        """The innermost try statement that would pass over its failure."""
        facts = self._facts[file]
        for index, part in item.tries:
            attempt = facts.tries[index]
            silent = attempt.outcome == "silent" and not self._handler_fails(file, index)
            if part == "body" and attempt.catches and silent:
                whole = attempt.catches == "broad" and not attempt.about_imports
                return Guard(line=attempt.line, fallback=self._replaced(file, index, attempt, item), whole=whole)
        return None

    def optional(self, file: str, symbol: str) -> bool:
        """Whether the file is prepared for a distribution not to be there: it guards another import of it."""
        top = symbol.partition(".")[0]
        return any(
            self.guard(file, other) is not None and (self.target(file, other) or "").partition(".")[0] == top
            for other in self._facts[file].imports
            if other.tries
        )

    def _handler_fails(self, file: str, index: int) -> bool:
        """Whether the handler of a try statement fails itself, by an import of its own that nobody catches."""
        return any(
            list(other.tries[0]) == [index, "handler"] and self.problems(file, other)
            for other in self._facts[file].imports
            if other.tries
        )

    def _replaced(self, file: str, index: int, attempt: Try, item: Import) -> bool:
        """Whether a handler binds all that the import would have, by imports that work or by values of use."""
        wanted = set(item.bindings)
        given = {name for name in attempt.binds if not name.startswith("?")}
        for other in self._facts[file].imports:
            if (index, "handler") in {(i, part) for i, part in other.tries} and self.problems(file, other):
                given -= set(other.bindings)
        return bool(wanted) and wanted <= given

    def bound_without(self, file: str, item: Import) -> list[str]:
        """The names that the file binds by anything but this import."""
        facts = self._facts[file]
        names = [event for event in facts.events if isinstance(event, str) and not event.startswith("-")]
        others = [name for other in facts.imports if other is not item and other.binds for name in other.bindings]
        return [*names, *others, *facts.raw.get("late", ())]

    def alternative_works(self, file: str, item: Import) -> bool:
        """Whether the handler imports the same names from somewhere else, successfully."""
        wanted = set(item.bindings)
        for index, part in item.tries:
            if part != "body":
                continue
            given: set[str] = set()
            for other in self._facts[file].imports:
                if (index, "handler") in {(i, p) for i, p in other.tries} and not self.problems(file, other):
                    given.update(other.bindings)
            if wanted and wanted <= given:
                return True
        return False

    def _body_fails(self, file: str, index: int) -> bool:
        """Whether an import in the body of a try statement would fail, or might for all that is known."""
        body = [
            other
            for other in self._facts[file].imports
            if any(i == index and part == "body" for i, part in other.tries) and other.when not in ("typing", "never")
        ]
        return not body or any(self.problems(file, other) for other in body)

    # -- what is wrong with it -----------------------------------------------------------------------------------------

    def problems(self, file: str, item: Import) -> list[Problem]:
        """What it asks for that is not there, whether or not it is ever executed."""
        key = (file, id(item))
        if key not in self._problems:
            self._problems[key] = []  # an import asked about while it is judged has none
            self._problems[key] = self._judged(file, item)
        return self._problems[key]

    def _judged(self, file: str, item: Import) -> list[Problem]:
        target = self.target(file, item)
        if target is None:
            dots = "." * item.level + item.module
            if self.package_of(file):
                message = f"relative import {dots!r} goes beyond the top-level package"
            else:
                message = f"relative import {dots!r} in a file that is not in a package"
            return [Problem(kind=Kind.MISSING_MODULE, symbol=dots, message=message)]
        module = self._resolver.module(target)
        if module.found in (Found.MISSING, Found.UNKNOWN):
            return [self._absent(module)]
        if item.names is None:
            return []
        there = self._bindings.surely(module)
        return [problem for name, _ in item.names if name not in there for problem in self._named(module, name)]

    def _named(self, module: Module, name: str) -> list[Problem]:
        if name == "*":
            return self._exports(module)
        has = self._bindings.has(module, name)
        if has is not False:
            return []
        below = self._resolver.module(f"{module.name}.{name}")
        if self._bindings.typing_only(module, name):
            message = f"{module.name} binds {name!r} only under TYPE_CHECKING: it is not there at run time"
            return [Problem(kind=Kind.TYPING_ONLY, symbol=f"{module.name}.{name}", message=message)]
        if module.found is Found.NAMESPACE:
            absent = self._absent(below)
            if absent.kind is not Kind.MISSING_MODULE or absent.unknown:
                return [absent]
        place = self._elsewhere(below.name) if module.file is not None else None
        message = f"cannot import name {name!r} from {module.name!r}"
        if place is not None:
            return [
                Problem(
                    kind=Kind.NOT_SHIPPED,
                    symbol=f"{module.name}.{name}",
                    message=f"{message}: {place} is in the repository and not in the package",
                )
            ]
        if module.found is Found.STDLIB:
            message += f" of Python {self._python[0]}.{self._python[1]}"
        own = module.file is not None or bool(module.folders)
        return [Problem(kind=Kind.MISSING_NAME, symbol=f"{module.name}.{name}", message=message, own=own)]

    def _exports(self, module: Module) -> list[Problem]:
        """Names in ``__all__`` that are not there: a star import fails on them."""
        facts = self._facts.get(module.file) if module.file is not None else None
        if facts is None or facts.exported is None or facts.dynamic:
            return []
        wrong = [name for name in facts.exported if self._bindings.has(module, name) is False]
        return [
            Problem(
                kind=Kind.MISSING_NAME,
                symbol=f"{module.name}.{name}",
                message=f"{module.name}.__all__ names {name!r}, which {module.name} does not define",
            )
            for name in wrong
        ]

    def _absent(self, module: Module) -> Problem:
        missing = module.missing or module.name
        top = missing.partition(".")[0]
        message = f"No module named {missing!r}" + (f"; {module.reason}" if module.reason else "")
        place = self._elsewhere(missing) or (self._elsewhere(module.name) if missing != module.name else None)
        above = self._resolver.module(top)
        own_top = self._own(top)
        if place is not None:
            message = f"No module named {missing!r} in the package: {place} is in the repository and not shipped"
            return Problem(kind=Kind.NOT_SHIPPED, symbol=module.name, message=message)
        if own_top and above.found is not Found.NAMESPACE:
            return Problem(kind=Kind.MISSING_MODULE, symbol=module.name, message=message)
        since = stdlib.removed_in(top, self._python) if missing == top else None
        if since is not None and not provider_of(top):
            message += f": Python {since[0]}.{since[1]} removed it"
            return Problem(kind=Kind.MISSING_MODULE, symbol=module.name, message=message, own=False)
        if above.found is Found.STDLIB:
            return Problem(kind=Kind.MISSING_MODULE, symbol=module.name, message=message, own=False)
        return self._undeclared(module, missing, own_top=own_top)

    def _undeclared(self, module: Module, missing: str, *, own_top: bool) -> Problem:
        providers = provider_of(module.name) or provider_of(missing)
        if module.found is Found.UNKNOWN or self._provided is None:
            if module.found is Found.UNKNOWN:
                return Problem(kind=Kind.UNDECLARED, symbol=module.name, message=module.reason, own=False, unknown=True)
            message = f"No module named {missing!r} where the package runs"
            return Problem(kind=Kind.MISSING_MODULE, symbol=module.name, message=message, own=own_top)
        if own_top and not providers:
            return Problem(kind=Kind.MISSING_MODULE, symbol=module.name, message=f"No module named {missing!r}")
        unsure = sorted(self._provided.unknown)
        if providers:
            message = f"No module named {missing!r}: {' or '.join(providers)} is not among the requirements"
            if unsure:
                message += f", unless one of them brings it ({_few(unsure)})"
            return Problem(kind=Kind.UNDECLARED, symbol=module.name, message=message, own=False)
        if unsure:
            reason = f"it is not known what these requirements bring: {_few(unsure)}"
            return Problem(kind=Kind.UNDECLARED, symbol=module.name, message=reason, own=False, unknown=True)
        message = f"No module named {missing!r}: neither in the package nor brought by a requirement"
        return Problem(kind=Kind.UNDECLARED, symbol=module.name, message=message, own=False)


def _few(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"  # noqa: PLR2004 - enough to recognise
