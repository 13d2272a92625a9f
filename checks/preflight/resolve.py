"""Which file an import means, told from directory listings: nothing is imported, not even parents.

The order is Python's: what the package has on its search path (a folder without ``__init__`` only if nothing else has
the name), the standard library of the target, what is installed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from checks.preflight import stdlib
from checks.preflight.model import Version
from checks.preflight.provided import Provided

_MADE = "made by the code itself"
_SMALL = 6  # files in the folder of a package that does nothing else
_EXTENSIONS = (".so", ".pyd", ".abi3.so")


class Found(Enum):
    """What a module name leads to."""

    FILE = "file"
    PACKAGE = "package"
    NAMESPACE = "namespace"
    EXTENSION = "extension"
    STDLIB = "stdlib"
    OTHER = "other"  # a distribution's, or one that the code makes itself
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """The answer for one dotted name.

    ``file`` is the path in the package, or the path on this disk for a module of the standard library or of an
    environment (``real``). ``missing`` is the first part of the name that is not there, ``top`` whether that is a
    top-level name that the package knows nothing of.
    """

    found: Found
    name: str
    file: str | None = None
    real: Path | None = None
    folders: tuple[str, ...] = ()
    missing: str = ""
    reason: str = ""


class Environment:
    """Installed packages in folders on this disk, in the order of the search path."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = [folder for folder in folders if folder.is_dir()]

    def find(self, name: str) -> Module | None:
        """The module as it is installed; None if its top-level name is not."""
        parts = name.split(".")
        folders = self.folders
        for count, part in enumerate(parts, 1):
            here = ".".join(parts[:count])
            spaces = []
            hit: Module | None = None
            for folder in folders:
                names = _listing(folder)
                if part in names and (folder / part / "__init__.py").is_file():
                    hit = Module(found=Found.PACKAGE, name=here, real=folder / part / "__init__.py")
                    folders = [folder / part]
                    break
                if f"{part}.py" in names:
                    hit = Module(found=Found.FILE, name=here, real=folder / f"{part}.py")
                    folders = []
                    break
                if any(n.startswith(f"{part}.") and n.endswith(_EXTENSIONS) for n in names):
                    hit = Module(found=Found.EXTENSION, name=here)
                    folders = []
                    break
                if part in names and (folder / part).is_dir():
                    spaces.append(folder / part)
            if hit is None and not spaces:
                return None if count == 1 else Module(found=Found.MISSING, name=name, missing=here)
            if hit is None:
                hit = Module(found=Found.NAMESPACE, name=here)
                folders = spaces
            if hit.found is Found.EXTENSION and count < len(parts):
                return Module(found=Found.OTHER, name=name)
        return hit


@cache
def makes_modules(file: Path) -> bool:
    """Whether an installed module makes others that are in no folder (as ``six`` makes ``six.moves``)."""
    try:
        text = file.read_bytes()
    except OSError:
        return True
    return b"sys.modules" in text or b"meta_path" in text or b"__path__" in text or finds_names(file)


@cache
def finds_names(file: Path) -> bool:
    """Whether an installed package is a loader for another's names and modules, as ``tlz`` is."""
    if file.name != "__init__.py" or len(_listing(file.parent)) > _SMALL:
        return False
    try:
        return any(b"meta_path" in other.read_bytes() for other in file.parent.glob("_*.py"))
    except OSError:
        return True


@cache
def _listing(folder: Path) -> frozenset[str]:
    try:
        return frozenset(item.name for item in folder.iterdir())
    except OSError:
        return frozenset()


