"""What the commands of a Dockerfile's RUN line install, read and not run: pip, uv, Poetry, PDM."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

_SEPARATOR = re.compile(r"&&|\|\|?|;|\n")
_FILES = frozenset({"-r", "--requirement", "--requirements"})
# Options of pip and uv with a value that is nothing to install.
_VALUED = frozenset(
    {"-c", "--constraint", "-t", "--target", "--prefix", "--root", "-f", "--find-links", "-i", "--index-url", "-w"}
    | {"--extra-index-url", "--trusted-host", "--timeout", "--retries", "--progress-bar", "--python", "--wheel-dir"}
    | {"--python-version", "--platform", "--only-binary", "--no-binary", "--cache-dir", "--upgrade-strategy", "-p"}
)
_BEFORE = re.compile(r"--mount=|--network=|\w+=|[-+]\w+$")  # of Docker, of the environment, of ``set``
_PIP = re.compile(r"(?:pip[\d.]*|python[\d.]* -m pip|uv pip) (?:install|wheel)\b")
_WHOLE = re.compile(r"(?:uv sync|poetry install|pdm (?:install|sync))\b")
_BUILD = re.compile(r"(?:python[\d.]* -m build|(?:uv|poetry|hatch|pdm|flit) build)\b")
_EXPORT = re.compile(r"(?:uv|poetry) export\b.*?(?:\s-o|\s--output(?:-file)?|>)[ =]*([^\s>-]\S*)")
_WITHOUT_DEV = re.compile(r"--(?:no-dev|prod|production|no-default-groups|no-group|only-group)\b")
_UNTOLD = re.compile(
    r"(?:conda|mamba|micromamba|pipenv|pipx|pip-sync|rye|pixi|hatch|easy_install)\b"
    r"|(?:apt|apt-get|apk) .*\b(?:python3?|py3)-(?!(?:pip|dev|venv|full|distutils|minimal|setuptools|wheel)\b)"
)
# Commands that install nothing, whatever their words.
_HARMLESS = re.compile(
    r"(?:apt|apt-get|apk|mkdir|ch(?:mod|own)|(?:user|group)add|add(?:user|group)|rm|cp|mv|ln|echo|touch|export|cd|set|true"
    r"|ls|find|if|fi|then|else|locale-gen|update-ca-certificates|pip\S* (?:cache|list|config|check|freeze|show))(?!\S)"
)
_NOT_ITSELF = re.compile(r"--(?:no-root|no-self|no-install-project|no-install-workspace)\b")


@dataclass(slots=True, kw_only=True)
class Install:
    """One installation: requirements (``.`` and other folders among them), requirements files, from which folder.

    ``whole``: what the project in that folder needs is installed, whether or not it is itself; ``groups``: with these
    of its groups and extras (``requirements.with_extras``). ``made``: nothing is installed, a requirements file of it
    is written there. ``untold``: something is installed that cannot be read; ``script``: something is run that may
    install anything; ``placed``: it is installed elsewhere than where the image's Python has such things; ``uv``: by
    uv, which leaves a project itself out that has nothing to build it with.
    """

    folder: str
    words: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    whole: bool = False
    groups: frozenset[str] = frozenset()
    made: str = ""
    editable: bool = False
    untold: bool = False
    script: bool = False
    placed: bool = False
    uv: bool = False


def installs(command: str, folder: str) -> Iterator[Install]:
    """The installations of a RUN line that starts in ``folder``; paths are absolute in the image."""
    for part in _SEPARATOR.split(plain(command)):
        try:
            words = shlex.split(part)
        except ValueError:
            continue
        while words and (words[0] in ("sudo", "exec", "set") or _BEFORE.match(words[0])):
            words = words[1:]
        if len(words) > 1 and words[0] == "cd":
            folder = posixpath.normpath(posixpath.join(folder, words[1]))
        if not words:
            continue
        text = " ".join([words[0].rpartition("/")[2], *words[1:]])
        if found := _PIP.match(text):
            made = _of_pip(words[len(found[0].split()) :], folder)
            made.placed |= "/" in words[0] and not words[0].startswith("/usr/")
            made.placed |= words[0] == "uv" and "--system" not in words
            yield made
        elif (install := _other(text, folder)) is not None:
            yield install


def _other(text: str, folder: str) -> Install | None:
    """What a command other than pip's installs; None for one that installs nothing."""
    if _WHOLE.match(text):
        words = [] if _NOT_ITSELF.search(text) else ["."]
        linked, groups = "--no-editable" not in text, _groups(text)
        return Install(folder=folder, words=words, whole=True, groups=groups, editable=linked, uv=text.startswith("uv"))
    if _BUILD.match(text):  # a wheel of the project, which is installed later on
        return Install(folder=folder, words=["."], placed=True)
    if found := _EXPORT.search(text):
        return Install(folder=folder, made=posixpath.normpath(posixpath.join(folder, found[1])), groups=_groups(text))
    if _UNTOLD.match(text):
        return Install(folder=folder, untold=True)
    return None if _HARMLESS.match(text) else Install(folder=folder, script=True)


