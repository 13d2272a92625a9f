"""What the watcher measures of itself and of what it watches: every metric once, with its values from the vitals.

``/metrics`` shows them in Prometheus' format (``monitor.telemetry.metrics``), the heartbeat writes some to Cloud
Monitoring (``monitor.telemetry.heartbeat``). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from checks.model import Status
from checks.phases.model import PhaseState
from monitor.telemetry.vitals import Vitals

Sample = tuple[tuple[str, ...], float]

# As numbers, for what knows no words: 8 and above is what alerts people.
STATE_CODES = {
    PhaseState.NOT_EXPECTED: 0,
    PhaseState.PENDING: 1,
    PhaseState.IN_PROGRESS: 2,
    PhaseState.COMPLETE: 3,
    PhaseState.COMPLETE_LATE: 4,
    PhaseState.QUORUM: 5,
    PhaseState.BLOCKED: 6,
    PhaseState.UNKNOWN: 7,
    PhaseState.STALLED: 8,
    PhaseState.FAILED: 9,
    PhaseState.INCOMPLETE: 10,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """One metric. ``name`` is what Prometheus calls it, after ``phasewatch_``; ``path`` what Cloud Monitoring does,
    after ``custom.googleapis.com/phasewatch/``; None where it is not shown there.
    """

    description: str
    labels: tuple[str, ...] = ()
    name: str | None = None
    path: str | None = None
    unit: str = "1"


HEALTHY = Gauge(
    name="healthy",
    path="healthy",
    description="1 while the watcher does all its work: every check ticks, messages are sent, the state is kept.",
)
INFO = Gauge(name="build_info", description="Always 1; the version is a label.", labels=("version",))
STATUS = Gauge(
    name="check_status",
    path="check/status",
    description="1 for the status of a check's last run, 0 for others.",
    labels=("check", "status"),
)
RAN = Gauge(
    name="check_last_run_timestamp_seconds", description="When a check's last run ended.", labels=("check",), unit="s"
)
SEEN = Gauge(
    name="check_last_success_timestamp_seconds",
    description="When the last run of a check ended that could see (its status was not UNKNOWN).",
    labels=("check",),
    unit="s",
)
SINCE_SUCCESS = Gauge(
    path="check/since_success",
    description="Time since the last run of a check ended that could see (its status was not UNKNOWN).",
    labels=("check",),
    unit="s",
)
FOUND = Gauge(name="check_findings", description="Findings of a check's last run.", labels=("check",))
LOOKED = Gauge(
    name="check_looked_at",
    description="What a check's last run looked at, by what was counted.",
    labels=("check", "what"),
)
STATE = Gauge(
    name="phase_state",
    description="1 for the state of a phase for a run date as last judged, 0 for others.",
    labels=("pipeline", "phase", "run_date", "state"),
)
STATE_CODE = Gauge(
    path="phase/state",
    description="State of a phase for a run date as last judged: "
    + ", ".join(f"{code} {state.value}" for state, code in STATE_CODES.items())
    + ".",
    labels=("pipeline", "phase", "run_date"),
)
LATENESS = Gauge(
    name="phase_lateness_seconds",
    path="phase/lateness",
    description="How long after its due time a phase was satisfied, or still is not; 0 while it is in time.",
    labels=("pipeline", "phase", "run_date"),
    unit="s",
)
INCIDENTS = Gauge(
    name="incidents_open", path="incidents/open", description="Open incidents by severity.", labels=("severity",)
)
PENDING = Gauge(
    name="outbox_pending",
    path="outbox/pending",
    description="Messages that wait to be sent.",
    labels=("destination",),
)
DEAD = Gauge(
    name="outbox_dead", path="outbox/dead", description="Messages that were given up.", labels=("destination",)
)
OLDEST = Gauge(
    name="outbox_oldest_seconds",
    path="outbox/oldest",
    description="Age of the oldest message not yet sent.",
    labels=("destination",),
    unit="s",
)
ASKED = Gauge(
    name="bigquery_queries_today",
    description="Queries since midnight UTC, by what they were for.",
    labels=("purpose",),
)
UNREPORTED = Gauge(
    name="bigquery_queries_unreported_today",
    description="Those of them of which BigQuery did not report what it billed.",
    labels=("purpose",),
)
BILLED = Gauge(
    name="bigquery_billed_bytes_today",
    description="Bytes billed since midnight UTC; absent where nothing was reported.",
    labels=("purpose",),
    unit="By",
)
BILLED_MONTH = Gauge(
    name="bigquery_billed_bytes_month", description="Bytes billed in this calendar month (UTC).", unit="By"
)


def measured(vitals: Vitals, version: str) -> Iterator[tuple[Gauge, list[Sample]]]:
    """Every metric with its values: those of its labels, and the number."""
    runs = vitals.runs
    yield INFO, [((version,), 1)]
    yield HEALTHY, [] if vitals.healthy is None else [((), int(vitals.healthy))]
    yield STATUS, [((run.check, one.value), int(run.status is one)) for run in runs for one in Status]
    yield RAN, [((run.check,), run.finished_at.timestamp()) for run in runs]
    seen = {run.check: vitals.seen_at[run.check] for run in runs if run.check in vitals.seen_at}
    yield SEEN, [((check,), at.timestamp()) for check, at in seen.items()]
    yield SINCE_SUCCESS, [((check,), max(0.0, (vitals.at - at).total_seconds())) for check, at in seen.items()]
    yield FOUND, [((run.check,), run.findings) for run in runs]
    counted = [(run.check, what, number) for run in runs for what, number in sorted(run.evidence.counts.items())]
    yield LOOKED, [((check, what.replace(" ", "_")), number) for check, what, number in counted]
    yield from _phases(vitals)
    yield INCIDENTS, [((severity.value,), number) for severity, number in vitals.open_incidents.items()]
    waiting = vitals.backlog
    yield PENDING, [((w.destination,), w.pending) for w in waiting]
    yield DEAD, [((w.destination,), w.dead) for w in waiting]
    yield OLDEST, [((w.destination,), (vitals.at - w.oldest).total_seconds()) for w in waiting if w.oldest is not None]
    spent = sorted(vitals.costs.purposes.items())
    yield ASKED, [((purpose,), one.queries) for purpose, one in spent]
    yield UNREPORTED, [((purpose,), one.unreported) for purpose, one in spent]
    yield BILLED, [((purpose,), one.bytes_billed) for purpose, one in spent if one.bytes_billed is not None]
    month = vitals.costs.month.bytes_billed
    yield BILLED_MONTH, [] if month is None else [((), month)]


def _phases(vitals: Vitals) -> Iterable[tuple[Gauge, list[Sample]]]:
    named = [((s.pipeline, s.phase, s.run_date.isoformat()), s) for s in vitals.phases]
    yield STATE, [((*labels, one.value), int(s.state is one)) for labels, s in named for one in PhaseState]
    yield STATE_CODE, [(labels, STATE_CODES[s.state]) for labels, s in named]
    yield LATENESS, [(labels, s.lateness(vitals.at).total_seconds()) for labels, s in named]
