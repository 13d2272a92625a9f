"""What a file takes from the modules that it imports: ``util.helper`` after ``import lib.util as util``.

The text is searched, not the syntax tree: comments and strings are found as well, and whoever misses something in the
answer looks again (``attributes``). Runs in the worker: see ``facts``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_CHAIN = re.compile(rb"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_ASSIGNED = re.compile(rb"\s*(?::[^=\n]+)?=(?!=)")


def touched(source: bytes, names: Iterable[str]) -> tuple[dict[str, list[str]], list[list[str]]]:
    """For each name the dotted paths that follow it; and ``[name, attribute]`` for each that is assigned to (``*`` for
    any). A name that the file asks with ``hasattr`` and the like is left out: it is prepared.
    """
    found: dict[str, list[str]] = {}
    sets: list[list[str]] = []
    for name in names:
        base = name.encode() + b"."
        at = source.find(base)
        if at < 0:
            continue
        asked = b"attr(" + base[:-1]
        if source.find(asked + b",") >= 0 or source.find(asked + b".") >= 0:
            if source.find(b"set" + asked) >= 0:
                sets.append([name, "*"])
            continue
        chains = set()
        while at >= 0:
            end = at + len(base)
            before = source[at - 1 : at] if at else b" "
            chain = None if before.isalnum() or before in b"_." else _CHAIN.match(source, end)
            if chain is not None:
                chains.add(chain[0].decode())
                if _ASSIGNED.match(source, chain.end()):
                    sets.append([name, chain[0].decode()])
            at = source.find(base, end)
        if chains:
            found[name] = sorted(chains)
    return found, sets
