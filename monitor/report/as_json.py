"""The report as JSON: the contract of ``report --format json``, schema_version 1."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from alerts.model import Fault
from checks.model import Evidence, JsonValue, stamp
from monitor.report import itself
from monitor.report.model import CheckReport, HealthReport, IncidentReport, PhaseReport, PipelineReport, Response

SCHEMA_VERSION = 1


def render(report: HealthReport) -> str:
    """JSON text that fits ``schema()``; times are RFC 3339 in UTC with ``Z``, lists are sorted, names canonical."""
    return json.dumps(to_json(report), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the report."""
    loaded: dict[str, Any] = json.loads(Path(__file__).with_name("report.schema.json").read_text(encoding="utf-8"))
    return loaded


def to_json(report: HealthReport) -> dict[str, JsonValue]:
    """The report as plain values."""
    return {
        "schema_version": SCHEMA_VERSION,
        "generated_at": stamp(report.generated_at),
        "as_of": stamp(report.as_of),
        "status": report.status.value,
        "verdict": list(report.verdict),
        "pipelines": [_pipeline(p) for p in report.pipelines],
        "incidents": [incident(i) for i in report.incidents],
        "failures": [_fault(f) for f in report.failures],
        "sources": [
            {"name": s.name, "status": s.status.value, "evidence": evidence(s.evidence)} for s in report.sources
        ],
        "checks": [check(c) for c in report.checks],
        "silences": [
            {
                "matcher": silence.matcher.words(),
                "author": silence.author,
                "reason": silence.reason,
                "starts_at": stamp(silence.starts_at),
                "ends_at": stamp(silence.ends_at),
            }
            for silence in report.silences
        ],
        "marks": [{"at": stamp(mark.at), "kind": mark.kind, "what": mark.what} for mark in report.marks],
        "response": _response(report.response),
        "notes": list(report.notes),
        "itself": None if report.itself is None else itself.to_json(report.itself),
        "costs": report.costs.as_json() if report.costs else None,
    }


def check(item: CheckReport) -> dict[str, JsonValue]:
    """The last run of a check."""
    return {
        "name": item.name,
        "status": item.status.value,
        "last_run_at": stamp(item.last_run_at),
        "error": item.error,
        "evidence": evidence(item.evidence),
    }


def evidence(value: Evidence) -> dict[str, JsonValue]:
    """What was looked at. ``bytes_billed`` null means: not reported by the service."""
    window: JsonValue = None
    if value.window is not None:
        window = {"start": stamp(value.window.start), "end": stamp(value.window.end)}
    return {
        "window": window,
        "counts": dict(sorted(value.counts.items())),
        "queries": value.queries,
        "bytes_billed": value.bytes_billed,
        "unseen": list(value.unseen),
        "notes": list(value.notes),
    }


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else max(0, round(span.total_seconds()))


def _response(answer: Response) -> dict[str, JsonValue]:
    return {
        "incidents": answer.incidents,
        "to_notice_seconds": _seconds(answer.to_notice),
        "to_resolve_seconds": _seconds(answer.to_resolve),
        "offenders": [{"name": name, "incidents": times} for name, times in answer.offenders],
        "unrecorded_until": None if answer.unrecorded_until is None else stamp(answer.unrecorded_until),
    }


def _pipeline(pipeline: PipelineReport) -> dict[str, JsonValue]:
    recording: JsonValue = None
    if pipeline.recording is not None:
        recording = {
            "rows_inserted_last_24h": pipeline.recording.rows_inserted_last_24h,
            "of_which_backfill": pipeline.recording.of_which_backfill,
        }
    return {
        "name": pipeline.name,
        "status": pipeline.status.value,
        "error": pipeline.error,
        "phases": [_phase(p) for p in pipeline.phases],
        "root_problems": [
            {"phase": p.day.phase, "run_date": p.day.run_date.isoformat(), "state": p.day.state.value}
            for p in pipeline.phases
            if p.day.state.is_root_problem
        ],
        "recording": recording,
        "kept": [
            {
                "phase": k.phase,
                "dates": k.dates,
                "in_time": k.in_time,
                "late": k.late,
                "late_by_seconds": _seconds(k.late_by),
                "never": k.never,
            }
            for k in pipeline.kept
        ],
    }


def _phase(phase: PhaseReport) -> dict[str, JsonValue]:
    day, cause = phase.day, phase.cause
    why_not: dict[str, JsonValue] = {} if day.why_not is None else {"why_not": day.why_not}
    return {
        "phase": day.phase,
        "run_date": day.run_date.isoformat(),
        "state": day.state.value,
        "done": list(day.done),
        "missing": list(day.missing),
        "flags": list(day.flags),
        "due_at": None if day.due_at is None else stamp(day.due_at),
        "upstream": list(day.upstream),
        "cause": None if cause is None else {"incident": cause.incident, "kind": cause.kind, "summary": cause.summary},
        "usual": None
        if phase.usual is None
        else {"median_at": stamp(phase.usual.median_at), "late_at": stamp(phase.usual.late_at)},
        "done_at": {name: stamp(at) for name, at in sorted(day.done_at.items())},
        **why_not,
    }


def incident(item: IncidentReport) -> dict[str, JsonValue]:
    """An incident with its faults, root first."""
    known = item.incident
    return {
        "id": known.id,
        "state": known.state.value,
        "severity": item.severity.value,
        "title": item.title,
        "opened_at": stamp(known.opened_at),
        "resolved_at": None if known.resolved_at is None else stamp(known.resolved_at),
        "root": known.root,
        "faults": [{**_fault(f), "explained_by": known.explains.get(f.fingerprint)} for f in item.faults],
    }


def _fault(fault: Fault) -> dict[str, JsonValue]:
    finding = fault.finding
    return {
        "fingerprint": fault.fingerprint,
        "kind": finding.kind,
        "state": fault.state.value,
        "severity": finding.severity.value,
        "title": finding.title,
        "pipeline": finding.subject.pipeline,
        "phase": finding.subject.phase,
        "run_date": None if finding.subject.run_date is None else finding.subject.run_date.isoformat(),
        "service": finding.subject.service,
        "table": finding.subject.table,
        "first_seen": stamp(finding.since),
        "last_seen": stamp(finding.last_seen),
        "count": fault.count,
        "resolved_at": None if fault.resolved_at is None else stamp(fault.resolved_at),
        "facts": dict(finding.facts),
    }
