"""When people are told: laws that hold for any story, and single decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.faults import causes, ledger, storms
from alerts.matching import Matcher
from alerts.model import Fault, Incident, IncidentState, Notification, Scene, Talk, Why
from alerts.notify import decisions
from alerts.notify.decisions import Case, Circumstances, Policy
from alerts.notify.quiet import QuietHours, Weekly
from alerts.notify.silences import Silence
from checks.model import Clearance, Finding, Severity
from tests.support.findings import SERVICE, START, at, log_failure, phase, run
from tests.support.pipelines import nba

QUARTER = timedelta(minutes=15)
MUTED = {Why.SILENCED, Why.QUIET_HOURS, Why.CATCHING_UP}


@dataclass
class Story:
    """The one path in memory: what the state would hold after each tick."""

    policy: Policy = field(default_factory=Policy)
    silences: tuple[Silence, ...] = ()
    limit: storms.Limit = field(default_factory=storms.Limit)
    catch_up_until: datetime = START
    faults: dict[str, Fault] = field(default_factory=dict)
    incidents: dict[int, Incident] = field(default_factory=dict)
    home: dict[str, int] = field(default_factory=dict)
    talks: dict[int, Talk] = field(default_factory=dict)
    announced: dict[int, datetime] = field(default_factory=dict)
    log: list[Notification] = field(default_factory=list)

    def tick(
        self, now: datetime, findings: Sequence[Finding] = (), over: Sequence[Clearance] = ()
    ) -> list[Notification]:
        recently = now - timedelta(hours=1)
        before = {
            i.id: i
            for i in self.incidents.values()
            if i.resolved_at is None or i.resolved_at >= recently or (i.id in self.talks and self.talks[i.id].held)
        }
        known = {
            n: f
            for n, f in self.faults.items()
            if f.is_open or (f.resolved_at and f.resolved_at >= recently) or self.home.get(n) in before
        }
        transitions = ledger.settle(run(now, *findings, clearances=tuple(over)), known, now)
        known |= {t.fault.fingerprint: t.fault for t in transitions}
        grouping = causes.group(known, list(before.values()), (nba(),), now, max(self.incidents, default=0) + 1)
        grouping = storms.calm(grouping, list(before.values()), known, self.limit, now)
        self.home |= grouping.placed
        self.faults |= known
        current = {**before, **{i.id: i for i in grouping.incidents}}
        self.incidents |= current
        scene = Scene(faults=known, now=now, zone=ZoneInfo("UTC"), home=self.home)
        news = decisions.news_by_incident(transitions, self.home)
        cases = [
            Case(
                incident=i,
                was=before.get(i.id),
                talk=self.talks.get(i.id, Talk(incident=i.id)),
                news=news.get(i.id, ()),
                announced_at=self.announced.get(i.id),
            )
            for i in current.values()
        ]
        around = Circumstances(
            silences=[s for s in self.silences if s.active(now)], catching_up=now < self.catch_up_until
        )
        told = []
        for decision in decisions.plan(cases, self.policy, around, scene):
            self.talks[decision.talk.incident] = decision.talk
            if decision.notification is not None:
                told.append(decision.notification)
                if not decision.notification.suppressed:
                    self.announced.setdefault(decision.notification.incident, now)
        self.log += told
        return told


FINDINGS = {
    "f1": log_failure(START),
    "f2": log_failure(START, service="billing", name="json", severity=Severity.WARNING),
    "f3": log_failure(START, service="phase4-to-phase5-orchestrator", quiet=True),
    "f4": log_failure(START, service="loader", name="os"),
    "p3": phase(START),
    "p4": phase(START, "phase4", "blocked", severity=Severity.WARNING),
}
EVENTS = st.lists(
    st.tuples(st.sampled_from([*FINDINGS, *(f"over {n}" for n in FINDINGS), "wait"]), st.integers(1, 6)), max_size=25
)
MATCHERS = st.sampled_from(
    [Matcher(), Matcher(function=SERVICE), Matcher(phase="phase3"), Matcher(check="function_logs")]
)
SILENCES = st.lists(
    st.builds(
        lambda m, begin, length: Silence(
            matcher=m, author="a", reason="r", starts_at=at(begin), ends_at=at(begin + length)
        ),
        MATCHERS,
        st.integers(0, 20),
        st.integers(1, 20),
    ),
    max_size=2,
)
NIGHT = QuietHours(
    spans=(
        Weekly(
            days=frozenset(range(7)), begin=START.time(), end=(START + timedelta(hours=5)).time(), zone=ZoneInfo("UTC")
        ),
    )
)


def play(story: Story, events: Sequence[tuple[str, int]]) -> datetime:
    """Tell the story, a quarter of an hour or more a step."""
    now = START
    for what, pause in events:
        now += QUARTER * pause
        if what == "wait":
            story.tick(now)
        elif what.startswith("over "):
            name = FINDINGS[what.removeprefix("over ")].fingerprint
            story.tick(now, over=[Clearance(reason="evidence", at=now, fingerprint=name)])
        else:
            story.tick(now, [replace(FINDINGS[what], since=now, last_seen=now)])
        check(story, now)
    return now


def check(story: Story, now: datetime) -> None:
    """What holds after every tick."""
    members = [name for i in story.incidents.values() if i.state is IncidentState.OPEN for name in i.members]
    assert len(members) == len(set(members)), "a fault is in two open incidents"
    for incident in story.incidents.values():
        if incident.state is not IncidentState.OPEN:
            continue
        loud = any(story.faults[n].is_open and not story.faults[n].finding.quiet for n in incident.members)
        last = [n.why for n in story.log if n.incident == incident.id and n.suppressed]
        if loud and incident.id not in story.announced:
            assert story.talks[incident.id].held in MUTED
            assert MUTED & set(last), "an incident fires and nothing says why nobody was told"


def relaxed(function):  # type: ignore[no-untyped-def]  # a decorator of decorators
    return settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])(function)


@relaxed
@given(events=EVENTS, silences=SILENCES, quiet=st.booleans(), storm=st.integers(1, 5), catch_up=st.integers(0, 4))
def test_a_resolution_is_told_exactly_for_what_was_announced(
    events: list[tuple[str, int]], silences: list[Silence], quiet: bool, storm: int, catch_up: int
) -> None:
    """Whatever is silenced, in whatever hours or storm; and each incident is told, or its silence recorded."""
    story = Story(
        policy=Policy(quiet=NIGHT if quiet else QuietHours()),
        silences=tuple(silences),
        limit=storms.Limit(above=storm),
        catch_up_until=at(catch_up),
    )
    now = play(story, events)
    now += QUARTER
    ended = [Clearance(reason="end", at=now, fingerprint=f.fingerprint) for f in FINDINGS.values()]
    story.tick(now, over=ended)
    for _ in range(60):  # until every silence, quiet hour and damping is over
        now += timedelta(hours=1)
        story.tick(now)
    assert all(i.state is not IncidentState.OPEN for i in story.incidents.values())
    for number in story.incidents:
        said = [n.why for n in story.log if n.incident == number and not n.suppressed]
        ends = [why for why in said if why in (Why.RESOLVED, Why.MERGED)]
        if number in story.announced:
            assert said[-1] in (Why.RESOLVED, Why.MERGED), said
            assert len(ends) >= 1
        else:
            assert said == []
    assert not any(talk.held for talk in story.talks.values())


@relaxed
@given(events=EVENTS, silences=SILENCES)
def test_silences_mute_messages_and_change_nothing_else(events: list[tuple[str, int]], silences: list[Silence]) -> None:
    """With and without them the same is believed."""
    loud, muted = Story(), Story(silences=tuple(silences))
    play(loud, events)
    play(muted, events)
    assert muted.faults == loud.faults
    assert muted.incidents == loud.incidents
    everything = Silence(matcher=Matcher(), author="a", reason="r", starts_at=START, ends_at=at(1000))
    silent = Story(silences=(everything,))
    play(silent, events)
    assert not silent.announced
    assert silent.faults == loud.faults


@relaxed
@given(events=EVENTS)
def test_what_nobody_does_anything_about_is_not_told_for_ever(events: list[tuple[str, int]]) -> None:
    """Without a new occurrence an incident is reminded of twice."""
    story = Story()
    now = play(story, events)
    before = len(story.log)
    for _ in range(400):
        now += timedelta(hours=1)
        story.tick(now)
    for number in story.incidents:
        reminders = [n for n in story.log[before:] if n.incident == number and n.why is Why.REMINDER]
        assert len(reminders) <= 2


def test_progress_edits_and_rings_nobody() -> None:
    """Less is missing: shown, not told."""
    story = Story()
    story.tick(at(3), [phase(at(3), facts={"missing": "a, b"})])
    [told] = story.tick(at(3.1), [phase(at(3.1), facts={"missing": "a"})])
    assert (told.why, told.reply, told.root is not None) == (Why.PROGRESSED, None, True)


def test_what_becomes_critical_is_said_aloud_and_emphasised() -> None:
    """A warning that is critical now is told as worse."""
    story = Story()
    mild = log_failure(at(0), severity=Severity.WARNING)
    story.tick(at(0), [mild])
    [told] = story.tick(at(0.1), [replace(mild, severity=Severity.CRITICAL, last_seen=at(0.1))])
    assert told.why is Why.WORSE
    assert told.reply is not None
    assert told.reply.emphasis == "escalation"
