"""The words of alerting: faults over time, incidents, and what is said of them. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from checks.model import Finding, JsonValue, Severity, Window


class FaultState(StrEnum):
    """What we believe of one fingerprint."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"

    __hash__ = str.__hash__  # as of Severity


class Change(StrEnum):
    """How a fault changed in one tick."""

    OPENED = "opened"  # first seen, and old enough to count at once
    NOTICED = "noticed"  # first seen, waits out its pending time
    FIRED = "fired"  # its pending time is over
    RECURRED = "recurred"  # seen again: new occurrences of an open fault
    CHANGED = "changed"  # still so, but worse, better or different
    PROGRESSED = "progressed"  # still so, with less missing: shown, not told
    REOPENED = "reopened"  # seen again after it was resolved
    RESOLVED = "resolved"  # positive evidence that it is over
    DROPPED = "dropped"  # over before its pending time was: nobody was told

    __hash__ = str.__hash__  # as of Severity


_RESOLVED = FaultState.RESOLVED  # an attribute of an Enum takes three times as long to find


# A storm makes a Fault and a Transition of each of its findings: a Struct is made in a tenth of the time of a dataclass
# that is frozen. ``msgspec.structs.replace`` changes a copy of one.
class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What we believe of one fingerprint over time.

    ``finding`` is the latest one, with ``since`` the earliest and ``last_seen`` the latest of all;
    ``count`` sums the occurrences of the present outbreak; ``opened_at`` is when we first knew. ``news_at`` is when it
    last showed something new: an occurrence of a failure, a change of a state. ``reopened`` holds when it came back
    lately after it was resolved. Which incident it is in is the incident's to say.
    """

    finding: Finding
    state: FaultState
    opened_at: datetime
    count: int
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    resolution: str | None = None
    news_at: datetime | None = None
    reopened: tuple[datetime, ...] = ()

    @property
    def fingerprint(self) -> str:
        """The identity of the fault, which is its finding's."""
        return self.finding.fingerprint

    @property
    def is_open(self) -> bool:
        """Firing or pending."""
        return self.state is not _RESOLVED


def open_ones(faults: Iterable[Fault]) -> list[Fault]:
    """Those that are open: what asking each of very many would take three times as long for."""
    return [f for f in faults if f.state is not _RESOLVED]


class Transition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stored fact: this fault changed thus at that time, for that reason. ``fault`` is as it is afterwards.

    ``incident`` is the one that it was in then: of a transition from the history, where it was in any.
    """

    at: datetime
    change: Change
    reason: str
    fault: Fault
    incident: int | None = None


class IncidentState(StrEnum):
    """MERGED: another incident told the same story first; it goes on there."""

    OPEN = "open"
    RESOLVED = "resolved"
    MERGED = "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A root fault and all faults it explains, with one message.

    ``root`` and ``members`` are fingerprints; ``members`` includes the root and is in order of joining.
    ``explains`` says per consequence why it is here, in words. ``merged_into`` is set in state MERGED only.
    ``storm`` is set where unrelated faults were gathered because too many came at once (``alerts.faults.storms``), and
    says what they have in common.
    """

    id: int
    state: IncidentState
    root: str
    members: tuple[str, ...]
    opened_at: datetime
    explains: Mapping[str, str] = field(default_factory=dict)
    resolved_at: datetime | None = None
    merged_into: int | None = None
    storm: str | None = None


class Why(StrEnum):
    """Why something is said, or (the second group) why it is not."""

    NEW = "new incident"
    JOINED = "another fault joined"
    ROOT_FOUND = "the cause was found"
    WORSE = "it got worse"
    CHANGED = "it changed"
    PROGRESSED = "less is missing"
    MERGED = "merged into another incident"
    RESOLVED = "resolved"
    HELD_BACK = "held back until now"
    COMES_AND_GOES = "it comes and goes"
    REMINDER = "still wrong, and nobody acknowledged it"
    ESCALATED = "nobody acknowledged it in time"
    ACKNOWLEDGED = "acknowledged"
    SHOWN = "what people said of it is shown"
    DIGEST = "daily digest"
    CAUGHT_UP = "found at the first look"

    HANDLED = "handled failure: digest only"
    NOT_ANNOUNCED = "its incident was never announced"
    SILENCED = "silenced"
    QUIET_HOURS = "quiet hours"
    FLAPPING = "it comes and goes: told when it stays"
    CATCHING_UP = "still reading what happened before"


