"""A pipeline as its owners describe it: phases, what each owes, when, and who records it.

Values only; built from ``config.yaml`` by ``checks.settings.pipelines`` and validated there, so nothing here is checked
twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from checks.phases.calendar import Calendar, CalendarTable, HaltTable, Pauses
from checks.phases.evidence import CompletionEvidence, ProcessorEvidence, TableEvidence, Validity


def local_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The UTC instant of a wall-clock time.

    In the gap of a clock change the time moves forward by the gap (02:30 becomes 03:30); in the fold the first of
    the two counts. PEP 495: ``fold=0`` gives exactly both.
    """
    return datetime.combine(day, at, tzinfo=zone).replace(fold=0).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTime:
    """A wall-clock time on the day ``day`` days after the run date."""

    day: int
    at: time

    def on(self, run_date: date, zone: ZoneInfo) -> datetime:
        """The instant meant, in UTC.

        A time in the gap of a clock change moves forward by the gap; in the fold the first one counts.
        """
        return local_instant(run_date + timedelta(days=self.day), self.at, zone)

    @property
    def after(self) -> timedelta:
        """Wall-clock time since the run date's midnight."""
        return timedelta(days=self.day, hours=self.at.hour, minutes=self.at.minute)

    @classmethod
    def after_midnight(cls, span: timedelta) -> DayTime:
        """The wall-clock time that long after the run date's midnight, to the minute."""
        minutes = span // timedelta(minutes=1)
        day, minute = divmod(minutes, 24 * 60)
        return cls(day=day, at=time(minute // 60, minute % 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedDue:
    """A due time from experience: the usual latest completion and ``margin`` more, between ``earliest`` and ``latest``.

    It takes ``samples`` run dates; until then the phase's own due time holds.
    """

    margin: timedelta
    latest: DayTime
    earliest: DayTime | None = None
    samples: int = 10


class StarterKind(StrEnum):
    """What starts a phase. An observation starts nothing: it only watches, and nothing follows if it is silent."""

    FUNCTION = "function"
    SUBSCRIPTION = "subscription"
    SCHEDULE = "schedule"
    OBSERVATION = "observation"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver(Validity):
    """What is declared to start a phase once its upstream is satisfied, for the run dates on which it is valid.

    ``within``: how long after that its first completion comes at the latest. ``fallbacks``: when a schedule starts the
    phase whatever happened before.
    """

    kind: StarterKind
    name: str
    within: timedelta
    fallbacks: tuple[DayTime, ...] = ()

    @property
    def job(self) -> str | None:
        """The scheduler job that starts the phase; None where something else does."""
        return self.name if self.kind is StarterKind.SCHEDULE else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor(Validity):
    """One unit of work that a phase owes for each run date on which it is valid.

    ``critical``: its absence is never excused by the quorum rule. ``not_before``: a row completed earlier than this
    cannot be about the run (post-game work before noon) and is ignored. ``evidence``: what proves that it is done, any
    of it suffices. ``output``: the table that is the witness for its completion rows, None where there is none.
    """

    name: str
    critical: bool = True
    not_before: DayTime | None = None
    evidence: tuple[ProcessorEvidence, ...] = (CompletionEvidence(),)
    output: TableEvidence | None = None

    def evidence_on(self, run_date: date) -> tuple[ProcessorEvidence, ...]:
        """What can prove that it is done for that run date."""
        return tuple(proof for proof in self.evidence if proof.valid_on(run_date))

    @property
    def completion_evidence(self) -> tuple[CompletionEvidence, ...]:
        """The spans for which completion rows prove it."""
        return tuple(proof for proof in self.evidence if isinstance(proof, CompletionEvidence))


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase of a pipeline. ``recorder`` and ``starters`` are normalised function names.

    From the run date ``recorder_until`` on nobody records this phase. ``hand_overs`` say how it is started, at most one
    for each run date; ``learned``: its due time comes from experience, and ``due`` holds until there is any.
    """

    name: str
    after: tuple[str, ...]
    processors: tuple[Processor, ...]
    due: DayTime
    start: DayTime | None = None
    recorder: str | None = None
    recorder_until: date | None = None
    starters: tuple[str, ...] = ()
    quorum_ratio: float | None = None
    stall_after: timedelta
    hand_overs: tuple[HandOver, ...] = ()
    learned: LearnedDue | None = None

    def begins_on(self, run_date: date, zone: ZoneInfo) -> datetime:
        """When its work for that run date can begin: at its start, or if it has none at the run date's midnight."""
        return self.start.on(run_date, zone) if self.start else local_instant(run_date, time(0), zone)

    def hand_over_on(self, run_date: date) -> HandOver | None:
        """How the phase is declared to be started for that run date; None where nothing is declared."""
        return next((h for h in self.hand_overs if h.valid_on(run_date)), None)

    def evidence_tables(self) -> tuple[str, ...]:
        """The tables whose rows prove that one of its processors is done, once each."""
        proofs = (proof for p in self.processors for proof in p.evidence)
        return tuple(dict.fromkeys(proof.table for proof in proofs if isinstance(proof, TableEvidence)))

    def expected_on(self, run_date: date) -> tuple[Processor, ...]:
        """What is owed for that run date, by the list that was valid then.

        A processor of which nothing can prove that it is done is not owed: its absence could not be told from success.
        """
        return tuple(p for p in self.processors if p.valid_on(run_date) and p.evidence_on(run_date))

    def proof_tables(self, run_date: date, names: Collection[str]) -> tuple[str, ...]:
        """The tables whose rows may prove any of the named processors for that run date, once each."""
        proofs = (proof for p in self.expected_on(run_date) if p.name in names for proof in p.evidence_on(run_date))
        return tuple(dict.fromkeys(proof.table for proof in proofs if isinstance(proof, TableEvidence)))

    def recorder_on(self, run_date: date) -> str | None:
        """The function that records this phase for that run date, None if there is none or it is not named."""
        ended = self.recorder_until is not None and run_date >= self.recorder_until
        return None if ended else self.recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionTable:
    """Where completions are recorded: ``dataset.table`` or ``project.dataset.table``, its columns, its status words.

    ``columns`` maps our field names (``phase, run_date, processor, status, record_count, execution_id, completed_at,
    inserted_at``) to the table's column names. Status words that are in neither list count for nothing.
    """

    table: str
    columns: Mapping[str, str]
    success: tuple[str, ...]
    partial: tuple[str, ...]
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A pipeline: its zone, calendar, completions and phases in upstream-first order."""

    name: str
    zone: ZoneInfo
    calendar: Calendar
    completions: CompletionTable
    aliases: Mapping[str, str]
    future_tolerance: timedelta
    late_insert_after: timedelta
    phases: tuple[Phase, ...]
    pauses: Pauses = field(default_factory=Pauses)

    def phase(self, name: str) -> Phase:
        """The phase of that name.

        :raises KeyError: if there is none.
        """
        for phase in self.phases:
            if phase.name == name:
                return phase
        raise KeyError(name)

    def downstream(self, name: str) -> tuple[Phase, ...]:
        """Every phase that waits for the named one, directly or not, in upstream-first order."""
        waiting = {name}
        found = []
        for phase in self.phases:
            if waiting & set(phase.after):
                waiting.add(phase.name)
                found.append(phase)
        return tuple(found)

    def tables(self) -> tuple[str, ...]:
        """The tables this pipeline reads by name, once each; what SQL of its own reads is not among them."""
        calendar = (self.calendar.table,) if isinstance(self.calendar, CalendarTable) else ()
        halts = (self.pauses.halt_state.table,) if isinstance(self.pauses.halt_state, HaltTable) else ()
        return tuple(dict.fromkeys((*calendar, *halts, self.completions.table)))

    def evidence_tables(self) -> tuple[str, ...]:
        """The tables whose rows prove that some processor is done, once each."""
        return tuple(dict.fromkeys(table for phase in self.phases for table in phase.evidence_tables()))
