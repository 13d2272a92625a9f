"""A required table against the live one: every difference by name, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from checks.model import Severity
from checks.tables.compare import Difference, differences, trouble
from checks.tables.known import COMPLETION_FIELDS, known_tables
from checks.tables.model import Column, LiveTable, Partitioning, RequiredTable
from tests.conftest import PROJECT
from tests.support import pipelines

NAME = f"{PROJECT}.nba_orchestration.phase_completions"
COLUMNS = tuple(
    Column(name=pipelines.COLUMNS.get(name, name), type=kind, mode=mode) for name, kind, mode in COMPLETION_FIELDS
)
WANTED = RequiredTable(
    name=NAME,
    columns=COLUMNS,
    partitioning=Partitioning(column="game_date", require_filter=True),
    clustering=("phase", "processor_name"),
    expires_after=timedelta(0),
)
LIVE = LiveTable(
    name=NAME,
    columns=COLUMNS,
    partitioning=Partitioning(column="game_date", require_filter=True),
    clustering=("phase", "processor_name"),
)


def said(found: tuple[Difference, ...]) -> list[tuple[str, str]]:
    """Each difference in words, with its severity."""
    return [(d.words(), d.severity.value) for d in found]


def with_column(name: str, **changes: str | None) -> LiveTable:
    """The live table with one field changed."""
    return replace(LIVE, columns=tuple(replace(c, **changes) if c.name == name else c for c in COLUMNS))


def without(*names: str) -> LiveTable:
    """The live table without some fields."""
    return replace(LIVE, columns=tuple(c for c in COLUMNS if c.name not in names))


def test_a_table_as_required_has_no_differences() -> None:
    """The order of its fields, and the case of their names, mean nothing."""
    assert differences(WANTED, LIVE) == ()
    shuffled = tuple(replace(c, name=c.name.upper()) for c in reversed(COLUMNS))
    assert differences(WANTED, replace(LIVE, columns=shuffled)) == ()


@pytest.mark.parametrize(
    ("live", "words", "severity"),
    [
        (without("metadata"), "field metadata: missing, wanted JSON NULLABLE", "critical"),
        (without("phase"), "field phase: missing, wanted STRING REQUIRED", "critical"),
        (with_column("record_count", type="STRING"), "field record_count: is STRING, wanted INTEGER", "critical"),
        (with_column("phase", mode="NULLABLE"), "field phase: is NULLABLE, wanted REQUIRED", "warning"),
        (with_column("metadata", mode="REQUIRED"), "field metadata: is REQUIRED, wanted NULLABLE", "critical"),
        (with_column("metadata", mode="REPEATED"), "field metadata: is REPEATED, wanted NULLABLE", "critical"),
        (replace(LIVE, partitioning=None), "partitioning: none, wanted by game_date (day)", "warning"),
        (
            replace(LIVE, partitioning=Partitioning(column="game_date", unit="MONTH")),
            "partitioning: by game_date (month), wanted by game_date (day)",
            "warning",
        ),
        (
            replace(LIVE, partitioning=None, partitioned_otherwise="by ranges of id"),
            "partitioning: by ranges of id, wanted by game_date (day)",
            "warning",
        ),
        (
            replace(LIVE, partitioning=Partitioning(column="game_date", require_filter=False)),
            "require filter: no, wanted yes",
            "warning",
        ),
        (replace(LIVE, clustering=()), "clustering: none, wanted by phase, processor_name", "warning"),
        (
            replace(LIVE, clustering=("processor_name", "phase")),
            "clustering: by processor_name, phase, wanted by phase, processor_name",
            "warning",
        ),
        (
            replace(LIVE, expires_after=timedelta(days=60)),
            "expiration: partitions kept 60 days, wanted partitions kept for ever",
            "warning",
        ),
        (
            replace(LIVE, expires_at=datetime(2026, 2, 1, tzinfo=UTC)),
            "expiration: the table will be deleted at 2026-02-01T00:00:00Z, wanted a table that stays",
            "critical",
        ),
    ],
)  # fmt: skip
def test_each_difference_is_named_with_what_helps(live: LiveTable, words: str, severity: str) -> None:
    """One change of the live table, one difference; what `apply` cannot do has a remedy."""
    found = differences(WANTED, live)
    assert said(found) == [(words, severity)]
    assert found[0].remedy


def test_only_a_missing_field_that_may_be_null_can_be_added() -> None:
    """A REQUIRED one cannot be, of a table that exists; the remedy says so."""
    metadata, phase = (differences(WANTED, without(name))[0] for name in ("metadata", "phase"))
    assert (metadata.add, phase.add) == (Column(name="metadata", type="JSON", mode="NULLABLE"), None)
    assert phase.remedy is not None
    assert f"ALTER TABLE `{NAME}` ADD COLUMN `phase` STRING" in phase.remedy


def test_a_further_field_is_information_only() -> None:
    """It breaks nobody."""
    live = replace(LIVE, columns=(*COLUMNS, Column(name="note", type="STRING", mode="NULLABLE")))
    found = differences(WANTED, live)
    assert said(found) == [("field note: STRING NULLABLE, not in the definition", "info")]
    assert trouble(found) == ()


def test_fields_of_records_are_compared_by_their_path() -> None:
    """At any depth, and added there."""
    minutes = Column(name="minutes", type="INTEGER", mode=None)
    points = Column(name="points", type="INTEGER", mode=None)
    box = Column(name="box", type="RECORD", mode="REPEATED", fields=(minutes, points))
    wanted = RequiredTable(name=NAME, columns=(box,))
    live = LiveTable(name=NAME, columns=(replace(box, fields=(replace(minutes, type="STRING"),)),))
    assert said(differences(wanted, live)) == [
        ("field box.minutes: is STRING, wanted INTEGER", "critical"),
        ("field box.points: missing, wanted INTEGER", "critical"),
    ]
    assert box.sql_type() == "ARRAY<STRUCT<`minutes` INT64, `points` INT64>>"


def test_of_a_view_only_names_and_types_count() -> None:
    """It has no partitions, and no modes of its own."""
    columns = tuple(replace(c, mode="NULLABLE") for c in COLUMNS if c.name != "metadata")
    view = LiveTable(name=NAME, kind="VIEW", columns=columns)
    assert said(differences(WANTED, view)) == [("field metadata: missing, wanted JSON NULLABLE", "critical")]


def test_what_is_left_out_of_the_definition_is_not_compared() -> None:
    """A bare name demands existence; a field without a mode any mode."""
    odd = replace(LIVE, partitioning=None, clustering=(), expires_after=timedelta(days=1))
    assert differences(RequiredTable(name=NAME), odd) == ()
    any_mode = RequiredTable(name=NAME, columns=(Column(name="phase", type="STRING"),))
    assert trouble(differences(any_mode, with_column("phase", mode="NULLABLE"))) == ()


def test_of_tables_that_nobody_described_only_what_is_read_is_compared() -> None:
    """A pipeline's own completions table may look otherwise, as long as its columns are there."""
    calendar, completions = known_tables(pipelines.nba(), PROJECT)
    own = replace(without("metadata", "entities_changed", "is_incremental"), partitioning=None, clustering=())
    own = replace(own, columns=tuple(replace(c, mode="NULLABLE") for c in own.columns))
    assert differences(completions, own) == ()
    assert said(differences(completions, without("status"))) == [("field status: missing, wanted STRING", "critical")]
    assert said(differences(calendar, LiveTable(name=calendar.name))) == [
        ("field game_date: missing, wanted DATE", "critical")
    ]
    assert {d.severity for d in differences(calendar, LiveTable(name=calendar.name))} == {Severity.CRITICAL}
