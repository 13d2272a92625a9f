"""The words without which no entry tells of a failure.

Every failure has at least one entry with one of them: an exception line holds its class (all watched classes but
Google's NotFound and BadRequest end in ``Error``, and those two need the words of their phrases), and a message that
names a failure holds the fixed words of its phrase. An entry without any is at most part of a failure that another
entry tells of: a frame, a header, the line before.
"""

from __future__ import annotations

import re

TRIGGERS = (
    "Error",
    "No module named",
    "is not defined",
    "free variable",
    "local variable",
    "cannot import name",
    "has no attribute",
    "cannot access submodule",
    "relative import",
    "cannot open shared object",
    "ound: Table",
    "insertAll",
    ".py, line ",
)
ANSI = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]|\x1b[()][A-Z0-9]|\x1b\]8;[^\x07\x1b]{0,500}(?:\x07|\x1b\\)")


def has_trigger(text: str) -> bool:
    """Whether a text may tell of a failure by itself. Colours do not count."""
    plain = ANSI.sub("", text) if "\x1b" in text else text
    return any(trigger in plain for trigger in TRIGGERS)
