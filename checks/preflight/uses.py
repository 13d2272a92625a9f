"""Where a file uses names and attributes that are not there: looked up in its syntax tree once something is suspected.

Runs here, or for many files in the worker, beside what else is judged meanwhile.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import Any

from checks.preflight.asides import lines_at, uses_of
from checks.preflight.conditions import Conditions
from checks.preflight.names import Finder
from checks.preflight.sketch import Sketch


def tree_of(source: bytes, words: Collection[str]) -> ast.Module | None:
    """The syntax tree of a text, as far as it uses these names or dotted paths; None if it is of a newer Python than
    this one.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            places = _places(source, words)
            return ast.parse(source) if places is None else Sketch(source).tree(places)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def uses(
    source: bytes,
    tree: ast.Module | None,
    target: tuple[int, int],
    *,
    names: Mapping[str, str] | None = None,
    paths: Collection[str] = (),
    calls: Mapping[str, Callable[[ast.Call], str]] | None = None,
) -> list[list[Any]]:
    """See ``names.Finder.find``: of names that are absent, of dotted paths that lead nowhere, of calls that fail."""
    if tree is None:
        return []
    places = _places(source, [*(names or ()), *paths, *(calls or ())])
    lines = None if places is None else lines_at(source, places)
    try:
        return Finder(tree, Conditions(target)).find({}, dict(names or {}), frozenset(paths), calls=calls, lines=lines)
    except RecursionError:
        return []


def _places(source: bytes, words: Collection[str]) -> list[int] | None:
    """Where code may use them; None if they may be written in several ways."""
    return uses_of(source, map(str.encode, words)) if all(map(str.isascii, words)) else None
