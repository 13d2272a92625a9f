"""Which file an import means, told from directory listings: nothing is imported, not even parents.

The order is Python's: what the package has on its search path (a folder without ``__init__`` only if nothing else has
the name), the standard library of the target, what is installed; where a server puts the package's folders last, these.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from functools import cache
from pathlib import Path

import msgspec

from checks.preflight import stdlib
from checks.preflight.model import Version
from checks.preflight.provided import Provided, is_provided

NOTHING_SAID = "nothing says what is installed: no requirements found"
_MADE = "made by the code itself"
_SMALL = 6  # files in the folder of a package that does nothing else
_EXTENSIONS = (".so", ".pyd", ".abi3.so")
# Found before anything on the path: compiled or frozen into CPython 3.11 and newer, or loaded when it starts.
_FIRST = frozenset(
    (
        *("atexit", "builtins", "errno", "faulthandler", "gc", "itertools", "marshal", "posix", "pwd", "sys", "time"),
        *("_signal", "_thread", "abc", "codecs", "encodings", "genericpath", "io", "ntpath", "os", "posixpath"),
        *("runpy", "site", "stat", "zipimport"),
    )
)


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


class Module(msgspec.Struct, frozen=True, kw_only=True):
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
        self._known: dict[str, tuple[Module | None, Sequence[Path]]] = {}

    def find(self, name: str) -> Module | None:
        """The module as it is installed; None if its top-level name is not."""
        return self._look(name)[0]

    def _look(self, name: str) -> tuple[Module | None, Sequence[Path]]:
        """The module, and the folders in which those below it lie."""
        known = self._known.get(name)
        if known is None:
            parent, _, part = name.rpartition(".")
            known = self._known[name] = (
                self._below(parent, name, part) if parent else self._in(self.folders, name, part)
            )
        return known

    def _below(self, parent: str, name: str, part: str) -> tuple[Module | None, Sequence[Path]]:
        above, folders = self._look(parent)
        if above is None:
            return None, ()
        if above.found in (Found.EXTENSION, Found.OTHER):
            return Module(found=Found.OTHER, name=name), ()
        if above.found is Found.MISSING:
            return Module(found=Found.MISSING, name=name, missing=above.missing), ()
        found = self._in(folders, name, part)
        return found if found[0] is not None else (Module(found=Found.MISSING, name=name, missing=name), ())

    @staticmethod
    def _in(folders: Sequence[Path], name: str, part: str) -> tuple[Module | None, Sequence[Path]]:
        spaces = []
        for folder in folders:
            names = _listing(folder)
            if part in names and (folder / part / "__init__.py").is_file():
                return Module(found=Found.PACKAGE, name=name, real=folder / part / "__init__.py"), [folder / part]
            if f"{part}.py" in names:
                return Module(found=Found.FILE, name=name, real=folder / f"{part}.py"), ()
            if any(n.startswith(f"{part}.") and n.endswith(_EXTENSIONS) for n in names):
                return Module(found=Found.EXTENSION, name=name), ()
            if part in names and (folder / part).is_dir():
                spaces.append(folder / part)
        return (Module(found=Found.NAMESPACE, name=name), spaces) if spaces else (None, ())


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
        filled: Sequence[tuple[str, str]] = (),
        last: Collection[str] = (),
    ) -> None:
        """``complete``: what is not in the package is nowhere. ``made``: modules that the code puts into
        ``sys.modules``. ``importers``: files that make modules below their own name in ways that cannot be read.
        ``filled``, ``last``: see ``Package``.
        """
        self._files = frozenset(files)
        self._folders = _folders(files)
        self._names = _children(files)
        self._inside = _inside(self._files, self._folders)
        self.search = tuple(search)
        self._ahead = tuple(folder for folder in search if folder not in last)
        self._deepest_first = sorted(self.search, key=len, reverse=True)
        self._own_names: dict[str, str | None] = {}
        self._python = python
        self._provided = provided
        self._environment = environment
        self._complete = complete
        self._library = Environment([library]) if library is not None else None
        self._made = frozenset(made)
        self._importers = frozenset(importers)
        self._filled = filled
        self._known: dict[str, Module] = {}

    def module(self, name: str) -> Module:
        """What the name leads to."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._resolve(name)
            if known.found is Found.MISSING and self._filled and (reason := self.filled_with(name)):
                known = self._known[name] = Module(found=Found.UNKNOWN, name=name, reason=reason)
        return known

    def filled_with(self, name: str) -> str:
        """What is to be said of the place where a module would lie, if something unknown is put there; empty if not."""
        paths = [posixpath.join(folder, name.replace(".", "/")) for folder in self.search]
        return next(
            (said for place, said in self._filled for path in paths if not place or f"{path}/".startswith(f"{place}/")),
            "",
        )

    def may_hold(self, module: Module, name: str) -> bool:
        """Whether there may be a module of that name below one of the package: most names are those of other things."""
        if module.found not in (Found.FILE, Found.PACKAGE) or module.file in self._importers:
            return True
        for folder in module.folders:
            if name in self._inside.get(folder, ()):
                return True
        return bool(self._made) and f"{module.name}.{name}" in self._made

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
            # A folder of the package without ``__init__.py`` is nobody else's, however little is known of others.
            own = bool(above.folders) and not is_provided(name.partition(".")[0])
            if other is not None and not (other.found is Found.UNKNOWN and own):
                return other
        return Module(found=Found.MISSING, name=name, missing=name)

    def _in(self, folders: Sequence[str], name: str, part: str) -> Module | None:
        spaces = []
        for folder in folders:
            base = f"{folder}/{part}" if folder else part
            holds_code = base in self._folders
            if holds_code and f"{base}/__init__.py" in self._files:
                return Module(found=Found.PACKAGE, name=name, file=f"{base}/__init__.py", folders=(base,))
            if f"{base}.py" in self._files:
                return Module(found=Found.FILE, name=name, file=f"{base}.py")
            compiled = self._names.get(folder, ())
            if compiled and any(n.startswith(f"{part}.") and n.endswith((*_EXTENSIONS, ".pyc")) for n in compiled):
                return Module(found=Found.EXTENSION, name=name)
            if holds_code:
                spaces.append(base)
        return Module(found=Found.NAMESPACE, name=name, folders=tuple(spaces)) if spaces else None

    def _top(self, name: str) -> Module:
        here = self._in(self.search, name, name) if name not in _FIRST else None
        late = here is not None and self._in(self._ahead, name, name) is None
        if here is not None and here.found is not Found.NAMESPACE and not late:
            return here
        if name in stdlib.modules(self._python):
            return self._of_library(name)
        if here is not None and here.found is not Found.NAMESPACE and not self._surely_elsewhere(name):
            return here
        other = self._elsewhere(name)
        if here is not None and (other is None or other.found in (Found.NAMESPACE, Found.UNKNOWN)):
            return here  # what is installed below the same name is looked for where the package has nothing
        if other is not None:
            return other
        return here or Module(found=Found.MISSING, name=name, missing=name)

    def _surely_elsewhere(self, name: str) -> bool:
        """Whether something installed has a module of that name, by more than the name of a distribution."""
        if self._environment is not None:
            return self._environment.find(name) is not None
        return self._provided is not None and name in self._provided.modules

    def passed_over(self, name: str) -> str:
        """The file of the package that a top-level name does not lead to, as another module of the name comes before;
        empty if there is none.
        """
        here = self._in(self.search, name, name)
        if here is None or here.file is None or name in self._made or self._in(self._ahead, name, name) is not None:
            return ""
        return here.file if here.file != self.module(name).file else ""

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
            return Module(found=Found.UNKNOWN, name=name, reason=NOTHING_SAID)
        if self._provided.has(name):
            return Module(found=Found.OTHER, name=name)
        if self._provided.below(name):
            return Module(found=Found.NAMESPACE, name=name)
        reason = self._provided.besides
        return Module(found=Found.UNKNOWN, name=name, reason=reason) if reason else None


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


def _inside(files: Collection[str], folders: Collection[str]) -> Mapping[str, Collection[str]]:
    """For each folder the names of the modules and folders in it."""
    found: dict[str, set[str]] = {}
    for path in (*files, *folders):
        folder, _, name = path.rpartition("/")
        found.setdefault(folder, set()).add(name.partition(".")[0])
    return found


def _children(files: Collection[str]) -> Mapping[str, frozenset[str]]:
    """For each folder with compiled modules their file names."""
    found: dict[str, set[str]] = {}
    for file in files:
        if file.endswith((*_EXTENSIONS, ".pyc")) and "__pycache__" not in file:
            found.setdefault(posixpath.dirname(file), set()).add(posixpath.basename(file))
    return {folder: frozenset(names) for folder, names in found.items()}
