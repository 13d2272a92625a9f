"""``phasewatch preflight``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli import EXIT_BLIND, EXIT_HEALTHY, EXIT_PROBLEMS
from monitor.commands import common

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.preflight.model import PackageReport
    from checks.settings.preflight import PreflightSettings

_FAIL_ON = {"load": "fails_at_load", "run": "fails_when_run", "disables": "disables_feature"}


@click.command("preflight", short_help="Before a deployment: imports, names, requirements of what is shipped.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--package",
    "folders",
    multiple=True,
    metavar="DIR",
    type=click.Path(exists=True, path_type=Path),
    help="One folder as it is deployed, or a Dockerfile (repeatable).",
)
@click.option(
    "--entry", metavar="FILE", help="What is run or imported first: a file or module; main.py if there is one."
)
@click.option(
    "--requirements",
    "required",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What is installed beside it; requirements.txt in the folder if there is one.",
)
@click.option("--target", metavar="VERSION", help="The Python it runs on, such as 3.11.")
@click.option("--python", metavar="PATH", help="An interpreter or environment in which all it needs is installed.")
@click.option(
    "--root", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path), help="The repository."
)
@click.option(
    "--import", "smoke", is_flag=True, help="Also import the entry module, in a process without network. Runs the code."
)
@click.option("--tables", is_flag=True, help="Also ask BigQuery for the tables that the code names.")
@click.option(
    "--like",
    "incident",
    type=int,
    metavar="N",
    help="Only what failed in incident N, in any package; and a rule for it.",
)
@click.option("--changed-since", metavar="REV", help="Only packages that a change since this git revision concerns.")
@click.option(
    "--baseline", metavar="FILE", type=click.Path(path_type=Path), help="Pass over the findings in this file."
)
@click.option(
    "--write-baseline", metavar="FILE", type=click.Path(path_type=Path), help="Write the present findings, then exit 0."
)
@click.option(
    "--fail-on",
    type=click.Choice(list(_FAIL_ON)),
    default="disables",
    show_default=True,
    help="The least that makes the exit code 1.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "sarif", "github"]), default="text", show_default=True
)
@click.option("--output", "-o", metavar="FILE", help="Write there instead of to the terminal.")
@click.option("--all", "everything", is_flag=True, help="Also what cannot happen, every file and every note.")
@click.option("--no-cache", is_flag=True, help="Read every file anew.")
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    folders: tuple[Path, ...],
    entry: str | None,
    required: Path | None,
    target: str | None,
    python: str | None,
    root: Path | None,
    smoke: bool,
    tables: bool,
    incident: int | None,
    changed_since: str | None,
    baseline: Path | None,
    write_baseline: Path | None,
    fail_on: str,
    form: str,
    output: str | None,
    everything: bool,
    no_cache: bool,
) -> None:
    """Will this package, as it will be deployed, import and find its names? Nothing of it is run
    (but with --import).

    Packages come from `preflight:` in the configuration, else from what lies here: function and service folders,
    Dockerfiles, and what deploys them (scripts, Cloud Build, workflows, Makefiles). Needs no configuration.

    \b
    Examples:
      phasewatch preflight                                     all packages
      phasewatch preflight --package functions/daily-import    one folder, symlinks followed
      phasewatch preflight --package worker/Dockerfile --target 3.12
      phasewatch preflight --changed-since origin/main --format github
      phasewatch preflight --like 12                           who else has the defect of incident 12
      phasewatch preflight --write-baseline preflight-baseline.json

    Exit codes: 0 nothing found, 1 something found (see --fail-on), 2 wrong usage, 3 could not see.
    """
    from checks.preflight.model import Effect
    from monitor.clock import SystemClock
    from monitor.preflight import answer

    settings, folder = _settings(ctx)
    top = root or (folder if settings is not None else answer.root_of(_start(folders)))
    wanted = answer.Wanted(
        root=top,
        names=names,
        folders=folders,
        entry=entry,
        required=required,
        target=_version(target),
        python=python,
        changed_since=changed_since,
        cached=None if no_cache else answer.cache_file(dict(os.environ)),
    )
    try:
        found = answer.chosen(wanted, settings)
        today = SystemClock().now().date()
        wanting: set[int] = set()
        with _without_collector():
            reports, blind = answer.examine(wanted, settings, found, today=today, progress=_progress())
        if smoke:
            reports = answer.with_smoke(reports, python)
        if tables:
            reports, wanting = _with_tables(ctx, reports)
        if incident is not None:
            reports = _like(ctx, reports, incident, top)
        if write_baseline is not None:
            _write_baseline(write_baseline, reports)
            return
        reports = _without_known(
            reports, baseline or (settings.baseline if settings else None), given=baseline is not None
        )
    except answer.PreflightError as error:
        raise click.UsageError(str(error)) from error
    common.write(_rendered(form, reports, top, everything=everything, to_file=output not in (None, "-")), output)
    if blind:
        click.secho(blind, fg="red", err=True)
    if answer.fails(reports, Effect(_FAIL_ON[fail_on])) or EXIT_PROBLEMS in wanting:
        ctx.exit(EXIT_PROBLEMS)
    ctx.exit(EXIT_BLIND if blind or EXIT_BLIND in wanting else EXIT_HEALTHY)


def _with_tables(ctx: click.Context, reports: Sequence[PackageReport]) -> tuple[list[PackageReport], set[int]]:
    """The reports with missing tables, and the exit codes that required tables ask for."""
    from monitor.preflight.tables import with_tables
    from monitor.table_plan import State

    found, wrong, blind = with_tables(reports, common.load_config(ctx), common.progress)
    for item in wrong:
        common.progress(f"required table {item.table.name}: {item.error or item.state}; see phasewatch tables plan")
    problems = any(item.state is not State.UNKNOWN for item in wrong)
    return found, ({EXIT_PROBLEMS} if problems else set()) | ({EXIT_BLIND} if blind else set())


def _like(ctx: click.Context, reports: Sequence[PackageReport], number: int, root: Path) -> list[PackageReport]:
    """What failed in an incident, wherever else it is."""
    from alerts.messages.text import clean
    from monitor.preflight.like import defects_of, like

    store = common.existing_store(common.load_config(ctx))
    try:
        defects = defects_of(store, number)
    finally:
        if store is not None:
            store.close()
    return like(reports, defects, root, tell=lambda text: common.progress(clean(text)))


@contextmanager
def _without_collector() -> Iterator[None]:
    """Thousands of files give millions of objects that live to the end: looking for cycles in them is a third of it."""
    import gc

    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()  # with the oldest now, which are not looked at at once
        gc.enable()


def _settings(ctx: click.Context) -> tuple[PreflightSettings | None, Path]:
    """The configuration's part, and the folder of the file. None without a file, unless one was named; a file of that
    name that is not phasewatch's is no configuration either.
    """
    from click.core import ParameterSource

    top = ctx.find_root()
    path = Path(top.obj)
    named = top.get_parameter_source("config_path") is not ParameterSource.DEFAULT
    if not named and (not path.exists() or b"preflight:" not in path.read_bytes()):
        return None, Path.cwd()
    return common.load_config(ctx).preflight, path.absolute().parent


def _start(folders: tuple[Path, ...]) -> Path:
    return (folders[0] if folders[0].is_dir() else folders[0].parent).absolute() if folders else Path.cwd()


def _version(text: str | None) -> tuple[int, int] | None:
    import re

    if text is None:
        return None
    if not re.fullmatch(r"3\.\d{1,2}", text):
        raise click.BadParameter(f"{text!r} is no version of Python such as 3.11", param_hint="--target")
    return 3, int(text[2:])


def _progress() -> Callable[[str, int, int], None]:
    """A line that counts files, on a terminal only."""
    shown = sys.stderr.isatty()

    def told(name: str, done: int, of: int) -> None:
        if shown and of > 100 and (done % 50 == 0 or done == of):  # noqa: PLR2004 - a moment's work needs no line
            click.echo(f"\r{name}: read {done} of {of} files", nl=done == of, err=True)

    return told


def _without_known(reports: list[PackageReport], path: Path | None, *, given: bool) -> list[PackageReport]:
    from checks.preflight import passing

    if path is None or (not given and not path.exists()):
        return reports
    try:
        reports, gone = passing.heed_baseline(reports, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise click.UsageError(f"the baseline {path} cannot be read: {error.strerror}") from error
    except (passing.BaselineError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path}: {error}") from error
    if gone:
        common.progress(f"{path} holds findings that are gone ({gone}): write it anew with --write-baseline {path}")
    return reports


def _write_baseline(path: Path, reports: list[PackageReport]) -> None:
    from checks.preflight import passing

    common.write(passing.baseline(reports), str(path))
    common.progress(f"{sum(len(report.findings) for report in reports)} findings written to {path}")


def _rendered(form: str, reports: list[PackageReport], root: Path, *, everything: bool, to_file: bool) -> str:
    if form != "text":
        from monitor.preflight import formats

        forms = {"json": formats.as_json, "sarif": formats.as_sarif, "github": formats.as_github}
        return forms[form](reports, root)
    from monitor.preflight import text

    style = click.style if common.coloured(sys.stdout) and not to_file else text.plain
    width = common.width_of_terminal()
    return text.render(reports, style, everything=everything, width=width)
