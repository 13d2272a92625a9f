"""Variables of a shell script that nothing sets, but for a slip of the pen: ``$SOURCE_DRI`` where SOURCE_DIR is set.

The environment may set any other name, so that nothing is said of one that is only like it by a number or a plural.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from checks.preflight.provided import is_slip

_USED = re.compile(r"(?<![\\$])\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
_SET = re.compile(
    r"(?:^|[\s;(&|`])(?:([A-Za-z_]\w*)(?:\[[^\]]*\])?\+?=|(?:for|select)\s+([A-Za-z_]\w*))"
    r"|(?:^|[;({&|]|\b(?:do|then|else|while|if|IFS=\S*))[ \t]*"
    r"(?:read|mapfile|readarray|getopts|local|export|declare|typeset|readonly|unset)\s+([^;&|#\n]*)",
    re.MULTILINE,
)
_TAKES_MORE = re.compile(r"^\s*(?:source|\.|eval|set\s+-\w*a|printf\s+-v)\s", re.MULTILINE)
_ONLY_SAYS = re.compile(r"\s*(?:#|echo\b|printf\b|log\w*\b)")


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
            meant = [] if used in known else [name for name in known if _is_meant(used, name)]
            if len(meant) == 1:
                slips.append(Slip(at + 1, used, meant[0]))
                lines[at] = re.sub(rf"\$(\{{?){used}\b", rf"$\g<1>{meant[0]}", lines[at])
    return "\n".join(lines), tuple(slips)


def _names(words: str) -> Iterable[str]:
    return re.findall(r"(?<![\w${\"'./-])[A-Za-z_]\w*", words)


def _is_meant(one: str, other: str) -> bool:
    """Whether a name is a slip for another within a word of several letters: not a number of its own, nor a plural."""
    if not is_slip(one, other):
        return False
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    longer = max(one, other, key=len)
    if len(one) == len(other):
        return one[at].isalpha() and other[at].isalpha() and _is_inside(one, at)
    plural = longer[at] in "sS" and (at + 1 == len(longer) or longer[at + 1] == "_")
    return longer[at].isalpha() and not plural and _is_inside(longer, at)


def _is_inside(name: str, at: int) -> bool:
    """Whether the letter is one of a word, no number of its own: ``REGION_A`` and ``REGION_B`` are two regions."""
    before, after = name[:at].rpartition("_")[2], name[at + 1 :].partition("_")[0]
    return len(before) + len(after) > 1
