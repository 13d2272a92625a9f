"""The report for a terminal: verdict first, readable at 80 columns; colour only where the terminal has it."""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from alerts.text import clean, redact
from alerts.wording import duration, moment
from checks.model import Evidence, Severity, Status
from checks.phases.model import PhaseState
from monitor.report.model import HealthReport, IncidentReport, PhaseReport, PipelineReport

if TYPE_CHECKING:
    from rich.console import Console

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
# At 80 columns this many dates fit beside each other.
DATES_PER_TABLE = 4


def render(report: HealthReport, *, colour: bool, width: int) -> str:
    """The whole report as text, lines no wider than ``width`` (long names wrap)."""
    from rich.console import Console

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
    zone = report.pipelines[0].zone if report.pipelines else ZoneInfo("UTC")
    _verdict(out, report, zone)
    for pipeline in report.pipelines:
        _pipeline(out, pipeline)
    _incidents(out, report, zone)
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
    out.print(wrapped, style=style, soft_wrap=True)


def _verdict(out: Console, report: HealthReport, zone: ZoneInfo) -> None:
    out.print(report.status.value, style=_STATUS_STYLE[report.status], end="  ")
    out.print(f"as of {moment(report.as_of, zone)}")
    for pipeline in report.pipelines:
        for phase in pipeline.phases:
            if phase.day.state.is_root_problem:
                _line(out, "  ", f"{phase.day.phase} of {phase.day.run_date} is {phase.day.state}{_because(phase)}")
    if report.status is Status.OK:
        out.print("  Everything that is due is recorded; no open incident.")
    out.print()


def _because(phase: PhaseReport) -> str:
    return f"; cause: {_safe(phase.cause.summary)}" if phase.cause else ""


def _pipeline(out: Console, pipeline: PipelineReport) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    out.print(f"Pipeline {pipeline.name}", style="bold", end="  ")
    if pipeline.recording is None:
        out.print("recording: unknown")
    else:
        rows = pipeline.recording
        out.print(f"rows recorded in 24 h: {rows.rows_inserted_last_24h}, of which backfill {rows.of_which_backfill}")
    if pipeline.error:
        _line(out, "  could not see: ", _safe(pipeline.error), "magenta")
    dates = sorted({p.day.run_date for p in pipeline.phases})
    states = {(p.day.phase, p.day.run_date): p.day.state for p in pipeline.phases}
    for start in range(0, len(dates), DATES_PER_TABLE):
        shown = dates[start : start + DATES_PER_TABLE]
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        table.add_column("phase")
        for day in shown:
            table.add_column(f"{day:%a} {day.day} {day:%b}")
        for name in dict.fromkeys(p.day.phase for p in pipeline.phases):
            cells = [states.get((name, day)) for day in shown]
            table.add_row(name, *(Text(c.value, style=_STATE_STYLE[c]) if c else Text("-") for c in cells))
        out.print(table)
    if not dates and not pipeline.error:
        out.print("  no run dates in this range", style="dim")
    for text in _nothing_owed(pipeline):
        _line(out, "  ", text, "dim")
    for phase in pipeline.phases:
        if phase.day.missing and phase.day.state not in (PhaseState.PENDING, PhaseState.UNKNOWN):
            _missing(out, phase, pipeline.zone)
    out.print()


def _nothing_owed(pipeline: PipelineReport) -> list[str]:
    """Why nothing is owed, once per date where it is the same for all phases."""
    whys: dict[tuple[str, str], list[str]] = {}
    for phase in pipeline.phases:
        if phase.day.why_not:
            whys.setdefault((phase.day.run_date.isoformat(), phase.day.why_not), []).append(phase.day.phase)
    every = {p.day.phase for p in pipeline.phases}
    return [
        f"{day}: {'' if set(phases) == every else ', '.join(phases) + ': '}nothing owed, {_safe(why)}"
        for (day, why), phases in sorted(whys.items())
    ]


def _missing(out: Console, phase: PhaseReport, zone: ZoneInfo) -> None:
    day = phase.day
    due = f", due {moment(day.due_at, zone)}" if day.due_at else ""
    _line(out, "  ", f"{day.phase} of {day.run_date}: {day.state}{due}", _STATE_STYLE[day.state])
    _line(out, "    done     ", ", ".join(day.done) or "nothing")
    _line(out, "    missing  ", ", ".join(day.missing))
    if phase.cause:
        number = f"incident #{phase.cause.incident}: " if phase.cause.incident else ""
        _line(out, "    cause    ", f"{number}{_safe(phase.cause.summary)}")


def _incidents(out: Console, report: HealthReport, zone: ZoneInfo) -> None:
    if not report.incidents:
        out.print("Incidents  none", style="bold")
        return
    out.print("Incidents", style="bold")
    for item in report.incidents:
        incident = item.incident
        style = _SEVERITY_STYLE[item.severity]
        _line(out, f"  #{incident.id} {incident.state}  ", _safe(item.title), style)
        _line(out, "     ", _span(item, report, zone))
        for fault in item.faults[1:]:
            over = "" if fault.is_open else " (over)"
            _line(out, "     - ", f"{_safe(fault.finding.title)}{over}")


def _span(item: IncidentReport, report: HealthReport, zone: ZoneInfo) -> str:
    opened = item.incident.opened_at
    ended = item.incident.resolved_at
    lasted = duration((ended or report.as_of) - opened)
    return f"since {moment(opened, zone)}, {'lasted' if ended else 'open for'} {lasted}"


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


def _proof(out: Console, report: HealthReport, zone: ZoneInfo) -> None:
    out.print()
    out.print("What was looked at", style="bold")
    for source in report.sources:
        _line(out, f"  {source.name}  {source.status}  ", _looked(source.evidence))
        for unseen in source.evidence.unseen:
            _line(out, "     not seen: ", _safe(unseen), "magenta")
    for check in report.checks:
        out.print(f"  check {check.name}  {check.status}  last run {moment(check.last_run_at, zone)}")
        if check.error:
            _line(out, "     ", _safe(check.error), "magenta")
    if not report.checks:
        out.print("  no watcher has run yet on this state (start one with `phasewatch watch`)", style="dim")
    for note in report.notes:
        _line(out, "  note: ", _safe(note), "dim")


def _looked(evidence: Evidence) -> str:
    parts = [f"{number} {name}" for name, number in evidence.counts.items()]
    if evidence.queries:
        billed = "not reported" if evidence.bytes_billed is None else f"{evidence.bytes_billed:,}"
        parts.append(f"{evidence.queries} queries, bytes billed: {billed}")
    return ", ".join(parts)
