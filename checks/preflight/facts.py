"""What one file says: its imports with their circumstances, the names it binds, what it does to the import system.

Pure: from the source to plain JSON-able values. Runs in the worker, under the target's interpreter (3.8 or newer):
standard library only, none of its newer syntax. Only statements are visited (most functions have none here, see
``sketch``); expressions only in files whose text asks for it. That, and nothing else, makes thousands of files
bearable: visiting every node costs four times as much as parsing.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

from checks.preflight import answers, asides, calls, handlers, paths
from checks.preflight.conditions import ALWAYS, ASKED, NEVER, TYPING, Conditions, both, dotted
from checks.preflight.names import mentioned

# The namespace is written to by other means than statements, or the module replaces itself.
_WALRUS = re.compile(rb":=")  # two bytes are found three times as fast as by ``in``
_DYNAMIC = (
    b"global_enum",
    b"_convert_(",
    b"sys.modules[__name__]",
    b"lazy_loader",
)
_VARS = re.compile(rb"= ?vars\(\)|vars\(\)\[")
_LOCALS = re.compile(rb"\blocals\(\)(?:\[[^\]\n]*\]\s*=[^=]|\.update\()")
# Before ``__name__`` in ``lazy.attach(__name__, ...)``, ``recreate_module(__name__, ...)``: somebody else binds names.
_MADE_ELSEWHERE = re.compile(
    rb"\b(?!(?:import|find|load|get|reload)_module)\w*(?:[mM]odule|[lL]azy|attach|deprecat)\w*\(\s*(?:#[^\n]*\n\s*)?\Z"
)
_BEFORE = 200  # bytes
_SCRIPT = re.compile(rb"^if\s+__name__\s*==", re.MULTILINE)
# What only reads them changes nothing.
_READ_GLOBALS = re.compile(
    rb"\bin globals\(\)(?!\[)|globals\(\)\.(?:get|items|keys|values|copy)\(|globals\(\)\[[^\]\n]*\](?!\s*=[^=])"
    rb"|(?:\beval|__import__)\([^\n]*\bglobals\(\)|\bexec\([^\n]*\bglobals\(\)\s*,"
)
_EXEC = re.compile(rb"^[ \t]*exec\(", re.MULTILINE)
_SEARCH_PATH = re.compile(rb"sys\.path\.(?:insert|append|extend)\b|addsitedir")
_MADE_MODULE = re.compile(rb"sys\.modules(?:\.setdefault\b|\s*\[[^=\n]*\]\s*(?:#[^\n]*\n\s*)?=(?!=))")
_LITERAL_IMPORT = re.compile(rb"(?:import_module|__import__)\(\s*[\"']")
_ANSWERS = re.compile(rb"^def __getattr__\(", re.MULTILINE)
_NEW_BUILTIN = re.compile(rb"builtins(?:__)?\.\w+\s*=[^=]")


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
    same function, innermost first, each with the part of it. ``elsewhere``: below a condition on the platform.
    """

    scope: str = ""
    namespace: str = "module"
    when: str = ALWAYS
    tries: tuple[tuple[int, str], ...] = ()
    prefix: str = ""
    elsewhere: bool = False


