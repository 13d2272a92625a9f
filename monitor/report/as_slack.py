"""The report as one Slack message: the same words as elsewhere, in the blocks that incidents are told with."""

from __future__ import annotations

import json

from alerts.channels.slack import blocks
from alerts.messages.text import clean, redact, shorten
from alerts.messages.wording import moment
from alerts.model import IncidentState, Message
from checks.model import Severity, Status
from monitor.report import itself
from monitor.report.model import HealthReport, PipelineReport

_SEVERITY = {
    Status.OK: Severity.INFO,
    Status.DEGRADED: Severity.WARNING,
    Status.FAILING: Severity.CRITICAL,
    Status.UNKNOWN: Severity.WARNING,
}
_MAX_TITLE = 140
_MAX_FACT = 2_000


def render(report: HealthReport) -> str:
    """JSON as ``chat.postMessage`` takes it, ``{"text", "blocks"}``; ``thread`` holds what did not fit, in order."""
    root, more = blocks.render(message(report))
    parts = [{"text": part.text, "blocks": list(part.blocks)} for part in (root, *more)]
    return json.dumps({**parts[0], "thread": parts[1:]}, indent=2, ensure_ascii=False) + "\n"


def message(report: HealthReport) -> Message:
    """The report in no channel's dialect: verdict, phases in trouble, incidents, failures."""
    facts: list[tuple[str, str]] = []
    if len(report.verdict) > 1:
        facts.append(("Also", "\n".join(_safe(sentence) for sentence in report.verdict[1:])))
    facts += [(f"Pipeline {pipeline.name}", _pipeline(pipeline)) for pipeline in report.pipelines]
    listed = [
        f"#{item.incident.id} {item.incident.state}: {_safe(item.title)}, since "
        f"{moment(item.incident.opened_at, report.zone)}"
        for item in reversed(report.incidents)
    ]
    facts.append(("Incidents", "\n".join(listed) or "none"))
    failures = [f"{_safe(fault.finding.title)}, {fault.count} times" for fault in report.failures]
    facts.append(("Failures in the logs", "\n".join(failures) or "none open"))
    if report.itself is not None:
        about = itself.lines(report.itself, report.as_of, report.zone)
        facts.append(("phasewatch itself", "\n".join(_safe(sentence) for sentence in about)))
    return Message(
        severity=_SEVERITY[report.status],
        state=IncidentState.RESOLVED if report.status is Status.OK else IncidentState.OPEN,
        title=shorten(_safe(f"Health report: {report.status}"), _MAX_TITLE),
        summary=_safe(report.verdict[0]),
        facts=tuple((label, shorten(text, _MAX_FACT)) for label, text in facts),
        footer=f"as of {moment(report.as_of, report.zone)}",
    )


def _safe(text: str) -> str:
    return redact(clean(text))


def _pipeline(pipeline: PipelineReport) -> str:
    """A line for each run date; states that all phases share are said once."""
    lines = []
    for number, day in enumerate(pipeline.dates):
        states = [(name, cells[number]) for name, cells in pipeline.grid]
        shown = [(name, cell.day.state.value.replace("_", " ")) for name, cell in states if cell is not None]
        words = {state for _, state in shown}
        text = f"all {words.pop()}" if len(words) == 1 else ", ".join(f"{name} {state}" for name, state in shown)
        lines.append(f"{day:%a} {day.day} {day:%b}: {text}")
    return "\n".join(lines) or pipeline.error or "no run dates"
