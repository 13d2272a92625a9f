"""Transitions -> what was believed at a past moment. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from alerts.model import Fault, Incident, IncidentState, Transition


def as_known(
    transitions: Iterable[Transition], incidents: Iterable[Incident], at: datetime
) -> tuple[dict[str, Fault], list[Incident]]:
    """The faults and incidents as they were at ``at``, from the whole history in order of time.

    An incident has the members that had joined by then, and is open if one of them was; one that began later is not
    there. Root and explanations are those known since: ``alerts.faults.causes`` chooses them anew from the faults
    of then.
    """
    faults: dict[str, Fault] = {}
    members: dict[int, dict[str, None]] = {}
    for transition in transitions:
        if transition.at > at:
            continue
        fault = transition.fault
        faults[fault.fingerprint] = fault
        if transition.incident is not None:
            members.setdefault(transition.incident, {})[fault.fingerprint] = None
    known = []
    for incident in incidents:
        names = tuple(members.get(incident.id, ()))
        if incident.opened_at > at or not names:
            continue
        ended = [f.resolved_at for f in (faults[n] for n in names) if f.resolved_at is not None]
        over = not any(faults[n].is_open for n in names)
        known.append(
            replace(
                incident,
                members=names,
                root=incident.root if incident.root in names else names[0],
                state=IncidentState.RESOLVED if over else IncidentState.OPEN,
                resolved_at=max(ended) if over and ended else None,
                merged_into=None,
            )
        )
    return faults, known
