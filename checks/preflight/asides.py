"""What a file does besides binding names: modules and builtins that it makes, findings that it asks to pass over.

Runs in the worker: see ``facts``.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

from checks.preflight.conditions import dotted

_IGNORE = re.compile(rb"#\s*preflight:\s*ignore(?:\[([\w, -]*)\])?[ \t]*([^\n]*)")

OF_A_NAME = frozenset(byte for byte in range(128) if chr(byte).isalnum() or chr(byte) in "_.")
# Beside a name: what makes it part of another, or shows that it is text.
NOT_BEFORE = OF_A_NAME | frozenset(b"\"'`")
_NOT_AFTER = NOT_BEFORE - frozenset(b".")


def fakes(tree: ast.Module) -> tuple[list[str], bool]:
    """Modules that the code puts into ``sys.modules`` itself; whether it does so under computed names."""
    names, computed = [], False
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Assign, ast.Call)):
            continue
        if isinstance(node, ast.Call):
            if dotted(node.func) != "sys.modules.setdefault" or not node.args:
                continue
            keys = [node.args[0]]
        else:
            keys = [
                t.slice.value if type(t.slice).__name__ == "Index" else t.slice  # type: ignore[attr-defined]
                for t in node.targets
                if isinstance(t, ast.Subscript) and dotted(t.value) == "sys.modules"
            ]
        for key in keys:
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                names.append(key.value)
            elif dotted(key) != "__name__":
                computed = True
    return names, computed


def executes(tree: ast.Module) -> bool:
    """Whether text is executed in the module's own namespace, and in no other that it is given."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) == "exec" and len(node.args) < 3:  # noqa: PLR2004
            space = node.args[1] if len(node.args) > 1 else None
            if space is None or (isinstance(space, ast.Call) and dotted(space.func) in ("globals", "vars", "locals")):
                return True
    return False


def builtins(tree: ast.Module) -> list[str]:
    """Names that the code adds to the builtins."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                name = dotted(target) or ""
                if name.startswith(("builtins.", "__builtins__.")):
                    names.append(name.rpartition(".")[2])
    return names


def ignores(source: bytes) -> list[list[Any]]:
    """Lines whose findings are to be passed over: the line, the kinds (none: all), the reason."""
    found = []
    for match in _IGNORE.finditer(source):
        line = source.count(b"\n", 0, match.start()) + 1
        kinds = [kind.strip() for kind in (match[1] or b"").decode().split(",") if kind.strip()]
        found.append([line, kinds, match[2].decode("utf-8", "replace").strip(" -:")])
    return found


def words(node: ast.expr) -> list[str] | None:
    """The texts in a literal list or a sum of such lists."""
    if isinstance(node, (ast.List, ast.Tuple)):
        found = [item.value for item in node.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        return found if len(found) == len(node.elts) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = words(node.left), words(node.right)
        return None if left is None or right is None else left + right
    return None


def places(source: bytes, text: bytes) -> list[int]:
    """Where a text stands, from the first to the last."""
    found, at, size = [], source.find(text), len(text)
    while at >= 0:
        found.append(at)
        at = source.find(text, at + size)
    return found


def uses_of(source: bytes, names: Iterable[bytes]) -> list[int]:
    """Where code may use one of the names, or of what begins with one and a dot: no part of another, no attribute of
    another, nothing beside a quote. In order.
    """
    found, padded = [], source + b"\n"
    for name in names:
        size, whole = len(name), name[-1] in OF_A_NAME
        found += [
            at
            for at in places(source, name)
            if padded[at - 1] not in NOT_BEFORE and not (whole and padded[at + size] in _NOT_AFTER)
        ]
    return sorted(found)


def lines_at(source: bytes, found: Iterable[int]) -> list[int]:
    """The lines, counted from 1, of places that are in order."""
    lines, line, seen = [], 1, 0
    for at in found:
        line += source.count(b"\n", seen, at)
        seen = at
        lines.append(line)
    return lines


def lines_of(pattern: re.Pattern[bytes], source: bytes) -> list[int]:
    """The lines on which what a pattern finds begins, counted from 1 and in order."""
    return lines_at(source, (found.start() for found in pattern.finditer(source)))


def has_line(node: ast.AST, lines: list[int]) -> bool:
    """Whether a node has one of these lines, or may have: what stands nowhere itself, such as arguments."""
    start = getattr(node, "lineno", None)
    if start is None:
        return True
    first = bisect_left(lines, start)
    return first < len(lines) and lines[first] <= (getattr(node, "end_lineno", None) or start)


def around(source: bytes, text: bytes) -> bytes:
    """The lines in which a text stands, each with the break before it: patterns need not search the others."""
    found, end = [], -1
    for at in places(source, text):
        if at > end:
            end = source.find(b"\n", at)
            end = len(source) if end < 0 else end
            start = source.rfind(b"\n", 0, at)
            found.append(source[start:end] if start >= 0 else b"\n" + source[:end])
    return b"".join(found)
