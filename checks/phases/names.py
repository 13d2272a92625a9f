"""The many spellings of processors and phases, and the one name each goes by.

The same processor is recorded as a class (``PlayerGameSummaryProcessor``), a table (``player_game_summary``), a
qualified table (``nba_raw.bdl_player_boxscores``), a versioned table (``ml_feature_store_v2``) or a configured name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_WORD_START = re.compile(r"([^_])([A-Z][a-z]+)")
_CAPITAL_AFTER_SMALL = re.compile(r"([a-z0-9])([A-Z])")
_SEPARATORS = re.compile(r"[\s_-]+")


class Canonical(NamedTuple):
    """The name something goes by, and whether what was recorded had to be changed to get it."""

    name: str
    normalised: bool


def canonical_processor(recorded: str, aliases: Mapping[str, str]) -> Canonical:
    """The canonical name of a processor as recorded.

    In this order: trim; keep what follows the last dot; drop a final ``Processor``; CamelCase to snake_case (a name all
    in capitals is only lower-cased); lower-case; then ``aliases`` (normal form -> canonical name), once. Blanks around
    the recorded name do not count as normalising. Never fails: what is no processor's name comes out as some other one.
    """
    trimmed = recorded.strip()
    name = trimmed.rpartition(".")[2].removesuffix("Processor")
    name = (name if name.isupper() else _snake(name)).lower()
    name = aliases.get(name, name)
    return Canonical(name, name != trimmed)


def canonical_phase(recorded: str, known: Iterable[str]) -> Canonical | None:
    """Which of the known phases is meant: ``phase3``, ``Phase3``, ``phase_3`` and ``3`` are the same one.

    None if it is none of them. Any difference from the canonical spelling counts as normalising, blanks included.
    """
    names = tuple(known)
    if recorded in names:
        return Canonical(recorded, normalised=False)
    wanted = _phase_key(recorded)
    return next((Canonical(name, normalised=True) for name in names if _phase_key(name) == wanted), None)


def _snake(name: str) -> str:
    """``MLFeatureStore`` to ``ML_Feature_Store``; what is snake_case already stays as it is."""
    return _CAPITAL_AFTER_SMALL.sub(r"\1_\2", _WORD_START.sub(r"\1_\2", name))


def _phase_key(name: str) -> str:
    """What is left of a phase's name without case, separators and the word ``phase``."""
    bare = _SEPARATORS.sub("", name).lower()
    return bare.removeprefix("phase") or bare
