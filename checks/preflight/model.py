"""The words of preflight: what is shipped, what is wrong with it, and what it would do.

``Facts`` is the typed view of what a worker says of one file (``worker``, ``facts``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

Version = tuple[int, int]


class Effect(StrEnum):
    """What a finding would do to the deployed package, worst first."""

    LOAD = "fails_at_load"
    RUN = "fails_when_run"
    DISABLES = "disables_feature"
    NEVER = "cannot_happen"

    @property
    def rank(self) -> int:
        """0 is worst."""
        return _RANKS[self]


_RANKS = {effect: rank for rank, effect in enumerate(Effect)}


class Kind(StrEnum):
    """What is wrong."""

    MISSING_MODULE = "missing_module"
    NOT_SHIPPED = "not_shipped"
    UNDECLARED = "undeclared"
    MISSING_NAME = "missing_name"
    MISSING_ATTRIBUTE = "missing_attribute"
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


# As the program, by ``python -m`` (the ``__init__`` of its packages is loaded before), or imported, so that its part
# under ``if __name__ == "__main__"`` does not run.
EntryAs = Literal["script", "module", "import"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What is shipped, as somebody described it.

    ``files`` maps each path in the package (posix, relative to its root) to the file on this disk. ``search`` are the
    folders in the package that are on ``sys.path``, ``entries`` the files that are run or imported first; without a
    known entry point (``entry_known`` false) any file may be. ``handler``: what is called in the first entry.
    ``entry_as``: how the entries are loaded; ``program``: the module of the server that does it, with the file and the
    line that say so.
    ``requirements`` are requirement lines with their origin, None where nothing was found that says what is installed.
    ``implied`` are distributions that the platform installs.
    ``installed``: the package holds its own distributions, so that what is not in it is not there.
    ``origins``: where its parts come from, a change there changes it; ``roots``: the trees that its symlinks lead into.
    ``problems`` are things that keep the package from being made as described, such as a symlink to nowhere.
    """

    name: str
    root: Path
    description: str
    files: Mapping[str, Path]
    entries: tuple[str, ...] = ()
    entry_known: bool = False
    entry_as: EntryAs = "script"
    handler: str = ""
    program: tuple[str, Path, int] | None = None
    search: tuple[str, ...] = ("",)
    requirements: tuple[tuple[str, str], ...] | None = None
    implied: tuple[str, ...] = ()
    installed: bool = False
    python: Version | None = None
    python_from: str = ""
    origins: tuple[Path, ...] = ()
    roots: tuple[Path, ...] = ()
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
    ignores: Mapping[str, Sequence[Sequence[Any]]]
    ways: Mapping[str, Way]
    notes: Sequence[str] = ()
    passed_over: Sequence[tuple[Finding, str]] = ()


class Import(NamedTuple):
    """One import statement or call. ``names`` None: ``import module``; else ``[(name, as), ...]``, ``*`` included.

    ``tries``: enclosing try statements of the same function, innermost first, as (index in ``Facts.tries``, part).
    ``binds``: it binds its names in the module.
    """

    line: int
    scope: str
    level: int
    module: str
    names: Sequence[Sequence[Any]] | None
    bound: str
    tries: Sequence[Sequence[Any]]
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
        return self.names is not None and any(name == "*" for name, _ in self.names)


@dataclass(frozen=True, slots=True)
class Try:
    """A try statement: ``catches`` is ``import`` (exactly import errors), ``broad`` or empty; ``outcome`` of its
    handler ``raise`` or ``silent``; ``binds`` the names it binds (with ``?`` before those it sets to nothing of use).
    """

    line: int
    catches: str
    outcome: str
    binds: Sequence[str]
    about_imports: bool


@dataclass(frozen=True)
class Facts:
    """What a file says, as the worker answered it."""

    raw: Mapping[str, Any] = field(repr=False)

    @property
    def error(self) -> tuple[int, str] | None:
        """Line and message if the file does not compile."""
        error = self.raw.get("error")
        return None if error is None else (error[0], error[1])

    @property
    def unread(self) -> bool:
        """The error is ours: the file could not be read, and nothing is known of it."""
        return bool(self.raw.get("unread"))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Its imports, in the order of the text."""
        return tuple(Import(*item) for item in self.raw.get("imports", ()))

    @cached_property
    def tries(self) -> tuple[Try, ...]:
        """Its try statements that hold imports or might."""
        return tuple(Try(*item) for item in self.raw.get("tries", ()))

    @property
    def events(self) -> Sequence[str | int]:
        """What happens when it is loaded, in order: a name is bound, ``-name`` deleted, an import (its index) runs."""
        events: Sequence[str | int] = self.raw.get("events", ())
        return events

    @cached_property
    def bound(self) -> frozenset[str]:
        """Names that it has once it is loaded, or that its functions give it, without those of star imports."""
        names: set[str] = set()
        for event in self.events:
            if isinstance(event, int):
                names.update(self.imports[event].bindings if self.imports[event].binds else ())
            elif event.startswith("-"):
                names.discard(event[1:])
            else:
                names.add(event)
        return frozenset(names | set(self.raw.get("late", ())))

    @property
    def typing(self) -> frozenset[str]:
        """Names bound only under TYPE_CHECKING."""
        return frozenset(self.raw.get("typing", ()))

    @property
    def dynamic(self) -> bool:
        """Its names cannot be told: it computes them, or answers for any."""
        return bool(self.raw.get("dynamic")) or "__getattr__" in self.bound

    @property
    def exported(self) -> Sequence[str] | None:
        """``__all__``, if it is there and literal."""
        exported: Sequence[str] | None = self.raw.get("all")
        return exported
