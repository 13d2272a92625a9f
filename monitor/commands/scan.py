"""``phasewatch scan``."""

from __future__ import annotations

import codecs
import contextlib
import gc
import glob
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import EXIT_BLIND, EXIT_HEALTHY, EXIT_PROBLEMS
from monitor.commands import common

if TYPE_CHECKING:
    from checks.exports.entries import Malformed
    from checks.logs.failures import ScanResult
    from checks.logs.faults import Failure
    from checks.logs.signals import Signal
    from checks.logs.signatures import Signature

STDIN = "-"
_DRAWN_TIMES = 100
_WRITTEN_AT_ONCE = 1_000


@click.command("scan", short_help="Find import and name failures in exported log entries.")
@click.argument("files", nargs=-1, metavar="[FILE|GLOB|-]...")
@click.option("--since", metavar="TIME", help="Look at entries written at this time or later (2026-01-26T09:00:00Z).")
@click.option("--until", metavar="TIME", help="Look at entries written before this time.")
@click.option("--service", "services", multiple=True, metavar="NAME", help="Look at this function only (repeatable).")
@click.option(
    "--signature",
    "patterns",
    multiple=True,
    metavar="NAME=RE2",
    help="A pattern of your own; what it matches is listed as a signal. Every entry is decoded then: slower.",
)
@click.option(
    "--thorough",
    is_flag=True,
    help="Validate every line also above 128 MiB in all, so that each broken one is counted: slower.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--exit-zero", is_flag=True, help="Exit with 0 instead of 1 if failures were found.")
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[str, ...],
    since: str | None,
    until: str | None,
    services: tuple[str, ...],
    patterns: tuple[str, ...],
    thorough: bool,
    form: str,
    exit_zero: bool,
) -> None:
    """Find failures in log entries, as `gcloud logging read --format=json` prints them.

    JSON lines and arrays, in any order, also .gz and .zst; standard input without a FILE. Needs no configuration. JSON
    lines are read many times faster than arrays: `jq -c '.[]'` makes them. The number of entries in the result is that
    of all entries read, also with --since, --until and --service.

    \b
    Examples:
      phasewatch scan entries.json
      phasewatch scan --service daily-import --since 2026-01-26T00:00:00-05:00 'exports/*.jsonl.gz'
      gcloud logging read 'severity>=DEFAULT' --freshness=1d --format=json | phasewatch scan

    Exit codes: 0 nothing found, 1 failures found, 2 wrong usage, 3 a file could not be read.
    """
    names = _expanded(files or (STDIN,))
    chosen = _filter(_moment("--since", since), _moment("--until", until), services)
    signatures = _signatures(patterns)
    unread: list[str] = []

    def failed(number: int, error: OSError) -> None:
        name = names[number]
        folder = isinstance(error, IsADirectoryError)
        why = f"it is a folder; name what is in it: '{name.rstrip('/')}/*.json*'" if folder else error.strerror or error
        unread.append(f"cannot read {name}: {why}")

    from monitor.scan import reading

    with contextlib.ExitStack() as undo:
        gc.disable()  # going over all that is held, again and again, takes a tenth of the time
        undo.callback(gc.enable)
        paths = [_spooled(undo) if name == STDIN else Path(name) for name in names]
        told = undo.enter_context(_progress(paths))
        result, tally = reading.scan(
            paths, signatures=signatures, chosen=chosen, told=told, failed=failed, thorough=thorough
        )
    counts = (result.entries + tally.passed, result.malformed + tally.skipped)
    if form == "json":
        pieces = _as_json(result, *counts)
        while some := "".join(itertools.islice(pieces, _WRITTEN_AT_ONCE)):
            click.echo(some, nl=False)
    else:
        from monitor.commands.scan_text import render

        click.echo(render(result, *counts), nl=False)
    _complain([(names[file], item) for file, item in tally.malformed], tally.skipped, unread)
    if tally.skipped:
        _advise({names[file] for file, _ in tally.malformed}, none_read=not counts[0])
    ctx.exit(_exit_code(result, counts, unread, exit_zero=exit_zero))


def _exit_code(result: ScanResult, counts: tuple[int, int], unread: Sequence[str], *, exit_zero: bool) -> int:
    entries, malformed = counts
    if result.failures:
        return EXIT_HEALTHY if exit_zero else EXIT_PROBLEMS
    return EXIT_BLIND if unread or (malformed and not entries) else EXIT_HEALTHY


def _complain(malformed: Sequence[tuple[str, Malformed]], skipped: int, unread: Sequence[str]) -> None:
    """On stderr: what was not read, with its place."""
    for name, item in malformed:
        common.progress(f"{name}:{item.line}: {item.reason}")
    if skipped > len(malformed):
        common.progress(f"and {skipped - len(malformed)} more that are no log entries")
    for sentence in unread:
        click.secho(sentence, fg="red", err=True)


