"""The state of a phase for a run date, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class PhaseState(StrEnum):
    """What a phase's completions mean for one run date, judged at one moment."""

    NOT_EXPECTED = "not_expected"
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    COMPLETE_LATE = "complete_late"
    QUORUM = "quorum"
    FAILED = "failed"
    STALLED = "stalled"
    INCOMPLETE = "incomplete"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"

    @property
    def satisfied(self) -> bool:
        """Enough arrived for those behind this phase."""
        return self in (PhaseState.COMPLETE, PhaseState.COMPLETE_LATE, PhaseState.QUORUM)

    @property
    def is_root_problem(self) -> bool:
        """To be alerted; ``blocked`` is a consequence and is not."""
        return self in (PhaseState.STALLED, PhaseState.FAILED, PhaseState.INCOMPLETE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseDay:
    """One phase for one run date.

    ``done``, ``missing``, ``unseen`` and ``flags`` are sorted, names canonical; flags read ``flag:processor``. Times
    are UTC. ``unseen`` are neither done nor known to be missing: their evidence could not be asked.
    ``due_at`` and ``start_at`` are None where nothing is owed (``start_at`` also where the phase has no start time).
    ``satisfied_at`` is the ``completed_at`` that made the set reach quorum or completeness, None if it did not: the
    earliest such moment, which stays where it is when the optional rest arrives.
    ``stalled_since`` is the later of upstream satisfied and start, for ``stalled`` only.
    ``done_at`` gives for each of ``done`` the ``completed_at`` of its first success, where anybody knows it: not for
    rows in a table that do not say when they were written, nor one by one where a phase has very many processors.
    ``failed_since`` is the ``completed_at`` of the first failed row of a critical processor that has no other rows, for
    ``failed`` only. ``last_completed_at`` is the latest first success of a done processor. ``why_not`` says why nothing
    is owed, for ``not_expected`` only.
    """

    pipeline: str
    phase: str
    run_date: date
    state: PhaseState
    done: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    due_at: datetime | None = None
    start_at: datetime | None = None
    satisfied_at: datetime | None = None
    stalled_since: datetime | None = None
    failed_since: datetime | None = None
    last_completed_at: datetime | None = None
    done_at: Mapping[str, datetime] = field(default_factory=dict)
    why_not: str | None = None
