"""``phasewatch explain``."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from monitor.clock import SystemClock
from monitor.commands import common

if TYPE_CHECKING:
    from checks.pipeline import Pipeline
    from monitor.config.loading import Config


@click.command("explain", short_help="Say what is owed for a date, by when, why, and what would be alerted.")
@click.argument("phase", required=False)
@click.option("--date", "day", metavar="D", help="The run date, as 2026-01-25. Default: today, in the pipeline's zone.")
@click.option("--at", metavar="T", help="As of a past moment: 2026-01-26T10:00:00-05:00.")
@click.option("--pipeline", metavar="NAME", help="Only this pipeline.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(
    ctx: click.Context, phase: str | None, day: str | None, at: str | None, pipeline: str | None, form: str
) -> None:
    """What is owed for a run date, by when (local and UTC) and why; what arrived, and what would be alerted.

    Where BigQuery cannot be asked, what the configuration says is explained all the same.

    \b
    Examples:
      phasewatch explain
      phasewatch explain phase3 --date 2026-01-25
      phasewatch explain --date 2026-01-25 --at 2026-01-26T08:00:00-05:00
      phasewatch explain phase4 --format json

    Exit codes: 0 explained, 2 wrong usage or configuration, 3 something could not be asked.
    """
    from checks.model import utc
    from checks.sources.completions import CompletionTables
    from monitor.embedded import EmulatorError
    from monitor.explain import as_json, as_text, gather
    from monitor.report.request import day_of, moment_of
    from monitor.wiring import parts
    from monitor.wiring.state_checks import recall

    try:
        now = utc(moment_of(at)) if at else SystemClock().now()
        run_date = day_of(day) if day else None
    except ValueError as error:
        raise click.UsageError(str(error), ctx) from error
    config = common.load_config(ctx)
    _known(config, pipeline, phase)
    with contextlib.ExitStack() as undo:
        blind = None
        try:
            where = undo.enter_context(parts.data(config, common.progress))
        except EmulatorError as error:
            blind, where = f"the local BigQuery cannot be used: {error}", parts.NOWHERE
        judges = parts.completion_checks(config, CompletionTables(parts.warehouse(config, where)))
        chosen = [
            judge
            for judge in judges
            if pipeline in (None, judge.pipeline.name) and (phase is None or phase in _phases(judge.pipeline))
        ]
        store = common.existing_store(config)
        if store is not None:
            undo.callback(store.close)
            recall(chosen, store)
        explained = [gather.explain(judge, run_date, now, only=phase, blind=blind) for judge in chosen]
    if form == "json":
        click.echo(as_json.render(explained), nl=False)
    else:
        import sys

        colour, width = common.coloured(sys.stdout), common.width_of_terminal()
        click.echo("\n".join(as_text.render(e, colour=colour, width=width) for e in explained), nl=False)
    ctx.exit(3 if any(e.unseen for e in explained) else 0)


def _known(config: Config, pipeline: str | None, phase: str | None) -> None:
    """Before a BigQuery is started for it: whether the configuration has that pipeline and that phase.

    :raises click.UsageError: with what it has.
    """
    from monitor.wiring import parts

    if not config.checks.completions.enabled:
        raise click.UsageError("completions are not checked: set `checks.completions.enabled`")
    there = parts.pipelines(config)
    if not there:
        raise click.UsageError("the configuration has no pipeline; write one under `pipelines`")
    wanted = [p for p in there if pipeline in (None, p.name)]
    if not wanted:
        raise click.UsageError(_unknown("pipeline", pipeline, [p.name for p in there]))
    phases = [name for p in wanted for name in _phases(p)]
    if phase is not None and phase not in phases:
        raise click.UsageError(_unknown("phase", phase, phases))


def _phases(pipeline: Pipeline) -> list[str]:
    return [phase.name for phase in pipeline.phases]


def _unknown(what: str, name: str | None, there: list[str]) -> str:
    return f"there is no {what} {name!r}; the configuration has: {', '.join(there) or 'none'}"
