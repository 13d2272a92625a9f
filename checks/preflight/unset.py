"""Names that nothing above the place gives a value. Runs in the worker: see ``facts``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

from checks.preflight.conditions import ALWAYS, NEVER, TYPING, Conditions

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class _Place(NamedTuple):
    """One use of a name; ``loop`` is the outermost one around it."""

    line: int
    read: bool
    bound: bool
    loop: ast.AST | None


def never_set(function: Any, names: frozenset[str], conditions: Conditions) -> list[tuple[str, int]]:
    """The first read of each name before which nothing in the text binds it, nor an earlier round of a loop."""
    uses = _Uses(names, conditions)
    for statement in function.body:
        uses.visit(statement, None)
    found = []
    for name in sorted(names - uses.passed):
        places = uses.places.get(name, [])
        first = next((at for at, place in enumerate(places) if place.read), None)
        if first is None:
            continue
        loop = places[first].loop
        before = any(place.bound for place in places[:first])
        earlier_round = loop is not None and any(p.bound and not p.read and p.loop is loop for p in places)
        if not (before or earlier_round):
            found.append((name, places[first].line))
    return found


def expects(handler: ast.ExceptHandler) -> bool:
    """Whether a handler is for a name that is not there."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in ("NameError", "UnboundLocalError") for kind in kinds)


class _Uses:
    """The uses of each name, in the order in which they are evaluated: ``x = x + 1`` reads first."""

    def __init__(self, names: frozenset[str], conditions: Conditions) -> None:
        self._names = names
        self._conditions = conditions
        self.places: dict[str, list[_Place]] = {}
        self.passed: set[str] = set()  # not worth following

    def visit(self, node: Any, loop: ast.AST | None) -> None:
        if isinstance(node, _SCOPES):
            return
        if isinstance(node, _COMPREHENSIONS):
            self.visit(node.generators[0].iter, loop)  # the rest has names of its own
            return
        if isinstance(node, ast.If) and {NEVER, TYPING} & set(self._conditions.branches(node.test)):
            self.passed |= self._names
        elif isinstance(node, ast.Try) and any(map(expects, node.handlers)):
            inside = (inner for statement in node.body for inner in ast.walk(statement))
            self.passed |= {inner.id for inner in inside if isinstance(inner, ast.Name)}
        if isinstance(node, ast.Name):
            read = isinstance(node.ctx, ast.Load)
            self._note(node.id, node.lineno, loop, read=read, bound=not read)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                self._note(alias.asname or alias.name.partition(".")[0], node.lineno, loop, bound=True)
        else:
            for name in (getattr(node, "name", None), getattr(node, "rest", None)):  # handlers, patterns
                if isinstance(name, str):
                    self._note(name, getattr(node, "lineno", 0), loop, bound=True)
            self._parts(node, loop)

    def _parts(self, node: Any, loop: ast.AST | None) -> None:
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            self._note(node.target.id, node.lineno, loop, read=True, bound=True)
            self.visit(node.value, loop)
            return
        parts = list(ast.iter_child_nodes(node))
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.For, ast.AsyncFor)):
            value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else node.iter
            if value is not None:
                self.visit(value, loop)
                parts.remove(value)
        inner = loop or (node if isinstance(node, (ast.For, ast.AsyncFor, ast.While)) else None)
        for part in parts:
            self.visit(part, inner)

    def _note(self, name: str, line: int, loop: ast.AST | None, *, read: bool = False, bound: bool = False) -> None:
        if name in self._names:
            self.places.setdefault(name, []).append(_Place(line, read, bound, loop))


def globals_never_set(tree: ast.Module, names: set[str]) -> list[list[Any]]:
    """Reads of names that functions declare ``global`` and the module itself does not bind, where every function that
    gives one a value reads it before; as ``names.Finder.find`` gives them.
    """
    found: dict[str, list[list[Any]]] = {}
    passed: set[str] = set()
    for function, scope in _functions(tree, ""):
        declared = {name for node in _own_nodes(function) if isinstance(node, ast.Global) for name in node.names}
        for name in declared & names:
            line = _first_read(function.body, name)
            if line is not None:
                found.setdefault(name, []).append(["unset_global", name, line, scope, ALWAYS, None])
            elif any(_binds(node, name) for node in ast.walk(function)):
                passed.add(name)
        for node in _own_nodes(function):
            if isinstance(node, ast.Try) and any(map(expects, node.handlers)):
                passed |= declared
    return [item for name in sorted(found.keys() - passed) for item in found[name]]


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[Any, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield child, prefix + child.name
        named = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        if isinstance(child, (ast.stmt, ast.ExceptHandler)):
            yield from _functions(child, f"{prefix}{getattr(child, 'name', '')}." if named else prefix)


def _own_nodes(function: Any) -> Iterator[ast.AST]:
    """What stands in a function and in none within."""
    waiting = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting += ast.iter_child_nodes(node)


def _binds(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id == name and not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.alias):
        return name in (node.asname, node.name.partition(".")[0], "*")
    return getattr(node, "name", None) == name or getattr(node, "rest", None) == name


def _first_read(statements: list[ast.stmt], name: str) -> int | None:
    """The line where a name is read for certain before anything may bind it."""
    for statement in statements:
        line = next((node.lineno for part in _surely(statement) for node in _evaluated(part, name)), None)
        if line is None and isinstance(statement, (ast.With, ast.AsyncWith, ast.Try)):
            line = _first_read(statement.body, name)
        if line is not None or any(_binds(node, name) for node in ast.walk(statement)):
            return line
    return None


def _surely(statement: Any) -> list[ast.AST]:
    """What a statement evaluates first, whatever happens."""
    if isinstance(statement, (ast.If, ast.While)):
        return [statement.test]
    if isinstance(statement, (ast.For, ast.AsyncFor)):
        return [statement.iter]
    if isinstance(statement, (ast.With, ast.AsyncWith)):
        return [item.context_expr for item in statement.items]
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return [statement.value] if statement.value else []
    if isinstance(statement, ast.AugAssign):
        return [statement.target, statement.value]
    if isinstance(statement, (ast.Expr, ast.Return, ast.Raise, ast.Assert, ast.Delete)):
        return [statement]
    return []


def _evaluated(node: ast.AST, name: str) -> Iterator[ast.Name]:
    """The places in an expression that surely read a name: no branches, nothing that runs later."""
    if isinstance(node, ast.Name):
        if node.id == name:
            yield node
        return
    parts = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.BoolOp):
        parts = parts[:2]  # the operator, and what is asked first
    elif isinstance(node, ast.IfExp):
        parts = [node.test]
    elif isinstance(node, _COMPREHENSIONS):
        parts = [node.generators[0].iter]
    elif isinstance(node, ast.Lambda):
        parts = []
    for part in parts:
        yield from _evaluated(part, name)
