"""What can be known of a condition without running it: the target's version and platform, TYPE_CHECKING, __main__.

Runs in the worker, under the target's interpreter (3.8 or newer): standard library only, and none of its newer syntax.
"""

from __future__ import annotations

import ast
import re

# How sure it is that what stands below a condition runs. The order is that of getting less likely.
# ``PERHAPS`` goes by data, ``MAYBE`` may ask what there is: a version, a feature.
ALWAYS, PERHAPS, MAYBE, MAIN, TYPING, NEVER = "always", "perhaps", "maybe", "main", "typing", "never"
_ORDER = (ALWAYS, PERHAPS, MAYBE, MAIN, TYPING, NEVER)
ASKED = "asked"  # no import: a test asks whether the module is there
# Flags that say the same everywhere, whichever module they are imported from.
_FALSE = frozenset(
    {"PY2", "WINDOWS", "IS_WINDOWS", "ON_WINDOWS", "PYPY", "IS_PYPY", "PY_PYPY", "is_pypy", "is_windows"}
)
_TRUE = frozenset({"PY3", "IS_PY3", "LINUX", "POSIX"})
_FLIPPED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE, ast.Eq: ast.Eq, ast.NotEq: ast.NotEq}
_SINCE = re.compile(r"(?:IS_|_)?PY(?:THON)?(?:_AT_LEAST|_GE|_MIN)?_?3_?(\d\d)(?:_?PLUS)?")
# Names in tests that may ask for a version, a platform or a feature; a constant may be what such a test gave.
_ABOUT = re.compile(
    r"(?i:\w*(?:version|platform|compat|support|avail|install|feature|windows|linux|darwin|python|pypy|py_?\d)\w*"
    r"|_?ha(?:s|ve)_\w+|hasattr|find_spec|sys)|_*[A-Z][A-Z0-9_]+"
)
_PLATFORM = {
    "sys.implementation.name": "cpython",
    "implementation.name": "cpython",
    "sys.platform": "linux",
    "os.name": "posix",
}


def both(outer: str, inner: str) -> str:
    """What holds below two conditions."""
    return max(outer, inner, key=_ORDER.index)


