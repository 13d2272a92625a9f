"""Shell scripts, read and not run: which commands they would run, as far as that shows in their text.

Variables, ``for`` over known words and folders, ``if`` on files and words, ``case``, functions and other scripts with
arguments, ``eval``. A word that depends on anything else is unknown (None), and whoever asks must not guess it; but a
path that begins with something unknown is taken from the root if it is there. Where an unknown word chooses between
branches, one run takes one of them (``choices``).
"""

from __future__ import annotations

import glob
import posixpath
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import takewhile

from checks.preflight.shipped.shell_blocks import case_branches, end_of, function_body, if_branches
from checks.preflight.shipped.shell_values import PARAMETER, UNKNOWN, UNTOLD, Value, Words
from checks.preflight.shipped.shell_words import Statement, statements

_MOST = 20_000  # commands; a loop of loops is no deployment
_MOST_TURNS = 300
_DEPTH = 20
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)(\+?)=(.*)", re.DOTALL)
_TOP = re.compile(r"ROOT|REPO|WORKSPACE")  # what variables for the top of a repository are called
Place = tuple[str, int]  # a script and a line of it
_BELOW = re.compile(rf"((?:--[\w-]+=)?){UNKNOWN}/?([^{UNKNOWN}/.][^{UNKNOWN}]*)")
_SHELLS = frozenset({"bash", "sh", "zsh", "ksh"})


@dataclass(frozen=True, slots=True)
class Command:
    """A command that would run: ``words`` with None for those that cannot be told; ``folder`` is where, ``writes``
    what its output is written to; ``aside``: that goes elsewhere than where the script's goes.
    """

    line: int
    words: tuple[str | None, ...]
    folder: str
    writes: tuple[str, ...] = ()
    aside: bool = False


