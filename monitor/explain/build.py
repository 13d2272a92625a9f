"""Pipeline + calendar + states -> the explanation. Pure; what could not be asked is None, and said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from checks.model import Severity
from checks.phases import habits as usual_times
from checks.phases.calendar import dates_of
from checks.phases.evidence import ProcessorEvidence, TableEvidence
from checks.phases.habits import Habits
from checks.phases.model import PhaseDay, PhaseState
from checks.pipeline import Phase, Pipeline, Processor
from checks.ports import CalendarDays
from monitor.explain.model import NOT_DECLARED, AlertLine, Explanation, NextDue, PhaseLine, ProcessorLine

# How far ahead the next due time is looked for.
HORIZON = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What could be found out. ``calendar`` is None where it could not be asked; ``states`` holds what was judged.

    ``unseen`` says what could not be asked, a sentence each.
    """

    calendar: CalendarDays | None
    states: Mapping[tuple[str, date], PhaseDay]
    habits: Habits
    unseen: tuple[str, ...] = ()


def build(pipeline: Pipeline, run_date: date, as_of: datetime, known: Known, *, only: str | None = None) -> Explanation:
    """What is owed for ``run_date``, as of a moment; of one phase, if ``only`` names it."""
    planned = usual_times.with_learned(pipeline, known.habits)
    owed, why = _owed(pipeline, run_date, known.calendar)
    return Explanation(
        pipeline=pipeline.name,
        zone=pipeline.zone,
        run_date=run_date,
        as_of=as_of,
        owed=owed,
        why=why,
        phases=tuple(
            _Builder(pipeline=planned, fixed=fixed, run_date=run_date, as_of=as_of, known=known).phase(phase, owed)
            for phase, fixed in zip(planned.phases, pipeline.phases, strict=True)
            if only in (None, phase.name)
        ),
        next_due=_next_due(planned, as_of, known, only),
        unseen=known.unseen,
    )


def _owed(pipeline: Pipeline, run_date: date, calendar: CalendarDays | None) -> tuple[bool | None, str]:
    called = pipeline.calendar.called
    if calendar is None:
        return None, f"calendar {called} could not be asked; what follows holds if a run is owed"
    if not calendar.covers(run_date):
        return None, f"calendar {called} says nothing of this date; what follows holds if a run is owed"
    if not calendar.owed(run_date):
        return False, calendar.why_not(run_date)
    number = calendar.runs[run_date]
    return True, f"in calendar {called}" + (f", {number} rows" if number > 1 else "")


