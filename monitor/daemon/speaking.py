"""From decisions to the outbox: what was said and heard of each incident is read, decided on, and written back."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from alerts.faults.own import dead_channels
from alerts.messages import digest
from alerts.messages.wording import severity_of
from alerts.model import Change, Fault, Incident, IncidentState, Notification, Scene, Talk, Transition, Why
from alerts.notify import decisions, plan
from alerts.notify.decisions import Case, Circumstances, Decision
from alerts.notify.silences import Silence, done, muting
from alerts.store.sql import Tick
from monitor.wiring.rules import Rules

log = logging.getLogger(__name__)

_DAY = timedelta(days=1)
_DIGEST_SLOT = "alerts.digest"


def speak(
    stored: Tick,
    rules: Rules,
    scene: Scene,
    *,
    before: Mapping[int, Incident],
    now_state: Mapping[int, Incident],
    transitions: Sequence[Transition],
    recently: datetime,
    catching_up: bool,
    identity: str,
) -> list[Notification]:
    """Decide on every incident of ``now_state`` and store what follows; what was decided, the gravest first.

    :param before: the incidents as they were before this tick; ``recently`` bounds which ended ones are among them.
    """
    silences = _end_silences(stored, active_silences(stored, rules, scene.now), transitions, scene)
    talks = stored.people.talks(resolved_since=recently)
    announced = stored.announced(resolved_since=recently, besides=talks)
    acknowledged = stored.people.acknowledged(now_state)
    news = decisions.news_by_incident(transitions, scene.home)
    cases = []
    for number, incident in sorted(now_state.items()):
        talk = talks.get(number, Talk(incident=number))
        said = acknowledged.get(number)
        if said is not None and talk.ended_at is not None and said.at <= talk.ended_at:
            said = None
        cases.append(
            Case(
                incident=incident,
                was=before.get(number),
                talk=talk,
                news=news.get(number, ()),
                announced_at=announced.get(number),
                acknowledged=said,
            )
        )
    around = Circumstances(silences=silences, catching_up=catching_up)
    decided = decisions.plan(cases, rules.policy, around, scene)
    decided += _digest(stored, rules, scene, now_state, silences)
    changed = [d.talk for d in decided if d.talk != talks.get(d.talk.incident, Talk(incident=d.talk.incident))]
    stored.people.save_talks(changed)
    return _write(stored, rules, scene, now_state, decided, identity=identity)


def active_silences(stored: Tick, rules: Rules, now: datetime) -> tuple[Silence, ...]:
    """What people silenced, and the windows of the configuration, as of now."""
    windows = (window.silence(now) for window in rules.policy.maintenance)
    by_hand = [s for s in stored.people.silences(ended_since=now) if s.active(now)]
    return (*by_hand, *(w for w in windows if w is not None))


def mute_of(stored: Tick, rules: Rules, number: int, now: datetime) -> Why | None:
    """Why nobody is to be told of an open incident at this moment; None if somebody may be."""
    incident = stored.incident(number)
    if incident is None or incident.state is not IncidentState.OPEN:
        return None
    silences = active_silences(stored, rules, now)
    if not silences and not rules.policy.quiet.on(now):
        return None
    faults = stored.faults(resolved_since=now, of_incidents=[number])
    members = [faults[name] for name in incident.members if name in faults]
    if muting(members, silences):
        return Why.SILENCED
    return Why.QUIET_HOURS if members and rules.policy.quiet.hold(severity_of(members), now) else None


def withhold(stored: Tick, number: int, why: Why, now: datetime) -> None:
    """A message of this incident is not sent after all: record why, and that it is owed."""
    stored.add_suppressed([Notification(incident=number, at=now, why=why, suppressed=True)])
    talk = stored.people.talk(number)
    stored.people.save_talks([decisions.held(talk, why, now)])
    stored.people.unannounce(number)


def _end_silences(
    stored: Tick, silences: Sequence[Silence], transitions: Iterable[Transition], scene: Scene
) -> tuple[Silence, ...]:
    """Those that go on: of the others all they meant has been resolved, and they were to end with it."""
    if not silences:
        return ()
    over = [t.fault for t in transitions if t.change in (Change.RESOLVED, Change.DROPPED)]
    still = [f for f in scene.faults.values() if f.is_open] if over else []
    going_on = []
    for silence in silences:
        if over and silence.id and done(silence, over, still):
            stored.people.end_silence(silence, "what it meant is resolved", scene.now)
        else:
            going_on.append(silence)
    return tuple(going_on)


def _digest(
    stored: Tick, rules: Rules, scene: Scene, now_state: Mapping[int, Incident], silences: Sequence[Silence]
) -> list[Decision]:
    """The daily digest, once, if it is its time."""
    if rules.digest is None:
        return []
    due = rules.digest.due(scene.now)
    if due is None or not stored.claim_slot(_DIGEST_SLOT, due, "digest"):
        return []
    watching = stored.watching_since()
    if watching is None or watching > due:
        return []  # the first digest is of the first whole day
    since = scene.now - _DAY
    lately = {i.id: i for i in stored.incidents(resolved_since=since)} | dict(now_state)
    faults = {**stored.faults(resolved_since=since, of_incidents=list(lately)), **scene.faults}
    silenced = stored.people.silences(ended_since=since)
    day = digest.Day(
        since=since,
        incidents=[i for i in lately.values() if i.state is not IncidentState.MERGED],
        acknowledged=stored.people.acknowledged(lately),
        handled=[f for f in faults.values() if f.finding.quiet and f.finding.last_seen >= since],
        suppressed=stored.people.suppressed(since),
        silences=silences,
        ended=[s for s in silenced if (s.ended_at or s.ends_at) <= scene.now],
    )
    wide = Scene(faults=faults, now=scene.now, zone=scene.zone, guide=scene.guide)
    number = digest.number(scene.now)
    root = digest.daily(day, wide)
    note = Notification(incident=number, at=scene.now, why=Why.DIGEST, root=root, to=rules.digest.to)
    return [Decision(talk=Talk(incident=number), notification=note)]


def _write(
    stored: Tick,
    rules: Rules,
    scene: Scene,
    now_state: Mapping[int, Incident],
    decided: Sequence[Decision],
    *,
    identity: str,
) -> list[Notification]:
    """Log every decision, and put what is said into the outbox."""
    said = [(d.talk, d.notification) for d in decided if d.notification is not None]
    stored.add_suppressed(n for _, n in said if n.suppressed and n.root is None)
    dead = dead_channels(scene.faults.values())
    for talk, notification in said:
        log.info(
            "notification",
            extra={
                "action": "notification.suppressed" if notification.suppressed else "notification.planned",
                "incident": notification.incident,
                "why": notification.why.value,
            },
        )
        if notification.suppressed and notification.root is None:
            continue
        number = stored.add_notification(notification)
        incident = now_state.get(notification.incident)
        to = destinations(notification, scene.members(incident) if incident else [], rules, dead)
        told_in = None if talk.told_in is None else (talk.told_in, stored.threads(talk.told_in))
        rows = plan.postings(notification, to, stored.threads(notification.incident), told_in)
        stored.enqueue(number, identity, rows, scene.now)
    return [n for _, n in said]


def destinations(
    notification: Notification, members: Sequence[Fault], rules: Rules, dead: Collection[str]
) -> tuple[str, ...]:
    """Who is told: a digest goes where it is said to go, all else by the routes and by what the decision adds."""
    if notification.root is None:
        return ()
    if notification.why is Why.DIGEST and notification.to:
        return notification.to
    routed = rules.routing.destinations(notification.root.severity, members, dead)
    return tuple(dict.fromkeys((*routed, *notification.to)))
