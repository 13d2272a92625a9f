"""A file without the bodies of its functions and classes and without long tables, but for those that somebody asks for.

What a module binds stands outside of them, and building the syntax tree of everything takes most of the time. Bodies
are told by their indentation alone, and left where that may deceive: in what remains every line keeps its number. Runs
in the worker: see ``facts``.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from types import CodeType
from typing import Any, NamedTuple

from checks.preflight.asides import around, places

_HEAD = re.compile(rb"def[ \t]+\w+[ \t]*(\()?")  # what stands before it is looked at where it is found: few lines
_CLASS = re.compile(rb"\nclass[ \t]+\w+[ \t]*(\()?")
_TABLE = re.compile(rb"\n(?!__all__\b)\w+[ \t]*(?::[^\n=]*)?=[ \t]*([\w.]*\(|[\[{])[^\n]*\n")
_LONG_TABLE, _LONG_CONDITION = 300, 1000  # bytes; what stands in parentheses may tell of the version
_BINDS = re.compile(rb"import|:=")
_TAIL = re.compile(rb"[ \t]*(?:->[^:\n]*)?(:)[ \t\r]*(?:#[^\n]*)?\n")
# What is this long may be nested so deeply that no parser takes it: that shows only where it is parsed.
_LONGEST = 50_000
# What imports a module or binds one of its names, on a line that holds one of the words.
_WORDS = (b"import", b"global ")
_NEEDED = re.compile(
    rb"\n(?:[^\n]*[:;])?[ \t]*(?:global |import[ \t\\]|from[ \t.\\](?:[^\n]*[ \t.])?import\b)|import_module|__import__"
)
_DOCSTRING = re.compile(rb"\s*[rRuU]?(\"{3}|'{3})")


class Function(NamedTuple):
    """Where a function begins, its arguments, the colon before its body, that, what follows its docstring, and where it
    ends. ``sure``: it surely ends there. ``needed``: something in it is always asked for.
    """

    head: int
    arguments: int
    colon: int
    start: int
    code: int
    end: int
    sure: bool
    needed: bool


class Aside(NamedTuple):
    """What may be left out, as nothing in it is asked for: the statement that holds it, where it begins and ends, and
    what stands there instead, with as many lines.
    """

    head: int
    start: int
    end: int
    instead: bytes


class Sketch:
    """The text of a file, with its outermost functions and methods."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.functions = list(_functions(source))
        if b"\r" in source and source.count(b"\r") != source.count(b"\r\n"):
            self.functions = [
                Function(0, 0, 0, 0, 0, len(source), sure=False, needed=True)
            ]  # lines that end where bytes do not tell
            self._blocks: list[Function | Aside] = list(self.functions)
        else:
            self._blocks = sorted([*self.functions, *_asides(source, self.functions)], key=itemgetter(0))
        self._heads = [function.head for function in self.functions]

    def function_at(self, place: int) -> Function | None:
        """The function in whose code a place lies."""
        index = bisect_right(self._heads, place) - 1
        function = self.functions[index] if index >= 0 else None
        return function if function is not None and function.code <= place < function.end else None

    def bodies(self) -> list[bytes]:
        """The bodies of all functions, in order, without their docstrings."""
        return [self.source[function.code : function.end] for function in self.functions]

    def compiled(self, function: Function) -> tuple[CodeType, int]:
        """A function alone, as compiled code of a module that holds it; and how many lines of the file stand above it.

        :raises SyntaxError: and whatever else ``compile`` raises.
        """
        text = self.source[function.head : function.end]
        above = self.source.count(b"\n", 0, function.head)
        return (code_of(b"if 1:\n" + text), above - 1) if text[:1] == b" " else (code_of(text), above)

    def tree(self, asked: Sequence[int] = (), functions: Collection[Function] = ()) -> ast.Module:
        """The syntax tree with these functions, and with all functions, arguments and classes that hold a place that is
        asked for; those are in order.

        :raises SyntaxError: and whatever else ``ast.parse`` raises.
        """
        try:
            return ast.parse(self.text(asked, functions))
        except SyntaxError:
            return ast.parse(self.source)  # indentation has deceived, or it is one

    def tree_loaded(self) -> ast.Module:
        """The syntax tree of all that runs when the module is loaded."""
        return self.tree([block.start for block in self._blocks if isinstance(block, Aside)])

    def tree_holding(self, words: Collection[bytes]) -> ast.Module:
        """The syntax tree with all that holds one of the words, be it as a part of another."""
        return self.tree(sorted(at for word in words for at in places(self.source, word)))

    def code_holding(self, words: Collection[bytes]) -> CodeType:
        """The module compiled with all that holds one of the words.

        :raises SyntaxError: and whatever else ``compile`` raises.
        """
        return self.code(sorted(at for word in words for at in places(self.source, word)))

    def code(self, asked: Sequence[int] = (), functions: Collection[Function] = ()) -> CodeType:
        """The same as ``tree``, compiled.

        :raises SyntaxError: and whatever else ``compile`` raises.
        """
        try:
            return code_of(self.text(asked, functions))
        except SyntaxError:
            return code_of(self.source)  # as for the tree

    def text(self, asked: Sequence[int] = (), functions: Collection[Function] = ()) -> bytes:
        """The text that ``tree`` parses."""
        source, parts, at = self.source, [], 0
        for block in self._blocks:
            if block.head < at:
                continue  # in what is left out
            lines = b"\n" * source.count(b"\n", block.start, block.end)
            if isinstance(block, Aside):
                inside = any(block.start <= function.head < block.end for function in functions)
                if not inside and not _any_within(asked, block.start, block.end):
                    parts += [source[at : block.start], block.instead, lines]
                    at = block.end
            elif not (block in functions or block.needed or _any_within(asked, block.code, block.end)) and block.sure:
                head = source[block.arguments : block.colon]
                if b"import" in head or _any_within(asked, block.arguments, block.colon):
                    parts += [source[at : block.colon], b"pass\n", lines]
                else:
                    parts += [source[at : block.arguments], b"\n" * head.count(b"\n"), b"):pass\n", lines]
                at = block.end
        parts.append(source[at:])
        return b"".join(parts)