def _next_due(pipeline: Pipeline, as_of: datetime, known: Known, only: str | None) -> NextDue | None:
    """The earliest due time ahead of what is owed and not satisfied."""
    today = as_of.astimezone(pipeline.zone).date()
    reach = timedelta(days=max(p.due.day for p in pipeline.phases))
    found = []
    for day in dates_of(today - reach, today + HORIZON):
        certain = known.calendar is not None and known.calendar.covers(day)
        if known.calendar is not None and certain and not known.calendar.owed(day):
            continue
        for phase in pipeline.phases:
            state = known.states.get((phase.name, day))
            satisfied = state is not None and state.state.satisfied
            due_at = phase.due.on(day, pipeline.zone)
            if only in (None, phase.name) and phase.expected_on(day) and due_at > as_of and not satisfied:
                found.append(NextDue(phase=phase.name, run_date=day, due_at=due_at, certain=certain))
    return min(found, key=lambda due: (due.due_at, due.run_date), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Builder:
    """One phase of one run date. ``pipeline`` has the due times that hold, ``fixed`` is the phase as configured."""

    pipeline: Pipeline
    fixed: Phase
    run_date: date
    as_of: datetime
    known: Known

    def phase(self, phase: Phase, owed: bool | None) -> PhaseLine:
        """The phase as the explanation shows it; ``owed``: whether a run is owed, None where nobody knows."""
        zone, run_date = self.pipeline.zone, self.run_date
        day = self.known.states.get((phase.name, run_date))
        why_not = day.why_not if day is not None else None
        if why_not is None and not phase.expected_on(run_date):
            why_not = f"{phase.name} owes no processor for this date"
        silent = owed is False or why_not is not None
        usual = self.known.habits.usual(phase.name)
        return PhaseLine(
            name=phase.name,
            why_not=why_not,
            start_at=phase.start.on(run_date, zone) if phase.start else None,
            due_at=phase.due.on(run_date, zone),
            due_why=self._due_why(phase),
            upstream=phase.after,
            enough=_enough(phase),
            recorder=self._recorder(phase),
            starter=_starter(phase, run_date),
            usual=usual_times.usual_words(usual) if usual is not None else None,
            processors=tuple(self._processor(phase, processor, day) for processor in phase.processors),
            alerts=() if silent else tuple(self._alerts(phase, day)),
            day=day,
        )

    def _due_why(self, phase: Phase) -> str:
        learned = self.fixed.learned
        if learned is None:
            return "fixed"
        if phase.due != self.fixed.due:
            return f"learned, between its start and {learned.latest.at:%H:%M} on day {learned.latest.day}"
        known = self.known.habits.phases.get(phase.name)
        if known is None or known.samples < learned.samples:
            return f"fixed: {known.samples if known else 0} of {learned.samples} run dates to learn from"
        return "learned, the same as the fixed time"

    def _recorder(self, phase: Phase) -> str:
        recorder = phase.recorder_on(self.run_date)
        if recorder is not None:
            return recorder
        return f"nobody since {phase.recorder_until}" if phase.recorder_until and phase.recorder else "not named"

    def _processor(self, phase: Phase, processor: Processor, day: PhaseDay | None) -> ProcessorLine:
        run_date, zone = self.run_date, self.pipeline.zone
        proofs = processor.evidence_on(run_date)
        usual = self.known.habits.processors.get(phase.name, {}).get(processor.name)
        cut = processor.not_before
        return ProcessorLine(
            name=processor.name,
            critical=processor.critical,
            why_not=_why_not_owed(processor, run_date),
            evidence=tuple(_proof(proof) for proof in proofs),
            output=processor.output.table if processor.output is not None else None,
            aliases=tuple(sorted(a for a, name in self.pipeline.aliases.items() if name == processor.name)),
            not_before=cut.on(run_date, zone) if cut is not None else None,
            usual=usual_times.usual_words(usual) if usual and usual.samples >= usual_times.ENOUGH else None,
            state=_state_of(processor.name, day),
            done_at=day.done_at.get(processor.name) if day is not None else None,
        )

    def _alerts(self, phase: Phase, day: PhaseDay | None) -> Iterator[AlertLine]:
        """What is alerted now, or would be next if nothing came any more."""
        due_at = phase.due.on(self.run_date, self.pipeline.zone)
        missing = day.missing if day is not None else tuple(p.name for p in phase.expected_on(self.run_date))
        severity = self._severity(phase, missing)
        if day is not None and day.state.satisfied:
            yield AlertLine(kind="", severity=None, at=None, text=f"nothing: it is {day.state}")
        elif day is not None and day.state is PhaseState.BLOCKED:
            told = f"blocked: told with {' and '.join(phase.after)}, by itself only if nobody is told of that"
            yield AlertLine(kind="phase.blocked", severity=Severity.WARNING, at=None, text=told)
        elif day is not None and day.state.is_root_problem:
            yield AlertLine(kind=f"phase.{day.state}", severity=severity, at=None, text=f"{day.state} now")
        else:
            yield from self._to_come(phase, day, severity, due_at)

    def _to_come(self, phase: Phase, day: PhaseDay | None, severity: Severity, due_at: datetime) -> Iterator[AlertLine]:
        stalls_at = self._stalls_at(phase)
        if stalls_at is not None and self.as_of < stalls_at < due_at:
            text = "stalled, if nothing new has come since it could start"
            yield AlertLine(kind="phase.stalled", severity=severity, at=stalls_at, text=text)
        if due_at > self.as_of:
            text = "incomplete, if it is not enough by then"
            if phase.after:
                text += f"; blocked, if {' or '.join(phase.after)} is not satisfied"
            yield AlertLine(kind="phase.incomplete", severity=severity, at=due_at, text=text)
        elif day is None:
            yield AlertLine(kind="", severity=None, at=None, text="unknown: what arrived could not be read")
        else:
            yield AlertLine(kind="", severity=None, at=None, text=f"nothing of its own: it is {day.state}")

    def _severity(self, phase: Phase, missing: Sequence[str]) -> Severity:
        if set(missing) <= set(self.known.habits.unmet.get(phase.name, ())):
            return Severity.INFO
        critical = {p.name for p in phase.expected_on(self.run_date) if p.critical}
        return Severity.WARNING if critical.isdisjoint(missing) else Severity.CRITICAL

    def _stalls_at(self, phase: Phase) -> datetime | None:
        """When it stalls if nothing comes: as far as it is known when it could start."""
        if phase.start is None:
            return None
        moments = [phase.start.on(self.run_date, self.pipeline.zone)]
        for name in phase.after:
            upstream = self.known.states.get((name, self.run_date))
            if upstream is None or upstream.satisfied_at is None:
                return None
            moments.append(upstream.satisfied_at)
        return max(moments) + phase.stall_after


def _enough(phase: Phase) -> str:
    if phase.quorum_ratio is None:
        return "every processor"
    return f"every critical processor, and {phase.quorum_ratio * 100:g}% of all (rounded up)"


def _starter(phase: Phase, run_date: date) -> str:
    declared = phase.hand_over_on(run_date)
    if declared is None:
        return ", ".join(phase.starters) or NOT_DECLARED
    fallbacks = ", ".join(f"{at.at:%H:%M} on day {at.day}" for at in declared.fallbacks)
    return f"{declared.kind} {declared.name}" + (f", fallback {fallbacks}" if fallbacks else "")


def _proof(proof: ProcessorEvidence) -> str:
    if not isinstance(proof, TableEvidence):
        return "completion row"
    number = "as many rows as its SQL expects" if proof.expected else f"at least {proof.at_least} rows"
    return f"{number} in {proof.table}" + (f" where {proof.where}" if proof.where else "")


def _why_not_owed(processor: Processor, run_date: date) -> str | None:
    if not processor.valid_on(run_date):
        begins, until = processor.valid_from, processor.valid_until
        return f"owed only from {begins} on" if begins and run_date < begins else f"no longer owed from {until} on"
    return None if processor.evidence_on(run_date) else "nobody records it any more, and nothing else proves it"


def _state_of(name: str, day: PhaseDay | None) -> str | None:
    if day is None:
        return None
    named = {"done": day.done, "missing": day.missing, "not seen": day.unseen}
    return next((word for word, names in named.items() if name in names), None)
