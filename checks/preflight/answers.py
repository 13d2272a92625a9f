"""The names that a module's own ``__getattr__`` gives, where they can be read. Runs in the worker: see ``facts``."""

from __future__ import annotations

import ast

from checks.preflight.asides import words
from checks.preflight.sketch import less_indented

_COLLECTIONS = ("frozenset", "set", "dict", "tuple", "list")


def function(source: bytes, start: int) -> ast.FunctionDef | None:
    """The function that begins at a place of the text; None if it cannot be parsed alone."""
    below = less_indented(0).search(source, start)
    text = source[start : below.start() + 1] if below else source[start:]
    try:
        [found] = ast.parse(text).body
    except (SyntaxError, ValueError):
        return None
    return found if isinstance(found, ast.FunctionDef) else None


def of(tree: ast.Module, getter: ast.FunctionDef | None) -> list[str] | None:
    """The names that a module's ``__getattr__`` answers for; None if it may answer for any.

    Read are a function that lets only names through that are written in it or are listed in the module (``if name in
    _LAZY``, ``if name == "x"``, ``_LAZY[name]`` where a KeyError is caught), and raises for the others.
    """
    if getter is None or len(getter.args.args) != 1:
        return None
    lists = {}
    for statement in tree.body:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    lists[target.id] = _listed(statement.value, {})
    return _Answers(getter.args.args[0].arg, lists).through(getter.body)


def _listed(node: ast.expr | None, lists: dict[str, list[str] | None]) -> list[str] | None:
    """The texts in a collection, the keys of a dict; None if they cannot be read."""
    if isinstance(node, ast.Name):
        return lists.get(node.id)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _COLLECTIONS:
        return _listed(node.args[0], lists) if len(node.args) == 1 and not node.keywords else None
    if isinstance(node, ast.Dict):
        texts = [k.value for k in node.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)]
        return texts if len(texts) == len(node.keys) else None
    if isinstance(node, ast.Set):
        return words(ast.List(elts=node.elts, ctx=ast.Load()))
    return words(node) if node is not None else None


class _Answers:
    """One ``__getattr__``: the name of its argument, and the collections of the module."""

    def __init__(self, name: str, lists: dict[str, list[str] | None]) -> None:
        self._name = name
        self._lists = lists

    def through(self, body: list[ast.stmt], *, more: bool = False) -> list[str] | None:
        """The names for which a body may return anything. ``more``: others come to what stands below it."""
        found: list[str] = []
        for statement in body:
            if isinstance(statement, ast.Raise):
                return found
            given, last = self._given(statement)
            if given is None:
                return None
            found += given
            if last:
                return found
        return found if more else None  # without an error, None is the value of any name

    def _given(self, statement: ast.stmt) -> tuple[list[str] | None, bool]:
        """The names for which a statement may return, None for any; and whether nothing else gets past it."""
        if isinstance(statement, ast.If):
            outside = self._outside(statement.test)
            if outside is not None and isinstance(statement.body[-1], ast.Raise) and not statement.orelse:
                return outside, True
            only, rest = self._only(statement.test), self.through(statement.orelse, more=True)
            return (None if only is None or rest is None else only + rest), False
        if isinstance(statement, ast.Try):
            return self._looked_up(statement), True
        returns = any(isinstance(node, ast.Return) for node in ast.walk(statement))
        return (None if returns else []), False

    def _only(self, test: ast.expr) -> list[str] | None:
        """The names for which a test may hold."""
        if isinstance(test, ast.BoolOp):
            parts = [self._only(value) for value in test.values]
            known = [part for part in parts if part is not None]
            if isinstance(test.op, ast.And):
                return known[0] if known else None
            return [name for part in known for name in part] if len(known) == len(parts) else None
        if not isinstance(test, ast.Compare) or len(test.ops) != 1:
            return None
        op, right = test.ops[0], test.comparators[0]
        if not self._is_name(test.left):
            return None
        if isinstance(op, ast.Eq) and isinstance(right, ast.Constant) and isinstance(right.value, str):
            return [right.value]
        return _listed(right, self._lists) if isinstance(op, ast.In) else None

    def _outside(self, test: ast.expr) -> list[str] | None:
        """The names for which a test does not hold: ``name not in _LAZY``."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return self._only(test.operand)
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.NotIn):
            return _listed(test.comparators[0], self._lists) if self._is_name(test.left) else None
        return None

    def _looked_up(self, node: ast.Try) -> list[str] | None:
        """``try: x = _LAZY[name]`` whose KeyError becomes another error."""
        first = node.body[0]
        value = first.value if isinstance(first, (ast.Assign, ast.AnnAssign)) else None
        raises = all(handler.body and isinstance(handler.body[-1], ast.Raise) for handler in node.handlers)
        if not raises or not isinstance(value, ast.Subscript):
            return None
        index = value.slice.value if type(value.slice).__name__ == "Index" else value.slice  # type: ignore[attr-defined]
        return _listed(value.value, self._lists) if self._is_name(index) else None

    def _is_name(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id == self._name
