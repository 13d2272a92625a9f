"""Locals that may have no value where they are read.

Only what people get wrong is asked for. First, a name that the module has as well (an import, a function, a class), and
that a function binds somewhere too, most often by a lazy import in one branch. Everywhere in that function it is a
local then, and where no branch has bound it reading it fails, although the module's name stands right there. Second, a
local that nothing above the place gives a value: what counts in a loop and was never set to 0. A local that only some
branches bind is not told otherwise: most often another condition says that it was this branch. Which functions need a
look is read from compiled code; the others cost nothing. Runs in the worker: see ``facts``.
"""

from __future__ import annotations

import ast
from opcode import opmap
from types import CodeType
from typing import Any, NamedTuple

from checks.preflight.conditions import ALWAYS, NEVER, TYPING, Conditions, dotted
from checks.preflight.unset import expects, never_set

_OPTIMIZED = 0x1  # CO_OPTIMIZED: a function, not a class body or module
_ENDS = frozenset({"exit", "_exit", "abort", "quit", "fail", "skip"})
# What is run later, if ever, and what has no parts.
_PASSED = frozenset({ast.Lambda, ast.GeneratorExp, ast.FunctionDef, ast.AsyncFunctionDef, ast.Constant, ast.Load})
_COMPREHENSIONS = frozenset({ast.ListComp, ast.SetComp, ast.DictComp})
_PARTS = ("body", "orelse", "finalbody", "handlers", "cases")
# From Python 3.12 on the compiler marks a read that may find nothing.
_LOAD, _CHECKED, _STORE = opmap["LOAD_FAST"], opmap.get("LOAD_FAST_CHECK"), opmap["STORE_FAST"]


class Suspects(NamedTuple):
    """Names that a function binds although the module has them, and those that its code reads before it binds them."""

    shared: frozenset[str] = frozenset()
    early: frozenset[str] = frozenset()


def suspicious(code: CodeType, names: frozenset[str], above: int = 0) -> dict[tuple[str, int], Suspects]:
    """Functions by name and first line with locals to look at; ``names`` are those of the module. ``above``: so many
    lines of the file stand above what was compiled.
    """
    found: dict[tuple[str, int], Suspects] = {}
    for inner in code.co_consts:
        if not isinstance(inner, CodeType):
            continue
        if inner.co_flags & _OPTIMIZED and not inner.co_name.startswith("<"):
            count = inner.co_argcount + inner.co_kwonlyargcount + bool(inner.co_flags & 4) + bool(inner.co_flags & 8)
            arguments = inner.co_varnames[:count]
            local = (set(inner.co_varnames[count:]) | set(inner.co_cellvars)) - set(arguments)
            shared, early = names & local, _early(inner, count)
            if shared or early:
                found[inner.co_name, inner.co_firstlineno + above] = Suspects(frozenset(shared), early - shared)
        found.update(suspicious(inner, names, above))
    return found


def _early(code: CodeType, arguments: int) -> frozenset[str]:
    """Locals of which the code holds a read before anything that binds them."""
    text = code.co_code
    found = set()
    for index in range(arguments, min(code.co_nlocals, 256)):
        read = _instruction(text, _CHECKED or _LOAD, index)
        if read >= 0 and (_CHECKED or read < _instruction(text, _STORE, index)):
            found.add(code.co_varnames[index])
    return frozenset(found - set(code.co_cellvars))


def _instruction(text: bytes, operation: int, argument: int) -> int:
    wanted = bytes((operation, argument))
    at = text.find(wanted)
    while at % 2 and at >= 0:
        at = text.find(wanted, at + 1)
    return at