class Resolver:
    """Resolves names for one package."""

    def __init__(
        self,
        files: Collection[str],
        search: Sequence[str],
        python: Version,
        *,
        provided: Provided | None,
        environment: Environment | None,
        complete: bool = False,
        library: Path | None = None,
        made: Collection[str] = (),
        importers: Collection[str] = (),
    ) -> None:
        """``complete``: what is not in the package is nowhere. ``made``: modules that the code puts into
        ``sys.modules``. ``importers``: files that make modules below their own name in ways that cannot be read.
        """
        self._files = frozenset(files)
        self._folders = _folders(files)
        self._names = _children(files)
        self.search = tuple(search)
        self._deepest_first = sorted(self.search, key=len, reverse=True)
        self._own_names: dict[str, str | None] = {}
        self._python = python
        self._provided = provided
        self._environment = environment
        self._complete = complete
        self._library = Environment([library]) if library is not None else None
        self._made = frozenset(made)
        self._importers = frozenset(importers)
        self._known: dict[str, Module] = {}

    def module(self, name: str) -> Module:
        """What the name leads to."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._resolve(name)
        return known

    def owns(self, name: str) -> bool:
        """Whether the top of a dotted name lies in the package."""
        top = self.module(name.partition(".")[0])
        return top.file is not None or bool(top.folders)

    def name_of(self, file: str) -> str | None:
        """The dotted name under which a file of the package is imported; None if it cannot be."""
        if file not in self._own_names:
            self._own_names[file] = self._name_of(file)
        return self._own_names[file]

    def _name_of(self, file: str) -> str | None:
        # A package that is on the path itself (for its tests, mostly) is imported by its own name all the same.
        plain = [folder for folder in self._deepest_first if f"{folder}/__init__.py" not in self._files]
        for folder in (*plain, *self._deepest_first):
            if folder and not file.startswith(folder + "/"):
                continue
            parts = file[len(folder) + 1 if folder else 0 :].removesuffix(".py").split("/")
            if parts[-1] == "__init__" and len(parts) > 1:
                parts.pop()
            if all(part.isidentifier() for part in parts):
                return ".".join(parts)
        return None

    def _resolve(self, name: str) -> Module:
        if name in self._made:
            return Module(found=Found.OTHER, name=name, reason=_MADE)
        parent, _, tail = name.rpartition(".")
        if not parent:
            return self._top(name)
        above = self.module(parent)
        if above.found in (Found.MISSING, Found.UNKNOWN):
            return Module(found=above.found, name=name, missing=above.missing, reason=above.reason)
        if above.found in (Found.STDLIB, Found.OTHER):
            return self._outside(name, above)
        here = self._in(above.folders, name, tail)
        if here is not None:
            return here
        if above.found is Found.EXTENSION or above.file in self._importers:
            return Module(found=Found.OTHER, name=name, reason=_MADE)
        if above.found is Found.FILE:
            return Module(found=Found.MISSING, name=name, missing=name, reason=f"{parent!r} is not a package")
        if above.found is Found.NAMESPACE:
            other = self._elsewhere(name)
            if other is not None:
                return other
        return Module(found=Found.MISSING, name=name, missing=name)

    def _in(self, folders: Sequence[str], name: str, part: str) -> Module | None:
        spaces = []
        for folder in folders:
            base = posixpath.join(folder, part)
            init = f"{base}/__init__.py"
            if init in self._files:
                return Module(found=Found.PACKAGE, name=name, file=init, folders=(base,))
            if f"{base}.py" in self._files:
                return Module(found=Found.FILE, name=name, file=f"{base}.py")
            if any(
                n.startswith(f"{part}.") and n.endswith((*_EXTENSIONS, ".pyc")) for n in self._names.get(folder, ())
            ):
                return Module(found=Found.EXTENSION, name=name)
            if base in self._folders:
                spaces.append(base)
        return Module(found=Found.NAMESPACE, name=name, folders=tuple(spaces)) if spaces else None

    def _top(self, name: str) -> Module:
        here = self._in(self.search, name, name)
        if here is not None and here.found is not Found.NAMESPACE:
            return here
        if name in stdlib.modules(self._python):
            return self._of_library(name)
        other = self._elsewhere(name)
        if here is not None and (other is None or other.found in (Found.NAMESPACE, Found.UNKNOWN)):
            return here  # what is installed below the same name is looked for where the package has nothing
        if other is not None:
            return other
        return here or Module(found=Found.MISSING, name=name, missing=name)

    def _of_library(self, name: str) -> Module:
        found = self._library.find(name) if self._library is not None else None
        if found is None or found.found is Found.MISSING:
            return Module(found=Found.STDLIB, name=name)
        return Module(found=Found.STDLIB, name=name, real=found.real)

    def _outside(self, name: str, above: Module) -> Module:
        """A module below one of the standard library or of a distribution."""
        if above.found is Found.STDLIB:
            if self._library is None or above.real is None or name == "os.path":
                return Module(found=Found.STDLIB, name=name)
            found = self._library.find(name)
            if found is not None and found.found is not Found.MISSING:
                return Module(found=Found.STDLIB, name=name, real=found.real)
            return Module(found=Found.MISSING, name=name, missing=name)
        if above.reason == _MADE:
            return Module(found=Found.OTHER, name=name, reason=_MADE)
        if above.real is not None and makes_modules(above.real):
            return Module(found=Found.OTHER, name=name)
        return self._elsewhere(name) or Module(found=Found.MISSING, name=name, missing=name)

    def _elsewhere(self, name: str) -> Module | None:
        """What is installed beside the package; None for certain absence."""
        if self._environment is not None:
            found = self._environment.find(name)
            if found is None or found.found is Found.MISSING:
                return None
            space = found.found is Found.NAMESPACE
            return Module(found=Found.NAMESPACE if space else Found.OTHER, name=name, real=found.real)
        if self._complete:
            return None
        if self._provided is None:
            return Module(
                found=Found.UNKNOWN, name=name, reason="nothing says what is installed: no requirements found"
            )
        if self._provided.has(name):
            return Module(found=Found.OTHER, name=name)
        return Module(found=Found.NAMESPACE, name=name) if self._provided.below(name) else None


def _folders(files: Collection[str]) -> frozenset[str]:
    """Every folder that holds Python code, at any depth."""
    found: set[str] = set()
    for file in files:
        if file.endswith((".py", *_EXTENSIONS)):
            folder = posixpath.dirname(file)
            while folder and folder not in found:
                found.add(folder)
                folder = posixpath.dirname(folder)
    return frozenset(found)


def _children(files: Collection[str]) -> Mapping[str, frozenset[str]]:
    """For each folder with compiled modules their file names."""
    found: dict[str, set[str]] = {}
    for file in files:
        if file.endswith((*_EXTENSIONS, ".pyc")) and "__pycache__" not in file:
            found.setdefault(posixpath.dirname(file), set()).add(posixpath.basename(file))
    return {folder: frozenset(names) for folder, names in found.items()}
