"""What metrics explain: one incident, with the right root, whatever comes first."""

from __future__ import annotations

from datetime import date, datetime
from itertools import permutations

import pytest

from checks.model import Finding, Severity, Subject
from tests.alerts.test_causes import Story
from tests.support.findings import SERVICE, at, log_failure, phase

DAY = date(2026, 1, 25)


def measured(when: datetime, what: str, service: str | None = SERVICE, name: str | None = None, **of: str) -> Finding:
    """What metrics show of a function; with ``phase`` the rule is bound to it."""
    return Finding(
        fingerprint=f"metric:{what}:{name or service}",
        check="metrics",
        kind=f"metrics.{what}",
        severity=Severity.WARNING,
        subject=Subject(
            service=service, pipeline="nba" if of else None, phase=of.get("phase"), run_date=DAY if of else None
        ),
        title=what,
        since=when,
        last_seen=when,
        facts={"subscription": name} if name else {},
    )


CAUSES = [
    (measured(at(2), "failing"), f"{SERVICE} records phase3, and {SERVICE} fails"),
    (measured(at(2), "absent"), f"{SERVICE} records phase3, and {SERVICE} was not invoked: look at its trigger"),
    (measured(at(2), "backlog", None, "a-sub", phase="phase3"), "a-sub does not take its messages"),
    (measured(at(2), "memory", "processors", phase="phase3"), "processors is near its memory limit"),
]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(("cause", "why"), CAUSES, ids=[cause.kind for cause, _ in CAUSES])
def test_what_is_measured_explains_the_phase(cause: Finding, why: str, first: int) -> None:
    """By the function that records it, or by the phase that the rule is bound to; in either order."""
    story = Story()
    parts = [cause, phase(at(2))]
    for finding in (parts[first], parts[1 - first]):
        story.run(at(2), finding, check=finding.check)
    [incident] = story.open()
    assert incident.root == cause.fingerprint
    assert incident.explains["phase:nba:phase3:2026-01-25"] == why


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_the_failure_in_the_log_is_behind_its_metrics(order: tuple[int, ...]) -> None:
    """A NameError, executions that fail, messages that wait, and the phase: one story with one root."""
    failure = log_failure(at(2))
    parts = [failure, measured(at(1), "failing"), measured(at(1), "backlog", name="a-sub"), phase(at(2))]
    story = Story()
    for number in order:
        story.run(at(2), parts[number], check=parts[number].check)
    [incident] = story.open()
    assert incident.root == failure.fingerprint
    assert incident.explains["metric:failing:" + SERVICE] == f"{SERVICE} fails"
    assert set(incident.members) == {finding.fingerprint for finding in parts}


def test_what_began_after_the_phase_was_due_is_not_its_cause() -> None:
    """The function is not invoked for the 25th: that explains neither the 24th, nor any date before."""
    story = Story()
    before = phase(at(-20), run_date=date(2026, 1, 24))
    story.run(at(2), before, phase(at(2)), check="completions")
    absent = measured(at(2), "absent", phase="phase3")
    story.run(at(2), absent, check="metrics")
    assert sorted(i.root for i in story.open()) == sorted([before.fingerprint, absent.fingerprint])


def test_what_has_nothing_to_do_with_it_stays_apart() -> None:
    """Another function, a backlog of nobody known, another phase's rule."""
    story = Story()
    story.run(at(2), phase(at(2)), check="completions")
    story.run(at(2), measured(at(2), "failing", "other"), measured(at(2), "backlog", None, "a-sub"), check="metrics")
    story.run(at(2), measured(at(2), "backlog", None, "b-sub", phase="phase4"), check="metrics.b")
    assert len(story.open()) == 4