class Reader:
    """Collects the facts of one file."""

    def __init__(
        self,
        source: bytes,
        target: tuple[int, int],
        holding: Callable[[list[bytes]], ast.Module],
        compiled: Callable[[list[bytes]], CodeType],
    ) -> None:
        """``holding``: gives the syntax tree with the functions that hold one of some words, ``compiled`` its code."""
        self.source = source
        self._holding = holding
        self._compiled = compiled
        self.conditions = Conditions(target)
        self.imports: list[list[Any]] = []
        self.tries: list[list[Any]] = []
        self.events: list[Any] = []
        self.late: set[str] = set()
        self.typing: set[str] = set()
        self.never: set[str] = set()
        self.exported: list[str] | None = None
        self.told = 0
        self._flags: dict[str, int] = {}  # what a failed import clears: the try statement
        self.sets: list[list[str]] = []
        self._visitors = _visitors()

    def read(self, tree: ast.Module) -> dict[str, Any]:
        """The facts of the parsed file. The tree may lack functions that import nothing and bind no global names."""
        self._body(tree.body, Place())
        if _WALRUS.search(self.source):
            self._walruses(tree)
        bound = {event for event in self.events if isinstance(event, str)} | self.late
        for item in self.imports:
            if item[1] == "" and item[8]:
                bound.update(bound_by(item))
        facts: dict[str, Any] = {
            "imports": self.imports,
            "tries": self.tries,
            "events": self.events,
            "late": sorted(self.late),
            "typing": sorted(self.typing - bound),
            "never": sorted(self.never - bound - self.typing),
            "all": self.exported,
            "all_open": self.source.count(b"__all__") > self.told,
            "sets": self.sets,
            "script": bool(_SCRIPT.search(asides.around(self.source, b"__name__"))),
            "dynamic": self._computes_names(),
        }
        self._circumstances(tree, facts)
        # Most files have little of this; what is not said is empty.
        return {key: value for key, value in facts.items() if value or (key == "all" and value is not None)}

    def _computes_names(self) -> bool:
        """Whether the module gets names by other means than statements. What stands in a string is none of its code."""
        source = self.source
        if any(text in source for text in _DYNAMIC) or (b"vars()" in source and _VARS.search(source)):
            return True
        if b"locals()" in source and _LOCALS.search(source):
            return True
        if any(_MADE_ELSEWHERE.search(source, max(0, at - _BEFORE), at) for at in asides.places(source, b"__name__")):
            return True
        if b"exec(" in source and _EXEC.search(source) and asides.executes(self._holding([b"exec("])):
            return True
        asked = b"globals()" in source and b"globals()" in _READ_GLOBALS.sub(b"", asides.around(source, b"globals()"))
        return asked and "globals" in mentioned(self._compiled([b"globals()"]))

    def _circumstances(self, tree: ast.Module, facts: dict[str, Any]) -> None:
        """What the text has to ask for: expressions are visited in few files."""
        calls_import = b"import_module" in self.source or b"__import__" in self.source
        if calls_import and _LITERAL_IMPORT.search(self.source):
            self._dynamic_imports(tree)
        if calls_import:
            facts["listed"] = calls.listed(self.source, tree, self.conditions, self.tries)
        if b"def __getattr__(" in self.source and (head := _ANSWERS.search(self.source)):
            facts["answering"] = True
            facts["answers"] = answers.of(tree, answers.function(self.source, head.start()))
        if (b"sys.path" in self.source or b"addsitedir" in self.source) and _SEARCH_PATH.search(self.source):
            facts["paths"] = paths.additions(self._holding([b"sys.path", b"addsitedir"]))
        if b"sys.modules" in self.source and _MADE_MODULE.search(self.source):
            facts["fakes"], facts["importer"] = asides.fakes(self._holding([b"sys.modules"]))
        if b"sys.meta_path" in self.source:
            facts["importer"] = True
        if b"builtins" in self.source and _NEW_BUILTIN.search(self.source):
            facts["builtins"] = asides.builtins(self._holding([b"builtins"]))
        if b"preflight:" in self.source:
            facts["ignores"] = asides.ignores(self.source)

    def modules(self) -> tuple[set[str], set[str]]:
        """The imported names that may stand for modules, and those that functions import."""
        names: set[str] = set()
        lazy: set[str] = set()
        for item in self.imports:
            if item[7] not in (TYPING, NEVER):
                # What begins with a capital is a class, as good as always.
                bound = [name for name in bound_by(item) if name and (item[4] is None or not name[:1].isupper())]
                names.update(bound)
                lazy.update(bound if item[1] else ())
        return names, lazy

    # -- statements ----------------------------------------------------------------------------------------------------

    def _body(self, statements: list[ast.stmt], place: Place) -> None:
        for statement in statements:
            visit = self._visitors.get(type(statement))
            if visit is not None:
                visit(self, statement, place)
                if place.scope and isinstance(statement, ast.If) and self.conditions.leaves(statement):
                    place = place._replace(when=NEVER)

    def _bind(self, name: str, place: Place) -> None:
        if place.namespace != "module":
            return
        if place.when == TYPING:
            self.typing.add(name)
        elif place.when == NEVER:
            self._bind_never([name], place)
        else:
            self.events.append(name)

    def _bind_never(self, names: list[str], place: Place) -> None:
        if not place.elsewhere:
            self.never.update(name for name in names if not hasattr(builtins, name))

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
        if type(node.body[0]) is not ast.Pass:  # as of all that import nothing
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
        if binds and place.when in (TYPING, NEVER):
            item[8] = False
            if place.when == TYPING:
                self.typing.update(bound_by(item))
            else:
                self._bind_never(bound_by(item), place)
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
                self.exported = asides.words(node.value)
            elif isinstance(node.value, (ast.Compare, ast.UnaryOp, ast.Attribute, ast.Call, ast.BoolOp, ast.Constant)):
                self.conditions.learn(name, node.value)

    def _annotated(self, node: ast.AnnAssign, place: Place) -> None:
        if node.value is not None:
            self._targets(node.target, place)
            if place.namespace == "module" and isinstance(node.target, ast.Name) and node.target.id == "__all__":
                self.told += 1
                self.exported = asides.words(node.value)

    def _augmented(self, node: ast.AugAssign, place: Place) -> None:
        if isinstance(node.target, ast.Name) and node.target.id == "__all__" and place.namespace == "module":
            self.told += 1
            more = asides.words(node.value)
            self.exported = None if more is None or self.exported is None else self.exported + more

    def _delete(self, node: ast.Delete, place: Place) -> None:
        if place.namespace == "module" and place.when == ALWAYS:
            self.events += ["-" + target.id for target in node.targets if isinstance(target, ast.Name)]

    def _global(self, node: ast.Global, place: Place) -> None:
        if place.when != TYPING:
            self.late.update(node.names)

    def _if(self, node: ast.If, place: Place) -> None:
        body, orelse = self.conditions.circumstances(node.test, load=not place.scope)
        elsewhere = place.elsewhere or (NEVER in (body, orelse) and self.conditions.about_platform(node.test))
        places = [place._replace(when=both(place.when, when), elsewhere=elsewhere) for when in (body, orelse)]
        test, negated = node.test, False
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, negated = test.operand, True
        attempt = self._asked_for(test, place)
        if attempt is not None:
            places[negated] = places[negated]._replace(tries=((attempt, "else"), *place.tries))
        self._body(node.body, places[0])
        self._body(node.orelse, places[1])

    def _asked_for(self, test: ast.expr, place: Place) -> int | None:
        """The try statement without whose success a test does not hold: one that clears a flag, or one that stands for
        a test that asks whether a module is there.
        """
        flag = next((name for name in handlers.positive(test) if name in self._flags), None)
        module = handlers.asked(test)
        if flag is not None or module is None:
            return None if flag is None else self._flags[flag]
        self.tries.append([test.lineno, "import", "silent", [], True])
        index = len(self.tries) - 1
        self.imports.append([test.lineno, place.scope, 0, module, None, "", [[index, "body"]], ASKED, False])
        return index

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
        caught = handlers.suppressed(node)
        if caught:
            self.tries.append([node.lineno, caught, "silent", [], handlers.only_imports(node.body)])
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
            kind = handlers.catches(handler.type)
            if kind:
                chosen = handler
                self.tries.append(
                    [
                        node.lineno,
                        kind,
                        handlers.outcome(handler),
                        handlers.bound_in(handler),
                        handlers.only_imports(node.body),
                    ]
                )
                break
        else:
            self.tries.append([node.lineno, "", "raise", [], False])
        self._body(node.body, place._replace(tries=((index, "body"), *place.tries)))
        if chosen is not None and not place.scope:
            self._flags.update(dict.fromkeys(handlers.flags(chosen), index))
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
        lines = asides.lines_of(_WALRUS, self.source)
        for statement in tree.body:
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                continue
            for node in ast.walk(statement) if asides.has_line(statement, lines) else ():
                if isinstance(node, ast.NamedExpr):
                    self.late.add(node.target.id)

    def _dynamic_imports(self, tree: ast.Module) -> None:
        for item, load in calls.imports(self.source, tree, self.conditions, self.tries):
            self.imports.append(item)
            if load and item[7] not in (NEVER, TYPING):
                self.events.append(len(self.imports) - 1)


@lru_cache(maxsize=None)  # noqa: UP033 - Python 3.8
def _visitors() -> dict[type, Any]:
    """By type, for what this Python's syntax has. Of the class: a reader that held its own methods would live, with all
    it has read, until somebody looks for cycles.
    """
    return {getattr(ast, k): getattr(Reader, v) for k, v in _VISITORS.items() if hasattr(ast, k)}


def bound_by(item: list[Any]) -> list[str]:
    """The names an import statement binds."""
    names, bound = item[4], item[5]
    return [bound] if names is None else [new or name for name, new in names if name != "*"]
