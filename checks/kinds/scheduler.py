"""The check of scheduler jobs: attempts that fail, and jobs that are silent when they should run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from checks.carried import carry_of, moment
from checks.model import (
    Clearance,
    Evidence,
    Finding,
    HeldUp,
    JsonValue,
    Judgement,
    Severity,
    Status,
    Subject,
    day_words,
    in_zone,
    stamp,
)
from checks.phases.words import one_line
from checks.pipeline import Pipeline
from checks.scheduler_jobs import Job, Trouble, Turn, Wrong, counts_from, latest_decided, linked_jobs, troubles, turns
from checks.sources.calendar import Calendars, RecentDays
from checks.sources.scheduler_logs import SchedulerLogs

_FIRST_READ = timedelta(hours=25)
_SETTLES = timedelta(minutes=1)
_JOBS_KEPT = 1_000
_REMEDIES = {
    Wrong.FAILING: "what it calls refused or did not answer: look at its target, and at who may call it",
    Wrong.SILENT: "see whether it is paused or deleted: `gcloud scheduler jobs describe`",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenJobs:
    """The jobs with all attempts that were received by ``until``, and those that ``ran`` since the read before.

    ``turns``: for each job that is declared to start a phase, the run dates for which it is to.
    """

    jobs: Mapping[str, Job]
    ran: frozenset[str]
    until: datetime
    evidence: Evidence
    turns: Mapping[str, Sequence[Turn]] = field(default_factory=dict)


class SchedulerCheck:
    """Judges every job that has ever been seen to run; one that never ran is not missed.

    A job that is declared to start a phase (``started_by``) is judged by the run dates for which it is to: one without
    a run, a halt, a span for which it is not declared say nothing about it. All others are judged by their own
    schedule. Findings ``scheduler.failing`` (``scheduler:<job>:failing``), over with an attempt that succeeds, and
    ``scheduler.silent`` (``scheduler:<job>:silent``), over with any attempt.
    """

    def __init__(
        self,
        *,
        logs: SchedulerLogs,
        every: timedelta,
        failures: int,
        silent_after: Mapping[str, timedelta],
        pipelines: Sequence[Pipeline],
        calendars: Calendars,
        name: str = "scheduler",
    ) -> None:
        self.name = name
        self.every = every
        self.about = Subject()
        self._logs = logs
        self._failures = failures
        self._silent_after = silent_after
        self._pipelines = [p for p in pipelines if linked_jobs(p)]
        self._recent = RecentDays(calendars)

    def read(self, now: datetime, cursor: JsonValue) -> tuple[SeenJobs, JsonValue]:
        """The attempts since the last read, added to what was known.

        :raises checks.ports.SourceError: if they could not be listed, or a calendar could not be asked.
        """
        since = moment(cursor.get("source") if isinstance(cursor, dict) else None) or now - _FIRST_READ
        attempts, until, evidence = self._logs.attempts(since, max(since, now - _SETTLES))
        jobs = {name: job for name, stored in carry_of(cursor).items() if (job := Job.from_json(stored)) is not None}
        known = dict(jobs)
        for attempt in attempts:
            before = jobs.get(attempt.job, Job(first_at=attempt.at, last_at=attempt.at))
            jobs[attempt.job] = before.after(attempt)
        ran = (name for name, job in jobs.items() if name not in known or job.last_at > known[name].last_at)
        own: dict[str, list[Turn]] = {}
        for pipeline in self._pipelines:
            own |= {name: own.get(name, []) for name in linked_jobs(pipeline)}
            days, calendar, cost = self._recent.of(pipeline, now)
            evidence = evidence.merged(cost)
            for name, turn in turns(pipeline, calendar, days):
                own[name].append(turn)
        return SeenJobs(jobs=jobs, ran=frozenset(ran), until=until, evidence=evidence, turns=own), stamp(until)

    def judge(self, observed: SeenJobs, now: datetime) -> Judgement:
        """At most one finding of each kind per job."""
        findings: list[Finding] = []
        clearances: list[Clearance] = []
        for name, job in sorted(observed.jobs.items()):
            own = observed.turns.get(name)
            limit = self._silent_after.get(name, job.usual_pause)
            wrong = troubles(job, own, observed.until, self._failures, limit)
            findings += [self._finding(name, job, trouble, now) for trouble in wrong.values()]
            decided = latest_decided(own or (), observed.until)
            # Of a job that starts a phase nothing follows from a day on which it need not run.
            ran = own is None or name in observed.ran or any(job.last_at >= counts_from(t, limit) for t in decided)
            if Wrong.SILENT not in wrong and ran:
                clearances.append(_over(name, Wrong.SILENT, job, "it ran"))
            if Wrong.FAILING not in wrong and not job.failures and job.ended_at is not None:
                clearances.append(_over(name, Wrong.FAILING, job, "an attempt succeeded"))
        latest = sorted(observed.jobs.items(), key=lambda item: item[1].last_at)[-_JOBS_KEPT:]
        unknown = sorted(set(observed.turns) - set(observed.jobs))
        notes = tuple(f"{name} is declared to start a phase, and was never seen to run" for name in unknown)
        evidence = observed.evidence.merged(Evidence(counts={"jobs": len(observed.jobs)}, notes=notes))
        status = Status.FAILING if findings else Status.UNKNOWN if evidence.unseen else Status.OK
        return Judgement(
            status=status,
            findings=tuple(findings),
            clearances=tuple(clearances),
            evidence=evidence,
            carry={name: job.as_json() for name, job in latest},
        )

    def _finding(self, name: str, job: Job, trouble: Trouble, now: datetime) -> Finding:
        turn = trouble.turn
        facts: dict[str, JsonValue] = {"job": name}
        if turn is not None:
            zone = turn.pipeline.zone
            facts["starts"] = f"{turn.phase} of {day_words(turn.run_date)}, by {in_zone(turn.decided_at, zone)}"
        if trouble.what is Wrong.FAILING:
            attempts = "1 attempt failed" if job.failures == 1 else f"{job.failures} attempts in a row failed"
            facts |= {"measured": attempts, "status": job.status or "not given"}
        elif turn is None:
            told = "as configured" if name in self._silent_after else "its longest pause so far, and a margin"
            facts["expected within"] = f"{(trouble.since - job.last_at) / timedelta(hours=1):.3g} h ({told})"
        else:
            facts["last ran"] = in_zone(job.last_at, turn.pipeline.zone)
        return Finding(
            fingerprint=f"scheduler:{name}:{trouble.what}",
            check=self.name,
            kind=f"scheduler.{trouble.what}",
            severity=Severity.WARNING,
            subject=Subject(
                pipeline=turn.pipeline.name if turn else None,
                phase=turn.phase if turn else None,
                run_date=turn.run_date if turn else None,
            ),
            title=one_line(f"The scheduler job {name} {self._said(job, trouble)}"),
            since=trouble.since,
            last_seen=job.last_at if trouble.what is Wrong.FAILING else now,
            holds_up=tuple(_held_up(turn)) if turn else (),
            facts={**facts, "remedy": _REMEDIES[trouble.what], "checked at": stamp(now)},
        )

    def _said(self, job: Job, trouble: Trouble) -> str:
        dated = f" for {day_words(trouble.turn.run_date)}" if trouble.turn else ""
        if trouble.what is Wrong.SILENT:
            return f"has not run{dated or f' since {stamp(job.last_at)}'}"
        status = job.status or "no status"
        if job.failures < self._failures:
            return f"failed{dated} ({status})"
        return f"failed {self._failures} times in a row or more{dated} ({status})"


def _held_up(turn: Turn) -> Iterator[HeldUp]:
    """The phase that waits for the job, and those behind it."""
    pipeline, run_date = turn.pipeline, turn.run_date
    for phase in (pipeline.phase(turn.phase), *pipeline.downstream(turn.phase)):
        if phase.expected_on(run_date):
            due_at = phase.due.on(run_date, pipeline.zone)
            yield HeldUp(pipeline=pipeline.name, phase=phase.name, run_date=run_date, due_at=due_at)


def _over(name: str, what: Wrong, job: Job, reason: str) -> Clearance:
    return Clearance(fingerprint=f"scheduler:{name}:{what}", at=job.last_at, reason=f"{reason} at {stamp(job.last_at)}")
