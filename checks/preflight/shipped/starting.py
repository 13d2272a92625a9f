"""What a command starts, for the ways that Python programs are commonly started: read, not run."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_SERVERS = frozenset({"gunicorn", "uvicorn", "hypercorn", "daphne", "granian", "dramatiq", "waitress-serve"})
_RUNNERS = frozenset({"fastapi", "streamlit"})  # ``fastapi run app/main.py``
_PREFIXES = frozenset({"exec", "tini", "--", "dumb-init", "opentelemetry-instrument", "ddtrace-run"})
_SEPARATORS = re.compile(r"[;&|]+")
# An application as servers are told it: ``package.module:name``, also ``:factory()``. A quote is part of the name where
# nothing takes it away, as in the JSON form of a Dockerfile.
_APPLICATION = re.compile(r"(['\"]?[A-Za-z_][\w.-]*)(?::([A-Za-z_][\w.]*)(?:\(.*\))?['\"]?)?")
# Options of the servers that take no value; ``--no-...`` are such too.
_SWITCHES = frozenset(
    {
        "-D",
        "-R",
        "--call",
        "--capture-output",
        "--check-config",
        "--daemon",
        "--enable-stdio-inheritance",
        "--expose-tracebacks",
        "--factory",
        "--preload",
        "--print-config",
        "--proxy-headers",
        "--proxy-protocol",
        "--reload",
        "--reuse-port",
        "--spew",
        "--use-colors",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is run: a file, or a module; the folder that is first on its search path, and others; what is called in it.

    ``server``: the module of the server that imports it, where it is not run as a program. ``ran``: the module is run
    by ``python -m``. ``rather``: the module that is meant instead of ``module`` where it is there. ``unsure``: a script
    starts it that may make it, or install what it needs. ``last``: the folder comes last on the search path.
    """

    file: str | None = None
    module: str | None = None
    folder: str | None = None
    search: tuple[str, ...] = ()
    name: str = ""
    server: str = ""
    ran: bool = False
    rather: str = ""
    unsure: bool = False
    last: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """The folders that are searched, below the one in which it is started."""
        folders = (self.folder or "", *self.search)
        return tuple(dict.fromkeys("" if folder == "." else folder for folder in folders))


def words_of(text: str) -> list[str]:
    """A shell's words, its operators (``&&``, ``;``) each for itself.

    :raises ValueError: for quotes that do not end.
    """
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


def start(
    words: Sequence[str],
    workdir: str = "",
    env: Mapping[str, str] | None = None,
    programs: Mapping[str, str] | None = None,
) -> Start | None:
    """What the last Python command among these words starts; None if there is none that is known. ``programs``: those
    that installed projects bring, as ``module:function`` by name.
    """
    if len(words) > 2 and _called(words[0]) in _SHELLS and re.fullmatch(r"-\w*c", words[1]):  # noqa: PLR2004
        try:
            return start(words_of(words[2]), workdir, env, programs)
        except ValueError:
            return None
    commands: list[list[str]] = [[]]
    for word in words:
        if _SEPARATORS.fullmatch(word):
            commands.append([])
        else:
            commands[-1].append(word)
    if any(command[:1] == ["cd"] for command in commands):
        return None  # not from this folder
    found = [_started(command, workdir, env or {}, programs or {}) for command in commands]
    return next((begin for begin in reversed(found) if begin is not None), None)


def _started(words: list[str], workdir: str, env: Mapping[str, str], programs: Mapping[str, str]) -> Start | None:
    while words and (_called(words[0]) in _PREFIXES or re.match(r"\w+=", words[0])):
        words = words[1:]
    if not words:
        return None
    program, rest = _called(words[0]), words[1:]
    if program in ("poetry", "uv", "pipenv", "pdm", "hatch") and rest[:1] == ["run"]:
        return _started(rest[1:], workdir, env, programs)
    if re.fullmatch(r"python[\d.]*", program):
        return _python(rest, workdir, env)
    if program in programs:
        module, _, name = programs[program].partition(":")
        return Start(module=module, name=name)
    begin = _application(program, rest, workdir, env)
    return None if begin is None else replace(begin, server=_module_of(program))


