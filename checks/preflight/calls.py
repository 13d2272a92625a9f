"""Calls that import a module by its name, with their circumstances. Runs in the worker: see ``facts``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from checks.preflight.asides import has_line, lines_of
from checks.preflight.conditions import ALWAYS, Conditions, both, dotted

_CALL = re.compile(rb"import_module|__import__")
_LOOKUP = re.compile(rb"(?:import_module|__import__)\(\s*[^\s\"')]")
_TEXT = re.compile(rb"[\"'](?:\.*[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|\.[A-Za-z_]\w*)[\"']")
# ``getattr(module, f"Async{name}")``: what is asked of a module is not the name that it is listed with.
_COMPUTED = re.compile(rb"getattr\([^\n]*,\s*(?:f[\"']|[\"'][^\"'\n]*[\"']\s*[+%]|\w+\s*\+)")
_MODULE = re.compile(r"\.*[A-Za-z_]\w*(\.[A-Za-z_]\w*)+\Z|\.[A-Za-z_]\w*\Z")


def imports(
    source: bytes, tree: ast.Module, conditions: Conditions, tries: list[list[Any]]
) -> Iterator[tuple[list[Any], bool]]:
    """``importlib.import_module("literal")`` and ``__import__("literal")`` as imports (``facts``), each with whether it
    runs when the module is loaded.
    """
    for call, spot in _Calls(conditions, tries, lines_of(_CALL, source)).within(tree, Spot()):
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


def listed(source: bytes, tree: ast.Module, conditions: Conditions, tries: list[list[Any]]) -> list[list[Any]]:
    """Texts that may be names of modules, in a file that imports modules by names that it looks up: ``[line, text,
    name, within, scope, tries, when]``. ``name``: what may be asked of the module, beside the text in a pair or as its
    key in a dict; empty for none, and where names are put together. ``within``: the same number for all that stand in
    one list or dict, 0 for none. The rest are the circumstances of the first such call.
    """
    lines = lines_of(_TEXT, source)
    spots = _Calls(conditions, tries, lines_of(_LOOKUP, source)).within(tree, Spot()) if lines else iter(())
    spot = next((spot for call, spot in spots if _is_lookup(call)), None)
    if spot is None:
        return []
    rows = list(_texts(tree, lines, spot))
    return rows if _COMPUTED.search(source) is None else [[*row[:2], "", *row[3:]] for row in rows]


def _is_lookup(call: ast.Call) -> bool:
    """Whether a module is imported whose name is not written there."""
    name = (dotted(call.func) or "").rpartition(".")[2]
    return name in ("import_module", "__import__") and bool(call.args) and not isinstance(call.args[0], ast.Constant)


def _texts(tree: ast.Module, lines: list[int], spot: Spot) -> Iterator[list[Any]]:
    where = [list(pair) for pair in spot.tries]
    names: dict[int, ast.AST | None] = {}
    waiting: list[tuple[ast.AST, int]] = [(tree, 0)]
    while waiting:
        node, within = waiting.pop()
        if isinstance(node, (ast.Dict, ast.List, ast.Tuple, ast.Set)):
            if id(node) in names and _is_elsewhere(node):
                continue
            within = within or node.lineno * 1000 + node.col_offset
            pairs = zip(node.values, node.keys) if isinstance(node, ast.Dict) else [node.elts]  # noqa: B905 - 3.8
            names.update((id(pair[0]), pair[1]) for pair in pairs if len(pair) == 2)  # noqa: PLR2004 - a pair
            for item in getattr(node, "elts", ()):
                names.setdefault(id(item), names.get(id(node)))  # ``"X": (__package__, ".module")``
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _MODULE.match(node.value):
            name = getattr(names.get(id(node)), "value", "")
            named = isinstance(name, str) and name.isidentifier()
            yield [node.lineno, node.value, name if named else "", within, spot.scope, where, spot.when]
        waiting += [(child, within) for child in ast.iter_child_nodes(node) if has_line(child, lines)]


def _is_elsewhere(node: ast.AST) -> bool:
    """Whether it is a package and a module within that, as the value of a key: ``"X": ("other", ".module")``."""
    texts = [getattr(item, "value", None) for item in getattr(node, "elts", ())]
    both = [text for text in texts if isinstance(text, str)]
    return len(both) == len(texts) == 2 and not both[0].startswith(".") and both[1].startswith(".")  # noqa: PLR2004


class Spot(NamedTuple):
    """The circumstances of a call. ``load``: it runs when the module is loaded."""

    scope: str = ""
    prefix: str = ""
    load: bool = True
    when: str = ALWAYS
    tries: tuple[tuple[int, str], ...] = ()


class _Calls:
    """Calls on some lines of a file with their circumstances. Try statements are found again by their line."""

    def __init__(self, conditions: Conditions, tries: list[list[Any]], lines: list[int]) -> None:
        self._conditions = conditions
        self._lines = lines
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
        if isinstance(node, ast.With) and node.lineno in self._tries:  # ``suppress(ImportError)``
            yield from self._each(node.body, spot._replace(tries=((self._tries[node.lineno], "body"), *spot.tries)))
            return
        if isinstance(node, ast.Call):
            yield node, spot
        yield from self._each(ast.iter_child_nodes(node), _inside(node, spot))

    def _each(self, nodes: Iterable[ast.AST], spot: Spot) -> Iterator[tuple[ast.Call, Spot]]:
        for node in nodes:
            if has_line(node, self._lines):
                yield from self.within(node, spot)


def _inside(node: ast.AST, spot: Spot) -> Spot:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        name = f"{spot.prefix}{node.name}"
        return spot._replace(scope=name, prefix=f"{name}.", load=False, tries=())
    if isinstance(node, ast.ClassDef):
        return spot._replace(prefix=f"{spot.prefix}{node.name}.")
    return spot._replace(load=False) if isinstance(node, ast.Lambda) else spot
