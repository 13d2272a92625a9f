"""What is wrong with the watcher itself, told from what its supervisor saw."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts.model import Backlog
from checks.model import Severity
from monitor.daemon.itself import Limits, Line, Look, Problem, as_run, problems
from monitor.daemon.scheduler import Beat
from monitor.storage import Storage
from tests.support.findings import at

MINUTE = timedelta(minutes=1)
LIMITS = Limits(outbox=5 * MINUTE, disk_free_bytes=200_000_000, storage_must_last=True)
GOOD = Look(
    at=at(1),
    started_at=at(0),
    awake_since=at(0),
    speed=1.0,
    beats={"logs": Beat(every=MINUTE, began_at=at(1) - MINUTE, ended_at=at(1) - MINUTE)},
    scheduler_alive=True,
    delivery_alive=True,
    channels=("mail", "slack"),
    lines={"slack": Line(arrived_at=at(0.5))},
    storage=Storage(kind="ext4", lasts=True, sentence="on ext4", free_bytes=10**12),
)


def waiting(since: timedelta, *, pending: int = 1, dead: int = 0, to: str = "slack") -> Backlog:
    moment = at(1) - since
    waits = moment if pending else None
    return Backlog(destination=to, pending=pending, dead=dead, oldest=moment, error="timeout", waits_since=waits)


def found(limits: Limits = LIMITS, **changes: Any) -> list[Problem]:
    return problems(replace(GOOD, **changes), limits)


def test_nothing_is_wrong_with_a_good_one() -> None:
    """And each of its runs proves what would be over."""
    assert found() == []
    run = as_run(GOOD, [])
    assert run.status == "OK"
    assert {c.fingerprint for c in run.clearances} == {
        "delivery:slack", "own.missed:logs", "own.letters:mail", "own.letters:slack", "own.disk",
        "own.storage", "own.watchdog", "own.heartbeat", "own.state", "own.scheduler", "own.sender",
    }  # fmt: skip


CASES: list[tuple[dict[str, Any], str, bool]] = [
    ({"scheduler_alive": False}, "No check runs: the scheduler has ended", True),
    ({"delivery_alive": False}, "No message is sent: the sending thread has ended", True),
    ({"beats": {"logs": Beat(every=MINUTE, ended_at=at(1) - 5 * MINUTE)}},
     "The check logs does not run: its last run ended 5 min ago", True),
    ({"beats": {"logs": Beat(every=MINUTE)}},
     "The check logs does not run: no run has ended since the start 1 h 0 min ago", True),
    ({"backlog": (waiting(6 * MINUTE),)}, "Alerts do not reach slack: timeout", False),
    ({"backlog": (waiting(MINUTE, pending=0, dead=2),)}, "2 messages to slack were given up: timeout", False),
    ({"lines": {"slack": Line(failing_since=at(1), error="invalid_auth", gave_up=True)}},
     "Alerts do not reach slack: invalid_auth", False),
    ({"state_error": "OperationalError: disk full"},
     "The state cannot be written: OperationalError: disk full", True),
    ({"failed_ticks": {"logs": "OperationalError: locked"}},
     "The state cannot be written: OperationalError: locked", True),
    ({"storage": Storage(kind="tmpfs", lasts=False, sentence="in memory")},
     "The state lies on storage that does not last: in memory", False),
    ({"storage": Storage(kind="ext4", lasts=True, sentence="on ext4", free_bytes=10**8)},
     "The disk of the state is nearly full: less than 200 MB are free", False),
    ({"ping_error": "it answers HTTP 404"}, "The outside watchdog cannot be pinged: it answers HTTP 404", False),
    ({"heartbeat_error": "it did not answer"},
     "Metrics cannot be written to Cloud Monitoring: it did not answer", False),
    ({"trials": {"slack": "missing_scope", "mail": None}}, "The daily test to slack failed: missing_scope", False),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "sentence", "blocks"), CASES, ids=[sentence for _, sentence, _ in CASES])
def test_each_thing_that_can_be_wrong(changes: dict[str, Any], sentence: str, blocks: bool) -> None:
    """In words, with a remedy; whether it makes the watcher unfit; and not cleared by the same run."""
    [problem] = found(**changes)
    assert (problem.sentence, problem.blocks) == (sentence, blocks)
    assert problem.facts["remedy"]
    run = as_run(replace(GOOD, **changes), [problem])
    assert problem.fingerprint not in {c.fingerprint for c in run.clearances}
    assert [f.fingerprint for f in run.findings] == [problem.fingerprint]


def test_what_waits_a_moment_or_behind_a_dead_message_is_not_late() -> None:
    """A burst of messages is no dead channel."""
    assert found(backlog=(waiting(4 * MINUTE),)) == []
    behind = replace(waiting(60 * MINUTE, pending=3, dead=1), waits_since=None)
    assert [p.kind for p in found(backlog=(behind,))] == ["own.letters"]


def test_a_refusal_that_may_pass_waits_five_minutes_one_that_does_not_is_told_at_once() -> None:
    """`pending_for` decides, not the supervisor."""
    passing = Line(failing_since=at(1), error="timeout")
    [wait] = found(lines={"slack": passing})
    [now] = found(lines={"slack": replace(passing, gave_up=True)})
    assert (wait.pending_for, now.pending_for) == (5 * MINUTE, timedelta(0))
    assert now.severity is Severity.CRITICAL


def test_a_dead_channel_says_what_is_not_told() -> None:
    """So that whoever reads the fallback knows what they miss."""
    titles = [f"phase{n} is late" for n in range(7)]
    line = Line(failing_since=at(0.5), error="invalid_auth", gave_up=True)
    [problem] = found(lines={"slack": line}, waiting={"slack": titles})
    assert problem.facts["waiting"] == "; ".join(titles[:5]) + "; and 2 more"


def test_when_no_channel_takes_messages_only_the_outside_can_tell() -> None:
    """Then the watcher is unfit: the outside watchdog is not pinged."""
    dead = Line(failing_since=at(0.5), error="no route", gave_up=True)
    assert [p.blocks for p in found(lines={"slack": dead, "mail": dead})] == [True, True]
    assert [p.blocks for p in found(lines={"slack": dead})] == [False]


def test_that_a_channel_works_again_is_proven_by_a_message_only() -> None:
    """Not by silence after a restart."""
    quiet = as_run(replace(GOOD, lines={}), [])
    assert "delivery:slack" not in {c.fingerprint for c in quiet.clearances}


def test_a_local_trial_may_forget() -> None:
    """In mode embedded storage in memory is no fault."""
    memory = Storage(kind="tmpfs", lasts=False, sentence="in memory")
    assert found(replace(LIMITS, storage_must_last=False), storage=memory) == []


def test_a_faster_clock_is_not_impatient() -> None:
    """Grace is real time."""
    late = {"logs": Beat(every=MINUTE, ended_at=at(1) - 60 * MINUTE)}
    assert found(beats=late, speed=600.0) == []
    assert len(found(beats=late)) == 1


def test_messages_to_a_channel_that_is_no_longer_there_are_dead_letters() -> None:
    """Not a dead channel for ever."""
    gone = Line(failing_since=at(0.5), error="there is no channel 'pager' in the configuration any more", gave_up=True)
    [problem] = found(lines={"pager": gone}, backlog=(waiting(MINUTE, pending=0, dead=1, to="pager"),))
    assert problem.title == "1 message to pager was given up"


def test_nobody_is_late_for_what_fell_due_while_the_machine_was_asleep() -> None:
    """After a leap of the clock a check has its usual time to tick again; then it is missed, since when it was."""
    beats = {"logs": Beat(every=MINUTE, ended_at=at(1) - 600 * MINUTE)}
    assert found(beats=beats, awake_since=at(1) - 4 * MINUTE) == []
    [missed] = found(beats=beats, awake_since=at(1) - 5 * MINUTE)
    assert missed.title == "The check logs does not run"
    assert missed.facts["reason"] == "its last run ended 10 h 0 min ago"
