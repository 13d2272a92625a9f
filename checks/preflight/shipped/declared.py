"""Lines of requirements that end the installation, so that nothing is deployed. Pure, but for the look for files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.preflight.model import Effect, Finding, Kind, Package

_CONFLICT = re.compile(r"<{7}|>{7}|={7}$|\|{7}")
# ``flask requests``, ``flask==3.0requests==2.0``: a comma, or the end of the line, is missing between them.
_JOINED = re.compile(r"[A-Za-z][\w.-]*\s+[A-Za-z][\w.-]*|[\w.-]+(?:\[[\w,]*\])?\s*==\s*[\w.]+\s*==[\w.]+")

# Files, folders, addresses, variables: what pip reads otherwise.
_ELSEWHERE = re.compile(r"[/\\$@{]|^\.|\.(?:whl|zip|gz)$")


def problems(package: Package) -> Iterator[Finding]:
    """The first line of each requirements file that pip refuses; extras are nobody's."""
    told: set[str] = set()
    for text, place in package.requirements or ():
        name, _, line = place.partition(":")
        if "extra ==" in text or not line.isdecimal() or name in told:
            continue
        kind, message = Kind.SYNTAX, ""
        if text.startswith("-"):
            kind, message = Kind.MISSING_FILE, f"{text!r} names a file that is not there: nothing is installed"
        elif _CONFLICT.match(text):
            message = f"{text!r} is left from a merge: nothing is installed"
        elif _JOINED.fullmatch(text):
            message = f"{text!r} is two requirements on one line: nothing is installed"
        elif not _ELSEWHERE.search(text) and _is_refused(text):
            message = f"{text!r} is no requirement that pip can read: nothing is installed"
        if message:
            told.add(name)
            yield Finding(
                file=name,
                source=package.files.get(name),
                line=int(line),
                symbol=text,
                kind=kind,
                effect=Effect.LOAD,
                message=message,
            )


def _is_refused(text: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(text)
    except InvalidRequirement:
        return True
    return False
