"""What a try statement does with the error of an import, and who asks first. Runs in the worker: see ``facts``."""

from __future__ import annotations

import ast

from checks.preflight.conditions import dotted

_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError"})
_BROAD = frozenset({"Exception", "BaseException", "builtins.Exception"})
_LEAVES = frozenset({"sys.exit", "exit", "quit", "os._exit", "os.abort", "abort", "flask.abort"})
_REFUSALS = range(400, 600)
_SUPPRESSING = frozenset({"suppress", "raises", "assertRaises", "assertRaisesRegex"})
_FINDERS = frozenset({"find_spec", "find_loader"})


def catches(node: ast.expr | None) -> str:
    """``import`` for a handler of exactly these errors, ``broad`` for one of everything, empty for others."""
    if node is None:
        return "broad"
    if isinstance(node, ast.Tuple):
        kinds = [catches(item) for item in node.elts]
        return "broad" if "broad" in kinds else "import" if "import" in kinds else ""
    name = dotted(node)
    return "import" if name in _IMPORT_ERRORS else "broad" if name in _BROAD else ""


def outcome(handler: ast.ExceptHandler) -> str:
    """What a handler makes of the error: ``raise`` (it does not end here, or whoever asked is told) or ``silent``."""
    for statement in handler.body:
        if isinstance(statement, ast.Raise) or _is_refusal(statement):
            return "raise"
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and dotted(call.func) in _LEAVES:
            return "raise"
    return "silent"


def _is_refusal(statement: ast.stmt) -> bool:
    """Whether it answers with the HTTP status of an error: ``return jsonify(error=...), 500``, or keeps that pair."""
    value = statement.value if isinstance(statement, (ast.Return, ast.Assign)) else None
    if value is None or not (isinstance(statement, ast.Return) or isinstance(value, ast.Tuple)):
        return False
    numbers = [node.value for node in ast.walk(value) if isinstance(node, ast.Constant)]
    return any(type(number) is int and number in _REFUSALS for number in numbers)


def bound_in(handler: ast.ExceptHandler) -> list[str]:
    """Names that the handler gives a value of use: not None, False or the like."""
    names = []
    for statement in handler.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.append(statement.name)
        elif isinstance(statement, ast.Assign):
            empty = isinstance(statement.value, ast.Constant) and not statement.value.value
            names += ["?" + t.id if empty else t.id for t in statement.targets if isinstance(t, ast.Name)]
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            names += [alias.asname or alias.name.partition(".")[0] for alias in statement.names]
    return names


def only_imports(body: list[ast.stmt]) -> bool:
    """Whether a try is about its imports: what else stands there only keeps what they gave."""
    imports = (ast.Import, ast.ImportFrom)
    kept = all(
        isinstance(s, (*imports, ast.Pass))
        or (isinstance(s, (ast.Assign, ast.AnnAssign)) and not any(isinstance(n, ast.Call) for n in ast.walk(s)))
        for s in body
    )
    return kept and any(isinstance(s, imports) for s in body)


def suppressed(node: ast.With) -> str:
    """What ``with contextlib.suppress(...)`` catches, or a test that wants the error."""
    for item in node.items:
        call = item.context_expr
        if isinstance(call, ast.Call) and (dotted(call.func) or "").rpartition(".")[2] in _SUPPRESSING:
            kinds = [catches(arg) for arg in call.args]
            return "import" if "import" in kinds else "broad" if "broad" in kinds else ""
    return ""


def flags(handler: ast.ExceptHandler) -> list[str]:
    """Names that the handler sets to False or None: they say later that an import did not work."""
    return [name[1:] for name in bound_in(handler) if name.startswith("?")]


def positive(test: ast.expr) -> list[str]:
    """Names that have a value of use where a test holds: ``HAS_X``, ``x is not None``, either with ``and``."""
    if isinstance(test, ast.Name):
        return [test.id]
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return [name for value in test.values for name in positive(value)]
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.IsNot):
        return positive(test.left)
    return []


def asked(test: ast.expr) -> str | None:
    """The module that is there where a test holds: ``"x" in sys.modules``, ``find_spec("x") is not None``."""
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.In):
        name = test.left
        return _text(name) if dotted(test.comparators[0]) == "sys.modules" else None
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.IsNot):
        test = test.left
    if isinstance(test, ast.Call) and len(test.args) == 1:
        return _text(test.args[0]) if (dotted(test.func) or "").rpartition(".")[2] in _FINDERS else None
    return None


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
