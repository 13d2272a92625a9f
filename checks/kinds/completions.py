"""The check of a pipeline's completions: whether what is owed is there, and if not, since when and who waits for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from checks.completions.memory import LastState, Memory, as_json, from_cursor, plan_of
from checks.completions.sight import sight_of_calendar, sight_of_tables
from checks.model import (
    Clearance,
    Evidence,
    Finding,
    HeldUp,
    JsonValue,
    Judgement,
    Severity,
    Status,
    Subject,
    in_zone,
    stamp,
)
from checks.phases.calendar import dates_of
from checks.phases.evidence import TableSight
from checks.phases.habits import Habits, compared, with_learned
from checks.phases.looks import NextLook, is_settled, next_look, unproved
from checks.phases.model import PhaseDay, PhaseState
from checks.phases.states import judge_days
from checks.phases.words import headline, lateness, reason_it_is_over
from checks.pipeline import Pipeline
from checks.ports import CalendarDays, CompletionRow, FoldedDay
from checks.shared import Shared, States
from checks.sources.calendar import Calendars
from checks.sources.completions import CompletionTables, Recorded
from checks.sources.evidence import EvidenceTables

_FLAGS_SHOWN = 10
# Run dates in trouble are judged beyond the look-back, but neither without end nor by reading half a year every minute.
_OPEN_DATES_KEPT = 20
_OPEN_DATES_REACH = timedelta(days=45)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCompletions:
    """What one look brought: completions and calendar for run dates ``first`` to ``last``, both included.

    ``open`` are earlier run dates that were in trouble when last judged; they are judged until they are not. ``tables``
    is what evidence tables answered. ``memory`` is of the former look. ``spared``: nobody was asked, since no look is
    needed before that one. ``quiet``: the calendar owes no run on any date that is not settled, and nobody was asked
    for completions. ``habits`` are what was usual by then.
    """

    first: date
    last: date
    calendar: CalendarDays
    evidence: Evidence
    rows: Sequence[CompletionRow] = ()
    folded: Sequence[FoldedDay] = ()
    tables: TableSight = field(default_factory=TableSight)
    open: tuple[date, ...] = ()
    memory: Memory = field(default_factory=Memory)
    spared: NextLook | None = None
    quiet: bool = False
    habits: Habits = field(default_factory=Habits)

    def dates(self) -> tuple[date, ...]:
        """The run dates looked at, oldest first."""
        return (*self.open, *dates_of(self.first, self.last))


# What gives the answer of a source, and what it cost, to whoever asked it before.
Rows = Callable[[], tuple[Recorded, Evidence]]
Days = Callable[[], tuple[CalendarDays, Evidence]]


class Completions:
    """Judges every phase of one pipeline for the last ``look_back`` run dates, today's local date included.

    Findings have the fingerprint ``phase:<pipeline>:<phase>:<run date>`` and the kind ``phase.<state>``: stalled,
    failed, incomplete, and blocked as a consequence. A phase that is satisfied, or owes nothing, clears its
    fingerprint, and what its recorder failed before that moment; one that is pending, in progress or unknown says
    nothing. A calendar that ends before today is itself a finding, ``blind.calendar`` with the fingerprint
    ``calendar:<pipeline>``; so is evidence that could not be asked, ``blind.evidence`` with
    ``evidence:<pipeline>:<table>``.

    While nothing is due and nothing is open nobody is asked (``checks.phases.looks``); ``idle`` is how often run dates
    are looked at all the same that are not settled.
    """

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        tables: CompletionTables,
        every: timedelta,
        look_back: int,
        name: str,
        idle: timedelta = timedelta(minutes=30),
    ) -> None:
        self.name = name
        self.every = every
        self.about = Subject(pipeline=pipeline.name)
        self._pipeline = pipeline
        self._tables = tables
        self._calendars = Calendars(tables.warehouse)
        self._proofs = EvidenceTables(tables.warehouse)
        self._look_back = look_back
        self._idle = idle
        self._plan = plan_of(pipeline)
        # What the pipeline's other checks are told, and what they have learned.
        self.shared = Shared(read_elsewhere=True)

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline that is judged."""
        return self._pipeline

    def read(self, now: datetime, cursor: JsonValue) -> tuple[SeenCompletions, JsonValue]:
        """Completions as they were at ``now``, and the calendar, if a look is needed. Nothing is stored by the source.

        :raises SourceError: if a table could not be asked, does not exist or has another shape.
        """
        last = now.astimezone(self._pipeline.zone).date()
        first = last - timedelta(days=self._look_back - 1)
        memory = from_cursor(cursor, self._pipeline, self._plan)
        spared = memory.spares(now)
        if spared is not None:
            nobody = CalendarDays(runs={}, first=None, last=None)
            return self._unasked(first, last, nobody, Evidence(), memory=memory, spared=spared), None
        older = tuple(d for d in memory.open if first - _OPEN_DATES_REACH <= d < first)
        known: Days | None = None
        if memory.next_look is not None:
            # All was well: if the calendar has nothing new that is owed, there is nothing to ask for.
            calendar, cost = self.calendar(min((first, *older)), last)
            owed = [d for d in (*older, *dates_of(first, last)) if not calendar.covers(d) or calendar.owed(d)]
            if memory.settled.issuperset(owed):
                return self._unasked(first, last, calendar, cost, memory=memory), None

            def known() -> tuple[CalendarDays, Evidence]:
                return calendar, cost

        seen = self._observe(first, last, now, calendar=known, older=older, memory=memory)
        self.shared.latest = self._states(seen, now)
        return seen, None

    def observe(
        self, first: date, last: date, at: datetime, *, recorded: Rows | None = None, calendar: Days | None = None
    ) -> SeenCompletions:
        """Run dates ``first`` to ``last`` as they were recorded at ``at``, with all that tables prove by then.

        :param recorded: gives what the tables' ``completions`` would for these dates, if somebody asked already;
        :param calendar: and what ``self.calendar(first, last)`` would.
        :raises SourceError: as ``read``.
        """
        return self._observe(first, last, at, recorded=recorded, calendar=calendar, early=True)

    def states(self, at: datetime, first: date | None = None) -> States:
        """The states of the run dates from ``first`` (the look-back, where it is left out) to the local date of ``at``.

        :raises SourceError: as ``read``.
        """
        last = at.astimezone(self._pipeline.zone).date()
        return self._states(self.observe(first or last - timedelta(days=self._look_back - 1), last, at), at)

    def _states(self, seen: SeenCompletions, at: datetime) -> States:
        return States(at=at, judged=lambda: self.days(seen, at), evidence=seen.evidence)

    def calendar(self, first: date, last: date) -> tuple[CalendarDays, Evidence]:
        """On which of the run dates ``first`` to ``last`` a run is owed, and why not on the others.

        :raises SourceError: as ``read``.
        """
        return self._calendars.days(self._pipeline, first, last)

    def _unasked(
        self,
        first: date,
        last: date,
        calendar: CalendarDays,
        evidence: Evidence,
        *,
        memory: Memory,
        spared: NextLook | None = None,
    ) -> SeenCompletions:
        return SeenCompletions(
            first=first,
            last=last,
            calendar=calendar,
            evidence=evidence,
            memory=memory,
            spared=spared,
            quiet=spared is None,
        )

    def _observe(
        self,
        first: date,
        last: date,
        at: datetime,
        *,
        recorded: Rows | None = None,
        calendar: Days | None = None,
        older: tuple[date, ...] = (),
        memory: Memory | None = None,
        early: bool = False,
    ) -> SeenCompletions:
        """One query for the rows, and one for each table that may prove what they do not."""
        memory = memory or Memory()
        start = min((first, *older))
        found, rows_cost = recorded() if recorded else self._tables.completions(self._pipeline, start, last, at)
        days, cost = calendar() if calendar else self.calendar(start, last)
        seen = SeenCompletions(
            first=first,
            last=last,
            rows=found.rows,
            folded=found.folded,
            calendar=days,
            tables=TableSight(answers=memory.proved),
            evidence=rows_cost.merged(cost),
            open=older,
            memory=memory,
            habits=self.shared.habits,
        )
        wanted = unproved(self._planned(seen), self.days(seen, at), at, early=early)
        if not wanted:
            return seen
        sight, price = self._proofs.rows(wanted, at)
        answers = {**memory.proved, **sight.answers}
        return replace(seen, tables=replace(sight, answers=answers), evidence=seen.evidence.merged(price))

    def days(self, observed: SeenCompletions, now: datetime) -> list[tuple[PhaseDay, ...]]:
        """The states of all phases, one tuple per run date, oldest first."""
        return judge_days(
            self._planned(observed),
            observed.dates(),
            observed.rows,
            observed.calendar,
            now,
            folded=observed.folded,
            tables=observed.tables,
        )

    def _planned(self, observed: SeenCompletions) -> Pipeline:
        """The pipeline with the due times that were learned by then."""
        return with_learned(self._pipeline, observed.habits)

    def judge(self, observed: SeenCompletions, now: datetime) -> Judgement:
        """States of all phases as findings and clearances.

        FAILING with any root problem; UNKNOWN where the calendar does not cover today or rows could not be read.
        """
        if observed.spared is not None:
            return self._nothing_due(observed, observed.spared)
        days = [] if observed.quiet else self.days(observed, now)
        phase_days = [phase_day for day in days for phase_day in day]
        findings = [
            self._finding(phase_day, day, observed, now) for day in days for phase_day in day if _in_trouble(phase_day)
        ]
        clearances = [
            Clearance(
                fingerprint=_fingerprint(phase_day),
                at=phase_day.satisfied_at or now,
                reason=reason_it_is_over(phase_day),
            )
            for phase_day in phase_days
            if phase_day.state.satisfied or phase_day.state is PhaseState.NOT_EXPECTED
        ]
        clearances += [
            Clearance(service=recorder, at=phase_day.satisfied_at, reason=reason_it_is_over(phase_day))
            for phase_day in phase_days
            if phase_day.satisfied_at is not None
            and (recorder := self._pipeline.phase(phase_day.phase).recorder_on(phase_day.run_date)) is not None
        ]
        sight = sight_of_calendar(self.name, self._pipeline, observed.calendar, observed.last, now)
        proofs = sight_of_tables(self.name, self._pipeline, observed.tables, now)
        evidence = observed.evidence.merged(
            Evidence(
                counts={"dates": len(days), "phases": len(phase_days)},
                unseen=sight.unseen,
                notes=(
                    *(_note(phase_day) for phase_day in phase_days if phase_day.flags),
                    *(late for phase_day in phase_days if (late := lateness(phase_day, self._pipeline.zone))),
                ),
            )
        )
        status = _status(phase_days, evidence)
        look = next_look(self._planned(observed), days, now, idle=self._idle) if status is Status.OK else None
        if observed.quiet and look is not None:
            evidence = evidence.merged(Evidence(notes=(f"completions not asked: {look.why}",)))
        return Judgement(
            carry=as_json(self._memory(observed, days, now, look), self._pipeline, self._plan),
            status=status,
            findings=(*findings, *sight.findings, *proofs.findings),
            clearances=(*clearances, *sight.clearances, *proofs.clearances),
            evidence=evidence,
        )

    def _nothing_due(self, observed: SeenCompletions, look: NextLook) -> Judgement:
        """Nobody was asked, and nothing is said but that; what is remembered stays as it is."""
        return Judgement(
            carry=as_json(observed.memory, self._pipeline, self._plan),
            status=Status.OK,
            evidence=Evidence(notes=(f"not asked: {look.why}",)),
        )

    def _memory(
        self, observed: SeenCompletions, days: Sequence[Sequence[PhaseDay]], now: datetime, look: NextLook | None
    ) -> Memory:
        """What is remembered of this look: bounded, since it concerns the run dates of the look only."""
        dates = observed.dates()
        troubled = sorted({d.run_date for day in days for d in day if _in_trouble(d)})
        # Not those that owed nothing: the calendar may yet get a run for them.
        done = {day[0].run_date for day in days if is_settled(day) and any(d.state.satisfied for d in day)}
        settled = observed.memory.settled & set(dates) if observed.quiet else done
        judged = tuple(LastState.of(phase_day) for day in days for phase_day in day)
        former = tuple(state for state in observed.memory.states if state.run_date in dates)
        return Memory(
            open=tuple(troubled[-_OPEN_DATES_KEPT:]),
            settled=frozenset(settled),
            proved={key: rows for key, rows in observed.tables.answers.items() if rows.enough and key[1] in dates},
            looked_at=now,
            next_look=look,
            states=former if observed.quiet else judged,
        )

    def _finding(
        self, phase_day: PhaseDay, day: Sequence[PhaseDay], observed: SeenCompletions, now: datetime
    ) -> Finding:
        blocked = phase_day.state is PhaseState.BLOCKED
        phase = self._pipeline.phase(phase_day.phase)
        critical = {processor.name for processor in phase.expected_on(phase_day.run_date) if processor.critical}
        severe = not blocked and not critical.isdisjoint(phase_day.missing)
        # Names that were never recorded are a matter of the configuration, which is told as that.
        misnamed = not blocked and set(phase_day.missing) <= set(observed.habits.unmet.get(phase.name, ()))
        return Finding(
            fingerprint=_fingerprint(phase_day),
            check=self.name,
            kind=f"phase.{phase_day.state}",
            severity=Severity.CRITICAL if severe and not misnamed else Severity.WARNING,
            quiet=misnamed,
            subject=Subject(pipeline=phase_day.pipeline, phase=phase_day.phase, run_date=phase_day.run_date),
            title=headline(phase_day, day),
            since=_since(phase_day, now),
            last_seen=now,
            facts=self._facts(phase_day, observed, now),
            holds_up=self._holds_up(phase_day, day),
            consequence=blocked,
        )

    def _facts(self, phase_day: PhaseDay, observed: SeenCompletions, now: datetime) -> Mapping[str, JsonValue]:
        facts: dict[str, JsonValue] = {
            "state": phase_day.state.value,
            "done": ", ".join(phase_day.done) or "none",
            "missing": ", ".join(phase_day.missing),
        }
        if phase_day.unseen:
            facts["not seen"] = ", ".join(phase_day.unseen)
        proofs = self._pipeline.phase(phase_day.phase).proof_tables(phase_day.run_date, phase_day.missing)
        if absent := [table for table in proofs if table in observed.tables.absent]:
            facts["tables that do not exist"] = ", ".join(absent)
        if phase_day.due_at is not None:
            facts["due"] = in_zone(phase_day.due_at, self._pipeline.zone)
        usual = observed.habits.usual(phase_day.phase)
        if usual is not None:
            facts["usual"] = compared(usual, phase_day.run_date, now, self._pipeline.zone, word="now")
        facts["checked at"] = stamp(now)
        return facts

    def _holds_up(self, phase_day: PhaseDay, day: Sequence[PhaseDay]) -> tuple[HeldUp, ...]:
        """The phases behind this one that still wait on that run date."""
        behind = {phase.name for phase in self._pipeline.downstream(phase_day.phase)}
        return tuple(
            HeldUp(pipeline=other.pipeline, phase=other.phase, run_date=other.run_date, due_at=other.due_at)
            for other in day
            if other.phase in behind and not other.state.satisfied and other.state is not PhaseState.NOT_EXPECTED
        )


def _status(phase_days: Sequence[PhaseDay], evidence: Evidence) -> Status:
    if any(phase_day.state.is_root_problem for phase_day in phase_days):
        return Status.FAILING
    return Status.UNKNOWN if evidence.unseen else Status.OK


def _in_trouble(phase_day: PhaseDay) -> bool:
    return phase_day.state.is_root_problem or phase_day.state is PhaseState.BLOCKED


def _fingerprint(phase_day: PhaseDay) -> str:
    return f"phase:{phase_day.pipeline}:{phase_day.phase}:{phase_day.run_date}"


def _since(phase_day: PhaseDay, now: datetime) -> datetime:
    """When the trouble began: it stopped, it first failed, or what was due did not come."""
    return phase_day.stalled_since or phase_day.failed_since or phase_day.due_at or now


def _note(phase_day: PhaseDay) -> str:
    """The flags of a phase's rows: odd, but no trouble. Unknown names are as many as somebody cares to record."""
    shown = ", ".join(phase_day.flags[:_FLAGS_SHOWN])
    more = len(phase_day.flags) - _FLAGS_SHOWN
    return f"{phase_day.phase} of {phase_day.run_date}: {shown}" + (f" and {more} more" if more > 0 else "")
