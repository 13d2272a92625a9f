"""What holds for any rows at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from checks.phases.model import PhaseDay, PhaseState
from checks.phases.states import judge_day
from checks.ports import CompletionRow
from tests.support.pipelines import GAME_DAY, completion, et, every_day, nba

CALENDAR = every_day(date(2026, 1, 1), date(2026, 1, 31))
PIPELINE = nba()
# From noon on: an early row is ignored, and its redelivery in the afternoon is the first that counts.
BEGIN = et("2026-01-12 12:00")

names = st.sampled_from([p.name for phase in PIPELINE.phases for p in phase.processors])
# Minutes over two days, coarse enough that equal times and deadlines are hit.
moments = st.integers(min_value=0, max_value=96).map(lambda steps: BEGIN + timedelta(minutes=30 * steps))


@st.composite
def completions(draw: st.DrawFn) -> CompletionRow:
    """A row of one of the expected processors."""
    completed = draw(moments)
    return completion(
        draw(names),
        completed,
        status=draw(st.sampled_from(["success", "partial", "failed", "skipped"])),
        record_count=draw(st.sampled_from([None, 0, 5])),
        execution_id=draw(st.sampled_from([None, "a", "b"])),
        inserted_at=completed + draw(st.sampled_from([timedelta(0), timedelta(hours=1)])),
    )


rows_lists = st.lists(completions(), max_size=25)


def without_flags(days: tuple[PhaseDay, ...]) -> list[PhaseDay]:
    """The days with everything but what is merely noted."""
    return [replace(day, flags=()) for day in days]


@given(
    rows=rows_lists, at=moments, name=st.text(max_size=12), when=moments, phase=st.sampled_from(["phase3", "4", "x"])
)
def test_unknown_rows_never_change_a_state(
    rows: list[CompletionRow], at: datetime, name: str, when: datetime, phase: str
) -> None:
    """Whatever somebody records under another name."""
    stranger = completion(f"stranger_{name}", when, phase=phase)
    before = judge_day(PIPELINE, GAME_DAY, rows, CALENDAR, at)
    assert without_flags(judge_day(PIPELINE, GAME_DAY, [*rows, stranger], CALENDAR, at)) == without_flags(before)


@given(rows=rows_lists, at=moments, seed=st.integers())
def test_the_order_of_rows_never_matters(rows: list[CompletionRow], at: datetime, seed: int) -> None:
    """A table has no order."""
    shuffled = list(rows)
    Random(seed).shuffle(shuffled)
    assert judge_day(PIPELINE, GAME_DAY, shuffled, CALENDAR, at) == judge_day(PIPELINE, GAME_DAY, rows, CALENDAR, at)


@given(rows=rows_lists, at=moments, data=st.data(), later=st.integers(min_value=0, max_value=10))
def test_duplicates_never_change_a_state(
    rows: list[CompletionRow], at: datetime, data: st.DataObject, later: int
) -> None:
    """A redelivered message is written again, at the same time or later."""
    if not rows:
        return
    row = data.draw(st.sampled_from(rows))
    delay = timedelta(minutes=30 * later)
    again = replace(row, completed_at=row.completed_at + delay, inserted_at=row.inserted_at + delay)
    before = judge_day(PIPELINE, GAME_DAY, rows, CALENDAR, at)
    assert without_flags(judge_day(PIPELINE, GAME_DAY, [*rows, again], CALENDAR, at)) == without_flags(before)


@given(rows=rows_lists, at=moments)
def test_every_expected_processor_is_either_done_or_missing(rows: list[CompletionRow], at: datetime) -> None:
    """And satisfied means exactly that there is a moment at which it was."""
    for day in judge_day(PIPELINE, GAME_DAY, rows, CALENDAR, at):
        expected = sorted(p.name for p in PIPELINE.phase(day.phase).expected_on(GAME_DAY))
        assert sorted((*day.done, *day.missing)) == expected
        assert (day.satisfied_at is not None) == day.state.satisfied
        assert (day.last_completed_at is not None) == bool(day.done)
        assert (day.stalled_since is not None) == (day.state is PhaseState.STALLED)
        assert (day.failed_since is not None) == (day.state is PhaseState.FAILED)


@given(rows=rows_lists, new=completions(), at=moments)
def test_a_new_row_never_moves_a_phase_backwards(rows: list[CompletionRow], new: CompletionRow, at: datetime) -> None:
    """What is done stays done, and no later; only a failed row makes a phase failed.

    A row may put the phases behind it in trouble: it may let one start that then does nothing, and has been due.
    """
    before = judge_day(PIPELINE, GAME_DAY, rows, CALENDAR, at)
    after = judge_day(PIPELINE, GAME_DAY, [*rows, new], CALENDAR, at)
    for was, now in zip(before, after, strict=True):
        assert set(was.done) <= set(now.done)
        assert all(now.done_at[name] <= moment for name, moment in was.done_at.items())
        if was.satisfied_at is not None:
            assert now.satisfied_at is not None
            assert now.satisfied_at <= was.satisfied_at
        if now.state is PhaseState.FAILED:
            assert was.state is PhaseState.FAILED or new.status == "failed"
        if was.state is PhaseState.COMPLETE:
            assert now.state is PhaseState.COMPLETE


@given(rows=rows_lists, at=st.integers(min_value=-96, max_value=300).map(lambda n: BEGIN + timedelta(minutes=10 * n)))
def test_nothing_is_owed_before_it_is_due(rows: list[CompletionRow], at: datetime) -> None:
    """Before that a phase is wanting only if it failed, or stands still although it could have gone on for long."""
    for day in judge_day(PIPELINE, GAME_DAY, rows, CALENDAR, at):
        assert day.due_at is not None
        if at < day.due_at:
            assert day.state not in (PhaseState.INCOMPLETE, PhaseState.BLOCKED, PhaseState.COMPLETE_LATE)
        if day.state is PhaseState.STALLED:
            assert day.stalled_since is not None
            assert day.start_at is not None
            assert at >= day.start_at + timedelta(minutes=90)
