"""What `phasewatch doctor` says of Cloud Monitoring."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from checks.ports import SourceError
from monitor.config.loading import Config, load
from monitor.doctor.metrics import cloud_monitoring, metric_trials
from monitor.doctor.trials import State
from tests.support.logging_server import TestClock
from tests.support.monitoring_server import MonitoringServer
from tests.support.pipelines import et
from tests.support.watched import SetClock

NOW = et("2026-01-26 09:00")
WITHIN = timedelta(seconds=4)
AGE = "pubsub.googleapis.com/subscription/oldest_unacked_message_age"


@pytest.fixture
def server() -> Iterator[MonitoringServer]:
    with MonitoringServer(TestClock(NOW)) as running:
        running.put(
            AGE, NOW - timedelta(minutes=9), 3, resource="pubsub_subscription", kind="GAUGE", subscription_id="s"
        )
        yield running


def config(folder: Path, server: MonitoringServer, *rules: str) -> Config:
    text = f"gcp: {{endpoints: {{monitoring: {server.endpoint}}}}}\n"
    text += f"checks: {{metrics: {{watch: [{', '.join(rules)}]}}}}\n"
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return load(folder / "config.yaml", {})


def test_all_questions_are_tried_and_nothing_is_written(tmp_path: Path, server: MonitoringServer) -> None:
    """Each once, whatever number of rules asks it; without rules there is nothing to try."""
    settings = config(tmp_path, server, "{preset: backlog}", "{preset: failed_executions}", "{preset: request_errors}")
    clock = SetClock(NOW)
    verdict = cloud_monitoring(settings, clock, WITHIN)  # type: ignore[arg-type]  # what it asks of one
    assert (verdict.state, verdict.said) == (
        State.OK, "metrics can be read: 1 series in the last hour for 3 rules",
    )  # fmt: skip
    assert server.requests == ["ListTimeSeries"] * 3
    assert list(metric_trials(config(tmp_path, server), clock, WITHIN)) == []  # type: ignore[arg-type]


def test_a_rule_that_is_not_understood_is_named(tmp_path: Path, server: MonitoringServer) -> None:
    """A gauge has no delta; a missing role is an error like any other, with the command that grants it."""
    rule = f"""{{name: wrong, filter: 'metric.type = "{AGE}"', aligner: delta,
        named_by: resource.labels.subscription_id, above: 1}}"""
    settings = config(tmp_path, server, "{preset: backlog}", rule)
    verdict = cloud_monitoring(settings, SetClock(NOW), WITHIN)  # type: ignore[arg-type]
    assert (verdict.state, verdict.said) == (State.FAILED, "1 of 2 rules are not understood: wrong")
    assert "not valid for the metric" in verdict.notes[0]
    server.script.append("permission")
    with pytest.raises(SourceError) as refused:
        cloud_monitoring(settings, SetClock(NOW), WITHIN)  # type: ignore[arg-type]
    assert "roles/monitoring.viewer" in str(refused.value.remedy)
