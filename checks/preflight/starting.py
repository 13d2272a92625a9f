"""What a container's command starts, for the ways that Python programs are commonly started."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from checks.preflight.dockerfile import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the image runs: a file, or a module; the folder that is first on its search path; what is called in it.

    ``server``: the module of the server that imports it, where it is not run as a program. ``unsure``: a script starts
    it that may make it, or install what it needs.
    """

    file: str | None = None
    module: str | None = None
    folder: str | None = None
    name: str = ""
    server: str = ""
    unsure: bool = False


_MODULES = {"waitress-serve": "waitress"}
_SERVERS = frozenset({"gunicorn", "uvicorn", "hypercorn", "flask", "daphne", "waitress-serve"})
_RUNNERS = frozenset({"poetry", "uv", "pipenv"})
_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_PROGRAM = re.compile(r"python[\d.]*|functions[-_]framework|fastapi|streamlit")
_APPLICATION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.()]*")
_BETWEEN = frozenset({"&&", "||", "|", "&", ";"})
_IDLE = frozenset({"echo", "printf", "if", "elif", "while", "until", "for", "case", "export", "pip", "function"})
_PLACES = ("/usr/local/bin", "/usr/bin", "/bin")  # where a program may lie that is named without a folder
_DEPTH = 3
_LARGE = 64_000
_MAKES = re.compile(r"\b(?:pip|poetry|uv|conda|git|curl|wget|gsutil|gcloud|source|activate)\b|\bcd\b.*\$")


def start(stage: Stage) -> Start | None:
    """What the command starts; None if it is nothing known, or if a script may start one or the other."""
    words = [*stage.entrypoint, *stage.command]
    if "FLEX_TEMPLATE_PYTHON_PY_FILE" in stage.env:  # a Dataflow template: its launcher starts this
        words = ["python", stage.env["FLEX_TEMPLATE_PYTHON_PY_FILE"]]
    found = [begin for _, begin in _started(words, stage, 0)]
    return found[-1] if found else None


def _started(words: Sequence[str], stage: Stage, depth: int) -> Iterator[tuple[bool, Start]]:
    """What each of the commands of a line starts, and whether it takes the shell's place."""
    part: list[str] = []
    for word in [*words, ";"]:
        if word not in _BETWEEN and not word.endswith(";"):
            part.append(word)
            continue
        part += [word[:-1]] if word not in _BETWEEN else []
        if part[:1] == ["cd"] and len(part) > 1 and "$" not in part[1]:
            stage = replace(stage, workdir=posixpath.normpath(posixpath.join(stage.workdir, part[1])))
        elif part and part[0] not in _IDLE and (begin := _command(part, stage, depth)):
            yield "exec" in part, begin
        part = []


def _command(words: Sequence[str], stage: Stage, depth: int) -> Start | None:
    """The program may come after others that start it, and their options: ``tini --``, ``ddtrace-run``."""
    for at, word in enumerate(words):
        program, rest = word.rpartition("/")[2], list(words[at + 1 :])
        if program in _SHELLS:
            return _shell(rest, stage, depth)
        if program in _RUNNERS and rest[:1] == ["run"]:
            return _command(rest[1:], stage, depth)
        if program in _SERVERS or program in stage.programs or _PROGRAM.fullmatch(program):
            return _program(program, rest, stage)
        if (path := _held(word, stage)) is not None:
            return _python([path], stage) if path.endswith(".py") else _script(path, rest, stage, depth)
        if at == 0 and word.endswith((".py", ".sh")) and "$" not in word:
            return _lacking(word, stage)
    return None


def _shell(rest: Sequence[str], stage: Stage, depth: int) -> Start | None:
    for at, word in enumerate(rest):
        if re.fullmatch(r"-[a-z]*c", word) and at + 1 < len(rest):
            return _of_text(rest[at + 1], rest[at + 2 :], stage, depth)
        if not word.startswith("-"):
            path = _held(word, stage)
            return _script(path, rest[at + 1 :], stage, depth) if path is not None else _lacking(word, stage)
    return None