class Conditions:
    """Judges tests for one module and one target version."""

    def __init__(self, target: tuple[int, int]) -> None:
        self.target = target
        self._names: dict[str, bool] = {}
        self._platforms: set[str] = set()

    def learn(self, name: str, value: ast.expr) -> None:
        """A module-level constant such as ``PY2 = sys.version_info[0] == 2``."""
        known = self._truth(value)
        if known is not None and not (isinstance(value, ast.Constant)):
            self._names[name] = known
            if self.about_platform(value):
                self._platforms.add(name)
        else:
            self._names.pop(name, None)

    def branches(self, test: ast.expr) -> tuple[str, str]:
        """How sure the body is to run, and the else branch."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            body, orelse = self.branches(test.operand)
            return orelse, body
        if (dotted(test) or "").rpartition(".")[2] in ("TYPE_CHECKING", "MYPY"):
            return TYPING, ALWAYS
        if _is_main(test):
            return MAIN, MAYBE
        if isinstance(test, ast.BoolOp):
            return self._combined(test)
        known = self._truth(test)
        if known is None:
            return MAYBE, MAYBE
        return (ALWAYS, NEVER) if known else (NEVER, ALWAYS)

    def leaves(self, node: ast.If) -> bool:
        """Whether nothing below is reached in its block: ``if sys.version_info >= (3, 10): return``."""
        ends = [bool(block) and isinstance(block[-1], (ast.Return, ast.Raise)) for block in (node.body, node.orelse)]
        if not any(ends):
            return False  # most often: the test need not be looked at
        sure = self.branches(node.test)
        return ends[sure.index(ALWAYS)] if ALWAYS in sure else False

    def about_platform(self, test: ast.expr) -> bool:
        """Whether it asks where the code runs: functions that use what is bound elsewhere are called elsewhere."""
        for node in ast.walk(test):
            name = dotted(node) or ""
            if name in _PLATFORM or name in self._platforms or name.rpartition(".")[2] in _FALSE | _TRUE:
                return True
        return False

    def circumstances(self, test: ast.expr, *, load: bool) -> tuple[str, str]:
        """The same as ``branches``, and ``PERHAPS`` of what goes by data: nobody asks there what the target has.
        ``load``: it stands in no function.
        """
        body, orelse = self.branches(test)
        if MAYBE not in (body, orelse) or _asks_what_there_is(test, load=load):
            return body, orelse
        return PERHAPS if body == MAYBE else body, PERHAPS if orelse == MAYBE else orelse

    def _combined(self, test: ast.BoolOp) -> tuple[str, str]:
        parts = [self.branches(value) for value in test.values]
        if isinstance(test.op, ast.And):
            body = max((part[0] for part in parts), key=_ORDER.index)
            rest = {part[1] for part in parts}
            return body, ALWAYS if ALWAYS in rest else NEVER if rest == {NEVER} else MAYBE
        orelse = max((part[1] for part in parts), key=_ORDER.index)
        bodies = {part[0] for part in parts}
        if ALWAYS in bodies:
            return ALWAYS, orelse
        if bodies == {NEVER}:
            return NEVER, orelse
        return TYPING if TYPING in bodies and bodies <= {TYPING, NEVER} else MAYBE, orelse

    def _truth(self, test: ast.expr) -> bool | None:
        if isinstance(test, ast.Constant) and not isinstance(test.value, str):
            return bool(test.value)
        name = dotted(test)
        if name is not None:
            last = name.rpartition(".")[2]
            since = _SINCE.fullmatch(last)
            if since and self.target < (3, int(since[1])):
                return False  # PY314, IS_PYTHON_AT_LEAST_3_14
            if last in _FALSE or name == "cython.compiled":
                return False
            return True if last in _TRUE else self._names.get(name)
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            known = self._truth(test.operand)
            return None if known is None else not known
        if isinstance(test, ast.Compare):
            return self._chained(test)
        return self._called(test) if isinstance(test, ast.Call) else None

    def _chained(self, test: ast.Compare) -> bool | None:
        """``(3, 8) <= sys.version_info < (3, 13)``: all of its comparisons."""
        values = [test.left, *test.comparators]
        answers = []
        for left, op, right in zip(values, test.ops, values[1:]):  # noqa: B905 - Python 3.8
            flipped = _FLIPPED.get(type(op))
            if flipped is not None and self._version_part(left) is None and self._version_part(right) is not None:
                answers.append(self._compared(right, flipped(), left))
            else:
                answers.append(self._compared(left, op, right))
        return False if False in answers else None if None in answers else True

    def _called(self, test: ast.Call) -> bool | None:
        """``hasattr(sys, "pypy_version_info")``, ``sys.platform.startswith("win")``."""
        func = test.func
        if dotted(func) == "hasattr" and len(test.args) == 2 and dotted(test.args[0]) == "sys":  # noqa: PLR2004
            asked = test.args[1]
            pypy = isinstance(asked, ast.Constant) and str(asked.value).startswith("pypy")
            return False if pypy else None
        if not isinstance(func, ast.Attribute) or func.attr != "startswith":
            return None
        base = _PLATFORM.get(dotted(func.value) or "") if isinstance(func, ast.Attribute) else None
        arg = test.args[0] if len(test.args) == 1 else None
        if base is None or not isinstance(arg, ast.Constant) or not isinstance(arg.value, str):
            return None
        return base.startswith(arg.value)

    def _compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> bool | None:
        base = _PLATFORM.get(dotted(left) or "")
        if base is not None:
            if isinstance(right, ast.Constant) and isinstance(right.value, str):
                if isinstance(op, ast.Eq):
                    return base == right.value
                if isinstance(op, ast.NotEq):
                    return base != right.value
            if isinstance(op, (ast.In, ast.NotIn)) and isinstance(right, (ast.Tuple, ast.List, ast.Set)):
                words = [item.value for item in right.elts if isinstance(item, ast.Constant)]
                return (base in words) == isinstance(op, ast.In) if len(words) == len(right.elts) else None
            return None
        if dotted(left) in ("sys.hexversion", "hexversion"):
            numbers = _numbers(right)
            return _ordered(self.target, op, (numbers[0] >> 24, numbers[0] >> 16 & 255)) if numbers else None
        return _ordered(self._version_part(left), op, _numbers(right))

    def _version_part(self, node: ast.expr) -> tuple[int, ...] | None:
        """``sys.version_info``, one number of it, or its beginning, as the target has it; micro releases unknown."""
        if _is_version_info(node):
            return self.target
        if isinstance(node, ast.Attribute) and _is_version_info(node.value):
            return {"major": self.target[:1], "minor": self.target[1:2]}.get(node.attr)
        if isinstance(node, ast.Subscript) and _is_version_info(node.value):
            index = node.slice
            if isinstance(index, ast.Index):  # Python 3.8
                index = index.value  # type: ignore[attr-defined]
            if isinstance(index, ast.Constant) and isinstance(index.value, int) and index.value in (0, 1):
                return (self.target[index.value],)
            if isinstance(index, ast.Slice) and index.lower is None and isinstance(index.upper, ast.Constant):
                upper = index.upper.value
                return self.target[:upper] if isinstance(upper, int) else None
        return None


def _asks_what_there_is(test: ast.expr, *, load: bool) -> bool:
    """Whether a test may ask for a version, a platform or a feature. ``load``: as ``if _compiled is None`` does."""
    for node in ast.walk(test):
        if load and isinstance(node, (ast.Is, ast.IsNot)):
            return True
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name and (_ABOUT.fullmatch(name) or dotted(node) == "os.name"):
            return True
    return False


def _is_version_info(node: ast.expr) -> bool:
    return dotted(node) in ("sys.version_info", "version_info", "_sys.version_info")


def _numbers(node: ast.expr) -> tuple[int, ...] | None:
    items: list[ast.expr] = node.elts if isinstance(node, ast.Tuple) else [node]
    values = [item.value for item in items if isinstance(item, ast.Constant) and type(item.value) is int]
    return tuple(values) if values and len(values) == len(items) else None


def _ordered(left: tuple[int, ...] | None, op: ast.cmpop, right: tuple[int, ...] | None) -> bool | None:
    """The comparison, where the first two numbers decide it."""
    if left is None or right is None:
        return None
    if len(right) > 2 and left == right[:2]:  # noqa: PLR2004 - the micro release decides, and is not known
        return None
    # ``(3, 11)`` stands for a release ``(3, 11, x, ...)``, which is more than ``(3, 11)`` and than ``(3,)``.
    full = len(left) == 2  # noqa: PLR2004
    if isinstance(op, ast.Eq):
        return left == right if len(left) == len(right) == 1 or not full else None if left == right else False
    if isinstance(op, ast.NotEq):
        return left != right if len(left) == len(right) == 1 or not full else None if left == right else True
    if isinstance(op, ast.GtE):
        return left >= right
    if isinstance(op, ast.Lt):
        return left < right
    if isinstance(op, ast.Gt):
        return left > right or (full and left[: len(right)] == right)
    if isinstance(op, ast.LtE):
        return left <= right and not (full and left[: len(right)] == right)
    return None


def _is_main(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Eq)
        and "__name__" in (dotted(test.left), dotted(test.comparators[0]))
    )


def dotted(node: ast.AST) -> str | None:
    """``a.b.c`` of a chain of attributes on a name; None for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    parts.append(node.id)
    return ".".join(reversed(parts))
