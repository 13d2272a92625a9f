"""``phasewatch report``."""

from __future__ import annotations

import contextlib
import importlib

import click

from monitor.clock import SystemClock
from monitor.commands import common

FORMS = ("text", "json", "markdown", "html", "slack")


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
    import json

    from monitor import wiring
    from monitor.report import gather

    if schema:
        from monitor.report import as_json

        common.write(json.dumps(as_json.schema(), indent=2) + "\n", output)
        return
    now = SystemClock().now()
    given = {"date": day, "days": days, "at": at, "pipeline": pipeline}
    try:
        request = gather.Request.parse({k: v for k, v in given.items() if v}, now)
    except ValueError as error:
        raise click.UsageError(str(error), ctx) from error
    config = common.load_config(ctx)
    with contextlib.ExitStack() as undo:
        where = undo.enter_context(wiring.data(config, common.progress))
        store = common.existing_store(config)
        if store is not None:
            undo.callback(store.close)
        try:
            report = gather.gather(config, where, store, request, now)
        except ValueError as error:
            raise click.UsageError(str(error), ctx) from error
    if form == "text":
        import sys

        from monitor.report import as_text

        colour = output is None and common.coloured(sys.stdout)
        text = as_text.render(report, colour=colour, width=common.width_of_terminal())
    else:
        text = importlib.import_module(f"monitor.report.as_{form}").render(report)
    common.write(text, output)
    ctx.exit(common.exit_code(report.status))
