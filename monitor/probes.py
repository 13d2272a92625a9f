"""What ``phasewatch doctor`` tries: one bounded look at each source, channel, and at what the daemon itself needs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from monitor import wiring
from monitor.clock import Clock
from monitor.doctor import Trial
from monitor.metric_probe import metric_trials
from monitor.probe_bigquery import bigquery_trials
from monitor.probe_channels import channel_trial
from monitor.probe_daemon import own_trials
from monitor.probe_logs import log_trials

if TYPE_CHECKING:
    from monitor.config import Config


def trials(config: Config, where: wiring.Data | None, clock: Clock, timeout: timedelta) -> list[Trial]:
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
