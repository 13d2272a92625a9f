"""What a message tells people to do next."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from alerts.messages.message import compose
from alerts.model import Fault, FaultState, Incident, IncidentState, Scene
from checks.model import Finding
from tests.support.findings import START, log_failure


def next_step(finding: Finding) -> str:
    fault = Fault(finding=finding, state=FaultState.FIRING, opened_at=START, count=1, fired_at=START)
    name = finding.fingerprint
    incident = Incident(id=1, state=IncidentState.OPEN, root=name, members=(name,), opened_at=START)
    return dict(compose(incident, Scene(faults={name: fault}, now=START, zone=ZoneInfo("UTC"))).facts)["Next"]


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        ({}, "repair daily-import and deploy it"),
        ({"remedy": "raise the memory limit"}, "raise the memory limit"),
    ],
)
def test_a_remedy_of_its_own_comes_before_a_new_deployment(facts: dict[str, str], step: str) -> None:
    """A signal's remedy is seldom a repair of the code."""
    assert next_step(log_failure(START, service="daily-import", kind="log.signal", facts=facts)) == step