def unbound(tree: ast.Module, suspects: dict[tuple[str, int], Suspects], conditions: Conditions) -> list[list[Any]]:
    """Reads that may fail, as ``names.Finder.find`` gives them."""
    found: list[list[Any]] = []

    def within(node: ast.AST, prefix: str) -> None:
        for child in _statements(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([child.lineno, *[d.lineno for d in child.decorator_list]])
                names = suspects.get((child.name, first))
                if names and names.shared:
                    imported = names.shared & _imported(child)
                    for shared in filter(None, (imported, names.shared - imported)):
                        flow = _Flow(shared, conditions, meant=shared is not imported)
                        flow.body(child.body, frozenset())
                        items = [["unbound", n, line, prefix + child.name, ALWAYS, None] for n, line in flow.found]
                        found.extend(items)
                if names and names.early:
                    early = never_set(child, names.early, conditions)
                    found.extend([["unset", n, line, prefix + child.name, ALWAYS, None] for n, line in early])
                within(child, f"{prefix}{child.name}.")
            elif isinstance(child, ast.ClassDef):
                within(child, f"{prefix}{child.name}.")
            else:
                within(child, prefix)

    within(tree, "")
    return found


def branched(tree: ast.Module, imported: dict[str, set[str]], conditions: Conditions) -> list[list[Any]]:
    """Reads that no condition stands before, of names that only some branch has imported. ``imported``: by function,
    dotted, the names that it imports under a condition and the module does not have.
    """
    found: list[list[Any]] = []

    def within(node: ast.AST, prefix: str) -> None:
        for child in _statements(node):
            if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                within(child, prefix)
                continue
            scope = prefix + child.name
            if scope in imported and not isinstance(child, ast.ClassDef):
                inside = list(ast.walk(child))
                others = {name for node in inside if isinstance(node, ast.Global) for name in node.names}
                others |= {node.arg for node in inside if isinstance(node, ast.arg)}
                flow = _Plain(frozenset(imported[scope] - others), conditions, meant=True)
                flow.body(child.body, frozenset())
                found.extend(["branch", name, line, scope, ALWAYS, None] for name, line in flow.found)
            within(child, f"{scope}.")

    within(tree, "")
    return found


def _statements(node: ast.AST) -> list[ast.AST]:
    return [child for part in _PARTS for child in getattr(node, part, ())]


def _imported(node: Any) -> frozenset[str]:
    """Names that a function imports."""
    names: set[str] = set()
    stack = _statements(node)
    while stack:
        statement: Any = stack.pop()
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name.partition(".")[0] for alias in statement.names)
        else:
            stack += _statements(statement)
    return frozenset(names)


