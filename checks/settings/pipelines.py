"""The pipelines in ``config.yaml``: calendar, completions table, phases, and what each phase owes.

``PipelineSettings.to_pipeline`` gives the values that the checks work with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
)
from pydantic_core import CoreSchema

from checks.fields import (
    Canonical,
    Column,
    Duration,
    ListOf,
    Name,
    PageUrl,
    Percentage,
    Service,
    Span,
    Table,
    ZoneName,
)
from checks.mistakes import Mistake, Section, kind_of, quoted, unknown
from checks.phases.evidence import CompletionEvidence, TableEvidence
from checks.pipeline import CompletionTable, Phase, Pipeline, Processor
from checks.settings.calendar import CalendarSettings, HaltSettings, HaltStateSettings
from checks.settings.days import DayTimeSettings, ValiditySettings
from checks.settings.evidence import OneEvidence, Recorder
from checks.settings.follow_up import DueSettings, OutputSettings, OutputsSettings, StarterSettings, overlapping
from checks.settings.references import alias_targets, as_mapping, mappings, repeated_phases, texts, upstreams
from checks.settings.tables import PartitionSettings, Tables, tables_twice

Word = Annotated[str, Field(min_length=1, max_length=100)]


class ProcessorSettings(Section):
    """One unit of work that a phase owes. A bare name stands for a critical one."""

    name: Canonical = Field(description="its name as rows are compared: snake_case, no dots, aliases resolved")
    class_: Literal["critical", "optional"] = Field(
        default="critical",
        alias="class",
        description="critical: its absence is never excused; optional: complete_when may",
    )
    not_before: DayTimeSettings | None = Field(
        default=None, description="a row completed earlier cannot be about the run and is ignored"
    )
    valid: ValiditySettings | None = Field(
        default=None, description="the run dates for which it is owed; all if left out"
    )
    output: OutputSettings | None = Field(default=None, description="where its work lies, if not where outputs says")
    evidence: ListOf[OneEvidence] = Field(
        default=(),
        description="what proves that it is done, any of it; a completion row, until the recorder ends, if left out",
    )

    def contradictions(self) -> Iterator[Mistake]:
        """Completion rows as evidence twice: one span of dates says all."""
        rows = [index for index, proof in enumerate(self.evidence) if proof.completion]
        for index in rows[1:]:
            yield Mistake(message=f"completion again, as in evidence[{rows[0]}]", at=("evidence", index))

    def to_processor(self, run_date: str = "", recorded_until: date | None = None) -> Processor:
        """The value meant. ``run_date``: the pipeline's word for it; from ``recorded_until`` on nobody records it."""
        return Processor(
            name=self.name,
            critical=self.class_ == "critical",
            not_before=self.not_before.to_day_time() if self.not_before else None,
            valid_from=self.valid.from_ if self.valid else None,
            valid_until=self.valid.until if self.valid else None,
            evidence=tuple(proof.to_evidence(run_date) for proof in self.evidence)
            or (CompletionEvidence(valid_until=recorded_until),),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A mapping or a bare name."""
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(core))]}


def _processor(value: object) -> object:
    if not isinstance(value, str | Mapping | ProcessorSettings):
        raise Mistake(message=f"expected a name or a mapping (key: value), found {kind_of(value)}").error()
    return as_mapping(value)


class CompleteWhenSettings(Section):
    """When a phase counts as satisfied although something optional is missing."""

    critical: Literal["all"] = Field(default="all", description="every critical processor must be done")
    at_least: Percentage = Field(description="the least part of all expected processors, rounded up")


class PhaseSettings(Section):
    """One phase: what it owes for each run date, by when, and which functions record and start it."""

    name: Name = Field(description="name of the phase, as in the completions table")
    after: ListOf[str] = Field(default=(), description="phases that it waits for")
    recorder: Recorder | None = Field(
        default=None, description="the function that writes this phase's completion rows; a mapping if it ends"
    )
    starters: ListOf[Service] = Field(default=(), description="functions that start this phase")
    start: DayTimeSettings | None = Field(
        default=None, description="when it starts; a phase without it never counts as stalled"
    )
    started_by: ListOf[StarterSettings] = Field(
        default=(), description="what starts it once its upstream is satisfied; one for each run date"
    )
    due: DueSettings = Field(description='when its completions are due, as {day: 1, time: "09:00"}')
    complete_when: CompleteWhenSettings | None = Field(
        default=None, description="when a part of the set is enough; all of it if left out"
    )
    stall_after: Span | None = Field(
        default=None, description="this phase's own stall_after; the pipeline's if left out"
    )
    outputs: OutputsSettings | None = Field(
        default=None, description="where the work of its processors lies: the witness for their completions"
    )
    resume: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description="the command that resumes it, shown to people and never run; {run_date} stands for the run date",
    )
    runbook: PageUrl | None = Field(default=None, description="page that says what to do when it is in trouble")
    processors: ListOf[Annotated[ProcessorSettings, BeforeValidator(_processor)]] = Field(
        min_length=1, description="what it owes, a name or a mapping each"
    )

    def contradictions(self) -> Iterator[Mistake]:
        """Times that cannot be kept, a quorum of nothing, a processor owed twice."""
        if self.start and self.due.order <= self.start.order:
            yield Mistake(message="must be later than start", at=("due",))
        if self.due.learned:
            yield from self.due.learned.against(self.start, self.due)
        yield from overlapping(self.started_by)
        if self.outputs:
            yield from self.outputs.misnamed([p.name for p in self.processors])
        for index, processor in enumerate(self.processors):
            if processor.not_before and processor.not_before.order >= self.due.order:
                at: tuple[str | int, ...] = ("processors", index, "not_before")
                yield Mistake(message="must be earlier than the phase's due", at=at)
            for earlier in range(index):
                if _both_owed(self.processors[earlier], processor):
                    message = f"the same processor as processors[{earlier}], for the same run dates"
                    yield Mistake(message=message, hint="valid must not overlap", at=("processors", index))
                    break
        if self.complete_when:
            yield from self._without_critical()

    def _without_critical(self) -> Iterator[Mistake]:
        processors = [processor.to_processor() for processor in self.processors]
        changes = {day for p in processors for day in (p.valid_from, p.valid_until) if day}
        for day in [date.min, *sorted(changes)]:
            owed = [p for p in processors if p.valid_on(day)]
            if owed and not any(p.critical for p in owed):
                since = "" if day == date.min else f" from {day} on"
                message = f"no processor is critical{since}, so any part of the set would do"
                yield Mistake(message=message, hint="give at least one class: critical", at=("complete_when",))
                return


def _both_owed(one: ProcessorSettings, other: ProcessorSettings) -> bool:
    """Whether both are the same processor on at least one run date."""
    a, b = one.to_processor(), other.to_processor()
    starts = max(a.valid_from or date.min, b.valid_from or date.min)
    ends = min(a.valid_until or date.max, b.valid_until or date.max)
    return a.name == b.name and starts < ends


class ColumnSettings(Section):
    """The completions table's own names for its columns."""

    phase: Column = Field(default="phase", description="column with the phase")
    run_date: Column | None = Field(
        default=None, description="column with the run date; the pipeline's run_date if left out"
    )
    processor: Column = Field(default="processor_name", description="column with the processor")
    status: Column = Field(default="status", description="column with the status word")
    record_count: Column = Field(default="record_count", description="column with the number of records")
    execution_id: Column = Field(default="execution_id", description="column with the id of the execution")
    completed_at: Column = Field(default="completed_at", description="column with the time of completion")
    inserted_at: Column = Field(default="inserted_at", description="column with the time at which the row was written")


class CompletionSettings(Section):
    """Where completions are recorded, and what the status words mean. Any other word counts for nothing."""

    table: Table = Field(description="table with one row per completion")
    columns: ColumnSettings = Field(
        default={}, validate_default=True, description="its columns, where they are named otherwise"
    )
    success: ListOf[Word] = Field(
        default=("success", "partial"), min_length=1, description="status words that mean: done"
    )
    partial: ListOf[Word] = Field(
        default=("partial",), description="those of the success words that mean: done only in part (flagged)"
    )
    failed: ListOf[Word] = Field(default=("failed",), description="status words that mean: failed")

    @classmethod
    def examine(cls, raw: dict[str, Any], folder: Path | None) -> Iterator[Mistake]:  # noqa: ARG003 - the base's
        """Words in two lists that exclude each other, or partial without being done."""
        success = texts(raw.get("success", ["success", "partial"]))
        if "partial" not in raw:
            raw["partial"] = [word for word in success.values() if word == "partial"]
        for index, word in texts(raw["partial"]).items():
            if word not in success.values():
                mistake = unknown("success word", word, success.values())
                yield replace(mistake, at=("partial", index), unnamed=True)
        for index, word in texts(raw.get("failed", ["failed"])).items():
            if word in success.values():
                message = f"{quoted(word)} is a word for success as well"
                yield Mistake(message=message, at=("failed", index) if "failed" in raw else ("success",), unnamed=True)


class PipelineSettings(Section):
    """One pipeline: its zone, calendar, completions table, and phases."""

    name: Name = Field(description="name of the pipeline")
    timezone: ZoneName = Field(description="zone of its run dates and times, for example America/New_York")
    run_date: Column = Field(default="run_date", description="what the run date is called in its tables")
    calendar: CalendarSettings = Field(description="on which dates a run is owed")
    halt: ListOf[HaltSettings] = Field(default=(), description="deliberate halts: nothing is owed meanwhile")
    halt_state: HaltStateSettings | None = Field(default=None, description="where the pipeline itself keeps its halts")
    completions: CompletionSettings = Field(description="the table in which completions are recorded")
    stall_after: Span = Field(
        default=timedelta(minutes=90),
        description="how long a phase may do nothing once it could, before it counts as stalled",
    )
    future_tolerance: Duration = Field(
        default=timedelta(minutes=5), description="rows completed later than this after now are ignored and flagged"
    )
    late_insert_after: Duration = Field(
        default=timedelta(minutes=30), description="rows written later than this after their completion are flagged"
    )
    aliases: Mapping[str, str] = Field(
        default={}, description="other names under which processors are recorded: the name here"
    )
    runbook: PageUrl | None = Field(default=None, description="page that says what to do when a phase is in trouble")
    phases: ListOf[PhaseSettings] = Field(min_length=1, description="its phases, in any order")
    tables: Tables = Field(default=(), description="tables it needs, besides the ones above; a name or a mapping each")
    partitions: PartitionSettings | None = Field(
        default=None, description="the datasets in which tables that stop filling are found, once a day"
    )

    @classmethod
    def examine(cls, raw: dict[str, Any], folder: Path | None) -> Iterator[Mistake]:  # noqa: ARG003 - the base's
        """Names: of phases twice, of upstreams and alias targets nowhere, of phases that wait for each other."""
        phases = mappings(raw.get("phases"))
        yield from repeated_phases(phases)
        yield from upstreams(phases)
        yield from alias_targets(raw.get("aliases"), phases.values())
        yield from tables_twice(raw.get("tables"))

    def to_pipeline(self) -> Pipeline:
        """The pipeline as the checks know it: phases upstream first, otherwise in the order of the file."""
        columns = self.completions.columns.model_dump()
        columns["run_date"] = columns["run_date"] or self.run_date
        return Pipeline(
            name=self.name,
            zone=ZoneInfo(self.timezone),
            calendar=self.calendar.to_calendar(self.run_date),
            pauses=self.calendar.to_pauses(self.halt, self.halt_state),
            completions=CompletionTable(
                table=self.completions.table,
                columns=columns,
                success=self.completions.success,
                partial=self.completions.partial,
                failed=self.completions.failed,
            ),
            aliases=dict(self.aliases),
            future_tolerance=self.future_tolerance,
            late_insert_after=self.late_insert_after,
            phases=self._upstream_first(),
        )

    def _upstream_first(self) -> tuple[Phase, ...]:
        waiting = list(self.phases)
        placed: dict[str, Phase] = {}
        while waiting:
            # There is always one: cycles and unknown names were refused.
            ready = next(phase for phase in waiting if all(name in placed for name in phase.after))
            waiting.remove(ready)
            placed[ready.name] = self._phase(ready)
        return tuple(placed.values())

    def _phase(self, phase: PhaseSettings) -> Phase:
        recorded_until = phase.recorder.until if phase.recorder else None
        return Phase(
            name=phase.name,
            after=phase.after,
            processors=tuple(
                replace(p.to_processor(self.run_date, recorded_until), output=self._output(phase, p))
                for p in phase.processors
            ),
            due=phase.due.to_day_time(),
            learned=phase.due.to_learned(),
            start=phase.start.to_day_time() if phase.start else None,
            recorder=phase.recorder.function if phase.recorder else None,
            recorder_until=recorded_until,
            starters=tuple(dict.fromkeys((*phase.starters, *(f for s in phase.started_by if (f := s.function))))),
            hand_overs=tuple(starter.to_hand_over() for starter in phase.started_by),
            quorum_ratio=phase.complete_when.at_least if phase.complete_when else None,
            stall_after=phase.stall_after or self.stall_after,
        )

    def _output(self, phase: PhaseSettings, processor: ProcessorSettings) -> TableEvidence | None:
        """Where the processor's work lies, by its own word or by the phase's pattern."""
        if processor.output is not None:
            return processor.output.to_output(self.run_date)
        return phase.outputs.of(processor.name, self.run_date) if phase.outputs is not None else None
