"""Tables that code names, and what only looks like one."""

from __future__ import annotations

import pytest

from checks.preflight.tables import in_file, in_python, in_settings

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
        ('DATASET = "ops"\nTABLE = f"{project}.{DATASET}.done"\nq = f"SELECT 1 FROM `{TABLE}`"', ["ops.done"]),
        ('T = "my-project-1.ops.done"\nq = f"SELECT 1 FROM {T} WHERE a = {day}"', ["my-project-1.ops.done"] * 2),
        ('T = "ops.done"\nT = "ops.other"\nq = f"SELECT 1 FROM {T}"', []),  # which of them, nobody can tell
        ('def f(T="x.y"):\n    return f"SELECT 1 FROM {T}"', []),
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


def test_tables_in_settings() -> None:
    """Behind a key that says table, and full names in the project; hosts, files and comments are none."""
    yaml = """\
output_table: ops.done
tables:
  - source_table: "raw.games"   # yes
  - my-project-1.ops.rows
# table: ops.old
host: my-project-2.ops.example
file_table: ops.csv
table_count: 3
template: path/my-project-1.ops.no
"""
    assert [(m.table, m.line) for m in in_settings(yaml, P)] == [
        ("ops.done", 1),
        ("raw.games", 3),
        ("my-project-1.ops.rows", 4),
    ]
    json = '{"table": "ops.done",\n "other": ["my-project-1.ops.rows", "x.y.z"]}\n'
    assert [m.table for m in in_settings(json.replace("{", "{\n", 1), P)] == ["ops.done", "my-project-1.ops.rows"]


def test_tables_in_sql_files() -> None:
    """All of it is SQL; what it creates need not be there."""
    mentions = in_file("CREATE TABLE IF NOT EXISTS ops.done (a INT64);\n/* FROM ops.no */\nSELECT 1\nFROM ops.yes;\n")
    assert [(mention.table, mention.line) for mention in mentions] == [("ops.yes", 4)]
