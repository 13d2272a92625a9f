"""Scheduler jobs judged by their execution logs: the real client, a real gRPC service, the test's clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from checks.cloud_logging.api import LoggingApi
from checks.kinds.scheduler import SchedulerCheck
from checks.model import JsonValue, Judgement, Status, stamp
from checks.phases.calendar import CalendarList, DateSpan, Pauses
from checks.pipeline import DayTime, HandOver, Pipeline, StarterKind
from checks.ports import SourceError
from checks.rate import RateLimiter
from checks.sources.calendar import Calendars
from checks.sources.scheduler_logs import SchedulerLogs
from tests.support.logging_server import LoggingServer, TestClock
from tests.support.pipelines import et, nba, with_phase

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FINISHED = "type.googleapis.com/google.cloud.scheduler.logging.AttemptFinished"


@pytest.fixture
def server() -> Iterator[LoggingServer]:
    with LoggingServer(TestClock(NOW)) as running:
        yield running


def attempt(job: str, at: datetime, status: str = "", **changes: Any) -> dict[str, Any]:
    """The entry that tells how an attempt ended; ``changes`` are to its payload."""
    payload = {"@type": FINISHED, "jobName": f"projects/p1/locations/us-west2/jobs/{job}", **changes}
    if status:
        payload["status"] = status
    return {
        "insertId": f"{job}-{at.timestamp()}",
        "timestamp": stamp(at),
        "receiveTimestamp": stamp(at + timedelta(seconds=1)),
        "severity": "ERROR" if status not in ("", "OK") else "INFO",
        "logName": "projects/p1/logs/cloudscheduler.googleapis.com%2Fexecutions",
        "resource": {"type": "cloud_scheduler_job", "labels": {"job_id": job, "project_id": "p1"}},
        "jsonPayload": payload,
    }


class Watched:
    """The check with its cursor, on the server's clock."""

    def __init__(self, server: LoggingServer, *pipelines: Pipeline, **silent_after: timedelta) -> None:
        self.server = server
        api = LoggingApi("p1", limiter=RateLimiter(60, 1_000), endpoint=server.endpoint, timeout=timedelta(seconds=5))
        named = {name.replace("_", "-"): span for name, span in silent_after.items()}
        self.check = SchedulerCheck(
            logs=SchedulerLogs(api),
            every=HOUR,
            failures=3,
            silent_after=named,
            pipelines=pipelines,
            calendars=Calendars(None),  # type: ignore[arg-type]  # none of these calendars is a table
        )
        self.cursor: JsonValue = None

    def attempt(self, job: str, at: datetime, status: str = "", **changes: Any) -> None:
        self.server.write([attempt(job, at, status, **changes)])

    def look(self, at: datetime) -> Judgement:
        self.server.clock.now = at
        observed, source = self.check.read(at, self.cursor)
        judgement = self.check.judge(observed, at)
        self.cursor = {"source": source, "carry": judgement.carry}
        return judgement

    def found(self, at: datetime) -> list[str]:
        return [finding.fingerprint for finding in self.look(at).findings]


def test_three_failures_in_a_row_over_several_looks(server: LoggingServer) -> None:
    """Not two, nor three with a success between them; over with a success; attempts that begin are none."""
    watched = Watched(server)
    for hour, status in enumerate(["NOT_FOUND", "NOT_FOUND", "OK", "INTERNAL", "INTERNAL"]):
        watched.attempt("hourly", NOW + HOUR * hour, status)
        assert watched.found(NOW + HOUR * hour + HOUR / 2) == []
    begun = "type.googleapis.com/google.cloud.scheduler.logging.AttemptStarted"
    watched.attempt("hourly", NOW + HOUR * 4.6, "INTERNAL", **{"@type": begun})
    assert watched.found(NOW + HOUR * 4.8) == []
    watched.attempt("hourly", NOW + HOUR * 5, "PERMISSION_DENIED")
    [finding] = watched.look(NOW + HOUR * 5.5).findings
    assert finding.title == "The scheduler job hourly failed 3 times in a row or more (PERMISSION_DENIED)"
    assert (finding.since, finding.last_seen) == (NOW + HOUR * 3, NOW + HOUR * 5)
    assert watched.found(NOW + HOUR * 5.6) == ["scheduler:hourly:failing"], "still so, without another attempt"
    watched.attempt("hourly", NOW + HOUR * 6)
    judgement = watched.look(NOW + HOUR * 6.5)
    assert judgement.status is Status.OK
    assert "scheduler:hourly:failing" in {c.fingerprint for c in judgement.clearances}


