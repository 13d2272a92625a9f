"""Which modules the standard library of a Python version has.

Source: ``sys.stdlib_module_names`` of the versions themselves, and PEP 594 and PEP 632 for what was removed.
"""

from __future__ import annotations

import collections.abc
import sys
from functools import cache

from checks.preflight.model import Version

# version -> removed with it.
_REMOVED: dict[Version, str] = {
    (3, 9): "_dummy_thread dummy_threading",
    (3, 10): "formatter parser symbol macpath",
    (3, 11): "binhex",
    (3, 12): "asynchat asyncore distutils imp smtpd",
    (3, 13): (
        "aifc audioop cgi cgitb chunk crypt imghdr lib2to3 mailcap msilib nis nntplib ossaudiodev pipes sndhdr spwd"
        " sunau telnetlib uu xdrlib"
    ),
}
_ADDED: dict[Version, str] = {
    (3, 9): "zoneinfo graphlib _zoneinfo",
    (3, 11): "tomllib",
    (3, 13): "_colorize _pyrepl _android_support _ios_support",
    (3, 14): "annotationlib compression string.templatelib concurrent.interpreters pathlib.types _zstd",
}


@cache
def modules(version: Version) -> frozenset[str]:
    """Top-level modules of that version's standard library, on Linux."""
    here: Version = (sys.version_info[0], sys.version_info[1])
    names = set(sys.stdlib_module_names)
    for changed in sorted({*_REMOVED, *_ADDED}):
        gone, new = set(_REMOVED.get(changed, "").split()), set(_ADDED.get(changed, "").split())
        if version < changed <= here:
            names = (names | gone) - new
        elif here < changed <= version:
            names = (names - gone) | new
    return frozenset(names - {"antigravity.py"} | {"__main__"})


def moved(module: str, name: str) -> str:
    """Where a name of a module has gone for good, for what 3.10 took away most; empty if it is not known to have."""
    return "collections.abc" if module == "collections" and name in collections.abc.__all__ else ""


def removed_in(name: str, version: Version) -> Version | None:
    """The version that no longer has a module which earlier ones had, if the target is not before it."""
    return next((since for since, names in _REMOVED.items() if name in names.split() and version >= since), None)


def added_in(name: str, version: Version) -> Version | None:
    """The later version that adds a module to the standard library; None if the target has it, or none adds it."""
    return next((since for since, names in _ADDED.items() if name in names.split() and version < since), None)
