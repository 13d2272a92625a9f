"""Which deployment: the revision in which a fault began, whether the one before was clean, and who deployed what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.logs.revisions import MAX_DEPLOYMENTS, MAX_REVISIONS, MAX_SERVICES, Revisions
from checks.model import Clearance, Finding, JsonValue, Severity
from tests.checks.logs.entries import START, entry, request
from tests.checks.logs.test_function_logs import FINGERPRINT, TRACEBACK, Ticks

SERVICE = "daily-import"


def of(revision: str, service: str = SERVICE) -> dict[str, Any]:
    """The resource of a revision."""
    labels = {"service_name": service, "revision_name": f"{service}-{revision}"}
    return {"type": "cloud_run_revision", "labels": labels}


def run(revision: str, at: float) -> dict[str, Any]:
    """A request that was answered well."""
    return request(200, at, resource=of(revision))


def failure(revision: str, at: float, text: str = TRACEBACK) -> dict[str, Any]:
    """A traceback in one entry."""
    return entry(text, at, resource=of(revision), severity="ERROR", insertId=f"failure-{revision}-{at}")


def audit(at: float, log: str, audit: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An audit entry about the service."""
    payload = {"@type": "type.googleapis.com/google.cloud.audit.AuditLog", **audit}
    name = f"projects/demo/logs/cloudaudit.googleapis.com%2F{log}"
    resource = {"type": "cloud_run_revision", "labels": {"service_name": SERVICE}}
    return entry(None, at, logName=name, protoPayload=payload, resource=resource) | changes


def deploy(at: float, by: str = "dev@example.com") -> dict[str, Any]:
    """Cloud Run accepts a new revision."""
    method = "google.cloud.run.v1.Services.ReplaceService"
    who = {"principalEmail": by}
    name = f"namespaces/demo/services/{SERVICE}"
    return audit(at, "activity", {"methodName": method, "resourceName": name, "authenticationInfo": who})


def ready(revision: str, at: float, *, ok: bool = True) -> dict[str, Any]:
    """What became of it."""
    status: dict[str, Any] = {} if ok else {"code": 3}
    status["message"] = f"Ready condition status changed to {ok} for Revision {SERVICE}-{revision} with message: x"
    name = f"namespaces/demo/revisions/{SERVICE}-{revision}"
    return audit(at, "system_event", {"methodName": "/Services.ReplaceService", "resourceName": name, "status": status})


def facts(ticks: Ticks, at: float) -> dict[str, JsonValue]:
    """Those of the one failure that is told."""
    [finding] = [f for f in ticks.at(at).findings if f.fingerprint == FINGERPRINT]
    return dict(finding.facts)


def told(ticks: Ticks, at: float) -> tuple[list[Finding], list[Clearance]]:
    """What is said of deployments."""
    judgement = ticks.at(at)
    return (
        [f for f in judgement.findings if f.kind == "rollout.failed"],
        [c for c in judgement.clearances if c.fingerprint is not None],
    )


def test_a_failure_names_the_deployment_that_brought_it() -> None:
    """Who, how long before, and that the revision before was clean: the sentence somebody on call wants first."""
    ticks = Ticks()
    ticks.source.entries += [run("00028-xyz", 10), deploy(300), ready("00029-zop", 330), run("00029-zop", 400)]
    ticks.at(420)
    ticks.source.entries += [failure("00029-zop", 540)]
    said = "first seen in 00029-zop, deployed 4 minutes earlier by dev@example.com; 00028-xyz was clean"
    assert facts(ticks, 600)["deployment"] == said
    ticks.source.entries += [failure("00029-zop", 900)]
    assert facts(ticks, 1_000)["deployment"] == said, "said again with what is remembered"


def test_all_in_one_read_and_backwards() -> None:
    """An export, newest first."""
    ticks = Ticks()
    ticks.source.entries += [failure("00029-zop", 540), run("00029-zop", 400), deploy(300), run("00028-xyz", 10)]
    expected = "first seen in 00029-zop, deployed 4 minutes earlier by dev@example.com; 00028-xyz was clean"
    assert facts(ticks, 600)["deployment"] == expected


