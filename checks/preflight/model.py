"""The words of preflight: what is shipped, what is wrong with it, and what it would do.

``Facts`` is the typed view of what a worker says of one file (``worker``, ``facts``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path

import msgspec

Version = tuple[int, int]


class Effect(StrEnum):
    """What a finding would do to the deployed package, worst first."""

    LOAD = "fails_at_load"
    RUN = "fails_when_run"
    DISABLES = "disables_feature"
    NEVER = "cannot_happen"

    def __init__(self, _value: str) -> None:
        self.rank = len(type(self).__members__)  # of those before it: 0 is worst


class Kind(StrEnum):
    """What is wrong."""

    MISSING_MODULE = "missing_module"
    NOT_SHIPPED = "not_shipped"
    UNDECLARED = "undeclared"
    MISSING_NAME = "missing_name"
    MISSING_ATTRIBUTE = "missing_attribute"
    WRONG_ARGUMENTS = "wrong_arguments"
    CIRCULAR = "circular_import"
    SYNTAX = "does_not_compile"
    UNDEFINED = "undefined_name"
    TYPING_ONLY = "typing_only_name"
    UNBOUND = "unbound_local"
    FORBIDDEN = "forbidden_import"
    MISSING_FILE = "missing_file"
    MISSING_TABLE = "missing_table"
    SMOKE = "import_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong. ``file`` is the path in the package, ``source`` the file on this disk.

    ``scope``: the function it stands in, dotted; empty at module level. ``reachable_by``: the way from the entry point,
    for people; None where there is none. ``symbol`` is the module, name or file that is not there.
    """

    file: str
    source: Path | None
    line: int
    symbol: str
    kind: Kind
    effect: Effect
    message: str
    scope: str = ""
    reachable_by: str | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """How a file is reached: the files in between, and the function on the way where there is one."""

    file: str
    before: Way | None = None
    scope: str = ""

    def ending(self, line: int, scope: str) -> str:
        """The way to a line and function of its last file: ``main.py -> tracker.py:288, inside record``."""
        text = replace(self, file=f"{self.file}:{line}").text()
        return f"{text}, inside {scope}" if scope else text

    def text(self) -> str:
        """``main.py -> a.py (inside load) -> b.py``."""
        parts: list[str] = []
        way: Way | None = self
        while way is not None:
            parts.append(way.file)
            if way.before is not None and way.scope:
                parts.append(f"inside {way.scope} ->")
            way = way.before
        words: list[str] = []
        for part in reversed(parts):
            if part.startswith("inside "):
                words[-1] += f" ({part.removesuffix(' ->')})"
            else:
                words.append(part)
        return " -> ".join(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Something that could not be judged, and why."""

    file: str
    line: int
    symbol: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What is shipped, as somebody described it.

    ``files`` maps each path in the package (posix, relative to its root) to the file on this disk. ``search`` are the
    folders in the package that are on ``sys.path``, ``entries`` the files that are run or imported first; without a
    known entry point (``entry_known`` false) any file may be. ``imported``: a server imports the entries, so that what
    stands under ``__name__ == "__main__"`` does not run; ``dotted``: they are loaded by their dotted names, and the
    packages above before them. ``handler``: what is called in the first entry; ``further``: what else is, where the
    same files are deployed under other names, and who does so. ``last``: the folders of ``search`` that come after the
    standard library and what is installed; ``compiled``: the build compiles every file, and fails with any of them.
    ``requirements`` are requirement lines with their origin, None where nothing was found that says what is installed.
    ``implied`` are distributions that the platform installs; ``besides``: why anything else may be installed as well.
    ``installed``: the package holds its own distributions, so that what is not in it is not there.
    ``base``: where it lies when it runs (buildpacks put it into /workspace).
    ``origins``: where its parts come from, a change there changes it; ``roots``: the trees that its symlinks lead into.
    ``filled``: where something is put of which nobody knows what it is, and what is to be said of it.
    ``problems`` are things that keep the package from being made as described, such as a symlink to nowhere.
    """

    name: str
    root: Path
    description: str
    files: Mapping[str, Path]
    entries: tuple[str, ...] = ()
    entry_known: bool = False
    imported: bool = False
    dotted: bool = False
    handler: str = ""
    further: tuple[tuple[str, str], ...] = ()
    search: tuple[str, ...] = ("",)
    last: tuple[str, ...] = ()
    compiled: bool = False
    requirements: tuple[tuple[str, str], ...] | None = None
    implied: tuple[str, ...] = ()
    besides: str = ""
    installed: bool = False
    python: Version | None = None
    python_from: str = ""
    base: str = "/workspace"
    origins: tuple[Path, ...] = ()
    roots: tuple[Path, ...] = ()
    filled: tuple[tuple[str, str], ...] = ()
    problems: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageReport:
    """What was found in one package, worst first; ``passed_over`` with the reason for it.

    ``ways``: how each file is reached, for those that are. ``ignores``: the comments of each file that pass over
    findings, as (line, kinds, reason).
    """

    package: Package
    python: Version
    findings: Sequence[Finding]
    unknown: Sequence[Unknown]
    ignores: Mapping[str, Sequence[Ignore]]
    ways: Mapping[str, Way]
    notes: Sequence[str] = ()
    passed_over: Sequence[tuple[Finding, str]] = ()


# What a comment passes over: its line, the kinds (none: all), the reason.
Ignore = tuple[int, tuple[str, ...], str]


_STAR = (("*", None),)


class Import(msgspec.Struct, array_like=True, frozen=True, eq=False, gc=False):
    """One import statement or call. ``names`` None: ``import module``; else ``((name, as), ...)``, ``*`` included.

    ``tries``: enclosing try statements of the same function, innermost first, as (index in ``Facts.tries``, part).
    ``binds``: it binds its names in the module. Two are never the same: each stands at its place.
    """

    line: int
    scope: str
    level: int
    module: str
    names: tuple[tuple[str, str | None], ...] | None
    bound: str
    tries: tuple[tuple[int, str], ...]
    when: str
    binds: bool

    @property
    def bindings(self) -> list[str]:
        """The names that it binds, without those of a star."""
        if self.names is None:
            return [self.bound]
        return [new or name for name, new in self.names if name != "*"]

    @property
    def star(self) -> bool:
        """``from module import *``."""
        return self.names == _STAR


class Try(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A try statement: ``catches`` is ``import`` (exactly import errors), ``broad`` or empty; ``outcome`` of its
    handler ``raise`` or ``silent``; ``binds`` the names it binds (with ``?`` before those it sets to nothing of use).
    """

    line: int
    catches: str
    outcome: str
    binds: tuple[str, ...]
    about_imports: bool


class Listed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A text that may be the name of a module, in a file that imports modules by name: see ``calls.listed``."""

    line: int
    text: str
    name: str
    within: int
    scope: str
    tries: tuple[tuple[int, str], ...]
    when: str


class Facts(msgspec.Struct, frozen=True, eq=False, dict=True):
    """What a file says, as the worker answered it (``facts``, ``worker``). What it does not say is empty.

    ``error``: line and message if the file does not compile; ``unread`` if the error is ours: the file could not be
    read, and nothing is known of it. ``tries``: the try statements that hold imports or might. ``events``: what happens
    when it is loaded, in order: a name is bound, ``-name`` deleted, an import (its index) runs. ``late``: names that
    its functions give it. ``typing``: names bound only under TYPE_CHECKING; ``computed``: it computes its names.
    ``exported``: ``__all__``, if it is there and literal, and ``all_open`` if that may not be all of it. ``sets``: the
    attributes of other modules that it assigns to. ``touched``: for each imported name the attributes asked of it.
    ``suspects``: names that are not there: kind, name, line, scope, when, the line that catches the error.
    ``fakes``: modules that it puts into ``sys.modules``; ``importer``: it does so in ways that cannot be read.
    ``paths``: see ``paths.additions``. ``builtins``: names that it adds to those. ``script``: it has a main part.
    ``answers``: names that its own ``__getattr__`` answers for, where they can be read; ``answering``: it has one that
    imports. ``listed``: texts that may be names of modules.
    """

    error: tuple[int, str] | None = None
    unread: bool = False
    imports: tuple[Import, ...] = ()
    tries: tuple[Try, ...] = ()
    events: tuple[str | int, ...] = ()
    late: tuple[str, ...] = ()
    typing: frozenset[str] = frozenset()
    computed: bool = msgspec.field(default=False, name="dynamic")
    exported: tuple[str, ...] | None = msgspec.field(default=None, name="all")
    all_open: bool = False
    sets: tuple[tuple[str, str], ...] = ()
    touched: Mapping[str, tuple[str, ...]] = {}
    suspects: tuple[tuple[str, str, int, str, str, int | None], ...] = ()
    fakes: tuple[str, ...] = ()
    importer: bool = False
    paths: tuple[tuple[int, int | None, str | None], ...] = ()
    builtins: tuple[str, ...] = ()
    script: bool = False
    answers: frozenset[str] = frozenset()
    answering: bool = False
    listed: tuple[Listed, ...] = ()
    ignores: tuple[Ignore, ...] = ()

    @cached_property
    def bound(self) -> frozenset[str]:
        """Names that it has once it is loaded, or that its functions give it, without those of star imports; those that
        its own ``__getattr__`` answers for.
        """
        if not self.late and not self.answers:
            return self.loaded
        return self.loaded.union(self.late, self.answers)

    @cached_property
    def loaded(self) -> frozenset[str]:
        """Names that it has once it is loaded."""
        names: set[str] = set()
        for event in self.events:
            if isinstance(event, int):
                if self.imports[event].binds:
                    names.update(self.imports[event].bindings)
            elif event[0] == "-":
                names.discard(event[1:])
            else:
                names.add(event)
        return frozenset(names)

    @cached_property
    def givers(self) -> Mapping[str, Sequence[Import]]:
        """For each name the imports that bind it, in order."""
        found: dict[str, list[Import]] = {}
        for item in self.imports:
            for name in item.bindings:
                found.setdefault(name, []).append(item)
        return found

    @cached_property
    def stars(self) -> tuple[Import, ...]:
        """Its star imports."""
        return tuple(item for item in self.imports if item.star)

    @property
    def dynamic(self) -> bool:
        """Its names cannot be told: it computes them, or answers for any."""
        return self.computed or (not self.answers and "__getattr__" in self.bound)


_DECODER = msgspec.json.Decoder(Facts)


def facts_from(answer: str | bytes) -> Facts:
    """The facts in a worker's answer.

    :raises ValueError: if it is none.
    """
    try:
        return _DECODER.decode(answer)
    except ValueError:  # half a surrogate pair in a string: only json reads that
        return msgspec.convert(json.loads(answer), Facts)
