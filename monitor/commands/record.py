"""``phasewatch record``."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.clock import SystemClock
from monitor.commands import common

if TYPE_CHECKING:
    from checks.pipeline import Pipeline
    from monitor.config.loading import Config
    from monitor.record import Recorded


@click.command("record", short_help="Write completions, or the calendar, to the configured tables.")
@click.argument("completion", nargs=-1, metavar="[PHASE RUN_DATE PROCESSOR]")
@click.option(
    "--file",
    "rows_file",
    metavar="FILE",
    help="Completions as JSON lines (- for stdin); they keep their own inserted_at.",
)
@click.option(
    "--schedule", "schedule_file", metavar="FILE", help="Calendar rows (- for stdin), merged by date and game."
)
@click.option(
    "--pipeline", "pipeline_name", metavar="NAME", help="Which pipeline, where the configuration has several."
)
@click.option("--status", default="success", show_default=True, help="Status of a single completion.")
@click.option("--record-count", type=int, help="Record count of a single completion.")
@click.option("--execution-id", help="Execution id of a single completion.")
@click.option("--completed-at", metavar="T", help="When it completed, with offset. Default: now.")
@click.option("--skip-bad", is_flag=True, help="Write the good rows although others are malformed.")
@click.pass_context
def command(
    ctx: click.Context,
    completion: tuple[str, ...],
    rows_file: str | None,
    schedule_file: str | None,
    pipeline_name: str | None,
    status: str,
    record_count: int | None,
    execution_id: str | None,
    completed_at: str | None,
    skip_bad: bool,
) -> None:
    """Write one completion, a file of them, or the calendar. In mode embedded the tables are made if they are missing.

    \b
    Examples:
      phasewatch record phase3 2026-01-25 player_game_summary
      phasewatch record --file completions.jsonl
      phasewatch record --schedule games.jsonl
    """
    from monitor import record, record_rows
    from monitor.wiring import parts
    from monitor.wiring.tables import required_tables

    given = [bool(completion), rows_file is not None, schedule_file is not None]
    if not any(given):
        raise click.UsageError(
            "nothing to record: name a PHASE, RUN_DATE and PROCESSOR, or give --file or --schedule", ctx
        )
    if completion and (len(completion) != 3 or sum(given) > 1):  # noqa: PLR2004  the three arguments
        raise click.UsageError("a single completion is PHASE RUN_DATE PROCESSOR, without --file or --schedule", ctx)
    config = common.load_config(ctx)
    pipeline = _pipeline(ctx, config, pipeline_name)
    now = SystemClock().now()
    schedule = rows = None
    if schedule_file is not None:
        schedule = record_rows.read_schedule(_text(schedule_file), pipeline, name=_called(schedule_file))
    if rows_file is not None:
        rows = record_rows.read_rows(_text(rows_file).splitlines(), pipeline, name=_called(rows_file), now=now)
    if completion:
        phase, day, processor = completion
        _must_mean_something(ctx, pipeline, phase, processor, status)
        rows = record_rows.completion(
            pipeline,
            phase=phase,
            run_date=_day(ctx, day),
            processor=processor,
            now=now,
            status=status,
            record_count=record_count,
            execution_id=execution_id,
            completed_at=_moment(ctx, completed_at),
        )
    create = required_tables(config, pipeline.name) if config.mode == "embedded" else ()
    with parts.data(config, common.progress) as where:
        warehouse = parts.warehouse(config, where, parts.WRITE_WITHIN)
        if schedule is not None:
            _print(
                record.record_schedule(
                    warehouse, pipeline, schedule, create=create, skip_bad=skip_bad, progress=common.progress
                )
            )
        if rows is not None:
            _print(
                record.record_completions(
                    warehouse, pipeline, rows, create=create, skip_bad=skip_bad, progress=common.progress
                )
            )


def _pipeline(ctx: click.Context, config: Config, name: str | None) -> Pipeline:
    from monitor.wiring import parts

    known = {p.name: p for p in parts.pipelines(config)}
    if not known:
        raise click.UsageError("the configuration has no pipeline: there is nothing to record for", ctx)
    if name is None and len(known) > 1:
        raise click.UsageError(f"which pipeline? give --pipeline with one of: {', '.join(known)}", ctx)
    chosen = name or next(iter(known))
    if chosen not in known:
        raise click.UsageError(f"there is no pipeline {chosen!r}; the configuration has: {', '.join(known)}", ctx)
    return known[chosen]


def _must_mean_something(ctx: click.Context, pipeline: Pipeline, phase: str, processor: str, status: str) -> None:
    """Refuse a phase and a status that nobody would count; a processor that nobody expects is only said."""
    from checks.phases.names import canonical_phase, canonical_processor

    names = [p.name for p in pipeline.phases]
    known = canonical_phase(phase, names)
    if known is None:
        raise click.UsageError(f"there is no phase {phase!r}; {pipeline.name} has: {', '.join(names)}", ctx)
    table = pipeline.completions
    words = list(dict.fromkeys((*table.success, *table.partial, *table.failed)))
    if status not in words:
        raise click.UsageError(f"--status: {status!r} counts for nothing; the words are: {', '.join(words)}", ctx)
    expected = {p.name for p in pipeline.phase(known.name).processors}
    if canonical_processor(processor, pipeline.aliases).name not in expected:
        common.progress(f"note: {known.name} expects no {processor}; it has: {', '.join(sorted(expected))}")


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is not UTF-8 text (byte {error.start})") from error


def _called(file: str) -> str:
    return "standard input" if file == "-" else file


def _day(ctx: click.Context, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(f"RUN_DATE: {text!r} is no date; write it as 2026-01-25", ctx) from error


def _moment(ctx: click.Context, text: str | None) -> datetime | None:
    from monitor.report.request import moment_of

    try:
        return moment_of(text) if text else None
    except ValueError as error:
        raise click.UsageError(f"--completed-at: {error}", ctx) from error


def _print(done: Recorded) -> None:
    for table in done.created:
        click.echo(f"created {table}")
    click.echo(f"{done.rows} row{'' if done.rows == 1 else 's'} written to {done.table}")
    for text in (*done.skipped, *done.notes):
        click.echo(f"  {text}")
