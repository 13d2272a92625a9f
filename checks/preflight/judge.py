"""One package, judged: from its facts to findings, worst first, each with what it would do and the way to it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from checks.preflight.arguments import Arguments
from checks.preflight.attributes import Attributes
from checks.preflight.bindings import Bindings
from checks.preflight.imports import Imports
from checks.preflight.listed import GETATTR
from checks.preflight.loading import play
from checks.preflight.model import Effect, Facts, Finding, Import, Kind, Package, Unknown, Way
from checks.preflight.problems import Problem, meant
from checks.preflight.reach import Edge, Reached, is_aside, reach, reach_rest, unguarded
from checks.preflight.rules import Forbidden

_CONDITIONAL = ("perhaps", "maybe")
_NAME_KINDS = {
    "undefined": Kind.UNDEFINED,
    "star": Kind.UNDEFINED,
    "typing_only": Kind.TYPING_ONLY,
    "never": Kind.UNDEFINED,
    "unbound": Kind.UNBOUND,
    "unset": Kind.UNBOUND,
    "branch": Kind.UNBOUND,
    "unset_global": Kind.UNDEFINED,
    "too_new": Kind.SYNTAX,
    "union": Kind.SYNTAX,
}
_FEW = 1_000  # files
_LOST = ", and what stands below it does not happen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Findings, worst first, and what could not be told."""

    findings: Sequence[Finding]
    unknown: Sequence[Unknown]
    ways: Mapping[str, Way]
    notes: Sequence[str]


class _At(NamedTuple):
    """Where something stands: a file of the package, its line, the function."""

    file: str
    line: int
    scope: str


