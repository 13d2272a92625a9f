"""What ``phasewatch doctor`` tries of Cloud Monitoring: every question of the check of metrics, once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from checks.model import Window
from checks.ports import SourceError
from monitor.clock import Clock
from monitor.doctor import trials
from monitor.doctor.trials import Trial, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.config.loading import Config

NAME = "cloud monitoring"
_RECENT = timedelta(hours=1)


def metric_trials(config: Config, clock: Clock, within: timedelta) -> Iterator[Trial]:
    """The trial, if there is anything to look for."""
    if config.checks.metrics.watch:
        yield Trial(NAME, lambda: cloud_monitoring(config, clock, within))


def cloud_monitoring(config: Config, clock: Clock, within: timedelta) -> Verdict:
    """Whether metrics can be read, and each rule is understood there; nothing is written.

    :raises SourceError: if they cannot be read at all.
    """
    from checks.monitoring_api import MonitoringApi
    from checks.rate import RateLimiter
    from checks.sources.cloud_monitoring import CloudMonitoring

    rules = config.checks.metrics.to_rules()
    queries = {query: rule for rule in reversed(rules) for query in rule.queries}
    api = MonitoringApi(config.gcp.project, endpoint=config.gcp.endpoints.monitoring, timeout=within / 2)
    source = CloudMonitoring(api, limiter=RateLimiter(60, len(queries) + 20))
    now = clock.now()
    found = 0
    refused: dict[str, str] = {}
    try:
        for query, rule in queries.items():
            try:
                found += len(source.series(query, Window(start=now - _RECENT, end=now), rule.period)[0])
            except SourceError as error:
                if error.kind != "invalid":
                    raise
                refused[rule.name] = str(error)
    finally:
        api.close()
    if refused:
        notes = [f"{name}: {reason}" for name, reason in refused.items()]
        said = f"{len(refused)} of {len(rules)} rules are not understood: {', '.join(refused)}"
        return trials.failed(NAME, said, remedy="correct checks.metrics.watch", notes=notes)
    return trials.good(NAME, f"metrics can be read: {found} series in the last hour for {len(rules)} rules")
