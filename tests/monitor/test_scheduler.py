"""The scheduler: on time, one instance, nothing dropped in silence. Real APScheduler, short intervals."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Self

import pytest

from checks.model import CheckRun, Judgement, Status, Subject
from monitor.clock import AcceleratedClock, SystemClock
from monitor.daemon.itself import ticked_lately
from monitor.daemon.scheduler import MOST_ABANDONED, Beat, Scheduler, nearest_slot
from tests.support.findings import START, at
from tests.support.watching import eventually

EVERY = timedelta(seconds=0.2)


class Ticking:
    """A check that only has a name and an interval; the scheduler looks at no more."""

    name = "ticking"
    every = EVERY
    about = Subject()

    def read(self, now: datetime, cursor: object) -> tuple[None, None]:
        return None, None

    def judge(self, observed: None, now: datetime) -> Judgement:
        return Judgement(status=Status.OK)


class Run:
    """A scheduler on one check, with what it did."""

    def __init__(self, work: object = None, clock: object = None, limit: timedelta = timedelta(minutes=10)) -> None:
        self.ticks: list[datetime] = []
        self.slots: list[datetime] = []
        self.reports: list[CheckRun] = []
        self._work = work or (lambda: None)
        self.scheduler = Scheduler(
            clock or SystemClock(),
            [Ticking()],
            self._tick,
            self._claim,
            lambda run, now: self.reports.append(run),
            limit,
        )
        self.stored: list[datetime] = []

    def _tick(self, check: object, now: datetime, may_store: Callable[[], bool]) -> None:
        self.ticks.append(now)
        self._work()
        if may_store():
            self.stored.append(now)

    def _claim(self, name: str, slot: datetime) -> bool:
        if slot in self.slots:
            return False
        self.slots.append(slot)
        return True

    def __enter__(self) -> Self:
        self.scheduler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.scheduler.stop()


def test_it_ticks_at_once_and_then_at_every_interval() -> None:
    """The first tick does not wait; each has a slot of its own; the beat says when it ended."""
    with Run() as run:
        eventually(lambda: len(run.ticks) >= 4, "four ticks")
        assert run.scheduler.alive
        beat = run.scheduler.beats()["ticking"]
        assert beat.ended_at is not None
    assert len(set(run.slots)) == len(run.slots)
    assert not run.scheduler.alive


def test_a_slot_that_somebody_else_has_is_not_run() -> None:
    """Replicas share the work."""
    with Run() as run:
        run.slots.extend(nearest_slot(datetime.now(UTC), EVERY) + n * EVERY for n in range(-2, 5))
        taken = len(run.slots)
        eventually(lambda: len(run.slots) > taken, "a free slot")
        assert len(run.ticks) <= len(run.slots) - taken + 1


def test_a_check_that_others_run_does_not_count_as_late_here() -> None:
    """Of two watchers on one state the slower one may never get a slot."""
    with Run() as run:
        eventually(lambda: run.ticks, "the first tick")
        run.slots.extend(nearest_slot(datetime.now(UTC), EVERY) + n * EVERY for n in range(-2, 50))
        before = run.scheduler.beats()["ticking"].ended_at
        ticks = len(run.ticks)
        eventually(lambda: run.scheduler.beats()["ticking"].ended_at != before, "its beat goes on")
        assert len(run.ticks) <= ticks + 1


def test_a_check_that_does_not_keep_up_is_a_fault_of_our_own() -> None:
    """Its next run is skipped, counted, and reported."""
    hold = threading.Event()
    with Run(work=hold.wait) as run:
        eventually(lambda: run.reports, "the skipped run is reported")
        assert run.scheduler.beats()["ticking"].skipped >= 1
        [finding] = run.reports[0].findings
        assert (finding.kind, finding.title) == (
            "skipped",
            "The check ticking does not keep up: its last run has not ended",
        )
        assert run.reports[0].status is Status.UNKNOWN
        hold.set()


def test_a_tick_that_fails_does_not_end_the_others() -> None:
    """The state could not be written: the next tick comes all the same."""

    def fail() -> None:
        raise OSError("disk full")

    with Run(work=fail) as run:
        eventually(lambda: len(run.ticks) >= 3, "further ticks")
        assert run.scheduler.alive


def test_a_check_that_hangs_is_left_behind_and_begun_anew() -> None:
    """It is told; what it finds in the end is not stored; the next run works."""
    hold, first = threading.Event(), [True]

    def hang_once() -> None:
        if first:
            first.clear()
            hold.wait()

    with Run(work=hang_once, limit=timedelta(seconds=0.3)) as run:
        eventually(lambda: [r for r in run.reports if r.findings[0].kind == "hung"], "it is told")
        eventually(lambda: run.stored, "a later run stores")
        hold.set()
        eventually(lambda: len(run.stored) >= 3, "and so on")
        assert run.ticks[0] not in run.stored
        [hung, *_] = [r for r in run.reports if r.findings[0].kind == "hung"]
        assert hung.findings[0].title.startswith("The check ticking hangs: a run did not end within 0 s")
        assert hung.status is Status.UNKNOWN


def test_a_check_that_hangs_again_and_again_is_left_alone() -> None:
    """Three threads hang; more are not begun, and that is said. It is not waited for at the end."""
    hold = threading.Event()
    with Run(work=hold.wait, limit=timedelta(seconds=0.1)) as run:
        eventually(lambda: "before a restart" in str([r.findings[0].title for r in run.reports]), "it is said")
        assert len(run.ticks) == MOST_ABANDONED
        assert run.stored == []
    hold.set()


def test_a_check_never_ticks_twice_at_once() -> None:
    """Nor when the interval comes round while the first tick, a job of its own, still runs."""
    busy, most = [0], [0]

    def work() -> None:
        busy[0] += 1
        most[0] = max(most[0], busy[0])
        time.sleep(EVERY.total_seconds() * 1.5)
        busy[0] -= 1

    with Run(work=work) as run:
        eventually(lambda: len(run.ticks) >= 3, "three ticks")
    assert most == [1]


def test_why_a_tick_failed_is_known_until_the_next_good_one() -> None:
    """For the supervisor."""
    failing = [True]

    def fail() -> None:
        if failing:
            raise OSError("disk full")

    with Run(work=fail) as run:
        eventually(lambda: run.scheduler.failed() == {"ticking": "OSError: disk full"}, "the reason")
        failing.clear()
        eventually(lambda: run.scheduler.failed() == {}, "its end")


def test_a_faster_clock_makes_shorter_intervals() -> None:
    """Ten minutes of the story may pass in a tick's real time."""
    with Run(clock=AcceleratedClock(START, speed=2.0)) as run:
        eventually(lambda: len(run.ticks) >= 6, "six ticks")
        first, last = run.ticks[0], run.ticks[5]
    assert first >= START
    assert last - first <= 20 * EVERY


@pytest.mark.parametrize(
    ("ended", "now", "lately"),
    [(None, at(0), False), (at(0), at(0) + timedelta(seconds=90), True), (at(0), at(1), False)],
)
def test_ready_means_that_the_last_tick_ended_lately(ended: datetime | None, now: datetime, lately: bool) -> None:
    """Three intervals and a minute of grace."""
    assert ticked_lately(Beat(every=timedelta(seconds=60), ended_at=ended), now, speed=1.0) is lately
