"""What RUN lines of a Dockerfile do to files that COPY has brought: ``cp``, ``mv``, ``ln``, ``rm``, ``touch``."""

from __future__ import annotations

import os
import posixpath
import re
import shlex
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

from checks.preflight.shipped.installing import plain

_SIGNS = re.compile(r"(&&|\|\|?|;|\n)")
_BEFORE = frozenset({"do", "then", "else", "{", "sudo"})
_EMPTY = Path(os.devnull)


def follow(command: str, folder: str, files: dict[str, Path]) -> list[str]:
    """Change ``files`` (absolute paths in the image) as a RUN line that starts in ``folder`` does; the places where it
    puts what is not among them. What happens under a condition only is not taken away.
    """
    filled: list[str] = []
    folders = {folder}
    for words, sure in _commands(command):
        name, named = posixpath.basename(words[0]), [word for word in words[1:] if not word.startswith("-")]
        paths = [posixpath.normpath(posixpath.join(folder, word)) for word in named]
        if name == "cd" and paths:
            folder = paths[0]
        elif name == "mkdir":
            folders.update(paths)
        elif name == "touch":
            files |= {path: _EMPTY for path in paths if path not in files and "$" not in path}
        elif name == "rm" and sure:
            _remove(files, paths)
        elif name in ("cp", "mv") and len(paths) > 1:
            filled += _copy(files, named, paths, folders)
            if name == "mv" and sure:
                _remove(files, [path for path in paths[:-1] if path != paths[-1]])
        elif name == "ln" and paths:
            _link(files, named, paths, folder)
        elif (into := _fetched(name, words, named)) is not None:
            filled.append(posixpath.normpath(posixpath.join(folder, into)))
    return filled


def _commands(command: str) -> Iterator[tuple[list[str], bool]]:
    """The words of each command that may run, and whether it does whatever the others do."""
    sign, depth, tested = "", 0, False
    for part in _SIGNS.split(re.sub(r"\\\n", " ", plain(command))):
        if _SIGNS.fullmatch(part):
            sign, tested = part, tested and part == "&&"
            continue
        try:
            words = shlex.split(part)
        except ValueError:
            continue
        depth += words[:1] in (["if"], ["for"], ["while"], ["case"])
        sure = depth == 0 and sign != "||" and not tested
        depth -= words[:1] in (["fi"], ["done"], ["esac"])
        while words and (words[0] in _BEFORE or re.match(r"(?:--)?\w+=", words[0])):
            words = words[1:]
        tested |= words[:1] in (["["], ["[["], ["test"])
        if words and sign != "|":
            yield words, sure


def _copy(files: dict[str, Path], named: list[str], paths: list[str], folders: set[str]) -> Iterator[str]:
    """Lay files where ``cp`` and ``mv`` do; the target, where what comes there cannot be told."""
    target = paths[-1]
    into = named[-1].endswith(("/", "/.")) or named[-1] == "." or len(paths) > 2 or _is_folder(files, target, folders)  # noqa: PLR2004
    for word, path in zip(named[:-1], paths[:-1], strict=True):
        if "$" in word and "$" not in target:
            yield target
        contents = word.endswith("/.") or word == "."
        for found in _matching(files, path):
            goal = posixpath.join(target, posixpath.basename(found)) if into and not contents else target
            for below, file in _below(files, found).items():
                files[posixpath.normpath(posixpath.join(goal, below))] = file


def _link(files: dict[str, Path], named: list[str], paths: list[str], folder: str) -> None:
    link = paths[1] if len(paths) > 1 else posixpath.join(folder, posixpath.basename(paths[0]))
    if any(path.startswith(f"{link}/") for path in files) or named[-1].endswith("/"):
        link = posixpath.join(link, posixpath.basename(paths[0]))
    towards = posixpath.normpath(posixpath.join(posixpath.dirname(link), named[0]))
    for below, file in _below(files, towards).items():
        files.setdefault(posixpath.normpath(posixpath.join(link, below)), file)


def _remove(files: dict[str, Path], paths: list[str]) -> None:
    for path in paths:
        for found in _matching(files, path):
            for below in _below(files, found):
                files.pop(posixpath.normpath(posixpath.join(found, below)))


def _matching(files: dict[str, Path], path: str) -> set[str]:
    """The files and folders that a path with wildcards means; without any the path itself."""
    if not re.search(r"[*?\[]", path):
        return {path}
    depth = path.count("/") + 1
    tops = {"/".join(file.split("/")[:depth]) for file in files}
    hidden = posixpath.basename(path).startswith(".")
    return {top for top in tops if fnmatch(top, path) and (hidden or not posixpath.basename(top).startswith("."))}


def _below(files: dict[str, Path], path: str) -> dict[str, Path]:
    """The files below a folder, or the file itself as the empty path."""
    if path in files:
        return {"": files[path]}
    above = path.rstrip("/") + "/"
    return {file.removeprefix(above): real for file, real in files.items() if file.startswith(above)}


def _is_folder(files: dict[str, Path], path: str, folders: set[str]) -> bool:
    return path in folders or any(file.startswith(f"{path}/") for file in files)


def _fetched(name: str, words: list[str], named: list[str]) -> str | None:
    """The folder into which a command puts what is nowhere here; None if it is none of those, or does not say so."""
    if name == "git" and named[:1] == ["clone"] and len(named) > 1:
        return named[2] if len(named) > 2 else posixpath.basename(named[1]).removesuffix(".git")  # noqa: PLR2004
    if name in ("tar", "unzip"):
        return next((after for word, after in pairwise(words) if word in ("-C", "-d", "--directory")), None)
    return None
