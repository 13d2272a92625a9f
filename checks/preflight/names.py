"""Which names would not be there when the code runs, with the circumstances of each use.

ruff says which names are undefined; what it does not ask is whether the place is ever evaluated (annotations, strings),
under which condition, in which function, and who would catch the error. Names bound only under ``TYPE_CHECKING`` are
found here. Runs in the worker: see ``facts``.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from opcode import opmap
from types import CodeType
from typing import Any, NamedTuple

from checks.preflight.conditions import ALWAYS, NEVER, TYPING, Conditions, both, dotted
from checks.preflight.handlers import outcome

_LOAD_NAME = opmap["LOAD_NAME"]
# An interactive shell adds these to the builtins.
_SHELL = frozenset({"get_ipython", "display", "__IPYTHON__"})
_CAUGHT = frozenset({"NameError", "UnboundLocalError"})
_BROAD = frozenset({"Exception", "BaseException"})
_ATTRIBUTE, _TYPE = "AttributeError", "TypeError"
_VISITORS = {
    **dict.fromkeys(("FunctionDef", "AsyncFunctionDef", "Lambda"), "_function"),
    **dict.fromkeys(("ListComp", "SetComp", "DictComp", "GeneratorExp"), "_comprehension"),
    **dict.fromkeys(("If", "IfExp"), "_if"),
    **dict.fromkeys(("Try", "TryStar"), "_try"),
    **dict.fromkeys(("TypeAlias", "TypeVar"), "_nothing"),
    **dict.fromkeys(("For", "AsyncFor", "While"), "_loop"),
    "BoolOp": "_boolean",
    "Name": "_name",
    "Attribute": "_attribute",
    "Call": "_call",
    "ClassDef": "_class",
    "AnnAssign": "_annotated",
    **dict.fromkeys(("With", "AsyncWith"), "_with"),
}


class _Spot(NamedTuple):
    """The circumstances at one point of the walk. ``caught``: the line of a handler that would swallow the error;
    0 for one that expects it by name. ``expected``: other errors that are expected by name. ``local``: names of
    functions around; ``own``: those of the class whose body it is, which its functions do not see.
    """

    scope: str = ""
    prefix: str = ""
    when: str = ALWAYS
    caught: int | None = None
    functions: tuple[Any, ...] = ()
    loops: tuple[Any, ...] = ()
    expected: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    in_function: bool = False


class Finder:
    """Walks a file once, and keeps the uses of names that were asked for."""

    def __init__(self, tree: ast.Module, conditions: Conditions) -> None:
        self._tree = tree
        self._conditions = conditions
        self._lazy = conditions.target >= (3, 14) or any(
            isinstance(s, ast.ImportFrom) and s.module == "__future__" and any(a.name == "annotations" for a in s.names)
            for s in tree.body
        )
        self._visitors = _visitors()
        self._positions: Mapping[tuple[int, int], str] = {}
        self._absent: Mapping[str, str] = {}
        self._attributes: frozenset[str] = frozenset()
        self._calls: Mapping[str, Callable[[ast.Call], str]] = {}
        # Names whose absence the file is prepared for: it reads them where a NameError is caught by name.
        self._expected: set[str] = set()
        self._lines: Sequence[int] | None = None
        self._known: dict[int, frozenset[str]] = {}
        self.found: list[list[Any]] = []

    def find(
        self,
        positions: Mapping[tuple[int, int], str],
        absent: Mapping[str, str],
        attributes: frozenset[str] = frozenset(),
        *,
        calls: Mapping[str, Callable[[ast.Call], str]] | None = None,
        lines: Sequence[int] | None = None,
    ) -> list[list[Any]]:
        """Uses that would fail: ``[kind, name, line, scope, when, caught]``.

        ``positions``: line and column (in bytes, from 0) of what ruff found, with its kind. ``absent``: names of the
        module that are bound only where it never goes, with their kind. ``attributes``: dotted paths on imported names
        that lead nowhere. ``calls``: functions, likewise, and what is wrong with a call, if anything is; told as
        ``[function, what is wrong, ...]``. ``lines``: those on which any of these names stand, in order; all if not
        given.
        """
        self._positions, self._absent, self._attributes, self._calls = positions, absent, attributes, calls or {}
        # A name stands on one line, with its attributes: all that has no such line need not be visited.
        self._lines = lines
        for statement in self._tree.body:
            self._visit(statement, _Spot())
        return [item for item in self.found if item[1] not in self._expected]

    def _visit(self, node: ast.AST, spot: _Spot) -> None:
        if self._lines is not None and hasattr(node, "lineno"):
            first = min([node.lineno, *[d.lineno for d in getattr(node, "decorator_list", ())]])
            at = bisect_left(self._lines, first)
            if at == len(self._lines) or self._lines[at] > (getattr(node, "end_lineno", None) or first):
                return
        visit = self._visitors.get(type(node))
        if visit is not None:
            visit(self, node, spot)
        else:
            self._children(node, spot)

    def _children(self, node: ast.AST, spot: _Spot) -> None:
        for child in ast.iter_child_nodes(node):
            self._visit(child, spot)

    def _each(self, nodes: list[Any], spot: _Spot) -> None:
        for node in nodes:
            self._visit(node, spot)
            if isinstance(node, ast.If) and self._conditions.leaves(node):
                spot = spot._replace(when=NEVER)

    def _name(self, node: ast.Name, spot: _Spot) -> None:
        if spot.caught == 0:
            self._expected.add(node.id)
        if spot.when in (NEVER, TYPING) or spot.caught == 0 or node.id in _SHELL:
            return
        kind = self._positions.get((node.lineno, node.col_offset))
        if kind is None and node.id in self._absent and isinstance(node.ctx, ast.Load):
            own = node.id in spot.local | spot.own or any(node.id in self._bound(f) for f in spot.functions)
            kind = None if own else self._absent[node.id]
        if kind == "undefined" and any(node.id in self._bound(loop) for loop in spot.loops):
            return  # an earlier round of the loop may have bound it
        if kind == "undefined" and any(node.id in _nonlocal(function) for function in spot.functions):
            return  # declared with its type alone, and an inner function binds it
        if kind is not None:
            self.found.append([kind, node.id, node.lineno, spot.scope, spot.when, spot.caught])

    def _attribute(self, node: ast.Attribute, spot: _Spot) -> None:
        path = dotted(node) if self._attributes and isinstance(node.ctx, ast.Load) else None
        if path in self._attributes and path is not None and _ATTRIBUTE not in spot.expected:
            self._failing("attribute", path, node, spot)
        self._children(node, spot)

    def _failing(self, kind: str, what: str, node: ast.expr, spot: _Spot) -> None:
        """Keep a use that fails of what is imported or defined, unless its name means something else here."""
        base = re.split(r"[.(]", what if kind == "attribute" else kind)[0]
        hidden = base in spot.local | spot.own or any(base in _stored(function) for function in spot.functions)
        if spot.when not in (NEVER, TYPING) and not hidden:
            self.found.append([kind, what, node.lineno, spot.scope, spot.when, spot.caught or None])

    def _call(self, node: ast.Call, spot: _Spot) -> None:
        """A module that is called stands among the attributes as ``time(``."""
        path = dotted(node.func) if self._attributes or self._calls else None
        if path is not None and f"{path}(" in self._attributes:
            self._failing("attribute", f"{path}(", node.func, spot)
        told = self._calls[path](node) if path in self._calls and path is not None else ""
        if told and path is not None and _TYPE not in spot.expected:
            self._failing(path, told, node, spot)
        self._children(node, spot)

    def _annotation(self, node: ast.expr | None, spot: _Spot) -> None:
        if node is not None and not self._lazy:
            self._visit(node, spot)

    def _function(self, node: Any, spot: _Spot) -> None:
        arguments = node.args
        self._each([*arguments.defaults, *[d for d in arguments.kw_defaults if d is not None]], spot)
        every = [*getattr(arguments, "posonlyargs", []), *arguments.args, *arguments.kwonlyargs]
        every += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
        local = spot.local | {a.arg for a in every}
        if isinstance(node, ast.Lambda):
            scope = spot.scope or "<lambda>"  # most are called later
            inside = spot._replace(scope=scope, caught=None, local=local, own=frozenset(), in_function=True)
            self._visit(node.body, inside)
            return
        self._each(node.decorator_list, spot)
        for argument in every:
            self._annotation(argument.annotation, spot)
        self._annotation(node.returns, spot)
        scope = f"{spot.prefix}{node.name}"
        inside = _Spot(scope=scope, prefix=f"{scope}.", when=spot.when, local=local, in_function=True)
        self._each(node.body, inside._replace(functions=(*spot.functions, node)))

    def _class(self, node: ast.ClassDef, spot: _Spot) -> None:
        self._each([*node.decorator_list, *node.bases, *[k.value for k in node.keywords]], spot)
        inside = spot._replace(prefix=f"{spot.prefix}{node.name}.")
        if self._absent or self._attributes or self._calls:
            inside = inside._replace(own=_of_class(node))
        self._each(node.body, inside)

    def _annotated(self, node: ast.AnnAssign, spot: _Spot) -> None:
        if not spot.in_function:
            self._annotation(node.annotation, spot)
        self._each([node.target, *([node.value] if node.value else [])], spot)

    def _if(self, node: Any, spot: _Spot) -> None:
        body, orelse = self._conditions.circumstances(node.test, load=not spot.in_function)
        self._visit(node.test, spot)
        one = isinstance(node, ast.IfExp)
        self._each([node.body] if one else node.body, spot._replace(when=both(spot.when, body)))
        self._each([node.orelse] if one else node.orelse, spot._replace(when=both(spot.when, orelse)))

    def _boolean(self, node: ast.BoolOp, spot: _Spot) -> None:
        """``TYPE_CHECKING and x``: what comes later is evaluated under the condition of what comes earlier."""
        way = 0 if isinstance(node.op, ast.And) else 1
        for value in node.values:
            self._visit(value, spot)
            branches = self._conditions.circumstances(value, load=not spot.in_function)
            spot = spot._replace(when=both(spot.when, branches[way]))

    def _loop(self, node: Any, spot: _Spot) -> None:
        self._children(node, spot._replace(loops=(*spot.loops, node)))

    def _try(self, node: Any, spot: _Spot) -> None:
        caught, expected = spot.caught, spot.expected
        for handler in node.handlers:
            expected |= _named_in(handler.type or handler)
            kind = _catches(handler.type)
            if kind:
                raises = outcome(handler) == "raise"
                caught = 0 if kind == "named" else caught if raises else handler.lineno
                break
        self._each(node.body, spot._replace(caught=caught, expected=expected))
        # What stands in a handler for it is asked for instead.
        self._each(node.handlers, spot._replace(expected=expected))
        self._each([*node.orelse, *node.finalbody], spot)

    def _with(self, node: Any, spot: _Spot) -> None:
        """``with suppress(AttributeError)``."""
        self._each([item.context_expr for item in node.items], spot)
        expected = [_named_in(item.context_expr) for item in node.items]
        self._each([v for v in [item.optional_vars for item in node.items] if v is not None], spot)
        self._each(node.body, spot._replace(expected=spot.expected.union(*expected)))

    def _comprehension(self, node: Any, spot: _Spot) -> None:
        if self._absent or self._attributes or self._calls:
            bound = {n.id for g in node.generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
            spot = spot._replace(local=spot.local | bound)
        self._children(node, spot)

    def _bound(self, function: Any) -> frozenset[str]:
        if id(function) not in self._known:
            self._known[id(function)] = _bound(function.body)
        return self._known[id(function)]

    def _nothing(self, node: ast.AST, spot: _Spot) -> None:
        """Evaluated when somebody asks for it, if ever."""


@lru_cache(maxsize=None)  # noqa: UP033 - Python 3.8
def _visitors() -> dict[type, Any]:
    """As in ``facts``."""
    return {getattr(ast, k): getattr(Finder, v) for k, v in _VISITORS.items() if hasattr(ast, k)}


def _catches(node: ast.expr | None) -> str:
    if node is None:
        return "broad"
    if isinstance(node, ast.Tuple):
        kinds = {_catches(item) for item in node.elts}
        return "named" if "named" in kinds else "broad" if "broad" in kinds else ""
    name = dotted(node)
    return "named" if name in _CAUGHT else "broad" if name in _BROAD else ""


def _named_in(node: ast.AST) -> frozenset[str]:
    """The errors that a handler, or what a block is left to, names."""
    text = ast.dump(node)
    return frozenset(error for error in (_ATTRIBUTE, _TYPE) if error in text)


def _bound(body: list[ast.stmt]) -> frozenset[str]:
    """Names bound in a function; too many are no harm (names of inner functions): they only keep it quiet."""
    names: set[str] = set()
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                names.update(a.asname or a.name.partition(".")[0] for a in node.names)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names.add(node.name)
    return frozenset(names)


def _of_class(node: ast.ClassDef) -> frozenset[str]:
    """Names bound in the body of a class, its methods' names among them."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = {statement.name for statement in node.body if isinstance(statement, functions)}
    return _bound([statement for statement in node.body if not isinstance(statement, functions)]) | names


def _stored(function: Any) -> set[str]:
    """Names that a function binds, but for those that it imports."""
    names: set[Any] = set()
    for node in (inner for statement in function.body for inner in ast.walk(statement)):
        if isinstance(node, ast.Name):
            names.update({node.id} if isinstance(node.ctx, ast.Store) else ())
        elif not isinstance(node, ast.alias):
            names.add(getattr(node, "name", None))  # functions, handlers, patterns
    return names


def _nonlocal(function: Any) -> set[str]:
    """Names of a function that its inner functions bind."""
    return {name for node in ast.walk(function) if isinstance(node, ast.Nonlocal) for name in node.names}


def read_of(names: Iterable[str], code: CodeType) -> set[str]:
    """Those of the names that a compiled module may read: what only binds them there is passed over."""
    text, indexes = code.co_code, {name: index for index, name in enumerate(code.co_names)}
    inner = {name for constant in code.co_consts if isinstance(constant, CodeType) for name in mentioned(constant)}
    return {name for name in names if name in inner or _loads(text, indexes.get(name))}


def _loads(text: bytes, index: int | None) -> bool:
    """Whether code may load the name of an index: instructions are two bytes, above 255 there are more of them."""
    return index is not None and (index > 255 or bytes((_LOAD_NAME, index)) in text)  # noqa: PLR2004


def mentioned(code: CodeType) -> set[str]:
    """Every global, attribute and module name in compiled code: what no code mentions needs no search."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= mentioned(constant)
    return names
