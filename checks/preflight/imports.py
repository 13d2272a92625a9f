"""What is wrong with each import of a package, and who would catch it. Pure: facts in, problems out."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from checks.preflight import stdlib
from checks.preflight.absences import Absences
from checks.preflight.bindings import GIVEN, Bindings
from checks.preflight.listed import GETATTR
from checks.preflight.lost import Lost
from checks.preflight.model import Facts, Import, Kind, Try, Version
from checks.preflight.problems import Guard, Moved, Problem, meant
from checks.preflight.provided import Provided
from checks.preflight.reach import Edge
from checks.preflight.resolve import Found, Module, Resolver
from checks.preflight.statements import Asked, Statements

_NEVER_RUN = ("typing", "never", "asked")  # the last is no import, only the question for one


class Imports(Statements):
    """Judges the imports of one package. ``elsewhere`` says where a module lies that it lacks."""

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
        super().__init__(facts, resolver)
        self._bindings = bindings
        self._provided = provided
        self._python = python
        self._elsewhere = elsewhere
        self._lost = Lost(facts, self)
        # By what is asked for; apart, where a file asks for itself.
        self._problems: dict[Asked, Sequence[Problem]] = {}
        self._problems_inside: dict[Asked, Sequence[Problem]] = {}

    @cached_property
    def absences(self) -> Absences:
        """What is said of what is not there."""
        modules = map(self.module_of, self._facts)
        return Absences(
            self._facts,
            self._resolver,
            Moved(modules),
            provided=self._provided,
            python=self._python,
            elsewhere=self._elsewhere,
        )

    # -- what it leads to ----------------------------------------------------------------------------------------------

    def edges(self, file: str, *, script: bool, deployed: bool) -> list[Edge]:
        """The files of the package that a file imports. ``script``: its ``__main__`` part runs. ``deployed``: what a
        function loads for some of its data is loaded some day; in a library it may be an option that nobody takes.
        """
        found: dict[tuple[object, ...], Edge] = {}
        for item, asked in zip(self._facts[file].imports, self.asked(file), strict=True):
            if asked is None or not asked.own or item.scope == GETATTR or not self.runs(file, item, script=script):
                continue
            guard = self.guard(file, item) if item.tries else None
            guarded = guard is not None and not guard.whole
            broad = guarded and guard is not None and guard.broad
            lazy = bool(item.scope)
            maybe = item.when == "maybe" or (item.when == "perhaps" and not (lazy and deployed))
            for target in asked.targets:
                key = (target, lazy, guarded, item.scope, maybe, broad)
                if target != file and key not in found:
                    found[key] = Edge(target, item.line, lazy, guarded, item.scope, maybe, broad)
            for target in self._touched(file, item, asked) if asked.lazy else ():
                found[target, item.line] = Edge(target, item.line, lazy=True, guarded=False)
        return list(found.values())

    def _touched(self, file: str, item: Import, asked: Asked) -> Iterator[str]:
        """The files that are loaded when attributes of an imported module are asked for."""
        modules = [(new or name, asked.submodules.get(name)) for name, new in item.names or ()]
        for name, module in modules or [(item.bound, asked.home)]:
            for chain in self._facts[file].touched.get(name, ()):
                yield from self.lazily(module, chain.partition(".")[0])

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
                return Guard(attempt.line, fallback, whole, attempt.catches == "broad", bool(attempt.binds))
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
            other.tries[0] == (index, "handler") and self.problems(file, other)
            for other in self._facts[file].imports
            if other.tries
        )

    def _replaced(self, file: str, index: int, attempt: Try, item: Import) -> bool:
        """Whether a handler binds all that the import would have, by imports that work or by values of use."""
        wanted = set(item.bindings)
        given = {name for name in attempt.binds if not name.startswith("?")}
        for other in self._facts[file].imports:
            if (index, "handler") in other.tries and self.problems(file, other):
                given -= set(other.bindings)
        return bool(wanted) and wanted <= given

    def bound_without(self, file: str, item: Import) -> list[str]:
        """The names that the file binds by anything but this import."""
        facts = self._facts[file]
        names = [event for event in facts.events if isinstance(event, str) and not event.startswith("-")]
        others = [name for other in facts.imports if other is not item and other.binds for name in other.bindings]
        return [*names, *others, *facts.late]

    def alternative_works(self, file: str, item: Import) -> bool:
        """Whether the handler imports the same names from somewhere else, successfully."""
        wanted = set(item.bindings)
        for index, part in item.tries:
            if part != "body":
                continue
            given: set[str] = set()
            for other in self._facts[file].imports:
                if (index, "handler") in other.tries and not self.problems(file, other):
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
            nearest = [other for other in body if other.tries[0] == (index, "body")]
            return any(not problem.unknown for other in nearest for problem in self.problems(file, other))
        return not body or any(self.problems(file, other) for other in body)

    # -- what is wrong with it -----------------------------------------------------------------------------------------

    def wrong(self, file: str) -> Iterator[tuple[Import, Sequence[Problem]]]:
        """The imports of a file that have problems."""
        for item, asked in zip(self._facts[file].imports, self.asked(file), strict=True):
            # What others asked for and found is there for this file, too.
            if asked is not None and asked.home != file and self._problems.get(asked) == ():
                continue
            problems = self.problems(file, item)
            if problems:
                yield item, problems

    def problems(self, file: str, item: Import) -> Sequence[Problem]:
        """What it asks for that is not there, whether or not it is ever executed."""
        if item.level and not self.place(file).named and self._lies_there(file, item):
            return ()
        asked = self.meant(self.target(file, item), item.names)
        if asked is None:
            dots = "." * item.level + item.module
            if self.package_of(file):
                message = f"relative import {dots!r} goes beyond the top-level package"
            else:
                message = f"relative import {dots!r} in a file that is not in a package{self._without_dots(item)}"
            return (Problem(kind=Kind.MISSING_MODULE, symbol=dots, message=message),)
        inside = asked.home == file
        judged = self._problems_inside if inside else self._problems
        problems = judged.get(asked)
        if problems is None:
            judged[asked] = ()  # what a module's `__getattr__` imports of itself is asked for while it is judged
            problems = judged[asked] = self._judged(asked, file if inside else None)
        if not problems or item.level or asked.target == item.module:
            return problems
        # What lies beside a program may also be hidden by an installed module of the name, where nobody knows of those.
        unsure = self._resolver.module(item.module.partition(".")[0]).found is Found.UNKNOWN
        return [replace(problem, unknown=True) for problem in problems] if unsure else problems

    def _judged(self, asked: Asked, file: str | None = None) -> Sequence[Problem]:
        """What is not there of what a statement asks for. ``file``: the one it stands in, where it asks for itself."""
        module = self._resolver.module(asked.target)
        if module.found in (Found.MISSING, Found.UNKNOWN):
            return (self.absences.of(module),)
        own = self._own_bindings(file, module.name) if file is not None else None
        there = self._bindings.surely(module) if own is None else frozenset()
        lost = self._lost.names(module.file) if own is None and module.file is not None else {}
        names = [name for name, _ in asked.names or () if name not in there or name in lost]
        problems = [
            problem
            for name in names
            for problem in (
                [self._never_bound(module, name, lost[name])]
                if name in lost and name not in asked.submodules
                else self._named(module, name, own)
            )
        ]
        return (*problems, *(self._lazily_failing(module, asked) if self.lazy else ()))

    def _never_bound(self, module: Module, name: str, line: int) -> Problem:
        """That the import which would give the module a name fails, and is passed over there."""
        message = f"cannot import name {name!r} from {module.name!r}: the import at {module.file}:{line} fails there"
        return Problem(
            kind=Kind.MISSING_NAME, symbol=f"{module.name}.{name}", message=f"{message} and is passed over", told=True
        )

    def is_sure(self, problem: Problem) -> bool:
        """Whether an import fails on it whatever else is installed."""
        extras = self._provided.extras if self._provided is not None and not problem.own else None
        optional = extras is not None and extras.has(problem.symbol)
        return not (problem.unknown or problem.dated or optional)

    def _lazily_failing(self, module: Module, asked: Asked) -> Iterator[Problem]:
        """What the module's own ``__getattr__`` fails to import for the names that it is asked for."""
        for name, _ in asked.names or ():
            for lazy in self.lazy.imports(module.file, name):
                for problem in self.problems(module.file or "", lazy):
                    yield replace(problem, message=f"{problem.message}; {module.name} imports it for {name!r}")

    def _lies_there(self, file: str, item: Import) -> bool:
        """Whether a relative import leads to something, seen from the folder of the file."""
        folder = posixpath.normpath(posixpath.join(posixpath.dirname(file), *[".."] * (item.level - 1)))
        base = posixpath.normpath(posixpath.join(folder, item.module.replace(".", "/")))
        return f"{base}.py" in self._facts or any(other.startswith(f"{base}/") for other in self._facts)

    def _without_dots(self, item: Import) -> str:
        """That a relative import at the top would find its module by an absolute one."""
        names = [item.module] if item.module else [name for name, _ in item.names or ()]
        there = item.level == 1 and all(self.own(name) for name in names)
        return ": without the dot it is found" if there else ""

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
        return facts.bound - (taken - given - set(facts.late) - set(map(str, facts.events)))

    def _named(self, module: Module, name: str, own_bindings: frozenset[str] | None = None) -> list[Problem]:
        if name == "*":
            return self._exports(module)
        below = self._resolver.module(f"{module.name}.{name}")
        has = self._bindings.has(module, name)
        if own_bindings is not None and has and name not in own_bindings and below.found is Found.MISSING:
            has = None if self._facts[module.file or ""].dynamic else name in GIVEN
        if has is not False:
            untold = module.found is Found.NAMESPACE and below.found is Found.UNKNOWN
            return [self.absences.of(below)] if untold else []
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
                    message=f"{message}: {place}",
                )
            ]
        facts = self._facts.get(module.file or "")
        message += meant(name, own_bindings or (facts.bound if facts is not None else ()))
        dated = module.found in (Found.STDLIB, Found.OTHER)
        if module.found is Found.STDLIB:
            message += f" of Python {self._python[0]}.{self._python[1]}"
            moved = stdlib.moved(module.name, name)
            message += f": it is in {moved!r}" if moved else ""
        message += self.absences.hidden(module.name)
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
