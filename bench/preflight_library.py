"""More ways in which people break a package: modules and what is in them confused. See ``preflight_breaks.py``."""

from __future__ import annotations

import ast
import posixpath
import random
import sys
from collections.abc import Iterator
from typing import Any

from preflight_breaks import (
    MARK,
    Edits,
    Tree,
    bodies,
    broken,
    imported_beside,
    parsed,
    pick,
    replaced,
    simple_imports,
    typed,
)


def _plain(tree: ast.Module) -> set[str]:
    """The standard library's modules that a module imports whole, under their own names."""
    names = {a.name for n in tree.body if isinstance(n, ast.Import) for a in n.names if not a.asname}
    return names & sys.stdlib_module_names


def _attributes(tree: ast.Module) -> Iterator[ast.Attribute]:
    modules = _plain(tree)
    for node in ast.walk(tree):
        here = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.lineno == node.end_lineno
        if here and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield node


@broken("typo of a name in the standard library")
def attribute(tree: Tree, rng: random.Random) -> Edits | None:
    found = pick(tree, rng, lambda _f, t: _attributes(t))
    return found and {found[0]: replaced(tree[found[0]], found[1], f"{found[1].value.id}.{typed(found[1].attr)}")}


@broken("typo in an import from the standard library")
def imported(tree: Tree, rng: random.Random) -> Edits | None:
    def inner(_f: str, t: ast.Module) -> Iterator[Any]:
        for node in simple_imports(t):
            if isinstance(node, ast.ImportFrom) and not node.level and node.module in sys.stdlib_module_names:
                yield from node.names

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, alias = found
    return {file: replaced(tree[file], alias, f"{typed(alias.name)} as {alias.asname or alias.name}")}


@broken("module taken for what is in it")
def class_for_module(tree: Tree, rng: random.Random) -> Edits | None:
    """``datetime.now()`` after ``import datetime``."""

    def inner(_f: str, t: ast.Module) -> Iterator[Any]:
        attributes = {id(node) for node in _attributes(t)}
        for node in ast.walk(t):
            if isinstance(node, ast.Attribute) and id(node.value) in attributes and node.lineno == node.end_lineno:
                yield node

    found = pick(tree, rng, inner)
    return found and {found[0]: replaced(tree[found[0]], found[1], f"{found[1].value.value.id}.{found[1].attr}")}


@broken("what is in a module taken for it")
def module_for_class(tree: Tree, rng: random.Random) -> Edits | None:
    """``import json`` becomes ``from json import dumps as json``."""

    def inner(_f: str, t: ast.Module) -> Iterator[Any]:
        used = [node for node in _attributes(t) if node.attr[:1].islower()]
        for node in t.body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            same = [n.attr for n in used if [n.value.id] == names]
            if len(set(same)) > 1:
                yield node, f"from {names[0]} import {same[0]} as {names[0]}"

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, (node, text) = found
    return {file: replaced(tree[file], node, text)}


@broken("module called")
def called(tree: Tree, rng: random.Random) -> Edits | None:
    def inner(_f: str, t: ast.Module) -> Iterator[Any]:
        modules = sorted(_plain(t))
        for function in bodies(t):
            last = function.body[-1]
            if modules and last.lineno > function.body[0].lineno and isinstance(last, (ast.Return, ast.Expr)):
                bound = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
                bound |= {a.arg for a in ast.walk(function) if isinstance(a, ast.arg)}
                yield from ((last, name) for name in modules if name not in bound)

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, (node, name) = found
    indent = " " * node.col_offset
    return {file: replaced(tree[file], node, f"{name}()  {MARK}\n{indent}{ast.unparse(node)}")}


@broken("value of a global deleted")
def unset(tree: Tree, rng: random.Random) -> Edits | None:
    def inner(_f: str, t: ast.Module) -> Iterator[Any]:
        declared = {name for n in ast.walk(t) if isinstance(n, ast.Global) for name in n.names}
        for node in t.body:
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            if isinstance(target, ast.Name) and target.id in declared:
                yield node

    found = pick(tree, rng, inner)
    return found and {found[0]: replaced(tree[found[0]], found[1], "pass")}


@broken("circle through an attribute")
def circle(tree: Tree, rng: random.Random) -> Edits | None:
    """The imported module uses the last name of its importer, at the top."""

    def inner(f: str, t: ast.Module) -> Iterator[Any]:
        return iter(()) if f.endswith("__init__.py") else imported_beside(tree, f, t)

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, (other, name) = found
    first = next(iter(simple_imports(parsed(tree[other]))), None)
    if first is None:
        return None
    module = posixpath.splitext(posixpath.basename(file))[0]
    return {other: replaced(tree[other], first, f"from . import {module} as _c; _c.{name}; {ast.unparse(first)}")}


@broken("name of a class used in a comprehension of its body")
def class_body(tree: Tree, rng: random.Random) -> Edits | None:
    def inner(_f: str, t: ast.Module) -> Iterator[Any]:
        tops = {n.name for n in t.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
        for node in ast.walk(t):
            if isinstance(node, ast.ClassDef):
                for s in node.body:
                    target = s.targets[0] if isinstance(s, ast.Assign) else None
                    if isinstance(target, ast.Name) and target.id not in tops and s.lineno == s.end_lineno:
                        yield s, target.id

    found = pick(tree, rng, inner)
    if not found:
        return None
    file, (node, name) = found
    indent = " " * node.col_offset
    text = f"{ast.unparse(node)}\n{indent}all_of_it = [{name} for _ in (1, 2)]"
    return {file: replaced(tree[file], node, text)}
