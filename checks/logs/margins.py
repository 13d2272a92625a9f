"""What stands around the lines of a traceback: a logger's prefix or a container's name before each, a box, quotes.

Usually a logger's prefix stands before the first line only. So a prefix is learnt from the header, and taken away only
from lines that are, without it, lines of a traceback.
"""

from __future__ import annotations

import re
from functools import lru_cache

from checks.logs.carriers import is_answer

_LONGEST = 200
ESCAPED = r"(most recent call last):\n"  # newlines written as a backslash and an n
_QUOTED = re.compile(
    r"(?P<quote>[\"'])?(?P<text>(?:\s{0,4}\+ Exception Group )?Traceback \(most recent call last\):\\n"
    r"(?:[^\\\n]|\\.){0,100000})"
)
_ESCAPE = re.compile(r"\\(.)")
_BOX = " \t\u2500\u256d"
_DIGITS = re.compile(r"\d{1,20}")


class Boxes:
    """The boxes that rich draws around the members of an exception group, one in the other."""

    _MEMBER = re.compile(r"\u256d\u2500{1,300} Sub-exception #\d{1,5} \u2500{1,300}\u256e$")

    def __init__(self) -> None:
        self._depth = 0

    def inside(self, line: str) -> tuple[str, bool]:
        """A line without the sides of the boxes around it, empty if it is their edge; and whether it is where a member
        begins or ends.
        """
        depth = 0
        while depth < self._depth and line.startswith("\u2502"):
            line = line[1:].removeprefix(" ").removesuffix("\u2502").rstrip()
            depth += 1
        begins = self._MEMBER.match(line) is not None
        ends = depth < self._depth
        self._depth = depth + begins
        return "" if begins or (ends and line.startswith("\u2570")) else line, begins or ends

    def __bool__(self) -> bool:
        """Whether a box is open."""
        return self._depth > 0


@lru_cache(maxsize=256)
def prefix_of(text: str) -> re.Pattern[str] | None:
    """A pattern of what stands before a header, whatever its numbers (times, process ids); None where nothing does."""
    if not text.strip("+|>" + _BOX) or len(text) > _LONGEST:
        return None
    fixed = [re.escape(part) for part in _DIGITS.split(text.rstrip())]
    space = " " * (len(text) - len(text.rstrip()))
    return re.compile(r"\d{1,20}".join(fixed) + (f"(?:{space}|$)" if space else ""))


def indent_of(text: str) -> str:
    """The spaces before a header, where nothing else but the corner of a box stands before it."""
    return "" if text.strip(_BOX) else text[: len(text) - len(text.lstrip(" \t"))]


def unescaped(text: str) -> str:
    r"""A text in which tracebacks that were written as one line (``"Traceback ...\n  File ..."``) have lines again."""
    return _QUOTED.sub(_spread, text)


def _spread(found: re.Match[str]) -> str:
    if is_answer(found.string[max(0, found.start() - 500) : found.start()].rpartition("\n")[2]):
        return found[0]
    said, quote = found["text"], found["quote"]
    rest = ""
    if quote:
        end = next((at.start() for at in re.finditer(rf"\\.|{quote}", said) if at[0] == quote), len(said))
        said, rest = said[:end], said[end + 1 :].strip(" )]}")
    lines = _ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], said)
    return f"\n{lines}\n{rest}"