def _advise(names: Iterable[str], *, none_read: bool) -> None:
    """On stderr: what to do about files in which much was not read."""
    for name in sorted(names):
        with contextlib.suppress(OSError), Path(name).open("rb") as file:
            if file.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
                common.progress(f"{name} is UTF-16, as PowerShell writes it: iconv -f utf-16 -t utf-8 {name}")
                return
    if none_read:
        common.progress("entries are read as JSON: gcloud logging read ... --format=json")


# -- what was asked for ------------------------------------------------------------------------------------------------


def _expanded(names: Sequence[str]) -> list[str]:
    """Files in the order given, those of a pattern sorted, none twice."""
    found: dict[str, None] = {}
    for name in names:
        if name == STDIN or Path(name).exists() or not glob.has_magic(name):
            found[name] = None
            continue
        matches = sorted(match for match in glob.glob(name, recursive=True) if not Path(match).is_dir())  # noqa: PTH207 - Path.glob refuses absolute patterns
        if not matches:
            raise click.UsageError(f"no file matches {name}")
        found.update(dict.fromkeys(matches))
    return list(found)


def _moment(option: str, value: str | None) -> datetime | None:
    """An RFC 3339 time with its offset."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise click.BadParameter(
            f"{value!r} is no time with an offset, such as 2026-01-26T09:00:00Z or 2026-01-26T09:00:00-05:00",
            param_hint=option,
        )
    return moment


def _filter(
    since: datetime | None, until: datetime | None, services: Sequence[str]
) -> Callable[[Mapping[str, Any]], bool] | None:
    """Whether an entry is to be looked at; None: all are."""
    from checks.logs.entry import moment, service_of, written
    from checks.plain import normal_service

    if since is not None and until is not None and until <= since:
        raise click.UsageError("--until must be later than --since")
    if since is None and until is None and not services:
        return None
    wanted = frozenset(normal_service(name) for name in services)

    def chosen(raw: Mapping[str, Any]) -> bool:
        if wanted and service_of(raw) not in wanted:
            return False
        nanos = written(raw)
        if nanos is None:  # the scan counts it as malformed if it matters
            return True
        at = moment(nanos)
        return (since is None or at >= since) and (until is None or at < until)

    return chosen


def _signatures(patterns: Sequence[str]) -> tuple[Signature, ...]:
    from checks.logs.signatures import compile_signatures

    named = {}
    for pattern in patterns:
        name, equals, expression = pattern.partition("=")
        if not equals or not name or not expression:
            raise click.BadParameter(f"{pattern!r} is not NAME=PATTERN", param_hint="--signature")
        named[name] = expression
    try:
        return compile_signatures(named)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--signature") from error


# -- reading -----------------------------------------------------------------------------------------------------------


def _spooled(undo: contextlib.ExitStack) -> Path:
    """Standard input in a temporary file: what comes first is looked at again when all is known."""
    import shutil
    import tempfile

    path = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="phasewatch-"))) / "stdin"
    with path.open("wb") as spool:
        shutil.copyfileobj(sys.stdin.buffer, spool, 1024 * 1024)
    return path


@contextlib.contextmanager
def _progress(paths: Sequence[Path]) -> Iterator[Callable[[int], None]]:
    """On a terminal: how much is done, at what rate, and the time left."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    total = sum(path.stat().st_size for path in paths if path.is_file())
    columns = ("{task.description}", BarColumn(20), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    # Refreshed by hand: its own thread must not run while processes are forked.
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task("scanning", total=total)
        drawn = done = 0

        def told(size: int) -> None:
            nonlocal drawn, done
            done += size
            # Drawing takes longer than reading some megabytes.
            if done >= total or abs(done - drawn) * _DRAWN_TIMES >= total:
                bar.update(task, completed=done, description="judging " if done >= total else "scanning", refresh=True)
                drawn = done

        yield told


def _as_json(result: ScanResult, entries: int, malformed: int) -> Iterator[str]:
    """The object of the contract in pieces, with a line for each failure and each signal."""
    yield f'{{\n  "schema_version": 1,\n  "entries": {entries},\n  "malformed": {malformed},\n  "failures": '
    yield from _listed(result.failures)
    yield ',\n  "signals": '
    yield from _listed(result.signals)
    yield "\n}\n"


def _listed(some: Sequence[Failure | Signal]) -> Iterator[str]:
    between = "[\n    "
    encode = json.JSONEncoder(ensure_ascii=False).encode
    for one in some:
        yield between + encode(one.as_json())
        between = ",\n    "
    yield "\n  ]" if some else "[]"
