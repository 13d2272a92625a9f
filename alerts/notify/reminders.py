"""When to say again that something is still wrong, and whom to tell besides. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from alerts.model import Fault, Talk
from checks.model import Severity

# Reminders without a new occurrence: after these the digest has it.
IDLE_REMINDERS = 2
_EVERY: Mapping[Severity, timedelta] = MappingProxyType(
    {Severity.CRITICAL: timedelta(hours=1), Severity.WARNING: timedelta(hours=4)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminders:
    """``every``: the first pause by severity (none: no reminders); each further one is twice that, to ``longest``."""

    every: Mapping[Severity, timedelta] = field(default_factory=lambda: _EVERY)
    longest: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """So long after it was told and not acknowledged, whom to tell besides, and whom to mention."""

    after: timedelta
    to: tuple[str, ...] = ()
    mention: str = ""
    at_least: Severity = Severity.CRITICAL


def reminder_due(talk: Talk, members: Iterable[Fault], severity: Severity, rules: Reminders, now: datetime) -> bool:
    """Whether to remind of an open, announced incident that nobody acknowledged."""
    first = rules.every.get(severity)
    if first is None or talk.told_at is None:
        return False
    pause = min(first * 2 ** min(talk.reminders, 16), rules.longest)
    return now - talk.told_at >= pause and (talk.idle < IDLE_REMINDERS or occurred_since(members, talk.told_at))


def occurred_since(members: Iterable[Fault], moment: datetime) -> bool:
    """Whether any open fault showed something new: a failure occurred again, or a state changed."""
    return any(f.is_open and f.news_at is not None and f.news_at > moment for f in members)


def step_due(
    talk: Talk, announced_at: datetime, severity: Severity, steps: Sequence[Step], now: datetime
) -> Step | None:
    """The next step of escalation of an open incident that nobody acknowledged; None while it is not its time."""
    if talk.escalated >= len(steps):
        return None
    step = steps[talk.escalated]
    late = now - announced_at >= step.after
    return step if late and severity.rank >= step.at_least.rank else None
