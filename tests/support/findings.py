"""Findings and runs, written shortly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from checks.model import CheckRun, Clearance, Finding, HeldUp, Severity, Status, Subject

SERVICE = "phase3-to-phase4-orchestrator"
START = datetime(2026, 1, 26, 11, 0, tzinfo=UTC)


def at(hours: float) -> datetime:
    """So many hours after the story's start."""
    return START + timedelta(hours=hours)


def log_failure(
    when: datetime, *, service: str = SERVICE, exception: str = "NameError", name: str = "firestore", **changes: Any
) -> Finding:
    """A failure of a function in ``completion_tracker.py``."""
    file = changes.pop("file", "orchestration/shared/utils/completion_tracker.py")
    values: dict[str, Any] = {
        "fingerprint": f"log:{service}:{exception}:{name}:{file}",
        "check": "function_logs",
        "kind": "log.undefined-name",
        "severity": Severity.CRITICAL,
        "subject": Subject(service=service),
        "title": f"{exception}: name '{name}' is not defined in {service}",
        "since": when,
        "last_seen": when,
        "facts": {"exception": exception, "name": name, "where": f"{file}:243 in record"},
    }
    return Finding(**{**values, **changes})


def phase(
    when: datetime, name: str = "phase3", state: str = "incomplete", run_date: date = date(2026, 1, 25), **changes: Any
) -> Finding:
    """A phase of 25 January that is not as it should be."""
    values: dict[str, Any] = {
        "fingerprint": f"phase:nba:{name}:{run_date.isoformat()}",
        "check": "completions",
        "kind": f"phase.{state}",
        "severity": Severity.CRITICAL,
        "subject": Subject(pipeline="nba", phase=name, run_date=run_date),
        "title": f"{name} of 25 January 2026 is {state}",
        "since": when,
        "last_seen": when,
        "facts": {"state": state, "missing": "player_game_summary", "checked at": when.isoformat()},
        "holds_up": (HeldUp(pipeline="nba", phase="phase4", run_date=run_date, due_at=at(5)),)
        if name == "phase3"
        else (),
        "consequence": state == "blocked",
    }
    return Finding(**{**values, **changes})


def run(
    now: datetime,
    *findings: Finding,
    check: str = "function_logs",
    clearances: tuple[Clearance, ...] = (),
    **changes: Any,
) -> CheckRun:
    """A run of a check with these findings."""
    values: dict[str, Any] = {
        "check": check,
        "started_at": now,
        "finished_at": now,
        "status": Status.FAILING if findings else Status.OK,
        "findings": findings,
        "clearances": clearances,
    }
    return CheckRun(**{**values, **changes})
