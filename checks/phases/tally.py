"""What was recorded for one phase and run date -> what each expected processor has done, and what is odd about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from checks.phases.evidence import TableEvidence, TableSight
from checks.phases.expected import Expected
from checks.phases.names import canonical_phase, canonical_processor
from checks.pipeline import CompletionTable, Pipeline, Processor
from checks.ports import CompletionRow, FoldedDay


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the evidence of one phase and run date comes to.

    ``done`` maps processors that are done to the time of their first success, ``undated`` ones to one that is supposed,
    since nobody knows when they were; ``folded`` stands for many more of them.
    ``failed`` maps each one that has only failed rows to its first. ``unseen`` may be done: their evidence could not be
    asked. ``flags`` read ``flag:processor``. ``rows`` counts all rows of the phase and date, ignored ones too.
    """

    expected: Expected
    done: Mapping[str, datetime]
    failed: Mapping[str, datetime]
    flags: frozenset[str]
    rows: int
    unseen: frozenset[str] = frozenset()
    undated: frozenset[str] = frozenset()
    folded: FoldedDay | None = None
    _named: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        named = self.expected.names if self.folded is None else self.folded.missing
        object.__setattr__(self, "_named", frozenset(named))

    @property
    def not_done(self) -> frozenset[str]:
        """The expected processors that are not known to be done."""
        return self._named - self.done.keys()

    @property
    def missing(self) -> frozenset[str]:
        """The expected processors that are known not to be done."""
        return self.not_done - self.unseen

    @property
    def count(self) -> int:
        """How many are done."""
        return len(self.done) + (self.folded.processors if self.folded is not None else 0)

    @property
    def last_done_at(self) -> datetime | None:
        """The time of the one that was done last; None if none is."""
        return _latest([*self.done.values(), self.folded.last_at if self.folded is not None else None])

    @property
    def enough(self) -> bool:
        """Whether the quorum is reached: all critical ones, and the asked share of all expected, rounded up."""
        enough, critical = self.expected.enough, self.expected.critical
        return enough is not None and self.count >= enough and critical.isdisjoint(self.not_done)

    @property
    def satisfied_at(self) -> datetime | None:
        """The time that first made the set enough, by quorum or else by being complete; None if none did."""
        if self.enough:
            critical = [at for name, at in self.done.items() if name in self.expected.critical]
            folded = self.folded.last_critical_at if self.folded is not None else None
            return _latest([*critical, folded, self._nth_done_at(self.expected.enough or 0)])
        return None if self.not_done else self.last_done_at

    def supposing(self, at: datetime) -> Tally:
        """As it would be, were all that could not be seen done at that moment."""
        unseen = dict.fromkeys(self.unseen, at)
        failed = {name: moment for name, moment in self.failed.items() if name not in unseen}
        return replace(self, done={**unseen, **self.done}, failed=failed, unseen=frozenset())

    def _nth_done_at(self, nth: int) -> datetime | None:
        """The time of the nth that was done."""
        moments, before = list(self.done.values()), 0
        if self.folded is not None:
            # The folded ones before first_rank are all earlier than the nth.
            moments += self.folded.moments
            before = self.folded.first_rank - 1
        return sorted(moments)[nth - before - 1] if nth else None


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


@dataclass(frozen=True, slots=True)
class Named:
    """A row with the names that count."""

    row: CompletionRow
    processor: str
    normalised: bool


def by_phase_and_date(
    pipeline: Pipeline, rows: Iterable[CompletionRow], at: datetime
) -> Mapping[tuple[str, date], Sequence[Named]]:
    """The rows that had been inserted by ``at``, by canonical phase and run date.

    Rows whose phase is none of the pipeline's belong to none.
    """
    known = tuple(phase.name for phase in pipeline.phases)
    phases = {}
    processors = {}
    named: dict[tuple[str, date], list[Named]] = defaultdict(list)
    for row in rows:
        if row.inserted_at > at:
            continue
        if row.phase not in phases:
            phases[row.phase] = canonical_phase(row.phase, known)
        phase = phases[row.phase]
        if phase is None:
            continue
        if row.processor not in processors:
            processors[row.processor] = canonical_processor(row.processor, pipeline.aliases)
        processor = processors[row.processor]
        named[phase.name, row.run_date].append(Named(row, processor.name, processor.normalised or phase.normalised))
    return named


