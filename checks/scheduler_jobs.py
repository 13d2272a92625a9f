"""What is known of a scheduler job by its attempts, and whether it started the phase that waits for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from checks.carried import moment
from checks.model import JsonValue, stamp
from checks.pipeline import Phase, Pipeline
from checks.ports import CalendarDays

# A job must have been watched for more than a week before its longest pause is known: some pause at weekends.
_LEARNED_IN = timedelta(days=8)
# So much longer than its longest pause: a summer time's hour, a late start.
_TIMES, _MARGIN = 1.25, timedelta(hours=1)
# An attempt so long before the phase's start was for it: a job's zone may have a clock change, and the phase's none.
_EARLY = timedelta(hours=1)
# The target did not answer in time, and may be at work all the same.
_MAY_HAVE_STARTED = "DEADLINE_EXCEEDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt of a job that has ended, or only ``begun``.

    ``status`` is empty or OK for a good one, else a word such as NOT_FOUND.
    """

    job: str
    at: datetime
    status: str = ""
    failed: bool = False
    begun: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job. ``last_at``: when an attempt last began or ended; ``pause`` is the longest time without any so far.

    ``ended_at``: when one last ended, with ``status``; ``failures`` in a row since ``failing_since``. ``started_at``:
    when one last ended that started something, as far as anybody knows.
    """

    first_at: datetime
    last_at: datetime
    ended_at: datetime | None = None
    started_at: datetime | None = None
    pause: timedelta = timedelta(0)
    failures: int = 0
    failing_since: datetime | None = None
    status: str = ""

    def after(self, attempt: Attempt) -> Job:
        """The job with one more attempt; one that is not later than what is known adds nothing."""
        job = self
        if attempt.at > job.last_at:
            job = replace(job, last_at=attempt.at, pause=max(job.pause, attempt.at - job.last_at))
        if attempt.begun or (job.ended_at is not None and attempt.at <= job.ended_at):
            return job
        started = attempt.at if not attempt.failed or attempt.status == _MAY_HAVE_STARTED else job.started_at
        job = replace(job, ended_at=attempt.at, started_at=started, status=attempt.status)
        if not attempt.failed:
            return replace(job, failures=0, failing_since=None)
        return replace(job, failures=job.failures + 1, failing_since=job.failing_since or attempt.at)

    @property
    def usual_pause(self) -> timedelta | None:
        """How long it may be silent by its own past; None while nobody knows."""
        known = self.last_at - self.first_at >= _LEARNED_IN
        return self.pause * _TIMES + _MARGIN if known else None

    def as_json(self) -> JsonValue:
        """As it is stored."""
        return {
            "first_at": stamp(self.first_at),
            "last_at": stamp(self.last_at),
            "ended_at": stamp(self.ended_at) if self.ended_at else None,
            "started_at": stamp(self.started_at) if self.started_at else None,
            "pause": self.pause.total_seconds(),
            "failures": self.failures,
            "failing_since": stamp(self.failing_since) if self.failing_since else None,
            "status": self.status,
        }

    @classmethod
    def from_json(cls, stored: JsonValue) -> Job | None:
        """What was stored; None for what cannot be read."""
        kept = stored if isinstance(stored, dict) else {}
        first_at, last_at = moment(kept.get("first_at")), moment(kept.get("last_at"))
        pause, failures = kept.get("pause"), kept.get("failures")
        if first_at is None or last_at is None or not isinstance(pause, int | float) or not isinstance(failures, int):
            return None
        return cls(
            first_at=first_at,
            last_at=last_at,
            ended_at=moment(kept.get("ended_at")),
            started_at=moment(kept.get("started_at")),
            pause=timedelta(seconds=pause),
            failures=failures,
            failing_since=moment(kept.get("failing_since")),
            status=str(kept.get("status") or ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A run date for which a job is to start a phase.

    From ``begins_at`` on an attempt counts for it. ``decided_at``: by then there must have been one. ``ends_at``: the
    phase's due time. ``timed``: the phase has a start; otherwise nobody knows when in that span the job is to run.
    """

    pipeline: Pipeline
    phase: str
    run_date: date
    begins_at: datetime
    decided_at: datetime
    ends_at: datetime
    timed: bool


