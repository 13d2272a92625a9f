"""When a pipeline has to be looked at, and at which tables. Pure: states and a moment go in, a plan comes out.

A run date is *settled* when nothing can come of another look at it: no run is owed, or every phase is satisfied. A
phase of a date that is not settled is *awaited* from the moment on at which its absence can matter: its start, its due
time, or the start of a phase behind it, whichever is first. Nothing is due and nothing is open when no phase is awaited
and none is in trouble or unknown. Until a phase is awaited only a row that failed early could matter; for that a date
that is not settled is looked at from time to time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from checks.phases.evidence import TableEvidence
from checks.phases.model import PhaseDay, PhaseState
from checks.pipeline import Phase, Pipeline, local_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class NextLook:
    """When the next look is needed, and why none is before, for people."""

    at: datetime
    why: str


def is_settled(day: Sequence[PhaseDay]) -> bool:
    """Whether nothing can come of another look at the run date of these phases; one that is not listed is settled."""
    return all(d.state.satisfied or d.state is PhaseState.NOT_EXPECTED for d in day)


def awaited_from(pipeline: Pipeline, phase: Phase, run_date: date) -> datetime:
    """From when on it can matter whether the phase is done for that run date."""
    times = [phase.due, phase.start, *(behind.start for behind in pipeline.downstream(phase.name))]
    return min(at.on(run_date, pipeline.zone) for at in times if at is not None)


def next_look(
    pipeline: Pipeline, days: Iterable[Sequence[PhaseDay]], now: datetime, *, idle: timedelta
) -> NextLook | None:
    """When the pipeline has to be looked at next; None for: every time, something is due or open.

    ``days`` are the run dates that were looked at, the local date of ``now`` among them. ``idle`` is how often dates
    are looked at that are not settled, while nothing of them is due.
    """
    waiting = [d for day in days if not is_settled(day) for d in day if not d.state.satisfied]
    if any(d.state not in (PhaseState.PENDING, PhaseState.IN_PROGRESS, PhaseState.NOT_EXPECTED) for d in waiting):
        return None
    owed = [d for d in waiting if d.state is not PhaseState.NOT_EXPECTED]
    awaited = [
        (awaited_from(pipeline, pipeline.phase(d.phase), d.run_date), f"{d.phase} of {d.run_date}") for d in owed
    ]
    midnight = local_instant(now.astimezone(pipeline.zone).date() + timedelta(days=1), time(0), pipeline.zone)
    at, what = min(awaited, default=(midnight, "another run date"))
    if at <= now:
        return None
    why = f"nothing is due before {_local(pipeline, at, now)} ({what})"
    return NextLook(at=min(at, midnight, now + idle) if owed else midnight, why=why)


def unproved(
    pipeline: Pipeline, days: Iterable[Sequence[PhaseDay]], now: datetime, *, early: bool
) -> list[tuple[TableEvidence, date]]:
    """What tables are to be asked, by run date: what may prove processors that are missing.

    A processor is asked for from its ``not_before`` on. Without ``early`` only those of phases are that are awaited and
    not satisfied: what comes of it cannot matter before.
    """
    wanted: dict[tuple[TableEvidence, date], None] = {}
    for d in (d for day in days for d in day if d.missing):
        phase = pipeline.phase(d.phase)
        if not early and (d.state.satisfied or now < awaited_from(pipeline, phase, d.run_date)):
            continue
        missing = set(d.missing)
        for processor in phase.expected_on(d.run_date):
            cut = processor.not_before
            if processor.name in missing and (cut is None or now >= cut.on(d.run_date, pipeline.zone)):
                proofs = processor.evidence_on(d.run_date)
                wanted |= {(p, d.run_date): None for p in proofs if isinstance(p, TableEvidence)}
    return list(wanted)


def _local(pipeline: Pipeline, at: datetime, now: datetime) -> str:
    """The time in the pipeline's zone, with the date unless it is today's."""
    local = at.astimezone(pipeline.zone)
    today = local.date() == now.astimezone(pipeline.zone).date()
    return f"{local:%H:%M %Z}" if today else f"{local:%Y-%m-%d %H:%M %Z}"