def tally(
    pipeline: Pipeline,
    run_date: date,
    expected: Expected,
    rows: Sequence[Named],
    at: datetime,
    *,
    folded: FoldedDay | None = None,
    tables: TableSight | None = None,
    in_time: datetime,
) -> Tally:
    """What the rows of one phase and run date, and the tables that prove something of it, come to.

    ``in_time``: when those count as done of which a table proves that they are, and nothing says since when.
    """
    kept, flags = _what_counts(pipeline, expected, rows, at)
    done: dict[str, datetime] = {}
    failed: dict[str, datetime] = {}
    by_itself = frozenset(folded.missing) if folded is not None else expected.processors.keys()
    for name, of_processor in kept.items():
        once = _without_duplicates(of_processor)
        if sum(row.executions for row in once) < sum(row.rows for row in of_processor):
            flags.add(f"duplicate:{name}")
        outcome = _outcome(once, pipeline.completions)
        flags.update(f"{flag}:{name}" for flag in outcome.flags)
        if name not in by_itself:
            # Its canonical spelling is among the folded: it is done, and this is another execution of it.
            flags.update([f"rerun:{name}"] if outcome.done_at is not None else [])
        elif name not in expected.by_rows:
            continue
        elif outcome.done_at is not None:
            done[name] = outcome.done_at
        elif outcome.failed_at is not None:
            failed[name] = outcome.failed_at
    without = Tally(
        expected=expected,
        done=done,
        failed=failed,
        flags=frozenset(flags),
        rows=sum(named.row.rows for named in rows) + (folded.processors if folded is not None else 0),
        folded=folded,
    )
    return without if tables is None else _with_tables(without, run_date, tables, min(at, in_time))


def _what_counts(
    pipeline: Pipeline, expected: Expected, rows: Sequence[Named], at: datetime
) -> tuple[dict[str, list[CompletionRow]], set[str]]:
    """The rows that count, by processor, and the flags that each row gets by itself."""
    flags: set[str] = set()
    kept: dict[str, list[CompletionRow]] = {}
    for named in rows:
        row, name = named.row, named.processor
        # A spelling is seen before anything is decided about its row: rows that are ignored below show it as well.
        if named.normalised:
            flags.add(f"name_normalised:{name}")
        ignored = _why_ignored(pipeline, expected.processors.get(name), row, at)
        if ignored is not None:
            flags.add(f"{ignored}:{name}")
            continue
        if row.delay > pipeline.late_insert_after:
            flags.add(f"late_insert:{name}")
        kept.setdefault(name, []).append(row)
    return kept, flags


def _with_tables(known: Tally, run_date: date, tables: TableSight, at: datetime) -> Tally:
    """The tally with what tables prove of those that are not done by their rows."""
    done, unseen, undated = dict(known.done), set(), set()
    for name in known.not_done:
        for proof in known.expected.processors[name].evidence_on(run_date):
            if not isinstance(proof, TableEvidence):
                continue
            answer = tables.answers.get((proof, run_date))
            if answer is not None and answer.enough:
                since = answer.reached_at or at
                done[name] = min(since, done.get(name, since))
                undated.update([name] if answer.reached_at is None else [])
            elif proof in tables.unseen:
                unseen.add(name)
    failed = {name: moment for name, moment in known.failed.items() if name not in done}
    return replace(known, done=done, failed=failed, unseen=frozenset(unseen - done.keys()), undated=frozenset(undated))


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
    several = []
    for row in sorted(rows, key=_earliest):
        if row.executions > 1:
            several.append(row)
        else:
            first.setdefault((row.execution_id, row.status), row)
    return [*first.values(), *several]


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
    failures = [row for row in rows if row.status in table.failed]
    if not successes:
        failed_at = min((row.completed_at for row in failures), default=None)
        return _Outcome(None, failed_at, ("failed",) if failures else ())
    done_at = min(row.completed_at for row in successes)
    signs = {
        "recovered": any(row.completed_at <= done_at for row in failures),
        "rerun_failed_after_success": any(row.last_at > done_at for row in failures),
        "rerun": sum(row.executions for row in successes) > 1,
        "partial": len(partial) == len(successes),
        "zero_records": all(row.record_count == 0 for row in successes),
    }
    return _Outcome(done_at, None, tuple(flag for flag, holds in signs.items() if holds))
