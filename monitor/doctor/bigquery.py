"""What ``phasewatch doctor`` tries of BigQuery: credentials, clock, calendars and completions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from checks.model import JsonValue
from checks.phases.calendar import CalendarTable
from checks.ports import SourceError
from monitor.clock import Clock
from monitor.doctor import trials
from monitor.doctor.trials import Trial, Verdict
from monitor.wiring import parts

if TYPE_CHECKING:
    from checks.pipeline import Pipeline
    from checks.sources.bigquery import BigQueryWarehouse
    from checks.sources.completions import CompletionTables
    from monitor.config.loading import Config


def bigquery_trials(config: Config, where: parts.Data, clock: Clock, within: timedelta) -> Iterator[Trial]:
    """Credentials and clock; then the calendar and the completions of each pipeline."""
    warehouse = parts.warehouse(config, where, within)
    yield Trial("bigquery", lambda: bigquery(config, warehouse, clock))
    for pipeline in parts.pipelines(config):
        yield Trial(calendar_name(pipeline), partial(calendar, config, where, warehouse, pipeline, clock))
        yield Trial(
            f"table {pipeline.completions.table}", partial(completions, config, where, warehouse, pipeline, clock)
        )


def bigquery(config: Config, warehouse: BigQueryWarehouse, clock: Clock) -> Verdict:
    """Credentials, the right to run jobs, and the clock.

    :raises SourceError: as the warehouse does.
    """
    warehouse.dry_run("SELECT 1", {})
    asked = clock.now()
    [row] = warehouse.query("SELECT CURRENT_TIMESTAMP() AS now", {}, label="doctor").rows
    answered = clock.now()
    took = (answered - asked).total_seconds() * 1000
    verdict = trials.good(
        "bigquery",
        f"project {config.gcp.project} answers at {warehouse.endpoint} in {took:.0f} ms",
        facts={"milliseconds": round(took)},
    )
    return trials.with_clock(verdict, row["now"], asked, answered)


def calendar_name(pipeline: Pipeline) -> str:
    """What the pipeline's calendar is called in a list: its table, or that it is no table."""
    kind = pipeline.calendar
    return f"table {kind.table}" if isinstance(kind, CalendarTable) else f"calendar of {pipeline.name}"


def calendar(
    config: Config, where: parts.Data, warehouse: BigQueryWarehouse, pipeline: Pipeline, clock: Clock
) -> Verdict:
    """The calendar: there, readable, of the expected columns, and up to which date.

    :raises SourceError: as the source does.
    """
    from checks.sources.calendar import Calendars

    name = calendar_name(pipeline)
    today = clock.now().astimezone(pipeline.zone).date()
    try:
        days, _ = Calendars(warehouse).days(pipeline, today, today)
    except SourceError as error:
        return _table_trouble(name, error, config, where)
    if days.first is None or days.last is None:
        return trials.good(name, "readable, and empty: no run is owed on any date")
    notes = [] if days.covers(today) else [f"it says nothing of today, {today}"]
    facts: dict[str, JsonValue] = {"sees_back_to": days.first.isoformat(), "sees_up_to": days.last.isoformat()}
    return trials.good(name, f"readable, from {days.first} to {days.last}", notes=notes, facts=facts)


def completions(
    config: Config, where: parts.Data, warehouse: BigQueryWarehouse, pipeline: Pipeline, clock: Clock
) -> Verdict:
    """The completions' table: there, readable, of the expected columns and types, and how far back it goes.

    :raises SourceError: as the source does.
    """
    from checks.sources.completions import CompletionTables

    name = f"table {pipeline.completions.table}"
    tables = CompletionTables(warehouse)
    now = clock.now()
    today = now.astimezone(pipeline.zone).date()
    back = config.checks.completions.look_back - 1
    try:
        _, evidence = tables.completions(pipeline, today - timedelta(days=back), today, now)
        first, last, _ = tables.span(pipeline)
    except SourceError as error:
        return _table_trouble(name, error, config, where)
    if first is None or last is None:
        return trials.good(name, "readable, and empty")
    rows = evidence.counts["rows"]
    facts: dict[str, JsonValue] = {"sees_back_to": first.isoformat(), "sees_up_to": last.isoformat(), "rows": rows}
    said = f"readable, from {first} to {last}; {rows} rows for the last {back + 1} run dates"
    notes = (*evidence.unseen, *names_never_met(config, tables, pipeline, now))
    return trials.good(name, said, notes=notes, facts=facts)


def names_never_met(config: Config, tables: CompletionTables, pipeline: Pipeline, now: datetime) -> list[str]:
    """Processors of the configuration that no completion of the past has, and what they may be recorded as."""
    from checks.phases import gaps

    judge = next((j for j in parts.completion_checks(config, tables) if j.pipeline.name == pipeline.name), None)
    if judge is None:
        return []
    since = now.astimezone(pipeline.zone).date() - timedelta(days=config.checks.history.days)
    try:
        days = judge.states(now, since).judged()
    except SourceError:
        # What cannot be asked has a trial of its own, that says so.
        return []
    return [item.words for item in gaps.unmet(pipeline, days, now)]


def _table_trouble(name: str, error: SourceError, config: Config, where: parts.Data) -> Verdict:
    if error.kind == "missing" and where.emulator is not None:
        return trials.off(name, "not there yet; `phasewatch watch` makes it in the local BigQuery")
    if error.kind == "missing" and config.mode == "gcp":
        remedy = f"{error.remedy or 'correct its name in the configuration'} (`phasewatch tables apply` makes it)"
        return trials.failed(name, str(error), remedy=remedy, facts={"kind": error.kind})
    return trials.from_source(name, error)
