"""Ways in which people break a package, one at a time, for ``preflight_mutations.py``.

Each takes a tree (path to source) and a random generator, and gives the files that change (None: deleted), or None
where the tree has no place for it. Lines stay where they are, so that findings before and after can be compared.
"""

from __future__ import annotations

import ast
import posixpath
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

Tree = dict[str, str]
Edits = dict[str, str | None]
Break = Callable[[Tree, random.Random], Edits | None]
MARK = "# fails here"  # where the oracle cannot tell
_PARSED: dict[int, ast.Module] = {}
ALL: dict[str, Break] = {}


def broken(name: str) -> Callable[[Break], Break]:
    def keep(function: Break) -> Break:
        ALL[name] = function
        return function

    return keep


def parsed(text: str) -> ast.Module:
    key = hash(text)
    if key not in _PARSED:
        _PARSED[key] = ast.parse(text)
    return _PARSED[key]


def pick(tree: Tree, rng: random.Random, candidates: Callable[[str, ast.Module], Iterator[Any]]) -> Any:
    """One candidate of a random file that has any."""
    files = sorted(tree)
    rng.shuffle(files)
    for file in files:
        found = list(candidates(file, parsed(tree[file])))
        if found:
            return file, rng.choice(found)
    return None


def replaced(text: str, node: Any, new: str) -> str:
    """The source with a node's text replaced."""
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    first, last = node.lineno - 1, node.end_lineno - 1
    kept = b"\n" * (last - first)  # what stands behind stays on its line
    tail = lines[last][node.end_col_offset :]
    lines[first : last + 1] = [lines[first][: node.col_offset] + new.encode() + kept + tail]
    return b"".join(lines).decode()


def typed(name: str) -> str:
    """A slip of the keyboard."""
    return name[:-2] + name[-1] + name[-2] if len(name) > 3 and name[-1] != name[-2] else name + "e"


def simple_imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in tree.body:
        named = isinstance(node, ast.ImportFrom) and node.module != "__future__" and node.names[0].name != "*"
        if isinstance(node, ast.Import) or named:
            yield node


def loads(node: ast.AST) -> Iterator[ast.Name]:
    for item in ast.walk(node):
        if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load) and item.end_lineno == item.lineno:
            yield item


