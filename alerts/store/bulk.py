"""Many rows in one statement, on both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def put(db: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert the rows, or replace the columns named in them where the primary key is there already."""
    if not rows:
        return
    statement = (sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert)(table)
    keys = [column.name for column in table.primary_key]
    values = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    db.execute(statement.on_conflict_do_update(index_elements=keys, set_=values), rows)
