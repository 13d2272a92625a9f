"""Incidents, what happened to them, what people said -> what is told and what deliberately not, with reasons. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.messages import digest, message, replies
from alerts.messages.wording import severity_of
from alerts.model import (
    Acknowledgement,
    Change,
    Emphasis,
    Fault,
    Incident,
    IncidentState,
    Message,
    Notification,
    Scene,
    Talk,
    Transition,
    Why,
)
from alerts.notify.quiet import QuietHours
from alerts.notify.reminders import Reminders, Step, occurred_since, reminder_due, step_due
from alerts.notify.silences import Maintenance, Silence, muting
from checks.model import Severity

SHOWN = frozenset({Change.OPENED, Change.FIRED, Change.REOPENED, Change.CHANGED, Change.PROGRESSED, Change.RESOLVED})
# What may need no more than the root message to show it.
_OF_MEMBERS = frozenset({Why.JOINED, Why.CHANGED, Why.ROOT_FOUND})
# Back so often (``alerts.faults.ledger`` remembers six hours) it comes and goes; steady for so long it no longer does.
RETURNS = 3
STEADY_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the configuration says of when people are told."""

    quiet: QuietHours = field(default_factory=QuietHours)
    reminders: Reminders = field(default_factory=Reminders)
    escalation: tuple[Step, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An incident as it is and as it ``was`` (None: it is new), and all that was said and heard of it so far.

    ``news`` are this tick's changes of its faults; ``announced_at`` is when somebody was first told of it.
    """

    incident: Incident
    was: Incident | None
    talk: Talk
    news: Sequence[Transition] = ()
    announced_at: datetime | None = None
    acknowledged: Acknowledgement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is told or not (None: nothing happened), and how far the conversation is afterwards."""

    talk: Talk
    notification: Notification | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """The silences that are on now, and whether what happened before the start is still being read."""

    silences: Sequence[Silence] = ()
    catching_up: bool = False


def news_by_incident(transitions: Sequence[Transition], home: Mapping[str, int]) -> dict[int, list[Transition]]:
    """What changed, by the incident it belongs to now."""
    answer: dict[int, list[Transition]] = {}
    for transition in transitions:
        placed = home.get(transition.fault.finding.fingerprint)
        if placed is not None and transition.change in SHOWN:
            answer.setdefault(placed, []).append(transition)
    return answer


def plan(cases: Sequence[Case], policy: Policy, around: Circumstances, scene: Scene) -> list[Decision]:
    """What is told of all this, the gravest first.

    An incident is announced by its first loud fault, unless it is muted: silenced, in quiet hours, or while what
    happened before the start is still being read; then as soon as it no longer is, if it is still true. Once announced
    every news of any member edits its message, which rings nobody; and adds to its thread unless it is muted. A
    resolution is told exactly if the incident was announced, whatever is muted. What was found while catching up is
    told in one digest if it is more than one incident.
    """
    decided = [(case, _decide(case, policy, around, scene)) for case in cases]
    answer = [decision for _, decision in decided]
    found = [
        case.incident
        for case, decision in decided
        if decision.notification is not None
        and decision.notification.why is Why.NEW
        and case.talk.held is Why.CATCHING_UP
    ]
    if len(found) > 1:
        number = digest.number(scene.now)
        names = {i.id for i in found}
        answer = [_told_in(d, number) if d.talk.incident in names else d for d in answer]
        told = Notification(incident=number, at=scene.now, why=Why.CAUGHT_UP, root=digest.first_look(found, scene))
        answer.append(Decision(talk=Talk(incident=number), notification=told))
    return sorted(answer, key=_gravest_first)


def _told_in(decision: Decision, number: int) -> Decision:
    """Announced, without a message of its own."""
    if decision.notification is None:
        return decision
    return Decision(
        talk=replace(decision.talk, told_in=number),
        notification=replace(decision.notification, why=Why.CAUGHT_UP, root=None),
    )


def _gravest_first(decision: Decision) -> tuple[int, int]:
    root = decision.notification.root if decision.notification is not None else None
    return (-root.severity.rank if root is not None else 0, decision.talk.incident)


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """A case, its faults, the silences that mute it together, and why it is muted if it is."""

    case: Case
    members: Sequence[Fault]
    severity: Severity
    silences: Sequence[Silence]
    mute: Why | None
    scene: Scene

    def news(self) -> list[Transition]:
        """What happened, without what only a second check says: that a table is missing which is known to be, or that
        it is there while another check still misses it.
        """
        was = set(self.case.was.members) if self.case.was is not None else set()
        missing: dict[str | None, set[str]] = {}
        for fault in self.members:
            if fault.finding.kind == "table.missing" and fault.is_open and fault.fingerprint in was:
                missing.setdefault(fault.finding.subject.table, set()).add(fault.fingerprint)
        return [
            t
            for t in self.case.news
            if t.fault.finding.kind != "table.missing"
            or not missing.get(t.fault.finding.subject.table, set()) - {t.fault.fingerprint}
        ]

    @property
    def loud(self) -> bool:
        """Whether a fault is open that people should hear of."""
        return any(f.is_open and not f.finding.quiet for f in self.members)

    @property
    def graver(self) -> bool:
        """Whether it is graver than when somebody was last told."""
        told = self.case.talk.severity
        return told is not None and self.severity.rank > told.rank

    def root(self, *more: tuple[str, str]) -> Message:
        """The root message, with what people said of it while it is open."""
        said: tuple[tuple[str, str], ...] = ()
        if self.case.incident.state is IncidentState.OPEN:
            said = replies.human_remarks(self.case.acknowledged, self.silences, self.scene)
        return message.compose(self.case.incident, self.scene, (*said, *more))

    def note(self, why: Why, **rest: Any) -> Notification:
        """A decision about this incident."""
        return Notification(incident=self.case.incident.id, at=self.scene.now, why=why, **rest)

    def told(self) -> Talk:
        """Somebody was told aloud: pauses begin anew, nothing is held back any more."""
        return replace(
            self.case.talk,
            told_at=self.scene.now,
            severity=self.severity,
            held=None,
            held_since=None,
            reminders=0,
            idle=0,
        )

    def held(self, why: Why) -> Talk:
        """Something is held back, since now or since before."""
        return held(self.case.talk, why, self.scene.now)


def held(talk: Talk, why: Why, now: datetime) -> Talk:
    """Something is held back, since now or since before."""
    return replace(talk, held=why, held_since=talk.held_since or now)


def _decide(case: Case, policy: Policy, around: Circumstances, scene: Scene) -> Decision:
    members = scene.members(case.incident)
    silences = muting(members, around.silences) if case.incident.state is IncidentState.OPEN else ()
    severity = severity_of(members)
    mute = _mute(severity, silences, policy, around, scene.now)
    view = _View(case=case, members=members, severity=severity, silences=silences, mute=mute, scene=scene)
    decision = _unannounced(view) if case.announced_at is None else _with_human_state(view, _announced(view, policy))
    ended = case.incident.state is not IncidentState.OPEN
    if ended and case.was is not None and case.was.state is IncidentState.OPEN:
        # What people said of this outbreak does not count for the next one.
        return replace(decision, talk=replace(decision.talk, ended_at=scene.now, shown="", escalated=0))
    return decision


def _mute(
    severity: Severity, silences: Sequence[Silence], policy: Policy, around: Circumstances, now: datetime
) -> Why | None:
    """Why nobody is told of this incident for now; None if somebody may be."""
    if silences:
        return Why.SILENCED
    if around.catching_up:
        return Why.CATCHING_UP
    return Why.QUIET_HOURS if policy.quiet.hold(severity, now) else None


def _with_human_state(view: _View, decision: Decision) -> Decision:
    """The root message shows who acknowledged and who silenced; a new acknowledgement is said in the thread."""
    case, who = view.case, view.case.acknowledged
    stamp = "" if who is None else f"{who.at.isoformat()} "
    said = stamp + "".join(f"|{s.id}:{s.ends_at.isoformat()}" for s in view.silences)
    if case.incident.state is not IncidentState.OPEN or said == case.talk.shown:
        return decision
    talk = replace(decision.talk, shown=said)
    if decision.notification is not None:
        return replace(decision, talk=talk)
    if who is not None and not case.talk.shown.startswith(stamp):
        reply = replies.acknowledged(case.incident, who, view.scene)
        return Decision(talk=talk, notification=view.note(Why.ACKNOWLEDGED, root=view.root(), reply=reply))
    return Decision(talk=talk, notification=view.note(Why.SHOWN, root=view.root()))


def _unannounced(view: _View) -> Decision:
    case, talk = view.case, view.case.talk
    nothing_held = replace(talk, held=None, held_since=None)
    if case.incident.state is not IncidentState.OPEN:
        over = talk.held is not None or case.was is None or case.was.state is IncidentState.OPEN
        note = view.note(Why.NOT_ANNOUNCED, suppressed=True) if over else None
        return Decision(talk=nothing_held, notification=note)
    if not view.loud:
        note = view.note(Why.HANDLED, suppressed=True) if case.news else None
        return Decision(talk=nothing_held, notification=note)
    if view.mute is not None:
        note = view.note(view.mute, suppressed=True) if talk.held is not view.mute else None
        return Decision(talk=view.held(view.mute), notification=note)
    root = view.root(*replies.held_remark(talk, view.scene))
    return Decision(talk=view.told(), notification=view.note(Why.NEW, root=root))


def _announced(view: _View, policy: Policy) -> Decision:
    case, talk = view.case, view.case.talk
    why = _why(view)
    damped = _comes_and_goes(view.members, view.scene.now)
    if why is None and (talk.held is None or view.mute or damped):
        return _unprompted(view, policy)
    if damped and why not in (None, Why.MERGED) and not view.graver:
        return _damped(view)
    news = view.news()
    if why is Why.PROGRESSED or (why in _OF_MEMBERS and case.news and not news):
        return Decision(talk=talk, notification=view.note(why, root=view.root()))
    over = case.incident.state is not IncidentState.OPEN
    if view.mute is not None and not over:
        return Decision(talk=view.held(view.mute), notification=view.note(view.mute, suppressed=True, root=view.root()))
    why = why or (Why.RESOLVED if over else Why.HELD_BACK)
    if case.incident.storm is not None and why in _OF_MEMBERS:
        return Decision(talk=talk, notification=view.note(why, root=view.root()))  # its message counts them
    reply = _reply(why, replace(case, news=news or case.news), view.scene)
    told = replace(view.told(), damped=False)
    return Decision(talk=told, notification=view.note(why, root=view.root(), reply=reply))


def _damped(view: _View) -> Decision:
    """Told once that it comes and goes; afterwards only its message shows how it is."""
    if view.case.talk.damped:
        note = view.note(Why.FLAPPING, suppressed=True, root=view.root())
        return Decision(talk=view.held(Why.FLAPPING), notification=note)
    reply = replies.comes_and_goes(view.case.incident, view.members, view.scene)
    talk = replace(view.told(), damped=True, held=Why.FLAPPING, held_since=view.scene.now)
    return Decision(talk=talk, notification=view.note(Why.COMES_AND_GOES, root=view.root(), reply=reply))


def _unprompted(view: _View, policy: Policy) -> Decision:
    """What is told although nothing happened: that nobody acknowledged it in time, that it is still so."""
    case, talk, now = view.case, view.case.talk, view.scene.now
    still = case.incident.state is IncidentState.OPEN and view.loud
    if not still or view.mute or case.acknowledged or case.announced_at is None:
        return Decision(talk=talk)
    step = step_due(talk, case.announced_at, view.severity, policy.escalation, now)
    if step is not None:
        reply = replies.reminder(case.incident, view.scene, mention=step.mention)
        root = replace(view.root(), mention=step.mention)
        told = replace(talk, escalated=talk.escalated + 1, told_at=now)
        return Decision(talk=told, notification=view.note(Why.ESCALATED, root=root, reply=reply, to=step.to))
    if not reminder_due(talk, view.members, view.severity, policy.reminders, now):
        return Decision(talk=talk)
    again = talk.told_at is not None and occurred_since(view.members, talk.told_at)
    told = replace(talk, reminders=talk.reminders + 1, idle=1 if again else talk.idle + 1, told_at=now)
    reply = replies.reminder(case.incident, view.scene)
    return Decision(talk=told, notification=view.note(Why.REMINDER, root=view.root(), reply=reply))


def _why(view: _View) -> Why | None:
    """The weightiest reason to speak of an announced incident; None if nothing happened to it."""
    incident, was = view.case.incident, view.case.was
    if incident.state is not IncidentState.OPEN:
        told = Why.MERGED if incident.state is IncidentState.MERGED else Why.RESOLVED
        return told if was is None or was.state is IncidentState.OPEN else None
    changes = {t.change for t in view.case.news}
    back = was is not None and was.state is IncidentState.RESOLVED
    if back or (changes and view.graver):
        return Why.WORSE
    if was is not None and len(incident.members) > len(was.members):
        return Why.ROOT_FOUND if incident.root not in was.members else Why.JOINED
    if not changes:
        return None
    return Why.PROGRESSED if changes == {Change.PROGRESSED} else Why.CHANGED


def _reply(why: Why, case: Case, scene: Scene) -> Message:
    if why is Why.HELD_BACK:
        return replies.held_back(case.incident, case.talk, scene)
    reply = message.follow_up(replies.title(why, case.incident, case.news, scene), case.incident, case.news, scene)
    if why is Why.RESOLVED:
        return replace(reply, emphasis=Emphasis.RESOLUTION)
    return replace(reply, emphasis=Emphasis.ESCALATION) if why is Why.WORSE else reply


def _comes_and_goes(members: Sequence[Fault], now: datetime) -> bool:
    """Whether a fault came back often, and changed lately."""
    for fault in members:
        if len(fault.reopened) >= RETURNS:
            last = max(fault.reopened[-1], fault.resolved_at or fault.reopened[-1])
            if now - last < STEADY_AFTER:
                return True
    return False
