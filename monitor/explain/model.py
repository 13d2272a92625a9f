"""An explanation as a value. Renderers compute nothing: what they show stands here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from checks.model import Severity
from checks.phases.model import PhaseDay

# What stands for the starter of a phase of which nothing says how it is started.
NOT_DECLARED = "not declared"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorLine:
    """One processor on the run date: ``why_not`` says why it is not owed; ``evidence`` what proves that it is done.

    ``state`` is done, missing, not seen, or None where nobody could be asked.
    """

    name: str
    critical: bool
    why_not: str | None = None
    evidence: tuple[str, ...] = ()
    output: str | None = None
    aliases: tuple[str, ...] = ()
    not_before: datetime | None = None
    usual: str | None = None
    state: str | None = None
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """What is alerted, or would be, and when: ``at`` None is now."""

    kind: str
    severity: Severity | None
    at: datetime | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseLine:
    """One phase. ``due_why`` says where its due time comes from; ``day`` is what arrived, None if nobody was asked."""

    name: str
    why_not: str | None
    start_at: datetime | None
    due_at: datetime
    due_why: str
    upstream: tuple[str, ...]
    enough: str
    recorder: str
    starter: str
    usual: str | None
    processors: tuple[ProcessorLine, ...]
    alerts: tuple[AlertLine, ...]
    day: PhaseDay | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextDue:
    """The next phase that becomes due. ``certain``: the calendar was asked and says that the run is owed."""

    phase: str
    run_date: date
    due_at: datetime
    certain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One pipeline and run date as of ``as_of``. ``owed`` is None where the calendar could not say.

    ``why`` says why a run is owed, or not. ``unseen`` says what could not be asked, a sentence each.
    """

    pipeline: str
    zone: ZoneInfo
    run_date: date
    as_of: datetime
    owed: bool | None
    why: str
    phases: tuple[PhaseLine, ...]
    next_due: NextDue | None
    unseen: tuple[str, ...] = ()
