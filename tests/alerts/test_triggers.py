"""What scheduler jobs explain: one incident with the job as its root, whatever comes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import permutations

import pytest

from alerts.faults.causes import explanation
from alerts.model import Fault, FaultState
from checks.model import Finding, Severity, Subject
from checks.pipeline import HandOver, Pipeline, StarterKind
from tests.alerts.test_causes import Story
from tests.support.findings import SERVICE, at, log_failure, phase
from tests.support.pipelines import nba, with_phase

DAY = date(2026, 1, 25)
JOB = "daily-yesterday-analytics"


def scheduled(**changes: object) -> Pipeline:
    """The sample pipeline with its third phase started by the job, which calls a function."""
    by_job = HandOver(kind=StarterKind.SCHEDULE, name=JOB, within=timedelta(minutes=30))
    return with_phase(nba(), "phase3", **{"hand_overs": (by_job,), "starters": ("analytics",), **changes})


@pytest.fixture(autouse=True)
def pipelines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.alerts.test_causes.PIPELINES", (scheduled(),))


def job(when: datetime, what: str = "silent", name: str = JOB) -> Finding:
    return Finding(
        fingerprint=f"scheduler:{name}:{what}",
        check="scheduler",
        kind=f"scheduler.{what}",
        severity=Severity.WARNING,
        subject=Subject(pipeline="nba", phase="phase3", run_date=DAY),
        title=f"The scheduler job {name} is {what}",
        since=when,
        last_seen=when,
        facts={"job": name},
    )


def absent(when: datetime) -> Finding:
    return Finding(
        fingerprint=f"metric:no_executions:{SERVICE}",
        check="metrics",
        kind="metrics.absent",
        severity=Severity.CRITICAL,
        subject=Subject(service=SERVICE, pipeline="nba", phase="phase3", run_date=DAY),
        title="absent",
        since=when,
        last_seen=when,
    )


@pytest.mark.parametrize("order", list(permutations(range(4)))[::3])
@pytest.mark.parametrize(("what", "says"), [("silent", "did not run"), ("failing", "fails")])
def test_the_job_is_the_cause(order: tuple[int, ...], what: str, says: str) -> None:
    """Of the phase it starts, of the function that is not invoked, and so of what waits for the phase."""
    cause = job(at(1), what)
    parts = [cause, phase(at(2)), absent(at(2)), phase(at(2), "phase4", "blocked")]
    story = Story()
    for number in order:
        story.run(at(2), parts[number], check=parts[number].check)
    [incident] = story.open()
    assert incident.root == cause.fingerprint
    assert set(incident.members) == {part.fingerprint for part in parts}
    why = f"the scheduler job {JOB} starts phase3, and {says}"
    assert incident.explains["phase:nba:phase3:2026-01-25"] == why
    assert incident.explains[absent(at(2)).fingerprint] == why


@pytest.mark.parametrize("first", [0, 1])
def test_the_function_that_it_calls_explains_that_it_fails(first: int) -> None:
    """The failure in the log is behind the answers that the job gets."""
    failure = log_failure(at(1), service="analytics")
    parts = [failure, job(at(1.1), "failing")]
    story = Story()
    for finding in (parts[first], parts[1 - first]):
        story.run(at(2), finding, check=finding.check)
    [incident] = story.open()
    assert incident.root == failure.fingerprint
    assert incident.explains[f"scheduler:{JOB}:failing"] == "analytics fails"


def test_a_failure_that_came_after_the_job_s_does_not_explain_it() -> None:
    """The job is refused; hours later somebody runs the function by hand, and it fails."""
    faults = [
        Fault(finding=finding, state=FaultState.FIRING, opened_at=at(9), count=1)
        for finding in (log_failure(at(5), service="analytics"), job(at(1), "failing"))
    ]
    assert explanation(faults[0], faults[1], (scheduled(),), at(9)) is None


def test_what_has_nothing_to_do_with_it_stays_apart() -> None:
    """Another job, and another phase."""
    story = Story()
    story.run(at(2), phase(at(2)), phase(at(2), "phase4", "incomplete"), check="completions")
    story.run(at(2), job(at(1), name="cleanup"), check="scheduler")
    assert len(story.open()) == 3
    story.run(at(2), job(at(1)), check="scheduler")
    assert len(story.open()) == 3


def test_only_run_dates_that_the_job_was_to_start_and_that_were_not_over() -> None:
    """Validity dates decide, and a job that went silent after the phase was due is not its cause."""

    def explained(pipeline: Pipeline, since: datetime) -> str | None:
        faults = [
            Fault(finding=finding, state=FaultState.FIRING, opened_at=at(9), count=1)
            for finding in (job(since), phase(at(9)))
        ]
        return explanation(faults[0], faults[1], (pipeline,), at(9))

    assert explained(scheduled(), at(1)) is not None
    assert explained(scheduled(), at(8)) is None
    over = replace(job(at(-10)), last_seen=at(-9))
    resolved = Fault(finding=over, state=FaultState.RESOLVED, opened_at=at(-10), count=1, resolved_at=at(-9))
    effect = Fault(finding=phase(at(9)), state=FaultState.FIRING, opened_at=at(9), count=1)
    assert explanation(resolved, effect, (scheduled(),), at(9)) is None, "it was over before the phase began"
    ended = HandOver(kind=StarterKind.SCHEDULE, name=JOB, within=timedelta(0), valid_until=DAY)
    assert explained(scheduled(hand_overs=(ended,)), at(1)) is None
