"""Silences and maintenance windows: they mute messages, never bookkeeping. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.matching import Matcher
from alerts.model import Fault
from alerts.notify.quiet import Weekly


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Who wants what not to be told, why, from when to when.

    ``until_resolved``: it ends by itself as soon as nothing that it meant is wrong any more. ``ended_at`` and
    ``ended_by`` are set where it ended before its time. ``id`` is 0 before it is stored, and for windows of the
    configuration.
    """

    matcher: Matcher
    author: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    until_resolved: bool = False
    id: int = 0
    ended_at: datetime | None = None
    ended_by: str | None = None

    def active(self, now: datetime) -> bool:
        """Whether it mutes at that moment."""
        return self.starts_at <= now < (self.ended_at or self.ends_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A window of the configuration that comes back every week."""

    when: Weekly
    matcher: Matcher
    reason: str

    def silence(self, now: datetime) -> Silence | None:
        """The window as a silence, if it is on at that moment."""
        span = self.when.around(now)
        if span is None:
            return None
        return Silence(
            matcher=self.matcher, author="config.yaml", reason=self.reason, starts_at=span[0], ends_at=span[1]
        )


def covering(fault: Fault, silences: Iterable[Silence]) -> Silence | None:
    """The silence that means this fault; of several the one that lasts longest."""
    meant = [s for s in silences if s.matcher.fits(fault.finding)]
    return max(meant, key=lambda s: s.ends_at, default=None)


def muting(members: Iterable[Fault], silences: Sequence[Silence]) -> tuple[Silence, ...]:
    """The silences that together mute an incident: none, unless each open fault worth telling is meant by one.

    So a phase whose silenced root leaves it waiting is told: nobody silenced the phase.
    """
    if not silences:
        return ()
    found: dict[Silence, None] = {}
    for fault in members:
        if fault.is_open and not fault.finding.quiet:
            silence = covering(fault, silences)
            if silence is None:
                return ()
            found[silence] = None
    return tuple(found)


def done(silence: Silence, over: Iterable[Fault], still_open: Iterable[Fault]) -> bool:
    """Whether it ends by itself now: it was asked to, something that it means is over, and nothing is left open."""
    if not silence.until_resolved or not any(silence.matcher.fits(f.finding) for f in over):
        return False
    return not any(silence.matcher.fits(f.finding) for f in still_open)
