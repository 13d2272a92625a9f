"""What an older Python cannot evaluate: ``int | None`` before 3.10, ``list[int]`` before 3.9, in annotations and as the
value of a name.

Only pairs are told of which both sides are None, builtins, classes of the standard library or the file's own without
a base: other classes may define ``|``. Runs in the worker: see ``facts``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from checks.preflight.conditions import ALWAYS

LAZY = (3, 10)  # from here on nothing is too new
_GENERIC = frozenset({"list", "dict", "tuple", "set", "frozenset", "type"})
_PLAIN = _GENERIC | {"int", "str", "float", "bool", "bytes", "object", "complex", "bytearray"}
# Classes of the standard library that annotations name most; of ``typing`` all that it has.
_CLASSES = {
    "collections": frozenset({"Counter", "OrderedDict", "defaultdict", "deque"}),
    "datetime": frozenset({"date", "datetime", "time", "timedelta", "timezone", "tzinfo"}),
    "decimal": frozenset({"Decimal"}),
    "pathlib": frozenset({"Path", "PurePath"}),
    "typing": None,
    "uuid": frozenset({"UUID"}),
}


def too_new(tree: ast.Module, target: tuple[int, int]) -> list[list[Any]]:
    """What fails where it stands, as ``names.Finder.find`` gives it: the name is the version that it needs."""
    if target >= LAZY:
        return []
    plain = _PLAIN | set(_named(tree))
    values = [item for value in _values(tree) for item in _told(value, "", target, "union", plain)]
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            return values
    annotations = _evaluated(tree, "", inside=False)
    return [
        *values,
        *[item for annotation, scope in annotations for item in _told(annotation, scope, target, "too_new", plain)],
    ]


def _named(tree: ast.Module) -> Iterator[str]:
    """The names that the module has for classes without a ``|`` of their own."""
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef) and not (statement.bases or statement.keywords):
            yield statement.name
        elif isinstance(statement, ast.ImportFrom) and not statement.level and statement.module in _CLASSES:
            known = _CLASSES[statement.module]
            yield from (a.asname or a.name for a in statement.names if known is None or a.name in known)


def _told(
    expression: ast.expr, scope: str, target: tuple[int, int], kind: str, plain: AbstractSet[str]
) -> Iterator[list[Any]]:
    for node in ast.walk(expression):
        union = (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.BitOr)
            and _plain(node.left, plain)
            and _plain(node.right, plain)
        )
        generic = target < (3, 9) and isinstance(node, ast.Subscript) and getattr(node.value, "id", "") in _GENERIC
        if union or generic:
            yield [kind, "3.10" if union else "3.9", expression.lineno, scope, ALWAYS, None]
            return


def _values(tree: ast.Module) -> Iterator[ast.expr]:
    """The values of module-level names that look like types: ``Text = bytes | str``."""
    for statement in tree.body:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and isinstance(
            statement.value, (ast.BinOp, ast.Subscript)
        ):
            yield statement.value


def _plain(node: ast.expr, plain: AbstractSet[str]) -> bool:
    if isinstance(node, ast.Subscript):
        node = node.value
    return (isinstance(node, ast.Name) and node.id in plain) or (isinstance(node, ast.Constant) and node.value is None)


def _evaluated(node: Any, scope: str, *, inside: bool) -> Iterator[tuple[ast.expr, str]]:
    """Annotations with the function in which they are evaluated; those of a function's own variables never are."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = child.args
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
            for annotation in [*[one.annotation for one in every if one is not None], child.returns]:
                if annotation is not None:
                    yield annotation, scope
            yield from _evaluated(child, f"{scope}.{child.name}".lstrip("."), inside=True)
        elif isinstance(child, ast.ClassDef):
            yield from _evaluated(child, scope, inside=False)
        elif isinstance(child, ast.AnnAssign):
            if not inside:
                yield child.annotation, scope
        elif isinstance(child, ast.stmt) and not isinstance(child, ast.If):  # conditions ask for the version, mostly
            yield from _evaluated(child, scope, inside=inside)
