"""Shell scripts, read and not run: which commands they would run, as far as that shows in their text.

Variables, defaults, arrays, ``for`` over known words, ``if`` on files, functions with arguments, ``$(dirname ...)`` and
the like. A word that depends on anything else is unknown (None), and whoever asks must not guess it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from checks.preflight.shell_words import Statement, braces, closing, statements

UNKNOWN = "\0"  # stands for what cannot be told, behind the name of an option
MADE = "/mktemp-"  # the folders of ``mktemp -d``
Value = str | list[str] | None
_MOST = 20_000  # commands; a loop of loops is no deployment
_DEPTH = 20
_OPEN, _CLOSE = frozenset({"for", "while", "until", "select", "if", "case"}), frozenset({"done", "fi", "esac"})
_ASSIGNED = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_PARAMETER = re.compile(r"\$(?:(\w+|[@*#?$!])|\{(#?\w+|[@*])(\[(?:[@*]|\d+)\])?(?:(:?[-+=?]|%%?|##?|/)([^}]*))?\})")


@dataclass(frozen=True, slots=True)
class Command:
    """A command that would run: ``words`` with None for those that cannot be told; ``folder`` is where, ``writes``
    what its output is written to.
    """

    line: int
    words: tuple[str | None, ...]
    folder: str
    writes: tuple[str, ...] = ()


@dataclass(slots=True)
class Shell:
    """Goes through a script. ``script`` and ``root`` are absolute paths; ``exists`` tells of files there would be."""

    script: str
    root: str
    exists: Callable[[str, str], bool]
    folder: str
    values: dict[str, Value] = field(default_factory=dict)
    functions: dict[str, Sequence[Statement]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    made: int = 0
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
            elif words[0] == "for":
                close = _matching(body, at)
                yield from self._loop(words, body[at + 1 : close], depth)
                at = close + 1
            elif words[0] == "if":
                close = _matching(body, at)
                yield from self._if(body[at : close + 1], depth)
                at = close + 1
            elif words[0] == "case":
                at = _matching(body, at) + 1
            elif words[0].endswith("()") or words[0] == "function":
                name = words[1] if words[0] == "function" else words[0]
                close = next((i for i in range(at, len(body)) if body[i].words[0] == "}"), len(body))
                self.functions[name.removesuffix("()")] = _inside(body[at : close + 1])
                at = close + 1
            else:
                yield from self._simple(Statement(statement.line, words), depth)
                at += 1

    def _loop(self, words: tuple[str, ...], body: Sequence[Statement], depth: int) -> Iterator[Command]:
        values: list[str | None] = []
        for word in words[3:]:
            values += self.expand(word) or [None]
        for value in values or [None]:
            self.values[words[1]] = value
            yield from self.run(body, depth + 1)

    def _if(self, body: Sequence[Statement], depth: int) -> Iterator[Command]:
        """The first branch whose condition may hold."""
        branches: list[tuple[Statement | None, list[Statement]]] = [(body[0], [])]
        level = 0
        for statement in body[1:-1]:
            if level == 0 and statement.words[0] in ("elif", "else"):
                more = statement.words[1:]
                branches.append((statement if statement.words[0] == "elif" else None, []))
                if statement.words[0] == "else" and more:
                    branches[-1][1].append(Statement(statement.line, more))
                continue
            level += _level(statement)
            branches[-1][1].append(statement)
        for condition, inside in branches:
            asked = condition.words[1:] if condition is not None else ()
            if condition is not None and asked and asked[0] not in ("[", "[[", "test"):
                plain = tuple(word for word in asked if word != "!")
                yield from self._simple(Statement(condition.line, plain), depth)  # `if ! gcloud ...; then`
            if condition is None or self._test(list(asked)) is not False:
                yield from self.run(inside, depth + 1)
                return

    def _test(self, words: list[str]) -> bool | None:
        if words[:1] == ["!"]:
            answer = self._test(words[1:])
            return None if answer is None else not answer
        if not words or words[0] not in ("[", "[[", "test"):
            return None
        inside = [word for word in words[1:] if word not in ("]", "]]")]
        if inside[:1] == ["!"]:
            answer = self._test(["[", *inside[1:], "]"])
            return None if answer is None else not answer
        if len(inside) != 2:  # noqa: PLR2004 - one sign, one word
            return None
        value = self.word(inside[1])
        if inside[0] in ("-z", "-n"):
            return None if value is None else (value == "") == (inside[0] == "-z")
        if inside[0] in ("-d", "-f", "-e", "-L", "-s") and value is not None:
            return self.exists(self.path(value), inside[0])
        return None

    def _simple(self, statement: Statement, depth: int) -> Iterator[Command]:
        words = list(statement.words)
        if words[0] in ("local", "export", "declare", "readonly", "typeset"):
            words = [word for word in words[1:] if not word.startswith("-")]
        while words and (assigned := _ASSIGNED.match(words[0])):
            inner = assigned[2].strip('"')
            if inner.startswith("$(") and " deploy" in inner:
                body = [Statement(statement.line + s.line - 1, s.words) for s in statements(inner[2:-1])]
                yield from self.run(body, depth + 1)
            self.values[assigned[1]] = self._assigned(assigned[2])
            words.pop(0)
        if not words:
            return
        if words[0] in self.functions:
            given = [self.word(word) for word in words[1:]]
            kept = {name: self.values.get(name) for name in "123456789"}
            self.values.update({str(n): given[n - 1] if n <= len(given) else "" for n in range(1, 10)})
            yield from self.run(self.functions[words[0]], depth + 1)
            self.values.update(kept)
            return
        words, written = _redirected(words)
        if not words:
            return  # nothing but redirections, such as what is left of ``ls x &>/dev/null``
        expanded: list[str | None] = []
        for word in words:
            expanded += self.expand(word) or [_option(word)]
        writes = tuple(self.path(value) for word in written if (value := self.word(word)) is not None)
        if words[0] == "popd" or words == ["cd", "-"]:
            self.folder = self.left.pop() if self.left else self.folder
        elif words[0] in ("cd", "pushd"):
            target = next((word for word in expanded[1:] if word is None or not word.startswith("-")), None)
            self.left.append(self.folder)
            self.folder = self.path(target) if target is not None else self.folder
        yield Command(statement.line, tuple(expanded), self.folder, writes)

    def path(self, word: str) -> str:
        """A path as it is meant from where the script stands, absolute."""
        return posixpath.normpath(posixpath.join(self.folder, word))

    # -- words ---------------------------------------------------------------------------------------------------------

    def _assigned(self, text: str) -> Value:
        if text.startswith("("):
            items = statements(text[1:-1].replace("\n", " "))
            parts = [self.expand(word) for item in items for word in item.words]
            return None if None in parts else [value for part in parts for value in part or ()]
        return self.word(text)

    def word(self, text: str) -> str | None:
        """What a word becomes; None if that cannot be told."""
        values = self.expand(text)
        return None if values is None else " ".join(values)

    def expand(self, text: str) -> list[str] | None:
        """The words that a word becomes: several for an array. None if that cannot be told."""
        if len(several := braces(text)) > 1:
            each = [self.expand(one) for one in several]
            return None if None in each else [word for words in each for word in words or ()]
        plain = text.strip('"')
        whole = _PARAMETER.fullmatch(plain)
        if whole and whole[3] and isinstance(value := self.values.get(whole[2]), list):
            return value
        parts, at = [], 0
        while at < len(text):
            char = text[at]
            if char == "'" and not _inside_quotes(text, at):
                close = closing(text, at)
                parts.append(text[at + 1 : close - 1])
                at = close
            elif char == '"':
                at += 1
            elif char == "\\":
                parts.append(text[at + 1 : at + 2])
                at += 2
            elif text.startswith("$(", at) or char == "`":
                close = closing(text, at)
                inner = text[at + (2 if char == "$" else 1) : close - 1]
                value = self._called(inner)
                if value is None:
                    return None
                parts.append(value)
                at = close
            elif char == "$" and (found := _PARAMETER.match(text, at)):
                value = self._parameter(found)
                if value is None:
                    return None
                parts.append(value)
                at = found.end()
            elif char == "~" and at == 0:
                return None
            else:
                parts.append(char)
                at += 1
        return ["".join(parts)]

    def _parameter(self, found: re.Match[str]) -> str | None:
        name, operator, other = found[1] or found[2], found[4], found[5]
        if name in ("0", "BASH_SOURCE"):
            return self.script
        if name == "PWD":
            return self.folder
        value = self.values.get(name)
        if isinstance(value, list):
            return " ".join(value)
        if operator in (":-", "-", ":=", "=") and not value:
            return self.word(other)
        if operator in ("%", "%%", "#", "##", "/", ":+", "+") and value is not None:
            return None if operator != "%" or other != "/" else value.removesuffix("/")
        return value

    def _called(self, text: str) -> str | None:
        """What ``$(...)`` prints, for the commands that scripts find their folders with."""
        commands = statements(text)
        kept, answer = self.folder, None
        for statement in commands:
            words = [self.word(word) for word in statement.words if not word.startswith(("2>", ">"))]
            rest = [word for word in words[1:] if word is None or not word.startswith("-")]
            if None in rest:
                self.folder = kept
                return None
            given = [word for word in rest if word is not None]
            if words[0] == "cd" and given:
                self.folder = self.path(given[0])
            elif words[0] == "pwd":
                answer = self.folder
            elif words[0] in ("dirname", "basename") and given:
                path = self.path(given[0]) if words[0] == "dirname" and given[0] != "." else given[0]
                answer = posixpath.dirname(path) if words[0] == "dirname" else posixpath.basename(path.rstrip("/"))
            elif words[0] in ("realpath", "readlink") and given:
                answer = self.path(given[0])
            elif words[:2] == ["git", "rev-parse"]:
                answer = self.root
            elif words[0] == "mktemp":
                self.made += 1
                answer = f"{MADE}{self.made}"
        self.folder = kept
        return answer


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


def _inside_quotes(text: str, at: int) -> bool:
    return text.count('"', 0, at) % 2 == 1


def _inside(body: Sequence[Statement]) -> list[Statement]:
    """The commands of a function: without its head and its braces."""
    found = []
    for index, statement in enumerate(body):
        words = statement.words
        if index == 0:
            words = words[2:] if words[0] == "function" else words[1:]
        words = tuple(word for position, word in enumerate(words) if position or word not in ("{", "}"))
        if words:
            found.append(Statement(statement.line, words))
    return found


def _level(statement: Statement) -> int:
    words = [word for word in statement.words[:2] if word not in ("then", "do", "else")]
    return 1 if words and words[0] in _OPEN else -1 if words and words[0] in _CLOSE else 0


def _matching(body: Sequence[Statement], at: int) -> int:
    """Where what begins here ends."""
    level = 0
    for index in range(at, len(body)):
        level += _level(body[index])
        if level == 0:
            return index
    return len(body) - 1