def bodies(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and len(node.body) > 1:
            yield node


def tops(tree: ast.Module) -> set[str]:
    """Names of the module that its text binds plainly."""
    names = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {a.asname or a.name.partition(".")[0] for a in node.names}
        elif isinstance(node, ast.Assign):
            names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return names


# -- imports -----------------------------------------------------------------------------------------------------------


@broken("import line deleted")
def import_deleted(tree: Tree, rng: random.Random) -> Edits | None:
    found = pick(tree, rng, lambda _f, t: simple_imports(t))
    return found and {found[0]: replaced(tree[found[0]], found[1], "pass")}


@broken("import under TYPE_CHECKING")
def import_typing(tree: Tree, rng: random.Random) -> Edits | None:
    found = pick(tree, rng, lambda _f, t: simple_imports(t))
    if not found:
        return None
    text = ast.unparse(found[1])
    return {found[0]: replaced(tree[found[0]], found[1], f"from typing import TYPE_CHECKING\nif TYPE_CHECKING: {text}")}


@broken("import under a false condition")
def import_condition(tree: Tree, rng: random.Random) -> Edits | None:
    found = pick(tree, rng, lambda _f, t: simple_imports(t))
    if not found:
        return None
    test = rng.choice(["__import__('sys').version_info < (3, 8)", "False", "0"])
    return {found[0]: replaced(tree[found[0]], found[1], f"if {test}: {ast.unparse(found[1])}")}


@broken("import that fails in try/except pass")
def import_guarded(tree: Tree, rng: random.Random) -> Edits | None:
    def inner(_f: str, t: ast.Module) -> Iterator[ast.ImportFrom]:
        return (n for n in simple_imports(t) if isinstance(n, ast.ImportFrom) and n.level and n.module)

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, node = found
    wrong = ast.unparse(node).replace(node.module, typed(node.module), 1)
    return {file: replaced(tree[file], node, f"try: {wrong}  {MARK}\nexcept ImportError: pass")}


@broken("typo in an imported name")
def import_name(tree: Tree, rng: random.Random) -> Edits | None:
    own = {posixpath.splitext(f)[0].split("/")[0] for f in tree}

    def inner(_f: str, t: ast.Module) -> Iterator[Any]:
        for node in ast.walk(t):
            if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").split(".")[0] in own):
                yield from ((node, alias) for alias in node.names if alias.name != "*")

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, (_, alias) = found
    name = typed(alias.name)
    return {file: replaced(tree[file], alias, f"{name} as {alias.asname or alias.name}")}


@broken("typo in an imported module")
def import_module(tree: Tree, rng: random.Random) -> Edits | None:
    def inner(_f: str, t: ast.Module) -> Iterator[ast.ImportFrom]:
        for node in ast.walk(t):
            if isinstance(node, ast.ImportFrom) and node.module and node.module != "__future__":
                yield node

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, node = found
    changed = ast.ImportFrom(module=typed(node.module), names=node.names, level=node.level)
    return {file: replaced(tree[file], node, ast.unparse(changed))}


@broken("one dot more")
def import_dots(tree: Tree, rng: random.Random) -> Edits | None:
    def inner(_f: str, t: ast.Module) -> Iterator[ast.ImportFrom]:
        return (n for n in ast.walk(t) if isinstance(n, ast.ImportFrom) and n.level)

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, node = found
    changed = ast.ImportFrom(module=node.module, names=node.names, level=node.level + 1)
    return {file: replaced(tree[file], node, ast.unparse(changed))}


@broken("wrong case in an imported module")
def import_case(tree: Tree, rng: random.Random) -> Edits | None:
    def inner(_f: str, t: ast.Module) -> Iterator[ast.ImportFrom]:
        return (n for n in simple_imports(t) if isinstance(n, ast.ImportFrom) and n.level and n.module)

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, node = found
    changed = ast.ImportFrom(module=node.module.capitalize(), names=node.names, level=node.level)
    return {file: replaced(tree[file], node, ast.unparse(changed))}


@broken("lazy import of what is not there")
def import_lazy(tree: Tree, rng: random.Random) -> Edits | None:
    found = pick(tree, rng, lambda _f, t: (f.body[-1] for f in bodies(t) if f.body[-1].lineno > f.body[0].lineno))
    if not found:
        return None
    file, node = found
    line = rng.choice(["from . import nope_x", "from .nope_y import z", "import nope_z.deep", "from json import nope"])
    text = tree[file].splitlines(keepends=True)[node.lineno - 1 : node.end_lineno]
    indent = re.match(r"\s*", text[0])[0]  # type: ignore[index]
    return {file: tree[file].replace("".join(text), f"{indent}{line}\n" + "".join(text), 1)}


@broken("circular import")
def circle(tree: Tree, rng: random.Random) -> Edits | None:
    """The imported module takes the last name of its importer, at the top."""

    def inner(f: str, t: ast.Module) -> Iterator[Any]:
        names = [n.name for n in t.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
        for node in simple_imports(t):
            if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module and names:
                other = posixpath.join(posixpath.dirname(f), node.module.replace(".", "/") + ".py")
                if other in tree and "." not in node.module:
                    yield other, names[-1]

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, (other, name) = found
    first = next(iter(simple_imports(parsed(tree[other]))), None)
    if first is None:
        return None
    line = f"from .{posixpath.splitext(posixpath.basename(file))[0]} import {name} as _circle; {ast.unparse(first)}"
    return {other: replaced(tree[other], first, line)}


# -- modules -----------------------------------------------------------------------------------------------------------


@broken("module deleted")
def module_deleted(tree: Tree, rng: random.Random) -> Edits | None:
    return {rng.choice(sorted(f for f in tree if not f.endswith("__init__.py"))): None}


@broken("__init__ deleted")
def init_deleted(tree: Tree, rng: random.Random) -> Edits | None:
    inits = sorted(f for f in tree if f.endswith("/__init__.py") and f.count("/") > 1 and len(tree[f]) > 40)
    return {rng.choice(inits): None} if inits else None


@broken("module moved")
def module_moved(tree: Tree, rng: random.Random) -> Edits | None:
    file = rng.choice(sorted(f for f in tree if not f.endswith("__init__.py")))
    folders = sorted({posixpath.dirname(f) for f in tree} - {posixpath.dirname(file), ""})
    new = posixpath.join(rng.choice(folders), "moved_" + posixpath.basename(file)) if folders else "moved.py"
    return {file: None, new: tree[file]}


# -- names -------------------------------------------------------------------------------------------------------------


@broken("definition renamed")
def renamed(tree: Tree, rng: random.Random) -> Edits | None:
    def inner(_f: str, t: ast.Module) -> Iterator[Any]:
        return (n for n in t.body if isinstance(n, (ast.FunctionDef, ast.ClassDef)))

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, node = found
    lines = tree[file].splitlines(keepends=True)
    lines[node.lineno - 1] = re.sub(rf"\b{node.name}\b", f"{node.name}_v2", lines[node.lineno - 1], count=1)
    return {file: "".join(lines)}


@broken("constant renamed")
def constant_renamed(tree: Tree, rng: random.Random) -> Edits | None:
    def inner(_f: str, t: ast.Module) -> Iterator[Any]:
        for node in t.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            if isinstance(target, ast.Name) and not target.id.startswith("__"):
                yield target

    found = pick(tree, rng, inner)
    return found and {found[0]: replaced(tree[found[0]], found[1], found[1].id + "_v2")}


@broken("renamed in its module, users elsewhere not")
def renamed_inside(tree: Tree, rng: random.Random) -> Edits | None:
    used = {
        a.name for t in tree.values() for n in ast.walk(parsed(t)) if isinstance(n, ast.ImportFrom) for a in n.names
    }
    used |= {n.attr for t in tree.values() for n in ast.walk(parsed(t)) if isinstance(n, ast.Attribute)}

    def inner(_f: str, t: ast.Module) -> Iterator[Any]:
        return (n for n in t.body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and n.name in used)

    found = pick(tree, rng, inner)
    return found and {found[0]: re.sub(rf"\b{found[1].name}\b", f"{found[1].name}_v2", tree[found[0]])}


def _typo_in(where: Callable[[ast.Module], Iterator[ast.AST]]) -> Break:
    def mutate(tree: Tree, rng: random.Random) -> Edits | None:
        def inner(_f: str, t: ast.Module) -> Iterator[ast.Name]:
            names = tops(t)
            for node in where(t):
                yield from (name for name in loads(node) if name.id in names)

        found = pick(tree, rng, inner)
        return found and {found[0]: replaced(tree[found[0]], found[1], typed(found[1].id))}

    return mutate


def _children(kind: Any, *parts: str) -> Callable[[ast.Module], Iterator[ast.AST]]:
    def where(tree: ast.Module) -> Iterator[ast.AST]:
        for node in ast.walk(tree):
            if isinstance(node, kind):
                for part in parts:
                    value = getattr(node, part)
                    yield from value if isinstance(value, list) else [value] if value is not None else []

    return where


_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSION = (ast.ListComp, ast.SetComp, ast.GeneratorExp)
ALL["typo of a name in a function"] = _typo_in(_children(_FUNCTION, "body"))
ALL["typo in a decorator"] = _typo_in(_children((*_FUNCTION, ast.ClassDef), "decorator_list"))
ALL["typo in a base class"] = _typo_in(_children(ast.ClassDef, "bases"))
ALL["typo in a comprehension"] = _typo_in(_children(_COMPREHENSION, "elt"))
ALL["typo in a table of handlers"] = _typo_in(lambda t: (n.value for n in t.body if isinstance(n, ast.Assign)))
ALL["typo in a class body"] = _typo_in(
    lambda t: (s for n in t.body if isinstance(n, ast.ClassDef) for s in n.body if isinstance(s, ast.Assign))
)
ALL["typo in a default value"] = _typo_in(
    lambda t: (d for n in ast.walk(t) if isinstance(n, _FUNCTION) for d in n.args.defaults)
)


@broken("typo of an attribute of a module")
def attribute(tree: Tree, rng: random.Random) -> Edits | None:
    own = {posixpath.splitext(f)[0].split("/")[0] for f in tree}

    def inner(_f: str, t: ast.Module) -> Iterator[ast.Attribute]:
        modules = set()
        for node in simple_imports(t):
            if isinstance(node, ast.Import):
                modules |= {a.asname or a.name for a in node.names if a.name.partition(".")[0] in own}
            elif node.module is None or node.level == 0:
                modules |= {a.asname or a.name for a in node.names}
        for node in ast.walk(t):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Load)
                and ast.unparse(node.value) in modules
            ):
                yield node

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, node = found
    return {file: replaced(tree[file], node, f"{ast.unparse(node.value)}.{typed(node.attr)}")}


