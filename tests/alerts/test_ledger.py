"""The ledger: findings and what was believed give transitions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.faults import ledger
from alerts.model import Change, Fault, FaultState
from checks.model import Clearance, Severity, Status, Subject
from tests.support.findings import SERVICE, at, log_failure, phase, run

MINUTE = timedelta(minutes=1)


def settle(known: dict[str, Fault], *args, **kwargs) -> tuple[list[Change], dict[str, Fault]]:
    """One run on what is known: the changes in order, and what is known afterwards."""
    now = args[0]
    transitions = ledger.settle(run(*args, **kwargs), known, now)
    return [t.change for t in transitions], {**known, **{t.fault.fingerprint: t.fault for t in transitions}}


def test_a_failure_opens_recurs_and_ends_with_a_later_clean_run() -> None:
    """The life of a log fault: only a clean run after the last failure ends it."""
    changes, known = settle({}, at(0), log_failure(at(0), occurrences=2))
    assert changes == [Change.OPENED]

    changes, known = settle(known, at(1), log_failure(at(1), occurrences=3))
    assert changes == [Change.RECURRED]
    fault = known[log_failure(at(0)).fingerprint]
    assert (fault.count, fault.finding.since, fault.finding.last_seen) == (5, at(0), at(1))

    changes, known = settle(known, at(2))
    assert changes == [], "silence is no evidence"

    early = Clearance(reason="ran cleanly", at=at(0.5), service=SERVICE)
    changes, known = settle(known, at(2), clearances=(early,))
    assert changes == [], "it failed after that clean run"

    late = Clearance(reason="ran cleanly at 13:00", at=at(2), service=SERVICE)
    changes, known = settle(known, at(2.1), clearances=(late,))
    assert changes == [Change.RESOLVED]
    assert known[fault.fingerprint].resolution == "ran cleanly at 13:00"


def test_a_failure_that_survives_a_deployment_is_news_once() -> None:
    """Whoever deployed the repair must hear that it did not help; what becomes known of it later changes nothing."""
    _, known = settle({}, at(0), log_failure(at(0)))
    facts = dict(log_failure(at(0)).facts)
    survived = {**facts, "still fails in": "00030-kul"}
    transitions = ledger.settle(run(at(1), log_failure(at(1), facts=survived)), known, at(1))
    assert [(t.change, t.reason) for t in transitions] == [(Change.CHANGED, "still fails in 00030-kul")]
    changes, known = settle(known, at(1), log_failure(at(1), facts=survived))
    later = {**facts, "still fails in": "00030-kul, deployed 3 minutes earlier by dev@example.com"}
    changes, known = settle(known, at(2), log_failure(at(2), facts=later))
    assert changes == [Change.RECURRED]
    changes, _ = settle(known, at(3), log_failure(at(3), facts=facts))
    assert changes == [Change.RECURRED], "the newer revision is forgotten"


def test_a_clean_run_of_one_function_says_nothing_of_another() -> None:
    """Clearances by service bind that service's log faults only."""
    _, known = settle({}, at(0), log_failure(at(0)), phase(at(0)))
    changes, _ = settle(known, at(2), clearances=(Clearance(reason="ran", at=at(1), service="another-function"),))
    assert changes == []


def test_back_within_an_hour_is_the_same_trouble() -> None:
    """Reopened, and remembered as such; after more than an hour it is a new outbreak."""
    _, known = settle({}, at(0), log_failure(at(0)))
    over = (Clearance(reason="ran cleanly", at=at(1), service=SERVICE),)
    _, closed = settle(known, at(1), clearances=over)

    changes, reopened = settle(closed, at(1.5), log_failure(at(1.5)))
    assert changes == [Change.REOPENED]
    assert [f.reopened for f in reopened.values()] == [(at(1.5),)]

    changes, fresh = settle(closed, at(2.5), log_failure(at(2.5)))
    assert changes == [Change.OPENED]
    assert [f.reopened for f in fresh.values()] == [()]


def test_pending_fires_only_if_it_lasts() -> None:
    """A fault with a pending time is noticed, then fires; or is dropped and nobody was told."""
    blind = phase(at(0), fingerprint="blind:completions", kind="blind", pending_for=10 * MINUTE)
    changes, known = settle({}, at(0), blind, check="completions")
    assert changes == [Change.NOTICED]
    changes, known = settle(known, at(0) + 5 * MINUTE, blind, check="completions")
    assert changes == [Change.RECURRED]
    changes, fired = settle(known, at(0) + 10 * MINUTE, blind, check="completions")
    assert changes == [Change.FIRED]
    assert [f.state for f in fired.values()] == [FaultState.FIRING]

    changes, dropped = settle(known, at(0) + 6 * MINUTE, check="completions")
    assert changes == [Change.DROPPED], "the check could look again before anybody was told"
    assert [f.is_open for f in dropped.values()] == [False]


