"""More ways in which people break a package: what a function takes changes, and its callers do not.

See ``preflight_breaks.py``. Which calls fail then is asked of ``inspect``.
"""

from __future__ import annotations

import ast
import inspect
import random
from collections.abc import Iterator
from typing import Any

from preflight_breaks import MARK, Edits, Tree, broken, parsed, pick, replaced


def _calls(tree: Tree, file: str, name: str) -> Iterator[tuple[str, ast.Call]]:
    """The calls of a module's function: there, where its name is imported, and as an attribute of a module."""
    for other, text in tree.items():
        body = parsed(text) if name in text else ast.Module([], [])
        aliases = [a for node in ast.walk(body) if isinstance(node, ast.ImportFrom) for a in node.names]
        plain = other == file or any(alias.name == name and alias.asname is None for alias in aliases)
        module = file.rpartition("/")[2].removesuffix(".py")
        for node in ast.walk(body):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if (plain and called == name) or f".{called}".endswith(f".{module}.{name}"):
                yield other, node


def _functions(_file: str, body: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in body.body:
        if isinstance(node, ast.FunctionDef) and not node.decorator_list and node.args.args:
            yield node


def _fails(function: ast.FunctionDef, call: ast.Call) -> bool:
    """Whether a function that takes these arguments refuses a call."""
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        return False
    space: dict[str, Any] = {}
    taken = ast.parse(f"def f({ast.unparse(function.args)}): pass").body[0]
    for node in ast.walk(taken):
        if isinstance(node, ast.arg):
            node.annotation = None
    taken.args.defaults = [ast.Constant(0) for _ in taken.args.defaults]  # type: ignore[attr-defined]
    taken.args.kw_defaults = [d and ast.Constant(0) for d in taken.args.kw_defaults]  # type: ignore[attr-defined]
    exec(ast.unparse(taken), space)  # nothing but names
    try:
        inspect.signature(space["f"]).bind(*call.args, **{k.arg: None for k in call.keywords if k.arg})
    except TypeError:
        return True
    return False


def _edits(tree: Tree, file: str, function: ast.FunctionDef, changed: str) -> Edits:
    new = next(n for n in ast.walk(ast.parse(changed)) if getattr(n, "name", "") == function.name)
    texts = {file: changed.split("\n")}
    for other, call in _calls(tree, file, function.name):
        if _fails(function, call) < _fails(new, call):  # type: ignore[arg-type]
            texts.setdefault(other, tree[other].split("\n"))[call.lineno - 1] += f"  {MARK}"
    return {other: "\n".join(lines) for other, lines in texts.items()}


@broken("parameter renamed, callers not")
def renamed(tree: Tree, rng: random.Random) -> Edits | None:
    def inner(file: str, body: ast.Module) -> Iterator[Any]:
        for function in _functions(file, body):
            given = {k.arg for _, call in _calls(tree, file, function.name) for k in call.keywords}
            yield from ((function, a.arg) for a in (*function.args.args, *function.args.kwonlyargs) if a.arg in given)

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, (function, name) = found
    text = tree[file]
    nodes = [n for n in ast.walk(function) if name in (getattr(n, "id", None), getattr(n, "arg", None))]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        if isinstance(node, (ast.Name, ast.arg)):
            kind = f": {ast.unparse(node.annotation)}" if isinstance(node, ast.arg) and node.annotation else ""
            text = replaced(text, node, f"{name}_v2{kind}")
    return _edits(tree, file, function, text)


@broken("parameter added, callers not changed")
def added(tree: Tree, rng: random.Random) -> Edits | None:
    def inner(file: str, body: ast.Module) -> Iterator[Any]:
        return (f for f in _functions(file, body) if next(_calls(tree, file, f.name), None))

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, (function) = found
    first = function.args.args[0]
    kind = f": {ast.unparse(first.annotation)}" if first.annotation else ""
    return _edits(tree, file, function, replaced(tree[file], first, f"tenant, {first.arg}{kind}"))
