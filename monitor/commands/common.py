"""What the commands share: loading the configuration, opening the state, telling progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from alerts.store.sql import Store
    from monitor.config.loading import Config


def load_config(ctx: click.Context) -> Config:
    """The configuration named on the command line.

    :raises monitor.config.loading.ConfigError: with every mistake and its place.
    """
    from monitor.config.loading import load

    return load(Path(ctx.find_root().obj), os.environ)


def progress(text: str) -> None:
    """A line of progress on stderr, where it does not disturb what the command prints."""
    click.secho(text, fg="bright_black", err=True)


def existing_store(config: Config) -> Store | None:
    """The state, if a watcher has ever made one; nothing is created."""
    from monitor.wiring import parts

    path = parts.state_file(config)
    return None if path is not None and not path.exists() else parts.open_state(config)


@contextmanager
def state(ctx: click.Context) -> Iterator[tuple[Config, Store]]:
    """The configuration and the state of a watcher that has run before; closed afterwards.

    :raises monitor.config.loading.ConfigError: with every mistake and its place.
    """
    config = load_config(ctx)
    store = existing_store(config)
    if store is None:
        raise click.UsageError("there is no state yet: no watcher has run with this configuration")
    try:
        yield config, store
    finally:
        store.close()


@contextmanager
def refused() -> Iterator[None]:
    """What cannot be done as asked is wrong usage, with the reason."""
    try:
        yield
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def coloured(stream: object) -> bool:
    """Colour only on a terminal, and not where NO_COLOR is set (no-color.org)."""
    return bool(getattr(stream, "isatty", lambda: False)()) and not os.environ.get("NO_COLOR")


def width_of_terminal() -> int:
    """Columns to draw in: the terminal's, at most 120; 80 where there is no terminal."""
    import shutil

    return min(shutil.get_terminal_size((80, 24)).columns, 120) if sys.stdout.isatty() else 80


def write(text: str, output: str | None) -> None:
    """To the file, or to stdout.

    :raises click.ClickException: if the file cannot be written.
    """
    if output is None or output == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from error


def exit_code(status: str) -> int:
    """0 healthy, 1 problems found, 3 could not see. DEGRADED needs nobody now: it is healthy."""
    return {"FAILING": 1, "UNKNOWN": 3}.get(str(status), 0)
