"""The report as one HTML file: no request leaves it, and a policy in the page lets no script run but its own."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING

from alerts.messages.text import clean, redact
from alerts.messages.wording import duration, moment
from alerts.notify.silences import Silence
from checks.model import JsonValue, Status
from checks.phases.model import PhaseState
from monitor.report import itself
from monitor.report.model import HealthReport, PhaseReport, PipelineReport, ProcessorReport
from monitor.report.words import TROUBLE_SHOWN, looked, response_words, silence_words

if TYPE_CHECKING:
    from jinja2 import Environment

# Signs, so that no state is told by its colour alone.
SIGNS: Mapping[str, str] = {
    Status.OK: "✔",
    Status.DEGRADED: "!",
    Status.FAILING: "✖",
    Status.UNKNOWN: "?",
    PhaseState.COMPLETE: "✔",
    PhaseState.COMPLETE_LATE: "◔",
    PhaseState.QUORUM: "✓",
    PhaseState.IN_PROGRESS: "▸",
    PhaseState.PENDING: "·",
    PhaseState.NOT_EXPECTED: "-",
    PhaseState.FAILED: "✖",
    PhaseState.STALLED: "■",
    PhaseState.INCOMPLETE: "✖",
    PhaseState.BLOCKED: "‖",
    PhaseState.UNKNOWN: "?",
}


def render(report: HealthReport) -> str:
    """The whole page. Text that came from logs is cleaned, redacted and escaped."""
    environment = _environment()
    css, js = _text("report.css"), _text("report.js")
    # `<` cannot end the element early, and the two separators are line ends to old scripts only.
    data = json.dumps(_data(report), ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
    policy = (
        f"default-src 'none'; style-src '{_hash(css)}'; script-src '{_hash(js)}'; base-uri 'none'; form-action 'none'"
    )
    from markupsafe import Markup

    return environment.get_template("report.html").render(
        report=report,
        css=Markup(css),  # noqa: S704 - a file of our own
        js=Markup(js),  # noqa: S704 - a file of our own
        data=Markup(data),  # noqa: S704 - escaped above
        policy=policy,
        signs=SIGNS,
        words=_WORDS,
        shown=TROUBLE_SHOWN,
        zone=report.zone,
        itself=[] if report.itself is None else itself.lines(report.itself, report.as_of, report.zone),
    )


_WORDS: Mapping[str, str] = {state: state.value.replace("_", " ") for state in PhaseState}


def _hash(text: str) -> str:
    """How a content security policy names an inline script or style (CSP level 2, section 6.6)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _safe(text: str) -> str:
    return redact(clean(text))


@lru_cache(maxsize=2)
def _text(name: str) -> str:
    from importlib.resources import files

    return files("monitor.report").joinpath("templates", name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
    from jinja2.runtime import Context

    @pass_context
    def local_moment(context: Context, value: datetime) -> str:
        return moment(value, context["zone"])

    environment = Environment(
        loader=PackageLoader("monitor.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )

    @pass_context
    def silenced(context: Context, value: Silence) -> str:
        return silence_words(value, context["zone"])

    environment.filters.update(
        silenced=silenced,
        moment=local_moment,
        lasted=duration,
        safe_text=_safe,
        looked=looked,
        responded=response_words,
    )
    return environment


def _data(report: HealthReport) -> dict[str, JsonValue]:
    """What the page's script draws from, small: see the head of ``report.js``."""
    return {
        "now": _minutes(report.as_of),
        "words": dict(_WORDS),
        "pipelines": [_pipeline(pipeline) for pipeline in report.pipelines],
        "events": [{"t": _minutes(mark.at), "k": mark.kind, "x": _safe(mark.what)} for mark in report.marks],
    }


def _pipeline(pipeline: PipelineReport) -> dict[str, JsonValue]:
    phases: list[JsonValue] = []
    cells: list[JsonValue] = []
    for name, row in pipeline.grid:
        known = {p.name: p.critical for phase in row if phase is not None for p in phase.processors}
        phases.append({"n": name, "p": list(known), "c": [int(critical) for critical in known.values()]})
        cells.append([None if phase is None else _cell(phase, list(known)) for phase in row])
    return {
        "zone": pipeline.zone.key,
        "dates": [day.isoformat() for day in pipeline.dates],
        "phases": phases,
        "cells": cells,
    }


def _cell(phase: PhaseReport, names: list[str]) -> list[JsonValue]:
    day = phase.day
    start = _minutes(datetime.combine(day.run_date, time(0), tzinfo=UTC))
    done: dict[str, JsonValue] = {p.name: _done(p, start) for p in phase.processors}
    cell: list[JsonValue] = [
        day.state.value,
        None if day.due_at is None else _minutes(day.due_at) - start,
        None if day.start_at is None else _minutes(day.start_at) - start,
        [done.get(name, "") for name in names] if phase.processors else 0,
        0 if phase.usual is None else [_minutes(phase.usual.median_at) - start, _minutes(phase.usual.late_at) - start],
    ]
    return [*cell, [_safe(flag) for flag in day.flags]] if day.flags else cell


def _done(processor: ProcessorReport, start: int) -> JsonValue:
    if processor.done_at is not None:
        return _minutes(processor.done_at) - start
    return {True: "done", False: None, None: "unknown"}[processor.done]


def _minutes(at: datetime) -> int:
    return int(at.timestamp()) // 60
