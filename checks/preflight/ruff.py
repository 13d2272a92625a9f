"""What ruff says of names: undefined ones (F821), locals read before they are bound (F823), what a star import may
bring (F405); and of what does not compile. It is run as a program, on exactly the files asked for, without anybody's
configuration.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from checks.preflight.model import Version

_NAMES = ("F821", "F823", "F405")
# What does not compile although it parses, and files that cannot be read. What does not parse is told in any case.
_SYNTAX = (
    *("E902", "F404", "F406", "F407", "F621", "F622", "F701", "F702", "F704", "F706", "F707"),
    *("PLE0115", "PLE0117", "PLE0118", "PLE1142", "PLE1700"),
)
DOUBT = ["doubt", 1, 1]  # as a finding: the file may not compile
# The oldest that was compared with CPython's compiler (``plain``).
_COMPARED = (0, 17)
_OLDEST, _NEWEST = (3, 7), (3, 14)
_ARGUMENTS = 200_000  # bytes of file names in one call
_SECONDS = 300


class RuffError(Exception):
    """ruff is not there or did not answer: nobody looked for undefined names."""


def program() -> str | None:
    """The ruff beside this Python, or the one on the path."""
    beside = Path(sysconfig.get_path("scripts")) / "ruff"
    return str(beside) if beside.exists() else shutil.which("ruff")


def identity(command: str) -> str:
    """What tells one ruff from another without starting it: its file."""
    about = Path(command).stat()
    return f"{about.st_size}-{about.st_mtime_ns}"


def judges_syntax(command: str, target: Version) -> bool:
    """Whether this ruff finds what does not compile for a version, but for what ``plain`` tells."""
    try:
        said = subprocess.run([command, "--version"], capture_output=True, timeout=_SECONDS, check=True).stdout
        version = tuple(int(part) for part in said.split()[1].split(b".")[:2])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return False
    return version >= _COMPARED and (3, 8) <= target <= (3, 13)


def hits(command: str, files: Sequence[Path], target: Version) -> tuple[dict[str, list[list[Any]]], dict[str, str]]:
    """For each file its findings as ``[code, line, column]``, column in characters from 1 (``DOUBT`` where it does not
    compile); and the files that ruff could not look at, with the reason. One that makes it fail does not keep it from
    the others. Comments may keep ruff from telling of names, but not of what does not compile.
    """
    items, failed = _items(command, [os.fspath(file) for file in files], target, "--ignore-noqa")
    found = {item["filename"]: [DOUBT] for item in items if item["code"] not in _NAMES}
    named = sorted({item["filename"] for item in items if item["code"] in _NAMES})
    heeded, more = _items(command, named, target) if named else ([], {})
    for item in heeded:
        place = item["location"]
        if item["code"] in _NAMES:
            found.setdefault(item["filename"], []).append([item["code"], place["row"], place["column"]])
    return found, {**failed, **more}


def _items(
    command: str, names: Sequence[str], target: Version, *options: str
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """What ruff finds; and the files that it could not look at, with the reason."""
    found: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    waiting = _parts(names)
    while waiting:
        part = waiting.pop()
        try:
            found += _run(command, part, target, options)
        except RuffError as error:
            if len(part) == 1:
                failed[part[0]] = str(error)
            else:
                middle = len(part) // 2
                waiting += [part[:middle], part[middle:]]
    return found, failed


def _run(command: str, files: Sequence[str], target: Version, extra: Sequence[str]) -> list[dict[str, Any]]:
    name = "py{}{}".format(*min(max(target, _OLDEST), _NEWEST))
    options = ["--isolated", "--no-cache", "--exit-zero", "--quiet", "--output-format=json", f"--target-version={name}"]
    try:
        answer = subprocess.run(
            [command, "check", *options, *extra, f"--select={','.join(_NAMES + _SYNTAX)}", "--", *files],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
        if answer.returncode:
            raise RuffError(f"ruff failed: {answer.stderr.decode('utf-8', 'replace').strip()[:500]}")
        items: list[dict[str, Any]] = json.loads(answer.stdout or b"[]")
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise RuffError(f"ruff gave no answer: {error}") from error
    return items


def _parts(names: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    size = 0
    for name in names:
        if size > _ARGUMENTS:
            parts.append([])
            size = 0
        parts[-1].append(name)
        size += len(os.fsencode(name)) + 1
    return [part for part in parts if part]