def test_a_silence_is_judged_by_the_job_s_own_pauses(server: LoggingServer) -> None:
    """A job of working hours pauses at night and at weekends; that is known after eight days, and then missed."""
    watched = Watched(server)
    for number in range(9 * 24):
        at = NOW + HOUR * number
        if at.weekday() < 5 and 6 <= at.hour < 23 and number < 8 * 24 + 3:
            watched.attempt("working-hours", at)
        assert watched.found(at + HOUR / 4) == [], at
    last = NOW + HOUR * (8 * 24 + 2)
    pause = timedelta(days=2, hours=8)  # from Friday 22:00 to Monday 06:00
    assert watched.found(last + pause * 1.25 + HOUR) == []
    [finding] = watched.look(last + pause * 1.25 + HOUR * 1.1).findings
    assert finding.title == f"The scheduler job working-hours has not run since {stamp(last)}"
    back = last + pause * 1.25 + HOUR * 2
    watched.attempt("working-hours", back)
    judgement = watched.look(back + HOUR / 2)
    assert judgement.findings == ()
    assert "scheduler:working-hours:silent" in {c.fingerprint for c in judgement.clearances}


def test_a_pause_that_is_told_holds_at_once_and_who_never_ran_is_not_missed(server: LoggingServer) -> None:
    """From the first attempt on."""
    watched = Watched(server, daily_job=timedelta(hours=25), never_seen=HOUR)
    watched.attempt("daily-job", NOW - HOUR)
    assert watched.found(NOW) == []
    assert watched.found(NOW + HOUR * 23) == []
    assert watched.found(NOW + HOUR * 25) == ["scheduler:daily-job:silent"]


def test_late_entries_are_counted_once_and_errors_are_blindness(server: LoggingServer) -> None:
    """What arrives late is found by when it was received; a refusal is the client's error with its remedy."""
    watched = Watched(server)
    for minute in (0, 10, 20):
        watched.attempt("a", NOW + timedelta(minutes=minute), "INTERNAL")
    assert watched.found(NOW + timedelta(minutes=15)) == []
    assert watched.found(NOW + timedelta(minutes=25)) == ["scheduler:a:failing"]
    assert watched.look(NOW + timedelta(minutes=26)).evidence.counts["attempts"] == 0
    server.script.append("permission")
    with pytest.raises(SourceError, match="not allowed to read the logs"):
        watched.look(NOW + timedelta(minutes=30))


# -- jobs that start a phase -------------------------------------------------------------------------------------------

JOB = "daily-yesterday-analytics"
NO_GAMES = date(2026, 1, 8)
GAMES = CalendarList(dates=tuple(d for n in range(5, 20) if (d := date(2026, 1, n)) != NO_GAMES))


def linked(**changes: Any) -> Pipeline:
    """The sample pipeline, whose third phase (06:30 to 09:00 on the next day) is started by the job."""
    by_job = HandOver(kind=StarterKind.SCHEDULE, name=JOB, within=timedelta(minutes=30))
    return with_phase(replace(nba(), calendar=GAMES), "phase3", **{"hand_overs": (by_job,), **changes})


def told(watched: Watched, *looks: str) -> list[tuple[str, str]]:
    """When something was found, and its title."""
    return [(at, found.title) for at in looks for found in watched.look(et(at)).findings]


def ran(watched: Watched, *at: str, status: str = "OK") -> None:
    for moment in at:
        watched.attempt(JOB, et(moment), status)


def test_a_job_that_starts_a_phase_must_run_for_each_run_date(server: LoggingServer) -> None:
    """Half an hour after the phase's start it is missed, once it has ever run; an attempt ends it, on any day."""
    watched = Watched(server, linked())
    assert told(watched, "2026-01-06 06:20", "2026-01-06 07:05") == [], "it was never seen to run"
    assert watched.look(et("2026-01-06 07:06")).evidence.notes == (
        f"{JOB} is declared to start a phase, and was never seen to run",
    )
    ran(watched, "2026-01-06 08:30")
    title = f"The scheduler job {JOB} has not run for 6 January 2026"
    assert told(watched, "2026-01-06 09:00", "2026-01-07 06:40", "2026-01-07 07:00") == []
    [finding] = watched.look(et("2026-01-07 07:01")).findings
    assert (finding.title, finding.since) == (title, et("2026-01-07 07:00"))
    assert (finding.subject.pipeline, finding.subject.phase, finding.subject.run_date) == (
        "nba", "phase3", date(2026, 1, 6),
    )  # fmt: skip
    assert [(held.phase, held.due_at) for held in finding.holds_up] == [
        ("phase3", et("2026-01-07 09:00")), ("phase4", et("2026-01-07 11:00")),
    ]  # fmt: skip
    assert told(watched, "2026-01-07 12:00", "2026-01-08 06:00") == [
        ("2026-01-07 12:00", title), ("2026-01-08 06:00", title),
    ]  # fmt: skip
    ran(watched, "2026-01-08 06:30")
    judgement = watched.look(et("2026-01-08 06:40"))
    assert judgement.findings == ()
    assert f"scheduler:{JOB}:silent" in {c.fingerprint for c in judgement.clearances}


