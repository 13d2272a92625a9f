"""Calls of the package's own functions with what they do not take, as a changed signature leaves them behind.

Told only of plain functions at the margin of a module, defined once and not decorated, whose name nobody gives another
meaning. What the text suggests is looked up in the syntax tree, where scopes and circumstances show (``names``).
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from checks.preflight.attributes import Texts
from checks.preflight.bindings import Bindings
from checks.preflight.cache import Answer
from checks.preflight.digests import digest_of
from checks.preflight.imports import Imports
from checks.preflight.model import Facts, Import, Version
from checks.preflight.resolve import Found, Resolver
from checks.preflight.signatures import Signature, calls, given_by, misfit, signatures

_MOST_HOPS = 5  # from a name to the function, over modules that hand it on
_Told = tuple[str, str, int, str, str, int | None]  # see ``names.Finder.find``


class Called(NamedTuple):
    """A function of the package: its file, its name, and what it takes."""

    file: str
    name: str
    signature: Signature


class Misfit(NamedTuple):
    """A call that fails. ``when`` and ``caught`` as in ``names.Finder.find``."""

    line: int
    scope: str
    when: str
    caught: int | None
    symbol: str
    message: str


class Arguments:
    """Judges the calls in the files of one package."""

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
    ) -> None:
        self._facts = facts
        self._resolver = resolver
        self._bindings = bindings
        self._imports = imports
        self._python = python
        self._files = files
        self._texts = texts
        self._signatures: dict[str, Mapping[str, Signature]] = {}
        self._functions: dict[tuple[str, str], Called | None] = {}
        self._bound: dict[str, Collection[str]] = {}

    def wrong(self, files: Sequence[str]) -> Iterator[tuple[str, Misfit]]:
        """The calls in some files that fail."""
        self._texts.those_remembered([self._key(file) for file in self._facts])
        asked = {file: known for file in files if (known := self._callable(file))}
        keys = {file: self._asked(file, known) for file, known in asked.items()}
        self._texts.those_remembered(keys.values())
        for file, known in asked.items():
            found = self._kept(keys[file], partial(self._looked_up, file, known), list[_Told])
            for path, told, line, scope, when, caught in found:
                called = known[path]
                symbol = f"{self._imports.module_of(called.file)}.{called.name}"
                message = f"{called.name}() {told}; it is defined at {called.file}:{called.signature.line}"
                yield file, Misfit(line, scope, when, caught, symbol, message)

    def _kept(self, key: str, make: Callable[[], Any], kind: type[Answer]) -> Answer:
        """What follows from some text; made anew if what is kept is something else."""
        with suppress(ValueError):
            return msgspec.convert(self._texts.remembered(key, make, json.loads), kind)
        return msgspec.convert(make(), kind)

    def _key(self, file: str) -> str:
        return f"signatures-{self._texts.digest(self._files[file])}"

    def _asked(self, file: str, known: Mapping[str, Called]) -> str:
        taken = repr([(path, called.signature) for path, called in known.items()])
        return f"calls-{self._texts.digest(self._files[file])} {digest_of(taken.encode())}"

    def _looked_up(self, file: str, known: Mapping[str, Called]) -> list[list[Any]]:
        text = self._texts.text(self._files[file])
        suspects = {
            path: called
            for path, called in known.items()
            if any(misfit(called.signature, given) for given in calls(text, path.encode()))
        }
        if not suspects:
            return []
        from checks.preflight.uses import tree_of, uses  # most often nothing is suspected

        def judged(signature: Signature, call: ast.Call) -> str:
            return misfit(signature, given_by(call))

        asked = {path: partial(judged, called.signature) for path, called in suspects.items()}
        return uses(text, tree_of(text, suspects), self._python, calls=asked)

    # -- which function a name means -----------------------------------------------------------------------------------

    def _callable(self, file: str) -> dict[str, Called]:
        """The functions that a file may call, by the names or dotted paths under which it knows them."""
        facts = self._facts[file]
        own = self._defined(file)
        known = {name: Called(file, name, signature) for name, signature in own.items() if self._only(file, name)}
        for name, items in facts.givers.items():
            if name in self._names(file):
                continue
            called = self._same([self._given(file, item, name) for item in items])
            if called is not None:
                known[name] = called
            for chain in facts.touched.get(name, ()):
                below = self._same([self._below(file, item, name, chain) for item in items])
                if below is not None:
                    known[f"{name}.{chain}"] = below
        return known

    @staticmethod
    def _same(found: Sequence[Called | None]) -> Called | None:
        return found[0] if found.count(found[0]) == len(found) else None

    def _given(self, file: str, item: Import, name: str) -> Called | None:
        """The function that an import binds to a name."""
        target = self._imports.target(file, item)
        if target is None or item.names is None:
            return None
        asked = next(old for old, new in item.names if (new or old) == name)
        return self._function(target, asked)

    def _below(self, file: str, item: Import, name: str, chain: str) -> Called | None:
        """The function that a dotted path means, behind the name of an imported module."""
        target = self._imports.target(file, item)
        if target is None:
            return None
        if item.names is not None:
            asked = next(old for old, new in item.names if (new or old) == name)
            package = self._resolver.module(target).file
            if package is not None and asked in self._names(package):
                return None
            target = f"{target}.{asked}"
        elif name == target.partition(".")[0]:
            target = name
        *between, function = chain.split(".")
        for part in between:
            package = self._resolver.module(target).file
            if package is not None and part in self._names(package):
                return None
            target = f"{target}.{part}"
        return self._function(target, function)

    def _function(self, module: str, name: str, hops: int = 0) -> Called | None:
        """The function that a module of the package has under a name, its own or one that it hands on."""
        if (module, name) not in self._functions:
            self._functions[module, name] = self._sought(module, name, hops)
        return self._functions[module, name]

    def _sought(self, module: str, name: str, hops: int) -> Called | None:
        found = self._resolver.module(module)
        file = found.file
        if file is None or found.found not in (Found.FILE, Found.PACKAGE) or hops > _MOST_HOPS:
            return None
        signature = self._defined(file).get(name)
        if signature is not None:
            return Called(file, name, signature) if self._only(file, name) else None
        items = self._facts[file].givers.get(name, ())
        if len(items) != 1 or not items[0].binds or name in self._names(file) or items[0].names is None:
            return None
        target = self._imports.target(file, items[0])
        asked = next(old for old, new in items[0].names if (new or old) == name)
        return self._function(target, asked, hops + 1) if target is not None else None

    def _defined(self, file: str) -> Mapping[str, Signature]:
        """The functions that a file defines, with what they take."""
        if file not in self._signatures:
            path = self._files[file]
            text = self._texts.text
            self._signatures[file] = self._kept(self._key(file), lambda: signatures(text(path)), dict[str, Signature])
        return self._signatures[file]

    def _only(self, file: str, name: str) -> bool:
        """Whether a file's function is all that its name ever means."""
        facts = self._facts[file]
        return (
            facts.events.count(name) == 1
            and f"-{name}" not in facts.events
            and name not in facts.late
            and name not in facts.givers
            and not self._bindings.set_from_outside(self._imports.module_of(file), name)
        )

    def _names(self, file: str) -> Collection[str]:
        """Names that a file binds by other means than imports."""
        if file not in self._bound:
            facts = self._facts[file]
            self._bound[file] = {event for event in facts.events if isinstance(event, str)}.union(facts.late)
        return self._bound[file]
