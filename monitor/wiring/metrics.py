"""The checks of metrics and of scheduler jobs, made from the configuration."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from checks.ports import Check

if TYPE_CHECKING:
    from checks.pipeline import Pipeline
    from checks.ports import Warehouse
    from monitor.config.loading import Config

# One page of one list.
ASK_WITHIN = timedelta(seconds=15)
AT_ONCE = 20
# Of Cloud Logging's 60 a minute, beside those of the check of function logs: a first read has up to ten pages.
JOB_READS_PER_MINUTE = 1
JOB_READS_AT_ONCE = 10


def metric_checks(config: Config, pipelines: tuple[Pipeline, ...], warehouse: Warehouse) -> list[Check[Any]]:
    """The check, if there is something to look for; calendars are asked of the warehouse."""
    settings = config.checks.metrics
    if not settings.watch:
        return []
    from checks.kinds.metrics import Metrics
    from checks.monitoring_api import MonitoringApi
    from checks.rate import RateLimiter
    from checks.sources.calendar import Calendars
    from checks.sources.cloud_monitoring import CloudMonitoring

    api = MonitoringApi(config.gcp.project, endpoint=config.gcp.endpoints.monitoring, timeout=ASK_WITHIN)
    limiter = RateLimiter(settings.requests_per_minute, min(AT_ONCE, settings.requests_per_minute))
    return [
        Metrics(
            rules=settings.to_rules(),
            source=CloudMonitoring(api, limiter=limiter),
            pipelines=pipelines,
            calendars=Calendars(warehouse),
            every=settings.every,
            visible_after=settings.visible_after,
        )
    ]


def scheduler_checks(config: Config, pipelines: tuple[Pipeline, ...], warehouse: Warehouse) -> list[Check[Any]]:
    """The check of scheduler jobs, if it is switched on; calendars are asked of the warehouse."""
    settings = config.checks.scheduler
    if not settings.enabled:
        return []
    from checks.cloud_logging.api import LoggingApi
    from checks.kinds.scheduler import SchedulerCheck
    from checks.rate import RateLimiter
    from checks.sources.calendar import Calendars
    from checks.sources.scheduler_logs import SchedulerLogs

    api = LoggingApi(
        config.gcp.project,
        limiter=RateLimiter(JOB_READS_PER_MINUTE, JOB_READS_AT_ONCE),
        endpoint=config.gcp.endpoints.logging,
        timeout=ASK_WITHIN,
    )
    return [
        SchedulerCheck(
            logs=SchedulerLogs(api),
            every=settings.every,
            failures=settings.failures,
            silent_after=settings.silent_after,
            pipelines=pipelines,
            calendars=Calendars(warehouse),
        )
    ]
