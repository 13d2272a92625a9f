"""What installing a project puts where modules are found: its packages, by what its files say, read and not run.

Which folders are packages: setuptools.pypa.io/en/latest/userguide/package_discovery.html (``find_packages`` takes those
with an ``__init__``, ``find_namespace_packages`` and the discovery of ``pyproject.toml`` all). Other backends take all.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from checks.preflight.requirements import PROJECT_FILES

_WHERE = re.compile(
    r"(?:\bwhere\s*=\s*\[?|\bfrom\s*=|package[_-]dir\s*=\s*\{\s*['\"]['\"]\s*[:=]|find_(?:namespace_)?packages\()"
    r"\s*['\"]([\w./-]+)['\"]"
)
_LISTED = re.compile(r"\bpackages\s*=\s*\[([^\]{}]*)\]")
_FINDS = re.compile(r"(?<!namespace_)(?:\bfind_packages\(|packages\s*=\s*find:|namespaces\s*=\s*false)")


def modules_folder(folder: str, files: Mapping[str, Path]) -> str:
    """The folder of a project from which its modules are imported: what it says, else ``src`` if code is in it."""
    text = _declared(folder, files)
    said = _WHERE.search(text)
    for name in (said[1], "src") if said else ("src",):
        below = posixpath.normpath(posixpath.join(folder, name))
        if any(path.startswith(f"{below}/") and path.endswith(".py") for path in files):
            return below
    return folder


def packaged(folder: str, files: Mapping[str, Path]) -> dict[str, Path]:
    """The modules of a project that installing it copies, by their path where modules are found."""
    top = modules_folder(folder, files)
    prefix = "/" if top == "/" else f"{top}/"
    found = {path[len(prefix) :]: file for path, file in files.items() if path.startswith(prefix)}
    found = {path: file for path, file in found.items() if path.endswith(".py") and path != "setup.py"}
    text = _declared(folder, files)
    listed = _LISTED.search(text)
    if listed and "setuptools" in text:
        names = {name.replace(".", "/") for name in re.findall(r"['\"]([\w.]+)['\"]", listed[1])}
        return {path: file for path, file in found.items() if posixpath.dirname(path) in names or "/" not in path}
    if _FINDS.search(text):
        return {path: file for path, file in found.items() if _regular(path, found)}
    return found


def _regular(path: str, files: Mapping[str, Path]) -> bool:
    """Whether every folder above a file has an ``__init__``."""
    folder = posixpath.dirname(path)
    while folder:
        if f"{folder}/__init__.py" not in files:
            return False
        folder = posixpath.dirname(folder)
    return True


def _declared(folder: str, files: Mapping[str, Path]) -> str:
    texts = [files[name] for name in (posixpath.join(folder, item) for item in PROJECT_FILES) if name in files]
    return "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in texts)
