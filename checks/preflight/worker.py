"""The process that reads files, under the interpreter of the target version: requests in, one answer line out for each.

    python -I -S -c 'import sys; sys.path.insert(0, FOLDER); from checks.preflight.worker import main; main()' 3.11 36

A request is ``[path, [[code, line, column], ...]]`` with ruff's findings in that file, the answer is the file's facts;
or ``[path, {"paths": [...]}]``, and the answer is where it uses these (``uses``). Both are JSON. The standard input is
a file that several share (``workers``): from its position on it holds tickets of the size that is given, each with the
number of a request, where that stands in the file, and its length. An answer begins with the number. Standard library
only, syntax of Python 3.8. The file is compiled, never run.
"""

from __future__ import annotations

import ast
import builtins
import gc
import json
import os
import re
import signal
import sys
import warnings
from collections.abc import Sequence
from itertools import accumulate
from types import CodeType
from typing import Any

from checks.preflight.asides import lines_at, uses_of
from checks.preflight.conditions import MAYBE, PERHAPS
from checks.preflight.facts import Reader, bound_by
from checks.preflight.names import Finder, read_of
from checks.preflight.plain import plain
from checks.preflight.shadows import binders
from checks.preflight.sketch import Sketch, code_of
from checks.preflight.touched import called, touched
from checks.preflight.unbound import Suspects, branched, suspicious, unbound
from checks.preflight.unions import LAZY, too_new
from checks.preflight.unset import globals_never_set
from checks.preflight.uses import tree_of, uses

_SECONDS = 60  # for one file
_COLLECTED_EVERY = 200  # files
_DOUBT = "doubt"
_KINDS = {"F821": "undefined", "F823": "unbound", "F405": "star"}
# What stands under `if TYPE_CHECKING:` at the top, and the names that its imports end in.
_TYPING_BLOCK = re.compile(rb"\nif [^\n]*TYPE_CHECKING[^\n]*\n((?:[ \t]+[^\n]*\n|\r?\n)+)")
_LAST_NAME = re.compile(rb"(\w+)[ \t]*(?=[,)\r\n#])")
_NAME = re.compile(rb"\w+")
_FAILURES = (ValueError, RecursionError, MemoryError, UnicodeError)


def facts_of(source: bytes, hits: list[list[Any]], target: tuple[int, int]) -> dict[str, Any]:
    """The facts of one file; ``{"error": [line, message]}`` if it does not compile.

    ``hits``: what ruff found in it (``ruff``). What it has no doubt of may be read without compiling it.
    """
    if target >= LAZY:
        names = [hit for hit in hits if hit[0] != _DOUBT]
        try:
            if len(names) < len(hits) or not plain(source):
                code_of(source)
            return _sketched(source, names, target)
        except (SyntaxError, *_FAILURES):
            pass  # does not compile; or what is left out was told wrongly
    try:
        return _compiled(source, hits, target)
    except SyntaxError as error:
        remedy = (
            ": save it as UTF-8, or name its encoding in the first line" if "'utf-8' codec can't" in error.msg else ""
        )
        return {"error": [error.lineno or 1, f"{type(error).__name__}: {error.msg}{remedy}"]}
    except _FAILURES as error:
        return {"error": [1, f"{type(error).__name__}: {error}"]}


def names_of(source: bytes, target: tuple[int, int]) -> dict[str, Any]:
    """The facts of a file of which only its names matter: not compiled, nothing suspected."""
    try:
        sketch = Sketch(source)
        return Reader(source, target, sketch.tree_holding, sketch.code_holding).read(sketch.tree())
    except (SyntaxError, *_FAILURES):
        return {"error": [1, "cannot be parsed"]}


def _compiled(source: bytes, hits: list[list[Any]], target: tuple[int, int]) -> dict[str, Any]:
    tree = ast.parse(source)
    code = compile(tree, "<file>", "exec", dont_inherit=True)
    reader = Reader(source, target, lambda _words: tree, lambda _words: code)
    try:
        facts = reader.read(tree)
        solid = _solid(tree, facts)
        suspects = _suspects(tree, hits, _read(_absent(facts), code), suspicious(code, solid), reader)
        suspects += _lonely(tree, facts) + _branched(tree, facts, solid, reader)
        return _with_uses(facts, reader, code, suspects)
    except RecursionError:
        return {"error": [1, "RecursionError: nested too deeply to be read"], "unread": True}


def _sketched(source: bytes, hits: list[list[Any]], target: tuple[int, int]) -> dict[str, Any]:
    """The same without most functions, of a file that compiles."""
    sketch = Sketch(source)
    places = _places(source, hits)
    named = {found[0] for place in places if (found := _NAME.match(source, place))}
    names = named | _typing_names(source)

    def all_uses(names: set[bytes]) -> list[int]:
        return sorted({*places, *uses_of(source, names)})

    asked = all_uses(names)
    tree = sketch.tree(asked)
    reader = Reader(source, target, sketch.tree_holding, sketch.code_holding)
    facts = reader.read(tree)
    absent = _absent(facts)
    if not names.issuperset(name.encode() for name in absent):  # bound where the target never goes, mostly
        asked = all_uses(named.union(name.encode() for name in absent))
        tree = sketch.tree(asked)
    solid = _solid(tree, facts)
    binding = binders(sketch, solid)
    for function in {found for found in map(sketch.function_at, places) if found is not None}:
        code, above = sketch.compiled(function)
        binding[function] = suspicious(code, solid, above)
    functions = {key: names for suspects in binding.values() for key, names in suspects.items()}
    if not all(function.sure for function in binding):
        functions = suspicious(sketch.code((), binding), solid)
    suspects = _lonely(tree, facts) + _branched(tree, facts, solid, reader)
    if functions:
        tree = sketch.tree(asked, binding)
    if hits or absent or functions:
        suspects += _suspects(tree, hits, absent, functions, reader, lines=lines_at(source, asked))
    return _with_uses(facts, reader, None, suspects)


