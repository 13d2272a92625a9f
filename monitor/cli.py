"""The command line. Each command lives in its own module and is imported when it is called: start-up stays quick."""

from __future__ import annotations

import importlib
import sys
from typing import IO, Any

import click

from monitor import collector

COMMANDS = {
    "watch": ("monitor.commands.watch", "Start the watcher: scheduled checks, alerts, HTTP server."),
    "explain": (
        "monitor.commands.explain",
        "Say what is owed for a date, by when, why, and what would be alerted.",
    ),
    "check": ("monitor.commands.check", "Run checks once, now, and print what they find."),
    "report": ("monitor.commands.report", "Print the health report."),
    "scan": ("monitor.commands.scan", "Find import and name failures in exported log entries."),
    "preflight": (
        "monitor.commands.preflight",
        "Before a deployment: imports, names, requirements of what is shipped.",
    ),
    "record": ("monitor.commands.record", "Write completions, or the calendar, to the configured tables."),
    "tables": ("monitor.commands.tables", "Compare required tables with the live ones; create what is missing."),
    "incidents": ("monitor.commands.incidents", "List incidents, or show one with its history."),
    "ack": ("monitor.commands.ack", "Acknowledge an incident: no more reminders of it."),
    "resolve": ("monitor.commands.resolve", "Close an incident by hand, with a reason."),
    "silence": ("monitor.commands.silence", "Mute messages for a while: add, list, expire."),
    "outbox": ("monitor.commands.outbox", "List, resend or drop messages that did not arrive."),
    "state": ("monitor.commands.state", "Show, prune or copy the stored state."),
    "alerts": ("monitor.commands.alerts", "What would have been told over past days."),
    "doctor": ("monitor.commands.doctor", "Try every source and channel, and say what is missing."),
    "test-alert": ("monitor.commands.test_alert", "Send a marked test message through each channel."),
    "config": ("monitor.commands.config", "Check, show or describe the configuration."),
    "demo": ("monitor.commands.demo", "The outage, replayed in about a minute on the embedded default."),
    "completion": ("monitor.commands.completion", "Print the shell completion script for bash, zsh or fish."),
}
EXIT_HEALTHY, EXIT_PROBLEMS, EXIT_USAGE, EXIT_BLIND = 0, 1, 2, 3


class Refusal(click.ClickException):
    """A sentence for people, and the exit code that goes with it."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code

    def show(self, file: IO[Any] | None = None) -> None:
        """As click does, and leave with our own code."""
        super().show(file)
        sys.exit(self.code)


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called or their own help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order people meet them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, and name the nearest command to a misspelt one."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what can go wrong outside the program becomes a sentence and an exit code."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, SystemExit):
            raise
        except Exception as error:
            told = _explain(error)
            if told is None:
                raise
            raise told from error


def _explain(error: Exception) -> click.ClickException | None:
    """The sentence for an error of the world outside; None for a bug of ours."""
    module, name = type(error).__module__, type(error).__name__
    codes = {
        "ConfigError": EXIT_USAGE,
        "ChannelError": EXIT_USAGE,
        "StateError": EXIT_USAGE,
        "AlreadyRunningError": EXIT_USAGE,
        "PortTakenError": EXIT_USAGE,
        "RecordError": EXIT_USAGE,
        "EmulatorError": EXIT_BLIND,
        "SourceError": EXIT_BLIND,
    }
    if not module.startswith(("monitor.", "alerts.", "checks.")) or name not in codes:
        return None
    remedy = getattr(error, "remedy", None)
    # SourceErrors and EmulatorErrors carry their remedy apart, so that a message can show it elsewhere.
    return Refusal(f"{error}\n{remedy}" if remedy else str(error), codes[name])


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from importlib.metadata import version

    click.echo(f"phasewatch {version('phasewatch')} (Python {sys.version.split()[0]})")
    ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 healthy, 1 problems found, 2 wrong usage or configuration, 3 could not see.",
)
@click.option(
    "--config",
    "-c",
    "config_path",
    default="config.yaml",
    show_default=True,
    envvar="PHASEWATCH_CONFIG",
    type=click.Path(path_type=str),
    help="The configuration file (or PHASEWATCH_CONFIG).",
)
@click.option(
    "--log-level", default="warning", type=click.Choice(["debug", "info", "warning", "error"]), show_default=True
)
@click.option("--log-format", default="auto", type=click.Choice(["auto", "text", "json"]), show_default=True)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Print the version."
)
@click.pass_context
def cli(ctx: click.Context, config_path: str, log_level: str, log_format: str) -> None:
    """Watch event-driven data pipelines on Google Cloud: what broke, why, and what it holds up.

    \b
    Examples:
      phasewatch watch                        start the watcher on config.yaml
      phasewatch report --days 4              what is owed, what arrived, what is open
      phasewatch scan entries.json            find failures in exported log entries
      phasewatch demo                         see an outage found and resolved
    """
    from monitor.logs import configure

    configure(log_level, log_format)
    ctx.obj = config_path


def main() -> None:
    """The entry point of the ``phasewatch`` command."""
    collector.spare()
    cli(prog_name="phasewatch")
