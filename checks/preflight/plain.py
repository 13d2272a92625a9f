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

_COOKIE = re.compile(
    rb"\A(?:\xef\xbb\xbf)?(?:[^\n\r]*[\n\r]+)?[ \t\f]*#[^\n\r]*coding[:=](?![ \t]*utf-?8\b)", re.IGNORECASE
)
_KEYWORD = re.compile(rb"__debug__\s*=(?!=)")
# `except*`, and a star after the `as` of `with`.
_STAR_AFTER = re.compile(rb"\*(?:(?<=except\*)|(?<=except \*)|(?<= as \*))[^\n]*[:(,]")
_BEFORE_STAR = re.compile(rb"[ \t]*except\b|[^#]*\bwith\b")
# Patterns with a name before `|`, or in a formatted string, or of many lines.
_CASE = re.compile(
    rb"\n[ \t]+case\b[^\n]*?(?:"
    rb"(?<![\w.])(?!(?:None|True|False)\b)[A-Za-z_\x80-\xff][\w\x80-\xff]*[ \t)]*\|"
    rb"|[fF][rR]?[\"']"
    rb"|[(\[{,\\][ \t]*(?:#[^\n]*)?(?:\r?\n|\Z))"
)
_STAR = re.compile(rb"\*(?<=[\n:; \t]\*)(?!\*)[^\n,=)\]}]*(?=[\n;]|\Z)")
_STAR_IN_TEXT = re.compile(rb"\{\s*\*(?!\*)")
_NESTED_TEXT = re.compile(rb":\{[^{}\n]*:\{")
_TEXT = re.compile(rb"[fF][rR]?[\"']")
_LONG_TEXT = re.compile(rb"[fF][rR]?(?:\"\"\"|''')")
_GENERATOR = re.compile(rb"^( *)async def ", re.MULTILINE)
_YIELD = re.compile(rb"[\n:;=({][ \t]*yield\b")
_VALUE = re.compile(rb"[\n:;][ \t]*return[ \t(]+[^\s#;]")
_NONLOCAL = re.compile(rb"nonlocal[ \t]+([^\n#;]+)")
_GLOBAL = re.compile(rb"global[ \t]+([^\n#;]+)")
# More than twenty blocks in one another (CO_MAXBLOCKS; a statement may count twice): each is indented further than the
# one around it, so that three of them are indented by 18 at least.
_BLOCK = re.compile(rb"\n([ \t]*)(?:for|while|with|try|async)\b")
_DEEP = re.compile(rb"\n([ \t]{18,})(?:for|while|with|try|async)\b")
_MOST, _MOST_DEEP = 12, 2  # different indentations, and such as are deep


def plain(source: bytes) -> bool:
    """Whether a file that ruff accepts surely compiles."""
    return not any(doubt(source) for doubt in (_rare, _undeclared, _returning, _starred, _deep))


def _rare(source: bytes) -> bool:
    """What nobody writes, or nearly so."""
    return bool(
        b"\0" in source
        or _has_both(source)
        or any(_BEFORE_STAR.match(_line(source, found.start())) for found in _STAR_AFTER.finditer(source))
        or (b"__debug__" in source and _KEYWORD.search(source))
        or _COOKIE.match(source)
        or (b"case " in source and b"match " in source and _CASE.search(around(source, b"case ")))
    )


def _has_both(source: bytes) -> bool:
    """Tabs and spaces that may contradict each other. A single byte is found many times as fast as two."""
    return b"\t" in source and b"\n\t" in source and (b"\n " in source or b"\t " in source)


def _undeclared(source: bytes) -> bool:
    """Names that are declared to be of another scope after they were used; ruff sees most of those that are global."""
    return any(_before(source, found, rb"") for found in _NONLOCAL.finditer(source)) or any(
        _before(source, found, rb"\b(?:def|class)[ \t]+") for found in _GLOBAL.finditer(source)
    )


def _before(source: bytes, found: re.Match[bytes], word: bytes) -> bool:
    """Whether a name that a statement declares stands before it in the same function, after a certain word."""
    ahead = _line(source, found.start()).rstrip()
    if ahead and not ahead.endswith((b":", b";")):
        return False  # within a text
    if b"\\" in found[1]:
        return True
    before = source[source.rfind(b"def ", 0, found.start()) : found.start()]
    names = b"|".join(re.escape(name.strip()) for name in found[1].split(b","))
    return re.search(rb"%b(?<![\w.])(?:%b)(?!\w)" % (word, names), before) is not None


def _line(source: bytes, at: int) -> bytes:
    """What stands before a place on its line."""
    return source[source.rfind(b"\n", 0, at) + 1 : at]


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
        if b"yield" in body and _YIELD.search(body) and _VALUE.search(body):
            return True
    return False


def _starred(source: bytes) -> bool:
    """Stars where ruff allows them and the compiler does not: as a statement, in a formatted string; and such strings
    within one another.
    """
    if _NESTED_TEXT.search(source):
        return True
    if b"*" not in source:
        return False
    if source.startswith(b"*") or any(_is_statement(source, found.start()) for found in _STAR.finditer(source)):
        return True
    return any(_in_text(source, found.start()) for found in _STAR_IN_TEXT.finditer(source))


def _is_statement(source: bytes, star: int) -> bool:
    """Whether a statement may begin at a star: one that stands in no long text."""
    line = source.rfind(b"\n", 0, star) + 1
    before = source[line:star].rstrip()
    if before and (b"#" in before or not before.endswith((b":", b";"))):
        return False
    if not before and source[max(0, line - 200) : line].rstrip().endswith((b",", b"(", b"[", b"{")):
        return False  # within brackets
    return not (source.count(b'"""', 0, star) % 2 or source.count(b"'''", 0, star) % 2)


def _in_text(source: bytes, at: int) -> bool:
    """Whether a place may be in a formatted string."""
    line = source.rfind(b"\n", 0, at) + 1
    return bool(source.endswith(b"\\\n", 0, line) or _TEXT.search(source, line, at) or _LONG_TEXT.search(source))


def _deep(source: bytes) -> bool:
    """Whether there may be more blocks within one another than the compiler takes."""
    return len(set(_DEEP.findall(source))) > _MOST_DEEP and len(set(_BLOCK.findall(source))) > _MOST
