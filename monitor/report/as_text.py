"""The report for a terminal: verdict first, readable at 80 columns; colour only where the terminal has it."""

from __future__ import annotations

import io
import textwrap
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerts.messages.text import clean, redact
from alerts.messages.wording import moment
from checks.model import Severity, Status
from checks.phases.model import PhaseState
from monitor.report import itself
from monitor.report.model import HealthReport, PhaseReport, PipelineReport
from monitor.report.words import TROUBLE_SHOWN, kept_words, looked, response_words, silence_words, span

_STATUS_STYLE = {
    Status.OK: "bold green",
    Status.DEGRADED: "bold yellow",
    Status.FAILING: "bold red",
    Status.UNKNOWN: "bold magenta",
}
_STATE_STYLE = {
    PhaseState.COMPLETE: "green",
    PhaseState.COMPLETE_LATE: "yellow",
    PhaseState.QUORUM: "green",
    PhaseState.IN_PROGRESS: "cyan",
    PhaseState.PENDING: "dim",
    PhaseState.NOT_EXPECTED: "dim",
    PhaseState.FAILED: "bold red",
    PhaseState.STALLED: "bold red",
    PhaseState.INCOMPLETE: "bold red",
    PhaseState.BLOCKED: "yellow",
    PhaseState.UNKNOWN: "magenta",
}
_SEVERITY_STYLE = {Severity.INFO: "cyan", Severity.WARNING: "yellow", Severity.CRITICAL: "bold red"}
# Up to so many dates the states are written out; the history of more is drawn with a sign for each.
WORDS_UP_TO = 4
SIGNS = {
    PhaseState.COMPLETE: "\N{HEAVY CHECK MARK}",
    PhaseState.COMPLETE_LATE: "l",
    PhaseState.QUORUM: "q",
    PhaseState.IN_PROGRESS: ">",
    PhaseState.PENDING: ".",
    PhaseState.NOT_EXPECTED: "-",
    PhaseState.FAILED: "F",
    PhaseState.STALLED: "S",
    PhaseState.INCOMPLETE: "I",
    PhaseState.BLOCKED: "b",
    PhaseState.UNKNOWN: "?",
}


def render(report: HealthReport, *, colour: bool, width: int) -> str:
    """The whole report as text, lines no wider than ``width`` (long names wrap)."""
    out = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        no_color=not colour,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    zone = report.zone
    _verdict(out, report, zone)
    for pipeline in report.pipelines:
        _pipeline(out, pipeline)
    _incidents(out, report)
    _silences(out, report)
    _failures(out, report, zone)
    _proof(out, report, zone)
    file = out.file
    return file.getvalue() if isinstance(file, io.StringIO) else ""


def _safe(text: str) -> str:
    return redact(clean(text))


def _line(out: Console, lead: str, text: str, style: str | None = None) -> None:
    """One paragraph behind a lead; further lines are indented as deep as the lead is wide."""
    wrapped = textwrap.fill(
        text,
        out.width,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )
    out.print(wrapped or lead.rstrip(), style=style, soft_wrap=True)


def _verdict(out: Console, report: HealthReport, zone: ZoneInfo) -> None:
    out.print(report.status.value, style=_STATUS_STYLE[report.status], end="  ")
    out.print(f"as of {moment(report.as_of, zone)}")
    for sentence in report.verdict:
        _line(out, "  ", _safe(sentence))
    out.print()


def _pipeline(out: Console, pipeline: PipelineReport) -> None:
    out.print(f"Pipeline {pipeline.name}", style="bold", end="  ")
    if pipeline.recording is None:
        out.print("recording: unknown")
    else:
        rows = pipeline.recording
        out.print(f"rows recorded in 24 h: {rows.rows_inserted_last_24h}, of which backfill {rows.of_which_backfill}")
    if pipeline.error:
        _line(out, "  could not see: ", _safe(pipeline.error), "magenta")
    if len(pipeline.dates) > WORDS_UP_TO:
        _history(out, pipeline)
        _kept(out, pipeline)
    elif pipeline.dates:
        _states(out, pipeline)
    elif not pipeline.error:
        out.print("  no run dates in this range", style="dim")
    for day, why in pipeline.nothing_owed():
        _line(out, "  ", _safe(f"{day}: {why}"), "dim")
    # A quorum's missing rest is worth its lines on the last few dates only.
    written_out = len(pipeline.dates) <= WORDS_UP_TO
    for phase in pipeline.phases:
        if phase.day.missing and phase.day.state in TROUBLE_SHOWN and (written_out or not phase.day.state.satisfied):
            _missing(out, phase, pipeline.zone)
    out.print()