def _lacking(word: str, stage: Stage) -> Start | None:
    """A file that the image does not hold."""
    if not word.endswith((".py", ".sh")) or "$" in word or ("/" not in word and word.endswith(".sh")):
        return None
    file = posixpath.normpath(posixpath.join(stage.workdir, word))
    return Start(file=file, folder=posixpath.dirname(file))


def _held(word: str, stage: Stage) -> str | None:
    """The path in the image of a file of the build context that a command names."""
    places = (stage.workdir, *_PLACES) if "/" not in word else (stage.workdir,)
    paths = (posixpath.normpath(posixpath.join(place, word)) for place in places)
    return next((path for path in paths if path in stage.files), None)


def _script(path: str, arguments: Sequence[str], stage: Stage, depth: int) -> Start | None:
    try:
        with stage.files[path].open("rb") as opened:
            text = opened.read(_LARGE).decode("utf-8", errors="replace")
    except OSError:
        return None
    shell = re.match(r"#!.*\b(?:ba|da|a)?sh\b", text) or not text.startswith("#!")
    begin = _of_text(text, arguments, stage, depth + 1) if shell and depth < _DEPTH else None
    return replace(begin, unsure=begin.unsure or bool(_MAKES.search(text))) if begin else None


def _of_text(text: str, arguments: Sequence[str], stage: Stage, depth: int) -> Start | None:
    """What a script starts: what takes its place, else what it starts last; None where a condition decides."""
    found: list[tuple[bool, bool, Start]] = []
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue  # goes on in the next
        words = [part for word in words for part in (arguments if word in ("$@", "$*") else [word])]
        if words[:1] == ["cd"] and len(words) == 2 and "$" not in words[1]:  # noqa: PLR2004
            stage = replace(stage, workdir=posixpath.normpath(posixpath.join(stage.workdir, words[1])))
        found += [(instead, line[:1].isspace(), begin) for instead, begin in _started(words, stage, depth)]
    found = [item for item in found if item[0]] or found
    if not found or (found[-1][1] and len({begin for *_, begin in found}) > 1):
        return None
    return found[-1][2]


def _program(program: str, rest: list[str], stage: Stage) -> Start | None:
    options = _options(rest)
    if program.startswith("python"):
        return _python(rest, stage)
    if program in ("functions-framework", "functions_framework"):
        file = posixpath.join(stage.workdir, options.get("source", "main.py"))
        target = options.get("target") or stage.env.get("FUNCTION_TARGET", "")
        return Start(file=file, folder=posixpath.dirname(file), name=target, server="functions_framework")
    if program in ("fastapi", "streamlit"):
        begin = _python(rest[1:2], stage) if rest[:1] in (["run"], ["dev"]) else None
        return replace(begin, server=program) if begin and program == "fastapi" else begin
    if program in _SERVERS:
        folder = posixpath.join(stage.workdir, options.get("chdir") or options.get("app-dir") or "")
        named = options.get("app") or next((word for word in reversed(rest) if _APPLICATION.fullmatch(word)), None)
        if named:
            module, _, name = named.partition(":")
            server = _MODULES.get(program, program)
            return Start(module=module, folder=posixpath.normpath(folder), name=name, server=server)
    if program in stage.programs:
        module, _, name = stage.programs[program].partition(":")
        return Start(module=module, name=name)
    return None


def _python(rest: Sequence[str], stage: Stage) -> Start | None:
    words = list(rest)
    while words and words[0].startswith("-") and words[0] not in ("-m", "-c"):
        words = words[2:] if words[0] in ("-W", "-X") else words[1:]
    if words[:1] == ["-m"] and len(words) > 1:
        if words[1] in ("gunicorn", "uvicorn", "functions_framework", "flask"):
            return _program(words[1], words[2:], stage)
        return Start(module=words[1], folder=stage.workdir)
    if words and words[0].endswith(".py"):
        file = posixpath.normpath(posixpath.join(stage.workdir, words[0]))
        return Start(file=file, folder=posixpath.dirname(file))
    return None


def _options(words: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            found[name] = value or following
    return found
