"""More ways in which people break a package: names, and what does not compile. See ``preflight_breaks.py``."""

from __future__ import annotations

import ast
import posixpath
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

from preflight_breaks import (
    ALL,
    MARK,
    Break,
    Edits,
    Tree,
    bodies,
    broken,
    loads,
    parsed,
    pick,
    replaced,
    simple_imports,
    tops,
    typed,
)

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
