"""Metadata as the service answers it, through the real client over HTTP; and what `apply` asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from checks.ports import SourceError
from checks.sources.bigquery import BigQueryWarehouse
from checks.sources.tables import TableSource
from checks.tables.known import known_tables
from checks.tables.model import Column, LiveTable, Partitioning, RequiredTable
from monitor import table_apply
from monitor.table_plan import State
from tests.conftest import PROJECT
from tests.support import pipelines
from tests.support.table_server import TableServer, serving

NAME = f"{PROJECT}.ops.completions"


@pytest.fixture
def server() -> Iterator[TableServer]:
    """A server without tables."""
    with serving() as it:
        yield it


@pytest.fixture
def warehouse(server: TableServer) -> Iterator[BigQueryWarehouse]:
    """The real client on it."""
    it = BigQueryWarehouse(PROJECT, endpoint=server.endpoint, timeout=timedelta(seconds=10))
    yield it
    it.close()


def fields(*listed: tuple[Any, ...]) -> dict[str, Any]:
    """A schema as the API writes it; a fourth item are the fields of a record."""
    made = []
    for name, kind, mode, *inner in listed:
        one = {"name": name, "type": kind, **({"mode": mode} if mode else {})}
        made.append({**one, **({"fields": fields(*inner[0])["fields"]} if inner else {})})
    return {"fields": made}


def test_everything_that_is_compared_comes_out_of_the_resource(server, warehouse):
    """Types in either spelling, modes left out, the demanded filter, both expiries, clustering, nested fields."""
    server.tables[NAME] = {
        "schema": fields(
            ("phase", "STRING", "REQUIRED"),
            ("game_date", "DATE", None),
            ("number", "INT64", "NULLABLE"),
            ("good", "BOOL", None),
            ("box", "STRUCT", "REPEATED", [("minutes", "FLOAT64", None)]),
        ),
        "timePartitioning": {"type": "DAY", "field": "game_date", "expirationMs": "5184000000"},
        "requirePartitionFilter": True,
        "clustering": {"fields": ["phase"]},
        "expirationTime": "1769904000000",
        "numRows": "5",
        "streamingBuffer": {"estimatedRows": "3", "estimatedBytes": "1", "oldestEntryTime": "1769000000000"},
    }
    assert TableSource(warehouse).live(NAME) == LiveTable(
        name=NAME,
        kind="TABLE",
        columns=(
            Column(name="phase", type="STRING", mode="REQUIRED"),
            Column(name="game_date", type="DATE", mode="NULLABLE"),
            Column(name="number", type="INTEGER", mode="NULLABLE"),
            Column(name="good", type="BOOLEAN", mode="NULLABLE"),
            Column(
                name="box",
                type="RECORD",
                mode="REPEATED",
                fields=(Column(name="minutes", type="FLOAT", mode="NULLABLE"),),
            ),
        ),
        partitioning=Partitioning(column="game_date", require_filter=True),
        clustering=("phase",),
        expires_at=datetime(2026, 2, 1, tzinfo=UTC),
        expires_after=timedelta(days=60),
    )


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (
            {"timePartitioning": {"type": "MONTH", "field": "d", "requirePartitionFilter": True}},
            LiveTable(name=NAME, partitioning=Partitioning(column="d", unit="MONTH", require_filter=True)),
        ),
        (
            {"timePartitioning": {"type": "DAY"}},
            LiveTable(name=NAME, partitioning=Partitioning(column=None, require_filter=False)),
        ),
        (
            {"rangePartitioning": {"field": "id", "range": {"start": "0", "end": "9", "interval": "1"}}},
            LiveTable(name=NAME, partitioned_otherwise="by ranges of id"),
        ),
        ({"type": "VIEW", "view": {"query": "SELECT 1"}}, LiveTable(name=NAME, kind="VIEW")),
    ],
)
def test_other_shapes(server, warehouse, resource, expected):
    """An older place for the filter, partitions by ingestion and by ranges, views."""
    server.tables[NAME] = resource
    assert TableSource(warehouse).live(NAME) == expected


def test_missing_and_forbidden_are_told_apart(server, warehouse):
    """None for the one; the other cannot be looked at, and the remedy names the role."""
    source = TableSource(warehouse)
    assert source.live(NAME) is None
    server.refuse.add(NAME)
    with pytest.raises(SourceError) as caught:
        source.live(NAME)
    assert caught.value.kind == "forbidden"
    assert "roles/bigquery.dataViewer" in str(caught.value.remedy)


def test_what_apply_asks_for(server, warehouse):
    """The dataset once, with its location; the tables as defined, the filter where the service keeps it."""
    required = known_tables(pipelines.nba(completions="ops.completions", calendar="ops.games"), PROJECT)
    plan = table_apply.look(warehouse, required)
    assert [looked.state for looked in plan.tables] == [State.MISSING, State.MISSING]
    done: list[str] = []
    table_apply.apply(warehouse, plan.steps(), embedded=False, location="us-west2", done=done.append)
    assert done == [
        f"create dataset {PROJECT}.ops",
        f"create table {PROJECT}.ops.games",
        f"create table {NAME}",
    ]
    dataset, games, completions = (body for _, _, _, body in server.writes())
    assert dataset["location"] == "us-west2"
    assert games["requirePartitionFilter"] is True
    assert games["timePartitioning"] == {"type": "DAY", "field": "game_date"}
    assert completions["clustering"] == {"fields": ["phase", "processor_name"]}
    assert "requirePartitionFilter" not in completions
    assert "expirationTime" not in completions
    assert len(completions["schema"]["fields"]) == 12
    again = table_apply.look(warehouse, required)
    assert (again.steps(), again.exit_code) == ((), 0)


def test_fields_are_added_to_the_schema_as_it_is_and_only_if_it_did_not_change(server, warehouse):
    """The whole schema goes back with its etag, nested fields at their place; a change in between is refused."""
    inner = (Column(name="minutes", type="INTEGER"), Column(name="points", type="INTEGER"))
    required = RequiredTable(
        name=NAME,
        columns=(
            Column(name="phase", type="STRING"),
            Column(name="box", type="RECORD", mode="REPEATED", fields=inner),
            Column(name="note", type="STRING", mode="NULLABLE"),
        ),
    )
    live = fields(("phase", "STRING", "REQUIRED"), ("box", "RECORD", "REPEATED", [("minutes", "INTEGER", None)]))
    live["fields"][0]["description"] = "kept as it is"
    server.tables[NAME] = {"schema": live, "etag": "e7"}
    plan = table_apply.look(warehouse, [required])
    [step] = plan.steps()
    assert step.words() == f"add to {NAME}: box.points INTEGER NULLABLE, note STRING NULLABLE"
    table_apply.apply(warehouse, [step], embedded=False)
    [(method, _, match, body)] = server.writes()
    assert (method, match) == ("PATCH", "e7")
    sent = {field["name"]: field for field in body["schema"]["fields"]}
    assert list(sent) == ["phase", "box", "note"]
    assert sent["phase"]["description"] == "kept as it is"
    assert [field["name"] for field in sent["box"]["fields"]] == ["minutes", "points"]
    assert table_apply.look(warehouse, [required]).exit_code == 0


def test_what_cannot_be_seen_is_unknown_and_the_others_are_still_compared(server, warehouse):
    """One table that may not be read hides no other."""
    server.refuse.add(NAME)
    other = f"{PROJECT}.ops.other"
    plan = table_apply.look(warehouse, [RequiredTable(name=NAME), RequiredTable(name=other)])
    assert [looked.state for looked in plan.tables] == [State.UNKNOWN, State.MISSING]
    assert (plan.exit_code, plan.steps(), plan.beyond()) == (1, (), 1), "nobody said which fields it has"
    server.tables[other] = {}
    assert table_apply.look(warehouse, [RequiredTable(name=NAME), RequiredTable(name=other)]).exit_code == 3
