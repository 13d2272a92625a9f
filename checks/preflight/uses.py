"""Where a file uses names and attributes that are not there: looked up in its syntax tree once something is suspected.

Runs here, or for many files in the worker, beside what else is judged meanwhile.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from checks.preflight.conditions import Conditions
from checks.preflight.names import Finder
from checks.preflight.sketch import Sketch

if TYPE_CHECKING:
    import ast


def tree_of(source: bytes, words: Collection[str]) -> ast.Module | None:
    """The syntax tree of a text, as far as it holds the words; None if it is of a newer Python than this one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Sketch(source).tree_holding([word.encode() for word in words])
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
    try:
        return Finder(tree, Conditions(target)).find({}, dict(names or {}), frozenset(paths), text=source, calls=calls)
    except RecursionError:
        return []
