"""What a Dockerfile puts into its image from the build context, read and not run.

Stages, COPY and ADD of files, WORKDIR, ENV PYTHONPATH, what is installed, and the command that starts it; of what RUN
lines do to the files, copies, moves, links and removals.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from checks.preflight.shipped import copying, image_files, installing, projects, requirements
from checks.preflight.shipped.installing import Install
from checks.preflight.shipped.stages import SITE, Instruction, Stage

_DOCUMENT = re.compile(r"(?<![<\d(])<<-?([\"']?)([A-Za-z_]\w*)\1(?![\w<])")
_INSTRUCTION = re.compile(r"^\s*([A-Za-z]+)\s+(.*)$", re.DOTALL)


def instructions(text: str) -> list[Instruction]:
    """``(line, INSTRUCTION, rest)`` of each, continuation lines joined, with the commands of a RUN's here-document."""
    found: list[Instruction] = []
    pending, first, end, body = "", 0, "", list[str]()
    lines = text.splitlines()
    for number, raw in enumerate(lines, 1):
        if end:
            if raw.strip() == end:
                found[-1] = _with_document(found[-1], "\n".join(body))
                end = ""
            body.append(raw)
            continue
        if raw.lstrip().startswith("#") or (pending and not raw.strip()):
            continue
        first = first or number
        if raw.rstrip().endswith("\\"):
            pending += raw.rstrip()[:-1] + " "
            continue
        parsed = _INSTRUCTION.match(pending + raw)
        if parsed:
            found.append((first, parsed[1].upper(), parsed[2].strip()))
            document = _DOCUMENT.search(parsed[2]) if found[-1][1] in ("RUN", "COPY", "ADD") else None
            if document and any(line.strip() == document[2] for line in lines[number:]):
                end, body = document[2], []
        pending, first = "", 0
    return found


def _with_document(instruction: Instruction, body: str) -> Instruction:
    """With the here-document as the commands that it is, if a shell runs it (docs.docker.com/reference/dockerfile)."""
    line, word, rest = instruction
    before = re.sub(r"--\w+=\S+", "", rest[: _DOCUMENT.search(rest).start()]).strip()  # type: ignore[union-attr]
    return (line, word, body) if word == "RUN" and before in ("", "sh", "bash") else instruction


def sources(text: str) -> list[str]:
    """The paths of the build context that COPY and ADD name, to tell which folder the context is."""
    found: list[str] = []
    for _, word, rest in instructions(text):
        if word in ("COPY", "ADD"):
            flags, paths = copying.paths(rest)
            if "from" not in flags:
                found += paths[:-1]
    return found


def build(text: str, context: Mapping[str, Path], given: Mapping[str, str] | None = None) -> Stage:
    """The last stage. ``context`` holds the files of the build context by their path in it; ``given``: build arguments
    with their values.
    """
    stages: dict[str, Stage] = {}
    args: dict[str, str] = {}
    stage, count = Stage(), 0
    waiting = instructions(text)[::-1]
    while waiting:
        line, word, raw = waiting.pop()
        rest = _substituted(raw, {**args, **stage.env})
        if word == "ARG":
            name, sign, value = rest.partition("=")
            name = name.strip()
            if sign or name in (given or {}):
                args.setdefault(name, (given or {}).get(name, value.strip().strip("\"'")))
        elif word == "FROM":
            parts = [part for part in rest.split() if not part.startswith("--")]
            name = parts[2] if len(parts) > 2 and parts[1].lower() == "as" else ""  # noqa: PLR2004
            old = stages.get(parts[0])
            stage = old.copy(name) if old else Stage(name=name, base=parts[0], **_given(parts[0]))
            waiting += old.onbuild[::-1] if old else []
            stages[name or str(count)] = stages[str(count)] = stage
            count += 1
        elif word == "ONBUILD" and (parsed := _INSTRUCTION.match(raw)):
            stage.onbuild.append((line, parsed[1].upper(), parsed[2].strip()))
        elif word == "ENV":
            stage.env.update(_environment(rest))
        elif word == "WORKDIR":
            stage.workdir = posixpath.normpath(posixpath.join(stage.workdir, rest.strip("\"'")))
        elif word in ("COPY", "ADD"):
            copying.copy(stage, (line, word, rest), context, stages)
        elif word == "RUN":
            _run(stage, (line, word, rest), context, stages)
        elif word == "CMD":
            stage.command = copying.words(rest)
        elif word == "ENTRYPOINT":
            stage.entrypoint = copying.words(rest)
    return stage


def _given(base: str) -> dict[str, Any]:
    """Where what an image is for lies, if the base image says so (AWS Lambda: docs, python-image.html)."""
    if not re.search(r"lambda[/-]python", base):
        return {}
    return {"workdir": "/var/task", "env": {"LAMBDA_TASK_ROOT": "/var/task"}}


def _run(stage: Stage, instruction: Instruction, context: Mapping[str, Path], stages: Mapping[str, Stage]) -> None:
    """What a RUN line installs, and does to files."""
    line, _, rest = instruction
    for name in filter(stages.__contains__, installing.mounted(rest)):
        copying.take_installed(stage, stages[name])
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
        stage.system &= not (
            install.placed or install.script or install.untold or install.whole or _in_environment(stage)
        )
        if install.made:
            made[install.made] = install
            continue
        stage.pip += install.words
        for path in install.files:
            if path in made and projects.is_project(files, made[path].folder):
                _need(stage, files, made[path].folder, made[path].groups)
            elif path in files:
                stage.required.append((path, files[path]))
                stage.unbrought += _unbrought(files, path)
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
            if name in folders and (not install.uv or projects.is_built(files, folder)):
                _bring(stage, files, folder, editable=install.editable and "UV_NO_EDITABLE" not in stage.env)
    places = image_files.follow(rest, stage.workdir, stage.files)
    stage.filled += [(place, f"line {line} of the Dockerfile puts there what cannot be told") for place in places]


def _in_environment(stage: Stage) -> bool:
    """Whether a virtual environment is in use."""
    return (
        "VIRTUAL_ENV" in stage.env
        or any(name.startswith(("UV_", "POETRY_", "PIP_")) for name in stage.env)
        or ("/bin:" in stage.env.get("PATH", ""))
    )


def _unbrought(files: Mapping[str, Path], path: str, seen: frozenset[str] = frozenset()) -> list[tuple[Path, int, str]]:
    """What a requirements file includes, and those that it includes, that lies beside it and is not in the image yet:
    the file that includes it, the line and the name.
    """
    found: list[tuple[Path, int, str]] = []
    for line, name in requirements.includes(files[path]):
        other = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
        if other in files and other not in seen:
            found += _unbrought(files, other, seen | {path})
        elif other not in files and (files[path].parent / name).is_file():
            found.append((files[path], line, name))
    return found


def _need(stage: Stage, files: Mapping[str, Path], folder: str, groups: frozenset[str]) -> None:
    """What a project needs is installed."""
    stage.required += [(path, files[path]) for path in projects.declarations(files, folder)]
    stage.groups |= groups


def _bring(stage: Stage, files: Mapping[str, Path], folder: str, *, editable: bool) -> None:
    """The modules and programs of a project are installed; where its packaging leaves some out, only the others."""
    home = projects.home(files, folder)
    brought = {} if editable else projects.packaged(files, folder)
    if brought:
        stage.files |= {posixpath.join(SITE, path): file for path, file in brought.items()}
    stage.projects.append(SITE if brought else home)
    if editable:
        stage.editable.append(home)
    stage.programs.update(projects.programs(files, folder))


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
