"""The words of shell scripts: commands as they are written, with their quotes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_OPERATORS = ("&&", "||", ";;", ";", "|", "&", "\n", "(", ")")
_PLAIN = re.compile(r"[\w./:@%+,=~-]+")
_HERE = re.compile(r"<<-?\s*([\"']?)(\w+)\1")


@dataclass(frozen=True, slots=True)
class Statement:
    """One simple command or keyword as it is written, words with their quotes; ``joined``: by ``&&`` or ``||`` to the
    one before.
    """

    line: int
    words: tuple[str, ...]
    joined: str = ""


@lru_cache(maxsize=512)  # a script is gone through from several folders, and once for each branch
def statements(text: str) -> tuple[Statement, ...]:
    """The commands of a script in order, keywords among them; here-documents and comments left out."""
    return tuple(_Lexer(text).read())


class _Lexer:
    """Takes a script apart."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = self._first = 1
        self._word = ""
        self._words: list[str] = []
        self._documents: list[str] = []
        self._found: list[Statement] = []
        self._joined = ""

    def read(self) -> list[Statement]:
        """All of it."""
        while self._at < len(self._text):
            if not self._words and not self._word:
                self._first = self._line
            self._step(self._text[self._at], self._text[self._at : self._at + 2])
        self._end()
        return self._found

    def _step(self, char: str, two: str) -> None:
        if plain := _PLAIN.match(self._text, self._at):
            self._take(plain.end())
        elif two == "\\\n":
            self._end_word()
            self._line += 1
            self._at += 2
        elif char in "\"'`" or two in ("$(", "${") or (char == "(" and self._word.endswith("=")):
            self._take(closing(self._text, self._at))
        elif char == "\\":
            self._take(self._at + 2)
        elif char == "#" and not self._word:
            self._at = (self._text + "\n").find("\n", self._at)
        elif two == "<<" and (here := _HERE.match(self._text, self._at)):
            self._documents.append(here[2])
            self._end_word()
            self._words.append("<<")
            self._at = here.end()
        elif operator := next((sign for sign in _OPERATORS if self._text.startswith(sign, self._at)), None):
            self._operator(operator)
        elif char in " \t\r":
            self._end_word()
            self._at += 1
        else:
            self._take(self._at + 1)

    def _take(self, end: int) -> None:
        part = self._text[self._at : end]
        self._word += part
        self._line += part.count("\n")
        self._at = end

    def _operator(self, operator: str) -> None:
        if operator == "&" and self._word.endswith(">"):
            self._take(self._at + 1)  # of a redirection
            return
        if operator == "(" and self._word:  # the parentheses of a function
            self._word += "()"
            self._at = self._text.find(")", self._at) + 1 or len(self._text)
            self._end_word()
            return
        self._end()
        if operator in ("(", ")", ";;"):
            self._found.append(Statement(self._line, (operator,)))
        if operator != "\n":
            self._joined = operator if operator in ("&&", "||") else ""
        self._at += len(operator)
        if operator == "\n":
            self._line += 1
            for name in self._documents:
                close = re.compile(rf"^\t*{re.escape(name)}$", re.MULTILINE).search(self._text, self._at)
                end = close.end() if close else len(self._text)
                self._line += self._text.count("\n", self._at, end)
                self._at = end
            self._documents.clear()

    def _end_word(self) -> None:
        if self._word:
            self._words.append(self._word)
        self._word = ""

    def _end(self) -> None:
        self._end_word()
        if self._words:
            self._found.append(Statement(self._first, tuple(self._words), self._joined))
            self._words.clear()
            self._joined = ""


def closing(text: str, at: int) -> int:
    """The place behind a quoted or bracketed part that begins here."""
    char, index = text[at], at + 1
    if char == "'":
        close = text.find("'", index)
        return len(text) if close < 0 else close + 1
    if char == "$":
        char, index = text[at + 1], at + 2
    until = {"(": ")", "{": "}"}.get(char, char)
    while index < len(text):
        if text[index] == "\\":
            index += 2
        elif text[index] == until:
            return index + 1
        elif (
            (text[index] in "\"'`" and until != text[index] and not (until == '"' and text[index] == "'"))
            or text.startswith(("$(", "${"), index)
            or (until == ")" and text[index] == "(")
        ):
            index = closing(text, index)
        else:
            index += 1
    return len(text)


def braces(word: str) -> list[str]:
    """The words that ``a{b,c}d`` stands for; the word alone if it has no such braces outside quotes."""
    at = 0
    while at < len(word):
        if word[at] in "\"'`" or word.startswith(("$(", "${"), at):
            at = closing(word, at)
        elif word[at] == "{":
            end = closing(word, at)
            parts = _alternatives(word[at + 1 : end - 1])
            if len(parts) > 1:
                return [one for part in parts for one in braces(f"{word[:at]}{part}{word[end:]}")]
            at = end
        else:
            at += 1
    return [word]


def _alternatives(text: str) -> list[str]:
    """The parts between commas that no inner braces or quotes hold."""
    parts, at, begin = [], 0, 0
    while at < len(text):
        if text[at] in "\"'`{" or text.startswith(("$(", "${"), at):
            at = closing(text, at)
            continue
        if text[at] == ",":
            parts.append(text[begin:at])
            begin = at + 1
        at += 1
    return [*parts, text[begin:]]
