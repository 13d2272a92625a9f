"""What the targets of a Makefile run, as parts for a shell: variables, prerequisites, ``make`` of other targets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from checks.preflight.shipped.scripts import Part

_ASSIGNED = re.compile(r"^(?:export\s+|override\s+)?([\w.-]+)\s*(:{0,3}|\?|\+)=\s*(.*)$")
_RULE = re.compile(r"^([^\s:=#][^:=]*?)\s*::?(?!=)\s*([^=]*)$")
_INCLUDE = re.compile(r"^-?include\s+(.+)$")
_MADE = re.compile(r"^(?:\$[({]MAKE[)}]|make)((?:\s+(?!-)[^\s;&|]+)+)\s*$")
_REFERENCE = re.compile(r"\$\$|\$\(([^()$]*)\)|\$\{(\w+)\}|\$([@<^*])")
_CONCERNED = re.compile(r"gcloud|docker|\bmake\b|\$[({]MAKE|\.sh\b")
_DEPTH = 12
_LONGEST = 4_000  # of a value
_MOST_PARTS = 500


@dataclass(slots=True)
class _Rule:
    """A target: what it needs, and its lines with their numbers."""

    needs: list[str] = field(default_factory=list)
    lines: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Makefile:
    variables: dict[str, str] = field(default_factory=dict)
    rules: dict[str, _Rule] = field(default_factory=dict)


def runs(text: str, folder: Path, root: Path) -> tuple[tuple[Part, ...], ...]:
    """The parts of each target that may deploy or build, with what is made before it. Files that it includes are read
    too, below ``root``.
    """
    made = _Makefile()
    _read(made, text, folder, root, 0)
    concerned = [
        name
        for name, rule in made.rules.items()
        if any(_CONCERNED.search(_expanded(line, made)) for _, line in rule.lines)
    ]
    found = []
    for name in concerned:
        parts: list[Part] = []
        for part in _target(made, name, {}, set(), 0):
            parts.append(part)
            if len(parts) >= _MOST_PARTS:
                break
        found.append(tuple(parts))
    # A target that only needs others says in which order they are made.
    together = [name for name, rule in made.rules.items() if not rule.lines and set(rule.needs) & set(concerned)]
    return (*found, *(tuple(_target(made, name, {}, set(), 0))[:_MOST_PARTS] for name in together))


def _read(made: _Makefile, text: str, folder: Path, root: Path, depth: int) -> None:
    rules: list[_Rule] = []
    for number, line in _lines(text):
        if line.startswith("\t"):
            for rule in rules:
                rule.lines.append((number, line[1:]))
        elif (assigned := _ASSIGNED.match(line)) is not None:
            _assign(made, *assigned.groups())
        elif (included := _INCLUDE.match(line)) is not None:
            for name in _expanded(included[1], made).split():
                path = (folder / name).resolve()
                if depth < _DEPTH and path.is_relative_to(root) and path.is_file():
                    _read(made, path.read_text(encoding="utf-8", errors="replace"), folder, root, depth + 1)
        elif (headed := _RULE.match(line)) is not None:
            needs, _, first = headed[2].partition(";")
            rules = [made.rules.setdefault(name, _Rule()) for name in headed[1].split() if not name.startswith(".")]
            for rule in rules:
                rule.needs += re.sub(r"#.*", "", needs).split()
                rule.lines += [(number, first.strip())] if first.strip() else []


def _assign(made: _Makefile, name: str, sign: str, text: str) -> None:
    value = re.sub(r"\s+#.*", "", text).strip()
    if sign == "+":
        value = f"{made.variables.get(name, '')} {value}".strip()
    if sign != "?" or name not in made.variables:
        made.variables[name] = value


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, joined where they go on; those of a recipe as the shell joins them."""
    pending, first = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first or number
        if line.endswith("\\"):
            pending += line + "\n" if (pending or line).startswith("\t") else line[:-1] + " "
            continue
        if pending or line.strip():
            yield first, pending + line
        pending, first = "", 0


def _target(made: _Makefile, name: str, given: Mapping[str, str], done: set[str], depth: int) -> Iterator[Part]:
    """What is run for a target; ``given``: the variables of the command line, ``done``: what was made already."""
    rule = made.rules.get(name)
    if rule is None or name in done or depth > _DEPTH:
        return
    done.add(name)
    for need in rule.needs:
        yield from _target(made, need, given, done, depth + 1)
    own = {"@": name, "<": " ".join(rule.needs[:1]), "^": " ".join(rule.needs), **given}
    for number, line in rule.lines:
        plain = line.lstrip("@-+ \t")
        if (other := _MADE.match(plain)) is not None:
            words = _expanded(other[1], made, own).split()
            values = dict(word.split("=", 1) for word in words if "=" in word)
            for goal in [word for word in words if "=" not in word]:
                yield from _target(made, goal, {**given, **values}, set() if values else done, depth + 1)
        else:
            yield Part(number, _expanded(plain, made, own))


def _expanded(
    text: str, made: _Makefile, given: Mapping[str, str] | None = None, known: dict[str, str] | None = None
) -> str:
    """A text with the variables of the Makefile; those that have no value stay for the shell. ``known``: what has been
    expanded already, or is being so.
    """
    values, seen = {**made.variables, **(given or {})}, {} if known is None else known

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        name = found[1] if found[1] is not None else found[2] or found[3]
        if name in values:
            if name not in seen:
                seen[name] = "${UNTOLD}"  # for one that names itself
                made_of = _expanded(values[name], made, given, seen) if len(values[name]) < _LONGEST else ""
                seen[name] = made_of if len(made_of) < _LONGEST else "${UNTOLD}"
            return seen[name]
        if name in ("CURDIR", "PWD"):
            return "${PWD}"
        if name.startswith("shell "):
            return f"$({name.removeprefix('shell ')})"
        return f"${{{name}}}" if re.fullmatch(r"\w+", name) else "${UNTOLD}"

    return _REFERENCE.sub(value, text)
