"""The words without which no entry tells of a failure.

Every failure has at least one entry with one of them: an exception line holds its class (all watched classes but
Google's NotFound and BadRequest end in ``Error``, and those two need the words of their phrases), and a message that
names a failure holds the fixed words of its phrase. An entry without any is at most part of a failure that another
entry tells of: a frame, a header, the line before.
"""

from __future__ import annotations

import re

# Each with a part of it that is searched for in raw bytes instead: the searcher skips what cannot be the first letters
# of any word, and takes half as long where these are rare in logs.
_PARTS = {
    "Error": "Error",
    "No module named": "odule named",
    "is not defined": "not defined",
    "free variable": "ee variable",
    "local variable": "al variable",
    "cannot import name": "import name",
    "has no attribute": "no attribute",
    "cannot access submodule": "ubmodule",
    "relative import": "ive import",
    "cannot open shared object": "hared object",
    "ound: Table": "ound: Table",
    "insertAll": "ertAll",
    ".py, line ": ".py, line ",
}
TRIGGERS = tuple(_PARTS)
TRIGGER_PARTS = tuple(_PARTS.values())
ANSI = re.compile(r"\x1b\[[0-9;?]{0,20}[A-Za-z]|\x1b[()][A-Z0-9]|\x1b\]8;[^\x07\x1b]{0,500}(?:\x07|\x1b\\)")


def has_trigger(text: str) -> bool:
    """Whether a text may tell of a failure by itself. Colours do not count."""
    plain = ANSI.sub("", text) if "\x1b" in text else text
    return any(trigger in plain for trigger in TRIGGERS)