def _places(source: bytes, hits: list[list[Any]]) -> list[int]:
    """Where the names stand that ruff found, in bytes from the beginning."""
    lines = source.splitlines(keepends=True) if hits else []
    starts = [0, *accumulate(map(len, lines))]
    return [starts[line - 1] + _column(lines[line - 1], column) for _, line, column in hits if line <= len(lines)]


def _column(line: bytes, column: int) -> int:
    """In bytes, from 0, what ruff counts in characters, from 1."""
    return len(line.decode("utf-8", "replace")[: column - 1].encode())


def _typing_names(source: bytes) -> set[bytes]:
    """The names that may be there for type checkers only, among others."""
    if b"TYPE_CHECKING" not in source:
        return set()
    return {name for block in _TYPING_BLOCK.findall(source) for name in _LAST_NAME.findall(block)}


def _absent(facts: dict[str, Any]) -> dict[str, str]:
    """The names that are bound where the module never goes, with their kind."""
    names = dict.fromkeys(facts.get("typing", ()), "typing_only")
    names.update((name, "never") for name in facts.get("never", ()))
    return names


def _read(absent: dict[str, str], code: CodeType) -> dict[str, str]:
    """Those that the code may read."""
    read = read_of(absent, code) if absent else set()
    return {name: kind for name, kind in absent.items() if name in read}


def _with_uses(facts: dict[str, Any], reader: Reader, code: Any, suspects: list[list[Any]]) -> dict[str, Any]:
    uses, sets = touched(reader.source, code, *reader.modules())
    for name in called(reader.source, {item[5] for item in reader.imports if item[4] is None and item[5]}):
        uses.setdefault(name, []).append("(")
    more = {"touched": uses, "sets": reader.sets + sets, "suspects": suspects}
    return {**facts, **{name: found for name, found in more.items() if found}}


def _suspects(
    tree: ast.Module,
    hits: list[list[Any]],
    absent: dict[str, str],
    functions: dict[tuple[str, int], Suspects],
    reader: Reader,
    *,
    lines: Sequence[int] | None = None,
) -> list[list[Any]]:
    """``lines``: those on which names stand that ruff found, or that are absent; None if that is not known."""
    found: list[list[Any]] = []
    if hits or absent:
        texts = reader.source.splitlines() if hits else []
        positions = {
            (line, _column(texts[line - 1], column)): _KINDS[kind]
            for kind, line, column in hits
            if line <= len(texts) and kind in _KINDS
        }
        found = Finder(tree, reader.conditions).find(positions, absent, lines=lines)
    found += too_new(tree, reader.conditions.target)
    if functions:
        known = {(item[1], item[2]) for item in found}
        more = unbound(tree, functions, reader.conditions)
        found += [item for item in more if (item[1], item[2]) not in known]
    return found


def _lonely(tree: ast.Module, facts: dict[str, Any]) -> list[list[Any]]:
    """Suspects among the names that only functions bind, as ``global``."""
    late = facts.get("late")
    if not late or any(["*", None] in (item[4] or ()) for item in facts.get("imports", ())):
        return []
    bound = {event for event in facts.get("events", ()) if isinstance(event, str)}
    bound.update(name for item in facts.get("imports", ()) if item[8] for name in bound_by(item))
    lonely = {name for name in late if name not in bound and name[:2] != "__" and not hasattr(builtins, name)}
    return globals_never_set(tree, lonely) if lonely else []


def _branched(tree: ast.Module, facts: dict[str, Any], solid: frozenset[str], reader: Reader) -> list[list[Any]]:
    """Suspects among the names that functions import under a condition, and the module does not have."""
    imported: dict[str, set[str]] = {}
    for item in facts.get("imports", ()):
        if item[1] and item[7] in (PERHAPS, MAYBE):
            names = {name for name in bound_by(item) if name and name not in solid}
            imported.setdefault(item[1], set()).update(names)
    return branched(tree, imported, reader.conditions) if any(imported.values()) else []


def _solid(tree: ast.Module, facts: dict[str, Any]) -> frozenset[str]:
    """Names that the module binds by import, def or class: a local of that name is rarely meant as another thing."""
    names = {s.name for s in tree.body if isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))}
    for item in facts.get("imports", ()):
        if item[8]:
            names.update(bound_by(item))
    return frozenset(names)


def main() -> None:
    """Answer requests until the input ends."""
    major, _, minor = sys.argv[1].partition(".")
    target, ticket_size = (int(major), int(minor)), int(sys.argv[2])
    gc.disable()  # syntax trees hold no cycles worth looking for: a third of the time
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(5000)
    out, count = sys.stdout.buffer, 0
    while True:
        ticket = os.read(0, ticket_size)
        if not ticket:
            return
        number, place, size = map(int, ticket.split())
        signal.alarm(_SECONDS)  # ends the process; who asked goes on with the next file
        path, asked = json.loads(os.pread(0, size, place))
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - pathlib is slow to import
                source = file.read()
            if isinstance(asked, dict):
                answer: Any = uses(source, tree_of(source, asked["paths"]), target, paths=asked["paths"])
            else:
                answer = facts_of(source, asked, target)
        except OSError as error:
            answer = {"error": [1, f"cannot be read: {error.strerror}"], "unread": True}
        out.write(b"%d %s\n" % (number, json.dumps(answer, separators=(",", ":")).encode()))
        out.flush()
        count += 1
        if count % _COLLECTED_EVERY == 0:  # what cycles there are must not grow for ever
            gc.collect()


__all__ = ["facts_of", "main", "names_of"]
