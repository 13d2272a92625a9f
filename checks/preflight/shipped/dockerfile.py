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
from copy import copy
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from checks.preflight.shipped import installing, projects, requirements, starting
from checks.preflight.shipped.installing import Install


@dataclass(slots=True, kw_only=True)
class Stage:
    """One image in the making: absolute paths in it to files on this disk.

    ``pip``: what is installed; ``required``: from requirements files, with their paths in the image; ``projects``: the
    folders from where code is installed, ``programs``: what that makes, as ``module:function``; ``unfound``: files that
    something is installed from and that are not here, with their lines; ``groups``: what else than the plain is asked
    for of what projects need; ``untold``: something is installed that cannot be read, ``scripts``: something is run
    that may install anything.
    """

    name: str = ""
    base: str = ""
    files: dict[str, Path] = field(default_factory=dict)
    workdir: str = "/"
    env: dict[str, str] = field(default_factory=dict)
    pip: list[str] = field(default_factory=list)
    projects: list[str] = field(default_factory=list)
    programs: dict[str, str] = field(default_factory=dict)
    required: list[tuple[str, Path]] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    absent: list[tuple[int, str]] = field(default_factory=list)
    unfound: list[tuple[int, str]] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)
    untold: bool = False
    scripts: bool = False
    filled: list[tuple[str, str]] = field(default_factory=list)

    def copy(self, name: str) -> Stage:
        """Another stage that begins as this one ends."""
        lists = ("files", "env", "pip", "projects", "programs", "required", "absent", "unfound", "groups", "filled")
        return replace(self, name=name, **{field: copy(getattr(self, field)) for field in lists})


_SITE = "/site-packages"  # stands for wherever the image's Python has what is installed
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


def within(name: str) -> str:
    """The path in the build context that COPY means: nothing leads out of it (github.com/docker/docs/issues/19500)."""
    return posixpath.normpath("/" + name).lstrip("/") or "."


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
            stage = old.copy(name) if old else Stage(name=name, base=parts[0], **_given(parts[0]))
            stages[name or str(count)] = stages[str(count)] = stage
            count += 1
        elif word == "ENV":
            stage.env.update(_environment(rest))
        elif word == "WORKDIR":
            stage.workdir = posixpath.normpath(posixpath.join(stage.workdir, rest.strip("\"'")))
        elif word in ("COPY", "ADD"):
            _copy(stage, line, rest, context, stages)
        elif word == "RUN":
            _run(stage, line, rest, context)
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
    stage.scripts |= "-packages" in rest or ("from" in flags and origin is None)
    *names, target = paths or [""]
    goal = posixpath.join(stage.workdir, target)
    if "from" in flags and origin is None:  # out of another image, which is not here to be looked into
        stage.filled.append((posixpath.normpath(goal), f"what is copied there from {flags['from']} is not known"))
        return
    files = {p.lstrip("/"): f for p, f in origin.files.items()} if origin else context
    if origin is not None:
        stage.pip += origin.pip
        stage.required += origin.required
        stage.absent += [item for item in origin.absent if item not in stage.absent]
        stage.unfound += [item for item in origin.unfound if item not in stage.unfound]
        stage.groups |= origin.groups
        stage.untold |= origin.untold
        stage.scripts |= origin.scripts
    for name in names:
        if re.match(r"https?://|git@", name):
            continue
        wanted = within(name)
        copied = _matching(files, wanted)
        if not copied and origin is None:
            stage.absent.append((line, name))
        elif not copied and origin is not None:
            _take_installed(stage, origin)
        folder = target.endswith("/") or target in (".", "./") or len(names) > 1 or goal == stage.workdir
        for path, file in copied.items():
            below = path or posixpath.basename(file.name)
            if path == "" and not folder:
                stage.files[posixpath.normpath(goal)] = file
            else:
                stage.files[posixpath.normpath(posixpath.join(goal, below))] = file


def _take_installed(stage: Stage, origin: Stage) -> None:
    """What another stage has installed of projects, out of a folder that pip filled (a prefix, an environment)."""
    for folder in origin.projects:
        below = "/" if folder == "/" else f"{folder}/"
        for path, file in origin.files.items():
            if path.startswith(below) and path.endswith(".py"):
                stage.files.setdefault(f"{_SITE}/{path.removeprefix(below)}", file)
        stage.projects.append(_SITE)
    stage.programs.update(origin.programs)


def _run(stage: Stage, line: int, rest: str, context: Mapping[str, Path]) -> None:
    """What a RUN line installs."""
    bound = {
        posixpath.normpath(posixpath.join(stage.workdir, target)): context[source]
        for source, target in installing.mounts(rest)
        if source in context
    }
    files = {**stage.files, **bound}
    made: dict[str, Install] = {}
    for install in installing.installs(rest, stage.workdir):
        stage.untold |= install.untold
        stage.scripts |= install.script
        if install.made:
            made[install.made] = install
            continue
        stage.pip += install.words
        for path in install.files:
            if path in made and projects.is_project(files, made[path].folder):
                _need(stage, files, made[path].folder, made[path].groups)
            elif path in files:
                stage.required.append((path, files[path]))
                install.words += [text for text, _ in requirements.of_file(files[path]) if text.startswith(".")]
            elif path in made:
                stage.untold = True
            else:
                stage.unfound.append((line, path))
        folders = [word.partition("[")[0] for word in install.words if word.startswith((".", "/"))]
        for name in dict.fromkeys([*folders, *(["."] if install.whole else [])]):
            folder = posixpath.normpath(posixpath.join(install.folder, name))
            if not projects.is_project(files, folder):
                stage.untold |= bool(stage.absent or stage.filled)  # it may be what a COPY should have brought
                continue
            _need(stage, files, folder, install.groups)
            if name in folders:
                _bring(stage, files, folder, editable=install.editable)


def _need(stage: Stage, files: Mapping[str, Path], folder: str, groups: frozenset[str]) -> None:
    """What a project needs is installed."""
    stage.required += [(path, files[path]) for path in projects.declarations(files, folder)]
    stage.groups |= groups


def _bring(stage: Stage, files: Mapping[str, Path], folder: str, *, editable: bool) -> None:
    """The modules and programs of a project are installed; where its packaging leaves some out, only the others."""
    home = projects.home(files, folder)
    brought = {} if editable else projects.packaged(files, folder)
    if brought:
        stage.files |= {posixpath.join(_SITE, path): file for path, file in brought.items()}
    stage.projects.append(_SITE if brought else home)
    stage.programs.update(projects.programs(files, folder))


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