def test_a_day_without_a_run_says_nothing_of_it(server: LoggingServer) -> None:
    """Not of its silence, nor of attempts that fail then; and nothing is over because of such a day."""
    watched = Watched(server, linked(), **{JOB.replace("-", "_"): timedelta(hours=25)})
    ran(watched, "2026-01-07 06:30")
    assert told(watched, "2026-01-07 07:30") == []
    # Of the 8th nothing is owed, and the job is paused: on the 9th it does not run.
    assert told(watched, "2026-01-08 06:20") == []
    ran(watched, "2026-01-08 06:30")
    looks = [f"2026-01-{day} {hour:02}:10" for day in ("08", "09") for hour in range(24)]
    assert told(watched, *looks[:-5]) == []
    ran(watched, "2026-01-09 20:00", "2026-01-09 20:05", "2026-01-09 20:10", status="UNAVAILABLE")
    assert told(watched, "2026-01-09 20:30", "2026-01-10 05:00") == [], "three failures outside of any turn"
    silent = ("2026-01-10 07:01", f"The scheduler job {JOB} has not run for 9 January 2026")
    assert told(watched, silent[0]) == [silent]

    halted = Watched(server, replace(linked(), pauses=Pauses(halts=(DateSpan(first=date(2026, 1, 5), until=None),))))
    assert told(halted, "2026-01-07 06:40", "2026-01-10 07:30", "2026-01-12 07:30") == []


def test_a_silence_is_over_with_an_attempt_and_not_with_time(server: LoggingServer) -> None:
    """A break begins, and the run dates before it are no longer looked at: it is as silent as before."""
    watched = Watched(server, replace(linked(), calendar=CalendarList(dates=(date(2026, 1, 6), date(2026, 1, 30)))))
    ran(watched, "2026-01-06 06:30")
    assert told(watched, "2026-01-06 07:10") == []
    assert [what for _, what in told(watched, "2026-01-07 07:10")] == [
        f"The scheduler job {JOB} has not run for 6 January 2026"
    ]
    later = watched.look(et("2026-01-20 12:00"))
    assert later.findings == ()
    assert f"scheduler:{JOB}:silent" not in {c.fingerprint for c in later.clearances}
    ran(watched, "2026-01-20 13:00")
    assert f"scheduler:{JOB}:silent" in {c.fingerprint for c in watched.look(et("2026-01-20 13:10")).clearances}


def test_what_is_owed_by_nobody_is_missed_by_nobody(server: LoggingServer) -> None:
    """The phase has no processor that is owed for the run date."""
    [phase3] = [p for p in nba().phases if p.name == "phase3"]
    ended = tuple(replace(p, valid_until=date(2026, 1, 6)) for p in phase3.processors)
    watched = Watched(server, linked(processors=ended))
    ran(watched, "2026-01-05 06:30")
    assert [at for at, _ in told(watched, "2026-01-05 07:10", "2026-01-06 07:10")] == ["2026-01-06 07:10"]
    ran(watched, "2026-01-06 08:00")
    assert told(watched, "2026-01-06 08:10", "2026-01-07 07:10", "2026-01-07 09:10") == []


def test_it_is_decided_when_the_phase_is_due_at_the_latest(server: LoggingServer) -> None:
    """However long its first completion may take."""
    watched = Watched(server, linked(due=DayTime(day=1, at=time(6, 45))))
    ran(watched, "2026-01-05 06:30")
    assert [at for at, _ in told(watched, "2026-01-06 06:45", "2026-01-06 06:46")] == ["2026-01-06 06:46"]


