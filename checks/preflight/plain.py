"""Files that need no compiler: ruff has accepted them, and they hold nothing of what only the compiler refuses.

ruff parses what CPython parses, and finds most of what its compiler finds later. What it misses was found by comparing
both on the examples of CPython's own tests and on changed copies of real files (``tests/checks/preflight/test_plain``);
each needs a word that few files have. Such files are compiled as if nobody had looked. Runs in the worker: see
``facts``.
"""

from __future__ import annotations

import re

from checks.preflight.asides import around
from checks.preflight.sketch import less_indented

_COOKIE = re.compile(rb"\A(?:[^\n]*\n)?[^\n]*coding(?![:=][ \t]*utf-?8\b)", re.IGNORECASE)
# ruff passes over what a comment tells it to: of a whole file, or of a line with one of these words.
_UNTOLD_FILE = re.compile(rb"(?:ruff|flake8)[ \t]*:")
_UNTOLD_LINE = re.compile(
    rb"\n(?:[^\n]*\b(?:return|yield|await|async|break|continue|except|__future__)\b|[ \t]+from\b[^\n]*\*)[^\n]*#[^\n]*"
    rb"noqa(?:(?![ \t]*:[ \t]*[a-z]+\d)|[^\n]*\b(?:f[467]|ple))"
)
_GROUP = re.compile(rb"\n[ \t]*except[ \t]*\*[^\n]*[:(]")
_CASE = re.compile(rb"\n[ \t]+case\b[^\n]*:")
_STAR = re.compile(rb"\*(?<=[\n:; \t]\*)(?!\*)[^\n,=)\]}]*(?=[\n;]|\Z)")
_STAR_IN_TEXT = re.compile(rb"\{[ \t]*\*(?!\*)")
_NESTED_TEXT = re.compile(rb":\{[^{}\n]*:\{")
_GENERATOR = re.compile(rb"^( *)async def ", re.MULTILINE)
_VALUE = re.compile(rb"\breturn[ \t(]+[^\s#;]")
_NONLOCAL = re.compile(rb"nonlocal[ \t]+([\w, \t]+)")
_GLOBAL = re.compile(rb"global[ \t]+([\w, \t]+)")
# More than twenty blocks in one another (CO_MAXBLOCKS), by how far the innermost is indented.
_BLOCK = rb"(?:for|while|with|try|async)\b"
_DEEP = re.compile(rb"\n(?: {76,}|\t{18,}[ \t]*)" + _BLOCK)
_DEEP_IF_NARROW = re.compile(rb"\n {18,}" + _BLOCK)
_NARROW = re.compile(rb"\n {1,3}(?:for|while|with|try|async|if|el|except|finally|def|class)")


def plain(source: bytes) -> bool:
    """Whether a file that ruff accepts surely compiles."""
    return not any(doubt(source) for doubt in (_rare, _undeclared, _returning, _starred, _hushed, _deep))


def _rare(source: bytes) -> bool:
    """What nobody writes, or nearly so."""
    return bool(
        b"__debug__" in source
        or _COOKIE.match(source)
        or ((b"except*" in source or b"except *" in source) and _GROUP.search(source))
        or (b"case " in source and b"match " in source and _CASE.search(source))
    )


def _undeclared(source: bytes) -> bool:
    return b"nonlocal" in source and any(_used_before(source, found) for found in _NONLOCAL.finditer(source))


def _starred(source: bytes) -> bool:
    """Stars where ruff allows them and the compiler does not: as a statement, in a formatted string."""
    if b"*" not in source:
        return False
    if source.startswith(b"*") or any(_is_statement(source, found.start()) for found in _STAR.finditer(source)):
        return True
    return bool(_STAR_IN_TEXT.search(source) or _NESTED_TEXT.search(source))


def _used_before(source: bytes, found: re.Match[bytes]) -> bool:
    """Whether a name that a nonlocal statement declares stands before it in the same function."""
    before = source[source.rfind(b"def ", 0, found.start()) : found.start()]
    return any(name.strip() in before for name in found[1].split(b","))


def _returning(source: bytes) -> bool:
    """Whether an asynchronous generator may return a value."""
    if b"async def" not in source or b"yield" not in source:
        return False
    if b"\tasync def" in source:
        return True
    for head in _GENERATOR.finditer(source):
        below = less_indented(len(head[1])).search(source, head.end())
        while below and below[0].endswith((b")", b"]")):  # of the head
            below = less_indented(len(head[1])).search(source, below.end())
        body = source[head.end() : below.start() if below else len(source)]
        if b"yield" in body and _VALUE.search(body):
            return True
    return False


def _is_statement(source: bytes, star: int) -> bool:
    """Whether a statement may begin at a star: one that stands in no long text."""
    line = source.rfind(b"\n", 0, star) + 1
    before = source[line:star].rstrip()
    if before and (b"#" in before or not before.endswith((b":", b";"))):
        return False
    if not before and source[max(0, line - 200) : line].rstrip().endswith((b",", b"(", b"[", b"{")):
        return False  # within brackets
    return not (source.count(b'"""', 0, star) % 2 or source.count(b"'''", 0, star) % 2)


def _hushed(source: bytes) -> bool:
    """Whether comments may keep ruff from telling what does not compile."""
    lowered = source.lower()
    if b"noqa" not in lowered and b"ruff:" not in lowered:
        return False
    if _UNTOLD_FILE.search(around(lowered, b"ruff") + around(lowered, b"flake8")):
        return True
    if _UNTOLD_LINE.search(around(lowered, b"noqa")):
        return True
    return b"global" in source and any(_used_before(source, found) for found in _GLOBAL.finditer(source))


def _deep(source: bytes) -> bool:
    return bool(_DEEP.search(source) or (_DEEP_IF_NARROW.search(source) and _NARROW.search(source)))
