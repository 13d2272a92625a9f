"""What people on call see, as timelines: causes, reminders, restarts, storms. A real Slack client."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.matching import Matcher
from alerts.model import Acknowledgement, IncidentState, Why
from alerts.notify.decisions import Policy
from alerts.notify.reminders import Step
from checks.model import Clearance, Severity, Subject
from monitor import people
from tests.scenarios.conversation import NAME, RED, Conversation, silence
from tests.support.findings import SERVICE, at, log_failure, phase

# --- causes ------------------------------------------------------------------------------------------------------


def test_a_shared_module_broken_in_five_functions_is_one_conversation(talk: Conversation) -> None:
    """The same exception, name and file in five services: one message, four additions to its thread."""
    names = [f"loader-{n}" for n in range(5)]
    seen = [talk.run(at(0.1 * n), log_failure(at(0.1 * n), service=name)) for n, name in enumerate(names)]
    assert [line.split(" ", 1)[0] for line in seen[0]] == ["post"]
    assert [[line.split(" ", 1)[0] for line in lines] for lines in seen[1:]] == [["edit", "reply"]] * 4
    assert talk.states() == {1: IncidentState.OPEN}
    [root] = talk.slack.messages
    assert any("loader-4" in line and "a shared module" in line for line in root.lines)


def test_the_cause_that_comes_after_its_effect_edits_the_message(talk: Conversation) -> None:
    """First the phase is told; then the failure that explains it becomes the reason in the same message."""
    assert talk.run(at(3), phase(at(3)), check="completions") == [
        "post \N{LARGE RED CIRCLE} Critical: phase3 of 25 January 2026 is incomplete"
    ]
    seen = talk.run(at(3.5), log_failure(at(0)))
    assert [line.split(" ", 1)[0] for line in seen] == ["edit", "reply"]
    assert seen[1] == f"reply \N{LARGE RED CIRCLE} Critical: The cause: {NAME}"
    [root] = talk.slack.messages
    assert root.lines[1] == f"Cause: {NAME}"


def test_a_table_that_two_checks_miss_is_told_once(talk: Conversation) -> None:
    """What the second one sees changes the message and rings nobody; it is over when neither misses it any more."""
    table = "p.nba_orchestration.phase_completions"
    found = phase(
        at(0),
        fingerprint=f"table:tables:{table}",
        check="tables",
        kind="table.missing",
        title=f"The table {table} does not exist",
        subject=Subject(pipeline="nba", table=table),
    )
    subject = replace(found.subject, check="completions")
    met = replace(found, fingerprint=f"table:completions:{table}", check="completions", subject=subject)
    other = replace(found, fingerprint="table:tables:x", subject=Subject(pipeline="nba", table="p.nba_raw.box"))
    assert [line.split(" ", 1)[0] for line in talk.run(at(0), found, check="tables")] == ["post"]
    seen = talk.run(at(0.1), met, check="completions", error="404")
    assert [line.split(" ", 1)[0] for line in seen] == ["edit"]
    assert talk.states() == {1: IncidentState.OPEN}
    assert [line.split(" ", 1)[0] for line in talk.run(at(0.2), found, other, check="tables")] == ["post"]

    there = Clearance(reason="it is there", at=at(1), fingerprint=met.fingerprint)
    seen = talk.run(at(1), phase(at(1)), check="completions", clearances=(there,))
    assert [line.split(":")[0] for line in seen] == [
        "edit \N{LARGE RED CIRCLE} Critical",
        "reply \N{LARGE RED CIRCLE} Critical",
    ]
    assert not any(found.title in line for line in talk.slack.messages[0].replies[-1].lines)
    seen = talk.over(at(1.1), found.fingerprint)
    assert [line.split(" (")[0] for line in seen][-1] == f"reply \N{WHITE HEAVY CHECK MARK} Over: {found.title}"
    assert talk.slack.messages[0].replies[-1].lines[1].startswith("Still wrong: phase3 of 25 January")


def test_a_phase_behind_a_silenced_root_is_told_by_itself(talk: Conversation) -> None:
    """Nobody silenced the phase: it must not stay blocked in silence for ever."""
    people.add_silence(talk.store, silence(Matcher(phase="phase3"), at(0), at(48)))
    assert talk.run(at(3), phase(at(3)), check="completions") == []
    blocked = phase(at(4), "phase4", "blocked", severity=Severity.WARNING)
    [line] = talk.run(at(4), phase(at(4)), blocked, check="completions")
    assert line.startswith("post")
    assert [n.why for n in talk.notifications(1)] == [Why.SILENCED, Why.NEW]


def test_a_blocked_phase_waits_as_long_as_its_cause_may_still_pass(talk: Conversation) -> None:
    """While the root is pending nobody is told of what waits behind it; then both are one."""
    root = replace(phase(at(3)), pending_for=timedelta(minutes=30))
    blocked = phase(at(3), "phase4", "blocked")
    assert talk.run(at(3), root, blocked, check="completions") == []
    assert talk.states() == {}
    [line] = talk.run(at(3.6), root, blocked, check="completions")
    assert line == "post \N{LARGE RED CIRCLE} Critical: phase3 of 25 January 2026 is incomplete"
    assert talk.states() == {1: IncidentState.OPEN}


def test_a_blocked_phase_whose_cause_is_gone_is_told(talk: Conversation) -> None:
    """Nothing that is watched explains it: it speaks for itself."""
    [line] = talk.run(at(3), phase(at(3), "phase4", "blocked"), check="completions")
    assert line.startswith("post")


# --- reminders, acknowledgement, escalation ----------------------------------------------------------------------


def test_reminders_grow_rarer_and_end_without_a_new_occurrence(talk: Conversation) -> None:
    """After one hour and two more; then the digest has it. A new occurrence brings them back."""
    talk.run(at(0), log_failure(at(0)))
    told = [hour / 4 for hour in range(1, 96) if talk.review(at(hour / 4))]
    assert told == [1.0, 3.0]
    assert talk.slack.messages[0].replies[-1].broadcast, "a reminder that only a thread shows reaches nobody"
    assert [line.split(" ", 1)[0] for line in talk.run(at(30), log_failure(at(30)))] == ["edit", "broadcast"]
    assert [hour for hour in range(31, 80) if talk.review(at(hour))] == [38]


def test_an_acknowledgement_ends_the_reminders_until_it_is_back(talk: Conversation) -> None:
    """The message shows who has it in hand; the next outbreak is nobody's yet."""
    talk.run(at(0), log_failure(at(0)))
    people.acknowledge(talk.store, 1, "anna", "rolling back", at(0.5))
    seen = talk.review(at(0.6))
    assert [line.split(" ", 1)[0] for line in seen] == ["edit", "reply"]
    assert "Acknowledged by anna" in seen[1]
    assert any("Acknowledged: by anna" in line and "rolling back" in line for line in talk.slack.messages[0].lines)
    assert [hour for hour in range(1, 40) if talk.review(at(hour))] == []
    talk.over(at(40), log_failure(at(0)).fingerprint)
    talk.run(at(40.5), log_failure(at(40.5)))
    assert not any("Acknowledged" in line for line in talk.slack.messages[0].lines)
    assert [hour for hour in (41, 42, 43) if talk.review(at(hour))] == [42]


