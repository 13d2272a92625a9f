"""How well due times were kept, and how fast trouble was noticed and ended, over the range of a report. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median_low

from alerts.model import Fault
from checks.phases.model import PhaseDay, PhaseState
from monitor.report.model import IncidentReport, Kept, Response

_OFFENDERS = 5
# Nothing was owed, or nobody can say what was.
_NOT_COUNTED = frozenset({PhaseState.NOT_EXPECTED, PhaseState.UNKNOWN})


def kept(days: Sequence[PhaseDay], as_of: datetime) -> tuple[Kept, ...]:
    """How each phase kept its due times, phases in the order of ``days``; run dates that are not due yet do not count.

    In time is what had enough for the phases behind it (all, or the quorum) when it was due: that an optional rest came
    later is no lateness of the phase.
    """
    counts: dict[str, Counter[str]] = {}
    delays: dict[str, list[timedelta]] = {}
    for day in days:
        mine = counts.setdefault(day.phase, Counter())
        if day.state in _NOT_COUNTED or day.due_at is None or day.due_at > as_of:
            continue
        if day.satisfied_at is None:
            mine["never"] += 1
        elif day.satisfied_at <= day.due_at:
            mine["in_time"] += 1
        else:
            mine["late"] += 1
            delays.setdefault(day.phase, []).append(day.satisfied_at - day.due_at)
    return tuple(
        Kept(
            phase=phase,
            in_time=mine["in_time"],
            late=mine["late"],
            never=mine["never"],
            late_by=median_low(delays[phase]) if phase in delays else None,
        )
        for phase, mine in counts.items()
    )


def response(
    incidents: Sequence[IncidentReport], since: datetime, as_of: datetime, watched_since: datetime | None
) -> Response:
    """Medians (the lower of two middle ones) over the incidents that were opened since then.

    ``watched_since`` is from when on the state has records; None if it has none at all.
    """
    counted = [item for item in incidents if item.incident.opened_at >= since]
    # Runs are kept for a shorter time than incidents.
    recorded_from = min([watched_since or as_of, *(item.incident.opened_at for item in counted)])
    noticed = [item.incident.opened_at - item.since for item in counted]
    ended = [
        item.incident.resolved_at - item.incident.opened_at
        for item in counted
        if item.incident.resolved_at is not None and item.incident.merged_into is None
    ]
    offenders = Counter(_offender(item.faults[0]) for item in counted)
    ordered = sorted(offenders.items(), key=lambda pair: (-pair[1], pair[0]))
    return Response(
        incidents=len(counted),
        to_notice=median_low(noticed) if noticed else None,
        to_resolve=median_low(ended) if ended else None,
        offenders=tuple(ordered[:_OFFENDERS]),
        unrecorded_until=recorded_from if recorded_from > since else None,
    )


def _offender(root: Fault) -> str:
    subject = root.finding.subject
    return subject.service or subject.table or subject.phase or subject.check or subject.pipeline or root.finding.kind
