"""What the commands of an image's build install, read and not run: requirements, files of them, and projects."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from checks.preflight.requirements import PROJECT_FILES
from checks.preflight.starting import words_of

_SEPARATORS = re.compile(r"[;&|]+")
_PYTHON = r"python[\d.]*"
_BEFORE = frozenset({"then", "else", "do", "if", "!", "time", "sudo", "exec", "set"})
# Options of pip and uv with a value that is no requirement.
_VALUED = frozenset(
    {
        "-c",
        "--constraint",
        "-t",
        "--target",
        "--prefix",
        "--root",
        "-f",
        "--find-links",
        "-i",
        "--index-url",
        "--extra-index-url",
        "--trusted-host",
        "--timeout",
        "--retries",
        "--progress-bar",
        "--python",
        "-p",
        "-w",
        "--wheel-dir",
        "--platform",
        "--python-version",
        "--only-binary",
        "--no-binary",
        "--cache-dir",
        "--upgrade-strategy",
    }
)
_PARTS_OF_APT = re.compile(
    r"(?:python3?|py3)-(?!pip\b|dev\b|venv\b|full\b|distutils\b|minimal\b|setuptools\b|wheel\b).+"
)
_WITHOUT_DEV = frozenset(
    {
        "--no-dev",
        "--production",
        "--no-default-groups",
        "--no-group",
        "--only",
        "--only-group",
        "--without",
    }
)
_OTHERS = frozenset({"conda", "mamba", "micromamba", "pipenv", "pipx", "pdm", "hatch", "easy_install"})


@dataclass(frozen=True, slots=True)
class Project:
    """A project that is installed: its folder in the image, and here. ``dev``: with what is needed to develop it.
    ``whole``: it itself, not only what it needs; ``editable``: it is imported from its folder.
    """

    folder: str
    home: Path
    dev: bool = False
    whole: bool = True
    editable: bool = False


@dataclass(slots=True, kw_only=True)
class Installed:
    """What has been installed: requirements by name, files of requirements, projects. ``unread``: more was, which could
    not be told; ``scripts``: something was run that may have done so.
    """

    names: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)
    unread: bool = False
    scripts: bool = False

    def __bool__(self) -> bool:
        return bool(self.names or self.files or self.projects)

    def add(self, other: Installed) -> None:
        """What another stage has installed, too."""
        self.names += other.names
        self.files += other.files
        self.projects += other.projects
        self.unread |= other.unread
        self.scripts |= other.scripts


def run(command: str, workdir: str, there: Mapping[str, Path]) -> Installed:
    """What a RUN instruction installs. ``there``: the files that it sees, by their absolute path."""
    shell = _Shell(workdir, there)
    for words in _commands(command):
        shell.command(words)
    return shell.installed


def _program(words: list[str]) -> tuple[str, list[str]]:
    """The program that a command runs, and its words; ``python -m pip`` and ``uv pip`` are pip."""
    program, rest = words[0].rpartition("/")[2], words[1:]
    if re.fullmatch(_PYTHON, program) and rest[:1] == ["-m"] and len(rest) > 1:
        program, rest = rest[1], rest[2:]
    return ("pip", rest[1:]) if program == "uv" and rest[:1] == ["pip"] else (program, rest)


def mounted(command: str, workdir: str, context: Mapping[str, Path]) -> dict[str, Path]:
    """The files of the build context that a RUN instruction sees by ``--mount=type=bind``."""
    found: dict[str, Path] = {}
    for mount in re.findall(r"--mount=(\S+)", command):
        given = dict(part.partition("=")[::2] for part in mount.split(","))
        source = posixpath.normpath((given.get("source") or given.get("src") or ".").lstrip("/") or ".")
        if given.get("type") == "bind" and "from" not in given:
            target = posixpath.join(workdir, given.get("target") or given.get("dst") or given.get("destination") or "")
            for path, file in context.items():
                if source in (path, ".") or path.startswith(source + "/"):
                    below = path if source == "." else path[len(source) + 1 :]
                    found[posixpath.normpath(posixpath.join(target, below))] = file
    return found


def _commands(text: str) -> Iterator[list[str]]:
    """The commands of a shell line, without what stands before their names."""
    plain = re.sub(r"^(?:--\w+=\S+\s+)+", "", text)
    try:
        words = words_of(plain)
    except ValueError:
        words = plain.split()
    if len(words) > 2 and words[1] == "-c" and words[0].endswith("sh"):  # noqa: PLR2004
        try:
            words = words_of(words[2])
        except ValueError:
            words = shlex.split(words[2], posix=False)
    command: list[str] = []
    for word in [*words, ";"]:
        if not _SEPARATORS.fullmatch(word):
            command.append(word)
            continue
        while command and (command[0] in _BEFORE or re.match(r"\w+=", command[0])):
            command = command[1:]
        if command:
            yield command
        command = []


class _Shell:
    """The commands of one shell, in its folder."""

    def __init__(self, folder: str, there: Mapping[str, Path]) -> None:
        self._folder = folder
        self._there = there
        self._exported: dict[str, Project] = {}
        self.installed = Installed()

    def command(self, words: list[str]) -> None:
        """Add what one command installs."""
        program, rest = _program(words)
        if program == "cd" and rest:
            self._folder = self._path(rest[0])
        elif re.fullmatch(r"pip[\d.]*", program) and rest[:1] in (["install"], ["wheel"]):
            self._pip(rest[1:])
        elif program in ("uv", "poetry") and rest[:1] in (["sync"], ["install"]):
            dev = not any(word.partition("=")[0] in _WITHOUT_DEV for word in rest)
            whole = not any(word in ("--no-root", "--no-install-project") for word in rest)
            self._project(self._folder, dev=dev, whole=whole, editable="--no-editable" not in rest)
        elif program in ("uv", "poetry") and rest[:1] == ["export"]:
            self._export(program, rest)
        elif re.fullmatch(_PYTHON, program) and rest[:1] == ["setup.py"]:
            self._project(self._folder, editable="develop" in rest)
        elif program in ("apt", "apt-get", "apk"):
            self.installed.unread |= any(_PARTS_OF_APT.fullmatch(word) for word in rest)
        elif program in _OTHERS:
            self.installed.unread = True
        elif program.endswith(".sh") or program in ("sh", "bash", "make"):
            self.installed.scripts = True

    def _pip(self, words: list[str]) -> None:
        waiting = list(words)
        editable = False
        while waiting:
            word = waiting.pop(0)
            if word in ("-e", "--editable"):
                editable = True
            elif word in ("-r", "--requirement", "--requirements") and waiting:
                self._file(waiting.pop(0))
            elif re.match(r"(?:-r|--requirements?=)(?=[^-])", word):
                self._file(re.sub(r"^(?:-r|--requirements?=)", "", word))
            elif word in _VALUED:
                waiting = waiting[1:]
            elif re.match(r"[./]", word):
                self._local(re.sub(r"\[[^]]*\]$", "", word), editable=editable)
                editable = False
            elif not word.startswith("-"):
                self.installed.names.append(word)
                editable = False

    def _local(self, path: str, *, editable: bool) -> None:
        """A folder, or files made before (``/wheels/*``), of which that step told what they are."""
        if any(sign in path for sign in "*?$") or path.endswith((".whl", ".gz", ".zip")):
            self.installed.unread |= not self.installed
        else:
            self._project(self._path(path), editable=editable)

    def _file(self, name: str) -> None:
        path = self._path(name)
        if path in self._exported:
            self.installed.projects.append(self._exported[path])
        elif path in self._there:
            self.installed.files.append(self._there[path])
        else:
            self.installed.unread = True

    def _export(self, program: str, words: list[str]) -> None:
        """``uv export`` and ``poetry export`` to a file of requirements."""
        text = " ".join(words)
        dev = not any(word.partition("=")[0] in _WITHOUT_DEV for word in words)
        if program == "poetry":
            dev = bool(re.search(r"--dev\b|--with\b|--all-groups", text))
        file = re.search(r"(?:\s-o|\s--output(?:-file)?|>)[ =]*([^\s-]\S*)", text)
        project = self._found(self._folder, dev=dev, whole=False)
        if file and project:
            self._exported[self._path(file[1])] = project

    def _project(self, folder: str, **how: bool) -> None:
        """A project in the image; one of which nothing is here cannot be told."""
        project = self._found(folder, **how)
        self.installed.unread |= project is None
        self.installed.projects += [project] if project else []

    def _found(self, place: str, **how: bool) -> Project | None:
        names = [posixpath.join(place, item) for item in PROJECT_FILES]
        file = next((self._there[name] for name in names if name in self._there), None)
        return None if file is None else Project(place, file.parent, **how)

    def _path(self, name: str) -> str:
        return posixpath.normpath(posixpath.join(self._folder, name))