@broken("__all__ names what is not there")
def exported(tree: Tree, rng: random.Random) -> Edits | None:
    def inner(_f: str, t: ast.Module) -> Iterator[Any]:
        for node in t.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                yield from getattr(node.value, "elts", [])[:1]

    found = pick(tree, rng, inner)
    return found and {found[0]: replaced(tree[found[0]], found[1], "'nope_exported'")}


@broken("name deleted, then used")
def deleted(tree: Tree, rng: random.Random) -> Edits | None:
    def inner(_f: str, t: ast.Module) -> Iterator[Any]:
        names = tops(t)
        used = {n.id for f in bodies(t) for n in loads(f)}
        return (n for n in t.body if isinstance(n, ast.ClassDef) and n.name in used & names)

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, node = found
    return {file: tree[file].rstrip("\n") + f"\ndel {node.name}\n"}


@broken("name of an exception used after it")
def exception(tree: Tree, rng: random.Random) -> Edits | None:
    found = pick(tree, rng, lambda _f, t: (f.body[-1] for f in bodies(t) if isinstance(f.body[-1], ast.Return)))
    if not found:
        return None
    file, node = found
    indent = " " * node.col_offset
    lines = ["try: len(())", "except ValueError as gone: raise", f"print(gone)  {MARK}", ast.unparse(node)]
    text = f"\n{indent}".join(lines)
    return {file: replaced(tree[file], node, text)}