def test_a_new_revision_that_still_fails_is_said() -> None:
    """The repair did not help: the fault goes on in a newer revision."""
    ticks = Ticks()
    ticks.source.entries += [run("00028-xyz", 10), deploy(300), failure("00029-zop", 400)]
    assert "still fails in" not in facts(ticks, 500)
    ticks.source.entries += [deploy(1_000, "another@example.com"), failure("00030-kul", 1_200)]
    said = facts(ticks, 1_300)
    assert (
        said["deployment"]
        == "first seen in 00029-zop, deployed 100 seconds earlier by dev@example.com; 00028-xyz was clean"
    )
    assert said["still fails in"] == "00030-kul, deployed 3 minutes earlier by another@example.com"


def test_a_revision_that_had_other_failures_was_not_clean() -> None:
    """Only that it did not have this one can be said of it."""
    ticks = Ticks()
    ticks.source.entries += [
        run("00028-xyz", 10),
        failure("00028-xyz", 20, TRACEBACK.replace("firestore", "bigquery")),
        failure("00029-zop", 400),
    ]
    assert facts(ticks, 500)["deployment"] == "first seen in 00029-zop; 00028-xyz did not have it"


def test_without_an_audit_entry_the_first_line_of_the_revision_is_named() -> None:
    """Where it is known that the revision began then: one before it was seen."""
    ticks = Ticks()
    ticks.source.entries += [run("00028-xyz", 10), entry("starting", 200, resource=of("00029-zop"))]
    ticks.source.entries += [failure("00029-zop", 500)]
    said = "first seen in 00029-zop, which first logged 5 minutes earlier; 00028-xyz was clean"
    assert facts(ticks, 600)["deployment"] == said


def test_nothing_is_claimed_where_nothing_is_known() -> None:
    """The first revision ever seen may be years old; an audit entry of days before need not be its own."""
    ticks = Ticks()
    ticks.source.entries += [entry("working", 100, resource=of("00029-zop")), failure("00029-zop", 500)]
    assert "deployment" not in facts(ticks, 600)
    ticks = Ticks()
    ticks.source.entries += [deploy(-7_000), entry("working", 100, resource=of("00029-zop")), failure("00029-zop", 500)]
    assert "deployment" not in facts(ticks, 600)


def test_a_failed_rollout_is_told_and_a_later_one_that_comes_up_ends_it() -> None:
    """A clean run of the old revision, which goes on serving, does not."""
    ticks = Ticks(phases={SERVICE: (("nba", "phase3"),)})
    ticks.source.entries += [
        run("00028-xyz", 10),
        deploy(100),
        ready("00029-zop", 160, ok=False),
        run("00028-xyz", 170),
    ]
    [finding], cleared = told(ticks, 240)
    assert cleared == []
    assert (finding.fingerprint, finding.severity) == (f"rollout:{SERVICE}", Severity.CRITICAL)
    assert finding.title.startswith(f"A deployment of {SERVICE} failed: Ready condition status changed to False")
    assert finding.since == START + timedelta(seconds=160)
    assert finding.facts["deployed by"] == "dev@example.com"
    assert finding.facts["revision"] == f"{SERVICE}-00029-zop"
    assert told(ticks, 300) == ([], []), "told once"
    ticks.source.entries += [deploy(600)]
    assert told(ticks, 660) == ([], []), "asked for is not up"
    ticks.source.entries += [ready("00030-kul", 700)]
    findings, [over] = told(ticks, 720)
    assert findings == []
    assert over.fingerprint == finding.fingerprint
    assert over.reason == (
        f"{SERVICE} was deployed by dev@example.com at 2026-01-26T09:18:44Z (revision {SERVICE}-00030-kul)"
    )


@pytest.mark.parametrize("late", [False, True], ids=["in order", "out of order"])
def test_a_rollout_that_failed_and_was_repaired_before_we_looked_is_not_told(late: bool) -> None:
    """The latest one decides, whatever the order in which they are read."""
    ticks = Ticks()
    entries = [deploy(100), ready("00029-zop", 160, ok=False), deploy(200), ready("00030-kul", 220)]
    ticks.source.entries += entries[::-1] if late else entries
    findings, cleared = told(ticks, 240)
    assert findings == []
    assert [c.fingerprint for c in cleared] == [f"rollout:{SERVICE}"]


