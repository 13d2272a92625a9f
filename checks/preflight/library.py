"""What the modules of the standard library have, asked of the target's own interpreter.

Their text does not say it: many are written in C, others compute their names. A child process imports them, by
themselves and without site packages; no code of the package's is run. What is asked once is remembered.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

Remembered = Callable[[str, bytes, Callable[[], Any], Callable[[str], Any]], Any]

# A module or ``module:name`` in, the names it has out; null where that may not be all. Python 3.8 and newer.
_CHILD = """
import importlib, json, os, signal, sys, types, warnings
warnings.simplefilter("ignore")
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
kinds = (type, types.FunctionType, types.BuiltinFunctionType)
for line in sys.stdin:
    signal.alarm(10)  # for one module
    module, _, name = line.strip().partition(":")
    try:
        thing = importlib.import_module(module)
        if name:
            thing = getattr(thing, name)
            told = isinstance(thing, kinds) and not hasattr(type(thing), "__getattr__")
        else:
            told = isinstance(thing, types.ModuleType) and "__getattr__" not in vars(thing)
        names = sorted({*dir(thing), *dir(type(thing))}) if told else None
    except BaseException:
        names = None
    signal.alarm(0)
    out.write(json.dumps(names) + "\\n")
    out.flush()
"""
# Their import does more than define names.
_LOUD = frozenset({"antigravity", "this", "idlelib", "lib2to3", "test", "turtledemo", "__main__", "ensurepip"})
# What only other platforms have, and what only an interactive or frozen interpreter has.
_ELSEWHERE = re.compile(
    r"win(?:dll|error|ver|reg)|oledll|WinDLL|OleDLL|WinError|FormatError|GetLastError|[gs]et_last_error|\w*[wW]indows\w*"
    r"|startfile|add_dll_directory|O_[A-Z_]+|l?chflags|lchmod|plock|CTRL_\w+|SIG[A-Z]+|KQ_\w+|kqueue|kevent|devpoll"
    r"|[A-Z]+_[A-Z0-9_]+|Proactor\w*|ps[123]|last_\w+|frozen|_MEIPASS|real_prefix|_\w+|gettotalrefcount|dllhandle|pypy\w*"
)


class Library:
    """The standard library of one interpreter. Not for several threads."""

    def __init__(self, command: str | None, remembered: Remembered) -> None:
        """``command``: the interpreter; None if there is none of the target's version."""
        self._command = command if sys.platform == "linux" else None
        self._remembered = remembered
        self._known: dict[str, frozenset[str] | None] = {}
        self._child: subprocess.Popen[bytes] | None = None

    def names(self, module: str, thing: str = "") -> frozenset[str] | None:
        """The names of a module, or the attributes of a class or function in it; None if that cannot be told."""
        asked = f"{module}:{thing}" if thing else module
        if asked not in self._known:
            self._known[asked] = self._names(asked)
        return self._known[asked]

    def lacks(self, module: str, name: str, thing: str = "") -> bool | None:
        """Whether a module, or a thing in it, has no such name on any platform; None if that cannot be told."""
        names = self.names(module, thing)
        if names is None:
            return None
        return None if name not in names and _ELSEWHERE.fullmatch(name) else name not in names

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for pipe in filter(None, (self._child.stdin, self._child.stdout)):
                pipe.close()
            self._child = None

    def _names(self, asked: str) -> frozenset[str] | None:
        if self._command is None or asked.partition(":")[0].partition(".")[0] in _LOUD:
            return None
        names = self._remembered("library", asked.encode(), lambda: self._ask(asked), json.loads)
        return None if names is None else frozenset(names)

    def _ask(self, asked: str) -> list[str] | None:
        if self._child is None:
            self._child = subprocess.Popen(  # noqa: S603 - an interpreter that the caller found
                [str(self._command), "-I", "-S", "-c", _CHILD],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PYTHONDONTWRITEBYTECODE": "1"},
            )
        if self._child.stdin is None or self._child.stdout is None:
            raise AssertionError("asked for pipes")
        try:
            self._child.stdin.write(asked.encode() + b"\n")
            self._child.stdin.flush()
            line = self._child.stdout.readline()
        except OSError:
            line = b""
        if not line:  # it took too long, or died: the next one asks another
            self.close()
            return None
        names: list[str] | None = json.loads(line)
        return names
