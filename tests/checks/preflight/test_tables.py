"""Tables that code names, and what only looks like one."""

from __future__ import annotations

import pytest

from checks.preflight.tables import in_file, in_python

P = "my-project-1"


@pytest.mark.parametrize(
    ("code", "tables"),
    [
        ('q = "SELECT * FROM ops.done"', ["ops.done"]),
        (
            'q = "SELECT * FROM `my-project-1.ops.done` d JOIN raw.games g ON true"',
            ["my-project-1.ops.done", "raw.games"],
        ),
        ('q = f"SELECT 1 FROM `{project}.ops.done` WHERE d = {day}"', ["ops.done"]),
        ('q = f"INSERT INTO {PROJECT}.ops.done (a) VALUES (1)"', ["ops.done"]),
        ('q = """MERGE ops.done t USING raw.x s ON t.id = s.id"""', ["ops.done"]),
        ('TABLE = "my-project-1.ops.done"', ["my-project-1.ops.done"]),
        ('q = "SELECT * FROM " + "ops.done"', []),  # cannot be told
        ('q = f"SELECT * FROM {dataset}.{table}"', []),
        ('q = f"SELECT * FROM ops.done_{year}"', []),
        ('"""SELECT * FROM ops.docstring"""', []),
        ('def f():\n    """FROM ops.x SELECT"""\n    return "SELECT 1 FROM ops.y"', ["ops.y"]),
        ('q = "SELECT EXTRACT(HOUR FROM t.at) FROM ops.done t"', ["ops.done"]),
        ('q = "WITH recent AS (SELECT 1) SELECT * FROM recent, ops.done d, UNNEST(d.tags)"', []),
        ('q = "SELECT x FROM ops.done AS d WHERE x IN (SELECT t FROM d.tags)"', ["ops.done"]),
        ('q = "SELECT * FROM ops.INFORMATION_SCHEMA.TABLES"', []),
        ('q = "SELECT 1 -- FROM ops.old\\nFROM ops.done"', ["ops.done"]),
        ('m = "from google.cloud import firestore"', []),
        ('m = "os.path"', []),
        ('m = "google.cloud.bigquery"', []),
        ('q = "SELECT * FROM ops.fn(1)"', []),
        ("def broken(:", []),
    ],
)
def test_tables_in_python(code: str, tables: list[str]) -> None:
    """Literals of SQL and whole names; what is computed, a field, a function or a module is none."""
    assert [mention.table for mention in in_python(code.encode())] == tables


def test_a_mention_has_its_line_and_function() -> None:
    """Also inside a long literal."""
    code = 'class A:\n    def f(self):\n        return """\n          SELECT 1\n          FROM ops.done"""\n'
    [mention] = in_python(code.encode())
    assert (mention.line, mention.scope) == (5, "A.f")


def test_tables_in_sql_files() -> None:
    """All of it is SQL; what it creates need not be there."""
    mentions = in_file("CREATE TABLE IF NOT EXISTS ops.done (a INT64);\n/* FROM ops.no */\nSELECT 1\nFROM ops.yes;\n")
    assert [(mention.table, mention.line) for mention in mentions] == [("ops.yes", 4)]
