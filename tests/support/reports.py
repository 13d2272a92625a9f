"""Health reports for tests of the renderers, built by the product's own code from rows in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from alerts.faults import ledger
from alerts.matching import Matcher
from alerts.model import Incident, IncidentState
from alerts.notify.silences import Silence
from checks.model import CheckRun, Evidence, Finding, Severity, Status, Subject, utc
from checks.phases.habits import Habits, Usual
from checks.phases.model import PhaseDay
from checks.phases.states import judge_day
from checks.pipeline import DayTime, Phase, Pipeline, Processor
from checks.ports import CalendarDays, CompletionRow, Recording
from monitor.report.build import Seen, Stored, build
from monitor.report.model import CheckReport, HealthReport, SourceReport, StoryLine
from tests.support.findings import log_failure
from tests.support.findings import phase as phase_finding
from tests.support.findings import run as made_run
from tests.support.pipelines import nba, sample_calendar, sample_rows

NOON = utc(datetime.fromisoformat("2026-01-15T15:30:00+00:00"))


HABITS = Habits(
    phases={
        "phase3": Usual(
            median=timedelta(hours=32, minutes=12), late=timedelta(hours=32, minutes=40), samples=20, last=NOON.date()
        )
    }
)


def sample_report(at: datetime = NOON, *, days: int = 4, logs: Sequence[Finding] = ()) -> HealthReport:
    """The sample week at a moment: on the 15th, phase 3 of the 14th is not recorded and phase 4 waits."""
    pipeline = nba()
    last = at.astimezone(pipeline.zone).date()
    dates = [last - timedelta(days=n) for n in reversed(range(days))]
    judged = [judge_day(pipeline, day, sample_rows(), sample_calendar(), at) for day in dates]
    return report_of(pipeline, [day for group in judged for day in group], at, logs=logs)


def report_of(
    pipeline: Pipeline, days: Sequence[PhaseDay], at: datetime, *, logs: Sequence[Finding] = ()
) -> HealthReport:
    """A report of these phases, with a failure in the function that records phase 3 and one incident of it."""
    findings = [
        phase_finding(at, day.phase, day.state.value, day.run_date)
        for day in days
        if day.state.is_root_problem or day.state.value == "blocked"
    ]
    failure = log_failure(at - timedelta(hours=3))
    known = {t.fault.fingerprint: t.fault for t in ledger.settle(made_run(at, failure), {}, at - timedelta(hours=2))}
    incident = Incident(
        id=7,
        state=IncidentState.OPEN,
        root=failure.fingerprint,
        members=(failure.fingerprint,),
        opened_at=at - timedelta(hours=2),
    )
    looked = Evidence(counts={"rows": 96, "entries": 1234}, queries=3, bytes_billed=31_457_280)
    run = CheckRun(
        check="completions", started_at=at, finished_at=at, status=Status.FAILING, findings=tuple(findings),
        evidence=looked,
    )  # fmt: skip
    return build(
        seen=[
            Seen(
                pipeline=pipeline,
                run=run,
                days=tuple(days),
                recording=Recording(rows_inserted_last_24h=12, of_which_backfill=5),
                error=None,
                habits=HABITS,
            )
        ],
        logs=made_run(at, *logs, failure),
        stored=Stored(
            faults=known,
            incidents=(incident,),
            checks=(
                CheckReport(
                    name="completions", status=Status.FAILING, last_run_at=at - timedelta(minutes=1), evidence=looked
                ),
            ),
            silences=(
                Silence(
                    matcher=Matcher(function="export-*"),
                    author="anna",
                    reason="known & <planned>",
                    starts_at=at - timedelta(hours=1),
                    ends_at=at + timedelta(hours=3),
                ),
            ),
            stories={7: (StoryLine(at=at - timedelta(hours=2), what="opened: seen for the first time"),)},
        ),
        sources=[
            SourceReport(name="bigquery", status=Status.OK, evidence=looked),
            SourceReport(
                name="logs",
                status=Status.UNKNOWN,
                evidence=Evidence(unseen=("Entries of the bucket audit: permission denied.",)),
            ),
        ],
        notes=("judged as of a past moment",),
        as_of=at,
        since=at - timedelta(days=4),
        generated_at=at,
    )


def hostile(text: str) -> Finding:
    """A failure whose words somebody chose who means no good."""
    return Finding(
        fingerprint=f"log:svc:NameError:{len(text)}:main.py",
        check="function_logs",
        kind="log.undefined-name",
        severity=Severity.CRITICAL,
        subject=Subject(service="svc"),
        title=text,
        since=NOON - timedelta(hours=1),
        last_seen=NOON - timedelta(minutes=30),
        facts={"where": text},
    )


def large_report(dates: int = 90, phases: int = 6, processors: int = 50) -> HealthReport:
    """Many run dates, phases and processors; most of it done, the last dates in trouble."""
    names = [f"phase{number + 1}" for number in range(phases)]
    pipeline = Pipeline(
        name="large",
        zone=nba().zone,
        calendar=nba().calendar,
        completions=nba().completions,
        aliases={},
        future_tolerance=timedelta(minutes=5),
        late_insert_after=timedelta(minutes=30),
        phases=tuple(
            Phase(
                name=name,
                after=(names[number - 1],) if number else (),
                processors=tuple(
                    Processor(name=f"{name}_table_{n:02}_daily_summary", critical=n % 3 == 0) for n in range(processors)
                ),
                due=DayTime(day=1, at=time(3 + 2 * number)),
                stall_after=timedelta(minutes=90),
            )
            for number, name in enumerate(names)
        ),
    )
    first = date(2026, 1, 1)
    listed = [first + timedelta(days=n) for n in range(dates)]
    at = datetime.combine(listed[-1] + timedelta(days=1), time(20), tzinfo=UTC)
    rows = [
        _row(phase.name, day, processor.name, _moment(day, number, n))
        for day in listed
        for number, phase in enumerate(pipeline.phases)
        for n, processor in enumerate(phase.processors)
        if day != listed[-1] or number < phases // 2
    ]
    by_day: dict[date, list[CompletionRow]] = {}
    for row in rows:
        by_day.setdefault(row.run_date, []).append(row)
    calendar = CalendarDays(runs=dict.fromkeys(listed, 1), first=listed[0], last=listed[-1])
    days = [phase for day in listed for phase in judge_day(pipeline, day, by_day.get(day, []), calendar, at)]
    return report_of(pipeline, days, at)


def _moment(day: date, phase: int, number: int) -> datetime:
    start = datetime.combine(day + timedelta(days=1), time(6 + 2 * phase), tzinfo=UTC)
    return start + timedelta(minutes=(number * 7 + day.toordinal() * 13 + phase * 5) % 117)


def _row(phase: str, day: date, processor: str, when: datetime) -> CompletionRow:
    return CompletionRow(
        phase=phase,
        run_date=day,
        processor=processor,
        status="success",
        record_count=10,
        execution_id=f"{day}-{processor}",
        completed_at=when,
        inserted_at=when,
    )
