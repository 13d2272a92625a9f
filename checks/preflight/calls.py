"""Calls that import a module by its name, with their circumstances. Runs in the worker: see ``facts``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from checks.preflight.conditions import ALWAYS, Conditions, both, dotted


def imports(tree: ast.Module, conditions: Conditions, tries: list[list[Any]]) -> Iterator[tuple[list[Any], bool]]:
    """``importlib.import_module("literal")`` and ``__import__("literal")`` as imports (``facts``), each with whether it
    runs when the module is loaded.
    """
    for call, spot in _Calls(conditions, tries).within(tree, Spot()):
        name = dotted(call.func) or ""
        literal = call.args[0] if call.args else None
        if name.rpartition(".")[2] not in ("import_module", "__import__") or not isinstance(literal, ast.Constant):
            continue
        module = literal.value
        if not isinstance(module, str) or not re.fullmatch(r"\.*\w+(\.\w+)*", module):
            continue
        level = len(module) - len(module.lstrip("."))
        if level and (len(call.args) < 2 or dotted(call.args[1]) not in ("__package__", "__name__")):  # noqa: PLR2004
            continue
        within = [list(pair) for pair in spot.tries]
        yield [call.lineno, spot.scope, level, module.lstrip("."), None, "", within, spot.when, False], spot.load


class Spot(NamedTuple):
    """The circumstances of a call. ``load``: it runs when the module is loaded."""

    scope: str = ""
    prefix: str = ""
    load: bool = True
    when: str = ALWAYS
    tries: tuple[tuple[int, str], ...] = ()


class _Calls:
    """Every call of a file with its circumstances. Try statements are found again by their line."""

    def __init__(self, conditions: Conditions, tries: list[list[Any]]) -> None:
        self._conditions = conditions
        self._tries = {item[0]: index for index, item in enumerate(tries)}

    def within(self, node: ast.AST, spot: Spot) -> Iterator[tuple[ast.Call, Spot]]:
        """The calls below a node."""
        if isinstance(node, ast.If):
            body, orelse = self._conditions.circumstances(node.test, load=not spot.scope)
            yield from self.within(node.test, spot)
            yield from self._each(node.body, spot._replace(when=both(spot.when, body)))
            yield from self._each(node.orelse, spot._replace(when=both(spot.when, orelse)))
            return
        if type(node).__name__ in ("Try", "TryStar") and getattr(node, "lineno", 0) in self._tries:
            index = self._tries[node.lineno]  # type: ignore[attr-defined]
            for field, part in (
                ("body", "body"),
                ("handlers", "handler"),
                ("orelse", "else"),
                ("finalbody", "finally"),
            ):
                yield from self._each(getattr(node, field), spot._replace(tries=((index, part), *spot.tries)))
            return
        if isinstance(node, ast.Call):
            yield node, spot
        yield from self._each(ast.iter_child_nodes(node), _inside(node, spot))

    def _each(self, nodes: Iterable[ast.AST], spot: Spot) -> Iterator[tuple[ast.Call, Spot]]:
        for node in nodes:
            yield from self.within(node, spot)


def _inside(node: ast.AST, spot: Spot) -> Spot:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        name = f"{spot.prefix}{node.name}"
        return spot._replace(scope=name, prefix=f"{name}.", load=False, tries=())
    if isinstance(node, ast.ClassDef):
        return spot._replace(prefix=f"{spot.prefix}{node.name}.")
    return spot._replace(load=False) if isinstance(node, ast.Lambda) else spot
