"""The check of outputs, the second witness: whether the data is there where its completion is not, and the reverse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from typing_extensions import Unpack

from checks.carried import carry_of, day, texts
from checks.model import (
    Clearance,
    Evidence,
    Finding,
    JsonValue,
    Judgement,
    Severity,
    Status,
    Subject,
    day_words,
    stamp,
)
from checks.phases.evidence import TableEvidence
from checks.phases.model import PhaseDay, PhaseState
from checks.phases.silence import by_row
from checks.phases.words import listed, one_line
from checks.pipeline import Pipeline, Processor
from checks.shared import StateCheck, StateCheckParts, unknown_states
from checks.sources.outputs import OutputRows, OutputTables

# What was recorded just now may not be readable yet.
_SETTLE = timedelta(minutes=30)
_AT_ONCE = 40
_KEPT = 500
_EMPTY_REACH = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Question:
    """Whether the output of a processor has rows for a run date. ``recorded``: its completion says that it is done."""

    run_date: date
    phase: str
    processor: str
    recorded: bool

    @property
    def key(self) -> str:
        """What it is remembered by between two runs."""
        return f"{self.run_date}|{self.phase}|{self.processor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOutputs:
    """What was asked and answered. ``rows`` holds no question that could not be asked; ``settled`` needs none.

    ``satisfied`` are the phases and run dates of which nothing is missing any more, or nothing that matters.
    """

    rows: Mapping[Question, int]
    settled: Sequence[str]
    absent: Sequence[str] = ()
    satisfied: Sequence[tuple[str, date]] = ()
    evidence: Evidence = field(default_factory=Evidence)


class OutputCheck(StateCheck):
    """Data without a completion, and completions without data.

    - ``outputs.unrecorded``, a warning, fingerprint ``outputs:<pipeline>:<phase>:<run date>:unrecorded``: a phase is in
      trouble and the data of what it misses is there. It explains the phase: only the recording failed.
    - ``outputs.empty``, fingerprint ``outputs:<pipeline>:<phase>:<run date>:empty``: recorded as done, and no row of
      the run date is there at the second look. Critical if a critical processor is among them.

    Tables are asked only for phases in trouble, and once for what was recorded half an hour ago.
    """

    def __init__(self, *, tables: OutputTables, **common: Unpack[StateCheckParts]) -> None:
        super().__init__(**common)
        self._tables = tables

    def read(self, now: datetime, cursor: JsonValue) -> tuple[SeenOutputs, JsonValue]:
        """Rows of all outputs of which there is something to ask.

        :raises SourceError: if the completions could not be read, or no table could be asked.
        """
        states = self._shared.states(self._reader, now)
        days = states.judged()
        carry = carry_of(cursor)
        settled = frozenset(texts(carry.get("settled")))
        asked = list(questions(self._pipeline, days, settled, states.at))
        asked += [q for q in _empty_before(carry, now) if q not in asked]
        outputs = {q: self._output(q) for q in sorted(asked)[-_AT_ONCE:]}
        wanted = {q: (output, q.run_date) for q, output in outputs.items() if output is not None}
        found, cost = self._tables.rows(set(wanted.values())) if wanted else (OutputRows(), Evidence())
        rows = {q: found.rows[w] for q, w in wanted.items() if w in found.rows}
        satisfied = [
            (d.phase, d.run_date)
            for each in days
            for d in each
            if d.state.satisfied or d.state is PhaseState.NOT_EXPECTED
        ]
        return SeenOutputs(
            rows=rows,
            settled=sorted(settled),
            absent=sorted(found.absent),
            satisfied=satisfied,
            evidence=states.evidence.merged(cost).merged(unknown_states(days)),
        ), None

    def judge(self, observed: SeenOutputs, now: datetime) -> Judgement:
        """Findings by phase and run date."""
        groups: dict[tuple[str, date, bool], list[Question]] = {}
        for question in sorted(observed.rows):
            groups.setdefault((question.phase, question.run_date, question.recorded), []).append(question)
        findings, clearances = [], []
        for (phase, run_date, recorded), asked in groups.items():
            telling = [q for q in asked if (observed.rows[q] == 0) == recorded]
            if telling and recorded:
                findings.append(self._empty(observed, telling, now))
            elif telling:
                findings.append(self._unrecorded(observed, telling, now))
            elif recorded:
                reason = f"what {phase} recorded for {run_date} has rows"
                clearances.append(
                    Clearance(fingerprint=self._fingerprint(phase, run_date, "empty"), at=now, reason=reason)
                )
        clearances += [
            Clearance(
                fingerprint=self._fingerprint(phase, run_date, "unrecorded"),
                at=now,
                reason=f"what {phase} owes for {run_date} is recorded",
            )
            for phase, run_date in observed.satisfied
        ]
        seen = [q.key for q, rows in observed.rows.items() if q.recorded and rows]
        settled = sorted({*observed.settled, *seen})[-_KEPT:]
        empty = sorted(q.key for q, rows in observed.rows.items() if q.recorded and not rows)
        serious = any(f.kind == "outputs.empty" for f in findings)
        status = Status.UNKNOWN if observed.evidence.unseen else Status.OK
        if findings:
            status = Status.FAILING if serious else Status.DEGRADED
        return Judgement(
            status=status,
            findings=tuple(findings),
            clearances=tuple(clearances),
            evidence=observed.evidence,
            carry={"settled": [*settled], "empty": [*empty]},
        )

    def _unrecorded(self, observed: SeenOutputs, asked: Sequence[Question], now: datetime) -> Finding:
        phase, run_date = asked[0].phase, asked[0].run_date
        recorder = self._pipeline.phase(phase).recorder_on(run_date)
        if len(asked) == 1:
            [one] = asked
            whose = f"The data of {one.processor} for {day_words(run_date)} is there ({observed.rows[one]} rows)"
            title = f"{whose}, its completion is not: the recorder failed"
        else:
            whose = f"The data of {len(asked)} processors of {phase} for {day_words(run_date)} is there"
            title = f"{whose}, their completions are not: the recorder failed"
        facts: dict[str, JsonValue] = {"data": [f"{q.processor}: {observed.rows[q]} rows" for q in asked]}
        if recorder is not None:
            facts["recorder"] = recorder
        facts["remedy"] = (
            f"repair {recorder or 'what records them'}; what is there can be recorded with `phasewatch record`"
        )
        return self._finding(asked, "unrecorded", title, facts, now, severity=Severity.WARNING)

    def _empty(self, observed: SeenOutputs, asked: Sequence[Question], now: datetime) -> Finding:
        phase, run_date = asked[0].phase, asked[0].run_date
        names = [q.processor for q in asked]
        shown = listed(names)
        title = f"{shown} of {phase} recorded success for {day_words(run_date)}, and there is no data"
        owed = {p.name: p for p in self._pipeline.phase(phase).expected_on(run_date)}
        grave = any(owed[name].critical for name in names if name in owed)
        tables = [output.table for q in asked if (output := self._output(q)) is not None]
        facts: dict[str, JsonValue] = {"tables without rows": list(dict.fromkeys(tables))}
        gone = [table for table in observed.absent if table in tables]
        if gone:
            facts["tables that do not exist"] = [*gone]
        facts["remedy"] = f"run {shown} for {run_date} again, and look at what it wrote"
        return self._finding(
            asked, "empty", title, facts, now, severity=Severity.CRITICAL if grave else Severity.WARNING
        )

    def _finding(
        self,
        asked: Sequence[Question],
        what: str,
        title: str,
        facts: Mapping[str, JsonValue],
        now: datetime,
        *,
        severity: Severity,
    ) -> Finding:
        phase, run_date = asked[0].phase, asked[0].run_date
        return Finding(
            fingerprint=self._fingerprint(phase, run_date, what),
            check=self.name,
            kind=f"outputs.{what}",
            severity=severity,
            subject=Subject(pipeline=self._pipeline.name, phase=phase, run_date=run_date),
            title=one_line(title),
            since=now,
            last_seen=now,
            facts={**facts, "checked at": stamp(now)},
            pending_for=self.every if what == "empty" else timedelta(0),
        )

    def _fingerprint(self, phase: str, run_date: date, what: str) -> str:
        return f"outputs:{self._pipeline.name}:{phase}:{run_date}:{what}"

    def _output(self, question: Question) -> TableEvidence | None:
        """The table that is asked; None where the configuration no longer has one."""
        phase = next((p for p in self._pipeline.phases if p.name == question.phase), None)
        owed = phase.expected_on(question.run_date) if phase is not None else ()
        return next((p.output for p in owed if p.name == question.processor), None)


def questions(
    pipeline: Pipeline, days: Sequence[Sequence[PhaseDay]], settled: frozenset[str], at: datetime
) -> Iterator[Question]:
    """What to ask: of phases in trouble what they miss; of all phases what they recorded a while ago."""
    for phase_day in (phase_day for each in days for phase_day in each):
        for processor in _witnessed(pipeline, phase_day):
            question = Question(
                run_date=phase_day.run_date,
                phase=phase_day.phase,
                processor=processor.name,
                recorded=processor.name in phase_day.done_at,
            )
            if question.recorded:
                settles = phase_day.done_at[processor.name] + _SETTLE
                if settles <= at and question.key not in settled:
                    yield question
            elif _in_trouble(phase_day) and processor.name in phase_day.missing:
                yield question


def _witnessed(pipeline: Pipeline, phase_day: PhaseDay) -> Iterator[Processor]:
    if phase_day.state in (PhaseState.NOT_EXPECTED, PhaseState.UNKNOWN):
        return
    for processor in pipeline.phase(phase_day.phase).expected_on(phase_day.run_date):
        if processor.output is not None and by_row(processor, phase_day.run_date):
            yield processor


def _in_trouble(phase_day: PhaseDay) -> bool:
    return phase_day.state.is_root_problem or phase_day.state is PhaseState.BLOCKED


def _empty_before(carry: Mapping[str, JsonValue], now: datetime) -> Iterator[Question]:
    """What was recorded and had no rows: asked again until it has, also when the look-back has left it behind."""
    for key in texts(carry.get("empty")):
        run_date, _, rest = key.partition("|")
        phase, _, processor = rest.partition("|")
        on = day(run_date)
        if on is not None and now.date() - on <= _EMPTY_REACH:
            yield Question(run_date=on, phase=phase, processor=processor, recorded=True)
