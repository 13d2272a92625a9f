"""``phasewatch report``."""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from monitor.clock import SystemClock
from monitor.commands import common

if TYPE_CHECKING:
    from monitor.report.model import HealthReport


@click.command("report", short_help="Print the health report.")
@click.option(
    "--date", "day", metavar="D", help="Last run date shown, as 2026-01-25. Default: today, in the pipeline's zone."
)
@click.option("--days", metavar="N", help="How many run dates, ending at --date. Default: 4.")
@click.option("--at", metavar="T", help="Judge as of a past moment: 2026-01-26T10:00:00-05:00.")
@click.option("--pipeline", metavar="NAME", help="Only this pipeline.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown", "html", "slack"]),
    default="text",
    show_default=True,
)
@click.option("-o", "--output", metavar="FILE", help="Write to a file instead of the terminal.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of --format json and exit.")
@click.pass_context
def command(
    ctx: click.Context,
    day: str | None,
    days: str | None,
    at: str | None,
    pipeline: str | None,
    form: str,
    output: str | None,
    schema: bool,
) -> None:
    """What is owed, what arrived, what is broken and why. Reads everything anew and writes nothing.

    \b
    Examples:
      phasewatch report
      phasewatch report --date 2026-01-25 --days 7
      phasewatch report --days 14                          the history as a grid
      phasewatch report --at 2026-01-26T10:00:00-05:00 --format json -o report.json
      phasewatch report --format html -o report.html       one file, opens anywhere

    Exit codes: 0 healthy, 1 problems found, 2 wrong usage or configuration, 3 could not see.
    """
    if schema:
        import json

        from monitor.report import as_json

        common.write(json.dumps(as_json.schema(), indent=2) + "\n", output)
        return
    from monitor.report.asking import ask
    from monitor.report.request import Request
    from monitor.wiring import parts

    now = SystemClock().now()
    given = {"date": day, "days": days, "at": at, "pipeline": pipeline}
    try:
        request = Request.parse({k: v for k, v in given.items() if v}, now)
    except ValueError as error:
        raise click.UsageError(str(error), ctx) from error
    config = common.load_config(ctx)
    with contextlib.ExitStack() as undo:
        where = undo.enter_context(parts.data(config, common.progress))
        try:
            questions = undo.enter_context(ask(config, where, request))
        except ValueError as error:
            raise click.UsageError(str(error), ctx) from error
        # BigQuery is at work: what its answers are judged and shown by is loaded only now.
        from monitor.report import gather

        draw = _drawn(form, output)
        store = common.existing_store(config)
        if store is not None:
            undo.callback(store.close)
        report = gather.answered(config, questions, store, now)
    common.write(draw(report), output)
    ctx.exit(common.exit_code(report.status))


def _drawn(form: str, output: str | None) -> Callable[[HealthReport], str]:
    """What makes the text of a report in that form; the text form suits the terminal."""
    render: Callable[..., str] = importlib.import_module(f"monitor.report.as_{form}").render
    if form != "text":
        return render
    colour = output is None and common.coloured(sys.stdout)
    return functools.partial(render, colour=colour, width=common.width_of_terminal())
