"""What proves that a processor is done: a completion row, or rows for the run date in a table. Values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """The run dates ``valid_from <= run date < valid_until`` for which something holds; None leaves that end open."""

    valid_from: date | None = None
    valid_until: date | None = None

    def valid_on(self, run_date: date) -> bool:
        """Whether it holds for that run date."""
        return (self.valid_from is None or self.valid_from <= run_date) and (
            self.valid_until is None or run_date < self.valid_until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionEvidence(Validity):
    """A success row in the pipeline's completions table proves it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEvidence(Validity):
    """Rows for the run date in a table prove it.

    ``date`` is a column or an SQL expression of type DATE; ``where`` a further condition in SQL. Enough are
    ``at_least`` rows, or as many as the query ``expected`` answers for the date (columns ``run_date``, ``expected``;
    it may use ``@first`` and ``@last``). ``time`` is the column that says when a row was written: without it nobody
    knows since when the rows are there, and a moment in the past is judged by the rows of today.
    """

    table: str
    date: str
    where: str | None = None
    at_least: int = 1
    expected: str | None = None
    time: str | None = None


ProcessorEvidence = CompletionEvidence | TableEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRows:
    """What a table holds for one run date: ``rows`` of ``needed``.

    ``reached_at`` is when the last row that was needed had been written; None if it is not, or nobody knows when.
    """

    rows: int
    needed: int
    reached_at: datetime | None = None

    @property
    def enough(self) -> bool:
        """Whether these rows prove it."""
        return self.rows >= self.needed


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSight:
    """What tables answered, by what was asked of them and run date. What was not asked is not in it.

    A table that does not exist holds nothing, and is named in ``absent``; what could not be asked is in ``unseen`` with
    the reason: who depends on it is not known to be missing.
    """

    answers: Mapping[tuple[TableEvidence, date], TableRows] = field(default_factory=dict)
    absent: Sequence[str] = ()
    unseen: Mapping[TableEvidence, str] = field(default_factory=dict)
