"""What COPY and ADD of a Dockerfile bring into a stage: from the build context, and out of other stages."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

from checks.preflight.shipped import shipping, starting
from checks.preflight.shipped.stages import SITE, Instruction, Stage

_ARCHIVE = re.compile(r"\.(?:tar|tar\.gz|tgz|tar\.xz|tar\.bz2|tbz2?)$")


def copy(stage: Stage, instruction: Instruction, context: Mapping[str, Path], stages: Mapping[str, Stage]) -> None:
    """Bring into a stage what an instruction names. ``context`` holds the files of the build context by their path."""
    line, word, rest = instruction
    flags, named = paths(rest)
    told = flags.get("from", [""])[-1]
    origin = stages.get(told)
    stage.scripts |= "-packages" in rest or bool(told and origin is None)
    *names, target = named or [""]
    goal = posixpath.normpath(posixpath.join(stage.workdir, target))
    if told and origin is None:  # out of another image, which is not here to be looked into
        stage.filled.append((goal, f"what is copied there from {told} is not known"))
        return
    into = target.endswith("/") or target in (".", "./") or len(names) > 1 or goal == stage.workdir
    if origin is not None:
        stage.absent += [item for item in origin.absent if item not in stage.absent]
        stage.unfound += [item for item in origin.unfound if item not in stage.unfound]
        stage.unbrought += [item for item in origin.unbrought if item not in stage.unbrought]
    for name in names:
        if untold := _untold(name, adds=word == "ADD"):
            place = posixpath.join(goal, name.strip("<-\"'")) if name.startswith("<<") and into else goal
            stage.filled.append((place.removesuffix(".py"), f"line {line} of the Dockerfile {untold}"))
        elif not re.match(r"https?://", name):
            copied = _brought(stage, name, context, origin, flags)
            if not copied and origin is None:
                stage.absent.append((line, name))
            _lay(stage, name, goal, copied, into=into, parents="parents" in flags)


def _brought(
    stage: Stage, name: str, context: Mapping[str, Path], origin: Stage | None, flags: Mapping[str, list[str]]
) -> dict[str, Path]:
    """The files that a name means, by their path below it; what comes along of another stage is noted."""
    files = {path.lstrip("/"): file for path, file in origin.files.items()} if origin is not None else context
    wanted = plain(name)
    left_out = shipping.docker_patterns(flags.get("exclude", []))
    copied = {p: f for p, f in _matching(files, wanted).items() if left_out is None or not left_out.match_file(p)}
    if origin is not None:
        path = posixpath.normpath(f"/{wanted}")
        stage.filled += [(place, said) for place, said in origin.filled if _meet(place, path)]
        if _holds_installed(origin, path, is_file=wanted in files, holds_files=bool(copied)):
            take_installed(stage, origin)
    return copied


def _lay(stage: Stage, name: str, goal: str, copied: Mapping[str, Path], *, into: bool, parents: bool) -> None:
    above = ""
    if parents:  # what stands before "/./" is not kept
        above = posixpath.relpath(plain(name), plain(name.partition("/./")[0]) if "/./" in name else ".")
    for path, file in copied.items():
        below = path or ("" if parents or not into else posixpath.basename(file.name))
        stage.files[posixpath.normpath(posixpath.join(goal, above, below))] = file


def plain(name: str) -> str:
    """The path in the build context that COPY means: nothing leads out of it (github.com/docker/docs/issues/19500)."""
    return posixpath.normpath("/" + name).lstrip("/") or "."


def _meet(one: str, other: str) -> bool:
    """Whether one of two paths lies in the other."""
    return f"{one}/".startswith(f"{other.rstrip('/')}/") or f"{other}/".startswith(f"{one.rstrip('/')}/")


def _untold(name: str, *, adds: bool) -> str:
    """What an instruction brings of which nobody knows what it is; empty if that is known."""
    if name.startswith("<<"):
        return "writes it"
    if "$" in name:
        return f"copies {name}, which cannot be told"
    if adds and (name.startswith("git@") or name.partition("#")[0].endswith(".git")):
        return f"clones {name}, which is not looked into"
    return f"unpacks {name}, which is not looked into" if adds and "://" not in name and _ARCHIVE.search(name) else ""


def _holds_installed(origin: Stage, path: str, *, is_file: bool, holds_files: bool) -> bool:
    """Whether what another stage has installed comes along with a folder of it. Of one with files from the context it
    does where something may be installed in it, such as an environment.
    """
    if is_file:
        return False
    return not holds_files or not origin.system or "/usr/local".startswith(path.rstrip("/"))


def take_installed(stage: Stage, origin: Stage) -> None:
    """What another stage has installed, of its own code what is in the folders that pip filled."""
    stage.pip += origin.pip
    stage.required += origin.required
    stage.groups |= origin.groups
    stage.left |= origin.left
    stage.untold |= origin.untold
    stage.scripts |= origin.scripts
    stage.system &= origin.system
    stage.programs.update(origin.programs)
    for folder in origin.projects:
        below = "/" if folder == "/" else f"{folder}/"
        inside = {path: file for path, file in origin.files.items() if path.startswith(below) and path.endswith(".py")}
        if folder in origin.editable:
            stage.left |= inside
            stage.editable.append(folder)
            stage.projects.append(folder)
            continue
        for path, file in inside.items():
            stage.files.setdefault(f"{SITE}/{path.removeprefix(below)}", file)
        stage.projects.append(SITE)


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


def paths(rest: str) -> tuple[dict[str, list[str]], list[str]]:
    """The flags of an instruction with their values, and the paths."""
    flags: dict[str, list[str]] = {}
    while True:
        found = re.match(r"--(\w+)(?:=(\S+))?\s+", rest)
        if not found:
            break
        flags.setdefault(found[1], []).append(found[2] or "")
        rest = rest[found.end() :]
    return flags, words(rest, shell=False)


def words(rest: str, *, shell: bool = True) -> list[str]:
    """The JSON form or the plain one; a command in the plain form is a shell's, which is left out here."""
    if rest.startswith("["):
        try:
            found = json.loads(rest)
        except ValueError:
            found = None
        if isinstance(found, list):
            return [str(word) for word in found]
    try:
        return starting.words_of(rest) if shell else shlex.split(rest)
    except ValueError:
        return rest.split()
