"""What import statements mean: the module that one asks for, and the files of the package that it loads. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from checks.preflight.bindings import absolute
from checks.preflight.listed import Lazy
from checks.preflight.model import Facts, Import
from checks.preflight.resolve import Found, Module, Resolver

Names = tuple[tuple[str, str | None], ...] | None  # of an import: see ``Import``


class Asked(msgspec.Struct, frozen=True, eq=False):
    """What a statement asks for, wherever it stands: most are written in many files. ``target`` is the module's
    absolute name, ``home`` its file in the package. If it is the package's ``own``, ``files`` are loaded, in order;
    ``module`` is the one that a ``from`` takes names of, and ``submodules`` the files of those names that are modules
    (empty for one without Python text); ``targets`` are all of these files. ``lazy``: one of its modules imports more
    for some of its names.
    """

    target: str
    names: Names
    home: str | None
    own: bool = False
    files: tuple[str, ...] = ()
    module: str | None = None
    submodules: Mapping[str, str] = {}
    targets: tuple[str, ...] = ()
    lazy: bool = False


class _Place(NamedTuple):
    """Where a file lies. ``package``: relative imports start from it. ``named``: the file has a dotted name of its own;
    without one it is found by a search path that the code sets. ``program``: its folder is no package, which may hold
    programs, or it is one; what lies beside it is found.
    """

    package: str
    named: bool
    program: bool


class Statements:
    """Answers for the import statements of one package."""

    def __init__(self, facts: Mapping[str, Facts], resolver: Resolver) -> None:
        self._facts = facts
        self._resolver = resolver
        self.lazy = Lazy(facts)
        self._places: dict[str, _Place] = {}
        self._asks: dict[tuple[str, Names], Asked] = {}
        self._of_file: dict[str, Sequence[Asked | None]] = {}
        self._owned: dict[str, bool] = {}
        self._chains: dict[str, tuple[str, ...]] = {}

    def module_of(self, file: str) -> str:
        """The dotted name of a file; empty if it has none."""
        return self._resolver.name_of(file) or ""

    def module(self, file: str) -> Module:
        """The module that a file of the package is."""
        return self._resolver.module(self.module_of(file))

    def package_of(self, file: str) -> str:
        """The package that relative imports of a file start from; empty at the top."""
        return self.place(file).package

    def place(self, file: str) -> _Place:
        """Where a file lies."""
        place = self._places.get(file)
        if place is None:
            name = self.module_of(file)
            folder = posixpath.dirname(file)
            init = f"{folder}/__init__.py" in self._facts
            place = self._places[file] = _Place(
                package=name if file.endswith("/__init__.py") else name.rpartition(".")[0],
                named=self._resolver.module(name).file == file,
                program=bool(folder) and (not init or self._facts[file].script),
            )
        return place

    def target(self, file: str, item: Import) -> str | None:
        """The absolute name of the module that is asked for; None beyond the top."""
        place = self.place(file)
        if item.level:
            return absolute(place.package, item)
        return self._beside(file, item.module) if place.program else item.module

    def _beside(self, file: str, name: str) -> str:
        """A module that lies beside a program is found there."""
        folder = posixpath.dirname(file)
        top = name.partition(".")[0]
        if file == f"{folder}/{top}.py" or not (
            f"{folder}/{top}.py" in self._facts or f"{folder}/{top}/__init__.py" in self._facts
        ):
            return name
        if self._resolver.module(top).found not in (Found.MISSING, Found.UNKNOWN):
            return name
        inside = self._resolver.name_of(f"{folder}/{top}.py")
        return name if inside is None else f"{inside}{name[len(top) :]}"

    def asked(self, file: str) -> Sequence[Asked | None]:
        """What each import of a file asks for, if it runs; None for one beyond the top."""
        asked = self._of_file.get(file)
        if asked is None:
            inside = not self.place(file).program
            asked = self._of_file[file] = [
                self.meant(item.module if inside and not item.level else self.target(file, item), item.names)
                for item in self._facts[file].imports
            ]
        return asked

    def meant(self, target: str | None, names: Names) -> Asked | None:
        """What a statement asks for by such a target and names."""
        if target is None:
            return None
        asked = self._asks.get((target, names))
        if asked is None:
            asked = self._asks[target, names] = self._looked_up(target, names)
        return asked

    def _looked_up(self, target: str, names: Names) -> Asked:
        module = self._resolver.module(target)
        if not target or not self.own(target):
            return Asked(target, names, module.file)
        submodules = {}
        for name, _ in names or ():
            if self._resolver.may_hold(module, name):
                below = self._resolver.module(f"{target}.{name}")
                if below.found not in (Found.MISSING, Found.UNKNOWN):
                    submodules[name] = below.file or ""
        lazily = [file for name, _ in names or () for file in self.lazily(module.file, name)] if self.lazy else ()
        files = (*self.chain(target), *lazily)
        targets = (*files, *filter(None, submodules.values()))
        return Asked(
            target=target,
            names=names,
            home=module.file,
            own=True,
            files=files,
            module=None if names is None else module.file,
            submodules=submodules,
            targets=tuple(dict.fromkeys(targets)),
            lazy=any(file in self.lazy for file in (module.file, *submodules.values())),
        )

    def lazily(self, file: str | None, name: str) -> Iterator[str]:
        """The files that a module's own ``__getattr__`` loads for one of its names."""
        for item in self.lazy.imports(file, name):
            yield from self.chain(self.target(file or "", item) or "")

    def own(self, target: str) -> bool:
        """Whether the top of a dotted name lies in the package."""
        owned = self._owned.get(target)
        if owned is None:
            top = self._resolver.module(target.partition(".")[0])
            owned = self._owned[target] = top.file is not None or bool(top.folders)
        return owned

    def chain(self, target: str) -> tuple[str, ...]:
        """The files that importing a module loads: of the packages above it, and its own."""
        chain = self._chains.get(target)
        if chain is None:
            above = self.chain(target.rpartition(".")[0]) if "." in target else ()
            file = self._resolver.module(target).file
            chain = self._chains[target] = above if file is None else (*above, file)
        return chain
