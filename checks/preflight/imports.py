"""What is wrong with each import of a package, and who would catch it. Pure: facts in, problems out."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property

from checks.preflight import stdlib
from checks.preflight.absences import Absences
from checks.preflight.bindings import GIVEN, Bindings, absolute
from checks.preflight.loading import Loaded
from checks.preflight.model import Facts, Import, Kind, Try, Version
from checks.preflight.problems import Guard, Moved, Problem, meant
from checks.preflight.provided import Provided
from checks.preflight.reach import Edge
from checks.preflight.resolve import Found, Module, Resolver

_NOTHING = Loaded()
_NEVER_RUN = ("typing", "never", "asked")  # the last is no import, only the question for one


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
        self._asked: dict[tuple[str, int], Loaded] = {}
        self._owned: dict[str, bool] = {}
        self._chains: dict[str, tuple[str, ...]] = {}

    @cached_property
    def absences(self) -> Absences:
        """What is said of what is not there."""
        modules = map(self.module_of, self._facts)
        return Absences(self._resolver, Moved(modules), self._facts, self._provided, self._python, self._elsewhere)

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
        if not folder or (f"{folder}/__init__.py" in self._facts and not self._facts[file].raw.get("script")):
            return name
        top = name.partition(".")[0]
        if file == f"{folder}/{top}.py" or not (
            f"{folder}/{top}.py" in self._facts or f"{folder}/{top}/__init__.py" in self._facts
        ):
            return name
        if self._resolver.module(top).found not in (Found.MISSING, Found.UNKNOWN):
            return name
        inside = self._resolver.name_of(f"{folder}/{top}.py")
        return name if inside is None else f"{inside}{name[len(top) :]}"

    def edges(self, file: str, *, script: bool) -> list[Edge]:
        """The files of the package that a file imports. ``script``: its ``__main__`` part runs."""
        found: dict[tuple[object, ...], Edge] = {}
        for item in self._facts[file].imports:
            asked = self._asks(file, item)
            if not asked.files or not self.runs(file, item, script=script):
                continue
            guard = self.guard(file, item) if item.tries else None
            guarded = guard is not None and not guard.whole
            broad = guarded and guard is not None and guard.broad
            lazy, maybe = bool(item.scope), item.when == "maybe"
            for target in (*asked.files, *filter(None, asked.submodules.values())):
                key = (target, lazy, guarded, item.scope, maybe, broad)
                if target != file and key not in found:
                    found[key] = Edge(target, item.line, lazy, guarded, item.scope, maybe, broad)
        return list(found.values())

    def loads(self, file: str, item: Import, *, script: bool) -> Loaded:
        """What it loads, for playing through."""
        if item.scope or not self.runs(file, item, script=script) or self.target(file, item) is None:
            return Loaded(skipped=True)
        asked = self._asks(file, item)
        return replace(asked, guarded=True) if item.tries and self.guard(file, item) is not None else asked

    def _asks(self, file: str, item: Import) -> Loaded:
        """What it asks the package for, if it runs."""
        key = (file, id(item))
        if key not in self._asked:
            target = self.target(file, item)
            self._asked[key] = self._inside(target, item) if target and self._own(target) else _NOTHING
        return self._asked[key]

    def _inside(self, target: str, item: Import) -> Loaded:
        asked = self._resolver.module(target).file if item.names is not None else None
        submodules = {}
        for name, _ in item.names or ():
            below = self._resolver.module(f"{target}.{name}")
            if below.found not in (Found.MISSING, Found.UNKNOWN):
                submodules[name] = below.file or ""
        return Loaded(files=self.chain(target), asked=asked, submodules=submodules)

    def runs(self, file: str, item: Import, *, script: bool) -> bool:
        """Whether it is ever executed: not under TYPE_CHECKING, in a branch for other versions, in ``__main__`` of a
        file that is imported, in a handler for an import that works, or after one that does not.
        """
        if item.when in _NEVER_RUN or (item.when == "main" and not script):
            return False
        return not item.tries or not any(
            part == "old"
            or (part == "handler" and not self._body_fails(file, index))
            or (part == "else" and self._body_fails(file, index, surely=True))
            for index, part in item.tries
        )

    def _own(self, target: str) -> bool:
        """Whether the top of a dotted name lies in the package."""
        owned = self._owned.get(target)
        if owned is None:
            owned = self._owned[target] = self._resolver.owns(target)
        return owned

    def chain(self, target: str) -> tuple[str, ...]:
        """The files that importing a module loads: of the packages above it, and its own."""
        chain = self._chains.get(target)
        if chain is None:
            above = self.chain(target.rpartition(".")[0]) if "." in target else ()
            file = self._resolver.module(target).file
            chain = self._chains[target] = above if file is None else (*above, file)
        return chain

    # -- who catches it ------------------------------------------------------------------------------------------------

    def guard(self, file: str, item: Import) -> Guard | None:
        """The innermost try statement that would pass over its failure."""
        facts = self._facts[file]
        for index, part in item.tries:
            attempt = facts.tries[index]
            silent = attempt.outcome == "silent" and not self._handler_fails(file, index)
            if part == "body" and attempt.catches and silent:
                whole = attempt.catches == "broad" and not attempt.about_imports
                fallback = self._replaced(file, index, attempt, item)
                return Guard(attempt.line, fallback, whole, attempt.catches == "broad")
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

    def _body_fails(self, file: str, index: int, *, surely: bool = False) -> bool:
        """Whether an import in the body of a try statement would fail, or might for all that is known."""
        body = [
            other
            for other in self._facts[file].imports
            if any(i == index and part == "body" for i, part in other.tries) and other.when not in ("typing", "never")
        ]
        if surely:
            nearest = [other for other in body if list(other.tries[0]) == [index, "body"]]
            return any(not problem.unknown for other in nearest for problem in self.problems(file, other))
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
        if item.level and self._unnamed(file) and self._lies_there(file, item):
            return []
        if target is None:
            dots = "." * item.level + item.module
            if self.package_of(file):
                message = f"relative import {dots!r} goes beyond the top-level package"
            else:
                message = f"relative import {dots!r} in a file that is not in a package{self._without_dots(item)}"
            return [Problem(kind=Kind.MISSING_MODULE, symbol=dots, message=message)]
        module = self._resolver.module(target)
        # What lies beside a program may also be hidden by an installed module of the name, where nobody knows of those.
        beside = not item.level and target != item.module
        unsure = beside and self._resolver.module(item.module.partition(".")[0]).found is Found.UNKNOWN
        if module.found in (Found.MISSING, Found.UNKNOWN):
            problems = [self.absences.of(module)]
        else:
            own = self._own_bindings(file, module.name) if module.file == file else None
            there = self._bindings.surely(module) if own is None else frozenset()
            names = [name for name, _ in item.names or () if name not in there]
            problems = [problem for name in names for problem in self._named(module, name, own)]
        return [replace(problem, unknown=True) for problem in problems] if unsure else problems

    def _without_dots(self, item: Import) -> str:
        """That a relative import at the top would find its module by an absolute one."""
        names = [item.module] if item.module else [name for name, _ in item.names or ()]
        there = item.level == 1 and all(self._own(name) for name in names)
        return ": without the dot it is found" if there else ""

    def named(self, name: str) -> Module:
        """The module of a dotted name."""
        return self._resolver.module(name)

    def _unnamed(self, file: str) -> bool:
        """Whether a file has no dotted name of its own here: it is found by a search path that the code sets."""
        return self.module(file).file != file

    def _lies_there(self, file: str, item: Import) -> bool:
        """Whether a relative import leads to something, seen from the folder of the file."""
        folder = posixpath.normpath(posixpath.join(posixpath.dirname(file), *[".."] * (item.level - 1)))
        base = posixpath.normpath(posixpath.join(folder, item.module.replace(".", "/")))
        return f"{base}.py" in self._facts or any(other.startswith(f"{base}/") for other in self._facts)

    def _own_bindings(self, file: str, name: str) -> frozenset[str]:
        """What a module binds, but for imports from itself: ``from . import x`` in ``__init__`` gives it no x."""
        facts = self._facts[file]
        taken = {
            new
            for item in facts.imports
            if item.names is not None and self.target(file, item) == name
            for new in item.bindings
        }
        others = [item for item in facts.imports if item.binds and self.target(file, item) != name]
        given = {new for item in others for new in item.bindings}
        return facts.bound - (taken - given - set(facts.raw.get("late", ())) - set(map(str, facts.events)))

    def _named(self, module: Module, name: str, own_bindings: frozenset[str] | None = None) -> list[Problem]:
        if name == "*":
            return self._exports(module)
        below = self._resolver.module(f"{module.name}.{name}")
        has = self._bindings.has(module, name)
        if own_bindings is not None and has and name not in own_bindings and below.found is Found.MISSING:
            has = None if self._facts[module.file or ""].dynamic else name in GIVEN
        if has is not False:
            return []
        if self._bindings.typing_only(module, name):
            message = f"{module.name} binds {name!r} only under TYPE_CHECKING: it is not there at run time"
            return [Problem(kind=Kind.TYPING_ONLY, symbol=f"{module.name}.{name}", message=message)]
        if module.found is Found.NAMESPACE:
            absent = self.absences.of(below)
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
        facts = self._facts.get(module.file or "")
        message += meant(name, own_bindings or (facts.bound if facts is not None else ()))
        dated = module.found in (Found.STDLIB, Found.OTHER)
        if module.found is Found.STDLIB:
            message += f" of Python {self._python[0]}.{self._python[1]}"
            moved = stdlib.moved(module.name, name)
            message += f": it is in {moved!r}" if moved else ""
        message += self.absences.hidden(module)
        own = module.file is not None or bool(module.folders)
        return [Problem(kind=Kind.MISSING_NAME, symbol=f"{module.name}.{name}", message=message, own=own, dated=dated)]

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
