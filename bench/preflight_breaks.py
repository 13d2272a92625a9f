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
    test = rng.choice(["sys.version_info < (3, 8)", "False", "0"])
    text = f"import sys\nif {test}: {ast.unparse(found[1])}"
    return {found[0]: replaced(tree[found[0]], found[1], text)}


def relative_imports(_file: str, tree: ast.Module) -> Iterator[ast.ImportFrom]:
    """Those of modules of the same package, at the top of a module."""
    return (n for n in simple_imports(tree) if isinstance(n, ast.ImportFrom) and n.level and n.module)


@broken("import that fails in try/except pass")
def import_guarded(tree: Tree, rng: random.Random) -> Edits | None:
    found = pick(tree, rng, relative_imports)
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
    found = pick(tree, rng, relative_imports)
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


def imported_beside(tree: Tree, f: str, t: ast.Module) -> Iterator[Any]:
    """The modules beside a file that it imports by a dot, each with the last name that the file defines."""
    names = [n.name for n in t.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    for node in simple_imports(t):
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module and names:
            other = posixpath.join(posixpath.dirname(f), node.module.replace(".", "/") + ".py")
            if other in tree and "." not in node.module:
                yield other, names[-1]


@broken("circular import")
def circle(tree: Tree, rng: random.Random) -> Edits | None:
    """The imported module takes the last name of its importer, at the top."""

    found = pick(tree, rng, lambda f, t: imported_beside(tree, f, t))
    if not found:
        return None
    file, (other, name) = found
    first = next(iter(simple_imports(parsed(tree[other]))), None)
    if first is None:
        return None
    module = posixpath.splitext(posixpath.basename(file))[0].replace("__init__", "")
    line = f"from .{module} import {name} as _circle; {ast.unparse(first)}"
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
