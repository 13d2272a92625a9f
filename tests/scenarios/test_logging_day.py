"""The read quota: parts of a simulated day (bench/simulated_day.py runs all of it)."""

from __future__ import annotations

import pytest

from tests.support.logging_day import simulate

HALF = 30


@pytest.mark.parametrize(
    ("first", "last"),
    [(170, 200), (355, 380), (598, 601), (715, 770), (895, 905)],
    ids=["quota errors", "a failing function", "storm", "no watcher", "restart"],
)
def test_less_than_half_of_the_read_quota_is_used(first: int, last: int) -> None:
    """In any sixty seconds; and every failure is counted once."""
    day = simulate(first=first, last=last)
    assert 0 < day.busiest < HALF
    assert day.counted == day.written
