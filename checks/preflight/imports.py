"""What is wrong with each import of a package, and who would catch it. Pure: facts in, problems out."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from checks.preflight import stdlib
from checks.preflight.bindings import GIVEN, Bindings
from checks.preflight.listed import GETATTR
from checks.preflight.model import Facts, Import, Kind, Try, Version
from checks.preflight.problems import Guard, Moved, Problem, few, meant
from checks.preflight.provided import Provided, provider_of
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
        self._problems: dict[Asked, Sequence[Problem]] = {}

    @cached_property
    def _moved(self) -> Moved:
        return Moved(map(self.module_of, self._facts))

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
            for target in self._touched(file, item):
                found[target, item.line] = Edge(target, item.line, lazy=True, guarded=False)
        return list(found.values())

    def _touched(self, file: str, item: Import) -> Iterator[str]:
        """The files that are loaded when attributes of an imported module are asked for."""
        touched = self._facts[file].touched if self.lazy else {}
        for name in item.bindings if touched else ():
            module = self._resolver.module(item.module if item.names is None else f"{self.target(file, item)}.{name}")
            for chain in touched.get(name, ()):
                yield from self.lazily(module.file, chain.partition(".")[0])

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
                message = f"relative import {dots!r} in a file that is not in a package"
            return (Problem(kind=Kind.MISSING_MODULE, symbol=dots, message=message),)
        if asked.home == file:
            problems = self._judged(asked, file)
        else:
            known = self._problems.get(asked)
            problems = self._problems[asked] = self._judged(asked) if known is None else known
        if not problems or item.level or asked.target == item.module:
            return problems
        # What lies beside a program may also be hidden by an installed module of the name, where nobody knows of those.
        unsure = self._resolver.module(item.module.partition(".")[0]).found is Found.UNKNOWN
        return [replace(problem, unknown=True) for problem in problems] if unsure else problems

    def _judged(self, asked: Asked, file: str | None = None) -> Sequence[Problem]:
        """What is not there of what a statement asks for. ``file``: the one it stands in, where it asks for itself."""
        module = self._resolver.module(asked.target)
        if module.found in (Found.MISSING, Found.UNKNOWN):
            return (self._absent(module),)
        own = self._own_bindings(file, module.name) if file is not None else None
        there = self._bindings.surely(module) if own is None else frozenset()
        names = [name for name, _ in asked.names or () if name not in there]
        problems = [problem for name in names for problem in self._named(module, name, own)]
        return (*problems, *(self._lazily_failing(module, asked) if self.lazy else ()))

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
            return [self._absent(below)] if untold else []
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
                    message=f"{message}: {place}",
                )
            ]
        facts = self._facts.get(module.file or "")
        message += meant(name, own_bindings or (facts.bound if facts is not None else ()))
        dated = module.found in (Found.STDLIB, Found.OTHER)
        if module.found is Found.STDLIB:
            message += f" of Python {self._python[0]}.{self._python[1]}"
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

    def _absent(self, module: Module) -> Problem:
        missing = module.missing or module.name
        top = missing.partition(".")[0]
        message = f"No module named {missing!r}" + (f"; {module.reason}" if module.reason else "")
        place = self._elsewhere(missing) or (self._elsewhere(module.name) if missing != module.name else None)
        above = self._resolver.module(top)
        own_top = self.own(top)
        if place is not None:
            message = f"No module named {missing!r} in the package: {place}"
            return Problem(kind=Kind.NOT_SHIPPED, symbol=module.name, message=message)
        if own_top and above.found is not Found.NAMESPACE:
            message += self._moved.meant(missing)
            return Problem(kind=Kind.MISSING_MODULE, symbol=module.name, message=message)
        since = stdlib.removed_in(top, self._python) if missing == top else None
        if since is not None and not provider_of(top):
            message += f": Python {since[0]}.{since[1]} removed it"
        added = stdlib.added_in(top, self._python)
        if added is not None:
            message += f": Python {added[0]}.{added[1]} adds it"
        if above.found is Found.STDLIB or added is not None or (since is not None and not provider_of(top)):
            return Problem(kind=Kind.MISSING_MODULE, symbol=module.name, message=message, own=False, dated=True)
        return self._undeclared(module, missing, own_top=own_top)

    @cached_property
    def _suspects(self) -> list[str]:
        """Requirements that may bring any module."""
        asked = {item.module for facts in self._facts.values() for item in facts.imports if not item.level}
        return self._provided.suspects(asked) if self._provided is not None else []

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
        if providers and not self._provided.might_bring(providers):
            message = f"No module named {missing!r}: {' or '.join(providers)} is not among the requirements"
            slip = self._provided.misspelt(providers)
            if slip:
                message += f"; is it meant by {slip!r}?"
            elif unsure:
                message += f", unless one of them brings it ({few(unsure)})"
            return Problem(kind=Kind.UNDECLARED, symbol=module.name, message=message, own=False)
        if (unsure and providers) or self._suspects:
            reason = f"it is not known what these requirements bring: {few(self._suspects or unsure)}"
            return Problem(kind=Kind.UNDECLARED, symbol=module.name, message=reason, own=False, unknown=True)
        message = f"No module named {missing!r}: neither in the package nor brought by a requirement"
        message += f", unless one of them has it ({few(unsure)})" if unsure else ""
        return Problem(kind=Kind.UNDECLARED, symbol=module.name, message=message, own=False)