class _Flow:
    """Which of the names have a value for certain, statement by statement. State None: nothing gets here."""

    def __init__(self, names: frozenset[str], conditions: Conditions, *, meant: bool) -> None:
        """``meant``: the names are the function's own, and called like something of the module by chance. Loops are
        taken to run then, and a chain of conditions to have one that holds: only one alone may be false.
        """
        self._names = names
        self._meant = meant
        self._conditions = conditions
        self._breaks: list[list[frozenset[str] | None]] = []
        self._tests: dict[str, frozenset[str]] = {}
        self._quiet = 0
        self._told: set[str] = set()
        self.found: list[tuple[str, int]] = []

    def body(self, statements: list[ast.stmt], state: frozenset[str] | None) -> frozenset[str] | None:
        for statement in statements:
            if state is None:
                return None
            state = self._statement(statement, state)
        return state

    def _statement(self, node: Any, state: frozenset[str]) -> frozenset[str] | None:
        kind = type(node).__name__
        visit = getattr(self, f"_{kind.lower()}", None)
        if visit is not None:
            answer: frozenset[str] | None = visit(node, state)
            return answer
        state = self._expression(node, state)
        if kind in ("Return", "Raise") or (
            kind == "Assert" and isinstance(node.test, ast.Constant) and not node.test.value
        ):
            return None
        if kind == "Expr" and isinstance(node.value, ast.Call):
            name = dotted(node.value.func) or ""
            last = name.rpartition(".")[2]
            if last in _ENDS or (last == "error" and "pars" in name):
                return None
        return state

    def _expression(self, node: ast.AST | None, state: frozenset[str]) -> frozenset[str]:
        """Reads first, then what is bound; code that runs later (lambdas, inner functions) is passed over."""
        if node is None:
            return state
        bound: set[str] = set()
        stack: list[ast.AST] = [node]
        while stack:
            item: Any = stack.pop()
            if isinstance(item, ast.Name):
                if item.id not in self._names:
                    continue
                if isinstance(item.ctx, ast.Load):
                    self._read(item, state | bound)
                elif isinstance(item.ctx, ast.Store):
                    bound.add(item.id)
                else:
                    state -= {item.id}
                continue
            if isinstance(item, ast.AugAssign) and isinstance(item.target, ast.Name) and item.target.id in self._names:
                self._read(item.target, state)
            stack += _evaluated(item)
        return state | bound

    def _read(self, node: ast.Name, state: frozenset[str]) -> None:
        if node.id not in state and not self._quiet and node.id not in self._told:
            self._told.add(node.id)
            self.found.append((node.id, node.lineno))

    def _import(self, node: Any, state: frozenset[str]) -> frozenset[str]:
        return state | ({a.asname or a.name.partition(".")[0] for a in node.names} & self._names)

    _importfrom = _import

    def _functiondef(self, node: Any, state: frozenset[str]) -> frozenset[str]:
        for decorator in node.decorator_list:
            state = self._expression(decorator, state)
        return state | ({node.name} & self._names)

    _asyncfunctiondef = _classdef = _functiondef

    def _pass(self, _node: Any, state: frozenset[str]) -> frozenset[str]:
        return state

    _global = _nonlocal = _pass

    def _if(self, node: ast.If, state: frozenset[str]) -> frozenset[str] | None:
        state = self._expression(node.test, state)
        first, second = self._conditions.branches(node.test)
        if first in (NEVER, TYPING):
            return self.body(node.orelse, state)
        if second == NEVER:
            return self.body(node.body, state)
        key = ast.dump(node.test)
        one = self.body(node.body, state | self._tests.get(key, frozenset()))
        other = self.body(node.orelse, state)
        rest = node.orelse[0] if len(node.orelse) == 1 else None
        if self._meant and isinstance(rest, ast.If) and not rest.orelse and other is not None:
            other = self.body(rest.body, state)
        if one is not None:
            # The same question asked again later is taken to get the same answer.
            self._tests[key] = self._tests.get(key, frozenset()) | (one - state)
        return _joined(one, other)

    def _for(self, node: Any, state: frozenset[str]) -> frozenset[str] | None:
        state = self._expression(node.iter, state)
        inside = self._expression(node.target, state)
        return self._looped(node, inside, state)

    _asyncfor = _for

    def _while(self, node: ast.While, state: frozenset[str]) -> frozenset[str] | None:
        state = self._expression(node.test, state)
        forever = isinstance(node.test, ast.Constant) and bool(node.test.value)
        return self._looped(node, state, None if forever else state)

    def _looped(self, node: Any, inside: frozenset[str], after: frozenset[str] | None) -> frozenset[str] | None:
        self._breaks.append([])
        ended = self.body(node.body, inside)
        breaks = self._breaks.pop()
        if self._meant and after is not None:
            after = ended if ended is not None else next((state for state in breaks if state is not None), after)
        if after is not None:
            after = self.body(node.orelse, after)
        for state in breaks:
            after = _joined(after, state)
        return after

    def _break(self, _node: Any, state: frozenset[str]) -> None:
        if self._breaks:
            self._breaks[-1].append(state)

    def _continue(self, _node: Any, _state: frozenset[str]) -> None:
        return

    def _with(self, node: Any, state: frozenset[str]) -> frozenset[str] | None:
        swallows = False
        for item in node.items:
            state = self._expression(item.context_expr, state)
            state = self._expression(item.optional_vars, state)
            call = item.context_expr
            name = dotted(call.func) or "" if isinstance(call, ast.Call) else ""
            swallows |= name.rpartition(".")[2] in ("suppress", "raises", "assertRaises")
        after = self.body(node.body, state)
        return _joined(after, state) if swallows else after

    _asyncwith = _with

    def _try(self, node: Any, state: frozenset[str]) -> frozenset[str] | None:
        self._quiet += any(expects(handler) for handler in node.handlers)
        after = self.body(node.body, state)
        self._quiet -= any(expects(handler) for handler in node.handlers)
        if after is not None:
            after = self.body(node.orelse, after)
        # What an error leaves unbound shows in handlers and finally only after that error: not worth telling.
        self._quiet += 1
        for handler in node.handlers:
            ended = self.body(handler.body, state)
            after = _joined(after, None if ended is None else ended - {handler.name})
        if node.finalbody:
            before = state if after is None else after
            final = self.body(node.finalbody, before)
            after = None if after is None or final is None else final
        self._quiet -= 1
        return after

    _trystar = _try

    def _match(self, node: Any, state: frozenset[str]) -> frozenset[str] | None:
        state = self._expression(node.subject, state)
        after: frozenset[str] | None = None
        complete = False
        for case in node.cases:
            captured = {getattr(p, "name", None) or getattr(p, "rest", None) for p in ast.walk(case.pattern)}
            after = _joined(after, self.body(case.body, state | {n for n in self._names if n in captured}))
            complete |= type(case.pattern).__name__ == "MatchAs" and case.pattern.pattern is None and case.guard is None
        return after if complete else _joined(after, state)


def _evaluated(node: Any) -> list[ast.AST]:
    """The parts of a node that are evaluated with it, the first of them last."""
    kind = type(node)
    if kind in _PASSED:
        return []
    if kind in _COMPREHENSIONS:
        return [node.generators[0].iter]
    if kind is ast.AnnAssign:
        return [node.target, *([node.value] if node.value else [])]
    if kind is ast.Assign:
        return [*node.targets, node.value]
    return list(ast.iter_child_nodes(node))[::-1]


class _Plain(_Flow):
    """Heeds only the reads in the outermost block: others may ask for the branch that has bound the name."""

    _depth = 0

    def body(self, statements: list[ast.stmt], state: frozenset[str] | None) -> frozenset[str] | None:
        self._quiet += self._depth > 0
        self._depth += 1
        after = super().body(statements, state)
        self._depth -= 1
        self._quiet -= self._depth > 0
        return after


def _joined(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    """What holds whichever of two ways was taken."""
    if one is None or other is None:
        return other if one is None else one
    return one & other
