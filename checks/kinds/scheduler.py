"""The check of scheduler jobs: attempts that fail in a row, and jobs that are silent past their own schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from checks.carried import carry_of, moment
from checks.model import Clearance, Evidence, Finding, JsonValue, Judgement, Severity, Status, Subject, stamp
from checks.phases.words import one_line
from checks.sources.scheduler_logs import Attempt, SchedulerLogs

_FIRST_READ = timedelta(hours=25)
_SETTLES = timedelta(minutes=1)
# A job must have been watched for more than a week before its longest pause is known: some pause at weekends.
_LEARNED_IN = timedelta(days=8)
# So much longer than its longest pause: a summer time's hour, a late start.
_TIMES, _MARGIN = 1.25, timedelta(hours=1)
_JOBS_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is known of one job. ``failures`` in a row since ``failing_since``; ``pause`` is its longest so far."""

    first_at: datetime
    last_at: datetime
    pause: timedelta = timedelta(0)
    failures: int = 0
    failing_since: datetime | None = None
    status: str = ""

    def after(self, attempt: Attempt) -> Job:
        """The job with one more attempt; one that is older than the last adds nothing."""
        if attempt.at <= self.last_at:
            return self
        job = replace(self, last_at=attempt.at, pause=max(self.pause, attempt.at - self.last_at), status=attempt.status)
        return job.told(attempt)

    def told(self, attempt: Attempt) -> Job:
        """With the outcome of its latest attempt."""
        if not attempt.failed:
            return replace(self, failures=0, failing_since=None, status=attempt.status)
        since = self.failing_since or attempt.at
        return replace(self, failures=self.failures + 1, failing_since=since, status=attempt.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenJobs:
    """The jobs with all attempts that were received by now."""

    jobs: Mapping[str, Job]
    evidence: Evidence


class SchedulerCheck:
    """Judges every job that has ever been seen to run; one that never ran is not missed.

    Findings ``scheduler.failing`` (``scheduler:<job>:failing``), over with an attempt that succeeds, and
    ``scheduler.silent`` (``scheduler:<job>:silent``), over with any attempt.
    """

    def __init__(
        self,
        *,
        logs: SchedulerLogs,
        every: timedelta,
        failures: int,
        silent_after: Mapping[str, timedelta],
        name: str = "scheduler",
    ) -> None:
        self.name = name
        self.every = every
        self.about = Subject()
        self._logs = logs
        self._failures = failures
        self._silent_after = silent_after

    def read(self, now: datetime, cursor: JsonValue) -> tuple[SeenJobs, JsonValue]:
        """The attempts since the last read, added to what was known.

        :raises checks.ports.SourceError: if they could not be listed.
        """
        since = moment(cursor.get("source") if isinstance(cursor, dict) else None) or now - _FIRST_READ
        until = max(since, now - _SETTLES)
        attempts, evidence = self._logs.attempts(since, until)
        jobs = {name: job for name, stored in carry_of(cursor).items() if (job := _job(stored)) is not None}
        for attempt in attempts:
            known = jobs.get(attempt.job)
            fresh = Job(first_at=attempt.at, last_at=attempt.at).told(attempt)
            jobs[attempt.job] = fresh if known is None else known.after(attempt)
        return SeenJobs(jobs=jobs, evidence=evidence), stamp(until)

    def judge(self, observed: SeenJobs, now: datetime) -> Judgement:
        """At most one finding of each kind per job."""
        findings: list[Finding] = []
        clearances: list[Clearance] = []
        for name, job in sorted(observed.jobs.items()):
            limit = self._limit(name, job)
            if limit is not None and now - job.last_at > limit:
                findings.append(self._silent(name, job, limit, now))
            else:
                clearances.append(_over(name, "silent", job, "it ran"))
            if job.failures >= self._failures:
                findings.append(self._failing(name, job, now))
            elif not job.failures:
                clearances.append(_over(name, "failing", job, "an attempt succeeded"))
        latest = sorted(observed.jobs.items(), key=lambda item: item[1].last_at)[-_JOBS_KEPT:]
        evidence = observed.evidence.merged(Evidence(counts={"jobs": len(observed.jobs)}))
        status = Status.FAILING if findings else Status.UNKNOWN if evidence.unseen else Status.OK
        return Judgement(
            status=status,
            findings=tuple(findings),
            clearances=tuple(clearances),
            evidence=evidence,
            carry={name: _stored(job) for name, job in latest},
        )

    def _limit(self, name: str, job: Job) -> timedelta | None:
        """How long the job may be silent; None while nobody knows."""
        told = self._silent_after.get(name)
        if told is not None:
            return told
        return job.pause * _TIMES + _MARGIN if job.last_at - job.first_at >= _LEARNED_IN else None

    def _failing(self, name: str, job: Job, now: datetime) -> Finding:
        return Finding(
            fingerprint=f"scheduler:{name}:failing",
            check=self.name,
            kind="scheduler.failing",
            severity=Severity.WARNING,
            subject=Subject(),
            title=one_line(
                f"The scheduler job {name} failed {self._failures} times in a row or more ({job.status or 'no status'})"
            ),
            since=job.failing_since or job.last_at,
            last_seen=job.last_at,
            facts={
                "measured": f"{job.failures} attempts in a row",
                "status": job.status or "not given",
                "remedy": "what it calls refused or did not answer: look at its target, and at who may call it",
                "checked at": stamp(now),
            },
        )

    def _silent(self, name: str, job: Job, limit: timedelta, now: datetime) -> Finding:
        told = "as configured" if name in self._silent_after else "its longest pause so far, and a margin"
        return Finding(
            fingerprint=f"scheduler:{name}:silent",
            check=self.name,
            kind="scheduler.silent",
            severity=Severity.WARNING,
            subject=Subject(),
            title=one_line(f"The scheduler job {name} has not run since {stamp(job.last_at)}"),
            since=job.last_at + limit,
            last_seen=now,
            facts={
                "expected within": f"{limit} ({told})",
                "remedy": "see whether it is paused or deleted: `gcloud scheduler jobs describe`",
                "checked at": stamp(now),
            },
        )


def _over(name: str, what: str, job: Job, reason: str) -> Clearance:
    return Clearance(fingerprint=f"scheduler:{name}:{what}", at=job.last_at, reason=f"{reason} at {stamp(job.last_at)}")


def _stored(job: Job) -> JsonValue:
    return {
        "first_at": stamp(job.first_at),
        "last_at": stamp(job.last_at),
        "pause": job.pause.total_seconds(),
        "failures": job.failures,
        "failing_since": stamp(job.failing_since) if job.failing_since else None,
        "status": job.status,
    }


def _job(stored: JsonValue) -> Job | None:
    """What was stored; None for what cannot be read."""
    kept = stored if isinstance(stored, dict) else {}
    first_at, last_at = moment(kept.get("first_at")), moment(kept.get("last_at"))
    pause, failures = kept.get("pause"), kept.get("failures")
    if first_at is None or last_at is None or not isinstance(pause, int | float) or not isinstance(failures, int):
        return None
    return Job(
        first_at=first_at,
        last_at=last_at,
        pause=timedelta(seconds=pause),
        failures=failures,
        failing_since=moment(kept.get("failing_since")),
        status=str(kept.get("status") or ""),
    )
