"""What the words of a shell script become: variables, defaults, arrays, braces, ``$(dirname ...)`` and the like."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from checks.preflight.shipped.shell_words import braces, closing, statements

UNKNOWN = "\0"  # stands for what cannot be told in what can
UNTOLD = "/cannot-be-told"  # a folder of which nobody knows where it is
MADE = "/mktemp-"  # the folders of ``mktemp -d``
Value = str | list[str] | None
PARAMETER = re.compile(r"\$(?:(\w+|[@*#?$!])|\{(#?\w+|[@*])(\[(?:[@*]|\d+)\])?(?:(:?[-+=?]|%%?|##?|/)([^}]*))?\})")
_SPECIAL = re.compile(r"[\\'\"`${]")


@dataclass(slots=True, kw_only=True)
class Words:
    """Where a script stands: ``script``, ``root`` and ``folder`` are absolute paths, ``values`` its variables,
    ``unset`` what those hold that nobody sets. ``loose``: what cannot be told is UNKNOWN, and not the whole word None.
    ``printed``: what functions of the script print, by the words that call them.
    """

    script: str
    root: str
    folder: str
    unset: str | None = None
    values: dict[str, Value] = field(default_factory=dict)
    loose: bool = False
    made: int = 0
    printed: dict[str, str | None] = field(default_factory=dict)

    def path(self, word: str) -> str:
        """A path as it is meant from where the script stands, absolute."""
        return posixpath.normpath(posixpath.join(self.folder, word))

    def assign(self, name: str, text: str, *, more: bool = False) -> None:
        """Give a variable a word or a list, or add that to it (``+=``)."""
        value: Value
        if text.startswith("("):
            items = statements(text[1:-1].replace("\n", " "))
            parts = [self.expand(word) for item in items for word in item.words]
            value = None if None in parts else [word for part in parts for word in part or ()]
        else:
            together = more or " deploy " in text  # a command: what can be told of it
            value = self.loosely(text) if together else self.word(text)
        old = self.values.get(name, [] if isinstance(value, list) else "") if more else None
        if isinstance(old, list):
            value = old + value if isinstance(value, list) else None
        elif more:
            value = old + value if isinstance(old, str) and isinstance(value, str) else None
        self.values[name] = value

    def loosely(self, text: str) -> str | None:
        """What a word becomes, with UNKNOWN in the place of what cannot be told."""
        self.loose = True
        value = self.word(text)
        self.loose = False
        return value

    def word(self, text: str) -> str | None:
        """What a word becomes; None if that cannot be told."""
        values = self.expand(text)
        return None if values is None else " ".join(values)

    def expand(self, text: str) -> list[str] | None:
        """The words that a word becomes: several for an array. None if that cannot be told."""
        if text.startswith("~") or not _SPECIAL.search(text):
            return None if text.startswith("~") else [text]
        if len(several := braces(text)) > 1:
            each = [self.expand(one) for one in several]
            return None if None in each else [word for words in each for word in words or ()]
        if (items := self._array(text)) is not None:
            return items
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
            elif char == "`" or (char == "$" and (text.startswith("$(", at) or PARAMETER.match(text, at))):
                value, at = self._told(text, at)
                if value is None and not self.loose:
                    return None
                parts.append(UNKNOWN if value is None else value)
            else:
                parts.append(char)
                at += 1
        return ["".join(parts)]

    def _array(self, text: str) -> list[str] | None:
        """All items of an array, or all arguments; None for another word."""
        whole = PARAMETER.fullmatch(text.strip('"'))
        value = self.values.get(whole[1] or whole[2]) if whole and (whole[3] or "@" in whole.groups()) else None
        return value if isinstance(value, list) else None

    def _told(self, text: str, at: int) -> tuple[str | None, int]:
        """What a command or a variable that begins here becomes, and the place behind it."""
        if found := PARAMETER.match(text, at):
            return self._parameter(found), found.end()
        close = closing(text, at)
        if (printed := self.printed.get(text[at:close])) is not None:
            return printed, close
        return self._called(text[at + (1 if text[at] == "`" else 2) : close - 1]), close

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
        if name not in self.values:
            value = self.unset
        if value is None or operator in (None, ":-", "-", ":=", "=", ":?", "?"):
            return value
        return _changed(value, operator, other)

    def _called(self, text: str) -> str | None:
        """What ``$(...)`` prints, for the commands that scripts find their folders with."""
        kept, answer = self.folder, None
        for statement in statements(text):
            words = [self.word(word) for word in statement.words if not word.startswith(("2>", ">"))]
            if None in words[1:]:
                answer = None
                break
            name, *rest = [word or "" for word in words] or [""]
            given = [word for word in rest if not word.startswith("-")]
            if name == "cd" and given:
                self.folder = self.path(given[0])
            elif name == "mktemp":
                self.made += 1
                answer = f"{MADE}{self.made}"
            elif name == "echo":
                answer = " ".join(given)
            elif name in ("sed", "tr"):
                answer = None if answer is None else _filtered(answer, name, given)
            else:
                answer = self._found(name, rest, given) or (answer if name in ("", "set", "head", "xargs") else None)
        self.folder = kept
        return answer

    def _found(self, name: str, rest: list[str], given: list[str]) -> str | None:
        """The folder or file that a command prints."""
        if name == "pwd":
            return self.folder
        if name in ("dirname", "basename") and given:
            path = self.path(given[0]) if name == "dirname" and given[0] != "." else given[0]
            suffix = given[1] if len(given) > 1 else ""
            return (
                posixpath.dirname(path)
                if name == "dirname"
                else posixpath.basename(path.rstrip("/")).removesuffix(suffix)
            )
        if name in ("realpath", "readlink") and given:
            return self.path(given[0])
        return self.root if name == "git" and "--show-toplevel" in rest else None


def _inside_quotes(text: str, at: int) -> bool:
    return text.count('"', 0, at) % 2 == 1


def _changed(value: str, operator: str, other: str) -> str | None:
    """``${name%...}`` and the like, for plain text and the usual patterns; None for others."""
    if operator == "/":
        old, _, new = other.lstrip("/").partition("/")
        if old and not re.search(r"[*?\[$]", old + new):
            return value.replace(old, new, -1 if other.startswith("/") else 1)
    elif operator[0] == "#" and other in ("*/", "*."):
        cut = value.rfind(other[1]) if operator == "##" else value.find(other[1])
        return value[cut + 1 :]
    elif operator[0] == "%" and other in ("/*", ".*"):
        cut = value.find(other[0]) if operator == "%%" else value.rfind(other[0])
        return value[:cut] if cut >= 0 else value
    elif operator in ("%", "%%", "#", "##") and not re.search(r"[*?\[$]", other):
        return value.removesuffix(other) if operator[0] == "%" else value.removeprefix(other)
    return None


def _filtered(text: str, name: str, given: list[str]) -> str | None:
    """What ``sed`` or ``tr`` makes of a text, for plain characters; None for patterns."""
    if name == "tr" and len(given) == 2 and len(given[0]) == len(given[1]):  # noqa: PLR2004 - from, to
        cases = {"[:lower:]": str.lower, "[:upper:]": str.upper, "a-z": str.lower, "A-Z": str.upper}
        if given[1] in cases:
            return cases[given[1]](text)
        return text.translate(str.maketrans(*given)) if not re.search(r"[\[\w]-", given[0]) else None
    found = re.fullmatch(r"s(.)([\w/ -]+)\1([\w/ -]*)\1(g?)", given[0]) if name == "sed" and given else None
    return text.replace(found[2], found[3], -1 if found[4] else 1) if found else None