def _any_within(places: Sequence[int], start: int, end: int) -> bool:
    """Whether one of the places, which are in order, lies between two others."""
    index = bisect_left(places, start)
    return index < len(places) and places[index] < end


def code_of(text: bytes) -> CodeType:
    """A text compiled as a module.

    :raises SyntaxError: and whatever else ``compile`` raises.
    """
    return compile(text, "<file>", "exec", dont_inherit=True)


def _functions(source: bytes) -> Iterator[Function]:
    at = 0
    while True:
        head = _HEAD.search(source, at)
        if head is None:
            return
        line = source.rfind(b"\n", 0, head.start()) + 1
        before = source[line : head.start()]
        word = before.lstrip(b" \t")
        if word and word.rstrip(b" \t") != b"async":
            at = head.end()
            continue
        indent = before[: len(before) - len(word)]
        tail = _TAIL.match(source, closing(source, head.end())) if head[1] else None
        start = tail.end() if tail else head.end()
        below = less_indented(len(indent)).search(source, start - 1) if b"\t" not in indent else None
        end = at = below.start() + 1 if below else len(source)
        sure = tail is not None and b"\t" not in indent and start < end and _is_whole(source, start, end)
        colon = tail.end(1) if tail else start
        code = _code(source, start, end)
        yield Function(line, head.end(), colon, start, code, end, sure, _needed(source, code, end))
        if tail is None:
            at = start


def _asides(source: bytes, functions: Sequence[Function]) -> Iterator[Aside]:
    """The classes and tables at the top that hold nothing that is always asked for."""
    if b"import_module" in source or b"__import__" in source:
        return  # by names that may stand anywhere
    yield from _classes(source, functions)
    if b"def __getattr__(" not in source:  # may look into them
        yield from _tables(source)


def _tables(source: bytes) -> Iterator[Aside]:
    """What stands between the brackets of long values, such as ``CODES = {``."""
    for head in _TABLE.finditer(source):
        start = head.end()
        below = less_indented(0).search(source, start - 1)
        end = below.start() + 1 if below else start
        long = end - start >= (_LONG_CONDITION if head[1] == b"(" else _LONG_TABLE)
        if long and source[end] in b")]}" and _is_whole(source, start, end) and not _BINDS.search(source, start, end):
            yield Aside(head.start() + 1, start, end, b"")


def _classes(source: bytes, functions: Sequence[Function]) -> Iterator[Aside]:
    heads = [function.head for function in functions]
    for head in _CLASS.finditer(source):
        tail = _TAIL.match(source, closing(source, head.end()) if head[1] else head.end())
        if tail is None:
            continue
        start = tail.end()
        below = less_indented(0).search(source, start - 1)
        end = below.start() + 1 if below else len(source)
        inside = functions[bisect_left(heads, start) : bisect_left(heads, end)]
        if start == end or any(function.needed or not function.sure for function in inside):
            continue
        starts, ends = [start, *(function.end for function in inside)], [*(function.start for function in inside), end]
        between = b"".join(source[one:other] for one, other in zip(starts, ends))  # noqa: B905 - Python 3.8
        if _is_whole(between, 0, len(between)) and not _needed(between, 0, len(between)):
            yield Aside(head.start() + 1, tail.end(1), end, b"pass")


def _code(source: bytes, start: int, end: int) -> int:
    """Where a body goes on after its docstring, which may show what it does not do."""
    docstring = _DOCSTRING.match(source, start, end)
    closing = source.find(docstring[1], docstring.end(), end) if docstring else -1
    return start if closing < 0 else closing + 3


def _needed(source: bytes, start: int, end: int) -> bool:
    """Whether a module is imported in a function, or a name of the module bound; or it is too long to tell."""
    if end - start > _LONGEST:
        return True
    words = [word for word in _WORDS if source.find(word, start, end) >= 0]
    return any(_NEEDED.search(around(source[start:end], word)) for word in words)


def closing(source: bytes, at: int, end: int | None = None) -> int:
    """Where the parentheses end that are open at a place; the end of the text if they do not."""
    depth, end = 1, len(source) if end is None else min(end, len(source))
    while depth:
        close = source.find(b")", at, end)
        if close < 0:
            return end
        depth += source.count(b"(", at, close) - 1
        at = close + 1
    return at


def _is_whole(source: bytes, start: int, end: int) -> bool:
    """Whether a body ends where its indentation does: in no string, and on no line that is continued."""
    return not (
        source.count(b'"""', start, end) % 2
        or source.count(b"'''", start, end) % 2
        or source[max(start, end - 3) : end].rstrip(b"\r\n").endswith(b"\\")
    )


@lru_cache(maxsize=None)  # noqa: UP033 - Python 3.8
def less_indented(columns: int) -> Any:
    """A line of code with no more than so many spaces before it, and the break above."""
    return re.compile(rb"\n {0,%d}[^ \t\r\n#]" % columns)
