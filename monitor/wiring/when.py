"""From the configuration to when people are told, and to what helps them: policy, digest, guide."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from alerts.messages.digest import Schedule
from alerts.model import Guide
from alerts.notify.decisions import Policy

if TYPE_CHECKING:
    from monitor.config.loading import Config


def zone(config: Config) -> ZoneInfo:
    """The zone in which people read times: that of the alerts, else the first pipeline's, else UTC."""
    first = config.pipelines[0].timezone if config.pipelines else "UTC"
    return config.alerts.zone(ZoneInfo(first))


def policy(config: Config, enabled: frozenset[str]) -> Policy:
    """Quiet hours, reminders, escalation, maintenance windows."""
    alerts, where = config.alerts, zone(config)
    return Policy(
        quiet=alerts.to_quiet_hours(where),
        reminders=alerts.reminders.to_reminders(),
        escalation=tuple(step.to_step(enabled) for step in alerts.escalation),
        maintenance=tuple(window.to_maintenance(where) for window in alerts.maintenance),
    )


def digest(config: Config, enabled: frozenset[str]) -> Schedule | None:
    """When the daily digest is told, and to which channels; None where nobody would get one."""
    settings = config.alerts.digest
    to = tuple(name for name in settings.to if name in enabled) if settings is not None else ()
    if settings is None or not to:
        return None
    return Schedule(at=settings.at, zone=ZoneInfo(settings.timezone) if settings.timezone else zone(config), to=to)


def guide(config: Config) -> Guide:
    """Runbooks, commands that resume a phase, tables; links to the console only where there is a project to look at."""
    resume: dict[tuple[str, str], str] = {}
    runbooks: dict[tuple[str, str | None], str] = {}
    for pipeline in config.pipelines:
        if pipeline.runbook is not None:
            runbooks[pipeline.name, None] = pipeline.runbook
        for phase in pipeline.phases:
            if phase.resume is not None:
                resume[pipeline.name, phase.name] = phase.resume
            if phase.runbook is not None:
                runbooks[pipeline.name, phase.name] = phase.runbook
    return Guide(
        project=config.gcp.project if config.mode == "gcp" else None,
        tables={p.name: p.completions.table for p in config.pipelines},
        resume=resume,
        runbooks=runbooks,
        runbook=config.alerts.runbook,
    )
