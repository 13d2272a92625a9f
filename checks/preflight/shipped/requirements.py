"""What a package declares that it needs: requirements files, ``pyproject.toml``, the metadata of a distribution."""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

Line = tuple[str, str]  # the requirement and where it stands
PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
_INCLUDE = re.compile(r"(-r|--requirement|-c|--constraint)[ =]*(\S+)")


def of_file(path: Path, seen: frozenset[Path] = frozenset()) -> list[Line]:
    """The lines of a requirements file and of those that it includes; of options only an include of what is not there.

    :raises OSError: if it cannot be read.
    """
    found: list[Line] = []
    for number, line in _logical_lines(_decoded(path.read_bytes())):
        include = _INCLUDE.match(line)
        if include:
            other = path.parent / include[2]
            if include[1].startswith(("-r", "--r")) and other.is_file() and other not in seen:
                found += of_file(other, seen | {path})
            elif not other.exists() and "$" not in line and "://" not in line:
                found.append((line, f"{path.name}:{number}"))
            continue
        editable = re.match(r"(?:-e|--editable)[ =]*(\S+)", line)
        text = editable[1] if editable else line
        if text and not text.startswith("-"):
            found.append((re.split(r"\s--?\w", text)[0].strip(), f"{path.name}:{number}"))
    return found


def includes(path: Path) -> list[tuple[int, str]]:
    """The lines of a requirements file that include another one (``-r``, ``-c``), each with that file's name.

    :raises OSError: if it cannot be read.
    """
    lines = _logical_lines(_decoded(path.read_bytes()))
    return [(number, include[2]) for number, line in lines if (include := _INCLUDE.match(line))]


def _decoded(content: bytes) -> str:
    """As pip reads it: editors of Windows write UTF-16, with a mark at the beginning."""
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if wide else "utf-8-sig", errors="replace")


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    pending, first = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", raw).strip() if "#egg=" not in raw else raw.strip()
        first = first or number
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        whole = (pending + line).strip()
        if whole:
            yield first, whole
        pending, first = "", 0
    if pending.strip():
        yield first, pending.strip()


def of_pyproject(path: Path) -> list[Line] | None:
    """``project.dependencies`` (or those of Poetry); None if the file declares none."""
    tree = toml(path)
    if tree is None:
        return None
    project = tree.get("project")
    if isinstance(project, dict) and isinstance(project.get("dependencies"), list):
        lines = [(str(item), path.name) for item in project["dependencies"]]
        for name, items in (project.get("optional-dependencies") or {}).items():
            lines += [(_extra(str(item), name), path.name) for item in items]
        for name, items in (tree.get("dependency-groups") or {}).items():
            lines += [(_extra(str(item), name), path.name) for item in items if isinstance(item, str)]
        return lines + _groups(tree, path)
    poetry = tree.get("tool", {}).get("poetry", {}).get("dependencies")
    if isinstance(poetry, dict):
        lines = [(str(name), path.name) for name in poetry if name.lower() != "python"]
        return lines + _groups(tree, path)
    return None


def _groups(tree: Mapping[str, Any], path: Path) -> list[Line]:
    """The groups of Poetry as extras ``poetry:name``: it installs them if it is not told otherwise."""
    poetry = tree.get("tool", {}).get("poetry", {})
    named = {name: group for name, group in poetry.get("group", {}).items() if isinstance(group, dict)}
    named["dev"] = {"dependencies": poetry.get("dev-dependencies", {}), **named.get("dev", {})}
    return [
        (_extra(item, f"poetry:{name}"), path.name)
        for name, group in named.items()
        if not group.get("optional")
        for item in group.get("dependencies", {})
    ]


def of_project(folder: Path) -> list[Line] | None:
    """What installing the project in a folder brings along; None if it does not say, or says it by code."""
    from checks.preflight.shipped.setups import of_setup

    lines = of_pyproject(folder / "pyproject.toml")
    return of_setup(folder) if lines is None else lines


def toml(path: Path) -> dict[str, Any] | None:
    """A TOML file's content; None if it cannot be read as such."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    import tomllib

    try:
        return tomllib.loads(text)
    except ValueError:
        return None


def beside(folder: Path) -> list[Line]:
    """What other requirements files of a folder name (``requirements-dev.txt``, ``requirements/``), as extras."""
    files = [*folder.glob("*requirements*.txt"), *folder.glob("requirements/*.txt")]
    return [
        (_extra(text, file.stem), place)
        for file in sorted(files)
        if file.name != "requirements.txt" or file.parent != folder
        for text, place in of_file(file)
    ]


def with_extras(lines: list[Line], extras: Collection[str]) -> list[Line]:
    """The lines of a project that is installed with some of its extras, so that what these bring counts as needed:
    ``*`` for all groups of Poetry but those with a ``-`` before them.
    """

    def asked(found: re.Match[str]) -> str:
        name = found[1]
        everything = "*" in extras and name.startswith("poetry:") and f"-{name.removeprefix('poetry:')}" not in extras
        return "" if name in extras or everything else found[0]

    return [(re.sub(r" ; extra == '([^']*)'$", asked, text), place) for text, place in lines]


def _extra(line: str, name: str) -> str:
    return f"{line.partition(';')[0].strip()} ; extra == '{name}'"


def of_metadata(path: Path) -> list[Line]:
    """``Requires-Dist`` of a distribution's METADATA.

    :raises OSError: if it cannot be read.
    """
    from email.parser import HeaderParser

    headers = HeaderParser().parsestr(path.read_text(encoding="utf-8", errors="replace"))
    return [(item, f"{path.parent.name}/METADATA") for item in headers.get_all("Requires-Dist") or ()]


def python_of_pyproject(path: Path) -> tuple[int, int] | None:
    """The oldest Python that ``requires-python`` allows."""
    tree = toml(path)
    if tree is None:
        return None
    project = tree.get("project")
    text = project.get("requires-python") if isinstance(project, dict) else None
    found = re.search(r"(?:>=|~=|==)\s*(\d+)\.(\d+)", text) if isinstance(text, str) else None
    return (int(found[1]), int(found[2])) if found else None
