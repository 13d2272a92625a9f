"""Which functions may bind a name that their module has, told without parsing: too many are no harm, each is compiled.

A name is bound by what stands before ``=``, or after a word such as ``for`` or ``as``. Each pattern begins with plain
text and tries no way twice: a hundred megabytes take a second or two. Runs in the worker: see ``facts``.
"""

from __future__ import annotations

import re

from checks.preflight.asides import places
from checks.preflight.sketch import Function, Sketch
from checks.preflight.unbound import suspicious

# What stands before `=` on a line, with no call open: what is in one of those is a keyword.
_TARGETS = (
    re.compile(rb"\n([^\n=#(]*=(?:[^\n=#(]*=)*)(?!=)"),
    re.compile(rb"\n[ \t]*\(([^\n=]*=)(?!=)"),
    re.compile(rb",[ \t]*\(([^\n=]*=)(?!=)"),
    re.compile(rb"\)[^\n=(,]*,([^\n=(]*=)(?!=)"),
    re.compile(rb";([^\n=#(;]*=)(?!=)"),
)
# Of `x: int =` the annotation is not bound.
_ANNOTATED = re.compile(rb"[ \t]*(?!(?:else|try|except|finally)\b)[\w.]+[ \t]*(?=:(?!=))")
# The end of a target that may have begun on a line before, and what such a line begins with.
_LATER = (re.compile(rb"\)[ \t]*=(?!=)"), re.compile(rb"\][ \t]*=(?!=)"))
_REST = re.compile(rb"[\w., \t]*[)\]][ \t]*=")
_LONGEST_TARGET = 2000
_LONGEST_NAME = 100
_BEFORE = re.compile(rb"(\w+)[ \t]*\Z")
_AFTER = (
    re.compile(rb"for\b([^:=]{1,160}?)\bin\b"),
    re.compile(rb"as[ \t(]([^\n:]+)"),
    re.compile(rb"del[ \t(]([^\n]+)"),
    re.compile(rb"def[ \t]+(\w+)"),
    re.compile(rb"class[ \t]+(\w+)"),
    re.compile(rb"import\b[ \t]*(\([^)]*\)|[^\n#;]+)"),
)
# All that is part of no dotted name becomes a space.
_NAMES = bytes(c if chr(c).isalnum() or c > 127 or chr(c) in "_." else 32 for c in range(256))  # noqa: PLR2004


def binders(sketch: Sketch, names: frozenset[str]) -> list[Function]:
    """The functions of a file that may bind one of the names as their own."""
    if not names or not sketch.functions:
        return []
    wanted = _bound_words(b"\n".join([b"", *sketch.bodies()])).intersection(name.encode() for name in names)
    # Looked at alone: it may be another one that binds what this one only mentions.
    return [
        function
        for function in (sketch.holding(wanted) if wanted else ())
        if not wanted.isdisjoint(_bound_words(b"\n" + sketch.source[function.start : function.end]))
        and (not function.sure or suspicious(sketch.compiled(function), names))
    ]


def _bound_words(text: bytes) -> set[bytes]:
    """The names that a text may bind, among others."""
    if b"\\\n" in text:
        text = text.replace(b"\\\n", b"  ")
    parts = [word for at in places(text, b":=") for word in _BEFORE.findall(text, max(0, at - _LONGEST_NAME), at)]
    for found in (found for pattern in _LATER for found in pattern.finditer(text)):
        line = text.rfind(b"\n", 0, found.start())
        if _REST.match(text, line + 1):
            parts.append(text[max(0, line - _LONGEST_TARGET) : found.end()])
    for part in _TARGETS[0].findall(text):
        annotated = _ANNOTATED.match(part) if b":" in part else None
        parts.append(annotated[0] if annotated else part)
    for pattern in (*_TARGETS[1:], *_AFTER):
        parts += pattern.findall(text)
    return set(b" ".join(parts).translate(_NAMES).split())
