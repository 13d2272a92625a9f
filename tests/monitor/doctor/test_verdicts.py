"""What doctor makes of its trials: exit codes, time, clocks."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from checks.ports import SourceError
from monitor.doctor import trials
from monitor.doctor.trials import State, Trial, Verdict, exit_code, run_all, with_clock
from tests.support.doctor import NOON

OK, BAD, UNSEEN = (
    trials.good("a", "fine"),
    trials.failed("b", "wrong"),
    trials.failed("c", "silent", blind=True),
)


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [([OK, trials.off("d", "off")], 0), ([OK, BAD, UNSEEN], 1), ([OK, UNSEEN], 3)],
)
def test_the_exit_code_says_what_a_person_can_do(verdicts: list[Verdict], code: int) -> None:
    """What can be mended goes before what could not be seen."""
    assert exit_code(verdicts) == code


def test_trials_run_at_once_and_none_hides_another() -> None:
    """One is broken, one is blind, one never ends."""
    together = threading.Barrier(2, timeout=10)
    never = threading.Event()

    def meet() -> Verdict:
        together.wait()
        return OK

    def blind() -> Verdict:
        together.wait()
        raise SourceError("no answer", kind="timeout", remedy="wait")

    def broken() -> Verdict:
        raise RuntimeError("bug")

    def hang() -> Verdict:
        never.wait(60)
        return OK

    trials = [Trial("hang", hang), Trial("meet", meet), Trial("blind", blind), Trial("broken", broken)]
    found = run_all(trials, timedelta(seconds=1))
    never.set()
    assert [(v.state, v.said, v.blind) for v in found] == [
        (State.FAILED, "no answer within 1 s", True),
        (State.OK, "fine", False),
        (State.FAILED, "no answer", True),
        (State.FAILED, "could not be tried: RuntimeError: bug", False),
    ]


def test_a_clock_that_differs_much_is_a_failure() -> None:
    """Compared with the middle of the call."""
    asked, answered = NOON, NOON + timedelta(seconds=2)
    near = with_clock(OK, NOON + timedelta(seconds=4), asked, answered)
    assert (near.state, near.said, near.facts) == (
        State.OK,
        "fine; its clock is 3 s ahead of ours",
        {"clock_ahead_seconds": 3.0},
    )
    far = with_clock(OK, NOON - timedelta(seconds=59), asked, answered)
    assert (far.state, far.said, far.remedy, far.notes) == (
        State.FAILED,
        "its clock is 60 s behind ours",
        "set this machine's clock (`timedatectl set-ntp true`)",
        ("fine",),
    )
