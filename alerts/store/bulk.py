"""Many rows in one statement, on both databases."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Table

# How each driver writes the place of a value.
_MARKS = {"sqlite": "?", "postgresql": "%s"}


def put(db: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    """Insert the rows, or replace the named columns where the primary key, one of them, is there already.

    The values go to the driver as they are, times as text (``schema.as_text``): SQLAlchemy's work on each value would
    take longer than SQLite takes to store it.
    """
    if not rows:
        return
    [key] = [column.name for column in table.primary_key]
    marks = ", ".join([_MARKS[db.dialect.name]] * len(columns))
    values = ", ".join(f"{name} = excluded.{name}" for name in columns if name != key)
    statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT ({key}) DO UPDATE SET "
    db.exec_driver_sql(statement + values, list(rows))
