"""What the modules of the standard library have, asked of the target's own interpreter.

Their text does not say it: many are written in C, others compute their names. A child process imports them, by
themselves and without site packages; no code of the package's is run. What is asked once is remembered.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Sequence

from checks.preflight.cache import Cache

_KEY = "library"  # of the answers, in the cache
# A module or ``module:name`` in, the names it has out; null where that may not be all: then ``module?name`` tells of
# one. Python 3.8 and newer.
_CHILD = """
import importlib, json, os, re, signal, sys, types, warnings
warnings.simplefilter("ignore")
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
kinds = (type, types.FunctionType, types.BuiltinFunctionType)
for line in sys.stdin:
    signal.alarm(10)  # for one module
    module, mark, name = re.fullmatch("([^:?]+)([:?]?)(.*)", line.strip()).groups()
    try:
        thing = importlib.import_module(module)
        told = isinstance(thing, types.ModuleType) and "__getattr__" not in vars(thing)
        if mark == ":":
            thing = getattr(thing, name)
            told = isinstance(thing, kinds) and not hasattr(type(thing), "__getattr__")
        names = sorted({*dir(thing), *dir(type(thing))}) if told else None
        if mark == "?":
            names = [name] if hasattr(thing, name) else []
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

    def __init__(self, command: str | None, cache: Cache) -> None:
        """``command``: the interpreter; None if there is none of the target's version."""
        self._command = command if sys.platform == "linux" else None
        self._cache = cache
        self._asked: dict[str, list[str] | None] | None = None
        self._sets: dict[str, frozenset[str]] = {}
        self._new = False
        self._child: subprocess.Popen[bytes] | None = None
        self._waiting: deque[str] = deque()  # what the child was asked and has not answered, in order

    def knows(self, module: str) -> bool:
        """Whether a module's names are at hand, so that to ask costs nothing."""
        return module in self._remembered()

    def lacks(self, module: str, name: str, thing: str = "") -> bool | None:
        """Whether a module, or a class or function in it, has no such name on any platform; None if that cannot be
        told.
        """
        names = self.names(module, thing)
        if names is None and not thing:
            names = self.names(f"{module}?{name}")
        if names is None:
            return None
        return None if name not in names and _ELSEWHERE.fullmatch(name) else name not in names

    def names(self, module: str, thing: str = "") -> frozenset[str] | None:
        """The names of a module, or the attributes of a class or function in it; None if that cannot be told."""
        asked = f"{module}:{thing}" if thing else module
        known = self._remembered()
        if asked not in known:
            known[asked] = self._ask(asked) if self._may_ask(asked) else None
            self._new = True
        if asked not in self._sets and known[asked] is not None:
            self._sets[asked] = frozenset(known[asked] or ())
        return self._sets.get(asked)

    def ahead(self, modules: Iterable[str]) -> None:
        """Begin to ask for the names of these modules, beside what else is done: they are loaded in the child."""
        known = self._remembered()
        self._send([module for module in modules if module not in known and self._may_ask(module)])

    def _may_ask(self, asked: str) -> bool:
        return self._command is not None and re.split(r"[.:?]", asked)[0] not in _LOUD

    def _remembered(self) -> dict[str, list[str] | None]:
        """All answers, which are few enough to be kept in one piece."""
        if self._asked is None:
            self._asked = self._cache.get([_KEY], json.loads).get(_KEY, {})
        return self._asked

    def close(self) -> None:
        """Keep what was asked, and end the child."""
        if self._new:
            self._cache.put({_KEY: json.dumps(self._asked)})
            self._new = False
        self._end()

    def _end(self) -> None:
        self._waiting.clear()
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for pipe in filter(None, (self._child.stdin, self._child.stdout)):
                with contextlib.suppress(OSError):  # what it was still to be asked
                    pipe.close()
            self._child = None

    def _ask(self, asked: str) -> list[str] | None:
        """The child's answer, after those that it was asked for before."""
        known = self._remembered()
        if asked not in self._waiting:
            self._send([asked])
        while asked in self._waiting:
            line = self._answer()
            first = self._waiting.popleft()
            known[first] = json.loads(line) if line else None
            if not line:  # it took too long, or died: the next one asks another
                others = list(self._waiting)
                self._end()
                self._send(others)
        return known[asked]

    def _send(self, asked: Sequence[str]) -> None:
        if not asked:
            return
        if self._child is None:
            self._child = subprocess.Popen(  # noqa: S603 - an interpreter that the caller found
                [str(self._command), "-I", "-S", "-c", _CHILD],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PYTHONDONTWRITEBYTECODE": "1"},
            )
        if self._child.stdin is None:
            raise AssertionError("asked for a pipe")
        self._waiting += asked
        with contextlib.suppress(OSError):  # it has died, which shows where its answer is read
            self._child.stdin.write("".join(f"{one}\n" for one in asked).encode())
            self._child.stdin.flush()

    def _answer(self) -> bytes:
        """The child's next line; empty if it has ended."""
        if self._child is None or self._child.stdout is None:
            raise AssertionError("asked for a pipe")
        return self._child.stdout.readline()
