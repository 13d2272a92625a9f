"""From the configuration to what is required of tables, and to the checks of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from checks.tables.known import known_tables
from checks.tables.model import RequiredTable

if TYPE_CHECKING:
    from checks.ports import Check
    from checks.sources.bigquery import BigQueryWarehouse
    from monitor.config.loading import Config


def required_tables(config: Config, pipeline: str | None = None) -> tuple[RequiredTable, ...]:
    """Every required table, each once: as the configuration describes it, else as phasewatch knows it.

    ``pipeline``: only those of that pipeline.
    """
    project = config.gcp.project
    described = [t.to_table(project) for t in config.tables]
    known: list[RequiredTable] = []
    for settings in config.pipelines:
        described += [t.to_table(project, pipeline=settings.name, run_date=settings.run_date) for t in settings.tables]
        known += known_tables(settings.to_pipeline(), project)
    found: dict[str, RequiredTable] = {}
    for table in (*described, *known):
        found.setdefault(table.name, table)
    # The order in which people meet them: what a pipeline reads comes before what else it needs.
    order = dict.fromkeys((*(table.name for table in known), *found))
    return tuple(found[name] for name in order if pipeline in (None, found[name].pipeline))


def table_checks(config: Config, warehouse: BigQueryWarehouse) -> Iterator[Check[Any]]:
    """The check of required tables, where there are any, and one of partitions per pipeline that names datasets."""
    from checks.kinds.partitions import Partitions
    from checks.kinds.tables import Tables
    from checks.sources.tables import TableSource

    source = TableSource(warehouse)
    pipelines = {settings.name: settings.to_pipeline() for settings in config.pipelines}
    required = required_tables(config)
    if config.checks.tables.enabled and required:
        yield Tables(
            required=required,
            pipelines=tuple(pipelines.values()),
            source=source,
            every=config.checks.tables.every,
            look_back=config.checks.tables.look_back,
        )
    if not config.checks.partitions.enabled:
        return
    for settings in config.pipelines:
        if settings.partitions is not None:
            yield Partitions(
                pipeline=pipelines[settings.name],
                rules=settings.partitions.to_rules(config.gcp.project),
                source=source,
                every=config.checks.partitions.every,
                name="partitions" if len(pipelines) == 1 else f"partitions:{settings.name}",
            )