def _python(rest: list[str], workdir: str, env: Mapping[str, str]) -> Start | None:
    words = list(rest)
    while words and words[0].startswith("-") and not re.fullmatch(r"-[a-zA-Z]*[mc]", words[0]):
        words = words[2:] if words[0] in ("-W", "-X") else words[1:]
    if len(words) > 1 and re.fullmatch(r"-[a-zA-Z]*m", words[0]):
        module = words[1]
        begin = _application(module.replace("_", "-"), words[2:], workdir, env)
        if begin is not None:
            begin = replace(begin, search=(workdir,), last=False) if begin.last else begin
            return replace(begin, server=_module_of(module))
        return Start(module=module, folder=workdir, ran=True)
    if words and words[0].endswith(".py"):
        file = posixpath.normpath(posixpath.join(workdir, words[0]))
        return Start(file=file, folder=posixpath.dirname(file))
    return None


def _application(program: str, rest: list[str], workdir: str, env: Mapping[str, str]) -> Start | None:
    options, words = _read(rest)
    if program == "functions-framework":
        source = options.get("--source") or env.get("FUNCTION_SOURCE") or "main.py"
        file = posixpath.join(workdir, source)
        target = options.get("--target") or env.get("FUNCTION_TARGET", "")
        # A program's own folder is first, so that its framework is; the function's is added last (buildpacks.py).
        return Start(file=file, folder=posixpath.dirname(file), name=target, last=True)
    if program in _RUNNERS and words[:1] == ["run"] and len(words) > 1 and words[1].endswith(".py"):
        return Start(file=posixpath.normpath(posixpath.join(workdir, words[1])), folder=workdir)
    if program == "celery":
        told = options.get("-A") or options.get("--app") or ""
        module, _, name = told.partition(":")
        found = _APPLICATION.fullmatch(told)
        return Start(module=module, folder=workdir, name=name, rather=f"{module}.celery") if found else None
    if program == "arq" and words:  # ``arq package.module.WorkerSettings``
        module, _, name = words[0].rpartition(".")
        return Start(module=module, folder=workdir, name=name) if module else None
    if program == "flask":
        told = options.get("--app") or options.get("-A") or env.get("FLASK_APP") or ""
        return _served(program, [told.removesuffix(".py")], options, workdir)
    return _served(program, words, options, workdir) if program in _SERVERS else None


def _served(program: str, words: list[str], options: Mapping[str, str], workdir: str) -> Start | None:
    """The application among a server's words. Only gunicorn has a name for one that is not told."""
    named = next((m for word in words if (m := _APPLICATION.fullmatch(word)) and (m[2] or program != "uvicorn")), None)
    if named is None:
        return None
    folder = posixpath.join(workdir, options.get("--chdir") or options.get("--app-dir") or "")
    more = tuple(posixpath.join(workdir, item) for item in options.get("--pythonpath", "").split(",") if item)
    name = named[2] or ("application" if program == "gunicorn" else "")
    return Start(module=named[1], folder=posixpath.normpath(folder), search=more, name=name)


def _read(rest: list[str]) -> tuple[dict[str, str], list[str]]:
    """The options with their values, and the words that are none of them."""
    options: dict[str, str] = {}
    words: list[str] = []
    waiting = list(rest)
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("-"):
            words.append(word)
        elif "=" in word:
            name, _, value = word.partition("=")
            options[name] = value
        elif word in _SWITCHES or word.startswith("--no-") or not waiting:
            options[word] = ""
        else:
            options[word] = waiting.pop(0)
    return options, words


def _module_of(program: str) -> str:
    return program.removesuffix("-serve").replace("-", "_")


def _called(word: str) -> str:
    return word.rpartition("/")[2]
