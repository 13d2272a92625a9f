"""Identifiers and statements from the configuration as they may stand in SQL. Values are query parameters instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from checks.ports import SourceError

_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TABLE = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*\.)?[A-Za-z0-9_]+\.[A-Za-z0-9_-]+")


def quoted_column(name: str) -> str:
    """A column of the table ``t``, quoted. Qualified, since the SELECT list may give its name to another column.

    :raises SourceError: ``invalid`` for anything but letters, digits and underscores.
    """
    if not _COLUMN.fullmatch(name):
        raise SourceError(f"Not a column name: {name!r}.", kind="invalid", remedy="Correct it in the configuration.")
    return f"t.`{name}`"


def quoted_table(table: str) -> str:
    """``dataset.table`` or ``project.dataset.table``, quoted; a project and a table may hold dashes.

    :raises SourceError: ``invalid`` for anything else.
    """
    if not _TABLE.fullmatch(table):
        raise SourceError(f"Not a table name: {table!r}.", kind="invalid", remedy="Correct it in the configuration.")
    return f"`{table}`"


def subquery(sql: str) -> str:
    """A query from the configuration as it may stand in FROM: one statement, whatever it ends with."""
    # The line break ends a comment in its last line.
    return f"(\n{sql.strip().rstrip(';')}\n)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One query that a check runs: its text and parameters, and what it is for, in words for its mistakes.

    ``table`` is the one it asks, where there is one; ``settings`` says of which setting each of its columns is.
    """

    what: str
    label: str
    sql: str
    params: Mapping[str, Any]
    table: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
