"""What stands before every line of a traceback that was logged line by line: a logger's prefix, a container's name.

Usually a logger's prefix stands before the first line only. So a prefix is learnt from the header, and taken away only
from lines that are, without it, lines of a traceback.
"""

from __future__ import annotations

import re
from functools import lru_cache

_LONGEST = 200
_DIGITS = re.compile(r"\d{1,20}")


@lru_cache(maxsize=256)
def prefix_of(text: str) -> re.Pattern[str] | None:
    """A pattern of what stands before a header, whatever its numbers (times, process ids); None where nothing does."""
    if not text.strip(" \t+|>\u2500\u256d") or len(text) > _LONGEST:
        return None
    fixed = [re.escape(part) for part in _DIGITS.split(text.rstrip())]
    space = " " * (len(text) - len(text.rstrip()))
    return re.compile(r"\d{1,20}".join(fixed) + (f"(?:{space}|$)" if space else ""))
