"""Digests: once a day, and at the first look, what there is to know in one message. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.messages import message
from alerts.messages.wording import MAX_FACT, MAX_TITLE, counted, duration, listed, moment, safe, severity_of
from alerts.model import Acknowledgement, Fault, Incident, IncidentState, Message, Scene, Why
from alerts.notify.silences import Silence
from checks.model import Severity
from checks.pipeline import local_instant

# A digest that could not be made on time is of no use in the evening.
LATE_BY_AT_MOST = timedelta(hours=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Every day at this wall-clock time, to these channels."""

    at: time
    zone: ZoneInfo
    to: tuple[str, ...]

    def due(self, now: datetime) -> datetime | None:
        """The moment of the digest that should be told now; None if none is due."""
        today = now.astimezone(self.zone).date()
        for day in (today, today - timedelta(days=1)):
            moment_due = local_instant(day, self.at, self.zone)
            if moment_due <= now <= moment_due + LATE_BY_AT_MOST:
                return moment_due
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What happened since the last digest, and what is so now.

    ``incidents`` are the open ones and those that ended since ``since``; ``handled`` the quiet faults seen since then;
    ``suppressed`` how often nobody was told, by reason; ``silences`` the active ones, ``ended`` those that ended since.
    """

    since: datetime
    incidents: Sequence[Incident] = ()
    acknowledged: Mapping[int, Acknowledgement] = field(default_factory=dict)
    handled: Sequence[Fault] = ()
    suppressed: Mapping[Why, int] = field(default_factory=dict)
    silences: Sequence[Silence] = ()
    ended: Sequence[Silence] = ()


def number(now: datetime) -> int:
    """What a digest has instead of an incident's number: negative, and its own."""
    return -int(now.timestamp())


def first_look(incidents: Sequence[Incident], scene: Scene) -> Message:
    """What was wrong already when the watcher began, or came back: one message, gravest first."""
    ordered = sorted(incidents, key=lambda i: (-severity_of(scene.members(i)).rank, i.opened_at, i.id))
    return Message(
        severity=max((severity_of(scene.members(i)) for i in incidents), key=lambda s: s.rank),
        state=IncidentState.OPEN,
        title=f"Found at the first look: {counted(len(ordered), 'incident')}",
        summary="These were there already, or came while phasewatch did not run. News of each is told by itself.",
        facts=(
            ("Open", listed([_line(i, scene) for i in ordered], "incidents; see `phasewatch incidents`")),
            ("Next", "phasewatch report; phasewatch incidents NUMBER"),
        ),
        footer=moment(scene.now, scene.zone),
    )


def daily(day: Day, scene: Scene) -> Message:
    """The day in one message; the title has the numbers."""
    loud = [i for i in day.incidents if _told(i, scene)]
    still = [i for i in loud if i.state is IncidentState.OPEN]
    over = [i for i in loud if i.state is IncidentState.RESOLVED]
    began = [i for i in loud if i.opened_at >= day.since]
    facts: list[tuple[str, str]] = []
    for label, lines in (
        ("Open", [_line(i, scene, day.acknowledged.get(i.id)) for i in still]),
        ("Resolved", [_line(i, scene) for i in over]),
        ("Storms", [message.headline(i, scene) for i in day.incidents if i.storm is not None and i in began]),
        ("Handled failures", [_handled(f) for f in sorted(day.handled, key=lambda f: -f.count)]),
        ("Not told", [f"{counted(n, 'time')}: {why.value}" for why, n in sorted(day.suppressed.items())]),
        ("Silences", [_silence(s, scene) for s in day.silences]),
        ("Silences that ended", [_silence(s, scene) for s in day.ended]),
    ):
        if lines:
            facts.append((label, safe(listed(lines, "more"), MAX_FACT)))
    if not facts:
        facts.append(("All quiet", "nothing is open, nothing was held back"))
    grave = max((severity_of(scene.members(i)) for i in still), key=lambda s: s.rank, default=Severity.INFO)
    return Message(
        severity=grave if still else Severity.INFO,
        state=IncidentState.OPEN,
        title=f"Digest: {len(still)} open, {len(began)} new, {len(over)} resolved",
        summary="",
        facts=tuple(facts),
        footer=f"since {moment(day.since, scene.zone)} · {moment(scene.now, scene.zone)}",
    )


def _told(incident: Incident, scene: Scene) -> bool:
    """Whether it is more than handled failures."""
    return any(not f.finding.quiet for f in scene.members(incident))


def _line(incident: Incident, scene: Scene, acknowledged: Acknowledgement | None = None) -> str:
    members = scene.members(incident)
    since = min((f.finding.since for f in members), default=incident.opened_at)
    ended = incident.resolved_at
    age = f"lasted {duration(ended - since)}" if ended else f"for {duration(scene.now - since)}"
    said = f", acknowledged by {safe(acknowledged.author, 80)}" if acknowledged is not None else ""
    return f"#{incident.id} {severity_of(members)}: {message.headline(incident, scene)} ({age}{said})"


def _handled(fault: Fault) -> str:
    return safe(f"{counted(fault.count, 'time')}: {fault.finding.title}", MAX_TITLE)


def _silence(silence: Silence, scene: Scene) -> str:
    end = f"until {moment(silence.ended_at or silence.ends_at, scene.zone)}"
    return safe(f"{silence.matcher.words()} {end} by {silence.author}: {silence.reason}", MAX_TITLE * 2)