def test_what_nobody_acknowledges_goes_to_others(talk: Conversation) -> None:
    """After half an hour the channel of those on call gets it, with a mention; once."""
    step = Step(after=timedelta(minutes=30), to=("oncall",), mention="<!here>")
    talk.change(policy=Policy(escalation=(step,)))
    talk.run(at(0), log_failure(at(0)))
    assert talk.review(at(0.4)) == []
    seen = talk.review(at(0.5))
    assert sorted(line.split(" ", 1)[0] for line in seen) == ["broadcast", "edit", "post"]
    oncall = next(m for m in talk.slack.messages if m.channel == "C0CALL")
    assert "<!here>" in oncall.lines
    assert talk.review(at(0.7)) == []
    talk.over(at(1), log_failure(at(0)).fingerprint)
    assert all("Resolved" in m.lines[0] for m in talk.slack.messages)


# --- starts and restarts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["announced", "sending", "held", "acknowledged", "resolved", "flapping"])
def test_a_restart_repeats_nothing(talk: Conversation, state: str) -> None:
    """In whatever state: what was told is not told again, and nothing is lost."""
    fingerprint = log_failure(at(0)).fingerprint
    if state == "held":
        people.add_silence(talk.store, silence(Matcher(function=SERVICE), at(0), at(1)))
    talk.run(at(0), log_failure(at(0)), deliver=state != "sending")
    if state == "acknowledged":
        people.acknowledge(talk.store, 1, "anna", "", at(0.1))
        talk.review(at(0.1))
    if state == "resolved":
        talk.over(at(0.1), fingerprint)
    if state == "flapping":
        for n in range(5):
            talk.over(at(0.1 * n + 0.05), fingerprint)
            talk.run(at(0.1 * n + 0.1), log_failure(at(0.1 * n + 0.1)))
    talk.restart()
    seen = talk.review(at(0.6)) + talk.review(at(0.7))
    assert seen == ([f"post {RED}"] if state == "sending" else [])
    if state == "held":
        assert talk.review(at(1)) == [f"post {RED}"]
    assert len(talk.slack.messages) == 1


