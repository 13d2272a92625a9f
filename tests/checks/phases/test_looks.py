"""When nobody has to be asked: nothing due, nothing open; and what is looked at all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from checks.phases.evidence import TableEvidence
from checks.phases.looks import awaited_from, next_look, unproved
from checks.phases.model import PhaseDay
from checks.phases.states import judge_days
from checks.ports import CompletionRow
from tests.support.pipelines import GAME_DAY, completion, completions_of, et, every_day, nba, with_phase

CALENDAR = every_day(date(2026, 1, 1), date(2026, 1, 31), without=[date(2026, 1, 14)])
IDLE = timedelta(minutes=30)


def days(rows: list[CompletionRow], now: datetime, back: int = 1) -> list[tuple[PhaseDay, ...]]:
    """The run dates up to the local date of ``now``."""
    today = now.astimezone(nba().zone).date()
    return judge_days(nba(), [today - timedelta(days=n) for n in range(back, -1, -1)], rows, CALENDAR, now)


def settled(*run_dates: date) -> list[CompletionRow]:
    """Everything of these run dates, recorded on the morning after."""
    morning = timedelta(days=1)
    return [
        row
        for day in run_dates
        for phase, hour in (("phase2", 4), ("phase3", 7), ("phase4", 8))
        for row in completions_of(phase, et(f"{day + morning} {hour:02}:00"), run_date=day)
    ]


def test_a_phase_is_awaited_from_its_start_or_from_what_waits_for_it() -> None:
    """Phase 2 has no start of its own; phase 3, which waits for it, begins before phase 2 is due."""
    times = [awaited_from(nba(), phase, GAME_DAY) for phase in nba().phases]
    assert times == [et("2026-01-13 06:30"), et("2026-01-13 06:30"), et("2026-01-13 07:00")]
    alone = with_phase(with_phase(nba(), "phase3", start=None), "phase4", start=None)
    assert awaited_from(alone, alone.phase("phase2"), GAME_DAY) == et("2026-01-13 07:00")


def test_when_all_is_settled_nobody_is_asked_until_midnight() -> None:
    """On a date without games, with the day before complete."""
    now = et("2026-01-14 09:00")
    look = next_look(nba(), days(settled(date(2026, 1, 13)), now), now, idle=IDLE)
    assert look is not None
    assert (look.at, look.why) == (
        et("2026-01-15 00:00"),
        "nothing is due before 2026-01-15 00:00 EST (another run date)",
    )


def test_a_date_that_is_not_settled_is_looked_at_now_and_then() -> None:
    """A row that failed early is seen half an hour later at most; what is due next is named."""
    now = et("2026-01-13 09:00")
    look = next_look(nba(), days(settled(GAME_DAY), now), now, idle=IDLE)
    assert look is not None
    assert look.at == now + IDLE
    assert look.why == "nothing is due before 2026-01-14 06:30 EST (phase2 of 2026-01-13)"


def test_a_look_is_never_later_than_what_is_due() -> None:
    """A moment before the start the next look is at the start; from then on each time, until it is settled."""
    before = et("2026-01-13 06:20")
    look = next_look(nba(), days([], before), before, idle=IDLE)
    assert look is not None
    assert (look.at, look.why) == (
        et("2026-01-13 06:30"),
        "nothing is due before 06:30 EST (phase2 of 2026-01-12)",
    )
    for now in (et("2026-01-13 06:30"), et("2026-01-13 08:59"), et("2026-01-13 12:00")):
        assert next_look(nba(), days([], now), now, idle=IDLE) is None


@pytest.mark.parametrize("status", ["failed", "success"])
def test_trouble_is_looked_at_each_time(status: str) -> None:
    """A critical processor that failed in the afternoon is open; one that succeeded is not."""
    now = et("2026-01-12 15:00")
    rows = [*settled(date(2026, 1, 11)), completion("p2_odds_game_lines", et("2026-01-12 14:00"), status=status)]
    look = next_look(nba(), days(rows, now), now, idle=IDLE)
    assert (look is None) == (status == "failed")


def test_an_unknown_date_is_looked_at_each_time() -> None:
    """The calendar may reach further any moment."""
    now = et("2026-02-01 10:00")
    assert next_look(nba(), days(settled(date(2026, 1, 31)), now), now, idle=IDLE) is None


def test_clock_changes_move_the_look_with_the_clock() -> None:
    """06:30 on the wall on both days."""
    for run_date, at in (
        (date(2026, 3, 7), "2026-03-08T10:30:00+00:00"),
        (date(2026, 10, 31), "2026-11-01T11:30:00+00:00"),
    ):
        assert awaited_from(nba(), nba().phase("phase3"), run_date) == datetime.fromisoformat(at)


def test_tables_are_asked_for_what_is_missing_and_awaited() -> None:
    """Not before a processor can be done, nor once the phase is satisfied; a report asks early."""
    proof = TableEvidence(table="d.t", date="game_date")
    processors = tuple(replace(p, evidence=(*p.evidence, proof)) for p in nba().phase("phase2").processors)
    pipeline = with_phase(nba(), "phase2", processors=processors)

    def asked(rows: list[CompletionRow], now: datetime, *, early: bool) -> list[date]:
        judged = judge_days(pipeline, [GAME_DAY], rows, CALENDAR, now)
        return [day for _, day in unproved(pipeline, judged, now, early=early)]

    evening, morning = et("2026-01-12 20:00"), et("2026-01-13 06:30")
    assert asked([], evening, early=False) == []
    assert asked([], evening, early=True) == [GAME_DAY]
    assert asked([], morning, early=False) == [GAME_DAY]
    enough = completions_of("phase2", et("2026-01-13 04:00"))[:4]
    assert asked(enough, morning, early=False) == [], "the quorum is reached"
    assert asked(enough, morning, early=True) == [GAME_DAY], "a report says what there is"
    assert asked(completions_of("phase2", et("2026-01-13 04:00")), morning, early=True) == []
