"""Recorded rows of one phase and run date -> what each expected processor has done, and what is odd about the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from checks.phases.names import canonical_phase, canonical_processor
from checks.pipeline import CompletionTable, Phase, Pipeline, Processor
from checks.ports import CompletionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the rows of one phase and run date come to.

    ``done`` maps each expected processor that has a success or partial row to the ``completed_at`` of its first one;
    ``failed`` each one that has only failed rows to its first. ``flags`` read ``flag:processor``. ``rows`` counts all
    rows of the phase and date that were there, ignored ones too.
    """

    expected: tuple[Processor, ...]
    done: Mapping[str, datetime]
    failed: Mapping[str, datetime]
    flags: frozenset[str]
    rows: int

    @property
    def missing(self) -> frozenset[str]:
        """The expected processors that are not done."""
        return frozenset(processor.name for processor in self.expected) - self.done.keys()


@dataclass(frozen=True, slots=True)
class _Named:
    """A row with the names that count."""

    row: CompletionRow
    processor: str
    normalised: bool


def tally_phases(
    pipeline: Pipeline, run_date: date, rows: Iterable[CompletionRow], at: datetime
) -> Mapping[str, Tally]:
    """A tally for each phase of the pipeline, from the rows of that run date that had been inserted by ``at``.

    Rows of other dates, and rows whose phase is none of the pipeline's, belong to no tally.
    """
    known = tuple(phase.name for phase in pipeline.phases)
    named: dict[str, list[_Named]] = {name: [] for name in known}
    for row in rows:
        if row.run_date != run_date or row.inserted_at > at:
            continue
        phase = canonical_phase(row.phase, known)
        if phase is None:
            continue
        processor = canonical_processor(row.processor, pipeline.aliases)
        named[phase.name].append(_Named(row, processor.name, processor.normalised or phase.normalised))
    return {phase.name: _tally(pipeline, phase, run_date, named[phase.name], at) for phase in pipeline.phases}


def _tally(pipeline: Pipeline, phase: Phase, run_date: date, rows: Sequence[_Named], at: datetime) -> Tally:
    expected = {processor.name: processor for processor in phase.expected_on(run_date)}
    flags: set[str] = set()
    kept: dict[str, list[CompletionRow]] = {}
    for named in rows:
        row, name = named.row, named.processor
        # A spelling is seen before anything is decided about its row: rows that are ignored below show it as well.
        if named.normalised:
            flags.add(f"name_normalised:{name}")
        ignored = _why_ignored(pipeline, expected.get(name), row, at)
        if ignored is not None:
            flags.add(f"{ignored}:{name}")
            continue
        if row.inserted_at - row.completed_at > pipeline.late_insert_after:
            flags.add(f"late_insert:{name}")
        kept.setdefault(name, []).append(row)

    done: dict[str, datetime] = {}
    failed: dict[str, datetime] = {}
    for name, of_processor in kept.items():
        once = _without_duplicates(of_processor)
        if len(once) < len(of_processor):
            flags.add(f"duplicate:{name}")
        outcome = _outcome(once, pipeline.completions)
        flags.update(f"{flag}:{name}" for flag in outcome.flags)
        if outcome.done_at is not None:
            done[name] = outcome.done_at
        elif outcome.failed_at is not None:
            failed[name] = outcome.failed_at
    return Tally(
        expected=tuple(expected.values()),
        done=done,
        failed=failed,
        flags=frozenset(flags),
        rows=len(rows),
    )


def _why_ignored(pipeline: Pipeline, processor: Processor | None, row: CompletionRow, at: datetime) -> str | None:
    """The flag of a row that counts for nothing, the first that fits; None for a row that counts."""
    if row.completed_at > at + pipeline.future_tolerance:
        return "future_timestamp"
    if processor is None:
        return "unknown_processor"
    if processor.not_before is not None and row.completed_at < processor.not_before.on(row.run_date, pipeline.zone):
        return "implausible_early"
    return None


def _without_duplicates(rows: Sequence[CompletionRow]) -> list[CompletionRow]:
    """One row per execution and status, the earliest: a redelivered message is written again with a later time.

    Rows without an execution id are all of the one unknown execution.
    """
    first: dict[tuple[str | None, str], CompletionRow] = {}
    for row in sorted(rows, key=_earliest):
        first.setdefault((row.execution_id, row.status), row)
    return list(first.values())


def _earliest(row: CompletionRow) -> tuple[datetime, datetime, int]:
    """Sorts by time; what else tells rows apart decides between equal times, so that their order never does."""
    return row.completed_at, row.inserted_at, -1 if row.record_count is None else row.record_count


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one processor's rows come to; at most one of the two times is set."""

    done_at: datetime | None
    failed_at: datetime | None
    flags: tuple[str, ...]


def _outcome(rows: Sequence[CompletionRow], table: CompletionTable) -> _Outcome:
    """Judge one processor by its rows, duplicates removed. A partial row is a success in all but its own flag."""
    partial = [row for row in rows if row.status in table.partial]
    successes = [row for row in rows if row.status in table.success or row.status in table.partial]
    failures = [row.completed_at for row in rows if row.status in table.failed]
    if not successes:
        return _Outcome(None, min(failures), ("failed",)) if failures else _Outcome(None, None, ())
    done_at = min(row.completed_at for row in successes)
    signs = {
        "recovered": any(moment <= done_at for moment in failures),
        "rerun_failed_after_success": any(moment > done_at for moment in failures),
        "rerun": len(successes) > 1,
        "partial": len(partial) == len(successes),
        "zero_records": all(row.record_count == 0 for row in successes),
    }
    return _Outcome(done_at, None, tuple(flag for flag, holds in signs.items() if holds))
