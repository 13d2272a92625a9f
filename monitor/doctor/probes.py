"""What ``phasewatch doctor`` tries: one bounded look at each source, channel, and at what the daemon itself needs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.clock import Clock
from monitor.doctor.bigquery import bigquery_trials
from monitor.doctor.channels import channel_trial
from monitor.doctor.daemon import own_trials
from monitor.doctor.logs import log_trials
from monitor.doctor.metrics import metric_trials
from monitor.doctor.trials import Trial
from monitor.wiring import parts

if TYPE_CHECKING:
    from monitor.config.loading import Config


def trials(config: Config, where: parts.Data | None, clock: Clock, timeout: timedelta) -> list[Trial]:
    """Everything there is to try. ``where`` None: BigQuery could not be had at all, and its tables are not tried.

    ``timeout`` is for all of them together, as they run at once.
    """
    within = timeout * 0.8  # so that each can still say what it waited for
    found: list[Trial] = []
    if where is not None:
        found += bigquery_trials(config, where, clock, within)
    found += log_trials(config, where, clock, within)
    found += metric_trials(config, clock, within)
    for name, channel in config.alerts.channels.items():
        found.append(channel_trial(name, channel, clock, within))
    return [*found, *own_trials(config)]
