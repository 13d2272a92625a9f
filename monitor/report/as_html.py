"""The report as one HTML file: no request leaves it, and a policy in the page lets no script run but its own."""

from __future__ import annotations

import base64
import hashlib
import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
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

# More run dates than fit beside each other are shown in tables of a week, the latest first, in which the same weekday
# ends each row. A browser does not lay out those that are out of sight.
MOST_COLUMNS, WEEK = 10, 7
_DAY = 24 * 60


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


def stretches(dates: Sequence[date]) -> list[range]:
    """Which of the run dates share a table, by their places; the latest table first."""
    if len(dates) <= MOST_COLUMNS:
        return [range(len(dates))]
    return [range(max(0, end - WEEK), end) for end in range(len(dates), 0, -WEEK)]


def _day(value: date) -> str:
    return f"{value.day} {value:%b}"


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
        stretches=stretches,
        day=_day,
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
        "pipelines": [_pipeline(pipeline, report.as_of) for pipeline in report.pipelines],
        "events": [{"t": _minutes(mark.at), "k": mark.kind, "x": _safe(mark.what)} for mark in report.marks],
    }


def _pipeline(pipeline: PipelineReport, as_of: datetime) -> dict[str, JsonValue]:
    phases: list[JsonValue] = []
    cells: list[JsonValue] = []
    for name, row in pipeline.grid:
        known = {p.name: p.critical for phase in row if phase is not None for p in phase.processors}
        phases.append({"n": name, "p": list(known), "c": [int(critical) for critical in known.values()]})
        cells.append([None if phase is None else _cell(phase, list(known)) for phase in row])
    return {
        "zone": pipeline.zone.key,
        "offsets": _offsets(pipeline, as_of),
        "dates": [day.isoformat() for day in pipeline.dates],
        "phases": phases,
        "cells": cells,
    }


def _offsets(pipeline: PipelineReport, as_of: datetime) -> list[JsonValue]:
    """From which minute since 1970 on the zone is how many minutes ahead of UTC: from a month before the run dates to a
    month after them, or to ``as_of``, by when late rows may have come.
    """
    if not pipeline.dates:
        return []

    def ahead(minute: int) -> int:
        ahead_by = datetime.fromtimestamp(minute * 60, pipeline.zone).utcoffset() or timedelta(0)
        return ahead_by // timedelta(minutes=1)

    start = _midnight(pipeline.dates[0]) - 31 * _DAY
    end = max(_midnight(pipeline.dates[-1]) + 31 * _DAY, _minutes(as_of))
    offsets: list[JsonValue] = [[start, ahead(start)]]
    for day in range(start, end, _DAY):
        before = ahead(day)
        if ahead(day + _DAY) != before:
            change = day + bisect_left(range(_DAY), True, key=lambda n: ahead(day + n) != before)
            offsets.append([change, ahead(change)])
    return offsets


def _cell(phase: PhaseReport, names: list[str]) -> list[JsonValue]:
    day = phase.day
    start = _midnight(day.run_date)
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


def _midnight(day: date) -> int:
    return _minutes(datetime.combine(day, time(0), tzinfo=UTC))


def _minutes(at: datetime) -> int:
    return int(at.timestamp()) // 60