def _states(out: Console, pipeline: PipelineReport) -> None:
    """A column for each date, states written out."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("phase")
    for day in pipeline.dates:
        table.add_column(f"{day:%a} {day.day} {day:%b}")
    for name, row in pipeline.grid:
        states = [cell.day.state if cell else None for cell in row]
        table.add_row(name, *(Text(s.value, style=_STATE_STYLE[s]) if s else Text("-") for s in states))
    out.print(table)


def _history(out: Console, pipeline: PipelineReport) -> None:
    """A sign for each phase and date, as many dates in a row as fit, and what the signs mean."""
    lead = min(20, max(map(len, pipeline.names)) + 2)
    per_row = max(1, (out.width - lead) // 3)
    dates = pipeline.dates
    for start in range(0, len(dates), per_row):
        shown = dates[start : start + per_row]
        # The month stands over its first date, and over the first of a row.
        months, until = "", -1
        for number, day in enumerate(shown):
            if (number == 0 or day.day == 1) and number * 3 > until:
                months = months.ljust(number * 3) + f" {day:%b}"
                until = len(months)
        out.print(" " * lead + months, style="dim")
        out.print(" " * lead + "".join(f"{day.day:>3}" for day in shown), style="dim")
        for name, row in pipeline.grid:
            line = Text(name[: lead - 1].ljust(lead))
            for cell in row[start : start + per_row]:
                state = cell.day.state if cell else None
                line.append("  " + (SIGNS[state] if state else " "), style=_STATE_STYLE[state] if state else "")
            out.print(line)
    seen = {phase.day.state for phase in pipeline.phases}
    _line(out, "  ", ", ".join(f"{SIGNS[state]} {state}" for state in PhaseState if state in seen), "dim")


def _kept(out: Console, pipeline: PipelineReport) -> None:
    """How the due times of a history were kept."""
    lead = max((len(kept.phase) for kept in pipeline.kept), default=0) + 4
    for kept in pipeline.kept:
        _line(out, f"  {kept.phase}".ljust(lead), kept_words(kept))


def _missing(out: Console, phase: PhaseReport, zone: ZoneInfo) -> None:
    day = phase.day
    due = f", due {moment(day.due_at, zone)}" if day.due_at else ""
    _line(out, "  ", f"{day.phase} of {day.run_date}: {day.state}{due}", _STATE_STYLE[day.state])
    _line(out, "    done     ", ", ".join(day.done) or "nothing")
    _line(out, "    missing  ", ", ".join(day.missing))
    if phase.usual:
        _line(out, "    usual    ", phase.usual.words)
    if phase.cause:
        number = f"incident #{phase.cause.incident}: " if phase.cause.incident else ""
        _line(out, "    cause    ", f"{number}{_safe(phase.cause.summary)}")


def _incidents(out: Console, report: HealthReport) -> None:
    if not report.incidents:
        out.print("Incidents  none", style="bold")
    else:
        out.print("Incidents", style="bold")
    for item in report.incidents:
        incident = item.incident
        style = _SEVERITY_STYLE[item.severity]
        _line(out, f"  #{incident.id} {incident.state}  ", _safe(item.title), style)
        _line(out, "     ", span(item, report))
        for fault in item.faults[1:]:
            over = "" if fault.is_open else " (over)"
            _line(out, "     - ", f"{_safe(fault.finding.title)}{over}")
    if report.incidents or any(len(pipeline.dates) > WORDS_UP_TO for pipeline in report.pipelines):
        _line(out, "  ", response_words(report), "dim")


def _silences(out: Console, report: HealthReport) -> None:
    if report.silences:
        out.print("Silences", style="bold")
    for silence in report.silences:
        _line(out, "  ", silence_words(silence, report.zone))


def _failures(out: Console, report: HealthReport, zone: ZoneInfo) -> None:
    if not report.failures:
        out.print("Failures in the logs  none open", style="bold")
        return
    out.print("Failures in the logs", style="bold")
    for fault in report.failures:
        finding = fault.finding
        _line(out, "  ", _safe(finding.title))
        where = finding.facts.get("where")
        times = f"{fault.count} times, " if fault.count > 1 else ""
        place = f"{_safe(str(where))}, " if where else ""
        _line(out, "     ", f"{place}{times}last {moment(finding.last_seen, zone)}")
        for fact in ("deployment", "still fails in"):
            if fact in finding.facts:
                _line(out, "     ", f"{fact}: {_safe(str(finding.facts[fact]))}")


def _proof(out: Console, report: HealthReport, zone: ZoneInfo) -> None:
    out.print()
    out.print("What was looked at", style="bold")
    for source in report.sources:
        _line(out, f"  {source.name}  {source.status}  ", looked(source.evidence))
        for unseen in source.evidence.unseen:
            _line(out, "     not seen: ", _safe(unseen), "magenta")
    for check in report.checks:
        out.print(f"  check {check.name}  {check.status}  last run {moment(check.last_run_at, zone)}")
        if check.error:
            _line(out, "     ", _safe(check.error), "magenta")
    if not report.checks:
        out.print("  no watcher has run yet on this state (start one with `phasewatch watch`)", style="dim")
    if report.costs is not None:
        _line(out, "  BigQuery  ", report.costs.words())
    for note in report.notes:
        _line(out, "  note: ", _safe(note), "dim")
    if report.itself is not None:
        out.print()
        wrong = bool(report.itself.problems) or report.itself.stale
        out.print("phasewatch itself", style="bold red" if wrong else "bold")
        for sentence in itself.lines(report.itself, report.as_of, zone):
            _line(out, "  ", _safe(sentence))