@dataclass(slots=True, kw_only=True)
class Shell(Words):
    """Goes through a script. ``exists`` tells of files there would be, ``read`` gives the text of another script.

    ``choices``: which branch to take where an unknown word chooses, by script and line, 0 elsewhere; ``taken``: of how
    many one was taken there, and what it is called.
    """

    exists: Callable[[str, str], bool]
    read: Callable[[str], str | None]
    choices: Mapping[Place, int] = field(default_factory=dict)
    functions: dict[str, Sequence[Statement]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    taken: dict[Place, tuple[int, str]] = field(default_factory=dict)
    steps: int = 0

    def run(self, body: Sequence[Statement], depth: int = 0) -> Iterator[Command]:
        """The commands that it would run, in order. The caller may look at ``folder`` and ``values`` in between."""
        at, outer = 0, list[str]()
        while at < len(body) and depth < _DEPTH:
            self.steps += 1
            if self.steps > _MOST:
                return
            statement = body[at]
            words = statement.words
            while words and words[0] in ("then", "do", "else", "!", "time", "{", "}"):
                words = words[1:]
            if not words or words[0] in "()":
                if words[:1] == ("(",):
                    outer.append(self.folder)
                elif words and outer:
                    self.folder = outer.pop()
                at += 1
            elif words[0] == "for" and len(words) > 1:
                close = end_of(body, at)
                yield from self._loop(words, body[at + 1 : close], depth)
                at = close + 1
            elif words[0] == "if":
                close = end_of(body, at)
                yield from self._if(body[at : close + 1], depth)
                at = close + 1
            elif words[0] == "case" and len(words) > 1:
                close = end_of(body, at)
                yield from self._case(body[at : close + 1], words[1], depth)
                at = close + 1
            elif words[0] == "function" or re.fullmatch(r"[^=]+\(\)", words[0]):
                name = words[1] if words[0] == "function" else words[0]
                close = next((i for i in range(at, len(body)) if body[i].words[0] == "}"), len(body))
                self.functions[name.removesuffix("()")] = function_body(body[at : close + 1])
                at = close + 1
            else:
                yield from self._simple(Statement(statement.line, words), depth)
                at += 1

    def _loop(self, words: tuple[str, ...], body: Sequence[Statement], depth: int) -> Iterator[Command]:
        values: list[str | None] = []
        for word in words[3:]:
            values += self._paths(word)
        for value in values[:_MOST_TURNS] or [None]:
            self.values[words[1]] = value
            yield from self.run(body, depth + 1)

    def _if(self, body: Sequence[Statement], depth: int) -> Iterator[Command]:
        """The first branch whose condition may hold."""
        for condition, commands in if_branches(body):
            asked = condition.words[1:] if condition is not None else ()
            if condition is not None and asked and asked[0] not in ("[", "[[", "test"):
                plain = tuple(word for word in asked if word != "!")
                yield from self._simple(Statement(condition.line, plain), depth)  # `if ! gcloud ...; then`
            if condition is None or self._holds(list(asked), condition.line, commands) is not False:
                yield from self.run(commands, depth + 1)
                return

    def _holds(self, asked: list[str], line: int, after: Sequence[Statement]) -> bool | None:
        """A condition, with the tests ``after`` it that ``&&`` and ``||`` join to it."""
        answer = self._test(asked, line)
        for statement in takewhile(lambda item: item.joined, after):
            if answer is (statement.joined == "||"):
                continue  # decided, one way or the other
            other = self._test(list(statement.words), statement.line)
            answer = other if answer is not None or other is (statement.joined == "||") else None
        return answer

    def _case(self, body: Sequence[Statement], asked: str, depth: int) -> Iterator[Command]:
        """The first branch whose pattern the word matches, or the one that is chosen for a word that cannot be told."""
        named = [(self.word(pattern) or pattern, commands) for pattern, commands in case_branches(body)]
        value = self.word(asked)
        if value is None:
            if any(pattern.startswith("-") for pattern, _ in named):
                return  # the options of a command line: without them, their defaults hold
            plain = [item for item in named if not re.search(r"[*?\[]", item[0])] or named[:1]
            taken = self._choice(body[0].line, [pattern for pattern, _ in plain]) if plain else 0
            if plain and (parameter := PARAMETER.fullmatch(asked.strip('"'))):
                self.values[parameter[1] or parameter[2]] = plain[taken][0]
            yield from self.run(plain[taken][1] if plain else [], depth + 1)
            return
        found = next((commands for pattern, commands in named if fnmatchcase(value, pattern)), [])
        yield from self.run(found, depth + 1)

    def _choice(self, line: int, names: Sequence[str]) -> int:
        """Which of several this run takes here, the same each time that it comes here."""
        place = (self.script, line)
        which = min(self.choices.get(place, 0), len(names) - 1)
        self.taken[place] = (len(names), names[which])
        return which

    def _test(self, words: list[str], line: int) -> bool | None:
        if words[:1] == ["!"]:
            answer = self._test(words[1:], line)
            return None if answer is None else not answer
        if not words or words[0] not in ("[", "[[", "test"):
            return None
        inside = [word for word in words[1:] if word not in ("]", "]]")]
        if inside[:1] == ["!"]:
            answer = self._test(["[", *inside[1:], "]"], line)
            return None if answer is None else not answer
        if len(inside) == 3 and inside[1] in ("=", "==", "!="):  # noqa: PLR2004 - two words and a sign between them
            same = self._same(inside[0], inside[2], line)
            return None if same is None else same == (inside[1] != "!=")
        if len(inside) != 2:  # noqa: PLR2004 - one sign, one word
            return None
        value = self.word(inside[1])
        if inside[0] in ("-z", "-n"):
            return None if value is None else (value == "") == (inside[0] == "-z")
        if inside[0] in ("-d", "-f", "-e", "-L", "-s") and value is not None:
            return self.exists(self.path(value), inside[0])
        return None

    def _same(self, asked: str, other: str, line: int) -> bool | None:
        """Whether two words are the same: an unknown argument is in one run, and in another one not."""
        value, wanted = self.word(asked), self.word(other)
        if wanted is None:
            return None
        if value is not None:
            return fnmatchcase(value, wanted)
        parameter = PARAMETER.fullmatch(asked.strip('"'))
        name = (parameter[1] or parameter[2]) if parameter else ""
        if not name.isidentifier() and not name.isdecimal():
            return None
        if wanted == "" or wanted.startswith("-"):
            return None
        if self._choice(line, [wanted, f"not {wanted}"]):
            return False
        self.values[name] = wanted
        return True

    def _simple(self, statement: Statement, depth: int) -> Iterator[Command]:
        words = list(statement.words)
        if words[0] in ("local", "export", "declare", "readonly", "typeset"):
            words = [word for word in words[1:] if not word.startswith("-")]
        while words and (assigned := _ASSIGNED.match(words[0])):
            inner = assigned[3].strip('"')
            body = statements(inner[2:-1]) if inner.startswith("$(") and inner.endswith(")") else []
            if " deploy" in inner or (len(body) == 1 and body[0].words[0] in self.functions):
                body = [replace(s, line=statement.line + s.line - 1) for s in body]
                self.printed[inner] = yield from self._captured(body, depth)
            self.assign(assigned[1], assigned[3], more=bool(assigned[2]))
            words.pop(0)
        if not words:
            return
        if (inner := self._inner(words, statement.line, depth)) is not None:
            yield from inner
            return
        aside = any(re.match(r"1?>", word) for word in words)
        words, written = _redirected(words)
        if not words:
            return  # nothing but redirections, such as what is left of ``ls x &>/dev/null``
        yield from self._script(words, depth)
        expanded: list[str | None] = []
        for word in words:
            expanded += self._words(word)
        writes = tuple(self.path(value) for word in written if (value := self.word(word)) is not None)
        if words[0] == "popd" or words == ["cd", "-"]:
            self.folder = self.left.pop() if self.left else self.folder
        elif words[0] in ("cd", "pushd"):
            target = next((word for word in expanded[1:] if word is None or not word.startswith("-")), None)
            self.left.append(self.folder)
            if target is not None:
                self.folder = self.path(target)
            elif words[1:] and not _TOP.search(words[-1]):
                self.folder = UNTOLD
        yield Command(statement.line, tuple(expanded), self.folder, writes, aside)

    def _captured(self, body: Sequence[Statement], depth: int) -> Generator[Command, None, str | None]:
        """What ``$(...)`` runs, in a shell of its own, and what that prints: what it ends with, where it is all."""
        kept, said, last = (self.folder, dict(self.values)), list[Command](), None
        for last in self.run(body, depth + 1):
            if last.words[0] in ("echo", "printf", "cat") and not last.aside:
                said.append(last)
            yield last
        self.folder, self.values = kept
        words = [word for word in said[0].words if word != "-n"] if said == [last] else [None]
        return " ".join(word or "" for word in words[1:]) if words[0] == "echo" and None not in words else None

    def _inner(self, words: Sequence[str], line: int, depth: int) -> Iterator[Command] | None:
        """The commands of a function or of a text that is evaluated; None for a command of another kind."""
        if words[0] in self.functions:
            return self._called_with(self.functions[words[0]], words[1:], depth)
        if words[0] == "eval":
            text = " ".join(self.word(word) or UNKNOWN for word in words[1:])
            return self.run([replace(item, line=line) for item in statements(text)], depth + 1)
        if words[0] == "shift" and "@" in self.values:
            self._give([self.values.get(name) for name in "23456789"], self.values["@"])
            return iter(())
        return None

    def _called_with(self, body: Sequence[Statement], words: Sequence[str], depth: int) -> Iterator[Command]:
        """A function or a script with its arguments."""
        given: list[str | None] = [one for word in words for one in self._words(word)]
        kept = {name: self.values.pop(name) for name in "123456789@*" if name in self.values}
        self._give(given, None if None in given else ["", *(word or "" for word in given)])
        yield from self.run(body, depth + 1)
        for name in "123456789@*":
            self.values.pop(name, None)
        self.values.update(kept)

    def _give(self, given: Sequence[Value], every: Value) -> None:
        """Set the arguments; ``every``: all of them behind one that is no longer there."""
        self.values.update({str(n): given[n - 1] if n <= len(given) else "" for n in range(1, 10)})
        self.values["@"] = self.values["*"] = every[1:] if isinstance(every, list) else None

    def _script(self, words: Sequence[str], depth: int) -> Iterator[Command]:
        """What another script does that is started or taken in here (``source``)."""
        own = words[0] in ("source", ".")
        rest = [word for word in words[own or words[0] in _SHELLS :] if own or not word.startswith("-")]
        path = self.word(rest[0]) if rest else None
        if path is None or not (own or path.endswith(".sh")) or (text := self.read(self.path(path))) is None:
            return
        kept = self.script, self.folder, dict(self.values)
        self.script = self.path(path)
        if own and not rest[1:]:
            yield from self.run(statements(text), depth + 1)
        else:
            yield from self._called_with(statements(text), rest[1:], depth)
        self.script = kept[0]
        if not own:
            self.folder, self.values = kept[1:]

    def _words(self, word: str) -> list[str | None]:
        """The words of a command that a word becomes: without quotes a variable is taken apart at its spaces."""
        values = self.expand(word)
        if values is None or UNKNOWN in "".join(values):
            return [self._likely(word) or _option(word)]
        return list(values[0].split() if len(values) == 1 and PARAMETER.fullmatch(word) else values)

    def _likely(self, word: str) -> str | None:
        """A path below a folder that cannot be told, where there is one of that name below the root."""
        found = _BELOW.fullmatch(self.loosely(word) or "")
        if found is None:
            return None
        path = posixpath.join(self.root, found[2])
        there = posixpath.dirname(path) if "*" in path else path
        return found[1] + path if there != self.root and self.exists(posixpath.normpath(there), "-e") else None

    def _paths(self, word: str) -> list[str | None]:
        """The words that a word of a ``for`` becomes: with ``*`` the files that there are."""
        values = self.expand(word)
        if values is None or UNKNOWN in "".join(values):
            return [None]
        if not re.search(r"[*?]", word) or word[:1] in "\"'":
            return list(values)
        found = [path for value in values for path in sorted(glob.glob(self.path(value)))]  # noqa: PTH207 - as it is written
        return [f"{path}/" if word.endswith("/") else path for path in found]


def _redirected(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words without redirections, and the files that are written to."""
    kept, written, follows = list[str](), list[str](), False
    for word in words:
        found = re.fullmatch(r"(?:\d|&)?>{1,2}\|?(.*)", word, re.DOTALL)
        if follows:
            written.append(word)
            follows = False
        elif found is None:
            kept.append(word)
        elif found[1].startswith("&"):
            continue
        elif found[1]:
            written.append(found[1])
        else:
            follows = True
    return kept, written


def _option(text: str) -> str | None:
    """An option whose value cannot be told."""
    found = re.match(r"\"?(--[\w-]+=)", text)
    return found[1] + UNKNOWN if found else None
