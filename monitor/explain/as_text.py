"""The explanation for a terminal of 80 columns; colour only where the terminal has it."""

from __future__ import annotations

import textwrap
from datetime import datetime

import click

from alerts.messages.text import clean
from alerts.messages.wording import moment
from checks.model import Severity, day_words
from checks.phases.model import PhaseState
from monitor.explain.model import NOT_DECLARED, AlertLine, Explanation, PhaseLine, ProcessorLine

_STATE_COLOURS = {
    PhaseState.COMPLETE: "green",
    PhaseState.QUORUM: "green",
    PhaseState.COMPLETE_LATE: "yellow",
    PhaseState.BLOCKED: "yellow",
    PhaseState.IN_PROGRESS: "cyan",
    PhaseState.UNKNOWN: "magenta",
}
_SEVERITY_COLOURS = {Severity.INFO: "cyan", Severity.WARNING: "yellow", Severity.CRITICAL: "red"}
_LABEL = 12


def render(explanation: Explanation, *, colour: bool, width: int) -> str:
    """The whole explanation, lines no wider than ``width`` (long names stay whole)."""
    text = _Text(explanation, width=width, colour=colour)
    text.head()
    for phase in explanation.phases:
        text.phase(phase)
    text.foot()
    return "\n".join(text.lines) + "\n"


class _Text:
    def __init__(self, explanation: Explanation, *, width: int, colour: bool) -> None:
        self.lines: list[str] = []
        self._e = explanation
        self._width = width
        self._colour = colour

    def head(self) -> None:
        """Which run date, whether a run is owed, and why."""
        e = self._e
        verdict = {True: "a run is owed", False: "nothing is owed", None: "nobody knows whether a run is owed"}[e.owed]
        title = f"Pipeline {e.pipeline}, run date {day_words(e.run_date)}: {verdict}"
        self._wrapped("", title, style={"bold": True}, indent=2)
        self._row("why", e.why)
        self._row("as of", self._at(e.as_of))
        for unseen in e.unseen:
            self._row("not asked", clean(unseen), style={"fg": "magenta"})
        self.lines.append("")

    def phase(self, phase: PhaseLine) -> None:
        """One phase: when, who, what, and what would be alerted."""
        day = phase.day
        state = "" if day is None else f": {day.state}"
        shown: dict[str, object] = {"bold": True, "fg": _STATE_COLOURS.get(day.state) if day is not None else None}
        if day is not None and day.state.is_root_problem:
            shown["fg"] = "red"
        self._put(f"{phase.name}{state}", style=shown)
        if phase.why_not is not None or self._e.owed is False:
            self._row("not owed", phase.why_not or self._e.why)
            self.lines.append("")
            return
        if phase.upstream:
            self._row("waits for", ", ".join(phase.upstream))
        if phase.start_at is not None:
            self._row("starts", self._at(phase.start_at))
        self._row("due", f"{self._at(phase.due_at)}, {phase.due_why}")
        if phase.usual is not None:
            self._row("usual", phase.usual.removeprefix("usually "))
        self._row("enough", phase.enough)
        self._row("recorder", phase.recorder)
        if phase.upstream or phase.starter != NOT_DECLARED:
            self._row("starter", phase.starter)
        for processor in phase.processors:
            self._processor(processor)
        if day is not None and day.flags:
            self._row("flags", clean(", ".join(day.flags)))
        for alert in phase.alerts:
            self._alert(alert)
        self.lines.append("")

    def foot(self) -> None:
        """What becomes due next."""
        due = self._e.next_due
        if due is None:
            self._put("Next due: nothing within a week")
            return
        sure = "" if due.certain else " (if a run is owed)"
        text = f"Next due: {due.phase} of {day_words(due.run_date)} at {self._at(due.due_at)}{sure}"
        self._wrapped("", text, indent=len("Next due: "))

    def _processor(self, processor: ProcessorLine) -> None:
        mark = {"done": "+", "missing": "-", "not seen": "?", None: " "}[processor.state]
        about = ["critical" if processor.critical else "optional"]
        if processor.why_not is not None:
            about = [processor.why_not]
        else:
            about += [proof for proof in processor.evidence if proof != "completion row"]
            if processor.done_at is not None:
                about.append(f"done {self._at(processor.done_at)}")
            elif processor.usual is not None:
                about.append(processor.usual)
            if processor.not_before is not None and processor.state != "done":
                about.append(f"rows before {self._local(processor.not_before)} do not count")
            if processor.aliases:
                about.append(f"also recorded as {', '.join(processor.aliases)}")
            if processor.output is not None:
                about.append(f"data in {processor.output}")
        colour = {"missing": "yellow", "done": "green"}.get(processor.state or "")
        self._wrapped(f"  {mark} ", f"{processor.name}: {'; '.join(about)}", style={"fg": colour})

    def _alert(self, alert: AlertLine) -> None:
        severity = f"{alert.severity}: " if alert.severity is not None else ""
        when = f"{self._at(alert.at)}: " if alert.at is not None else ""
        colour = _SEVERITY_COLOURS.get(alert.severity) if alert.severity is not None and alert.at is None else None
        self._row("alert", f"{when}{severity}{alert.text}", style={"fg": colour})

    def _at(self, at: datetime) -> str:
        return moment(at, self._e.zone)

    def _local(self, at: datetime) -> str:
        return f"{at.astimezone(self._e.zone):%a %d %b %H:%M}"

    def _row(self, label: str, text: str, style: dict[str, object] | None = None) -> None:
        self._wrapped(f"  {label:<{_LABEL - 2}}", text, style=style, indent=_LABEL)

    def _wrapped(self, lead: str, text: str, *, style: dict[str, object] | None = None, indent: int = 6) -> None:
        lines = textwrap.wrap(
            text,
            max(self._width, indent + 20),
            initial_indent=lead,
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in lines:
            self._put(line, style=style)

    def _put(self, line: str, style: dict[str, object] | None = None) -> None:
        wanted = {name: value for name, value in (style or {}).items() if value is not None}
        self.lines.append(click.style(line, **wanted) if self._colour and wanted else line)  # type: ignore[arg-type]