class Judge:
    """Puts the parts together for one package."""

    def __init__(
        self,
        package: Package,
        facts: Mapping[str, Facts],
        imports: Imports,
        bindings: Bindings,
        attributes: Attributes,
        *,
        arguments: Arguments,
        optional: Callable[[str], bool],
        forbidden: Callable[[str], Sequence[Forbidden]],
    ) -> None:
        """``optional``: whether an extra brings a module, which may be missing where somebody is prepared for it.
        ``forbidden``: the rules that hold in a file.
        """
        self._forbidden = forbidden
        self._package = package
        self._facts = facts
        self._imports = imports
        self._bindings = bindings
        self._attributes = attributes
        self._arguments = arguments
        self._optional = optional
        run = package.entry_known and not package.imported
        self._scripts = frozenset(package.entries) if run else frozenset()
        self._findings: list[Finding] = []
        self._unknown: list[Unknown] = []
        self._notes: list[str] = []
        self._reached: dict[str, Reached] = {}
        self._reached_by_errors: dict[str, Reached] = {}
        self._edges: Mapping[str, Sequence[Edge]] = {}

    @cached_property
    def _aside(self) -> frozenset[str]:
        return frozenset(file for file in self._facts if is_aside(file))

    def judge(self) -> Judgement:
        """Everything that is wrong with the package."""
        entries = self._entries()
        known = self._package.entry_known
        self._attributes.foresee()
        edges = {file: self._imports.edges(file, script=file in self._scripts, deployed=known) for file in self._facts}
        self._edges = edges
        self._attributes.begin(self._facts)
        self._reached = self._spread(entries, edges)
        self._reached_by_errors = self._spread(entries, unguarded(edges))
        made = {name for facts in self._facts.values() for name in facts.builtins}
        for file, facts in self._facts.items():
            self._compiles(file, facts)
            self._file_imports(file)
            self._file_names(file, facts, made)
            self._file_rules(file, facts)
        self._calls()
        self._handler()
        self._circles(entries)
        for file in self._facts:  # last: what was begun may take a while
            self._file_attributes(file)
        findings = sorted(
            {(f.file, f.line, f.kind, f.symbol): f for f in self._findings}.values(),
            key=lambda f: (f.effect.rank, f.file, f.line, f.symbol),
        )
        ways = {file: reached.way for file, reached in self._reached.items()}
        return Judgement(
            findings=(*self._package.problems, *findings),
            unknown=tuple(self._unknown),
            ways=ways,
            notes=tuple(self._notes),
        )

    def _entries(self) -> list[str]:
        """The files that are loaded first, in this order: those of the packages above a module come before it."""
        entries = [file for file in self._package.entries if file in self._facts]
        if not self._package.entry_known or not self._package.dotted:
            return entries
        above = [self._imports.chain(self._imports.module_of(file)) for file in entries]
        return list(dict.fromkeys([*[file for chain in above for file in chain], *entries]))

    def _spread(self, entries: Sequence[str], edges: Mapping[str, Sequence[Edge]]) -> dict[str, Reached]:
        """Every file that is reached. Without an entry point that is known, what nobody deploys is none."""
        if self._package.entry_known:
            return reach(entries, edges)
        aside = self._aside if len(self._aside) < len(self._facts) else frozenset()
        # A program within a package that is imported is a sideline of it.
        alone = all(entry.endswith("__init__.py") for entry in entries)
        scripts = [file for file, facts in self._facts.items() if not alone and facts.script]
        found = reach([file for file in (*entries, *scripts) if file not in aside], edges)
        reach_rest(found, [file for file in self._facts if file not in aside], edges)
        return found

    # -- files ---------------------------------------------------------------------------------------------------------

    def _compiles(self, file: str, facts: Facts) -> None:
        if facts.error is None:
            return
        line, message = facts.error
        if facts.unread:
            self._unknown.append(Unknown(file=file, line=line, symbol=file, reason=message))
            return
        here = self._reached_by_errors.get(file)
        if self._package.compiled and (here is None or here.effect is not Effect.LOAD):
            message += "; the build of a function compiles every file, and fails"
            self._put(_At(file, line, ""), Kind.SYNTAX, file, message, Effect.LOAD)
        else:
            self._add(_At(file, line, ""), Kind.SYNTAX, file, message)

    def _handler(self) -> None:
        """The functions that are called first must be there."""
        file = next(iter(self._package.entries), "")
        if file not in self._facts or not self._package.entry_known:
            return
        for name, who in ((self._package.handler, ""), *self._package.further):
            if not name or self._bindings.has(self._imports.module(file), name) is not False:
                continue
            of = f" of {who}" if who else ""
            message = f"the entry point {name!r}{of} is not defined in {file}{meant(name, self._facts[file].bound)}"
            self._add(_At(file, 1, ""), Kind.MISSING_NAME, f"{self._imports.module_of(file)}.{name}", message)

    # -- imports -------------------------------------------------------------------------------------------------------

    def _file_imports(self, file: str) -> None:
        for item, problems in self._imports.wrong(file):
            if not self._imports.runs(file, item, script=file in self._scripts):
                continue
            for problem in problems:
                if problem.unknown:
                    unknown = Unknown(file=file, line=item.line, symbol=problem.symbol, reason=problem.message)
                    self._unknown.append(unknown)
                elif item.scope == GETATTR and self._package.entry_known:  # told where the name is asked for
                    self._put(
                        _At(file, item.line, GETATTR), problem.kind, problem.symbol, problem.message, Effect.NEVER
                    )
                else:
                    self._failing(file, item, problem)

    def _file_rules(self, file: str, facts: Facts) -> None:
        rules = self._forbidden(file)
        for item in facts.imports if rules else ():
            target = self._imports.target(file, item)
            if target is None or not self._imports.runs(file, item, script=file in self._scripts):
                continue
            asked = [f"{target}.{name}" for name, _ in item.names or () if name != "*"]
            for rule in rules:
                for name in [target] if rule.names(target) else filter(rule.names, asked):
                    self._add(_At(file, item.line, item.scope), Kind.FORBIDDEN, name, rule.message(name))

    def _failing(self, file: str, item: Import, problem: Problem) -> None:
        guard = self._imports.guard(file, item)
        at, message = _At(file, item.line, item.scope), problem.message
        if not problem.own and (guard or at.scope or not self._needed(file)) and self._optional(problem.symbol):
            return
        if guard is None:
            if not problem.own and self._depends(file, item, problem):
                reason = f"{message}; whether it is asked for depends on a condition"
                self._unknown.append(Unknown(file=file, line=item.line, symbol=problem.symbol, reason=reason))
            elif problem.own or not self._imports.optional(file, problem.symbol):
                condition = ", under a condition" if item.when in _CONDITIONAL else ""
                self._add(at, problem.kind, problem.symbol, message + condition, importing=True)
            return
        if self._imports.alternative_works(file, item):
            return
        if problem.told or (not problem.own and (guard.fallback or (problem.dated and guard.noted))):
            return
        if guard.whole and item.scope:
            self._add_caught(at, problem.kind, problem.symbol, message, f"{guard.line}{_LOST}")
            return
        told = ", a fallback takes its place" if guard.fallback else " and passed over"
        self._add_caught(at, problem.kind, problem.symbol, message, f"{guard.line}{told}")
        if item.binds and not guard.fallback:
            lost = set(item.bindings) - set(self._imports.bound_without(file, item))
            for name, line in self._attributes.needed_at_load(file, lost, guard.line) if lost else ():
                told = f"name {name!r} is bound only by the import at line {item.line}, which fails and is passed over"
                self._add(_At(file, line, ""), Kind.UNDEFINED, name, told)

    def _needed(self, file: str) -> bool:
        """Whether nothing works without this file: the entry point loads it, or the package's own ``__init__``."""
        here = self._reached.get(file)
        alone = all(entry.endswith("__init__.py") for entry in self._package.entries)
        return self._package.entry_known or (alone and here is not None and here.effect is Effect.LOAD and here.sure)

    def _loaded_later(self) -> list[str]:
        """What functions import when they run, in the order of the text; where no entry point is known, what others
        may import. Each after the packages that it lies in.
        """
        if self._package.entry_known:
            edges = [edge for file in self._reached for edge in self._edges[file]]
            files = [edge.target for edge in edges if edge.lazy and not edge.guarded]
        else:
            public = [file for file in self._reached if "/_" not in f"/{file.replace('__init__.py', '')}"]
            files = sorted(file for file in public if file not in self._aside)
        return [other for file in dict.fromkeys(files) for other in self._imports.chain(self._imports.module_of(file))]

    def _depends(self, file: str, item: Import, problem: Problem) -> bool:
        """Whether it stands, or its file is loaded, under a condition that most often asks for what is missing."""
        here = self._reached.get(file)
        asks = item.when == "maybe" if problem.dated else item.when in _CONDITIONAL and not item.scope
        return asks or (here is not None and not here.sure)

    def _circles(self, entries: Sequence[str]) -> None:
        tops = [file for file in self._facts if file.count("/") == 1 and file.endswith("/__init__.py")]
        tops += [file for file in (*entries, "__init__.py") if file in self._facts and file.endswith("__init__.py")]
        starts = entries if self._package.entry_known else sorted(set(tops))

        def runs(file: str, item: Import) -> bool:
            if item.scope or not self._imports.runs(file, item, script=file in self._scripts):
                return False
            return self._imports.target(file, item) is not None

        def guarded(file: str, item: Import) -> bool:
            return self._imports.guard(file, item) is not None

        uses = self._attributes.used_at_load
        for late in play([*starts, *self._loaded_later()], self._facts, self._imports.asked, runs, guarded, uses=uses):
            guard = self._imports.guard(late.file, late.item)
            module = self._imports.target(late.file, late.item)
            message = f"cannot import name {late.name!r} from partially loaded {module!r}: circular import"
            at, symbol = _At(late.file, late.item.line, ""), f"{module}.{late.name}"
            if late.line is not None:
                module = self._imports.module_of(late.asked)
                message = f"partially loaded module {module!r} has no attribute {late.name!r} yet: circular import"
                self._add(at._replace(line=late.line), Kind.CIRCULAR, f"{module}.{late.name}", message)
            elif guard is None:
                self._add(at, Kind.CIRCULAR, symbol, message, importing=True)
            else:
                self._add_caught(at, Kind.CIRCULAR, symbol, message, str(guard.line))

    # -- names ---------------------------------------------------------------------------------------------------------

    def _file_names(self, file: str, facts: Facts, made: set[str]) -> None:
        for kind, name, line, scope, when, caught in facts.suspects:
            if name in made or (when == "main" and file not in self._scripts):
                continue
            if kind in ("typing_only", "never", "unset_global") and self._bindings.set_from_outside(
                self._imports.module_of(file), name
            ):
                continue
            if kind not in ("unbound", "unset", "branch", "too_new", "union") and facts.dynamic:
                reason = "the module computes its own names"
                self._unknown.append(Unknown(file=file, line=line, symbol=name, reason=reason))
                continue
            if kind == "star" and self._bindings.from_stars(self._imports.package_of(file), facts, name) is not False:
                continue
            if self._is_loaded_submodule(file, name, line if not scope else None):
                continue
            message = {
                "typing_only": f"name {name!r} is bound only under TYPE_CHECKING",
                "never": f"name {name!r} is bound only where the target never goes (its version, platform, `if False`)",
                "unbound": f"local variable {name!r} may be read before it has a value: this function binds it too",
                "branch": f"{name!r} is imported in one branch only, and read on a way without",
                "unset": f"local variable {name!r} is read before anything gives it a value",
                "unset_global": f"name {name!r} is declared global, and read before anything gives it a value",
                "too_new": f"TypeError: an annotation that is evaluated here needs Python {name}; quote it, or begin"
                " the file with from __future__ import annotations",
                "union": f"TypeError: as the value of a name this type needs Python {name}: those of typing are older",
            }.get(kind) or f"name {name!r} is not defined{self._imports.absences.forgotten(name)}"
            self._add_name(_At(file, line, scope), _NAME_KINDS[kind], name, message, caught)

    def _is_loaded_submodule(self, file: str, name: str, line: int | None) -> bool:
        """Whether the name is bound in a package's own module because somebody imports the submodule of that name.

        docs.python.org/3/reference/import.html#submodules: loading a submodule binds it in its parent's namespace. In a
        function (``line`` None) it is there once anybody has loaded it; at load only if the file itself did so above.
        """
        folder, _, base = file.rpartition("/")
        if base != "__init__.py":
            return False
        below = {f"{folder}/{name}.py".lstrip("/"), f"{folder}/{name}/__init__.py".lstrip("/")}
        if line is None:
            return any(edge.target in below for edges in self._edges.values() for edge in edges)
        return any(edge.target in below and not edge.lazy and edge.line < line for edge in self._edges[file])

    def _file_attributes(self, file: str) -> None:
        for absent in self._attributes.absent(file):
            if absent.when == "main" and file not in self._scripts:
                continue
            at = _At(file, absent.line, absent.scope)
            message = absent.message + self._imports.absences.hidden(absent.module)
            self._add_name(at, Kind.MISSING_ATTRIBUTE, absent.symbol, message, absent.caught)

    def _calls(self) -> None:
        """Where it is known what runs, or there is little to look at: each file takes its time."""
        if not self._package.entry_known and len(self._facts) > _FEW:
            self._notes.append(f"calls were not compared with what they call: more than {_FEW} files (--entry helps)")
            return
        for file, call in self._arguments.wrong([file for file in self._facts if file in self._reached_by_errors]):
            if call.when == "maybe" or (call.when == "main" and file not in self._scripts):
                continue
            at = _At(file, call.line, call.scope)
            self._add_name(at, Kind.WRONG_ARGUMENTS, call.symbol, call.message, call.caught)

    # -- effects -------------------------------------------------------------------------------------------------------

    def _add(self, at: _At, kind: Kind, symbol: str, message: str, *, importing: bool = False) -> None:
        """With the effect that follows from where it stands and how its file is reached. ``importing``: it is an
        ImportError, which more is prepared for than for other errors.
        """
        here = (self._reached if importing else self._reached_by_errors).get(at.file)
        effect = Effect.NEVER if here is None else Effect.RUN if at.scope else here.effect
        self._put(at, kind, symbol, message, effect)

    def _add_name(self, at: _At, kind: Kind, symbol: str, message: str, caught: int | None) -> None:
        """``caught``: the line of a handler that passes over the error."""
        if caught is None:
            self._add(at, kind, symbol, message)
        else:
            self._add_caught(at, kind, symbol, message, f"{caught}{_LOST}")

    def _add_caught(self, at: _At, kind: Kind, symbol: str, message: str, told: str) -> None:
        """An error that somebody passes over. ``told``: at which line, and what becomes of it."""
        effect = Effect.DISABLES if at.file in self._reached else Effect.NEVER
        self._put(at, kind, symbol, f"{message}; the error is caught at line {told}", effect)

    def _put(self, at: _At, kind: Kind, symbol: str, message: str, effect: Effect) -> None:
        here = self._reached.get(at.file)
        self._findings.append(
            Finding(
                file=at.file,
                source=self._package.files.get(at.file),
                line=at.line,
                symbol=symbol,
                kind=kind,
                effect=effect,
                message=message,
                scope=at.scope,
                reachable_by=None if here is None else here.way.ending(at.line, at.scope),
            )
        )
