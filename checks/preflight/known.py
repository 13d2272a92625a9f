"""Well-known distributions: what they are imported as, and what they bring along (``known.txt``).

What a version in use differs in, an environment given with ``--python`` knows better.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

_FILE = Path(__file__).with_name("known.txt")
# Names that requirements are given and that are no distribution's, or one's that brings nothing: what is meant. pip
# finds none of the first five; sklearn refuses to be installed (github.com/scikit-learn/sklearn-pypi-package), and
# google-cloud 0.34 was the last, an empty one.
MISNAMED = {
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "pil": "pillow",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
    "sklearn": "scikit-learn",
    "google-cloud": "",
}


class Known(NamedTuple):
    """What a distribution is imported as, and what it needs (normalised names); ``more``: among other things."""

    modules: tuple[str, ...]
    requires: tuple[str, ...]
    more: bool = False


def normal(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def table() -> dict[str, Known]:
    """All of them by normalised name."""
    return {name: known for name, known in _lines().items() if not name.startswith("@")}


def of_google_clients() -> tuple[str, ...]:
    """What every client library of Google Cloud needs."""
    return _lines()["@google"].requires


@cache
def _lines() -> dict[str, Known]:
    found: dict[str, Known] = {}
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        modules, _, needed = rest.partition(">")
        requires: list[str] = []
        for item in needed.removesuffix("...").split():
            requires += found[item].requires if item.startswith("@") else [normal(item)]
        names = () if modules.strip() == "-" else tuple(modules.split()) or (name.replace("-", "_"),)
        found[name if name.startswith("@") else normal(name)] = Known(names, tuple(requires), needed.endswith("..."))
    return found


@cache
def widespread() -> frozenset[str]:
    """Distributions that so many others need that one nobody knows may well bring them."""
    return frozenset(_lines()["@widespread"].requires)


@cache
def providers() -> dict[str, tuple[str, ...]]:
    """For each module the distributions that are imported as it."""
    found: dict[str, tuple[str, ...]] = {}
    for name, known in table().items():
        for module in known.modules:
            found[module] = (*found.get(module, ()), name)
    return found