class Emphasis(StrEnum):
    """Why a reply may deserve to be seen outside its thread."""

    RESOLUTION = "resolution"
    ESCALATION = "escalation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What we say, in no channel's dialect.

    ``facts`` are (label, text) in reading order; texts may hold several lines. ``title`` is one line. All text is plain
    and already redacted, never escaped: escaping is the channel's own duty. ``links`` are (label, URL). ``mention`` is
    whom a channel that can should call, in that channel's own words from the configuration, never from a log. ``over``:
    all that it tells is over although its incident goes on, so that a severity at its head would startle.
    """

    severity: Severity
    state: IncidentState
    title: str
    summary: str
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    footer: str = ""
    emphasis: Emphasis | None = None
    mention: str = ""
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Somebody has an incident in hand."""

    incident: int
    at: datetime
    author: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """How far the conversation about an incident has come.

    ``told_at``: when somebody was last told aloud; ``severity`` what it was then. ``reminders`` counts all of them,
    ``idle`` those since the last occurrence; ``escalated`` the steps taken. ``held`` is why the latest news was held
    back, since ``held_since``. ``shown`` is what people said of it as the root message shows it. ``told_in`` is the
    number of the digest that told it, where it had no message of its own; ``ended_at`` when it was last resolved.
    """

    incident: int
    told_at: datetime | None = None
    severity: Severity | None = None
    reminders: int = 0
    idle: int = 0
    escalated: int = 0
    held: Why | None = None
    held_since: datetime | None = None
    damped: bool = False
    shown: str = ""
    told_in: int | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """What the configuration knows that helps whoever reads a message.

    ``project`` is the Google Cloud project (None: nothing to link to); ``tables`` the completions table by pipeline;
    ``resume`` the command that resumes a phase, by (pipeline, phase), never run by us; ``runbooks`` the page for
    a phase, or with the phase None for a pipeline; ``runbook`` the page for all else.
    """

    project: str | None = None
    tables: Mapping[str, str] = field(default_factory=dict)
    resume: Mapping[tuple[str, str], str] = field(default_factory=dict)
    runbooks: Mapping[tuple[str, str | None], str] = field(default_factory=dict)
    runbook: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a message is made from: all faults concerned by fingerprint, the moment, the zone people read.

    ``windows`` holds what each check last looked at, by its name; ``home`` the incident that a fault is in.
    """

    faults: Mapping[str, Fault]
    now: datetime
    zone: ZoneInfo
    guide: Guide = field(default_factory=Guide)
    windows: Mapping[str, Window] = field(default_factory=dict)
    home: Mapping[str, int] = field(default_factory=dict)
    # Asked for again and again, and some incidents have thousands: by number, with what they were found by.
    _found: dict[int, tuple[Sequence[str], Sequence[Fault]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def members(self, incident: Incident) -> Sequence[Fault]:
        """The faults of an incident, in order of joining."""
        names, found = self._found.get(incident.id, ((), ()))
        if names is not incident.members:
            found = [fault for fault in map(self.faults.get, incident.members) if fault is not None]
            self._found[incident.id] = (incident.members, found)
        return found


class Action(StrEnum):
    """POST a new root message, EDIT it so that it shows the present state, REPLY in its thread."""

    POST = "post"
    EDIT = "edit"
    REPLY = "reply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A decision to speak, or with ``suppressed`` true not to, and the reason for it.

    ``root`` is what the incident's root message shows from now on, ``reply`` what its thread adds (None: nothing). What
    is suppressed still edits the root message where there is one: that rings nobody. ``to`` are destinations besides
    those of the routes. A digest is of no incident: its number is negative.
    """

    incident: int
    at: datetime
    why: Why
    suppressed: bool = False
    root: Message | None = None
    reply: Message | None = None
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One outbox row on its way to one channel.

    ``key`` is stable over all attempts. ``root`` is the receipt of the incident's root message in this channel:
    None for a POST, and None for a REPLY or EDIT only if that root was given up (then the message must stand alone).
    ``uncertain``: an earlier attempt may have arrived although no receipt was stored.
    """

    key: str
    action: Action
    message: Message
    created_at: datetime
    attempt: int
    uncertain: bool = False
    root: Mapping[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waits for one destination. ``oldest`` is when the oldest unsent row was written, ``waits_since`` when the
    oldest one became due that nothing holds up but the destination: what waits behind a dead row is not late.
    """

    destination: str
    pending: int
    dead: int
    oldest: datetime | None
    error: str | None
    waits_since: datetime | None = None
