"""Where a file uses names and attributes that are not there: looked up in its syntax tree once something is suspected.

Runs here, or for many files in the worker, beside what else is judged meanwhile.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from checks.preflight.asides import lines_at, uses_of
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
) -> list[list[Any]]:
    """See ``names.Finder.find``: of names that are absent, and of dotted paths that lead nowhere."""
    if tree is None:
        return []
    try:
        texts = [*(names or ()), *paths]
        plain = all(map(str.isascii, texts))  # others may be written in several ways
        lines = lines_at(source, uses_of(source, map(str.encode, texts))) if plain else None
        return Finder(tree, Conditions(target)).find({}, dict(names or {}), frozenset(paths), lines=lines)
    except RecursionError:
        return []
