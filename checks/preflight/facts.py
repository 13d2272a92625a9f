"""What one file says: its imports with their circumstances, the names it binds, what it does to the import system.

Pure: from the source to plain JSON-able values. Runs in the worker, under the target's interpreter (3.8 or newer):
standard library only, none of its newer syntax. Only statements are visited, and functions only where the text of one
holds an import; expressions only in files whose text asks for it. That, and nothing else, makes thousands of files
bearable: visiting every node costs four times as much as parsing.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from checks.preflight import paths
from checks.preflight.conditions import ALWAYS, NEVER, TYPING, Conditions, both, dotted

_INTERESTING = (b"import", b"global ")  # searched as plain bytes: ten times faster than a pattern
# The namespace is written to by other means than statements, or the module replaces itself.
_DYNAMIC = (b"global_enum", b"_convert_(", b"globals()", b"sys.modules[__name__]", b"vars()[", b"lazy_loader")
_SCRIPT = re.compile(rb"^if\s+__name__\s*==", re.MULTILINE)
_EXEC = re.compile(rb"^[ \t]*exec\(", re.MULTILINE)
_LITERAL_IMPORT = re.compile(rb"(?:import_module|__import__)\(\s*[\"']")
_NEW_BUILTIN = re.compile(rb"builtins(?:__)?\.\w+\s*=[^=]")
_IGNORE = re.compile(rb"#\s*preflight:\s*ignore(?:\[([\w, -]*)\])?[ \t]*([^\n]*)")
_IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError"})
_BROAD = frozenset({"Exception", "BaseException", "builtins.Exception"})
_LEAVES = frozenset({"sys.exit", "exit", "quit", "os._exit", "os.abort"})


_VISITORS = {
    **dict.fromkeys(("FunctionDef", "AsyncFunctionDef"), "_function"),
    **dict.fromkeys(("For", "AsyncFor", "While"), "_loop"),
    **dict.fromkeys(("With", "AsyncWith"), "_with"),
    **dict.fromkeys(("Try", "TryStar"), "_try"),
    "ClassDef": "_class",
    "Import": "_import",
    "ImportFrom": "_from",
    "Assign": "_assign",
    "AnnAssign": "_annotated",
    "AugAssign": "_augmented",
    "Delete": "_delete",
    "Global": "_global",
    "If": "_if",
    "Match": "_match",
    "TypeAlias": "_type_alias",
}


class Place(NamedTuple):
    """Where a statement stands. ``scope``: the enclosing function, dotted, empty at module level (class bodies run
    when the module does). ``namespace``: what its names are bound in. ``tries``: the enclosing try statements of the
    same function, innermost first, each with the part of it.
    """

    scope: str = ""
    namespace: str = "module"
    when: str = ALWAYS
    tries: tuple[tuple[int, str], ...] = ()
    prefix: str = ""


class Reader:
    """Collects the facts of one file."""

    def __init__(self, source: bytes, target: tuple[int, int]) -> None:
        self.source = source
        self.conditions = Conditions(target)
        self.imports: list[list[Any]] = []
        self.tries: list[list[Any]] = []
        self.events: list[Any] = []
        self.late: set[str] = set()
        self.typing: set[str] = set()
        self.exported: list[str] | None = None
        self.told = 0
        self.sets: list[list[str]] = []
        self._lines: list[int] = []
        # By type, for what this Python's syntax has.
        self._visitors = {getattr(ast, k): getattr(self, v) for k, v in _VISITORS.items() if hasattr(ast, k)}

    def read(self, tree: ast.Module) -> dict[str, Any]:
        """The facts of the parsed file."""
        self._lines = _lines_with(self.source, _INTERESTING)
        self._body(tree.body, Place())
        if b":=" in self.source:
            self._walruses(tree)
        bound = {event for event in self.events if isinstance(event, str)} | self.late
        for item in self.imports:
            if item[1] == "" and item[8]:
                bound.update(_bound_by(item))
        dynamic = any(text in self.source for text in _DYNAMIC)
        facts: dict[str, Any] = {
            "imports": self.imports,
            "tries": self.tries,
            "events": self.events,
            "late": sorted(self.late),
            "typing": sorted(self.typing - bound),
            "all": self.exported,
            "all_open": self.source.count(b"__all__") > self.told,
            "sets": self.sets,
            "script": bool(_SCRIPT.search(self.source)),
            "dynamic": dynamic or (b"exec(" in self.source and bool(_EXEC.search(self.source))),
        }
        if _LITERAL_IMPORT.search(self.source):
            self._dynamic_imports(tree)
        if b"sys.path" in self.source or b"addsitedir" in self.source:
            facts["paths"] = paths.additions(tree)
        if b"sys.modules" in self.source:
            facts["fakes"], facts["importer"] = _fakes(tree)
        if b"sys.meta_path" in self.source:
            facts["importer"] = True
        if b"builtins" in self.source and _NEW_BUILTIN.search(self.source):
            facts["builtins"] = _builtins(tree)
        if b"preflight:" in self.source:
            facts["ignores"] = _ignores(self.source)
        # Most files have little of this; what is not said is empty.
        return {key: value for key, value in facts.items() if value or (key == "all" and value is not None)}

    # -- statements ----------------------------------------------------------------------------------------------------

    def _body(self, statements: list[ast.stmt], place: Place) -> None:
        for statement in statements:
            visit = self._visitors.get(type(statement))
            if visit is not None:
                visit(statement, place)

    def _bind(self, name: str, place: Place) -> None:
        if place.namespace != "module" or place.when == NEVER:
            return
        if place.when == TYPING:
            self.typing.add(name)
        else:
            self.events.append(name)

    def _targets(self, node: ast.AST, place: Place) -> None:
        if isinstance(node, ast.Name):
            self._bind(node.id, place)
        elif isinstance(node, (ast.Tuple, ast.List)):
            for item in node.elts:
                self._targets(item, place)
        elif isinstance(node, ast.Starred):
            self._targets(node.value, place)

    def _function(self, node: ast.FunctionDef, place: Place) -> None:
        self._bind(node.name, place)
        first = bisect_left(self._lines, node.lineno)
        if first < len(self._lines) and self._lines[first] <= (node.end_lineno or node.lineno):
            name = f"{place.prefix}{node.name}"
            inside = Place(scope=name, namespace="function", when=place.when, prefix=f"{name}.")
            self._body(node.body, inside)

    def _class(self, node: ast.ClassDef, place: Place) -> None:
        self._bind(node.name, place)
        namespace = "class" if place.namespace == "module" else place.namespace
        self._body(node.body, place._replace(namespace=namespace, prefix=f"{place.prefix}{node.name}."))

    def _import(self, node: ast.Import, place: Place) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            self._add([node.lineno, place.scope, 0, alias.name, None, bound], place)

    def _from(self, node: ast.ImportFrom, place: Place) -> None:
        names = [[alias.name, alias.asname] for alias in node.names]
        self._add([node.lineno, place.scope, node.level, node.module or "", names, ""], place)

    def _add(self, item: list[Any], place: Place) -> None:
        binds = place.namespace == "module"
        item += [[list(pair) for pair in place.tries], place.when, binds]
        if binds and place.when == TYPING:
            self.typing.update(_bound_by(item))
            item[8] = False
        self.imports.append(item)
        if place.namespace in ("module", "class") and place.when not in (NEVER, TYPING):
            self.events.append(len(self.imports) - 1)

    def _assign(self, node: ast.Assign, place: Place) -> None:
        for target in node.targets:
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                self.sets.append([target.value.id, target.attr])
            self._targets(target, place)
        if place.namespace == "module" and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name == "__all__":
                self.told += 1
                self.exported = _words(node.value)
            elif isinstance(node.value, (ast.Compare, ast.UnaryOp, ast.Attribute, ast.Call, ast.BoolOp, ast.Constant)):
                self.conditions.learn(name, node.value)

    def _annotated(self, node: ast.AnnAssign, place: Place) -> None:
        if node.value is not None:
            self._targets(node.target, place)
            if place.namespace == "module" and isinstance(node.target, ast.Name) and node.target.id == "__all__":
                self.told += 1
                self.exported = _words(node.value)

    def _augmented(self, node: ast.AugAssign, place: Place) -> None:
        if isinstance(node.target, ast.Name) and node.target.id == "__all__" and place.namespace == "module":
            self.told += 1
            more = _words(node.value)
            self.exported = None if more is None or self.exported is None else self.exported + more

    def _delete(self, node: ast.Delete, place: Place) -> None:
        if place.namespace == "module" and place.when == ALWAYS:
            self.events += ["-" + target.id for target in node.targets if isinstance(target, ast.Name)]

    def _global(self, node: ast.Global, place: Place) -> None:
        if place.when != TYPING:
            self.late.update(node.names)

    def _if(self, node: ast.If, place: Place) -> None:
        body, orelse = self.conditions.branches(node.test)
        self._body(node.body, place._replace(when=both(place.when, body)))
        self._body(node.orelse, place._replace(when=both(place.when, orelse)))

    def _loop(self, node: ast.For, place: Place) -> None:
        if not isinstance(node, ast.While):
            self._targets(node.target, place)
        self._body(node.body, place)
        self._body(node.orelse, place)

    def _with(self, node: ast.With, place: Place) -> None:
        for item in node.items:
            if item.optional_vars is not None:
                self._targets(item.optional_vars, place)
        inside = place
        caught = _suppressed(node)
        if caught:
            self.tries.append([node.lineno, caught, "silent", [], _only_imports(node.body)])
            inside = place._replace(tries=((len(self.tries) - 1, "body"), *place.tries))
        self._body(node.body, inside)

    def _match(self, node: Any, place: Place) -> None:
        for case in node.cases:
            for part in ast.walk(case.pattern):
                name = getattr(part, "name", None) or getattr(part, "rest", None)
                if isinstance(name, str):
                    self._bind(name, place)
            self._body(case.body, place)

    def _type_alias(self, node: Any, place: Place) -> None:
        self._targets(node.name, place)

    def _try(self, node: ast.Try, place: Place) -> None:
        index = len(self.tries)
        chosen = None
        for handler in node.handlers:
            kind = _catches(handler.type, _IMPORT_ERRORS)
            if kind:
                chosen = handler
                self.tries.append([node.lineno, kind, _outcome(handler), _bound_in(handler), _only_imports(node.body)])
                break
        else:
            self.tries.append([node.lineno, "", "raise", [], False])
        self._body(node.body, place._replace(tries=((index, "body"), *place.tries)))
        for handler in node.handlers:
            if handler.name:
                self._bind(handler.name, place)
            part = "handler" if handler is chosen else "other"
            if dotted(handler.type or handler) == "NameError":
                part = "old"  # for a builtin that the target has
            self._body(handler.body, place._replace(tries=((index, part), *place.tries)))
            if handler.name and place.namespace == "module" and place.when == ALWAYS:
                self.events.append("-" + handler.name)
        self._body(node.orelse, place._replace(tries=((index, "else"), *place.tries)))
        self._body(node.finalbody, place._replace(tries=((index, "finally"), *place.tries)))

    # -- expressions, where the text asks for it -----------------------------------------------------------------------

    def _walruses(self, tree: ast.Module) -> None:
        for statement in tree.body:
            if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                for node in ast.walk(statement):
                    if isinstance(node, ast.NamedExpr):
                        self.late.add(node.target.id)

    def _dynamic_imports(self, tree: ast.Module) -> None:
        for call, spot in _Calls(self).within(tree, _Spot()):
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
            tries = [list(pair) for pair in spot.tries]
            plain = module.lstrip(".")
            self.imports.append([call.lineno, spot.scope, level, plain, None, "", tries, spot.when, False])
            if spot.load and spot.when not in (NEVER, TYPING):
                self.events.append(len(self.imports) - 1)


class _Spot(NamedTuple):
    """The circumstances of a call. ``load``: it runs when the module is loaded."""

    scope: str = ""
    prefix: str = ""
    load: bool = True
    when: str = ALWAYS
    tries: tuple[tuple[int, str], ...] = ()


class _Calls:
    """Every call of a file with its circumstances. Try statements are found again by their line."""

    def __init__(self, reader: Reader) -> None:
        self._conditions = reader.conditions
        self._tries = {item[0]: index for index, item in enumerate(reader.tries)}

    def within(self, node: ast.AST, spot: _Spot) -> Iterator[tuple[ast.Call, _Spot]]:
        """The calls below a node."""
        if isinstance(node, ast.If):
            body, orelse = self._conditions.branches(node.test)
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

    def _each(self, nodes: Iterable[ast.AST], spot: _Spot) -> Iterator[tuple[ast.Call, _Spot]]:
        for node in nodes:
            yield from self.within(node, spot)


def _inside(node: ast.AST, spot: _Spot) -> _Spot:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        name = f"{spot.prefix}{node.name}"
        return spot._replace(scope=name, prefix=f"{name}.", load=False, tries=())
    if isinstance(node, ast.ClassDef):
        return spot._replace(prefix=f"{spot.prefix}{node.name}.")
    return spot._replace(load=False) if isinstance(node, ast.Lambda) else spot


def _lines_with(source: bytes, texts: tuple[bytes, ...]) -> list[int]:
    """The lines, counted from 1 and in order, on which one of the texts is found."""
    places = []
    for text in texts:
        at = source.find(text)
        while at >= 0:
            places.append(at)
            at = source.find(text, at + len(text))
    lines, line, seen = [], 1, 0
    for at in sorted(places):
        line += source.count(b"\n", seen, at)
        seen = at
        lines.append(line)
    return lines


def _bound_by(item: list[Any]) -> list[str]:
    """The names an import statement binds."""
    names, bound = item[4], item[5]
    return [bound] if names is None else [new or name for name, new in names if name != "*"]


def _words(node: ast.expr) -> list[str] | None:
    """The texts in a literal list or a sum of such lists."""
    if isinstance(node, (ast.List, ast.Tuple)):
        words = [item.value for item in node.elts if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        return words if len(words) == len(node.elts) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _words(node.left), _words(node.right)
        return None if left is None or right is None else left + right
    return None


def _catches(node: ast.expr | None, precise: frozenset[str]) -> str:
    """``import`` for a handler of exactly these errors, ``broad`` for one of everything, empty for others."""
    if node is None:
        return "broad"
    if isinstance(node, ast.Tuple):
        kinds = [_catches(item, precise) for item in node.elts]
        return "broad" if "broad" in kinds else "import" if "import" in kinds else ""
    name = dotted(node)
    return "import" if name in precise else "broad" if name in _BROAD else ""


def _outcome(handler: ast.ExceptHandler) -> str:
    """What a handler makes of the error: ``raise`` (it does not end here) or ``silent``."""
    for statement in handler.body:
        if isinstance(statement, ast.Raise):
            return "raise"
        call = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(call, ast.Call) and dotted(call.func) in _LEAVES:
            return "raise"
    return "silent"


def _bound_in(handler: ast.ExceptHandler) -> list[str]:
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


def _only_imports(body: list[ast.stmt]) -> bool:
    """Whether a try is about its imports: what else stands there only keeps what they gave."""
    imports = (ast.Import, ast.ImportFrom)
    kept = all(
        isinstance(s, (*imports, ast.Pass))
        or (isinstance(s, (ast.Assign, ast.AnnAssign)) and not any(isinstance(n, ast.Call) for n in ast.walk(s)))
        for s in body
    )
    return kept and any(isinstance(s, imports) for s in body)


def _suppressed(node: ast.With) -> str:
    """What ``with contextlib.suppress(...)`` catches."""
    for item in node.items:
        call = item.context_expr
        if isinstance(call, ast.Call) and dotted(call.func) in ("suppress", "contextlib.suppress"):
            kinds = [_catches(arg, _IMPORT_ERRORS) for arg in call.args]
            return "import" if "import" in kinds else "broad" if "broad" in kinds else ""
    return ""


def _fakes(tree: ast.Module) -> tuple[list[str], bool]:
    """Modules that the code puts into ``sys.modules`` itself; whether it does so under computed names."""
    names, computed = [], False
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Assign, ast.Call)):
            continue
        if isinstance(node, ast.Call):
            if dotted(node.func) != "sys.modules.setdefault" or not node.args:
                continue
            keys = [node.args[0]]
        else:
            keys = [
                t.slice.value if type(t.slice).__name__ == "Index" else t.slice  # type: ignore[attr-defined]
                for t in node.targets
                if isinstance(t, ast.Subscript) and dotted(t.value) == "sys.modules"
            ]
        for key in keys:
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                names.append(key.value)
            elif dotted(key) != "__name__":
                computed = True
    return names, computed


def _builtins(tree: ast.Module) -> list[str]:
    """Names that the code adds to the builtins."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                name = dotted(target) or ""
                if name.startswith(("builtins.", "__builtins__.")):
                    names.append(name.rpartition(".")[2])
    return names


def _ignores(source: bytes) -> list[list[Any]]:
    """Lines whose findings are to be passed over: the line, the kinds (none: all), the reason."""
    found = []
    for match in _IGNORE.finditer(source):
        line = source.count(b"\n", 0, match.start()) + 1
        kinds = [kind.strip() for kind in (match[1] or b"").decode().split(",") if kind.strip()]
        found.append([line, kinds, match[2].decode("utf-8", "replace").strip(" -:")])
    return found
