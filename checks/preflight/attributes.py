"""Attributes that modules do not have: ``util.hepler()`` where ``lib/util.py`` binds no such name.

Told only of modules whose names are all in their text, and that nobody sets from elsewhere. What the facts of a file
suggest is looked up in its syntax tree, where scopes and circumstances show (``names``).
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from checks.preflight.bindings import Bindings, absolute, package_of
from checks.preflight.imports import Imports
from checks.preflight.library import Library
from checks.preflight.model import Facts, Import, Version
from checks.preflight.resolve import Found, Module, Resolver

_BY_NAME = (b"import_module(", b"__import__(", b"walk_packages", b"iter_modules", b"module_from_spec")
_WORTH_A_PROCESS = 40  # files to be looked at once more, which take some milliseconds each
_MODULES = (Found.FILE, Found.PACKAGE, Found.NAMESPACE, Found.STDLIB, Found.OTHER)


class Absent(NamedTuple):
    """A use of what a module, or a thing in one (``module:thing``), lacks; without ``name`` it is called. ``when`` and
    ``caught`` as in ``names.Finder.find``.
    """

    line: int
    scope: str
    when: str
    caught: int | None
    module: str
    name: str

    @property
    def symbol(self) -> str:
        """The attribute, or the module that is called."""
        return ".".join(filter(None, [self.module.replace(":", "."), self.name]))

    @property
    def message(self) -> str:
        """What is wrong, for people."""
        module, _, thing = self.module.partition(":")
        if not self.name:
            return f"module {module!r} is called, and is no function"
        owner = f"{thing!r}, taken from module {module!r}," if thing else f"module {module!r}"
        return f"{owner} has no attribute {self.name!r}"


class Texts(Protocol):
    """Texts of files, and what was found in them: see ``extract.Extractor``."""

    def text(self, file: Path) -> bytes:
        """The text; empty if it cannot be read."""
        ...

    def digest(self, file: Path) -> str:
        """What stands for it."""
        ...

    def those_remembered(self, keys: Collection[str]) -> Collection[str]:
        """Which of these were made before."""
        ...

    def ahead(self, wanted: Mapping[Path, Sequence[str]]) -> Callable[[], Mapping[Path, str]]:
        """Begin to look up where files use these paths; the answers, once they are all there."""
        ...

    def remembered(self, key: str, make: Callable[[], Any], decode: Callable[[str], Any]) -> Any:
        """What follows from some text, made once."""
        ...


class Attributes:
    """Judges the attributes that the files of one package take from modules."""

    def __init__(
        self,
        facts: Mapping[str, Facts],
        resolver: Resolver,
        bindings: Bindings,
        imports: Imports,
        *,
        python: Version,
        files: Mapping[str, Path],
        texts: Texts,
        library: Library,
        closed: bool,
    ) -> None:
        """``texts``: those of the package, and of what is outside. ``closed``: nobody outside imports its modules."""
        self._closed = closed
        self._library = library
        self._facts = facts
        self._resolver = resolver
        self._bindings = bindings
        self._imports = imports
        self._python = python
        self._files = files
        self._texts = texts
        self._text = texts.text
        self._known: dict[tuple[str, str], Module | None] = {}
        self._lacks: dict[tuple[str, str], tuple[str, str, str] | None] = {}
        self._suspected: dict[str, dict[str, tuple[str, str]]] = {}
        self._ahead: Callable[[], Mapping[Path, str]] = dict
        self._set = {name.rpartition(".")[2] for item in facts.values() for _, name in item.sets}
        self._open = {name for item in facts.values() for name, what in item.sets if what == "*"}

    def absent(self, file: str) -> Iterator[Absent]:
        """The uses in a file that would fail; it is one of those that ``begin`` was told."""
        wrong = self._suspected.get(file)
        if wrong is None:
            return

        def used() -> list[list[Any]]:
            answer = self._ahead().get(self._files[file])
            found = json.loads(answer) if answer else None
            # A process that died at it says something else.
            return found if isinstance(found, list) else self._uses(file, self._tree(file, wrong), paths=wrong)

        for _, chain, line, scope, when, caught in self._texts.remembered(self._key(file, wrong), used, json.loads):
            yield Absent(line, scope, when, caught, *wrong[chain])

    def foresee(self) -> None:
        """Begin to ask for what will be asked of the standard library, beside what else is judged meanwhile."""
        taken: dict[str, set[str]] = {}
        for facts in self._facts.values():
            for base, chains in facts.touched.items():
                for item in facts.givers.get(base, ()):
                    if item.names is None:
                        names = (chain.partition(".")[0] for chain in chains)
                        taken.setdefault(_meant(item.module, base), set()).update(names)
        self._bindings.foresee(taken)

    def begin(self, files: Iterable[str]) -> None:
        """Suspect what files take; where many are to be looked at for it, that begins in a process of its own."""
        self._suspected = {file: wrong for file in files if (wrong := self._wrong(file))}
        keys = {file: self._key(file, wrong) for file, wrong in self._suspected.items()}
        known = self._texts.those_remembered(keys.values())
        new = {self._files[file]: list(self._suspected[file]) for file, key in keys.items() if key not in known}
        if len(new) > _WORTH_A_PROCESS:
            self._ahead = self._texts.ahead(new)

    def _key(self, file: str, wrong: Collection[str]) -> str:
        return f"attributes-{self._texts.digest(self._files[file])} {' '.join(sorted(wrong))}"

    def _wrong(self, file: str) -> dict[str, tuple[str, str]]:
        """What a file takes of modules that lack it, as it stands there: the module, and the name (empty: a call)."""
        facts = self._facts[file]
        wrong: dict[str, tuple[str, str]] = {}
        for base, chains in facts.touched.items():
            items = () if base in facts.events or base in self._open else facts.givers.get(base, ())
            modules = self._modules(file, items, base)
            for chain in chains if modules else ():
                if chain == "(":
                    wrong.update({f"{base}(": (modules[0].name, "")} if all(map(self._is_one, modules)) else {})
                    continue
                lacks = self._lacking(modules[0], chain)
                if lacks is not None and all(self._lacking(module, chain) for module in modules[1:]):
                    taken, module, name = lacks
                    wrong[f"{base}.{taken}"] = (module, name)
        return wrong

    def needed_at_load(self, file: str, names: Collection[str], guard: int) -> Iterator[tuple[str, int]]:
        """Where loading a file surely reads names that it does not have: each with the line. ``guard``: the line of the
        statement that passes over the import's failure; what else stands in it is not reached.
        """
        from checks.preflight.conditions import ALWAYS

        tree = self._tree(file, names)
        for _, name, line, scope, when, caught in self._uses(file, tree, names=dict.fromkeys(names, "")):
            if not scope and when == ALWAYS and caught is None and not _in_guard(tree, guard, line):
                yield name, line

    def used_at_load(self, file: str, path: str) -> int | None:
        """The first line where loading a file surely takes an attribute; None if none does."""
        from checks.preflight.conditions import ALWAYS

        def used() -> list[list[Any]]:
            return self._uses(file, self._tree(file, [path]), paths=[path])

        key = f"loads-{self._texts.digest(self._files[file])} {path}"
        uses = self._texts.remembered(key, used, json.loads)
        lines = [line for _, _, line, scope, when, caught in uses if not scope and when == ALWAYS and caught is None]
        return min(lines, default=None)

    def _tree(self, file: str, words: Collection[str]) -> ast.Module | None:
        from checks.preflight.uses import tree_of  # where all is known, start-up counts

        return tree_of(self._text(self._files[file]), words)

    def _uses(self, file: str, tree: ast.Module | None, **asked: Any) -> list[list[Any]]:
        from checks.preflight.uses import uses

        return uses(self._text(self._files[file]), tree, self._python, **asked)

    def _modules(self, file: str, imports: Sequence[Import], base: str) -> list[Module]:
        """The modules that a name of the file stands for by these imports; none if it may be anything else."""
        found: list[Module] = []
        for item in imports:
            module = self._module(file, item, base)
            if module is None or module.found not in _MODULES or self._imports.problems(file, item):
                return []  # what cannot be imported is told there
            found.append(module)
        return found

    def _module(self, file: str, item: Import, base: str) -> Module | None:
        target = self._imports.target(file, item)
        if target is None:
            return None
        if item.names is None:
            return self._resolver.module(_meant(target, base))
        asked = next(name for name, new in item.names if (new or name) == base)
        package = self._resolver.module(target)
        below = self._below(package, asked)
        if below is None and package.found is Found.STDLIB and self._library.names(target, asked) is not None:
            return Module(found=Found.STDLIB, name=f"{target}:{asked}")
        return below

    def _below(self, package: Module, name: str) -> Module | None:
        """The module that a package means by a name; None if it means, or may mean, another thing by it."""
        key = (package.name, name)
        if key not in self._known:
            self._known[key] = self._meant(package, name)
        return self._known[key]

    def _meant(self, package: Module, name: str) -> Module | None:
        below: Module | None
        if package.found is Found.STDLIB:
            below = self._resolver.module(f"{package.name}.{name}")
            return below if below.real is not None or below.name == "os.path" else None
        if package.real is not None and self._readable(f"{package.name}.{name}") is None:
            return None
        facts = self._bindings.facts_of(package)
        if facts is None:
            below = self._readable(f"{package.name}.{name}")
            return below if package.found is Found.NAMESPACE else None
        if name in facts.events or name in facts.late or name in facts.answers or facts.dynamic:
            return None
        if facts.stars:
            return None
        meant: set[str] = set()
        for item in facts.givers.get(name, ()):
            if item.binds:
                source = absolute(package_of(package), item)
                old = next((old for old, new in item.names or () if (new or old) == name), None)
                meant.add(f"{source}.{old}" if old else "")
        meant = meant or {f"{package.name}.{name}"}
        return self._readable(meant.pop()) if len(meant) == 1 else None

    def _readable(self, name: str) -> Module | None:
        """The module of that name, if its text is at hand."""
        module = self._resolver.module(name) if name else None
        if module is None or module.found not in _MODULES:
            return None
        return None if module.found is Found.OTHER and module.real is None else module

    def _lacking(self, module: Module, chain: str) -> tuple[str, str, str] | None:
        """The part of a dotted path up to what is not there, the module that lacks it, and its name."""
        key = (module.name, chain)
        if key not in self._lacks:
            self._lacks[key] = self._looked_up(module, chain)
        return self._lacks[key]

    def _looked_up(self, module: Module, chain: str) -> tuple[str, str, str] | None:
        parts = chain.split(".")
        for count, part in enumerate(parts, 1):
            name, _, thing = module.name.partition(":")
            if not thing and self._is_settled(module, part, last=count == len(parts)):
                return None
            taken = (".".join(parts[:count]), module.name, part)
            passed = part in self._set or part.startswith("__")
            if thing:
                return taken if self._library.lacks(name, part, thing) and not passed else None
            below = self._below(module, part)
            if below is None:
                lacks = not self._shared(module) and self._bindings.has(module, part) is False
                return taken if lacks and not passed else None
            if self._is_loaded_by_nobody(module, part, below):
                return taken
            module = below
        return None

    def _is_loaded_by_nobody(self, package: Module, name: str, module: Module) -> bool:
        """Whether a module below a package is not there, as nobody's import loads it: ``import lib; lib.sub.x``."""
        if module.file is None or not self._closed or module.file in self._loaded:
            return False
        facts = self._bindings.facts_of(package)
        return (facts is None or name not in facts.givers) and not self._computed

    @cached_property
    def _loaded(self) -> frozenset[str]:
        """The files that the imports of all files load, whether they run or not."""
        every = (asked for file in self._facts for asked in self._imports.asked(file))
        return frozenset(target for asked in every if asked is not None for target in asked.targets)

    @cached_property
    def _computed(self) -> bool:
        """Whether modules may be loaded by names that somebody computes. Reads every text: not to be asked in vain."""
        return any(word in self._text(self._files[file]) for file in self._facts for word in _BY_NAME)

    def _is_settled(self, module: Module, part: str, *, last: bool) -> bool:
        """Whether a module has a name, or nobody can tell, so that no more is to be asked of it."""
        lacks = self._bindings.lacks(module, part) if module.found is Found.STDLIB else None
        if lacks is not None:
            return last and not lacks
        if module.found in (Found.STDLIB, Found.OTHER) and module.real is None:
            return True
        if module.real is not None and (self._bindings.plainly(module, part) or self._bindings.mentions(module, part)):
            return True  # bound there somehow: not worth reading a distribution's syntax tree for
        return last and part in self._bindings.surely(module)

    def _is_one(self, module: Module) -> bool:
        """Whether a module surely is one: none that puts something else in its own place."""
        if module.found is Found.STDLIB:
            return ":" not in module.name
        facts = self._bindings.facts_of(module)
        own = module.file is not None or bool(module.folders)
        return own and (facts is None or not facts.dynamic)

    def _shared(self, module: Module) -> bool:
        """Whether others may have a part in a namespace."""
        return module.found is Found.NAMESPACE and self._resolver.module(module.name.rpartition(".")[0]).file is None


def _meant(target: str, base: str) -> str:
    """The module that a name stands for after ``import target``, or after ``import target as base``."""
    return base if base == target.partition(".")[0] else target


def _in_guard(tree: ast.Module | None, guard: int, line: int) -> bool:
    """Whether a line stands in the body, or the else part, of the try or with statement of that line."""
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, (ast.Try, ast.With)) and node.lineno == guard:
            # A decorator stands before the line of its function.
            handled = [part for handler in getattr(node, "handlers", ()) for part in handler.body]
            parts = [*node.body, *getattr(node, "orelse", ())]
            inside = node.lineno < line <= max(part.end_lineno or part.lineno for part in parts)
            return inside and not any(part.lineno <= line <= (part.end_lineno or part.lineno) for part in handled)
    return False
