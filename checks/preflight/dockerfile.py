"""What a Dockerfile puts into its image from the build context, read and not run.

Stages, COPY and ADD of files, WORKDIR, ENV PYTHONPATH, what is installed, and the command that starts it. What a RUN
line does to the files otherwise cannot be told.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from checks.preflight import installing, projects, starting
from checks.preflight.installing import Installed


@dataclass(slots=True, kw_only=True)
class Stage:
    """One image in the making: absolute paths in it to files on this disk."""

    name: str = ""
    base: str = ""
    files: dict[str, Path] = field(default_factory=dict)
    workdir: str = "/"
    env: dict[str, str] = field(default_factory=dict)
    installed: Installed = field(default_factory=Installed)
    command: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    absent: list[tuple[int, str]] = field(default_factory=list)


SITE = "/site-packages"  # where installed projects are laid, whatever the folder's name in the image
_INSTRUCTION = re.compile(r"^\s*([A-Za-z]+)\s+(.*)$", re.DOTALL)


def instructions(text: str) -> list[tuple[int, str, str]]:
    """``(line, INSTRUCTION, rest)`` of each, continuation lines joined."""
    found: list[tuple[int, str, str]] = []
    pending, first = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        if raw.lstrip().startswith("#") or (pending and not raw.strip()):
            continue
        first = first or number
        if raw.rstrip().endswith("\\"):
            pending += raw.rstrip()[:-1] + " "
            continue
        parsed = _INSTRUCTION.match(pending + raw)
        if parsed:
            found.append((first, parsed[1].upper(), parsed[2].strip()))
        pending, first = "", 0
    return found


def sources(text: str) -> list[str]:
    """The paths of the build context that COPY and ADD name, to tell which folder the context is."""
    found: list[str] = []
    for _, word, rest in instructions(text):
        if word in ("COPY", "ADD"):
            flags, paths = _paths(rest)
            if "from" not in flags:
                found += paths[:-1]
    return found


def build(text: str, context: Mapping[str, Path]) -> Stage:
    """The last stage. ``context`` holds the files of the build context by their path in it."""
    stages: dict[str, Stage] = {}
    args: dict[str, str] = {}
    stage, count = Stage(), 0
    for line, word, raw in instructions(text):
        rest = _substituted(raw, {**args, **stage.env})
        if word == "ARG":
            name, _, value = rest.partition("=")
            args.setdefault(name.strip(), value.strip().strip("\"'"))
        elif word == "FROM":
            parts = [part for part in rest.split() if not part.startswith("--")]
            name = parts[2] if len(parts) > 2 and parts[1].lower() == "as" else ""  # noqa: PLR2004
            old = stages.get(parts[0])
            stage = (
                replace(old, name=name, files=dict(old.files), env=dict(old.env), installed=deepcopy(old.installed))
                if old
                else Stage(name=name, base=parts[0], **_given(parts[0]))
            )
            stages[name or str(count)] = stages[str(count)] = stage
            count += 1
        elif word == "ENV":
            stage.env.update(_environment(rest))
        elif word == "WORKDIR":
            stage.workdir = posixpath.normpath(posixpath.join(stage.workdir, rest.strip("\"'")))
        elif word in ("COPY", "ADD"):
            _copy(stage, line, rest, context, stages)
        elif word == "RUN":
            _run(stage, rest, context)
        elif word == "CMD":
            stage.command = _words(rest)
        elif word == "ENTRYPOINT":
            stage.entrypoint = _words(rest)
    return stage


def _given(base: str) -> dict[str, Any]:
    """Where what an image is for lies, if the base image says so (AWS Lambda: docs, python-image.html)."""
    if not re.search(r"lambda[/-]python", base):
        return {}
    return {"workdir": "/var/task", "env": {"LAMBDA_TASK_ROOT": "/var/task"}}


def _copy(stage: Stage, line: int, rest: str, context: Mapping[str, Path], stages: Mapping[str, Stage]) -> None:
    flags, paths = _paths(rest)
    origin = stages.get(flags["from"]) if "from" in flags else None
    if "from" in flags and origin is None:
        return  # out of another image, which is not here to be looked into
    *names, target = paths or [""]
    goal = posixpath.join(stage.workdir, target)
    files = {p.lstrip("/"): f for p, f in origin.files.items()} if origin else context
    if origin is not None:
        stage.installed.add(origin.installed)
        stage.files |= {path: file for path, file in origin.files.items() if path.startswith(f"{SITE}/")}
    for name in names:
        if re.match(r"https?://|git@", name):
            continue
        wanted = posixpath.normpath(name.lstrip("/") or ".")
        copied = _matching(files, wanted)
        if not copied and origin is None:
            stage.absent.append((line, name))
        folder = target.endswith("/") or target in (".", "./") or len(names) > 1 or goal == stage.workdir
        for path, file in copied.items():
            below = path or posixpath.basename(file.name)
            if path == "" and not folder:
                stage.files[posixpath.normpath(goal)] = file
            else:
                stage.files[posixpath.normpath(posixpath.join(goal, below))] = file


def _matching(files: Mapping[str, Path], wanted: str) -> dict[str, Path]:
    """The files that a COPY source names, by their path below it; the empty path for the source itself."""
    if wanted == ".":
        return dict(files)
    if wanted in files:
        return {"": files[wanted]}
    found = {p[len(wanted) + 1 :]: f for p, f in files.items() if p.startswith(wanted + "/")}
    if not found and any(sign in wanted for sign in "*?["):
        depth = wanted.count("/")
        for path, file in files.items():
            parts = path.split("/")
            if fnmatch("/".join(parts[: depth + 1]), wanted):
                found["/".join(parts[depth + 1 :]) or parts[-1]] = file
    return found


def _run(stage: Stage, rest: str, context: Mapping[str, Path]) -> None:
    there = {**stage.files, **installing.mounted(rest, stage.workdir, context)}
    made = installing.run(rest, stage.workdir, there)
    stage.installed.add(made)
    for project in made.projects:
        if project.whole and not project.editable:
            stage.files |= {f"{SITE}/{path}": file for path, file in projects.packaged(project.folder, there).items()}


def _paths(rest: str) -> tuple[dict[str, str], list[str]]:
    flags: dict[str, str] = {}
    while True:
        found = re.match(r"--(\w+)(?:=(\S+))?\s+", rest)
        if not found:
            break
        flags[found[1]] = found[2] or ""
        rest = rest[found.end() :]
    return flags, _words(rest, shell=False)


def _words(rest: str, *, shell: bool = True) -> list[str]:
    """The JSON form or the plain one; a command in the plain form is a shell's, which is left out here."""
    if rest.startswith("["):
        try:
            words = json.loads(rest)
        except ValueError:
            words = None
        if isinstance(words, list):
            return [str(word) for word in words]
    try:
        return starting.words_of(rest) if shell else shlex.split(rest)
    except ValueError:
        return rest.split()


def _environment(rest: str) -> dict[str, str]:
    if re.match(r"\w+=", rest):
        try:
            return dict(word.split("=", 1) for word in shlex.split(rest) if "=" in word)
        except ValueError:
            return {}
    name, _, value = rest.partition(" ")
    return {name: value.strip()}


def _substituted(text: str, values: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name, default = found[1] or found[3], found[2] or ""
        return values.get(name, default) if name in values or found[2] else found[0]

    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}|\$(\w+)", value, text)
