"""What the files of setuptools declare, read and not run: ``setup.py``, ``setup.cfg``, ``*.egg-info``."""

from __future__ import annotations

import ast
import configparser
import warnings
from pathlib import Path

Line = tuple[str, str]  # the requirement and where it stands


def of_setup(folder: Path) -> list[Line] | None:
    """``install_requires`` with the extras; None if none of the files says, or ``setup.py`` computes it."""
    for listing in sorted(folder.glob("*.egg-info/requires.txt")):
        return _of_egg(_text(listing), f"{listing.parent.name}/{listing.name}")
    return _of_script(folder / "setup.py") or _of_config(folder / "setup.cfg")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _of_egg(text: str, place: str) -> list[Line]:
    """Requirements by sections ``[extra:marker]``."""
    found, extra, marker = [], "", ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            extra, _, marker = line.strip("[]").partition(":")
        elif line:
            conditions = [*([f"extra == '{extra}'"] if extra else []), *([f"({marker})"] if marker else [])]
            found.append((f"{line} ; {' and '.join(conditions)}" if conditions else line, place))
    return found


def _of_config(path: Path) -> list[Line] | None:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(_text(path))
        needed = parser.get("options", "install_requires", fallback=None)
        extras = dict(parser.items("options.extras_require")) if parser.has_section("options.extras_require") else {}
    except configparser.Error:
        return None
    if needed is None and not parser.has_option("options", "packages"):
        return None
    found = [(line.strip(), path.name) for line in (needed or "").splitlines() if line.strip()]
    for extra, lines in extras.items():
        found += [(f"{line.strip()} ; extra == '{extra}'", path.name) for line in lines.splitlines() if line.strip()]
    return found


def _of_script(path: Path) -> list[Line] | None:
    """What the call of ``setup`` says in literals, and in module-level names that are bound to literals."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(_text(path))
    except (SyntaxError, ValueError, RecursionError):
        return None
    values = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "setup":
            given = {keyword.arg: _literal(keyword.value, values) for keyword in node.keywords}
            if "install_requires" not in given or None in given or not isinstance(given["install_requires"], list):
                return None
            found = [(str(item), path.name) for item in given["install_requires"]]
            extras = given.get("extras_require")
            for extra, items in extras.items() if isinstance(extras, dict) else ():
                found += [(f"{item} ; extra == '{extra}'", path.name) for item in items]
            return found
    return None


def _literal(node: ast.expr, values: dict[str, ast.expr]) -> object:
    if isinstance(node, ast.Name) and node.id in values:
        node = values[node.id]
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return list(value) if isinstance(value, tuple) else value