def test_a_missing_table_that_was_found_by_looking_ends_by_its_return_only() -> None:
    """Silence of the check of tables (a halt) is no evidence; of a check that stumbled over it, looking again is."""
    fingerprint = "table:tables:p.d.t"
    found = phase(at(0), fingerprint=fingerprint, kind="table.missing", subject=Subject(table="p.d.t"), check="tables")
    stumbled = replace(found, check="completions", subject=Subject(table="p.d.t", check="completions"))
    for finding, ends in ((found, []), (stumbled, [Change.RESOLVED])):
        _, known = settle({}, at(0), finding, check=finding.check)
        changes, known = settle(known, at(1), check=finding.check)
        assert changes == ends
    _, known = settle({}, at(0), found, check="tables")
    back = Clearance(fingerprint=fingerprint, at=at(2), reason="the table exists")
    changes, _ = settle(known, at(2), check="tables", clearances=(back,))
    assert changes == [Change.RESOLVED]


def test_a_blind_check_ends_nothing() -> None:
    """A run that could not see neither resolves nor fires what it reported before."""
    _, known = settle({}, at(0), phase(at(0)), check="completions")
    changes, _ = settle(known, at(1), check="completions", status=Status.UNKNOWN, error="timeout")
    assert changes == []


def test_a_state_changes_only_when_people_would_say_so() -> None:
    """Another look at the same state is no news; another state, severity or missing set is."""
    _, known = settle({}, at(0), phase(at(0)), check="completions")
    changes, known = settle(known, at(1), phase(at(1)), check="completions")
    assert changes == [Change.RECURRED], "only 'checked at' differs"
    changes, known = settle(known, at(2), phase(at(2), state="failed"), check="completions")
    assert changes == [Change.CHANGED]
    changes, known = settle(known, at(3), phase(at(3), state="failed", severity=Severity.WARNING), check="completions")
    assert changes == [Change.CHANGED]


def test_a_message_only_failure_is_the_open_fault_of_that_name() -> None:
    """Without a file in its fingerprint it joins the open fault of the same service, exception and name."""
    _, known = settle({}, at(0), log_failure(at(0)))
    bare = log_failure(at(1), fingerprint=f"log:{SERVICE}:NameError:firestore:", occurrences=4)
    changes, known = settle(known, at(1), bare)
    assert changes == [Change.RECURRED]
    assert [f.count for f in known.values()] == [5]

    other = log_failure(at(1), fingerprint=f"log:{SERVICE}:NameError:storage:")
    changes, known = settle(known, at(2), other)
    assert changes == [Change.OPENED]


def test_a_finding_beats_a_clearance_of_the_same_run() -> None:
    """What is still seen is not over."""
    _, known = settle({}, at(0), phase(at(0)), check="completions")
    over = Clearance(reason="recorded", at=at(1), fingerprint=phase(at(0)).fingerprint)
    changes, _ = settle(known, at(1), phase(at(1)), check="completions", clearances=(over,))
    assert changes == [Change.RECURRED]


events = st.lists(
    st.tuples(
        st.sampled_from(["fail", "phase", "clean", "recorded", "silence", "blind"]),
        st.integers(min_value=1, max_value=90),
    ),
    max_size=40,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events)
def test_any_sequence_keeps_the_ledger_sound(story: list[tuple[str, int]]) -> None:
    """One fault per fingerprint, counts that never shrink while open, times in order, every end explained."""
    known: dict[str, Fault] = {}
    now = at(0)
    for event, minutes in story:
        now += minutes * MINUTE
        findings = {"fail": (log_failure(now),), "phase": (phase(now),)}.get(event, ())
        clearances = {
            "clean": (Clearance(reason="ran", at=now, service=SERVICE),),
            "recorded": (Clearance(reason="recorded", at=now, fingerprint=phase(now).fingerprint),),
        }.get(event, ())
        error = "timeout" if event == "blind" else None
        transitions = ledger.settle(run(now, *findings, clearances=clearances, error=error), known, now)
        assert len({t.fault.fingerprint for t in transitions}) == len(transitions)
        for transition in transitions:
            fault, before = transition.fault, known.get(transition.fault.fingerprint)
            assert transition.reason
            assert fault.finding.since <= fault.finding.last_seen <= now
            assert fault.is_open == (fault.resolved_at is None)
            assert (fault.resolution is not None) == (not fault.is_open)
            if before is not None and before.is_open:
                assert fault.count >= before.count
                assert fault.opened_at == before.opened_at
            if transition.change is Change.REOPENED:
                assert before is not None
                assert not before.is_open
            known[fault.fingerprint] = fault


def test_what_passed_while_it_was_pending_waits_anew_when_it_comes_back() -> None:
    """Nobody was told of it: it is no trouble that returns."""
    waits = log_failure(at(0), kind="skipped", pending_for=timedelta(minutes=10))
    changes, known = settle({}, at(0), waits)
    over = Clearance(fingerprint=waits.fingerprint, at=at(0.01), reason="it ran")
    dropped, known = settle(known, at(0.01), clearances=(over,))
    again, known = settle(known, at(0.02), waits)
    assert (changes, dropped, again) == ([Change.NOTICED], [Change.DROPPED], [Change.NOTICED])
    assert known[waits.fingerprint].state is FaultState.PENDING
