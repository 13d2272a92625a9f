"""Reads what a report needs, live and from the state, and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alerts.faults import causes, history, ledger
from checks.model import CheckRun, Evidence, Status, stamp
from checks.phases.calendar import dates_of
from checks.phases.evidence import TableSight
from checks.phases.model import PhaseDay, PhaseState
from checks.ports import LogSource, SourceError
from monitor import costs, storage
from monitor.report import itself
from monitor.report.asking import Asked, Questions, ask
from monitor.report.build import Seen, Stored, build, story
from monitor.report.model import CheckReport, HealthReport, SourceReport
from monitor.report.request import Request
from monitor.wiring import parts
from monitor.wiring.state_checks import recall

__all__ = ["Request", "answered", "gather"]

if TYPE_CHECKING:
    from alerts.store.sql import Store
    from checks.kinds.completions import Completions
    from checks.logs.deployments import Deployment
    from monitor.config.loading import Config
    from monitor.wiring.rules import Rules

# The watcher's last look at the logs may be three intervals and this much old before it counts as a gap.
STALE_GRACE = timedelta(minutes=2)
# What the report lists of ended incidents.
ENDED_SINCE = timedelta(days=2)
# Of the latest so many incidents the report tells the story.
STORIES = 50


def gather(
    config: Config,
    where: parts.Data,
    store: Store | None,
    request: Request,
    generated_at: datetime,
    *,
    speed: float = 1.0,
) -> HealthReport:
    """The report: completions live, logs live from files, incidents and checks from the state.

    :param speed: how many seconds of the watcher's clock pass in a second.
    :raises ValueError: for a pipeline that is not in the configuration.
    """
    with ask(config, where, request) as questions:
        return answered(config, questions, store, generated_at, speed=speed)


def answered(
    config: Config, questions: Questions, store: Store | None, generated_at: datetime, *, speed: float = 1.0
) -> HealthReport:
    """The report, as ``gather`` gives it, of questions that are on their way: what is read here is read meanwhile."""
    request = questions.request
    judges = {check.about.pipeline: check for check in parts.completion_checks(config, questions.tables)}
    if store is not None:
        recall(judges.values(), store)
    since = request.at - timedelta(days=request.days)
    state = _stored(store, parts.rules(config), request, since) if store is not None else Stored()
    logs = None
    source = parts.past_logs(config)
    if source is not None:
        logs = _logs(config, source, request)
    seen = [_pipeline(judges[one.pipeline.name], one, request) for one in questions.asked]
    sources = [_source("bigquery", seen)] if seen else []
    if logs is not None:
        sources.append(SourceReport(name="logs", status=_looked(logs), evidence=logs.evidence))
    elif source is None and config.checks.function_logs.enabled:
        sources.append(_watched_logs(state.checks, config.checks.function_logs.every, request.at))
    notes = []
    if request.past:
        notes.append("judged as of a past moment: completions, logs and incidents as visible then, calendar of today")
    notes += [note for item in seen for note in item.notes]
    report = build(
        seen=seen,
        logs=logs,
        stored=state,
        sources=sources,
        deployments=_deployments(logs, store, request.at),
        notes=notes,
        as_of=request.at,
        since=since,
        generated_at=generated_at,
    )
    report = replace(report, costs=_costs(config, store, request.at))
    if store is None or request.past:
        return report
    path = parts.state_file(config)
    about = itself.build(
        checks=state.checks,
        faults=state.faults,
        backlog=store.outbox.backlog(),
        delivered_at=store.outbox.last_sent(),
        storage=None if path is None else storage.look(path),
        now=request.at,
        speed=speed,
    )
    return replace(report, itself=about)


def _pipeline(check: Completions, asked: Asked, request: Request) -> Seen:
    """What the tables say. Run dates that the calendar does not cover are named, not listed.

    Where completions cannot be read, every phase of a date on which a run is (or may be) owed is ``unknown``.
    """
    pipeline = check.pipeline
    try:
        observed = check.observe(
            asked.first, asked.last, request.at, recorded=asked.recorded.result, calendar=asked.calendar.result
        )
        recording, cost = asked.recording.result()
    except SourceError as error:
        text = f"{error}; {error.remedy}" if error.remedy else str(error)
        run = _run(check.name, request.at, Status.UNKNOWN, evidence=Evidence(unseen=(text,)), error=text)
        days = _unknown(asked)
        return Seen(pipeline=pipeline, run=run, days=days, recording=None, error=text, habits=check.shared.habits)
    judgement = check.judge(observed, request.at)
    run = _run(
        check.name,
        request.at,
        judgement.status,
        findings=judgement.findings,
        clearances=judgement.clearances,
        evidence=judgement.evidence.merged(cost),
    )
    days = tuple(
        day for days in check.days(observed, request.at) for day in days if observed.calendar.covers(day.run_date)
    )
    unseen = "; ".join(judgement.evidence.unseen) or None
    notes = tuple(_of_tables(observed.tables, past=request.past))
    return Seen(
        pipeline=pipeline,
        run=run,
        days=days,
        recording=recording,
        error=unseen,
        habits=check.shared.habits,
        notes=notes,
    )


def _of_tables(tables: TableSight, *, past: bool) -> Iterator[str]:
    """What is to be known of the tables that prove something: missing ones, and those that know no past."""
    from checks.sources.evidence import absent_note

    yield from (absent_note(table) for table in tables.absent)
    if past:
        undated = dict.fromkeys(p.table for (p, _), rows in tables.answers.items() if rows.enough and p.time is None)
        yield from (f"{table} does not say when its rows were written: judged by those of today" for table in undated)


def _unknown(asked: Asked) -> tuple[PhaseDay, ...]:
    """All phases of the dates, unread; without those of which the calendar says that nothing is owed."""
    pipeline = asked.pipeline
    try:
        calendar, _ = asked.calendar.result()
    except SourceError:
        calendar = None
    return tuple(
        PhaseDay(
            pipeline=pipeline.name,
            phase=phase.name,
            run_date=day,
            state=PhaseState.UNKNOWN,
            upstream=phase.after,
            due_at=phase.due.on(day, pipeline.zone),
        )
        for day in dates_of(asked.first, asked.last)
        for phase in pipeline.phases
        if calendar is None or (calendar.covers(day) and calendar.owed(day))
    )


def _run(name: str, at: datetime, status: Status, **found: Any) -> CheckRun:
    return CheckRun(check=name, started_at=at, finished_at=at, status=status, **found)


def _logs(config: Config, source: LogSource, request: Request) -> CheckRun | None:
    """A scan of everything the source has, up to the moment of the report."""
    check = parts.log_check(config, source)
    if check is None:
        return None
    try:
        observed, _ = check.read(request.at, None)
        judgement = check.judge(observed, request.at)
    except SourceError as error:
        unseen = Evidence(unseen=(str(error),))
        return _run(check.name, request.at, Status.UNKNOWN, evidence=unseen, error=str(error))
    return _run(
        check.name,
        request.at,
        judgement.status,
        findings=judgement.findings,
        clearances=judgement.clearances,
        evidence=judgement.evidence,
        cursor={"carry": judgement.carry},
    )


def _deployments(logs: CheckRun | None, store: Store | None, at: datetime) -> list[Deployment]:
    """What the log check knows of deployments up to that moment: from this scan, else from the watcher's last one."""
    from checks.logs.revisions import Revisions

    cursor = logs.cursor if logs is not None else None
    if cursor is None and store is not None:
        with store.reading() as stored:
            cursor = stored.cursor("function_logs")
    carry = cursor.get("carry") if isinstance(cursor, dict) else None
    memory = carry.get("revisions") if isinstance(carry, dict) else None
    return [one for one in Revisions(memory).deployments() if one.at <= at]


