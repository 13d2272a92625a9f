"""The two tables that phasewatch itself knows: completions and calendar. The one place of their definitions. Pure."""

from __future__ import annotations

from datetime import timedelta

from checks.phases.calendar import CalendarTable
from checks.pipeline import Pipeline
from checks.tables.model import Column, Partitioning, RequiredTable, full_name

# The twelve fields of a completion in their order, with type and mode; the names on the left are ours, and those of
# the pipeline's `columns` stand for them in its table.
COMPLETION_FIELDS = (
    ("phase", "STRING", "REQUIRED"),
    ("run_date", "DATE", "REQUIRED"),
    ("processor", "STRING", "REQUIRED"),
    ("status", "STRING", "REQUIRED"),
    ("record_count", "INTEGER", "NULLABLE"),
    ("correlation_id", "STRING", "NULLABLE"),
    ("execution_id", "STRING", "NULLABLE"),
    ("completed_at", "TIMESTAMP", "REQUIRED"),
    ("is_incremental", "BOOLEAN", "NULLABLE"),
    ("entities_changed", "STRING", "REPEATED"),
    ("metadata", "JSON", "NULLABLE"),
    ("inserted_at", "TIMESTAMP", "REQUIRED"),
)
GAME_ID = "game_id"
# What a calendar row holds besides its date.
CALENDAR_FIELDS = ((GAME_ID, "STRING", "REQUIRED"), ("game_status", "INTEGER", "NULLABLE"))
_NEVER = timedelta(0)


def known_tables(pipeline: Pipeline, project: str) -> tuple[RequiredTable, ...]:
    """The tables that the pipeline reads by name and that phasewatch can make: its calendar, and its completions.

    Where one exists already, only the columns that are read are compared.
    """
    found = pipeline.calendar
    calendar = (_calendar(pipeline, found, project),) if isinstance(found, CalendarTable) else ()
    return *calendar, _completions(pipeline, project)


def _completions(pipeline: Pipeline, project: str) -> RequiredTable:
    """Partitioned by run date, clustered by phase and processor: as the first pipeline has it."""
    columns = pipeline.completions.columns
    return RequiredTable(
        name=full_name(pipeline.completions.table, project),
        columns=tuple(
            Column(name=columns.get(name, name), type=kind, mode=mode) for name, kind, mode in COMPLETION_FIELDS
        ),
        partitioning=Partitioning(column=columns["run_date"]),
        clustering=(columns["phase"], columns["processor"]),
        expires_after=_NEVER,
        pipeline=pipeline.name,
        only=frozenset(columns.values()),
    )


def _calendar(pipeline: Pipeline, calendar: CalendarTable, project: str) -> RequiredTable:
    fields = ((calendar.date_column, "DATE", "REQUIRED"), *CALENDAR_FIELDS)
    return RequiredTable(
        name=full_name(calendar.table, project),
        columns=tuple(Column(name=name, type=kind, mode=mode) for name, kind, mode in fields),
        partitioning=Partitioning(column=calendar.date_column, require_filter=True),
        expires_after=_NEVER,
        pipeline=pipeline.name,
        only=frozenset({calendar.date_column}),
    )
