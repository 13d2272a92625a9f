"""Which BigQuery tables a package names: in SQL within string literals, in SQL files, as whole names. Pure.

A name needs its dataset. Of an f-string what stands in braces is taken for the project where it comes first; a name
with braces anywhere else cannot be told, and is passed over. So is a table that is only created.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

_HOLE = "\x00"
_SQL = re.compile(
    r"\b(SELECT|INSERT\s+INTO|MERGE|UPDATE|DELETE\s+FROM|CREATE\s+(?:OR\s+REPLACE\s+)?TABLE)\b", re.IGNORECASE
)
_PART = rf"[\w{_HOLE}-]+"
_NAMED = re.compile(
    rf"\b(?P<word>FROM|JOIN|INTO|UPDATE|MERGE)\s+"
    rf"(?:`(?P<quoted>[^`\s]+)`|(?P<plain>{_PART}(?:\.{_PART}){{1,2}}))(?P<call>\s*\()?",
    re.IGNORECASE,
)
# `EXTRACT(HOUR FROM t.at)` names no table.
_EXTRACT = re.compile(r"\b(?:EXTRACT|TRIM|SUBSTRING)\s*\([^()]*$", re.IGNORECASE)
_ALIAS = re.compile(rf"(?:`[^`]+`|\b{_PART}(?:\.{_PART})+|\))\s+(?:AS\s+)?([A-Za-z_]\w*)", re.IGNORECASE)
_CTE = re.compile(r"\b([A-Za-z_]\w*)\s+AS\s*\(", re.IGNORECASE)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_WHOLE = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]\.[A-Za-z_]\w*\.[A-Za-z_]\w*")
_NAME = re.compile(r"(?:[a-z][a-z0-9-]{4,28}[a-z0-9]\.)?[A-Za-z_]\w*\.[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A table that a file names: ``dataset.table`` or ``project.dataset.table``; in which function."""

    table: str
    line: int
    scope: str = ""


def in_python(source: bytes) -> list[Mention]:
    """The tables in the string literals of Python code; none if it does not parse. Docstrings are passed over."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return []
    found: dict[tuple[str, int], Mention] = {}
    for node, scope in _literals(tree, ""):
        text = _text(node)
        for name, offset in (*in_sql(text), *_whole(text)):
            line = node.lineno + text.count("\n", 0, offset)
            found.setdefault((name, line), Mention(table=name, line=line, scope=scope))
    return list(found.values())


def in_file(text: str) -> list[Mention]:
    """The tables in a file of SQL."""
    return [Mention(table=name, line=text.count("\n", 0, at) + 1) for name, at in in_sql(text)]


def in_sql(text: str) -> Iterator[tuple[str, int]]:
    """The tables that a statement names, each with its place; nothing if the text is none."""
    if _SQL.search(text) is None:
        return
    plain = _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    own = {name.lower() for name in (*_ALIAS.findall(plain), *_CTE.findall(plain))}
    for found in _NAMED.finditer(plain):
        name = _clean(found["quoted"] or found["plain"])
        function = found["call"] and found["word"].upper() in ("FROM", "JOIN")
        if name is None or function or _EXTRACT.search(plain[: found.start()]):
            continue
        if found["plain"] and name.partition(".")[0].lower() in own:
            continue  # a field of something in this very query
        yield name, found.start()


def _whole(text: str) -> Iterator[tuple[str, int]]:
    """A literal that is nothing but a full name, with a project that cannot be a Python module."""
    plain = text[1:] if text.startswith(_HOLE + ".") else text
    if plain is text and _WHOLE.fullmatch(text) and "-" in text.partition(".")[0]:
        yield text, 0


def _clean(name: str) -> str | None:
    plain = name.removeprefix(_HOLE + ".")
    if plain.count(".") not in (1, 2) or "INFORMATION_SCHEMA" in plain.upper() or not _NAME.fullmatch(plain):
        return None
    return plain


def _literals(node: ast.AST, scope: str) -> Iterator[tuple[ast.Constant | ast.JoinedStr, str]]:
    body = getattr(node, "body", None)
    docstring = None
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        first = body[0] if isinstance(body, list) and body else None
        docstring = first.value if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) else None
        if not isinstance(node, ast.Module):
            scope = f"{scope}.{node.name}".lstrip(".")
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.JoinedStr) or (isinstance(child, ast.Constant) and isinstance(child.value, str)):
            yield child, scope
        elif child is not docstring and not (isinstance(child, ast.Expr) and child.value is docstring):
            yield from _literals(child, scope)


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(str(part.value) if isinstance(part, ast.Constant) else _HOLE for part in node.values)
