"""Which functions may bind a name that their module has, told without parsing: too many are no harm, each is compiled.

A name is bound by what stands before ``=``, or after a word such as ``for`` or ``as``. Each pattern begins with plain
text and tries no way twice: a hundred megabytes take a second or two. Runs in the worker: see ``facts``.
"""

from __future__ import annotations

import re

from checks.preflight.asides import OF_A_NAME
from checks.preflight.sketch import Function, Sketch
from checks.preflight.unbound import Suspects, suspicious

# What stands before `=` on a line, with no call open: what is in one of those is a keyword.
_TARGETS = (
    re.compile(rb"\n([^\n=#(]*=(?:[^\n=#(]*=)*)(?!=)"),
    re.compile(rb"\n[ \t]*\(([^\n=]*=)(?!=)"),
    re.compile(rb",[ \t]*\(([^\n=]*=)(?!=)"),
    re.compile(rb"\)[^\n=(,]*,([^\n=(]*=)(?!=)"),
    re.compile(rb";([^\n=#(;]*=)(?!=)"),
)
# Of `x: int =` the annotation is not bound.
_ANNOTATED = re.compile(rb"\A([ \t]*(?!(?:else|try|except|finally)\b)[\w.]+)[ \t]*:(?!=).*", re.DOTALL)
# The end of a target that may have begun on a line before, and what such a line begins with.
_LATER = (re.compile(rb"\)[ \t]*=(?!=)"), re.compile(rb"\][ \t]*=(?!=)"))
_REST = re.compile(rb"[\w., \t]*[)\]][ \t]*=")
_LONGEST_TARGET = 2000
_LONGEST_NAME = 100
_WALRUS = re.compile(rb":=")  # two bytes are found three times as fast as by ``find``
_BEFORE = re.compile(rb"(\w+)[ \t]*\Z")
_AFTER = (
    re.compile(rb"for\b([^:=]{1,160}?)\bin\b"),
    re.compile(rb"as[ \t(]([^\n:]+)"),
    re.compile(rb"del[ \t(]([^\n]+)"),
    re.compile(rb"def[ \t]+(\w+)"),
    re.compile(rb"class[ \t]+(\w+)"),
    re.compile(rb"import\b[ \t]*(\([^)]*\)|[^\n#;]+)"),
)
# What follows a name that is not bound there, but by words such as these.
_NO_TARGET = frozenset(bytes((byte,)) for byte in range(128) if chr(byte).isalnum() or chr(byte) in "_.([\"'")
_INTRODUCED = re.compile(rb"\b(?:def|class|import)\b[^\n]*\Z")
# All that is part of no dotted name becomes a space.
_NAMES = bytes(c if chr(c).isalnum() or c > 127 or chr(c) in "_." else 32 for c in range(256))  # noqa: PLR2004


def binders(sketch: Sketch, names: frozenset[str]) -> dict[Function, dict[tuple[str, int], Suspects]]:
    """The functions of a file that may bind one of the names as their own, with what is to be looked at in each
    (``unbound``): nothing is told of one that is not ``sure``.
    """
    found: dict[Function, dict[tuple[str, int], Suspects]] = {}
    if not names or not sketch.functions:
        return found
    wanted = _bound_words(b"\n".join([b"", *sketch.bodies()])).intersection(name.encode() for name in names)
    for function in sketch.functions if wanted else ():
        # Looked at alone: it may be another one that binds what this one only mentions.
        if not any(_stands_alone(sketch.source, function, name) for name in wanted):
            continue
        if wanted.isdisjoint(_bound_words(b"\n" + sketch.source[function.code : function.end])):
            continue
        if not function.sure:
            found[function] = {}
            continue
        code, above = sketch.compiled(function)
        suspects = suspicious(code, names, above)
        if suspects:
            found[function] = suspects
    return found


def _stands_alone(source: bytes, function: Function, name: bytes) -> bool:
    """Whether a function holds a name that is not just called, indexed or asked for an attribute."""
    at = source.find(name, function.code, function.end)
    while at >= 0:
        end = at + len(name)
        if source[at - 1] not in OF_A_NAME and (
            source[end : end + 1] not in _NO_TARGET or _INTRODUCED.search(source, max(0, at - _LONGEST_NAME), at)
        ):
            return True
        at = source.find(name, end, function.end)
    return False


def _bound_words(text: bytes) -> set[bytes]:
    """The names that a text may bind, among others."""
    if b"\\" in text and b"\\\n" in text:  # a single byte is found many times as fast as two
        text = text.replace(b"\\\n", b"  ")
    ends = [found.start() for found in _WALRUS.finditer(text)]
    parts = [word for at in ends for word in _BEFORE.findall(text, max(0, at - _LONGEST_NAME), at)]
    for found in (found for pattern in _LATER for found in pattern.finditer(text)):
        line = text.rfind(b"\n", 0, found.start())
        if _REST.match(text, line + 1):
            parts.append(text[max(0, line - _LONGEST_TARGET) : found.end()])
    targets = _TARGETS[0].findall(text)
    parts += [part for part in targets if b":" not in part]
    parts += [_ANNOTATED.sub(rb"\1", part) for part in targets if b":" in part]
    for pattern in (*_TARGETS[1:], *_AFTER):
        parts += pattern.findall(text)
    return set(b" ".join(parts).translate(_NAMES).split())
