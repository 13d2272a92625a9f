"""The whole of preflight for packages: read, resolve, judge. The only part that puts the others together."""

from __future__ import annotations

import os
import posixpath
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self

from checks.preflight import stdlib
from checks.preflight.arguments import Arguments
from checks.preflight.attributes import Attributes
from checks.preflight.bindings import Bindings
from checks.preflight.extract import Extractor, Interpreter, for_target
from checks.preflight.imports import Imports
from checks.preflight.judge import Judge
from checks.preflight.listed import with_listed
from checks.preflight.model import Facts, Package, PackageReport, Version
from checks.preflight.resolve import NOTHING_SAID, Environment, Resolver
from checks.preflight.rules import Forbidden
from checks.preflight.shipped import declared, local, shipping

if TYPE_CHECKING:
    from checks.preflight.provided import Provided

HERE: Version = (sys.version_info[0], sys.version_info[1])


class Examiner:
    """Examines packages, reading each file once however many packages ship it."""

    def __init__(
        self,
        root: Path,
        *,
        python: Version | None = None,
        environment: Interpreter | None = None,
        cached: Path | None = None,
        rules: Sequence[Forbidden] = (),
        today: date | None = None,
        progress: Callable[[int, int], None] = lambda _done, _of: None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """``root``: the repository, to tell what is there and not shipped. ``python``: the target of packages that name
        none. ``environment``: where the packages are installed; without it their requirements are believed.
        ``today``: to tell which rules have expired. ``clock``: the time in nanoseconds, as the disk tells it.
        """
        self._root = root
        self._python = python
        self._environment = environment
        self._cached = cached
        self._rules = rules
        self._today = today or date.max
        self._progress = progress
        self._clock = clock
        self._extractors: dict[Version, Extractor] = {}
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._undo.close()

    def examine(self, package: Package) -> PackageReport:
        """What is wrong with one package."""
        package = local.resolved(package) if package.requirements else package
        package = replace(package, problems=(*package.problems, *declared.problems(package)))
        python, told = self._target(package)
        extractor = self._extractor(python)
        sources = {path: file for path, file in package.files.items() if path.endswith(".py")}
        read = extractor.read(list(sources.values()))
        facts = {path: read[file] for path, file in sources.items()}
        provided = None
        lines = package.requirements
        if (lines is not None or package.implied) and self._environment is None:
            from checks.preflight import distributions  # for requirements only: packaging takes its time

            besides = NOTHING_SAID if lines is None else package.besides
            provided = distributions.provided([text for text, _ in lines or ()], package.implied, python, besides)
        search, last, notes = _search(package, facts)
        resolver = Resolver(
            package.files,
            search,
            python,
            provided=provided,
            environment=_environment(self._environment),
            complete=package.installed,
            library=extractor.python.stdlib if extractor.python else None,
            made={name for item in facts.values() for name in item.fakes},
            importers={path for path, item in facts.items() if item.importer},
            filled=package.filled,
            last=last,
        )
        facts = with_listed(facts, resolver)
        bindings = Bindings(facts, resolver, extractor, extractor.library)
        imports = Imports(
            facts, resolver, bindings, provided=provided, python=python, elsewhere=self._elsewhere(package)
        )
        judged = Judge(
            package,
            facts,
            imports,
            bindings,
            Attributes(
                facts,
                resolver,
                bindings,
                imports,
                python=python,
                files=package.files,
                texts=extractor,
                library=extractor.library,
                closed=package.entry_known,
            ),
            arguments=Arguments(
                facts, resolver, bindings, imports, python=python, files=package.files, texts=extractor
            ),
            optional=provided.extras.has if provided and provided.extras else lambda _module: False,
            forbidden=self._rules_in(package),
        ).judge()
        notes += _shadows(replace(package, last=tuple(last)), python, provided)
        if facts and not package.entry_known:
            notes.append("no entry point is known: top-level modules and programs count as such (--entry names it)")
        if extractor.python is None:
            version = "{}.{}".format(*python)
            notes.append(
                f"there is no Python {version} of use on this machine: compiled with {sys.version.split()[0]} instead"
            )
        if extractor.blind:
            notes.append(extractor.blind)
        return PackageReport(
            package=package,
            python=python,
            findings=judged.findings,
            unknown=judged.unknown,
            ways=judged.ways,
            ignores={path: item.ignores for path, item in facts.items() if item.ignores},
            notes=(f"Python {python[0]}.{python[1]}, from {told}", *package.notes, *notes, *judged.notes),
        )

    @property
    def blind(self) -> str | None:
        """Why nobody looked for undefined names, if so."""
        return next((e.blind for e in self._extractors.values() if e.blind), None)

    def _target(self, package: Package) -> tuple[Version, str]:
        if self._environment is not None:
            return self._environment.version, self._environment.command
        if self._python is not None:
            return self._python, "the command line or configuration"
        if package.python is not None:
            return package.python, package.python_from or "the configuration"
        return HERE, "this interpreter, as nothing names another"

    def _extractor(self, python: Version) -> Extractor:
        if python not in self._extractors:
            made = Extractor(
                python, python=for_target(python), cache=self._cached, progress=self._progress, clock=self._clock
            )
            self._undo.callback(made.close)
            self._extractors[python] = made
        return self._extractors[python]

    def _rules_in(self, package: Package) -> Callable[[str], Sequence[Forbidden]]:
        def rules(file: str) -> Sequence[Forbidden]:
            paths = (file, _shown(package.files[file], self._root)) if self._rules else ()
            return [rule for rule in self._rules if rule.holds(paths, self._today)]

        return rules

    def _elsewhere(self, package: Package) -> Callable[[str], str | None]:
        """Where a module lies that the package lacks, as the end of a sentence: in the repository, seen from its root,
        from where the package's own code comes and the folders above that; or in the package itself, below another
        name.
        """
        top, home = self._root.resolve(), package.root.resolve()
        above = [place for place in home.parents if place.is_relative_to(top)]
        roots = dict.fromkeys([self._root, package.root, *package.roots, *above])

        @cache
        def shipped() -> dict[Path, str]:
            return {file.resolve(): path for path, file in package.files.items()}

        @cache
        def find(module: str) -> str | None:
            base = module.replace(".", "/")
            for root in roots:
                place = f"{root}/{base}"
                # Most are not there: told without making a path of it.
                lying = [Path(name) for name in (f"{place}.py", f"{place}/__init__.py") if os.path.isfile(name)]  # noqa: PTH113
                found = bool(lying)
                if not found and os.path.isdir(place):  # noqa: PTH112
                    lying = sorted(Path(place).glob("*.py"))
                away = next((file for file in lying if file.resolve() not in shipped()), None)
                if away is not None:
                    shown = _shown(away if found else Path(place), self._root)
                    return f"{shown}{shipping.left_out(package.root, away)} is in the repository and not shipped"
                held = shipped()[lying[0].resolve()] if lying else ""
                if held and package.entry_known and package.requirements is not None and f"/{base}" not in f"/{held}":
                    return f"{_shown(lying[0], self._root)} is shipped as {held}"
            return None

        return find


def _shadows(package: Package, python: Version, provided: Provided | None) -> list[str]:
    """Modules at the top of what is searched that share the name of another: which one is found depends on whether
    something has loaded the other before.
    """
    told = []
    for path in package.files if package.entry_known else ():
        folder, _, base = path.removesuffix("/__init__.py").rpartition("/")
        name = base.removesuffix(".py")
        if folder not in package.search or not path.endswith(".py") or path == "__init__.py":
            continue
        other = ""
        if name in stdlib.modules(python) and name != "__main__":
            other = "of the standard library"
        elif provided is not None and name in provided.modules and (path in package.entries or folder in package.last):
            other = "that a requirement brings"
        if other:
            found = ", which is found instead of it" if folder in package.last and path not in package.entries else ""
            told.append(f"{path} has the name of a module {other}{found}: rename it")
    return told


def _shown(path: Path, root: Path) -> str:
    try:
        return str(path.resolve().relative_to(root.resolve()))
    except ValueError:
        return str(path)


def _search(package: Package, facts: Mapping[str, Facts]) -> tuple[list[str], Collection[str], list[str]]:
    """The search path with what the code adds to it; which of it comes last; what could not be read."""
    search, last, notes = list(package.search), set(package.last), []
    folders = {posixpath.dirname(path) for path in package.files}
    for folder in list(folders):
        while folder:
            folder = posixpath.dirname(folder)  # noqa: PLW2901 - all above it too
            folders.add(folder)
    for path, item in facts.items():
        for line, ups, tail in item.paths:
            added = _added(path, ups, tail, package.base)
            if added is not None and added in folders:
                search += [] if added in search else [added]
                last.discard(added)  # most code puts it first
            elif ups is None and tail is None:
                last.clear()
                notes.append(f"{path}:{line} adds a folder to sys.path that cannot be read from the code")
    return search, last, notes


def _added(path: str, ups: int | None, tail: str | None, base: str) -> str | None:
    """The folder in the package; None if it lies outside or cannot be told. ``base``: where the package lies."""
    if tail is None:
        return None
    if ups is None:
        plain = posixpath.relpath(posixpath.join(base, tail), base)
        return "" if plain == "." else plain
    parts = posixpath.dirname(path).split("/") if "/" in path else []
    if ups > len(parts):
        return None
    return posixpath.normpath("/".join([*parts[: len(parts) - ups], tail])).removeprefix(".")


def _environment(python: Interpreter | None) -> Environment | None:
    return None if python is None else Environment(site_folders(python))


def site_folders(python: Interpreter) -> Sequence[Path]:
    """Where an interpreter finds what is installed: its virtual environment's folder, or its own; with ``.pth`` files'
    plain lines (the others are code, which is not run).
    """
    folders = [python.purelib]
    command = Path(python.command)
    for place in (command.parent.parent, command.resolve().parent.parent):
        if (place / "pyvenv.cfg").is_file():
            version = "python{}.{}".format(*python.version)
            folders = [place / "lib" / version / "site-packages"]
            if "include-system-site-packages = true" in (place / "pyvenv.cfg").read_text(encoding="utf-8").lower():
                folders.append(python.purelib)
            break
    for folder in list(folders):
        for listing in sorted(folder.glob("*.pth")):
            for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
                added = Path(folder, line.strip())
                if line.strip() and not line.startswith(("import ", "import\t", "#")) and added.is_dir():
                    folders.append(added)
    return folders