def test_the_first_look_at_an_old_mess_is_one_digest(talk: Conversation) -> None:
    """Nothing is told while what happened before is being read; then one message; news of each by itself."""
    talk.path.catch_up_until = at(0.05)
    mess = [log_failure(at(-20), service=f"old-{n}", name=f"name_{n}", file=f"f{n}.py") for n in range(4)]
    gone = log_failure(at(-20), service="mended", name="x", file="m.py")
    assert talk.run(at(0), *mess, gone) == []
    assert talk.over(at(0.04), gone.fingerprint) == []
    [line] = talk.review(at(0.05))
    assert line.startswith("post \N{LARGE RED CIRCLE} Critical: Found at the first look: 4 incidents (These were")
    assert talk.review(at(0.1)) == []
    seen = talk.over(at(0.5), mess[0].fingerprint)
    assert [s.split(" ", 1)[0] for s in seen] == ["reply"], "its end is told in the thread of the digest"
    assert "Resolved" in seen[0]
    other = log_failure(at(0.6), service="old-1", name="new", file="other.py")
    [news] = talk.run(at(0.6), other)
    assert news.startswith("post"), "news of one has a message of its own"


def test_one_thing_at_the_first_look_is_told_as_ever(talk: Conversation) -> None:
    """A digest of one would only hide it."""
    talk.path.catch_up_until = at(0.05)
    assert talk.run(at(0), log_failure(at(0))) == []
    assert talk.review(at(0.05)) == [f"post {RED}"]


# --- by hand -----------------------------------------------------------------------------------------------------


def test_what_is_closed_by_hand_stays_closed_until_it_changes(talk: Conversation) -> None:
    """The phase is still incomplete, and nobody wants to hear of it again; that it got worse they do."""
    talk.run(at(3), phase(at(3)), check="completions")
    assert people.resolve(talk.path, 1, "anna", "not needed any more", at(4)) == 1
    seen = talk.deliver(at(4))
    assert [line.split(" ", 1)[0] for line in seen] == ["edit", "reply"]
    assert any(
        "closed by hand by anna: not needed any more" in line for line in talk.slack.messages[0].replies[-1].lines
    )
    for hour in (4.1, 5, 9, 30):
        assert talk.run(at(hour), phase(at(hour)), check="completions") == []
    [line] = talk.run(at(31), phase(at(31), state="failed"), check="completions")
    assert line.startswith("post")


def test_people_may_say_what_they_like_of_what_is_not_there(talk: Conversation) -> None:
    """A refusal that says why, and nothing stored."""
    with pytest.raises(people.NotFoundError, match="there is no incident #7"):
        people.acknowledge(talk.store, 7, "anna", "", at(0))
    with pytest.raises(ValueError, match="say who you are"):
        people.acknowledge(talk.store, 7, "  ", "", at(0))
    with talk.store.reading() as stored:
        assert stored.people.acknowledged([7]) == {}
    assert Acknowledgement(incident=7, at=at(0), author="anna") is not None


# --- storms ------------------------------------------------------------------------------------------------------


def test_ten_thousand_findings_are_a_handful_of_messages_and_none_is_lost(talk: Conversation) -> None:
    """By cause, the gravest first; each fault is remembered; the end is told once all are over."""
    shared = [log_failure(at(0), service=f"f{n}", name="pandas", file=f"f{n}.py") for n in range(6_000)]
    mild = [
        log_failure(at(0), service=f"g{n}", name=f"n{n}", file="m.py", severity=Severity.WARNING) for n in range(3_990)
    ]
    phases = [phase(at(0), name=f"phase-{n}") for n in range(10)]
    seen = talk.run(at(0), *mild, *shared, *phases)
    assert 1 <= len(seen) <= 5
    assert seen[0].startswith("post \N{LARGE RED CIRCLE} Critical")
    assert any("6,000 faults at once in 6,000 functions: NameError pandas" in line for line in seen)
    with talk.store.reading() as stored:
        assert len(stored.faults(resolved_since=at(0))) == 10_000
        assert sum(len(i.members) for i in stored.incidents()) == 10_000
    talk.run(at(0.1), log_failure(at(0.1), service="one-more", name="pandas", file="z.py"))
    assert len(talk.slack.messages) == len(seen), "what goes on joins its storm"
    clean = tuple(Clearance(reason="ran", at=at(0.5), service=f"f{n}") for n in range(6_000))
    talk.run(at(0.5), clearances=(*clean, Clearance(reason="ran", at=at(0.5), service="one-more")))
    over = [m for m in talk.slack.messages if "Resolved" in m.lines[0]]
    assert len(over) == 1
    assert "Open: 0 of 6,001" in over[0].lines


def test_a_handful_of_incidents_is_no_storm(talk: Conversation) -> None:
    """Five at once have a message each; what comes on top within minutes is gathered."""
    five = [log_failure(at(0), service=f"f{n}", name=f"n{n}", file=f"f{n}.py") for n in range(5)]
    assert len(talk.run(at(0), *five)) == 5
    more = [log_failure(at(0.1), service=f"h{n}", name=f"m{n}", file=f"h{n}.py") for n in range(2)]
    [line] = talk.run(at(0.1), *more)
    assert "2 faults at once" in line
