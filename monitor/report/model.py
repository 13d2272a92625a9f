"""The health report as a value. Renderers compute nothing: what they show stands here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.model import Backlog, Fault, Incident
from alerts.notify.silences import Silence
from checks.model import Evidence, Severity, Status
from checks.phases.model import PhaseDay
from checks.ports import Recording
from monitor.costs import CostReport
from monitor.storage import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a phase is as it is. ``incident`` is None while no watcher has opened one."""

    incident: int | None
    kind: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorReport:
    """What one processor owed for a run date came to.

    ``done`` is None where nobody knows, since its evidence could not be asked. ``done_at`` is None while it is not
    done, and where nobody asked when (many at once, a table that does not say).
    """

    name: str
    critical: bool
    done: bool | None
    done_at: datetime | None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualReport:
    """When a phase would usually complete on its run date: the median, and what 95 % of the dates keep.

    ``words`` compare it with when it did, or with now: ``usually 08:12, 95% by 08:40; now 09:40``.
    """

    median_at: datetime
    late_at: datetime
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseReport:
    """One phase of one run date, and the cause of its trouble where it is known.

    ``headline`` says it in one sentence; ``processors`` are what it owes, critical ones first, then by name; ``usual``
    is None where nothing is owed or too little is known.
    """

    day: PhaseDay
    headline: str
    processors: tuple[ProcessorReport, ...] = ()
    cause: Cause | None = None
    usual: UsualReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How a phase kept its due times over the run dates listed on which it owed something and was due.

    ``in_time`` were complete or had their quorum when due, ``late`` only afterwards, ``never`` not until now.
    ``late_by`` is the median time (the lower of two middle ones) from due to there of the late ones.
    """

    phase: str
    in_time: int
    late: int
    never: int
    late_by: timedelta | None = None

    @property
    def dates(self) -> int:
        """How many run dates were due."""
        return self.in_time + self.late + self.never


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineReport:
    """A pipeline's phases by date. ``recording`` is None when it could not be asked; ``error`` then says why."""

    name: str
    zone: ZoneInfo
    status: Status
    phases: tuple[PhaseReport, ...]
    recording: Recording | None
    error: str | None = None
    kept: tuple[Kept, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The phases' names, upstream first."""
        return tuple(dict.fromkeys(phase.day.phase for phase in self.phases))

    @property
    def dates(self) -> tuple[date, ...]:
        """The run dates listed, oldest first."""
        return tuple(sorted({phase.day.run_date for phase in self.phases}))

    @property
    def grid(self) -> tuple[tuple[str, tuple[PhaseReport | None, ...]], ...]:
        """A row for each phase with a cell for each of ``dates``; None where that phase is not listed for the date."""
        cells = {(phase.day.phase, phase.day.run_date): phase for phase in self.phases}
        return tuple((name, tuple(cells.get((name, day)) for day in self.dates)) for name in self.names)

    def nothing_owed(self) -> tuple[tuple[date, str], ...]:
        """Why nothing is owed, a sentence for each date and reason; phases are named where it is not all of them."""
        whys: dict[tuple[date, str], list[str]] = {}
        for phase in self.phases:
            if phase.day.why_not:
                whys.setdefault((phase.day.run_date, phase.day.why_not), []).append(phase.day.phase)
        return tuple(
            (day, f"{'' if set(phases) == set(self.names) else ', '.join(phases) + ': '}nothing owed, {why}")
            for (day, why), phases in sorted(whys.items())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """Something that happened to an incident: a fault changed, or something was said (or, with a reason, was not)."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentReport:
    """An incident with its faults, root first, and its story, oldest first."""

    incident: Incident
    severity: Severity
    title: str
    faults: tuple[Fault, ...]
    story: tuple[StoryLine, ...] = ()

    @property
    def since(self) -> datetime:
        """When the trouble began, as far as the evidence shows; ``incident.opened_at`` is when it was noticed."""
        return min(fault.finding.since for fault in self.faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """How fast incidents were noticed and ended: medians over ``incidents`` that began in the range of the report.

    ``to_notice`` is from the first evidence of the trouble to its incident, ``to_resolve`` from there to its end; None
    where there is none to tell from. ``offenders`` are the functions, phases and tables most often the root, with how
    often. Before ``unrecorded_until`` no watcher's state tells of incidents, only completions of what was late; None
    where the state covers the whole range.
    """

    incidents: int
    to_notice: timedelta | None = None
    to_resolve: timedelta | None = None
    offenders: tuple[tuple[str, int], ...] = ()
    unrecorded_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """A place that was asked for this report, and the proof of what was read."""

    name: str
    status: Status
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """The latest run of a check in the watcher, as stored."""

    name: str
    status: Status
    last_run_at: datetime
    evidence: Evidence
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something to be seen beside completions on the same axis: ``kind`` is ``failure`` or ``deployment``."""

    at: datetime
    kind: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Itself:
    """The watcher itself. ``looked_at`` is when its supervisor last stored a look (None: never), ``stale`` whether that
    was too long ago.

    ``problems`` are its own open faults, a sentence each; ``delivered_at`` is when a message last arrived anywhere;
    ``storage`` None: a server holds the state.
    """

    looked_at: datetime | None
    stale: bool
    problems: tuple[str, ...] = ()
    delivered_at: datetime | None = None
    backlog: tuple[Backlog, ...] = ()
    storage: Storage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """Everything there is to say at ``as_of``.

    ``verdict`` says the whole in sentences, worst first. ``zone`` is the one people read times in. ``costs`` are the
    watcher's, as far as its state knows; None without a state. ``itself`` is None in a report on a past moment, and
    where there is no state.
    """

    generated_at: datetime
    as_of: datetime
    zone: ZoneInfo
    status: Status
    verdict: tuple[str, ...]
    pipelines: tuple[PipelineReport, ...]
    incidents: tuple[IncidentReport, ...]
    failures: tuple[Fault, ...]
    sources: tuple[SourceReport, ...]
    checks: tuple[CheckReport, ...]
    response: Response
    marks: tuple[Mark, ...] = ()
    silences: tuple[Silence, ...] = ()
    notes: tuple[str, ...] = ()
    itself: Itself | None = None
    costs: CostReport | None = None
