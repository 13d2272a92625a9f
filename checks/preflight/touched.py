"""What a file takes from the modules that it imports, ``util.helper`` after ``import lib.util as util``, and whether
it calls one.

The text is searched, not the syntax tree, which takes less than a tenth of the time. Comments and strings are found as
well (where the file was compiled, only those with names that code has too): who misses something in the answer looks
again (``attributes``). Runs in the worker: see ``facts``.
"""

from __future__ import annotations

import re
from types import CodeType

from checks.preflight.asides import NOT_BEFORE, places

_PATH = re.compile(rb"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(\s*(?::[^=\n]+)?=(?!=))?")
_ASKED = re.compile(rb"attr\(([^,.\s]+)[,.]")


def touched(
    source: bytes, code: CodeType | None, names: set[str], lazy: set[str]
) -> tuple[dict[str, list[str]], list[list[str]]]:
    """For each name the dotted paths that follow it; and ``[name, path]`` for each that is assigned to (``*`` for any).

    ``lazy``: names that functions import, and that are locals there. A name that the file asks with ``hasattr`` and the
    like is left out: it is prepared.
    """
    found: dict[str, list[str]] = {}
    sets: list[list[str]] = []
    beside = dict.fromkeys(names) if code is None else _beside(code, names, lazy, {})
    asked = set(_ASKED.findall(source)) if b"attr(" in source else ()
    for name, mentioned in beside.items():
        text = name.encode()
        base = text + b"."
        stands = places(source, base)
        if not stands:
            continue
        if text in asked:
            if b"setattr(" + text in source:
                sets.append([name, "*"])
            continue
        chains: set[bytes] = set()
        for at in stands:
            aside = at and (source[at - 1] in NOT_BEFORE or source[at - 3 : at] == b"://")
            path = None if aside else _PATH.match(source, at + len(base))
            if path is not None:
                chains.add(path[1])
                if path[2] is not None:
                    sets.append([name, path[1].decode()])
        known = {path.decode() for path in chains}
        if mentioned is not None:
            known = {_known_part(path, mentioned) for path in known} - {""}
        if known:
            found[name] = sorted(known)
    return found, sets


def called(source: bytes, names: set[str]) -> list[str]:
    """Those of the names that are called: ``time()`` after ``import time``."""
    found = []
    for name in names:
        text = name.encode() + b"("
        if any(_stands_alone(source, at) for at in places(source, text)):
            found.append(name)
    return sorted(found)


def _stands_alone(source: bytes, at: int) -> bool:
    """Whether a name begins here, and is not one that is defined."""
    if at and source[at - 1] in NOT_BEFORE:
        return False
    return not source[max(0, at - 12) : at].rstrip().endswith((b"def", b"class"))


def _known_part(path: str, mentioned: set[str]) -> str:
    parts = path.split(".")
    return ".".join(parts[: next((count for count, part in enumerate(parts) if part not in mentioned), len(parts))])


def _beside(code: CodeType, names: set[str], lazy: set[str], found: dict[str, set[str]]) -> dict[str, set[str]]:
    """For each of the names what compiled code mentions where it mentions the name, as no local of its own."""
    here = names.intersection(code.co_names)
    if lazy:
        here |= lazy.intersection((*code.co_varnames, *code.co_cellvars, *code.co_freevars))
    for name in here:
        found.setdefault(name, set()).update(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _beside(constant, names, lazy, found)
    return found
