"""How the watcher itself and what it watches are, from its own state: no question leaves the process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.messages.wording import severity_of
from alerts.model import Backlog, IncidentState
from alerts.store.sql import LastRun, Store
from checks.completions.memory import LastState, states_in
from checks.model import Severity
from monitor import costs
from monitor.costs import CostReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """The state at ``at``. ``seen_at`` gives for each check the end of its last run that could see.

    ``phases`` are the states that the checks of completions last judged. ``healthy``: whether the watcher does all its
    work; None where nobody knows.
    """

    at: datetime
    runs: tuple[LastRun, ...]
    seen_at: Mapping[str, datetime]
    open_incidents: Mapping[Severity, int]
    backlog: tuple[Backlog, ...]
    costs: CostReport
    phases: tuple[LastState, ...] = ()
    healthy: bool | None = None


def read(store: Store, now: datetime, *, healthy: bool | None = None) -> Vitals:
    """One look at the state; it costs no query outside."""
    with store.reading() as stored:
        runs = tuple(stored.last_runs())
        days = costs.parse(stored.cursor(costs.CURSOR))
        seen_at = stored.seen_at()
        phases = [state for run in runs if _judges_phases(run.check) for state in states_in(stored.cursor(run.check))]
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
        phases=tuple(phases),
        healthy=healthy,
    )


def _judges_phases(check: str) -> bool:
    """Whether it is a check of completions; with several pipelines their names carry the pipeline's."""
    return check.partition(":")[0] == "completions"
