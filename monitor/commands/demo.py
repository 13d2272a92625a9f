"""``phasewatch demo``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.commands import common

if TYPE_CHECKING:
    from monitor.clock import AcceleratedClock
    from monitor.daemon.app import App


@click.command("demo", short_help="The outage, replayed in about a minute on the embedded default.")
@click.option(
    "--slack", is_flag=True, help="Send the alerts to Slack too, as set by SLACK_BOT_TOKEN and SLACK_CHANNEL."
)
@click.pass_context
def command(ctx: click.Context, slack: bool) -> None:
    """Replay an outage: a function fails to record a phase, the phase behind it waits, two repairs, the end.

    Everything is real but the clock: a local BigQuery in a folder of its own, log files, the watcher's own checks and
    alerts. Nothing of your configuration or state is touched.

    \b
    Examples:
      phasewatch demo
      SLACK_BOT_TOKEN=xoxb-... SLACK_CHANNEL='#test' phasewatch demo --slack
    """
    from monitor import demo

    alerts = demo.WITH_SLACK if slack else None
    with tempfile.TemporaryDirectory(prefix="phasewatch-demo-") as folder:
        config = demo.prepare(Path(folder), alerts)
        code = demo.play(config, sys.stdout, _report)
    ctx.exit(code)


def _report(app: App, clock: AcceleratedClock) -> str:
    from monitor.report import as_text, gather

    now = clock.now()
    report = gather.gather(app.config, app.data, app.store, gather.Request(at=now), now, speed=clock.speed)
    return as_text.render(report, colour=common.coloured(sys.stdout), width=common.width_of_terminal())
