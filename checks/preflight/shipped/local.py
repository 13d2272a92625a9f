"""Requirements that are folders: ``-e ../shared`` in a requirements file, found among what is shipped or not at all."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from checks.preflight.model import Finding, Package
from checks.preflight.shipped import projects, requirements
from checks.preflight.shipped.describing import absent

_FOLDER = re.compile(
    r"(?:[\w.-]+(?:\[[^]]*\])?\s*@\s*)?(?:file:(?://)?)?(\.{1,2}(?:/[^\s\[;#]*)?|[\w.-]+/[\w./-]*)(?:\[[^]]*\])?(?:\s*;.*)?"
)


def resolved(package: Package) -> Package:
    """The package with what such projects need and bring. pip looks for them from the folder of the package: one that
    lies outside cannot be installed where it is deployed.
    """
    lines: list[requirements.Line] = []
    search, problems = list(package.search), list(package.problems)
    for text, place in package.requirements or ():
        found = _FOLDER.fullmatch(text)
        if found is None:
            lines.append((text, place))
            continue
        folder = posixpath.normpath(found[1])
        folder = "" if folder == "." else folder
        declared = projects.declarations(package.files, folder)
        needed = requirements.of_project(package.files[declared[0]].parent) if declared else None
        if needed is not None:
            lines += needed
            search.append(projects.home(package.files, folder))
        else:
            lines.append((text, place))
            if folder and folder not in package.files and not any(p.startswith(f"{folder}/") for p in package.files):
                problems += _outside(package, found[1], place)
    unique = tuple(dict.fromkeys(search))
    return replace(package, requirements=tuple(lines), search=unique, problems=tuple(problems))


def _outside(package: Package, name: str, place: str) -> tuple[Finding, ...]:
    file, _, line = place.rpartition(":")
    path = package.files.get(file)
    if path is None or not line.isdigit() or package.description.startswith("image "):
        return ()  # a build may have it in another stage
    told = f"{name}: pip is told to install it, and it is not shipped: copy it into the package"
    return absent([(path, int(line), told)])
