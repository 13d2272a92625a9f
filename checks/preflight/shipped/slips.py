"""Variables of a shell script that nothing sets, but for a slip of the pen: ``$SOURCE_DRI`` where SOURCE_DIR is set.

The environment may set any other name, so that nothing is said of one that is only like it by a number or a plural.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_USED = re.compile(r"(?<![\\$])\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
_SET = re.compile(
    r"(?:^|[\s;(&|`])(?:([A-Za-z_]\w*)(?:\[[^\]]*\])?\+?=|(?:for|select)\s+([A-Za-z_]\w*))"
    r"|(?:^|[;({&|]|\b(?:do|then|else|while|if|IFS=\S*))[ \t]*"
    r"(?:read|mapfile|readarray|getopts|local|export|declare|typeset|readonly|unset)\s+([^;&|#\n]*)",
    re.MULTILINE,
)
_TAKES_MORE = re.compile(r"^\s*(?:source|\.|eval|set\s+-\w*a|printf\s+-v)\s", re.MULTILINE)
_ONLY_SAYS = re.compile(r"\s*(?:#|echo\b|printf\b|log\w*\b)")
_SHORTEST = 5


class Slip(NamedTuple):
    """The line, the variable as it is written there, and the one that the script sets."""

    line: int
    name: str
    meant: str


def repaired(text: str) -> tuple[str, tuple[Slip, ...]]:
    """The script as it is meant, and its slips. A script that takes variables from another file has none."""
    if "$" not in text or _TAKES_MORE.search(text):
        return text, ()
    known = {word for found in _SET.finditer(text) for group in found.groups() if group for word in _names(group)}
    lines, slips = text.split("\n"), list[Slip]()
    for at, line in enumerate(lines):
        if "$" not in line or _ONLY_SAYS.match(line):
            continue
        for used in dict.fromkeys(one or other for one, other in _USED.findall(line)):
            meant = [] if used in known else [name for name in known if _is_slip(used, name)]
            if len(meant) == 1:
                slips.append(Slip(at + 1, used, meant[0]))
                lines[at] = re.sub(rf"\$(\{{?){used}\b", rf"$\g<1>{meant[0]}", lines[at])
    return "\n".join(lines), tuple(slips)


def _names(words: str) -> Iterable[str]:
    return re.findall(r"(?<![\w${\"'./-])[A-Za-z_]\w*", words)


def _is_slip(one: str, other: str) -> bool:
    """Whether two names differ by one letter, or two that changed places, within a word of several letters."""
    if min(len(one), len(other)) < _SHORTEST or abs(len(one) - len(other)) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    if len(one) != len(other):
        more = longer[at]
        plural = more in "sS" and (at + 1 == len(longer) or longer[at + 1] == "_")
        return longer[at + 1 :] == shorter[at:] and more.isalpha() and not plural and _is_inside(longer, at)
    swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    changed = one[at + 1 :] == other[at + 1 :]
    letters = (one[at : at + 1 + swapped] + other[at : at + 1 + swapped]).isalpha()
    return (swapped or changed) and letters and _is_inside(one, at)


def _is_inside(name: str, at: int) -> bool:
    """Whether the letter is one of a word, no number of its own: ``REGION_A`` and ``REGION_B`` are two regions."""
    before, after = name[:at].rpartition("_")[2], name[at + 1 :].partition("_")[0]
    return len(before) + len(after) > 1