def _groups(text: str) -> frozenset[str]:
    """The groups and extras that a command of uv, Poetry or PDM asks for."""

    def told(*options: str) -> set[str]:
        found = re.findall(rf"(?:^|\s)(?:{'|'.join(options)})[ =]([^\s-]\S*)", text)
        return {name for item in found for name in item.split(",")}

    extras = told("-E", "--extras?", "--group")
    if not text.startswith("poetry"):
        return frozenset(extras | (set() if _WITHOUT_DEV.search(text) else {"dev"}))
    if told("--only"):
        return frozenset(extras | {f"poetry:{name}" for name in told("--only")})
    without = {f"-{name}" for name in told("--without")}
    without |= {"-dev"} if re.search(r"--(?:no-dev|only-main)\b", text) else set()
    every = {"*"} if text.startswith("poetry install") else {f"poetry:{name}" for name in told("--with")}
    return frozenset(extras | every | without)


def _of_pip(words: list[str], folder: str) -> Install:
    placed = any(re.match(r"(?:-t|--target|--prefix|--root|--user|--python|-w|--wheel-dir)\b", word) for word in words)
    editable = "-e" in words or "--editable" in words
    install, option = Install(folder=folder, editable=editable, placed=placed), ""
    for word in words:
        name, sign, value = word.partition("=")
        if option in _FILES or (sign and name in _FILES):
            install.files.append(posixpath.normpath(posixpath.join(folder, value if sign and not option else word)))
        elif not option and word.startswith("-r") and word not in _FILES:
            install.files.append(posixpath.normpath(posixpath.join(folder, word[2:])))
        elif not option and not word.startswith("-"):
            install.words.append(word)
        option = word if not option and (word in _FILES or word in _VALUED) else ""
    return install


def mounts(command: str) -> Iterator[tuple[str, str]]:
    """What a RUN line has bound from the build context, as (path there, path in the image)."""
    for found in re.finditer(r"--mount=(\S+)", command):
        options = dict(item.partition("=")[::2] for item in found[1].split(","))
        source = options.get("source") or options.get("src")
        target = options.get("target") or options.get("dst") or options.get("destination")
        if options.get("type", "bind") == "bind" and "from" not in options and source and target:
            yield source, target


def mounted(command: str) -> list[str]:
    """The stages and images of which a RUN line has something bound."""
    return re.findall(r"--mount=(?:\S*,)?from=([^\s,]+)", command)


def plain(command: str) -> str:
    """The JSON form of a command as a line."""
    rest = command.strip()
    if rest.startswith("["):
        try:
            words = json.loads(rest)
        except ValueError:
            return rest
        if isinstance(words, list):
            return shlex.join(str(word) for word in words)
    return rest
