"""Required tables against the live ones -> what is to be made, and what nobody but a person can do. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from checks.model import JsonValue, Severity
from checks.tables.compare import Difference, differences, trouble
from checks.tables.model import Column, LiveTable, RequiredTable

EXIT_GOOD, EXIT_DIFFERENT, EXIT_BLIND = 0, 1, 3


class State(StrEnum):
    """How one table stands."""

    OK = "ok"
    MISSING = "missing"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


class Act(StrEnum):
    """What ``apply`` can do."""

    CREATE_DATASET = "create_dataset"
    CREATE_TABLE = "create_table"
    ADD_FIELDS = "add_fields"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One table as it was found. ``error`` and ``remedy``: it could not be looked at."""

    table: RequiredTable
    live: LiveTable | None = None
    error: str | None = None
    remedy: str | None = None

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What differs, information included; nothing for a table that is not there."""
        return () if self.live is None else differences(self.table, self.live)

    @property
    def state(self) -> State:
        """How it stands."""
        if self.error is not None:
            return State.UNKNOWN
        if self.live is None:
            return State.MISSING
        return State.DIFFERENT if trouble(self.differences) else State.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that ``apply`` does. ``fields``: paths and columns that are added."""

    act: Act
    target: str
    table: RequiredTable | None = None
    fields: tuple[tuple[str, Column], ...] = ()

    def words(self) -> str:
        """``create table p.d.t``; ``add to p.d.t: metadata JSON``."""
        if self.act is Act.ADD_FIELDS:
            return f"add to {self.target}: " + ", ".join(f"{path} {c.type} {c.made_as}" for path, c in self.fields)
        return f"create {'dataset' if self.act is Act.CREATE_DATASET else 'table'} {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All required tables. ``datasets``: those of missing tables with whether each exists (``project.dataset``)."""

    tables: tuple[Looked, ...]
    datasets: Mapping[str, bool]

    def steps(self) -> tuple[Step, ...]:
        """What ``apply`` does, in order: datasets, tables, fields."""
        return tuple(self._steps())

    def _steps(self) -> Iterator[Step]:
        missing = [looked for looked in self.tables if looked.state is State.MISSING and looked.table.columns]
        for name in dict.fromkeys(dataset_of(looked.table.name) for looked in missing):
            if not self.datasets.get(name, False):
                yield Step(act=Act.CREATE_DATASET, target=name)
        for looked in missing:
            yield Step(act=Act.CREATE_TABLE, target=looked.table.name, table=looked.table)
        for looked in self.tables:
            fields = tuple((d.field, d.add) for d in looked.differences if d.add is not None and d.field is not None)
            if fields:
                yield Step(act=Act.ADD_FIELDS, target=looked.table.name, fields=fields)

    def beyond(self) -> int:
        """How many things only a person can mend: differences, and missing tables of which nobody said any field."""
        differing = (d for looked in self.tables for d in trouble(looked.differences) if d.add is None)
        unknown = (looked for looked in self.tables if looked.state is State.MISSING and not looked.table.columns)
        return sum(1 for _ in (*differing, *unknown))

    @property
    def exit_code(self) -> int:
        """0 nothing to do, 1 something is missing or different, 3 something could not be seen."""
        states = {looked.state for looked in self.tables}
        if states & {State.MISSING, State.DIFFERENT}:
            return EXIT_DIFFERENT
        return EXIT_BLIND if State.UNKNOWN in states else EXIT_GOOD

    def as_json(self) -> dict[str, JsonValue]:
        """What ``--format json`` prints."""
        return {
            "schema_version": 1,
            "exit_code": self.exit_code,
            "tables": [_table_json(looked) for looked in self.tables],
            "steps": [
                {"act": step.act.value, "target": step.target, "fields": [path for path, _ in step.fields]}
                for step in self.steps()
            ],
        }


def dataset_of(table: str) -> str:
    """``project.dataset`` of a full name."""
    return table.rpartition(".")[0]


def shape_words(table: RequiredTable) -> str:
    """``12 fields, partitioned by game_date (day), clustered by phase, processor_name``."""
    parts = [f"{len(table.columns)} field{'' if len(table.columns) == 1 else 's'}"] if table.columns else []
    if table.partitioning:
        demanded = ", filter required" if table.partitioning.require_filter else ""
        parts.append(f"partitioned by {table.partitioning.words()}{demanded}")
    if table.clustering:
        parts.append(f"clustered by {', '.join(table.clustering)}")
    if table.expires_after:
        parts.append(f"partitions kept {table.expires_after.days} days")
    return ", ".join(parts)


def _table_json(looked: Looked) -> JsonValue:
    found: list[JsonValue] = [
        {
            "what": d.what.value,
            "field": d.field,
            "wanted": d.wanted,
            "live": d.live,
            "severity": d.severity.value,
            "remedy": d.remedy,
            "apply": d.add is not None,
        }
        for d in looked.differences
    ]
    return {
        "table": looked.table.name,
        "pipeline": looked.table.pipeline,
        "state": looked.state.value,
        "error": looked.error,
        "remedy": looked.remedy,
        "different": any(d.severity is not Severity.INFO for d in looked.differences),
        "differences": found,
    }
