"""``phasewatch watch``."""

from __future__ import annotations

import os
import queue
import signal
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor import collector
from monitor.clock import SystemClock
from monitor.commands import common

if TYPE_CHECKING:
    from monitor.config.loading import Config
    from monitor.daemon.app import App


@click.command("watch", short_help="Start the watcher: scheduled checks, alerts, HTTP server.")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Run until Ctrl-C or SIGTERM: checks on time, alerts to the configured channels, health and report over HTTP.

    SIGHUP reads the configuration again and puts it in force between two checks; if it is wrong the old one stays,
    and that is told.

    \b
    Examples:
      phasewatch watch
      PHASEWATCH_MODE=gcp SLACK_BOT_TOKEN=xoxb-... phasewatch watch
      kill -HUP PID                           take the changed configuration
    """
    from monitor.daemon.app import App

    config = common.load_config(ctx)
    # What a signal asks for: True to stop, False to read the configuration again.
    asked: queue.SimpleQueue[bool] = queue.SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.put(True))
    signal.signal(signal.SIGHUP, lambda *_: asked.put(False))
    app = App(config, SystemClock(), stream=sys.stdout, progress=common.progress)
    app.start()
    collector.settle()
    try:
        click.echo(first_screen(config, app))
        while not asked.get():
            _reload(ctx, app)
        # A second Ctrl-C ends it at once.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        common.progress("stopping: running checks end, unsent messages are kept for the next start")
    finally:
        app.stop()
    common.progress("stopped")


def _reload(ctx: click.Context, app: App) -> None:
    """Take the configuration in the file, or say why not and keep the old one."""
    from monitor.config.problems import ConfigError
    from monitor.daemon.reloading import ReloadError
    from monitor.wiring.parts import ChannelError

    try:
        app.reload(common.load_config(ctx))
    except (ConfigError, ReloadError, ChannelError) as error:
        app.refuse(str(error))
        common.progress(f"the configuration was not taken, the old one stays in force:\n{error}")
    else:
        common.progress("the changed configuration is in force")


def first_screen(config: Config, app: App) -> str:
    """What a person sees first: what is watched, where the report is, how to feed it, how to go on from there."""
    from monitor.wiring import parts

    me = _shown(Path(sys.argv[0]))
    lines: list[tuple[str, str]] = []
    for check in app.checks:
        about = f"pipeline {check.about.pipeline}, " if check.about.pipeline else ""
        lines.append(("watching", f"{about}{check.name} every {check.every.total_seconds():.0f} s"))
    for pipeline in config.pipelines:
        phases = " -> ".join(p.name for p in pipeline.to_pipeline().phases)
        lines.append(("pipeline", f"{pipeline.name}: {phases} ({pipeline.timezone})"))
    lines.append(("report", f"{app.url}/  or  {me} report"))
    lines.append(("health", f"{app.url}/healthz  {app.url}/readyz"))
    for name, channel in config.alerts.channels.items():
        lines.append(("alerts", f"{name}: {f'off, {channel.off}' if channel.off else 'on'}"))
    own = "also hears what is wrong with phasewatch itself"
    lines.extend(("alerts", f"{name} {own}") for name in config.alerts.fallback)
    pinged = f"pinged every {config.watchdog.every.total_seconds():.0f} s" if config.watchdog.url else None
    lines.append(("watchdog", pinged or "none outside; with HEALTHCHECKS_URL somebody hears if this dies"))
    state = parts.state_file(config)
    lines.append(("state", _shown(state) if state else config.state.url.shown()))
    if config.mode == "embedded":
        lines += [
            ("feed it", f"{_shown(config.embedded.logs)}/*.json: log entries as gcloud exports them"),
            ("", f"{me} record --schedule FILE: the calendar"),
            ("", f"{me} record --file FILE: completions"),
            ("", f"{me} demo: an outage, found and resolved in a minute"),
            ("for real", "PHASEWATCH_MODE=gcp, with Application Default Credentials"),
            ("", "SLACK_BOT_TOKEN=xoxb-... for alerts in Slack; see README.md"),
        ]
    lines.append(("stop", "Ctrl-C"))
    out = [f"phasewatch {version('phasewatch')}, mode {config.mode}", ""]
    last = ""
    for label, text in lines:
        out.append(f"  {label if label != last else '':<9} {text}")
        last = label or last
    return "\n".join([*out, ""])


def _shown(path: Path) -> str:
    """A path as short as it may be: relative where that is below the current folder."""
    try:
        return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
    except OSError:
        return str(path)
