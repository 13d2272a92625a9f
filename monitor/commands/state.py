"""``phasewatch state``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from checks.fields import duration_text
from checks.model import JsonValue
from monitor.clock import SystemClock
from monitor.commands import common

if TYPE_CHECKING:
    from alerts.store.sql import Store
    from monitor.config.loading import Config

SCHEMA_VERSION = 1


@click.group("state", short_help="Show, prune or copy the stored state.")
def command() -> None:
    """The state holds faults, incidents, their history, and the messages to send.

    \b
    Examples:
      phasewatch state info
      phasewatch state backup /backups/phasewatch.db
      phasewatch state prune
    """


@command.command("info", short_help="Where it is, how large, whether it will last.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def info(ctx: click.Context, form: str) -> None:
    """Where the state is, what it holds, whether its storage lasts, and how much room is left.

    \b
    Examples:
      phasewatch state info
    """
    from alerts.store.schema import SCHEMA_VERSION as TABLES
    from monitor import storage
    from monitor.wiring import parts

    config = common.load_config(ctx)
    store = _store(config)
    try:
        size = store.upkeep.size()
    finally:
        store.close()
    path = parts.state_file(config)
    held = None if path is None else storage.look(path)
    where = str(path) if path is not None else config.state.url.shown()
    if form == "json":
        about: JsonValue = {
            "schema_version": SCHEMA_VERSION,
            "where": where,
            "tables_version": TABLES,
            "bytes": size.bytes,
            "rows": dict(size.rows),
            "storage": None if held is None else held.to_json(),
        }
        click.echo(json.dumps(about, indent=2))
        return
    click.echo(f"{where}, version {TABLES}, {_megabytes(size.bytes)}")
    for name, number in size.rows.items():
        click.echo(f"  {number:>9,}  {name.replace('_', ' ')}")
    keep = config.state.keep
    click.echo(f"kept: what is over for {duration_text(keep.history)}, runs of checks for {duration_text(keep.runs)}")
    if held is not None:
        click.echo(f"storage: {held.sentence}; {_megabytes(held.free_bytes)} free")


@command.command("prune", short_help="Delete what is over for longer than it is kept.")
@click.option("--vacuum", is_flag=True, help="Also rewrite a SQLite file without free pages; stop the watcher first.")
@click.pass_context
def prune(ctx: click.Context, vacuum: bool) -> None:
    """Delete what is over for longer than `state.keep` says. The watcher does the same every hour; what is open,
    waiting or given up is never deleted.

    \b
    Examples:
      phasewatch state prune
      phasewatch state prune --vacuum
    """
    from monitor.daemon import guards

    config = common.load_config(ctx)
    keep = guards.keep(config)
    store = _store(config)
    total = 0
    try:
        while gone := store.upkeep.step(keep, SystemClock().now()):
            total += gone
            common.progress(f"{total:,} rows deleted")
        store.upkeep.shrink(whole=vacuum)
        size = store.upkeep.size()
    finally:
        store.close()
    click.echo(f"deleted {total:,} rows; the state has {_megabytes(size.bytes)}")


@command.command("backup", short_help="Copy the state while it is in use.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.pass_context
def backup(ctx: click.Context, file: Path, force: bool) -> None:
    """Copy a SQLite state to FILE, consistent even while a watcher runs, and check the copy. To go back to it, stop the
    watcher and put the copy in the place of the state (delete the files ending in -wal and -shm).

    \b
    Examples:
      phasewatch state backup /backups/phasewatch-$(date +%F).db
    """
    from alerts.store.migrate import copy
    from monitor.wiring import parts

    config = common.load_config(ctx)
    path = parts.state_file(config)
    if path is None:
        raise click.UsageError(
            f"the state is on a server: use its own tool, as in: pg_dump --format=custom --file={file} DATABASE\n"
            f"(the state is {config.state.url.shown()})"
        )
    if not path.exists():
        raise click.UsageError(f"there is no state yet: {path}")
    if file.exists() and not force:
        raise click.UsageError(f"{file} exists; name another file, or say --force")

    def tell(done: int, pages: int) -> None:
        if pages:
            common.progress(f"{done * 100 // pages} % of {pages:,} pages")

    copy(path, file, tell)
    click.echo(f"{file}: {_megabytes(file.stat().st_size)}, checked")


def _store(config: Config) -> Store:
    store = common.existing_store(config)
    if store is None:
        raise click.UsageError("there is no state yet: no watcher has run")
    return store


def _megabytes(number: int | None) -> str:
    return "size not known" if number is None else f"{number / 1_000_000:,.1f} MB"
