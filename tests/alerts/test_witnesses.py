"""What the checks beside the states explain: one incident, with the right root, whatever comes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from itertools import permutations

import pytest

from alerts.matching import Matcher
from alerts.notify.silences import Silence, muting
from checks.model import Clearance, Finding, Severity, Subject
from tests.alerts.test_causes import Story
from tests.support.findings import SERVICE, at, log_failure, phase


def silence(when: datetime, pipeline: str = "nba") -> Finding:
    """Nothing has been recorded for two hours."""
    return witness(when, "recording.silent", f"recording:{pipeline}", Subject(pipeline=pipeline), since=at(0))


def unrecorded(when: datetime, name: str = "phase3", day: date = date(2026, 1, 25)) -> Finding:
    """The data is there."""
    subject = Subject(pipeline="nba", phase=name, run_date=day)
    return witness(when, "outputs.unrecorded", f"outputs:nba:{name}:{day}:unrecorded", subject)


def fallback(when: datetime, name: str = "phase4", day: date = date(2026, 1, 25)) -> Finding:
    """Only the schedule started it."""
    subject = Subject(pipeline="nba", phase=name, run_date=day)
    return witness(when, "hand-over.fallback", f"hand-over:nba:{name}", subject)


def witness(when: datetime, kind: str, fingerprint: str, subject: Subject, since: datetime | None = None) -> Finding:
    return Finding(
        fingerprint=fingerprint,
        check=kind.partition(".")[0],
        kind=kind,
        severity=Severity.WARNING,
        subject=subject,
        title=kind,
        since=since or when,
        last_seen=when,
    )


FAILURE = log_failure(at(2))
PARTS = [FAILURE, silence(at(2)), unrecorded(at(2)), phase(at(2)), phase(at(2), "phase4", "blocked")]


@pytest.mark.parametrize("order", list(permutations(range(5)))[::7])
def test_failure_silence_data_and_phases_are_one_incident_in_any_order(order: tuple[int, ...]) -> None:
    """The failing recorder is the root, each of the others says why it is here."""
    story = Story()
    for number in order:
        story.run(at(2), PARTS[number], check=PARTS[number].check)
    [incident] = story.open()
    assert incident.root == FAILURE.fingerprint
    assert set(incident.members) == {finding.fingerprint for finding in PARTS}
    assert dict(incident.explains) == {
        "recording:nba": f"{SERVICE} records phase3",
        "outputs:nba:phase3:2026-01-25:unrecorded": f"{SERVICE} records phase3",
        "phase:nba:phase3:2026-01-25": f"{SERVICE} records phase3",
        "phase:nba:phase4:2026-01-25": f"{SERVICE} starts phase4",
    }


def test_the_silence_explains_the_phases_in_its_time() -> None:
    """And is their root as long as no function is known to fail."""
    story = Story()
    story.run(at(2), phase(at(2), "phase2"), phase(at(2), "phase3", "blocked"), check="completions")
    story.run(at(3), silence(at(3)), check="recording")
    [incident] = story.open()
    assert incident.root == "recording:nba"
    assert dict(incident.explains) == {
        "phase:nba:phase2:2026-01-25": "nothing is being recorded",
        "phase:nba:phase3:2026-01-25": "nothing is being recorded",
    }


def test_data_without_completions_explains_its_own_phase_only() -> None:
    """Of the same run date."""
    story = Story()
    other_day = date(2026, 1, 24)
    story.run(at(2), phase(at(2)), phase(at(2), run_date=other_day), check="completions")
    story.run(at(3), unrecorded(at(3)), check="outputs")
    assert {i.root: dict(i.explains) for i in story.open()} == {
        "outputs:nba:phase3:2026-01-25:unrecorded": {
            "phase:nba:phase3:2026-01-25": "its data is there: only the recording failed"
        },
        "phase:nba:phase3:2026-01-24": {},
    }


def test_a_hand_over_joins_its_phase_and_its_failing_starter() -> None:
    """The function that should have started phase 4 fails: that is why only the fallback did."""
    story = Story()
    story.run(at(2), fallback(at(2)), check="hand_over")
    story.run(at(2), phase(at(2), "phase4", "stalled"), check="completions")
    [incident] = story.open()
    assert dict(incident.explains) == {"phase:nba:phase4:2026-01-25": "only the fallback started it"}
    story.run(at(3), replace(FAILURE, last_seen=at(3)))
    [incident] = story.open()
    assert incident.root == FAILURE.fingerprint
    assert incident.explains["hand-over:nba:phase4"] == f"{SERVICE} starts phase4"


def test_strangers_stay_apart() -> None:
    """Another pipeline's silence, a function that records nothing, a failure that was over before."""
    story = Story()
    story.run(at(2), phase(at(2)), check="completions")
    story.run(at(2), silence(at(2), pipeline="mlb"), check="recording")
    story.run(at(2), log_failure(at(2), service="phase6-export"))
    assert len(story.open()) == 3


def test_a_phase_that_waits_is_told_if_nobody_is_told_of_its_root() -> None:
    """The root is silenced, is for the digest only, or was closed by hand: the incident stays loud by the phase."""
    root, waits = phase(at(2), "phase2"), phase(at(2), "phase3", "blocked")
    silence_of_root = Silence(
        matcher=Matcher(phase="phase2"), author="me", reason="known", starts_at=at(0), ends_at=at(9)
    )
    story = Story()
    story.run(at(2), root, waits, check="completions")
    [incident] = story.open()
    assert incident.root == root.fingerprint
    assert muting([story.faults[name] for name in incident.members], [silence_of_root]) == ()

    by_hand = Clearance(fingerprint=root.fingerprint, at=at(3), reason="closed by me")
    story.run(at(3), waits, check="completions", clearances=(by_hand,))
    [incident] = story.open()
    assert (incident.root, incident.explains) == (waits.fingerprint, {root.fingerprint: "phase3 waits for phase2"})

    digest_only = Story()
    digest_only.run(at(2), replace(root, quiet=True), waits, check="completions")
    [incident] = digest_only.open()
    assert [name for name in incident.members if not digest_only.faults[name].finding.quiet] == [waits.fingerprint]