def test_another_job_has_its_own_schedule_whatever_the_calendar_says(server: LoggingServer) -> None:
    """Nobody linked it, so a day without games is a day like any other."""
    watched = Watched(server, linked(), cleanup=timedelta(hours=1))
    watched.attempt("cleanup", et("2026-01-09 05:00"))
    assert told(watched, "2026-01-09 05:30", "2026-01-09 06:30") == [
        ("2026-01-09 06:30", f"The scheduler job cleanup has not run since {stamp(et('2026-01-09 05:00'))}"),
    ]


def test_attempts_that_all_failed_for_a_run_date(server: LoggingServer) -> None:
    """One is enough where a phase waits for it; a retry that succeeds makes up for it, and so does one in time."""
    watched = Watched(server, linked())
    ran(watched, "2026-01-06 06:30", status="PERMISSION_DENIED")
    assert told(watched, "2026-01-06 06:40") == [], "it may be tried again"
    [finding] = watched.look(et("2026-01-06 07:01")).findings
    assert finding.title == f"The scheduler job {JOB} failed for 5 January 2026 (PERMISSION_DENIED)"
    assert (finding.kind, finding.since) == ("scheduler.failing", et("2026-01-06 06:30"))
    ran(watched, "2026-01-06 07:20")
    judgement = watched.look(et("2026-01-06 07:30"))
    assert judgement.findings == ()
    assert f"scheduler:{JOB}:failing" in {c.fingerprint for c in judgement.clearances}
    ran(watched, "2026-01-07 06:30", status="UNAVAILABLE")
    ran(watched, "2026-01-07 06:35")
    assert told(watched, "2026-01-07 06:40", "2026-01-07 07:10") == []


def test_what_may_be_at_work_is_not_missed(server: LoggingServer) -> None:
    """An attempt that has only begun, and one whose target did not answer in time: it may do its work all the same."""
    watched = Watched(server, linked())
    begun = {"@type": "type.googleapis.com/google.cloud.scheduler.logging.AttemptStarted"}
    watched.attempt(JOB, et("2026-01-06 06:30"), **begun)
    judgement = watched.look(et("2026-01-06 07:10"))
    assert judgement.findings == ()
    assert f"scheduler:{JOB}:failing" not in {c.fingerprint for c in judgement.clearances}, "it has not ended"
    ran(watched, "2026-01-06 07:20", status="DEADLINE_EXCEEDED")
    assert told(watched, "2026-01-06 07:30", "2026-01-06 12:00") == []
    watched.attempt(JOB, et("2026-01-07 06:30"), **begun)
    ran(watched, "2026-01-07 06:45", status="NOT_FOUND")
    assert told(watched, "2026-01-07 07:10") == [
        ("2026-01-07 07:10", f"The scheduler job {JOB} failed for 6 January 2026 (NOT_FOUND)"),
    ]


def test_a_job_that_runs_again_and_again_may_go_wrong_while_the_phase_is_owed(server: LoggingServer) -> None:
    """It ran at the start, and then stopped, or failed so many times in a row."""
    watched = Watched(server, linked(), **{JOB.replace("-", "_"): timedelta(minutes=40)})
    ran(watched, "2026-01-06 06:15", "2026-01-06 06:45", "2026-01-06 07:15")
    assert told(watched, "2026-01-06 07:50") == []
    assert told(watched, "2026-01-06 07:57") == [
        ("2026-01-06 07:57", f"The scheduler job {JOB} has not run for 5 January 2026"),
    ]
    ran(watched, "2026-01-06 08:00")
    ran(watched, "2026-01-06 08:10", "2026-01-06 08:20", "2026-01-06 08:30", status="INTERNAL")
    assert told(watched, "2026-01-06 08:35") == [
        ("2026-01-06 08:35", f"The scheduler job {JOB} failed 3 times in a row or more for 5 January 2026 (INTERNAL)"),
    ]


def test_validity_dates_bind_it(server: LoggingServer) -> None:
    """From a run date on something else starts the phase, and nothing is said of the job any more."""
    old = HandOver(kind=StarterKind.SCHEDULE, name=JOB, within=HOUR / 2, valid_until=date(2026, 1, 6))
    watched = Watched(server, linked(hand_overs=(old,)))
    ran(watched, "2026-01-06 06:30")
    assert told(watched, "2026-01-06 07:10", "2026-01-07 07:10", "2026-01-15 12:00") == []


