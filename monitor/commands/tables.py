"""``phasewatch tables``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from monitor.clock import SystemClock
from monitor.commands import common

if TYPE_CHECKING:
    from checks.tables.model import RequiredTable
    from monitor.config.loading import Config
    from monitor.table_plan import Looked, Plan

_MARKS = {"ok": "=", "missing": "+", "different": "~", "unknown": "?"}
_SHADES = {"ok": "green", "missing": "cyan", "different": "yellow", "unknown": "magenta"}


@click.group("tables", short_help="Compare required tables with the live ones; create what is missing.")
def command() -> None:
    """Required tables (those of the configuration, and the completions and calendars that pipelines read) against what
    BigQuery has.

    \b
    Examples:
      phasewatch tables plan                   what is missing or different; changes nothing
      phasewatch tables plan --format json
      phasewatch tables apply                  create what is missing, after asking
      phasewatch tables apply --yes            for automation
    """


@command.command("plan", short_help="Say what is missing or different, and change nothing.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def plan(ctx: click.Context, form: str) -> None:
    """Compare every required table with the live one, field by field. Reads metadata only, which costs nothing.

    Exit codes: 0 nothing to do, 1 something is missing or different, 2 wrong usage or configuration, 3 could not see.

    \b
    Examples:
      phasewatch tables plan
      phasewatch tables plan --format json
    """
    from monitor import table_apply
    from monitor.wiring import parts

    config = common.load_config(ctx)
    required = _required(ctx, config)
    with parts.data(config, common.progress) as where:
        found = table_apply.look(parts.warehouse(config, where), required)
    if form == "json":
        click.echo(json.dumps(found.as_json(), indent=2, ensure_ascii=False))
    else:
        _print(found, config)
        _print_end(found)
    ctx.exit(found.exit_code)


@command.command("apply", short_help="Create missing datasets, tables and fields, after asking.")
@click.option("--yes", is_flag=True, help="Do not ask: for automation.")
@click.option("--location", metavar="NAME", help="Where datasets are made, US or us-west2. Default: BigQuery's choice.")
@click.pass_context
def apply(ctx: click.Context, yes: bool, location: str | None) -> None:
    """Create missing datasets and tables, and add missing fields that may be NULL. Nothing is dropped or rewritten;
    what it cannot do is named, with what helps. Needs roles/bigquery.dataEditor, which the watcher itself does not.

    Exit codes: 0 all tables are as required now, 1 something is left that a person must do, 3 could not see.

    \b
    Examples:
      phasewatch tables apply
      phasewatch tables apply --yes --location us-west2
    """
    from monitor import table_apply
    from monitor.wiring import parts

    config = common.load_config(ctx)
    required = _required(ctx, config)
    with parts.data(config, common.progress) as where:
        warehouse = parts.warehouse(config, where, parts.WRITE_WITHIN)
        found = table_apply.look(warehouse, required)
        _print(found, config)
        if not _agreed(ctx, found, yes=yes):
            ctx.exit(found.exit_code)
        table_apply.apply(
            warehouse,
            found.steps(),
            embedded=config.mode == "embedded",
            location=location,
            done=lambda text: click.echo(f"done: {text}"),
        )
        left = table_apply.look(warehouse, required)
    click.echo()
    _print(left, config)
    _print_end(left, applied=True)
    ctx.exit(left.exit_code)


def _required(ctx: click.Context, config: Config) -> tuple[RequiredTable, ...]:
    """Those that are required today."""
    from monitor.wiring.tables import required_tables

    today = SystemClock().now().date()
    required = tuple(table for table in required_tables(config) if table.valid_on(today))
    if not required:
        raise click.UsageError("the configuration requires no table: add `tables:` or a pipeline", ctx)
    return required


def _agreed(ctx: click.Context, found: Plan, *, yes: bool) -> bool:
    """Whether there is something to do, and somebody wants it."""
    steps = found.steps()
    if not steps:
        _print_end(found)
        return False
    _print_steps("This will be done:", found)
    if yes:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError("nothing was changed: there is no terminal to ask on; add --yes to go ahead", ctx)
    if click.confirm("Go ahead?", default=False):
        return True
    click.echo("Nothing was changed.")
    return False


def _print(found: Plan, config: Config) -> None:
    """The tables, a paragraph each."""
    width = common.width_of_terminal()
    colour = common.coloured(sys.stdout)
    number = len(found.tables)
    click.echo(f"project {config.gcp.project}, {number} required table{'' if number == 1 else 's'}")
    for looked in found.tables:
        for text, shade in _lines(looked, config.gcp.project, width):
            click.echo(click.style(text, fg=shade) if colour and shade else text)


def _lines(looked: Looked, project: str, width: int) -> Iterator[tuple[str, str | None]]:
    """One table: how it stands, then a line for each difference and below it what helps."""
    from alerts.messages.text import clean, redact
    from checks.model import Severity
    from checks.tables.compare import trouble
    from monitor.table_plan import State, shape_words

    state = looked.state
    name = looked.table.name.removeprefix(f"{project}.")
    yield f"{_MARKS[state.value]} {name}: {state.value}", _SHADES[state.value]
    if state is State.MISSING:
        shape = shape_words(looked.table) or "only its name is known: it cannot be created from here"
        yield from ((line, None) for line in _wrapped(shape, "    ", width))
    if looked.error is not None:
        for text in (looked.error, f"-> {looked.remedy}" if looked.remedy else ""):
            yield from ((line, "magenta") for line in _wrapped(redact(clean(text)), "    ", width) if text)
    for difference in trouble(looked.differences):
        mark = "!" if difference.add is None else "+"
        yield from ((line, "yellow") for line in _wrapped(f"{mark} {difference.words()}", "    ", width))
        if difference.add is None and difference.remedy:
            yield from ((line, None) for line in _wrapped(f"-> {difference.remedy}", "      ", width))
    further = ", ".join(d.field or "" for d in looked.differences if d.severity is Severity.INFO)
    if further:
        yield from ((line, None) for line in _wrapped(f"(not in the definition: {further})", "    ", width))


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _print_steps(lead: str, found: Plan) -> None:
    click.echo(lead)
    for step in found.steps():
        for line in _wrapped(step.words(), "  ", common.width_of_terminal()):
            click.echo(line)


def _print_end(found: Plan, *, applied: bool = False) -> None:
    """What is to be done now, in a line or two."""
    from monitor.table_plan import State

    steps, beyond = len(found.steps()), found.beyond()
    unseen = sum(looked.state is State.UNKNOWN for looked in found.tables)
    if steps and not applied:
        _print_steps("To do (run `phasewatch tables apply`):", found)
    if beyond:
        click.echo(f"For a person: {beyond}; `apply` cannot do {'it' if beyond == 1 else 'them'}.")
    if unseen:
        click.echo(f"Not seen: {unseen}.")
    if not (steps or beyond or unseen):
        click.echo("Nothing to do.")
