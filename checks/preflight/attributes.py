"""Attributes that modules do not have: ``util.hepler()`` where ``lib/util.py`` binds no such name.

Told only of modules whose names are all in their text, and that nobody sets from elsewhere. What the facts of a file
suggest is looked up in its syntax tree, where scopes and circumstances show (``names``).
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from checks.preflight.bindings import Bindings, absolute, package_of
from checks.preflight.conditions import ALWAYS, Conditions
from checks.preflight.imports import Imports
from checks.preflight.model import Facts, Import, Version
from checks.preflight.names import Finder
from checks.preflight.resolve import Found, Module, Resolver
from checks.preflight.sketch import Sketch

_MODULES = (Found.FILE, Found.PACKAGE, Found.NAMESPACE, Found.STDLIB, Found.OTHER)

Remembered = Callable[[str, bytes, Callable[[], dict[str, Any]]], dict[str, Any]]


class Absent(NamedTuple):
    """A use of an attribute that its module lacks; ``when`` and ``caught`` as in ``names.Finder.find``."""

    line: int
    scope: str
    when: str
    caught: int | None
    module: str
    name: str


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
        text: Callable[[Path], bytes],
        remembered: Remembered,
    ) -> None:
        """``text``: of a file on this disk. ``remembered``: see ``extract.Extractor``."""
        self._facts = facts
        self._resolver = resolver
        self._bindings = bindings
        self._imports = imports
        self._python = python
        self._files = files
        self._text = text
        self._remembered = remembered
        self._known: dict[tuple[str, str], Module | None] = {}
        self._lacks: dict[tuple[str, str], tuple[str, str, str] | None] = {}
        self._set = {tuple(pair)[1].rpartition(".")[2] for item in facts.values() for pair in item.raw.get("sets", ())}
        self._open = {name for item in facts.values() for name, what in item.raw.get("sets", ()) if what == "*"}

    def absent(self, file: str) -> Iterator[Absent]:
        """The uses in a file that would fail."""
        facts = self._facts[file]
        wrong: dict[str, tuple[str, str]] = {}
        touched = facts.raw.get("touched")
        if not touched:
            return
        by_name: dict[str, list[Import]] = {}
        for item in facts.imports:
            for name in item.bindings:
                by_name.setdefault(name, []).append(item)
        events = frozenset(facts.events)
        for base, chains in touched.items():
            modules = [] if base in events or base in self._open else self._modules(file, by_name.get(base, ()), base)
            for chain in chains if modules else ():
                lacks = [self._lacking(module, chain) for module in modules]
                if all(lacks) and lacks[0] is not None:
                    taken, module, name = lacks[0]
                    wrong[f"{base}.{taken}"] = (module, name)
        if not wrong:
            return
        paths = frozenset(wrong)
        text = b"\0".join([self._text(self._files[file]), *sorted(path.encode() for path in paths)])
        uses = self._remembered("uses", text, lambda: {"uses": self._uses(file, self._tree(file, paths), {}, paths)})
        for _, chain, line, scope, when, caught in uses["uses"]:
            yield Absent(line, scope, when, caught, *wrong[chain])

    def needed_at_load(self, file: str, names: Collection[str], guard: int) -> Iterator[tuple[str, int]]:
        """Where loading a file surely reads names that it does not have: each with the line. ``guard``: the line of the
        statement that passes over the import's failure; what else stands in it is not reached.
        """
        tree = self._tree(file, names)
        for _, name, line, scope, when, caught in self._uses(file, tree, dict.fromkeys(names, ""), frozenset()):
            if not scope and when == ALWAYS and caught is None and not _in_guard(tree, guard, line):
                yield name, line

    def _tree(self, file: str, words: Collection[str]) -> ast.Module | None:
        """The syntax tree, as far as it holds the words."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return Sketch(self._text(self._files[file])).tree_holding([word.encode() for word in words])
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None  # of a newer Python than ours

    def _uses(
        self, file: str, tree: ast.Module | None, names: Mapping[str, str], paths: frozenset[str]
    ) -> list[list[Any]]:
        if tree is None:
            return []
        try:
            return Finder(tree, Conditions(self._python)).find({}, names, paths, text=self._text(self._files[file]))
        except RecursionError:
            return []

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
            whole = base != target.partition(".")[0] or "." not in target
            return self._resolver.module(target if whole else base)
        asked = next(name for name, new in item.names if (new or name) == base)
        return self._below(self._resolver.module(target), asked)

    def _below(self, package: Module, name: str) -> Module | None:
        """The module that a package means by a name; None if it means, or may mean, another thing by it."""
        key = (package.name, name)
        if key not in self._known:
            self._known[key] = self._meant(package, name)
        return self._known[key]

    def _meant(self, package: Module, name: str) -> Module | None:
        if package.real is not None and self._readable(f"{package.name}.{name}") is None:
            return None
        facts = self._bindings.facts_of(package)
        if facts is None:
            below = self._readable(f"{package.name}.{name}")
            return below if package.found is Found.NAMESPACE else None
        if name in facts.events or name in facts.raw.get("late", ()) or facts.dynamic:
            return None
        meant: set[str] = set()
        for item in facts.imports:
            if item.star:
                return None
            if name in item.bindings and item.binds:
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
        return None if module.found in (Found.STDLIB, Found.OTHER) and module.real is None else module

    def _lacking(self, module: Module, chain: str) -> tuple[str, str, str] | None:
        """The part of a dotted path up to what is not there, the module that lacks it, and its name."""
        key = (module.name, chain)
        if key not in self._lacks:
            self._lacks[key] = self._looked_up(module, chain)
        return self._lacks[key]

    def _mentions(self, module: Module, name: str) -> bool:
        """Whether the text of a module outside the package has the name, as no attribute of another thing."""
        text = self._text(module.real) if module.real is not None and module.real.suffix == ".py" else b""
        word = name.encode()
        at = text.find(word)
        while at >= 0:
            before, after = text[at - 1 : at] if at else b"", text[at + len(word) : at + len(word) + 1]
            if not (before in (b".", b"_") or after == b"_" or before.isalnum() or after.isalnum()):
                return True
            at = text.find(word, at + 1)
        return False

    def _looked_up(self, module: Module, chain: str) -> tuple[str, str, str] | None:
        parts = chain.split(".")
        for count, part in enumerate(parts, 1):
            if module.found in (Found.STDLIB, Found.OTHER) and module.real is None:
                return None
            if module.real is not None and self._mentions(module, part):
                return None  # bound there somehow: not worth reading a distribution's syntax tree for
            below = self._below(module, part)
            if below is not None:
                module = below
                continue
            above = self._resolver.module(module.name.rpartition(".")[0])
            shared = module.found is Found.NAMESPACE and above.file is None  # others may have a part in it
            told = part in self._set or part.startswith("__") or shared
            lacks = not told and self._bindings.has(module, part) is False
            return (".".join(parts[:count]), module.name, part) if lacks else None
        return None


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
