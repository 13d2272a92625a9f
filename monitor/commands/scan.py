"""``phasewatch scan``."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from monitor.cli import EXIT_BLIND, EXIT_HEALTHY, EXIT_PROBLEMS
from monitor.commands import common

if TYPE_CHECKING:
    from checks.exports import Malformed
    from checks.logs.failures import ScanResult

SHOWN_MALFORMED = 5


@click.command("scan", short_help="Find import and name failures in exported log entries.")
@click.argument("files", nargs=-1, metavar="[FILE|-]...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever was found.")
@click.pass_context
def command(ctx: click.Context, files: tuple[str, ...], form: str, exit_zero: bool) -> None:
    """Find failures in log entries, as `gcloud logging read --format=json` prints them.

    JSON lines and arrays, also .gz and .zst; standard input without a FILE. Needs no configuration.

    \b
    Examples:
      phasewatch scan entries.json
      gcloud logging read 'severity>=DEFAULT' --freshness=1d --format=json | phasewatch scan
      phasewatch scan --format json day1.jsonl.gz day2.jsonl.gz

    Exit codes: 0 nothing found, 1 failures found, 2 wrong usage, 3 nothing could be read.
    """
    from checks.exports import Malformed
    from checks.logs.failures import scan

    malformed: list[tuple[str, Malformed]] = []

    def entries() -> Iterator[Mapping[str, Any]]:
        for name, item in _items(files or ("-",)):
            if isinstance(item, Malformed):
                malformed.append((name, item))
            else:
                yield item

    result = scan(entries())
    if form == "json":
        click.echo(json.dumps(_as_json(result, len(malformed)), indent=2, ensure_ascii=False))
    else:
        _print(result, len(malformed))
    for name, item in malformed[:SHOWN_MALFORMED]:
        common.progress(f"{name}:{item.line}: {item.reason}")
    if len(malformed) > SHOWN_MALFORMED:
        common.progress(f"and {len(malformed) - SHOWN_MALFORMED} more that are no log entries")
    code = EXIT_HEALTHY
    if result.failures:
        code = EXIT_PROBLEMS
    elif malformed and not result.entries:
        code = EXIT_BLIND
    ctx.exit(0 if exit_zero else code)


def _items(files: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, Any] | Malformed]]:
    from checks.exports import iter_entries

    for name in files:
        with contextlib.ExitStack() as undo:
            try:
                stream: BinaryIO = sys.stdin.buffer if name == "-" else undo.enter_context(Path(name).open("rb"))
                for item in iter_entries(stream):
                    yield name, item
            except OSError as error:
                raise click.UsageError(f"cannot read {name}: {error.strerror}") from error


def _as_json(result: ScanResult, malformed: int) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "entries": result.entries,
        "malformed": result.malformed + malformed,
        "failures": [f.as_json() for f in result.failures],
        "signals": [s.as_json() for s in result.signals],
    }


def _print(result: ScanResult, malformed: int) -> None:
    from alerts.text import clean, redact

    for failure in result.failures:
        message = f"{failure.exception}: {failure.message}" if failure.message else failure.exception
        click.secho(redact(clean(message)), bold=True)
        where = f"{failure.file}:{failure.line}" if failure.file else "no traceback"
        handled = "handled" if failure.handled else "crash"
        click.echo(f"  {failure.service} {failure.revision or ''}  {clean(where)}  {failure.count} times, {handled}")
        for line in redact(clean(failure.sample)).splitlines():
            click.echo(f"    {line}")
    found = len(result.failures)
    skipped = result.malformed + malformed
    click.echo(f"{found} failure{'s' if found != 1 else ''} in {result.entries} entries; {skipped} malformed")
