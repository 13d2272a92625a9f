"""``phasewatch doctor``."""

from __future__ import annotations

import contextlib
import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from monitor.clock import SystemClock
from monitor.commands import common

if TYPE_CHECKING:
    from monitor.config.loading import Config
    from monitor.doctor.trials import Verdict


@click.command("doctor", short_help="Try every source and channel, and say what is missing.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1, max=600),
    default=30.0,
    show_default=True,
    help="Seconds after which what has not answered counts as not to be seen.",
)
@click.pass_context
def command(ctx: click.Context, form: str, timeout: float) -> None:
    """Try BigQuery, the tables, the logs, each channel, the state and the port, all at once and without changing
    anything. Says what works, and for what does not the missing role, scope or setting and the command that helps.

    Exit codes: 0 all good, 1 something failed that a person can mend, 2 wrong usage, 3 something could not be seen.

    \b
    Examples:
      phasewatch doctor
      phasewatch doctor --format json --timeout 10
    """
    from monitor.doctor import trials

    config = common.load_config(ctx)
    verdicts = examine(config, timedelta(seconds=timeout))
    code = trials.exit_code(verdicts)
    if form == "json":
        answer = {"schema_version": 1, "exit_code": code, "verdicts": [_clean(v).as_json() for v in verdicts]}
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        for line in lines(verdicts, colour=common.coloured(sys.stdout)):
            click.echo(line, color=True)
    ctx.exit(code)


def examine(config: Config, timeout: timedelta) -> list[Verdict]:
    """All verdicts. The local BigQuery, where it is used, is attached to, or started for the time being."""
    from monitor.doctor import probes, trials
    from monitor.embedded import EmulatorError, attach_or_start
    from monitor.wiring import parts

    clock = SystemClock()
    endpoint = config.gcp.endpoints.bigquery
    with contextlib.ExitStack() as undo:
        first: list[Verdict] = []
        where: parts.Data | None = parts.Data(endpoint=endpoint, emulator=None)
        if config.mode == "embedded" and endpoint is None:
            try:
                emulator = undo.enter_context(
                    attach_or_start(config.var, config.gcp.project, ready_within=timeout, progress=common.progress)
                )
                where = parts.Data(endpoint=emulator.endpoint, emulator=emulator)
            except EmulatorError as error:
                where = None
                first.append(trials.failed("bigquery", str(error), remedy=error.remedy))
        return first + trials.run_all(probes.trials(config, where, clock, timeout), timeout)


def lines(verdicts: list[Verdict], *, colour: bool) -> list[str]:
    """The verdicts for people: a line each, and below it what to do and what else there is to know."""
    width = max((len(v.name) for v in verdicts), default=0)
    out = []
    for verdict in map(_clean, verdicts):
        state = f"{verdict.state:<6}"
        if colour:
            shade = {"OK": "green", "FAILED": "red"}.get(verdict.state.value, "bright_black")
            state = click.style(state, fg=shade, bold=True)
        first, *rest = verdict.said.splitlines() or [""]
        out.append(f"{state}  {verdict.name:<{width}}  {first}")
        indent = " " * (8 + width + 2)
        out += [f"{indent}{line}" for line in rest]
        if verdict.remedy:
            out.append(f"{indent}-> {verdict.remedy}")
        out += [f"{indent}({note})" for note in verdict.notes]
    return out


def _clean(verdict: Verdict) -> Verdict:
    """Without what could harm a terminal, and without secrets, wherever the words came from."""
    from dataclasses import replace

    from alerts.messages.text import clean, redact

    return replace(
        verdict,
        said=redact(clean(verdict.said)),
        remedy=verdict.remedy and redact(clean(verdict.remedy)),
        notes=tuple(redact(clean(note)) for note in verdict.notes),
    )
