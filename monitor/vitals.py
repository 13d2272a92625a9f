"""How the watcher itself and what it watches are, from its own state: no question leaves the process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.model import Backlog, IncidentState
from alerts.store.sql import LastRun, Store
from alerts.wording import severity_of
from checks.model import Severity
from monitor import costs
from monitor.costs import CostReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """The state at ``at``. ``seen_at`` gives for each check the end of its last run that could see."""

    at: datetime
    runs: tuple[LastRun, ...]
    seen_at: Mapping[str, datetime]
    open_incidents: Mapping[Severity, int]
    backlog: tuple[Backlog, ...]
    costs: CostReport


def read(store: Store, now: datetime) -> Vitals:
    """One look at the state; it costs no query outside."""
    with store.reading() as stored:
        runs = tuple(stored.last_runs())
        days = costs.parse(stored.cursor(costs.CURSOR))
        seen_at = stored.seen_at()
        incidents = [i for i in stored.incidents(resolved_since=now) if i.state is IncidentState.OPEN]
        faults = stored.faults(resolved_since=now + timedelta(days=1), of_incidents=[i.id for i in incidents])
    severities = Counter(severity_of([faults[name] for name in i.members if name in faults]) for i in incidents)
    return Vitals(
        at=now,
        runs=runs,
        seen_at=seen_at,
        open_incidents={severity: severities.get(severity, 0) for severity in Severity},
        backlog=tuple(store.outbox.backlog()),
        costs=costs.report(days, now, None),
    )