@broken("import in one branch of a function")
def branch(tree: Tree, rng: random.Random) -> Edits | None:
    """A module's import is repeated in a branch, which makes the name a local of the function."""

    def inner(_f: str, t: ast.Module) -> Iterator[Any]:
        plain = [n for n in simple_imports(t) if len(n.names) == 1]
        for function in bodies(t):
            first, last = function.body[0], function.body[-1]
            if first is last or first.lineno == last.lineno or not function.args.args:
                continue
            for node in plain:
                name = node.names[0].asname or node.names[0].name.partition(".")[0]
                if name in {n.id for n in loads(last)} and name not in {
                    n.id for s in function.body[:-1] for n in loads(s)
                }:
                    yield last, node, function.args.args[0].arg, name

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, (last, node, test, name) = found
    indent = " " * last.col_offset
    return {
        file: _with_line(tree[file], last, f"{indent}if {test}: {ast.unparse(node)}\n{indent}print({name})  {MARK}\n")
    }


@broken("value set in one branch only")
def one_branch(tree: Tree, rng: random.Random) -> Edits | None:
    found = pick(
        tree, rng, lambda _f, t: (f for f in bodies(t) if f.args.args and f.body[0].lineno < f.body[-1].lineno)
    )
    if not found:
        return None
    file, node = found
    last = node.body[-1]
    indent = " " * last.col_offset
    text = f"{indent}if {node.args.args[0].arg}: only_here = 1\n{indent}print(only_here)  {MARK}\n"
    return {file: _with_line(tree[file], last, text)}


@broken("function defined under a false condition")
def conditional(tree: Tree, rng: random.Random) -> Edits | None:
    def inner(_f: str, t: ast.Module) -> Iterator[Any]:
        for node in t.body:
            if isinstance(node, ast.FunctionDef) and not node.decorator_list:
                yield node

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, node = found
    text = ast.unparse(node).replace("\n", "\n    ")
    return {file: replaced(tree[file], node, f"if False:\n    {text}\n")}


# -- syntax ------------------------------------------------------------------------------------------------------------


def _at_function(change: Callable[[str, Any], str]) -> Break:
    def mutate(tree: Tree, rng: random.Random) -> Edits | None:
        found = pick(tree, rng, lambda _f, t: (f.body[-1] for f in bodies(t) if f.body[-1].col_offset))
        return found and {found[0]: change(tree[found[0]], found[1])}

    return mutate


def _with_line(text: str, node: Any, line: str) -> str:
    lines = text.splitlines(keepends=True)
    lines.insert(node.lineno - 1, line)
    return "".join(lines)


ALL["merge conflict left"] = _at_function(lambda text, node: _with_line(text, node, "<<<<<<< HEAD\n"))
ALL["bad indentation"] = _at_function(lambda t, n: _with_line(t, n, " " * (n.col_offset - 1) + "x = 1\n"))
ALL["keyword given twice"] = _at_function(lambda t, n: _with_line(t, n, " " * n.col_offset + "dict(a=1, a=2)\n"))
ALL["f-string of Python 3.12"] = _at_function(
    lambda t, n: _with_line(t, n, " " * n.col_offset + 'f"{dict(a="b")["a"]}"\n')
)
