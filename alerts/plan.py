"""Transitions + incidents -> what is said and what is deliberately not said, each with its reason. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts import message
from alerts.model import Action, Change, Incident, IncidentState, Message, Notification, Scene, Transition, Why

_SHOWN = frozenset({Change.OPENED, Change.FIRED, Change.REOPENED, Change.CHANGED, Change.PROGRESSED, Change.RESOLVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One row for the outbox."""

    incident: int
    destination: str
    action: Action
    urgency: int
    message: Message


def plan(
    transitions: Sequence[Transition],
    before: Mapping[int, Incident],
    changed: Sequence[Incident],
    announced: Collection[int],
    scene: Scene,
) -> list[Notification]:
    """What to say of this tick.

    ``before`` are the incidents as they were, ``changed`` those that differ now, ``announced`` the ones somebody was
    told of; ``scene`` holds all faults of either as they are now (with their incident). An incident is announced by its
    first loud fault; once announced, every news of any member edits its message and adds to its thread; its resolution
    is told exactly if it was announced.
    """
    news: dict[int, list[Transition]] = {}
    for transition in transitions:
        placed = scene.faults[transition.fault.fingerprint].incident
        if transition.change in _SHOWN and placed is not None:
            news.setdefault(placed, []).append(transition)
    now_state = {**before, **{i.id: i for i in changed}}
    answer = []
    for number in sorted({i.id for i in changed} | set(news)):
        told = _tell(now_state[number], before.get(number), news.get(number, []), number in announced, scene)
        if told is not None:
            answer.append(told)
    return answer


def _tell(
    incident: Incident, was: Incident | None, news: Sequence[Transition], announced: bool, scene: Scene
) -> Notification | None:
    now = scene.now
    if not announced:
        if incident.state is not IncidentState.OPEN:
            return _suppressed(incident, Why.NOT_ANNOUNCED, now)
        if any(f.is_open and not f.finding.quiet for f in scene.members(incident)):
            return Notification(incident=incident.id, at=now, why=Why.NEW, root=message.compose(incident, scene))
        return _suppressed(incident, Why.HANDLED, now) if news else None
    why = _why(incident, was, news)
    if why is None:
        return None
    title = _reply_title(why, incident, news, scene)
    return Notification(
        incident=incident.id,
        at=now,
        why=why,
        root=message.compose(incident, scene),
        reply=None if why is Why.PROGRESSED else message.follow_up(title, incident, news, scene),
    )


def _reply_title(why: Why, incident: Incident, news: Sequence[Transition], scene: Scene) -> str:
    """What the thread's next message is headed with."""
    if why is Why.RESOLVED:
        began = min(f.finding.since for f in scene.members(incident))
        return f"after {message.duration((incident.resolved_at or scene.now) - began)}"
    if why is Why.MERGED:
        return f"Merged into incident #{incident.merged_into}"
    if why is Why.ROOT_FOUND:
        return f"The cause: {scene.faults[incident.root].finding.title}"
    if not news:
        return why.value
    first = news[0]
    prefix = {Change.RESOLVED: "Over: ", Change.REOPENED: "Back: "}.get(first.change, "")
    return f"{prefix}{first.fault.finding.title}"


def _why(incident: Incident, was: Incident | None, news: Sequence[Transition]) -> Why | None:
    """The weightiest reason to speak of an announced incident; None if there is nothing new."""
    if incident.state is IncidentState.MERGED:
        return Why.MERGED
    if incident.state is IncidentState.RESOLVED:
        return Why.RESOLVED if was is None or was.state is IncidentState.OPEN else None
    if was is not None and was.state is IncidentState.RESOLVED:
        return Why.WORSE
    if was is not None and set(incident.members) - set(was.members):
        return Why.ROOT_FOUND if incident.root not in was.members else Why.JOINED
    changes = {t.change for t in news}
    if not changes:
        return None
    return Why.PROGRESSED if changes == {Change.PROGRESSED} else Why.CHANGED


def postings(notification: Notification, destinations: Sequence[str], threads: Collection[str]) -> list[Posting]:
    """The outbox rows of one notification.

    ``threads`` are the destinations that have this incident's root message already (sent or on its way): there the
    message is edited and its thread continued; elsewhere it is posted, unless it is over.
    """
    if notification.suppressed or notification.root is None:
        return []
    root, reply = notification.root, notification.reply
    rows: list[tuple[str, Action, Message]] = []
    for name in dict.fromkeys((*destinations, *threads)):
        if name not in threads:
            if root.state is IncidentState.OPEN:
                rows.append((name, Action.POST, root))
            continue
        rows.append((name, Action.EDIT, root))
        if reply is not None:
            rows.append((name, Action.REPLY, reply))
    return [
        Posting(incident=notification.incident, destination=n, action=a, urgency=root.severity.rank, message=m)
        for n, a, m in rows
    ]


def _suppressed(incident: Incident, why: Why, now: datetime) -> Notification:
    return Notification(incident=incident.id, at=now, why=why, suppressed=True)
