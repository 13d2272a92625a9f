"""What every description of a package shares: its entry point, broken links, names for people."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from checks.preflight.model import Effect, Finding, Kind, Package

_ENTRY_FILES = ("main.py", "app.py", "__main__.py")


class DescriptionError(Exception):
    """A package is described in a way that cannot be followed."""


def with_entry(package: Package, entry: str | None) -> Package:
    """The package with its entry point: the file named, or the usual one if it is there.

    :raises DescriptionError: for a file that is not shipped.
    """
    if entry is not None:
        file = entry if entry in package.files else module_file(entry, package.files, package.search)
        if file is None:
            raise DescriptionError(f"the entry point {entry} is not among the files of {package.name}")
        called = entry.partition(":")[2]
        return replace(
            package,
            entries=(file,),
            entry_known=True,
            handler=called if called.isidentifier() else package.handler,
            search=_with_own_folder(package, file),
        )
    package = _served(package)
    if package.entry_known:
        return package
    found = [name for name in _ENTRY_FILES if name in package.files][:1]
    if found:
        return replace(package, entries=tuple(found), entry_known=True)
    return replace(package, entries=tuple(sorted(filter(_is_top(package.search), package.files))), entry_known=False)


def _is_top(search: Sequence[str]) -> Callable[[str], bool]:
    """Whether a file is a module or a package directly below a folder of the search path."""
    begins = "|".join(re.escape(f"{folder}/" if folder else "") for folder in search)
    return re.compile(rf"(?:{begins})(?:[^/]+\.py|[^/]+/__init__\.py)").fullmatch  # type: ignore[return-value]


def _served(package: Package) -> Package:
    """The package with what a Procfile or ``app.yaml`` starts, or with that it is not there."""
    if "Procfile" not in package.files and "app.yaml" not in package.files:
        return package
    from checks.preflight.shipped import services

    said = services.start(package.files)
    if said is None:
        return package
    begin = said.begin
    search = (*begin.path, *package.search)
    file = begin.file or module_file(begin.module or "", package.files, search, ran=begin.ran)
    if file is not None and file in package.files:
        handler = begin.name if begin.name.isidentifier() else package.handler
        made = replace(package, entries=(file,), entry_known=True, imported=bool(begin.server), handler=handler)
        return replace(made, search=tuple(dict.fromkeys(search)), last=begin.path[:1] if begin.last else ())
    if not begin.file and (not begin.server or _lies_somewhere(begin.module or "", package)):
        return package  # from elsewhere, by a search path that is not known
    what = "file" if begin.file else "module"
    told = f"{begin.file or begin.module}: {said.file.name} has it started, and there is no such {what} in the folder"
    return replace(package, problems=(*package.problems, *absent([(said.file, said.line, told)])))


def _lies_somewhere(module: str, package: Package) -> bool:
    """Whether a module may be there all the same: in some folder, or in what is installed."""
    top, base = module.partition(".")[0], module.replace(".", "/")
    ends = (f"/{base}.py", f"/{base}/__init__.py", f"/{base}/__main__.py")
    names = [re.split(r"[^\w.-]", text, maxsplit=1)[0] for text, _ in package.requirements or ()]
    installed = package.requirements is None or top in {re.sub(r"[-.]", "_", name).lower() for name in names}
    return installed or any(f"/{path}".endswith(ends) for path in package.files)


def _with_own_folder(package: Package, file: str) -> tuple[str, ...]:
    """The search path with the folder of a program: the first place that Python looks in. What is loaded by its dotted
    name is no program.
    """
    folder = posixpath.dirname(file)
    known = package.dotted or folder in package.search or f"{folder}/__init__.py" in package.files
    return package.search if known else (*package.search, folder)


def module_file(name: str, files: Mapping[str, Path], search: Sequence[str], *, ran: bool = False) -> str | None:
    """The file of a dotted module (``module:function`` too) on the search path; None if there is none. ``ran``: the one
    that ``python -m`` runs.
    """
    base = name.partition(":")[0].replace(".", "/")
    for folder in search:
        for shape in (f"{base}.py", f"{base}/__main__.py", *([] if ran else [f"{base}/__init__.py"])):
            path = posixpath.join(folder, shape)
            if path in files:
                return path
    return None


def broken(links: Sequence[tuple[str, str]]) -> tuple[Finding, ...]:
    """Findings for symlinks that lead nowhere, each with its path in the package and what it points to."""
    return tuple(
        Finding(
            file=path,
            source=None,
            line=1,
            symbol=path,
            kind=Kind.MISSING_FILE,
            effect=Effect.LOAD,
            message=f"the symlink {path} leads nowhere in the package ({target}): it is not shipped",
            reachable_by=path,
        )
        for path, target in links
    )


def absent(files: Sequence[tuple[Path, int, str]]) -> tuple[Finding, ...]:
    """Findings for files that a description names and that are not there: each with the place, and what is said of it,
    beginning with its name.
    """
    return tuple(
        Finding(
            file=place.name,
            source=place,
            line=line,
            symbol=message.partition(":")[0],
            kind=Kind.MISSING_FILE,
            effect=Effect.LOAD,
            message=message,
            reachable_by=place.name,
        )
        for place, line, message in files
    )


def shown(path: Path) -> str:
    """A path for people: relative where that is shorter."""
    here = os.path.relpath(path)
    return str(path) if here.startswith("..") else here
