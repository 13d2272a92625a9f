"""Deployments: who deployed what, and whether it came up, from audit entries as public exports show them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from checks.logs.deployments import Deployment, Outcome, deployed_before, deployment_of, deployments
from tests.checks.logs.corpus import CASES

AT = datetime(2026, 1, 26, 10, 0, tzinfo=UTC)


def audit(method: str, name: str, at: datetime = AT, log: str = "activity", **changes: Any) -> dict[str, Any]:
    """An audit entry."""
    status = changes.pop("status", {})
    return {
        "insertId": "x",
        "logName": f"projects/p/logs/cloudaudit.googleapis.com%2F{log}",
        "timestamp": at.isoformat(),
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": "daily-export"}},
        "protoPayload": {
            "methodName": method,
            "resourceName": name,
            "authenticationInfo": {"principalEmail": "dev@example.com"},
            "status": status,
        },
        **changes,
    }


def test_a_cloud_run_deployment_names_the_service_and_the_person() -> None:
    """ReplaceService, by its v1 name: accepted. Whether the revision comes up, a system event tells."""
    entry = audit("google.cloud.run.v1.Services.ReplaceService", "namespaces/p/services/daily-export")
    assert deployment_of(entry) == Deployment(
        service="daily-export", at=AT, outcome=Outcome.STARTED, by="dev@example.com"
    )


def test_a_function_keeps_its_name_as_the_platform_normalises_it() -> None:
    """The operation's first entry names the person, its last one how it ended."""
    name = "projects/p/locations/us-west2/functions/Daily_Export"
    method = "google.cloud.functions.v2.FunctionService.UpdateFunction"
    first = audit(method, name, operation={"id": "o", "first": True})
    last = audit(method, name, AT + timedelta(minutes=2), operation={"id": "o", "last": True})
    last["protoPayload"]["authenticationInfo"] = {}
    failed = audit(
        method,
        name,
        AT + timedelta(minutes=9),
        operation={"last": True},
        status={"code": 3, "message": "Build failed: x"},
    )
    assert [(d.service, d.outcome, d.by, d.message) for d in deployments([failed, last, first])] == [
        ("daily-export", Outcome.STARTED, "dev@example.com", None),
        ("daily-export", Outcome.DONE, None, None),
        ("daily-export", Outcome.FAILED, "dev@example.com", "Build failed: x"),
    ]


def test_a_rollout_that_does_not_come_up_is_failed() -> None:
    """As in the labelled samples: Ready changed to False for the revision."""
    entries = [e for case in CASES.values() for e in case]
    found = deployments(entries)
    assert {d.outcome for d in found} == {Outcome.FAILED}
    assert all(d.revision is not None and d.revision.startswith(d.service) for d in found)
    assert len(found) == sum("Ready condition status changed to False" in json.dumps(e) for e in entries)


def test_other_audit_entries_say_nothing() -> None:
    """IAM changes, reads, other logs."""
    assert deployment_of(audit("google.cloud.run.v1.Services.SetIamPolicy", "namespaces/p/services/a")) is None
    assert deployment_of(audit("Services.ReplaceService", "namespaces/p/services/a", logName="x/stderr")) is None
    assert deployment_of({"textPayload": "ReplaceService"}) is None


def test_the_deployment_before_a_revision_first_logged_is_its_own() -> None:
    """The last one asked for; of an operation, the entry that names the person."""
    method = "google.cloud.functions.v2.FunctionService.UpdateFunction"
    name = "projects/p/locations/us-west2/functions/daily-export"
    old = audit(method, name, AT - timedelta(days=1))
    first = audit(method, name, operation={"first": True})
    last = audit(method, name, AT + timedelta(minutes=2), operation={"last": True})
    last["protoPayload"]["authenticationInfo"] = {}
    later = audit(method, name, AT + timedelta(days=1))
    found = deployments([old, first, last, later])
    chosen = deployed_before(found, "daily-export", AT + timedelta(minutes=4))
    assert chosen is not None
    assert (chosen.at, chosen.by) == (AT, "dev@example.com")
    assert deployed_before(found, "daily-export", AT - timedelta(days=2)) is None
    assert deployed_before(found, "another", AT) is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(anything, anything, anything)
def test_no_entry_crashes_it(proto: Any, log: Any, name: Any) -> None:
    """Whatever stands where an audit record should."""
    deployment_of({"protoPayload": proto, "logName": log, "timestamp": "2026-01-26T10:00:00Z"})
    hostile = audit("Services.ReplaceService", "x")
    hostile["protoPayload"]["resourceName"] = name
    hostile["protoPayload"]["status"] = proto
    deployment_of(hostile)
