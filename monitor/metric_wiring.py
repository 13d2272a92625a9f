"""The check of metrics, made from the configuration."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from checks.ports import Check

if TYPE_CHECKING:
    from checks.pipeline import Pipeline
    from checks.ports import Warehouse
    from monitor.config import Config

# One page of one list.
ASK_WITHIN = timedelta(seconds=15)
AT_ONCE = 20


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
