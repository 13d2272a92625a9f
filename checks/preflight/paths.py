"""``sys.path`` additions, read from the code: folders relative to the file that adds them.

Runs in the worker: see ``facts``.
"""

from __future__ import annotations

import ast
import posixpath
from typing import Any

from checks.preflight.conditions import dotted

# The file is imagined this deep, so that every `..` has something to leave.
_DEPTH = 24
_FILE = "/" + "u/" * _DEPTH + "file.py"
_FOLDERS = frozenset({"os.path.dirname", "path.dirname", "dirname"})
_SAME = frozenset(
    {
        *("os.path.abspath", "os.path.realpath", "os.path.normpath", "os.path.expanduser", "os.fspath", "str"),
        *("Path", "pathlib.Path", "abspath", "realpath"),
    }
)
_JOINS = frozenset({"os.path.join", "path.join", "join"})
_HERE = frozenset({"os.getcwd", "Path.cwd", "pathlib.Path.cwd", "os.curdir"})


def additions(tree: ast.Module) -> list[list[Any]]:
    """Each addition as ``[line, ups, tail]``: so many folders up from the file's, then down; ``[line, None, text]``
    for one from the working directory or an absolute one; ``[line, None, None]`` for one that cannot be read.
    """
    known: dict[str, str] = {"__file__": _FILE}
    found: list[list[Any]] = []
    nodes = list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, (ast.Assign, ast.NamedExpr)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            value = _path(node.value, known)
            if value is not None and len(targets) == 1 and isinstance(targets[0], ast.Name):
                known[targets[0].id] = value
    for node in nodes:
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name == "sys.path.insert" and len(node.args) == 2:  # noqa: PLR2004 - position, folder
                found.append(_addition(node.lineno, node.args[1], known))
            elif name in ("sys.path.append", "site.addsitedir") and len(node.args) == 1:
                found.append(_addition(node.lineno, node.args[0], known))
            elif name == "sys.path.extend" and node.args:
                lists = [item for item in ast.walk(node.args[0]) if isinstance(item, (ast.List, ast.Tuple))]
                found += [_addition(node.lineno, item, known) for one in lists for item in one.elts]
    return found


def _addition(line: int, node: ast.expr, known: dict[str, str]) -> list[Any]:
    value = _path(node, known)
    if value is None:
        return [line, None, None]
    parts = posixpath.normpath(value).split("/")[1:] if value.startswith("/u/") else None
    if parts is None:
        return [line, None, value]
    kept = 0
    while kept < len(parts) and parts[kept] == "u":
        kept += 1
    return [line, _DEPTH - kept, "/".join(parts[kept:])]


def _path(node: ast.expr, known: dict[str, str]) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.Add)):
        left, right = _path(node.left, known), _path(node.right, known)
        if left is None or right is None:
            return None
        return posixpath.join(left, right) if isinstance(node.op, ast.Div) else left + right
    if isinstance(node, ast.Attribute):
        value = _path(node.value, known)
        if value is not None and node.attr == "parent":
            return posixpath.dirname(posixpath.normpath(value))
        return "." if dotted(node) in _HERE else None
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "parents":
        value = _path(node.value.value, known)
        index = node.slice
        if type(index).__name__ == "Index":  # Python 3.8
            index = index.value  # type: ignore[attr-defined]
        if value is None or not isinstance(index, ast.Constant) or not isinstance(index.value, int):
            return None
        for _ in range(index.value + 1):
            value = posixpath.dirname(posixpath.normpath(value))
        return value
    if isinstance(node, ast.Call):
        return _called(node, known)
    return None


def _called(node: ast.Call, known: dict[str, str]) -> str | None:
    name = dotted(node.func)
    if name in _HERE:
        return "."
    if name in _FOLDERS and len(node.args) == 1:
        value = _path(node.args[0], known)
        return None if value is None else posixpath.dirname(value)
    if name in _SAME and len(node.args) == 1:
        return _path(node.args[0], known)
    if name in _JOINS or name in ("Path", "pathlib.Path"):
        parts = [_path(arg, known) for arg in node.args]
        return posixpath.join(*[p for p in parts if p is not None]) if parts and None not in parts else None
    if isinstance(node.func, ast.Attribute):
        value = _path(node.func.value, known)
        if value is not None and node.func.attr in ("resolve", "absolute", "expanduser", "as_posix", "__str__"):
            return value
        if value is not None and node.func.attr == "joinpath":
            parts = [_path(arg, known) for arg in node.args]
            return posixpath.join(value, *[p for p in parts if p is not None]) if None not in parts else None
    return None
