"""Folders that are only taken for functions: what a script puts into several of their kind may be put into them too.

One that deploys a single function says nothing of the others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from checks.preflight.model import Package
from checks.preflight.shipped.describing import shown

_COPIES = re.compile(rb"\b(?:cp|rsync)\s")


def heeded(found: Sequence[Package], root: Path, terraform: Sequence[Path]) -> list[Package]:
    """The packages, those of which nothing says how they are deployed with what may be put into them.

    ``terraform``: its files in the repository, which are not read: only whether they copy what they deploy.
    """
    deployed = [package for package in found if " deploys " in package.description]
    homes = Counter((_who(package), package.root.resolve().parent) for package in deployed)
    deployed = [package for package in deployed if homes[_who(package), package.root.resolve().parent] > 1]
    guessed = [package for package in found if package.description.startswith("function folder ")]
    copying = [file for file in terraform if _copies(file)] if guessed else []
    answer = []
    for package in found:
        filled = dict(_of_others(package, deployed)) if package in guessed else {}
        if copying and package in guessed:
            filled |= dict.fromkeys(_around(package.root, root), f"{shown(copying[0])} copies files, and is not read")
        own = {path.partition("/")[0].removesuffix(".py") for path in package.files} if filled else set()
        added = tuple((name, said) for name, said in filled.items() if name not in own)
        answer.append(replace(package, filled=(*package.filled, *added)) if added else package)
    return answer


def _of_others(package: Package, deployed: Sequence[Package]) -> Iterator[tuple[str, str]]:
    """What is copied into functions beside it, and who says so."""
    home = package.root.resolve()
    for other in deployed:
        there = other.root.resolve()
        if there.parent == home.parent:
            for path, file in other.files.items():
                if there not in file.parents:
                    name = path.partition("/")[0].removesuffix(".py")
                    yield (
                        name,
                        f"{_who(other)} puts {name} beside {other.entries[0]} of {there.name}, and may do so here",
                    )


def _who(package: Package) -> str:
    """The script that deploys it, with the line."""
    return package.description.partition(" ")[0]


def _around(folder: Path, root: Path) -> Iterator[str]:
    """The names of what lies in the folders above it, in the repository; those hold it, and are not put into it."""
    home = folder.resolve()
    for place in home.parents:
        if not place.is_relative_to(root.resolve()):
            return
        for item in place.iterdir():
            if item != home and item not in home.parents:
                yield item.stem


def _copies(file: Path) -> bool:
    try:
        text = file.read_bytes()
    except OSError:
        return False
    return b"local-exec" in text and b"archive_file" in text and _COPIES.search(text) is not None