def _watched_logs(checks: Sequence[CheckReport], every: timedelta, at: datetime) -> SourceReport:
    """The logs as the watcher read them: whether it still does, and with what proof."""
    run = next((check for check in checks if check.name == "function_logs"), None)
    if run is None:
        unseen = "the logs: a report takes their failures from the watcher's state, and no watcher has read them yet"
        return SourceReport(name="logs", status=Status.UNKNOWN, evidence=Evidence(unseen=(unseen,)))
    evidence = replace(
        run.evidence, notes=(*run.evidence.notes, f"as the watcher read them at {stamp(run.last_run_at)}")
    )
    if at - run.last_run_at > every * 3 + STALE_GRACE:
        unseen = f"what was logged since {stamp(run.last_run_at)}: no watcher has read the logs since"
        return SourceReport(
            name="logs", status=Status.UNKNOWN, evidence=replace(evidence, unseen=(*evidence.unseen, unseen))
        )
    return SourceReport(name="logs", status=Status.UNKNOWN if run.error else Status.OK, evidence=evidence)


def _costs(config: Config, store: Store | None, at: datetime) -> costs.CostReport | None:
    """What the watcher had BigQuery bill on that day and in its month."""
    if store is None:
        return None
    with store.reading() as stored:
        days = costs.parse(stored.cursor(costs.CURSOR))
    return costs.report(days, at, config.budget.in_bytes() if config.budget else None)


def _stored(store: Store, rules: Rules, request: Request, since: datetime) -> Stored:
    from monitor.daemon.speaking import active_silences

    recently = min(since, request.at - max(ENDED_SINCE, ledger.REOPEN_WITHIN, causes.JOIN_WITHIN))
    with store.reading() as stored:
        runs = stored.last_runs(request.at if request.past else None)
        if request.past:
            faults, incidents = history.as_known(stored.transitions(until=request.at), stored.incidents(), request.at)
            incidents = [i for i in incidents if i.resolved_at is None or i.resolved_at >= recently]
        else:
            incidents = stored.incidents(resolved_since=recently)
            faults = stored.faults(resolved_since=recently, of_incidents=[i.id for i in incidents])
        stories = {
            i.id: story(
                [t for t in stored.transitions(incident=i.id) if t.at <= request.at],
                [n for n in stored.notifications(incident=i.id) if n.at <= request.at],
            )
            for i in incidents[-STORIES:]
        }
        silences = active_silences(stored, rules, request.at)
        watched_since = stored.watching_since()
    checks = tuple(
        CheckReport(name=r.check, status=r.status, last_run_at=r.finished_at, evidence=r.evidence, error=r.error)
        for r in runs
    )
    return Stored(
        faults=faults,
        incidents=incidents,
        checks=checks,
        stories=stories,
        silences=silences,
        watched_since=watched_since,
    )


def _source(name: str, seen: list[Seen]) -> SourceReport:
    evidence = Evidence()
    for item in seen:
        evidence = evidence.merged(item.run.evidence)
    blind = any(item.error is not None for item in seen)
    return SourceReport(name=name, status=Status.UNKNOWN if blind else Status.OK, evidence=evidence)


def _looked(run: CheckRun) -> Status:
    return Status.UNKNOWN if run.error is not None else Status.OK