def test_a_phase_without_a_start_is_judged_by_the_job_s_pauses_and_when_due(server: LoggingServer) -> None:
    """Nobody knows when in its span the job is to run; after a pause on a day without games it may be due any time."""
    watched = Watched(server, linked(start=None), **{JOB.replace("-", "_"): timedelta(hours=25)})
    ran(watched, "2026-01-06 06:30")
    assert told(watched, "2026-01-06 07:10", "2026-01-07 07:30") == []
    title = f"The scheduler job {JOB} has not run for 6 January 2026"
    assert told(watched, "2026-01-07 07:32", "2026-01-07 09:30") == [
        ("2026-01-07 07:32", title), ("2026-01-07 09:30", title),
    ]  # fmt: skip
    ran(watched, "2026-01-07 10:00", "2026-01-08 06:30")
    looks = [f"2026-01-{day} {hour:02}:10" for day in ("09", "10") for hour in range(24)]
    assert told(watched, *looks[: 24 + 9]) == [], "paused on the 9th, for the 8th; nothing is missed before it is due"
    title = f"The scheduler job {JOB} has not run for 9 January 2026"
    assert told(watched, "2026-01-10 09:00", "2026-01-10 09:01") == [("2026-01-10 09:01", title)]


CHANGES = [(date(2026, 3, 7), "2026-03-08 11:00"), (date(2026, 10, 31), "2026-11-01 12:00")]


@pytest.mark.parametrize(("run_date", "decided"), CHANGES, ids=["forward", "back"])
def test_it_is_missed_by_the_wall_clock_on_days_of_a_clock_change(
    server: LoggingServer, run_date: date, decided: str
) -> None:
    """07:00 in New York; a job in another zone that runs an hour early in that week counts."""
    pipeline = replace(linked(), calendar=CalendarList(dates=(run_date, run_date + timedelta(days=20))))
    watched = Watched(server, pipeline)
    moment = datetime.fromisoformat(decided).replace(tzinfo=UTC)
    watched.attempt(JOB, moment - timedelta(hours=20))
    assert watched.found(moment) == []
    assert watched.found(moment + timedelta(minutes=1)) == [f"scheduler:{JOB}:silent"]
    early = Watched(server, pipeline)
    early.attempt(JOB, moment - timedelta(minutes=85))
    assert early.found(moment + timedelta(minutes=1)) == []


def test_a_turn_may_cross_midnight(server: LoggingServer) -> None:
    """A phase that starts late in the evening and is due after midnight."""
    late, night = DayTime(day=0, at=time(23, 45)), DayTime(day=1, at=time(2, 0))
    watched = Watched(server, linked(start=late, due=night))
    ran(watched, "2026-01-05 23:45")
    assert told(watched, "2026-01-06 00:30", "2026-01-06 23:50", "2026-01-07 00:10") == []
    assert told(watched, "2026-01-07 00:16") == [
        ("2026-01-07 00:16", f"The scheduler job {JOB} has not run for 6 January 2026"),
    ]


def test_a_calendar_that_ends_is_unknown(server: LoggingServer) -> None:
    """The job that starts a phase cannot be judged."""
    watched = Watched(server, linked())
    ran(watched, "2026-01-30 06:30")
    judgement = watched.look(et("2026-01-30 07:30"))
    assert (judgement.status, judgement.findings) == (Status.UNKNOWN, ())
    assert "does not cover 30 January 2026" in judgement.evidence.unseen[0]


def test_more_attempts_than_one_read_takes_are_read_by_the_next(server: LoggingServer) -> None:
    """Nothing is lost, nothing counted twice, and nobody is called silent for what was not read yet."""
    from checks.sources import scheduler_logs

    watched = Watched(server, often=HOUR)
    pages = scheduler_logs._MAX_PAGES * 1_000
    begin = NOW - timedelta(hours=20)
    for number in range(pages + 500):
        watched.attempt("often", begin + timedelta(seconds=7 * number), "INTERNAL")
    first = watched.look(NOW + HOUR)
    assert first.status is Status.FAILING
    assert [f.fingerprint for f in first.findings] == ["scheduler:often:failing"]
    assert "more than 10 pages" in first.evidence.unseen[0]
    second = watched.look(NOW + HOUR + timedelta(minutes=1))
    [finding] = second.findings
    assert (finding.fingerprint, finding.facts["measured"]) == (
        "scheduler:often:failing", f"{pages + 500} attempts in a row failed",
    )  # fmt: skip
    assert second.evidence.unseen == ()
