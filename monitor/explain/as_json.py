"""The explanation as JSON: the contract of ``explain --format json``, schema_version 1."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from checks.model import JsonValue, stamp
from monitor.explain.model import AlertLine, Explanation, PhaseLine, ProcessorLine

SCHEMA_VERSION = 1


def render(explanations: Sequence[Explanation]) -> str:
    """JSON text; times are RFC 3339 in UTC with ``Z``, and local beside it where people read them."""
    answer = {"schema_version": SCHEMA_VERSION, "pipelines": [_explanation(e) for e in explanations]}
    return json.dumps(answer, indent=2, ensure_ascii=False) + "\n"


def _explanation(e: Explanation) -> dict[str, JsonValue]:
    due = e.next_due
    return {
        "name": e.pipeline,
        "timezone": e.zone.key,
        "run_date": e.run_date.isoformat(),
        "as_of": stamp(e.as_of),
        "owed": e.owed,
        "why": e.why,
        "phases": [_phase(p, e) for p in e.phases],
        "next_due": None
        if due is None
        else {
            "phase": due.phase,
            "run_date": due.run_date.isoformat(),
            "certain": due.certain,
            **_both("due_at", due.due_at, e),
        },
        "unseen": list(e.unseen),
    }


def _phase(phase: PhaseLine, e: Explanation) -> dict[str, JsonValue]:
    day = phase.day
    return {
        "phase": phase.name,
        "owed": e.owed if phase.why_not is None else False,
        "why_not": phase.why_not,
        **_both("start_at", phase.start_at, e),
        **_both("due_at", phase.due_at, e),
        "due": phase.due_why,
        "usual": phase.usual,
        "upstream": list(phase.upstream),
        "complete_when": phase.enough,
        "recorder": phase.recorder,
        "starter": phase.starter,
        "state": None if day is None else day.state.value,
        "flags": [] if day is None else list(day.flags),
        "processors": [_processor(p) for p in phase.processors],
        "alerts": [_alert(a, e) for a in phase.alerts],
    }


def _processor(processor: ProcessorLine) -> dict[str, JsonValue]:
    return {
        "processor": processor.name,
        "class": "critical" if processor.critical else "optional",
        "why_not": processor.why_not,
        "evidence": list(processor.evidence),
        "output": processor.output,
        "aliases": list(processor.aliases),
        "not_before": None if processor.not_before is None else stamp(processor.not_before),
        "usual": processor.usual,
        "state": processor.state,
        "done_at": None if processor.done_at is None else stamp(processor.done_at),
    }


def _alert(alert: AlertLine, e: Explanation) -> dict[str, JsonValue]:
    return {
        "kind": alert.kind or None,
        "severity": None if alert.severity is None else alert.severity.value,
        "text": alert.text,
        **_both("at", alert.at, e),
    }


def _both(name: str, moment: datetime | None, e: Explanation) -> dict[str, JsonValue]:
    """A time in UTC, and the same on the pipeline's wall."""
    local = None if moment is None else moment.astimezone(e.zone).isoformat()
    return {name: None if moment is None else stamp(moment), f"{name}_local": local}