def test_a_failed_build_of_a_function_is_told() -> None:
    """The last entry of its operation has the status; the first one named the person."""
    ticks = Ticks()
    method = "google.cloud.functions.v2.FunctionService.UpdateFunction"
    name = "projects/p/locations/us-west2/functions/daily_import"
    who = {"principalEmail": "dev@example.com"}
    status = {"code": 3, "message": "Build failed: ERROR: No matching distribution found for pandas==99"}
    first = audit(100, "activity", {"methodName": method, "resourceName": name, "authenticationInfo": who})
    last = audit(160, "activity", {"methodName": method, "resourceName": name, "status": status})
    ticks.source.entries += [first | {"operation": {"first": True}}, last | {"operation": {"last": True}}]
    [finding], _ = told(ticks, 200)
    assert finding.title == f"A deployment of {SERVICE} failed: {status['message']}"
    assert finding.facts["deployed by"] == "dev@example.com"
    assert finding.severity is Severity.WARNING, "no phase depends on it"


def test_the_operation_and_its_revision_are_one_failed_rollout() -> None:
    """Both tell of it, a minute apart: counted once."""
    ticks = Ticks()
    ticks.source.entries += [deploy(100), ready("00029-zop", 160, ok=False)]
    [first], _ = told(ticks, 200)
    method = "google.cloud.functions.v2.FunctionService.UpdateFunction"
    name = f"projects/p/locations/us-west2/functions/{SERVICE}"
    ended = audit(210, "activity", {"methodName": method, "resourceName": name, "status": {"code": 3, "message": "x"}})
    ticks.source.entries += [ended | {"operation": {"last": True}}]
    [again], _ = told(ticks, 260)
    assert [first.occurrences, again.occurrences] == [1, 0]


def test_another_function_s_deployment_is_not_watched() -> None:
    """Only the functions that the check watches."""
    ticks = Ticks(functions=("phase2-loader",))
    ticks.source.entries += [deploy(100), ready("00029-zop", 160, ok=False)]
    assert told(ticks, 240) == ([], [])


def test_a_clean_run_names_its_deployment() -> None:
    """That the repair helped is the other half."""
    ticks = Ticks()
    ticks.source.entries += [run("00028-xyz", 10), failure("00028-xyz", 20)]
    ticks.at(100)
    ticks.source.entries += [deploy(300), ready("00029-zop", 330), run("00029-zop", 420)]
    clearances = ticks.at(500).clearances
    assert clearances[0].service == SERVICE
    assert clearances[0].reason.endswith(
        f"(revision {SERVICE}-00029-zop, deployed 2 minutes earlier by dev@example.com)"
    )


def test_the_memory_is_bounded() -> None:
    """Functions, revisions and deployments without end."""
    memory = Revisions(None)
    for number in range(MAX_SERVICES + 50):
        memory.see([entry("x", number, resource=of("00001-abc", f"function-{number}"))])
    for number in range(40):
        memory.see([entry("x", 900 + number, resource=of(f"{number:05}-abc")), deploy(900.5 + number)])
    kept = memory.as_json()
    assert isinstance(kept, dict)
    assert len(kept) == MAX_SERVICES
    ours: Any = kept[SERVICE]
    assert len(ours["revisions"]) == MAX_REVISIONS
    assert len(ours["deployments"]) == MAX_DEPLOYMENTS
    assert Revisions(json.loads(json.dumps(kept))).as_json() == kept


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.fixed_dictionaries({"revisions": anything, "deployments": anything}) | anything,
        max_size=3,
    ),
    st.lists(anything, max_size=3),
)
def test_no_memory_and_no_entry_crashes_it(stored: Any, entries: Sequence[Any]) -> None:
    """Whatever is stored where the memory should be, and whatever stands in a log."""
    memory = Revisions(stored)
    memory.see(entries)
    memory.unasked(entries)
    memory.rollouts()
    memory.as_json()
