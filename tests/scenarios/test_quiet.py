"""What people on call are spared, as timelines: silences, quiet hours, flapping, the digest. A real Slack client."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from zoneinfo import ZoneInfo

from alerts.matching import Matcher
from alerts.messages.digest import Schedule
from alerts.model import IncidentState, Why
from alerts.notify.decisions import Policy
from alerts.notify.quiet import QuietHours, Weekly
from alerts.notify.silences import Maintenance
from checks.model import Severity
from monitor import people
from tests.scenarios.conversation import NAME, RED, Conversation, silence
from tests.support.findings import SERVICE, at, log_failure, phase

ET = ZoneInfo("America/New_York")
EVERY_DAY = frozenset(range(7))


# --- silences ----------------------------------------------------------------------------------------------------


def test_a_silence_mutes_messages_and_at_its_end_only_what_is_still_wrong_is_told(talk: Conversation) -> None:
    """Two failures while it lasts: the one that is over is never told, the other one at the end, with the reason."""
    people.add_silence(talk.store, silence(Matcher(check="function_logs"), at(0), at(2)))
    assert talk.run(at(0.5), log_failure(at(0.5)), log_failure(at(0.5), service="billing", name="json")) == []
    assert talk.over(at(1), log_failure(at(0), service="billing", name="json").fingerprint) == []
    assert talk.run(at(1.5), log_failure(at(1.5))) == []
    assert talk.review(at(1.9)) == []
    assert talk.review(at(2)) == [f"post {RED}"]
    [root] = talk.slack.messages
    assert any("Held back: since" in line and "silenced" in line for line in root.lines)
    assert [(n.incident, n.why, n.suppressed) for n in talk.notifications()] == [
        (1, Why.SILENCED, True),
        (2, Why.SILENCED, True),
        (1, Why.NOT_ANNOUNCED, True) if talk.states()[1] is IncidentState.RESOLVED else (2, Why.NOT_ANNOUNCED, True),
        (2 if talk.states()[1] is IncidentState.RESOLVED else 1, Why.NEW, False),
    ]


def test_what_was_announced_is_resolved_in_public_although_it_is_silenced(talk: Conversation) -> None:
    """The message shows the silence; news is held back; the resolution goes out."""
    assert talk.run(at(0), log_failure(at(0))) == [f"post {RED}"]
    people.add_silence(talk.store, silence(Matcher(function=SERVICE), at(0.1), at(9)))
    assert talk.review(at(0.2)) == [f"edit {RED}"], "the message shows who silenced it"
    assert any("Silenced: until" in line and "by anna: rerun" in line for line in talk.slack.messages[0].lines)
    other = log_failure(at(0.5), name="json")
    assert talk.run(at(0.5), other) == [f"edit {RED}"], "an edit rings nobody"
    seen = talk.over(at(1), log_failure(at(0)).fingerprint, other.fingerprint)
    assert [line.split(" ", 1)[0] for line in seen] == ["edit", "reply"]
    assert "Resolved: after 1 h 0 min" in seen[1]


def test_a_message_that_waits_is_withheld_when_its_incident_is_silenced(talk: Conversation) -> None:
    """The mute is looked at when a message is sent, too; afterwards it is told after all."""
    talk.run(at(0), log_failure(at(0)), deliver=False)
    people.add_silence(talk.store, silence(Matcher(function=SERVICE), at(0), at(1)))
    assert talk.deliver(at(0.1)) == []
    assert [n.why for n in talk.notifications()] == [Why.NEW, Why.SILENCED]
    assert talk.review(at(0.5)) == []
    assert talk.review(at(1)) == [f"post {RED}"]


def test_a_message_that_waits_into_the_quiet_hours_waits_for_the_morning(talk: Conversation) -> None:
    """Slack was away until ten in the evening: a warning is no reason to ring then."""
    night = Weekly(days=EVERY_DAY, begin=time(22), end=time(7), zone=ET)
    talk.change(policy=Policy(quiet=QuietHours(spans=(night,))))
    talk.run(at(15.9), log_failure(at(15.9), severity=Severity.WARNING), deliver=False)  # 21:54 in New York
    assert talk.deliver(at(16.1)) == []
    assert [n.why for n in talk.notifications()] == [Why.NEW, Why.QUIET_HOURS]
    assert talk.review(at(24.9)) == []
    assert [line.split(" ", 1)[0] for line in talk.review(at(25))] == ["post"]


def test_a_silence_until_resolved_ends_with_the_trouble(talk: Conversation) -> None:
    """The next failure is told again."""
    people.add_silence(talk.store, silence(Matcher(function=SERVICE), at(0), at(48), until_resolved=True))
    assert talk.run(at(0.5), log_failure(at(0.5))) == []
    assert talk.over(at(1), log_failure(at(0)).fingerprint) == []
    with talk.store.reading() as stored:
        [ended] = stored.people.silences(ended_since=at(0))
    assert (ended.ended_at, ended.ended_by) == (at(1), "what it meant is resolved")
    assert talk.run(at(3), log_failure(at(3))) == [f"post {RED}"]


def test_a_maintenance_window_of_the_configuration_mutes_every_week(talk: Conversation) -> None:
    """Monday 05:00 to 08:00 in the zone of the alerts: 10:00 to 13:00 UTC."""
    monday = Weekly(days=frozenset({0}), begin=time(5), end=time(8), zone=ET)
    window = Maintenance(when=monday, matcher=Matcher(function=SERVICE), reason="weekly load")
    talk.change(policy=Policy(maintenance=(window,)))
    assert talk.run(at(0), log_failure(at(0))) == []
    assert talk.review(at(1.9)) == []
    assert talk.review(at(2)) == [f"post {RED}"]


# --- quiet hours, flapping, digest -------------------------------------------------------------------------------


def test_in_quiet_hours_only_what_is_critical_is_told(talk: Conversation) -> None:
    """A warning waits for the morning, if it is still so; one that becomes critical does not."""
    night = Weekly(days=EVERY_DAY, begin=time(22), end=time(7), zone=ET)
    talk.change(policy=Policy(quiet=QuietHours(spans=(night,))))
    mild = log_failure(at(-5), severity=Severity.WARNING)  # 01:00 in New York
    gone = log_failure(at(-5), service="billing", name="json", severity=Severity.WARNING)
    assert talk.run(at(-5), mild, gone) == []
    assert talk.over(at(-4), gone.fingerprint) == []
    assert talk.run(at(-3), log_failure(at(-3), service="loader", name="os")) != []
    assert not any(NAME in line for line in talk.review(at(0.9)))
    [told] = [line for line in talk.review(at(1)) if NAME in line]
    assert told == f"post \N{LARGE ORANGE CIRCLE} Warning: {NAME}"
    later = log_failure(at(12), service="nightly", name="re", severity=Severity.WARNING)
    assert not any("nightly" in line for line in talk.run(at(18), later))
    seen = talk.run(at(19), replace(later, severity=Severity.CRITICAL))
    [worse] = [line for line in seen if "nightly" in line]
    assert worse.startswith("post \N{LARGE RED CIRCLE} Critical")


def test_what_comes_and_goes_is_told_once_and_then_when_it_stays(talk: Conversation) -> None:
    """Back three times within an hour: that is told; then only the message shows each change, until it is steady."""
    fingerprint = log_failure(at(0)).fingerprint
    talk.run(at(0), log_failure(at(0)))
    rung: list[str] = []
    for round_ in range(8):
        begin = 0.2 * round_
        rung += [line for line in talk.over(at(begin + 0.1), fingerprint) if not line.startswith("edit")]
        rung += [line for line in talk.run(at(begin + 0.2), log_failure(at(begin + 0.2))) if line[:4] != "edit"]
    assert [line for line in rung if "It comes and goes: back 3 times" in line] == rung[-1:]
    assert len(rung) == 2 * 2 + 1 + 1, "two rounds as ever, the third resolution, then once that it comes and goes"
    assert talk.over(at(1.9), fingerprint)[0].startswith("edit \N{WHITE HEAVY CHECK MARK} Resolved")
    assert talk.review(at(2.5)) == []
    assert [line.split(" ", 1)[0] for line in talk.review(at(3))] == ["edit", "reply"], "an hour later it is over"


def test_the_digest_says_once_a_day_what_there_is_to_know(talk: Conversation) -> None:
    """Open incidents, handled failures, what was not told and why, silences; once, also after a restart."""
    talk.change(digest=Schedule(at=time(9), zone=ET, to=("slack",)))
    loud = log_failure(at(0), service="loader")
    talk.run(at(0), loud, log_failure(at(0), service="billing", quiet=True, name="json"))
    people.add_silence(talk.store, silence(Matcher(phase="phase4"), at(0), at(48)))
    talk.run(at(1), phase(at(1), "phase4"), check="completions")
    people.acknowledge(talk.store, 2, "anna", "", at(1.5))
    talk.review(at(1.6))
    assert not any("Digest" in line for line in talk.review(at(2.9)))
    [told] = [line for line in talk.review(at(3)) if "Digest" in line]
    assert told == "post \N{LARGE RED CIRCLE} Critical: Digest: 2 open, 2 new, 0 resolved"
    text = "\n".join(talk.slack.messages[-1].lines)
    assert f"#2 critical: {loud.title} (for 3 h 0 min, acknowledged by anna)" in text
    assert "1 time: NameError: name 'json' is not defined in billing" in text
    assert "1 time: silenced" in text
    assert "phase phase4 until" in text
    talk.restart()
    assert not any("Digest" in line for line in talk.review(at(3.1)))
    assert any("Digest" in line for line in talk.review(at(27)))
