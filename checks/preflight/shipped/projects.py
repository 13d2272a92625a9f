"""Where the code of a Python project lies that is installed from its folder, and which programs it brings.

Read from ``pyproject.toml`` and ``setup.cfg``; ``setup.py`` is not run. Without a word there, ``src/`` is the place if
it is there, as setuptools, hatchling, uv and Poetry have it.
"""

from __future__ import annotations

import configparser
import posixpath
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from checks.preflight.shipped.requirements import PROJECT_FILES, toml

_LISTED = re.compile(r"\bpackages\s*=\s*\[([^\]{}]*)\]")
_FINDS = re.compile(r"(?<!namespace_)(?:\bfind_packages\(|packages\s*=\s*find:)")


def declarations(files: Collection[str], folder: str = "") -> list[str]:
    """The file of a project folder that says what it needs: the first that is there."""
    return [path for path in (posixpath.join(folder, name) for name in PROJECT_FILES) if path in files][:1]


def is_project(files: Collection[str], folder: str = "") -> bool:
    """Whether a folder among ``files`` (posix paths) can be installed."""
    return bool(declarations(files, folder))


def home(files: Mapping[str, Path], folder: str = "") -> str:
    """The folder below that of a project whose content can be imported once the project is installed.

    ``files`` maps posix paths to files on this disk; the answer is such a path, ``folder`` itself for a flat layout.
    """
    told = _told(_pyproject(files, folder))
    if told is None:
        told = "src"
    place = posixpath.normpath(posixpath.join(folder, told))
    place = "" if place == "." else place
    holds = any(path.startswith(f"{place}/") and path.endswith(".py") for path in files)
    return place if holds and f"{place}/__init__.py" not in files else folder


def _told(tree: Mapping[str, Any]) -> str | None:
    """What ``pyproject.toml`` says, in the words of setuptools, Poetry or hatchling."""
    where = _at(tree, "tool", "setuptools", "packages", "find", "where", 0)
    where = where or _at(tree, "tool", "setuptools", "package-dir", "")
    where = where or _at(tree, "tool", "poetry", "packages", 0, "from")
    if isinstance(where, str):
        return where
    built = _at(tree, "tool", "hatch", "build", "targets", "wheel", "packages", 0)
    return posixpath.dirname(built) if isinstance(built, str) else None


def _at(tree: object, *keys: str | int) -> object:
    """What stands behind a row of keys; None where there is none of them."""
    for key in keys:
        try:
            tree = tree[key]  # type: ignore[index]
        except (TypeError, LookupError):
            return None
    return tree


def is_built(files: Mapping[str, Path], folder: str = "") -> bool:
    """Whether uv installs the project itself: docs.astral.sh/uv/concepts/projects/config, build systems."""
    tree = _pyproject(files, folder)
    told = _at(tree, "tool", "uv", "package")
    return told is not False and (told is True or "build-system" in tree)


def programs(files: Mapping[str, Path], folder: str = "") -> dict[str, str]:
    """The programs that installing a project makes, as ``module:function`` by name."""
    tree = _pyproject(files, folder)
    found = _at(tree, "project", "scripts") or _at(tree, "tool", "poetry", "scripts")
    if not isinstance(found, dict) and (config := files.get(posixpath.join(folder, "setup.cfg"))):
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(config.read_text(encoding="utf-8", errors="replace"))
            lines = parser.get("options.entry_points", "console_scripts", fallback="").splitlines()
        except (configparser.Error, OSError):
            lines = []
        found = {name.strip(): value.strip() for name, sign, value in (line.partition("=") for line in lines) if sign}
    return {n: value for n, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}


def _pyproject(files: Mapping[str, Path], folder: str) -> Mapping[str, Any]:
    path = files.get(posixpath.join(folder, "pyproject.toml"))
    return (toml(path) if path else None) or {}


def packaged(files: Mapping[str, Path], folder: str = "") -> dict[str, Path]:
    """The modules that installing a project copies, by their path where modules are found, if its packaging leaves some
    out; else nothing: folders without ``__init__`` that ``find_packages`` passes over, packages that are not listed.

    setuptools.pypa.io/en/latest/userguide/package_discovery.html. ``setup.py`` is read, not run.
    """
    told = _at(_pyproject(files, folder), "tool", "setuptools", "packages")  # other tools have such words as well
    names = [posixpath.join(folder, name) for name in ("setup.py", "setup.cfg")]
    text = "\n".join(files[name].read_text(encoding="utf-8", errors="replace") for name in names if name in files)
    top = home(files, folder)
    above = f"{top.rstrip('/')}/" if top else ""
    modules = {path.removeprefix(above): file for path, file in files.items() if path.startswith(above)}
    modules = {path: file for path, file in modules.items() if path.endswith(".py")}
    found = _LISTED.search(text) if "setuptools" in text else None
    listed = told if isinstance(told, list) else re.findall(r"['\"]([\w.]+)['\"]", found[1]) if found else None
    if listed is not None:
        taken = {str(name).replace(".", "/") for name in listed}
        kept = {path: file for path, file in modules.items() if posixpath.dirname(path) in taken or "/" not in path}
    elif _FINDS.search(text) or _at(told, "find", "namespaces") is False:
        kept = {path: file for path, file in modules.items() if _regular(path, modules)}
    else:
        return {}
    return kept if len(kept) < len(modules) else {}


def _regular(path: str, files: Collection[str]) -> bool:
    """Whether every folder above a file has an ``__init__``."""
    folder = posixpath.dirname(path)
    while folder and f"{folder}/__init__.py" in files:
        folder = posixpath.dirname(folder)
    return not folder
