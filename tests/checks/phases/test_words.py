"""The sentences people read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from checks.phases.model import PhaseDay, PhaseState
from checks.phases.words import headline, one_line, reason_it_is_over

PHASE2 = PhaseDay(pipeline="nba", phase="phase2", run_date=date(2026, 1, 5), state=PhaseState.INCOMPLETE)
DAY = PhaseDay(
    pipeline="nba",
    phase="phase3",
    run_date=date(2026, 1, 5),
    state=PhaseState.STALLED,
    done=("c", "d"),
    missing=("a", "b", "e"),
    flags=("failed:a", "rerun:c"),
    upstream=("phase2",),
)


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (DAY, "phase3 of 5 January 2026 has stalled: 3 of 5 completions missing, nothing new since it could start"),
        (replace(DAY, state=PhaseState.FAILED), "phase3 of 5 January 2026 failed: a"),
        (
            replace(DAY, state=PhaseState.FAILED, flags=tuple(f"failed:{n}" for n in "abcde")),
            "phase3 of 5 January 2026 failed: a, b, c and 2 more",
        ),
        (
            replace(DAY, state=PhaseState.INCOMPLETE),
            "phase3 of 5 January 2026 is incomplete after its due time: 3 of 5 completions missing",
        ),
        (
            replace(DAY, state=PhaseState.INCOMPLETE, done=(), missing=("a", "b")),
            "phase3 of 5 January 2026 is not recorded: none of 2 completions arrived by its due time",
        ),
        (replace(DAY, state=PhaseState.BLOCKED), "phase3 of 5 January 2026 is blocked: it waits for phase2"),
        (replace(DAY, phase="ingest", state=PhaseState.FAILED), "Phase ingest of 5 January 2026 failed: a"),
    ],
)
def test_headlines(day: PhaseDay, text: str) -> None:
    """One line that says what is wrong with which phase of which date."""
    assert headline(day, (PHASE2, day)) == text


def test_a_headline_is_one_short_line() -> None:
    """Names may be as long as they like."""
    text = headline(replace(DAY, phase="x" * 200 + "\n"), (DAY,))
    assert (len(text), text[-5:], "\n" in text) == (120, "xx...", False)
    assert one_line("x" * 120) == "x" * 120


def test_why_it_is_over() -> None:
    """All, enough, or nothing owed."""
    last = datetime(2026, 1, 6, 13, 5, tzinfo=UTC)
    done = replace(DAY, state=PhaseState.COMPLETE, done=tuple("abcde"), missing=(), last_completed_at=last)
    quorum = replace(DAY, state=PhaseState.QUORUM, done=tuple("abc"), missing=("d", "e"), last_completed_at=last)
    nothing = replace(DAY, state=PhaseState.NOT_EXPECTED, done=(), missing=())
    assert [reason_it_is_over(day) for day in (done, quorum, nothing)] == [
        "all 5 completions of phase3 for 2026-01-05 are recorded, the last at 2026-01-06T13:05:00Z",
        "3 of 5 completions of phase3 for 2026-01-05 are recorded, which is enough, the last at 2026-01-06T13:05:00Z",
        "no run of phase3 is owed for 2026-01-05",
    ]
