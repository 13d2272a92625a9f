"""What a thread adds to its root message when it is not a change of a fault: reminders, acknowledgements. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.messages import message
from alerts.messages.wording import (
    MAX_FACT,
    MAX_LISTED,
    MAX_TITLE,
    counted,
    duration,
    listed,
    moment,
    safe,
    severity_of,
)
from alerts.model import (
    Acknowledgement,
    Change,
    Emphasis,
    Fault,
    Incident,
    Message,
    Scene,
    Talk,
    Transition,
    Why,
)
from alerts.notify.silences import Silence

Fact = tuple[str, str]


def title(why: Why, incident: Incident, news: Sequence[Transition], scene: Scene) -> str:
    """What the thread's next message is headed with."""
    if why is Why.RESOLVED:
        began = min(f.finding.since for f in scene.members(incident))
        return f"after {duration((incident.resolved_at or scene.now) - began)}"
    if why is Why.MERGED:
        return f"Merged into incident #{incident.merged_into}"
    if why is Why.ROOT_FOUND:
        return f"The cause: {scene.faults[incident.root].finding.title}"
    if not news:
        return why.value
    first = next((t for t in news if t.change is not Change.RESOLVED), news[0])
    return f"{'Back: ' if first.change is Change.REOPENED else ''}{first.fault.finding.title}"


def reminder(incident: Incident, scene: Scene, *, mention: str = "") -> Message:
    """Still wrong, and nobody said that he has it in hand."""
    members = scene.members(incident)
    since = min(f.finding.since for f in members)
    facts: list[Fact] = []
    owed = message.still_owed(members)
    if owed:
        facts.append(("Still owed", listed(owed, "phases")))
    facts.append(("Next", f"if you have it in hand: `phasewatch ack {incident.id}`"))
    text = f"Still wrong after {duration(scene.now - since)}: {message.headline(incident, scene)}"
    made = _reply(text, incident, facts, scene, emphasis=Emphasis.ESCALATION)
    return Message(
        severity=made.severity,
        state=made.state,
        title=made.title,
        summary="Nobody has acknowledged it.",
        facts=made.facts,
        footer=made.footer,
        emphasis=made.emphasis,
        mention=mention,
    )


def acknowledged(incident: Incident, who: Acknowledgement, scene: Scene) -> Message:
    """Somebody has it in hand: no more reminders."""
    facts = [("Note", safe(who.note, MAX_FACT))] if who.note else []
    return _reply(f"Acknowledged by {safe(who.author, 80)}", incident, facts, scene)


def held_back(incident: Incident, talk: Talk, scene: Scene) -> Message:
    """What is still wrong after nobody was to be told for a while."""
    still = [f for f in scene.members(incident) if f.is_open]
    facts = [
        ("Still wrong", listed([safe(f.finding.title, MAX_TITLE) for f in still[:MAX_LISTED]], "faults", len(still))),
        *held_remark(talk, scene),
    ]
    return _reply(f"Still wrong: {message.headline(incident, scene)}", incident, facts, scene)


def comes_and_goes(incident: Incident, members: Sequence[Fault], scene: Scene) -> Message:
    """Told once; what follows only changes the root message until it is steady."""
    returns = max((f.reopened for f in members), key=len)
    span = duration(returns[-1] - returns[0])
    facts = [("Next", "changes are shown in the message above, and told again when it has been steady for an hour")]
    return _reply(f"It comes and goes: back {counted(len(returns), 'time')} within {span}", incident, facts, scene)


def held_remark(talk: Talk, scene: Scene) -> tuple[Fact, ...]:
    """Why it is told only now; nothing if it is told at once."""
    if talk.held is None or talk.held_since is None:
        return ()
    return (("Held back", f"since {moment(talk.held_since, scene.zone)}: {talk.held.value}"),)


def human_remarks(
    acknowledged_by: Acknowledgement | None, silences: Sequence[Silence], scene: Scene
) -> tuple[Fact, ...]:
    """What people said of an incident, for the top of its root message."""
    remarks: list[Fact] = []
    if acknowledged_by is not None:
        note = f": {acknowledged_by.note}" if acknowledged_by.note else ""
        said = f"by {acknowledged_by.author}, {moment(acknowledged_by.at, scene.zone)}{note}"
        remarks.append(("Acknowledged", safe(said, MAX_FACT)))
    for silence in silences:
        until = moment(silence.ends_at, scene.zone)
        remarks.append(("Silenced", safe(f"until {until} by {silence.author}: {silence.reason}", MAX_FACT)))
    return tuple(remarks)


def _reply(
    text: str, incident: Incident, facts: Sequence[Fact], scene: Scene, *, emphasis: Emphasis | None = None
) -> Message:
    return Message(
        severity=severity_of(scene.members(incident)),
        state=incident.state,
        title=safe(text, MAX_TITLE),
        summary="",
        facts=tuple(facts),
        footer=message.footer(incident, scene),
        emphasis=emphasis,
    )
