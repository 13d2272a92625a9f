"""The health report as a value. Renderers compute nothing: what they show stands here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from alerts.model import Fault, Incident
from checks.model import Evidence, Severity, Status
from checks.phases.model import PhaseDay
from checks.ports import Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a phase is as it is. ``incident`` is None while no watcher has opened one."""

    incident: int | None
    kind: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseReport:
    """One phase of one run date, and the cause of its trouble where it is known."""

    day: PhaseDay
    cause: Cause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineReport:
    """A pipeline's phases by date. ``recording`` is None when it could not be asked; ``error`` then says why."""

    name: str
    zone: ZoneInfo
    status: Status
    phases: tuple[PhaseReport, ...]
    recording: Recording | None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentReport:
    """An incident with its faults, root first."""

    incident: Incident
    severity: Severity
    title: str
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """A place that was asked for this report, and the proof of what was read."""

    name: str
    status: Status
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The latest run of a check in the watcher, as stored."""

    name: str
    status: Status
    last_run_at: datetime
    evidence: Evidence
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """Everything there is to say at ``as_of``."""

    generated_at: datetime
    as_of: datetime
    status: Status
    pipelines: tuple[PipelineReport, ...]
    incidents: tuple[IncidentReport, ...]
    failures: tuple[Fault, ...]
    sources: tuple[SourceReport, ...]
    checks: tuple[CheckReport, ...]
    notes: tuple[str, ...] = ()
