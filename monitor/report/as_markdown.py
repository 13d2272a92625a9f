"""The report as Markdown (GitHub's dialect), for hand-over documents and pull requests."""

from __future__ import annotations

import re

from alerts.messages.text import clean, redact
from alerts.messages.wording import duration, moment
from monitor.report import itself
from monitor.report.model import HealthReport, PhaseReport, PipelineReport
from monitor.report.words import TROUBLE_SHOWN, looked, response_words, silence_words, span

# What Markdown or HTML would take for more than text (CommonMark 0.31, section 2.4); _ inside a word is a letter.
_SPECIAL = re.compile(r"([\\`*\[\]<>|~]|(?<![^\W_])_|_(?![^\W_]))")


def render(report: HealthReport) -> str:
    """The whole report; every text that came from logs shows as it is written."""
    lines = [f"# {report.status}: {_safe(report.verdict[0])}", "", f"As of {moment(report.as_of, report.zone)}.", ""]
    lines += [f"- {_safe(sentence)}" for sentence in report.verdict[1:]]
    for pipeline in report.pipelines:
        lines += _pipeline(pipeline)
    lines += ["", "## Incidents", ""]
    for item in reversed(report.incidents):
        lines.append(f"- **#{item.incident.id} {item.incident.state}** ({item.severity}): {_safe(item.title)}")
        lines.append(f"  {span(item, report)}")
        lines += [f"  - {_safe(fault.finding.title)}{'' if fault.is_open else ' (over)'}" for fault in item.faults[1:]]
    lines += [] if report.incidents else ["None in this range."]
    if report.silences:
        lines += ["", "## Silences", "", *(f"- {_safe(silence_words(s, report.zone))}" for s in report.silences)]
    lines += ["", "## Failures in the logs", ""]
    for fault in report.failures:
        where = fault.finding.facts.get("where")
        place = f", {_safe(str(where))}" if where else ""
        last = moment(fault.finding.last_seen, report.zone)
        lines.append(f"- {_safe(fault.finding.title)}{place}, {fault.count} times, last {last}")
    lines += [] if report.failures else ["None open."]
    lines += _reliability(report)
    lines += ["", "## What was looked at", "", "| asked | status | what was read |", "| --- | --- | --- |"]
    for source in report.sources:
        unseen = "".join(f"; not seen: {_safe(text)}" for text in source.evidence.unseen)
        lines.append(f"| {_safe(source.name)} | {source.status} | {looked(source.evidence)}{unseen} |")
    for check in report.checks:
        error = f"; {_safe(check.error)}" if check.error else ""
        when = moment(check.last_run_at, report.zone)
        lines.append(f"| check {_safe(check.name)} | {check.status} | last run {when}{error} |")
    if report.costs is not None:
        lines += ["", f"BigQuery: {_safe(report.costs.words())}"]
    lines += ["", *(f"Note: {_safe(note)}" for note in report.notes)]
    if report.itself is not None:
        sentences = itself.lines(report.itself, report.as_of, report.zone)
        lines += ["", "## phasewatch itself", "", *(f"- {_safe(sentence)}" for sentence in sentences)]
    return "\n".join(lines).rstrip() + "\n"


def _safe(text: str) -> str:
    # GitHub looks for people to call after it has taken escapes away: an invisible space ends the name at once.
    return _SPECIAL.sub(r"\\\1", " ".join(redact(clean(text)).split())).replace("@", "@\N{ZERO WIDTH SPACE}")


def _pipeline(pipeline: PipelineReport) -> list[str]:
    lines = ["", f"## Pipeline {_safe(pipeline.name)}: {pipeline.status}", ""]
    if pipeline.error:
        lines += [f"Could not see: {_safe(pipeline.error)}", ""]
    if pipeline.recording is not None:
        rows = pipeline.recording
        lines += [
            f"Rows recorded in 24 h: {rows.rows_inserted_last_24h}, of which backfill {rows.of_which_backfill}.",
            "",
        ]
    if pipeline.dates:
        lines.append("| phase | " + " | ".join(f"{day:%a} {day.day} {day:%b}" for day in pipeline.dates) + " |")
        lines.append("| --- |" + " --- |" * len(pipeline.dates))
        for name, row in pipeline.grid:
            states = [_safe(cell.day.state.value) if cell else "-" for cell in row]
            lines.append(f"| {_safe(name)} | " + " | ".join(states) + " |")
    lines += [f"\n{day}: {_safe(why)}" for day, why in pipeline.nothing_owed()]
    for phase in pipeline.phases:
        if phase.day.missing and phase.day.state in TROUBLE_SHOWN:
            lines += ["", f"### {_safe(phase.headline)}", "", *_missing(phase, pipeline)]
    return lines


def _missing(phase: PhaseReport, pipeline: PipelineReport) -> list[str]:
    day = phase.day
    lines = []
    if phase.cause is not None:
        number = f"incident #{phase.cause.incident}: " if phase.cause.incident else ""
        lines.append(f"- cause: {number}{_safe(phase.cause.summary)}")
    if day.due_at is not None:
        lines.append(f"- due: {moment(day.due_at, pipeline.zone)}")
    if phase.usual is not None:
        lines.append(f"- usual: {phase.usual.words}")
    lines.append(f"- missing: {', '.join(map(_safe, day.missing))}")
    lines.append(f"- done: {', '.join(map(_safe, day.done)) or 'nothing'}")
    return lines


def _reliability(report: HealthReport) -> list[str]:
    lines = ["", "## Reliability", ""]
    for pipeline in report.pipelines:
        if not pipeline.kept:
            continue
        lines += [f"| {_safe(pipeline.name)} | run dates due | in time | late | by (median) | not at all |"]
        lines.append("| --- |" + " --- |" * 5)
        for k in pipeline.kept:
            late_by = duration(k.late_by) if k.late_by is not None else "-"
            lines.append(f"| {_safe(k.phase)} | {k.dates} | {k.in_time} | {k.late} | {late_by} | {k.never} |")
        lines.append("")
    lines.append(response_words(report))
    return lines