def linked_jobs(pipeline: Pipeline) -> frozenset[str]:
    """The jobs that are declared to start a phase, for whichever run dates."""
    return frozenset(h.job for p in pipeline.phases for h in p.hand_overs if h.job is not None)


def turns(pipeline: Pipeline, calendar: CalendarDays, days: Iterable[date]) -> Iterator[tuple[str, Turn]]:
    """Each job's turns of these run dates: those for which a run is owed, and the phase something, by that job."""
    for day in days:
        if not calendar.covers(day) or not calendar.owed(day):
            continue
        for phase in pipeline.phases:
            declared = phase.hand_over_on(day)
            if declared is not None and declared.job is not None and phase.expected_on(day):
                yield declared.job, _turn(pipeline, phase, day, declared.within)


def _turn(pipeline: Pipeline, phase: Phase, day: date, within: timedelta) -> Turn:
    begins, ends = phase.begins_on(day, pipeline.zone), phase.due.on(day, pipeline.zone)
    timed = phase.start is not None
    return Turn(
        pipeline=pipeline,
        phase=phase.name,
        run_date=day,
        begins_at=begins - _EARLY if timed else begins,
        decided_at=min(begins + within, ends) if timed else ends,
        ends_at=ends,
        timed=timed,
    )


class Wrong(StrEnum):
    """What is wrong with a job: the last word of its findings' fingerprints."""

    FAILING = "failing"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong with a job, since when, and for which turn if it has any."""

    what: Wrong
    since: datetime
    turn: Turn | None = None


def troubles(
    job: Job, own: Sequence[Turn] | None, at: datetime, failures: int, limit: timedelta | None
) -> dict[Wrong, Trouble]:
    """What is wrong with the job at that moment, at most one of each.

    :param own: its turns if it is declared to start a phase: then only they count. None: it has its own schedule.
    :param failures: so many in a row are wrong.
    :param limit: how long it may be silent, if anybody knows.
    """
    if own is None:
        found = []
        if job.failures >= failures:
            found.append(Trouble(what=Wrong.FAILING, since=job.failing_since or job.last_at))
        if limit is not None and at - job.last_at > limit:
            found.append(Trouble(what=Wrong.SILENT, since=job.last_at + limit))
    else:
        found = [t for turn in latest_decided(own, at) if (t := _of_decided(job, turn, limit)) is not None]
        found += [t for turn in own for t in _meanwhile(job, turn, at, failures, limit)]
    return {trouble.what: trouble for trouble in found}


def latest_decided(own: Iterable[Turn], at: datetime) -> list[Turn]:
    """Of each phase the latest turn of which it can be said whether the job ran."""
    decided = sorted((t for t in own if t.decided_at <= at), key=lambda t: t.decided_at)
    return list({(t.pipeline.name, t.phase): t for t in decided}.values())


def counts_from(turn: Turn, limit: timedelta | None) -> datetime:
    """From when on an attempt was for that turn: without a time of its own, as late as the job's pauses allow."""
    return turn.begins_at if turn.timed or limit is None else max(turn.begins_at, turn.decided_at - limit)


def _of_decided(job: Job, turn: Turn, limit: timedelta | None) -> Trouble | None:
    """It did not run for the turn, or each attempt failed. One that has only begun may still do its work."""
    begins = counts_from(turn, limit)
    if job.last_at < begins:
        return Trouble(what=Wrong.SILENT, since=turn.decided_at, turn=turn)
    ended, started = (at is not None and at >= begins for at in (job.ended_at, job.started_at))
    if not ended or started:
        return None
    return Trouble(what=Wrong.FAILING, since=max(job.failing_since or begins, begins), turn=turn)


def _meanwhile(job: Job, turn: Turn, at: datetime, failures: int, limit: timedelta | None) -> Iterator[Trouble]:
    """A job that runs again and again may go wrong while the phase is owed, whatever it did before."""
    if job.failures >= failures and job.ended_at is not None and turn.begins_at <= job.ended_at <= turn.ends_at:
        yield Trouble(what=Wrong.FAILING, since=max(job.failing_since or turn.begins_at, turn.begins_at), turn=turn)
    # Before its first attempt for the turn nobody knows when the next one comes: a job may pause while nothing is owed.
    if limit is not None and job.last_at >= turn.begins_at and job.last_at + limit < at <= turn.ends_at:
        yield Trouble(what=Wrong.SILENT, since=job.last_at + limit, turn=turn)
