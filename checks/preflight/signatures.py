"""What plain functions take, and whether a call fits: read from the text, and from the syntax tree.

Pure. The text is enough to pass over nearly every call; whoever is told of one looks at the syntax tree as well
(``arguments``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from checks.preflight.asides import OF_A_NAME, places
from checks.preflight.sketch import closing

# At the margin: a decorator, a class, or a function with what it takes.
_HEAD = re.compile(
    rb"^(?:(@|class\b)|(?:async[ \t]+)?def[ \t]+(\w+)[ \t]*\((.*?)\)[ \t]*(?:->[^\n:]*)?:)",
    re.MULTILINE | re.DOTALL,
)
_COMMENT = re.compile(rb"#[^\n]*")
# What commas may stand in: replaced from the inside out.
_WHOLE = re.compile(rb"\"[^\"\n]*\"|'[^'\n]*'|\([^()\[\]{}]*\)|\[[^()\[\]{}]*\]|\{[^()\[\]{}]*\}")
_KEYWORD = re.compile(rb"(\w+)\s*=(?!=)")
_LONGEST = 4_000  # bytes of the arguments of one call


class Signature(NamedTuple):
    """What a function takes, from the ``line`` where it is defined. ``positional``: the names of what may be given by
    position, of which the first ``unnamed`` cannot be given by name, and the first ``required`` must be given;
    ``named``: what is given by name only, of which ``needed`` must be. ``more``, ``others``: it takes any number of
    arguments by position, or by name.
    """

    line: int
    positional: Sequence[str]
    unnamed: int
    required: int
    named: Sequence[str]
    needed: Sequence[str]
    more: bool
    others: bool


class Given(NamedTuple):
    """What a call gives: by position, by name, and whether ``*more`` or ``**others`` of which nobody knows the rest."""

    positional: int
    names: Sequence[str]
    more: bool
    others: bool


def signatures(text: bytes) -> dict[str, Signature]:
    """The functions that a module defines at its margin, once and without decorator."""
    found: dict[str, Signature | None] = {}
    line, seen, decorated = 1, 0, False
    for head in _HEAD.finditer(text):
        line += text.count(b"\n", seen, head.start())
        seen = head.start()
        if head[2] is not None:
            name = head[2].decode("utf-8", "replace")
            found[name] = None if decorated or name in found else _read(head[3], line)
        decorated = head[1] == b"@"
    return {name: signature for name, signature in found.items() if signature is not None}


def _read(arguments: bytes, line: int) -> Signature | None:
    try:
        parsed = ast.parse(b"def f(" + arguments + b"): pass").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if len(parsed) != 1 or not isinstance(parsed[0], ast.FunctionDef):
        return None  # not the end of the arguments
    taken = parsed[0].args
    positional = [argument.arg for argument in (*taken.posonlyargs, *taken.args)]
    named = [argument.arg for argument in taken.kwonlyargs]
    return Signature(
        line=line,
        positional=positional,
        unnamed=len(taken.posonlyargs),
        required=len(positional) - len(taken.defaults),
        named=named,
        needed=[name for name, default in zip(named, taken.kw_defaults, strict=True) if default is None],
        more=taken.vararg is not None,
        others=taken.kwarg is not None,
    )


def misfit(signature: Signature, given: Given) -> str:
    """What is wrong with a call, as Python says it; empty if it fits, or may."""
    names = {*signature.positional[signature.unnamed :], *signature.named}
    strange = [name for name in given.names if name not in names]
    if strange and not signature.others:
        return f"got an unexpected keyword argument {strange[0]!r}"
    by_position = signature.positional[: given.positional]
    twice = [name for name in by_position[signature.unnamed :] if name in given.names]
    if twice:
        return f"got multiple values for argument {twice[0]!r}"
    if given.positional > len(signature.positional) and not signature.more:
        most = len(signature.positional)
        return f"takes {most} positional argument{'s' * (most != 1)}, and {given.positional} are given"
    if given.more or given.others:
        return ""
    wanted = [*signature.positional[given.positional : signature.required], *signature.needed]
    missing = [name for name in wanted if name not in given.names]
    if not missing:
        return ""
    return f"missing {len(missing)} required argument{'s' * (len(missing) != 1)}: {', '.join(map(repr, missing))}"


def given_by(call: ast.Call) -> Given:
    """What a call in a syntax tree gives."""
    return Given(
        positional=sum(not isinstance(argument, ast.Starred) for argument in call.args),
        names=[keyword.arg for keyword in call.keywords if keyword.arg is not None],
        more=any(isinstance(argument, ast.Starred) for argument in call.args),
        others=any(keyword.arg is None for keyword in call.keywords),
    )


def calls(text: bytes, function: bytes) -> Iterator[Given]:
    """What the calls of a function in a text seem to give. Comments and strings are looked at as well, and parentheses
    in them deceive.
    """
    start = function + b"("
    for at in places(text, start):
        if at and (text[at - 1] in OF_A_NAME or text[max(0, at - 6) : at].rstrip().endswith(b"def")):
            continue
        first = at + len(start)
        yield _given(text[first : closing(text, first, first + _LONGEST)].removesuffix(b")"))


def _given(arguments: bytes) -> Given:
    if b"#" in arguments:
        arguments = _COMMENT.sub(b"", arguments)
    count = 1
    while count:
        arguments, count = _WHOLE.subn(b"_", arguments)
    parts = [part.strip() for part in arguments.split(b",")]
    parts = parts if parts[-1] else parts[:-1]
    stars = [part for part in parts if part.startswith(b"*")]
    names = [found[1].decode("utf-8", "replace") for found in map(_KEYWORD.match, parts) if found]
    others = any(star.startswith(b"**") for star in stars)
    return Given(len(parts) - len(stars) - len(names), names, any(not s.startswith(b"**") for s in stars), others)
