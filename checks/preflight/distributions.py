"""Which modules the requirements bring, as far as that can be known without installing them.

A distribution's import names and its own requirements come from its metadata where it is installed beside phasewatch,
else from the table in ``known``. What neither knows stays unknown, and says so.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement

from checks.preflight import known
from checks.preflight.known import Known, normal
from checks.preflight.model import Version
from checks.preflight.provided import Provided

_WITHOUT_SETUPTOOLS = (3, 12)  # environments and images of Python before had them


def provided(lines: Iterable[str], implied: Sequence[str], python: Version, besides: str = "") -> Provided:
    """What these requirement lines bring on Linux with that Python, with all that their distributions need.

    ``besides``: why anything else may be installed as well, if so.
    """
    environment = {
        "python_version": "{}.{}".format(*python),
        "python_full_version": "{}.{}.0".format(*python),
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "platform_machine": "x86_64",
    }
    declared: dict[str, set[str]] = {}
    private: set[str] = set()
    optional: dict[str, set[str]] = {}
    for line in lines:
        if line.startswith(("-", "<", ">", "=", "|")):
            continue  # no requirement, which is told of itself
        requirement = _parsed(line)
        if requirement is None:
            name = _named(line) or normal(line.rstrip("/").rpartition("/")[2])
            declared.setdefault(name, set())
            private.add(name)
        elif _applies(requirement, environment):
            declared.setdefault(normal(requirement.name), set()).update(requirement.extras)
            private.update({normal(requirement.name)} if requirement.url else ())
        elif requirement.marker is not None and "extra" in str(requirement.marker):
            optional.setdefault(normal(requirement.name), set()).update(requirement.extras)
    ever = ("pip", "setuptools") if python < _WITHOUT_SETUPTOOLS else ("pip",)
    modules, unknown = _closure({**{normal(name): set() for name in (*ever, *implied)}, **declared}, environment)
    more, unsure = _closure(optional, environment)
    return Provided(
        modules=frozenset(modules),
        declared=frozenset(declared),
        unknown=frozenset(unknown),
        private=frozenset(private & unknown),
        extras=Provided(modules=frozenset(more), declared=frozenset(optional), unknown=frozenset(unsure)),
        besides=besides,
    )


def _closure(wanted: Mapping[str, set[str]], environment: dict[str, str]) -> tuple[set[str], set[str]]:
    """The modules that distributions with their extras bring, and those asked for of which nobody knows.

    What only unknown distributions further down need is taken to be imported as it is called: nobody asked for it.
    """
    modules: set[str] = set()
    unknown: set[str] = set()
    seen = {name: set(extras) for name, extras in wanted.items()}
    waiting = [(name, frozenset(extras)) for name, extras in wanted.items()]
    while waiting:
        name, extras = waiting.pop()
        found = _known(name)
        if found is None:
            unknown.update({name} & wanted.keys())
            modules.add(name.replace("-", "_"))
            if not name.startswith("google-cloud-"):
                continue
            found = Known((), known.of_google_clients())
        modules.update(found.modules)
        unknown.update({name} & wanted.keys() if found.more else ())
        told = {extra for extra in extras if any(f"extra == '{extra}'" in r.replace('"', "'") for r in found.requires)}
        # Without metadata it is not known what an extra brings; often it is called like it.
        called = {extra for extra in extras - told if normal(extra) in known.table()}
        unknown.update(f"{name}[{extra}]" for extra in extras - told - called if name in wanted)
        needed = [Requirement(extra) for extra in sorted(called)]
        needed += [r for r in map(_parsed, found.requires) if r is not None and _applies(r, environment, extras)]
        for requirement in needed:
            below = normal(requirement.name)
            new = below not in seen or not requirement.extras <= seen[below]
            seen.setdefault(below, set()).update(requirement.extras)
            if new:
                waiting.append((below, frozenset(requirement.extras)))
    return modules, unknown


@cache
def _known(name: str) -> Known | None:
    """The table's entry, with the requirements of the installed metadata where there is any."""
    if name in known.MISNAMED:
        return Known((), ())
    entry = known.table().get(name)
    try:
        installed = importlib.metadata.distribution(name)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return entry
    found = entry or Known(modules_of(installed), ())
    return found._replace(requires=(*(installed.requires or ()), *found.requires))


def modules_of(distribution: importlib.metadata.Distribution) -> tuple[str, ...]:
    """The import names in a distribution's metadata: ``top_level.txt``, or its list of files."""
    listed = (distribution.read_text("top_level.txt") or "").split()
    if listed:
        return tuple(listed)
    names = set()
    for file in distribution.files or ():
        first = file.parts[0]
        if first.endswith((".dist-info", ".data", ".egg-info")) or first in ("..", "bin", "__pycache__"):
            continue
        if len(file.parts) > 1 or first.endswith((".py", ".so", ".pyd")):
            names.add(first.partition(".")[0])
    return tuple(sorted(names))


def _parsed(line: str) -> Requirement | None:
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


def _named(line: str) -> str | None:
    """The name in a line that is no PEP 508 requirement: a URL with ``#egg=``, a path of a wheel."""
    egg = re.search(r"#egg=([A-Za-z0-9._-]+)", line)
    if egg:
        return normal(egg[1])
    wheel = re.search(r"(?:^|/)([A-Za-z0-9._]+?)-\d[^/]*\.whl", line)
    if wheel:
        return normal(wheel[1])
    plain = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line)
    return normal(plain[0]) if plain and "/" not in line else None


def _applies(requirement: Requirement, environment: dict[str, str], extras: Collection[str] = ()) -> bool:
    if requirement.marker is None:
        return True
    try:
        return any(requirement.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras))
    except UndefinedEnvironmentName:
        return True
