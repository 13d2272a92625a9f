"""What every description of a package shares: its entry point, broken links, names for people."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from checks.preflight import starting
from checks.preflight.model import Effect, Finding, Kind, Package
from checks.preflight.starting import Start

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
    begin = _procfile(package)
    package, begin = (package, begin) if begin else _app_engine(package)
    started = _file_of(begin, package) if begin else None
    found = [started] if started else [name for name in _ENTRY_FILES if name in package.files][:1]
    if begin and started:
        package = replace(package, entry_as="script" if begin.file and not begin.program else "import")
    if found:
        return replace(package, entries=tuple(found), entry_known=True)
    return replace(package, entries=tuple(sorted(filter(_is_top(package.search), package.files))), entry_known=False)


def _is_top(search: Sequence[str]) -> Callable[[str], bool]:
    """Whether a file is a module or a package directly below a folder of the search path."""
    begins = "|".join(re.escape(f"{folder}/" if folder else "") for folder in search)
    return re.compile(rf"(?:{begins})(?:[^/]+\.py|[^/]+/__init__\.py)").fullmatch  # type: ignore[return-value]


def _procfile(package: Package) -> Start | None:
    """What the ``web`` line of a Procfile starts."""
    if "Procfile" not in package.files:
        return None
    text = package.files["Procfile"].read_text(encoding="utf-8", errors="replace")
    web = re.search(r"^web:(.*)$", text, re.MULTILINE)
    try:
        return starting.start(starting.words_of(web[1])) if web else None
    except ValueError:
        return None


def _app_engine(package: Package) -> tuple[Package, Start | None]:
    """What ``app.yaml`` says of Python 3 on App Engine: its version and what it starts, ``main:app`` by gunicorn if it
    does not say (cloud.google.com/appengine/docs/standard/python3/runtime); what it starts that is not there.
    """
    text = (
        package.files["app.yaml"].read_text(encoding="utf-8", errors="replace") if "app.yaml" in package.files else ""
    )
    runtime = re.search(r"^runtime:\s*['\"]?python3(\d+)", text, re.MULTILINE)
    if runtime is None:
        return package, None
    python, told = (package.python, package.python_from) if package.python else ((3, int(runtime[1])), "app.yaml")
    package = replace(package, python=python, python_from=told)
    said = re.search(r"^entrypoint:\s*(.+)$", text, re.MULTILINE)
    if said is None:
        there = "main.py" in package.files
        return replace(package, handler="app"), Start(module="main", name="app", program="gunicorn") if there else None
    try:
        begin = starting.start(starting.words_of(said[1].strip("'\"")))
    except ValueError:
        return package, None
    if begin is not None and begin.module and _file_of(begin, package) is None:
        line = text.count("\n", 0, said.start()) + 1
        lacks = f"{begin.module}: the entrypoint starts it, and there is no such module"
        lacking = absent([(package.files["app.yaml"], line, lacks)])
        package = replace(package, problems=(*package.problems, *lacking))
    return package, begin


def _file_of(begin: Start, package: Package) -> str | None:
    if begin.file:
        return begin.file if begin.file in package.files else None
    return module_file(begin.module or "", package.files, package.search)


def _with_own_folder(package: Package, file: str) -> tuple[str, ...]:
    """The search path with the folder of a program: the first place that Python looks in."""
    folder = posixpath.dirname(file)
    known = folder in package.search or f"{folder}/__init__.py" in package.files
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
