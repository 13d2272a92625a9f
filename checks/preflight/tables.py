"""Which BigQuery tables a package names: in SQL within string literals, in SQL files, as whole names, in YAML and JSON.

A name needs its dataset. In an f-string constants of the module are put in; what stands in braces otherwise is taken
for the project where it comes first, and a name with braces anywhere else cannot be told, and is passed over. So is a
table that is only created. Pure.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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
_KEYED = re.compile(
    rf"^[ \t]*(?:-[ \t]+)?[\"']?\w*table\w*[\"']?[ \t]*:[ \t]*[\"']?({_NAME.pattern})[\"']?[ \t]*(?:,|\}}|#[^\n]*)?$",
    re.MULTILINE | re.IGNORECASE,
)
_FILES = (".sql", ".csv", ".json", ".yaml", ".yml", ".parquet", ".py", ".html", ".md", ".txt")


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
    constants = _constants(tree)
    for node, scope in _literals(tree, ""):
        text = _text(node, constants)
        for name, offset in (*in_sql(text), *_whole(text)):
            line = min(node.lineno + text.count("\n", 0, offset), node.end_lineno or node.lineno)
            found.setdefault((name, line), Mention(table=name, line=line, scope=scope))
    return list(found.values())


def in_file(text: str) -> list[Mention]:
    """The tables in a file of SQL."""
    return [Mention(table=name, line=text.count("\n", 0, at) + 1) for name, at in in_sql(text)]


def in_settings(text: str, project: str) -> list[Mention]:
    """The tables in YAML or JSON: full names in that project, and what stands behind a key that says ``table``."""
    found: dict[tuple[str, int], Mention] = {}
    for pattern in (_KEYED, re.compile(rf"(?<![\w.:/-])({re.escape(project)}\.\w+\.\w+)(?![\w.-])")):
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start(1)) + 1
            commented = "#" in text[text.rfind("\n", 0, match.start(1)) + 1 : match.start(1)]
            if not commented and not match[1].endswith(_FILES):
                found[match[1], line] = Mention(table=match[1], line=line)
    return sorted(found.values(), key=lambda mention: mention.line)


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


def _constants(tree: ast.Module) -> dict[str, str]:
    """Texts that the module gives a name once, at its top."""
    found: dict[str, str] = {}
    stored: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            stored += [node.arg] * 2  # there it is another thing
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            stored.append(node.id)
    for statement in tree.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        value: Any = getattr(statement, "value", None)
        literal = isinstance(value, ast.JoinedStr) or (isinstance(value, ast.Constant) and isinstance(value.value, str))
        if literal and isinstance(target, ast.Name) and stored.count(target.id) == 1:
            found[target.id] = _text(value, found)
    return found


def _text(node: ast.Constant | ast.JoinedStr, constants: Mapping[str, str]) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    parts = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        else:
            value = part.value if isinstance(part, ast.FormattedValue) else None
            parts.append(constants.get(value.id, _HOLE) if isinstance(value, ast.Name) else _HOLE)
    return "".join(parts)
