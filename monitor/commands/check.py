"""``phasewatch check``."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Sequence

import click

from checks.model import CheckRun
from monitor.clock import SystemClock
from monitor.commands import common


@click.command("check", short_help="Run checks once, now, and print what they find.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--exit-zero", is_flag=True, help="Exit with 0 whatever was found: for schedulers that take findings for a crash."
)
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...], form: str, exit_zero: bool) -> None:
    """Run the named checks (all, without a name) once and print what they find; nothing is stored, nobody is told.

    \b
    Examples:
      phasewatch check
      phasewatch check function_logs --format json
    """
    from checks import runner
    from monitor.wiring import parts

    config = common.load_config(ctx)
    clock = SystemClock()
    # Names are looked at before a BigQuery is started for them.
    there = sorted(check.name for check in parts.checks(config, parts.NOWHERE))
    unknown = sorted(set(names) - set(there))
    if unknown:
        raise click.UsageError(_unknown(unknown[0], there, type(config.checks).model_fields))
    with contextlib.ExitStack() as undo:
        where = undo.enter_context(parts.data(config, common.progress))
        known = {c.name: c for c in parts.checks(config, where)}
        runs = [
            runner.whole(known[name], clock.now(), blind_after=config.alerts.blind_after, clock=clock.now)
            for name in (names or there)
        ]
    if form == "json":
        click.echo(
            json.dumps({"schema_version": 1, "checks": [_as_json(r) for r in runs]}, indent=2, ensure_ascii=False)
        )
    else:
        for run in runs:
            _print(run)
    codes = {common.exit_code(r.status) for r in runs}
    ctx.exit(0 if exit_zero else 1 if 1 in codes else 3 if 3 in codes else 0)  # noqa: PLR2004  the exit codes of --help


def _unknown(name: str, known: Sequence[str], sections: Collection[str]) -> str:
    """Why a check of that name is not among those that the configuration makes; ``sections``: of ``checks:``."""
    there = f"the configuration has: {', '.join(known) or 'none'}"
    if name in sections:
        return f"the check {name!r} is not in use: set `checks.{name}` ({there})"
    return f"there is no check {name!r}; {there}"


def _as_json(run: CheckRun) -> dict[str, object]:
    from alerts.store.codec import to_json
    from monitor.report.as_json import evidence

    return {
        "name": run.check,
        "status": run.status.value,
        "error": run.error,
        "findings": [to_json(f) for f in run.findings],
        "evidence": evidence(run.evidence),
    }


def _print(run: CheckRun) -> None:
    from alerts.messages.text import clean, redact

    colour = {"OK": "green", "FAILING": "red", "UNKNOWN": "magenta"}.get(run.status.value, "yellow")
    click.secho(run.status.value, fg=colour, bold=True, nl=False)
    counts = ", ".join(f"{number} {name}" for name, number in run.evidence.counts.items())
    click.echo(f"  {run.check}  {counts}")
    for finding in run.findings:
        click.echo(f"  {finding.severity}: {redact(clean(finding.title))}")
        for name, value in finding.facts.items():
            if value not in (None, "", []):
                text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
                lines = redact(clean(text)).splitlines() or [""]
                click.echo(f"    {name}: {lines[0]}")
                for line in lines[1:]:
                    click.echo(f"      {line}")
    for unseen in run.evidence.unseen:
        click.echo(f"  not seen: {redact(clean(unseen))}")
