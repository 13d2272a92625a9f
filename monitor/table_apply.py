"""Looking at required tables, and making what is missing: datasets, tables, nullable fields. Nothing is ever dropped.

The identity must be one that may create, which the daemon's need not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from checks.ports import SourceError
from checks.sources.tables import ONE_READ_SECONDS, TableSource
from checks.tables.model import Column, RequiredTable
from monitor.table_plan import Act, Looked, Plan, Step, dataset_of

if TYPE_CHECKING:
    from google.cloud import bigquery

    from checks.sources.bigquery import BigQueryWarehouse

Progress = Callable[[str], None]
# What keeps one table from being asked keeps all of them.
_ALL_BLIND = ("unreachable", "timeout", "quota")


def look(warehouse: BigQueryWarehouse, required: Sequence[RequiredTable], progress: Progress = lambda _: None) -> Plan:
    """Every required table as it is, and for missing ones whether their datasets exist: metadata reads only.

    :raises SourceError: if BigQuery cannot be asked at all.
    """
    source = TableSource(warehouse)
    found: list[Looked] = []
    datasets: dict[str, bool] = {}
    for table in required:
        progress(f"looking at {table.name}")
        try:
            live = source.live(table.name)
            found.append(Looked(table=table, live=live))
            dataset = dataset_of(table.name)
            if live is None and dataset not in datasets:
                datasets[dataset] = _exists(warehouse, dataset)
        except SourceError as error:
            if error.kind in _ALL_BLIND:
                raise
            found = [looked for looked in found if looked.table is not table]
            found.append(Looked(table=table, error=str(error), remedy=error.remedy))
    return Plan(tables=tuple(found), datasets=datasets)


def apply(
    warehouse: BigQueryWarehouse,
    steps: Sequence[Step],
    *,
    embedded: bool,
    location: str | None = None,
    done: Progress = lambda _: None,
) -> None:
    """Do the steps in order; ``done`` is told of each. What exists by now is left as it is.

    ``embedded``: the local BigQuery keeps the demand for a filter in an older place, and the fields of its tables in
    two (bqemulator 1.4.0). ``location``: of datasets that are made; BigQuery's own choice if None.

    :raises SourceError: at the first step that fails; those before it were done.
    """
    for step in steps:
        with warehouse.calls() as (client, retry):
            if step.act is Act.CREATE_DATASET:
                _make_dataset(client, retry, step.target, location)
            elif step.act is Act.CREATE_TABLE and step.table is not None:
                made = table_resource(step.table, embedded=embedded)
                client.create_table(made, exists_ok=True, retry=retry, timeout=ONE_READ_SECONDS)
            else:
                _add_fields(client, retry, step)
        if step.act is Act.ADD_FIELDS and embedded:
            for path, column in step.fields:
                if "." not in path:
                    sql = f"ALTER TABLE `{step.target}` ADD COLUMN IF NOT EXISTS `{path}` {column.sql_type()}"
                    warehouse.query(sql, {}, label="tables")
        done(step.words())


def make_missing(
    warehouse: BigQueryWarehouse, required: Sequence[RequiredTable], *, progress: Progress = lambda _: None
) -> tuple[str, ...]:
    """Create what is missing of the tables, for the embedded mode; the names of the tables made.

    Elsewhere the watcher has no identity that may create anything.

    :raises SourceError: if BigQuery cannot be asked or refuses.
    """
    steps = [step for step in look(warehouse, required).steps() if step.act is not Act.ADD_FIELDS]
    for step in steps:
        progress(step.words())
        apply(warehouse, [step], embedded=True)
    return tuple(step.target for step in steps if step.act is Act.CREATE_TABLE)


def table_resource(table: RequiredTable, *, embedded: bool = False) -> bigquery.Table:
    """The table as BigQuery's API wants it."""
    from google.cloud import bigquery

    made = bigquery.Table(table.name, schema=[_schema_field(column) for column in table.columns])
    parts = table.partitioning
    if parts is not None:
        expires = int(table.expires_after.total_seconds() * 1000) if table.expires_after else None
        made.time_partitioning = bigquery.TimePartitioning(type_=parts.unit, field=parts.column, expiration_ms=expires)
        if parts.require_filter is not None:
            made.require_partition_filter = parts.require_filter
            if embedded:
                made._properties["timePartitioning"]["requirePartitionFilter"] = parts.require_filter  # noqa: SLF001
    if table.clustering:
        made.clustering_fields = list(table.clustering)
    return made


def _exists(warehouse: BigQueryWarehouse, dataset: str) -> bool:
    try:
        with warehouse.calls() as (client, retry):
            client.get_dataset(dataset, retry=retry, timeout=ONE_READ_SECONDS)
    except SourceError as error:
        if error.kind != "missing":
            raise
        return False
    return True


def _make_dataset(client: bigquery.Client, retry: Any, name: str, location: str | None) -> None:
    from google.cloud import bigquery

    dataset = bigquery.Dataset(name)
    if location:
        dataset.location = location
    client.create_dataset(dataset, exists_ok=True, retry=retry, timeout=ONE_READ_SECONDS)


def _add_fields(client: bigquery.Client, retry: Any, step: Step) -> None:
    """Add to the schema as it is now; its etag goes along, so that a change in between is refused and not undone."""
    table = client.get_table(step.target, retry=retry, timeout=ONE_READ_SECONDS)
    schema = [field.to_api_repr() for field in table.schema]
    for path, column in step.fields:
        *parents, _ = path.split(".")
        fields = schema
        for parent in parents:
            fields = next(field for field in fields if field["name"].lower() == parent.lower())["fields"]
        if all(field["name"].lower() != column.name.lower() for field in fields):
            fields.append(_schema_field(column).to_api_repr())
    from google.cloud import bigquery

    table.schema = [bigquery.SchemaField.from_api_repr(field) for field in schema]
    client.update_table(table, ["schema"], retry=retry, timeout=ONE_READ_SECONDS)


def _schema_field(column: Column) -> bigquery.SchemaField:
    from google.cloud import bigquery

    return bigquery.SchemaField(
        column.name, column.type, column.made_as, fields=[_schema_field(inner) for inner in column.fields]
    )
