"""The cursor over Cloud Logging: what is read again, what is remembered, and that nothing else is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.cloud_logging import cursor as cursors
from checks.cloud_logging.cursor import LEAST_OVERLAP, MAX_REMEMBERED, MOST_OVERLAP, Cursor, Progress, advanced
from checks.cloud_logging.filters import Place

NOON = datetime(2026, 1, 26, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def progress(reached: datetime, **changes: Any) -> Progress:
    values: dict[str, Any] = {
        "reached": reached,
        "until": reached,
        "full": False,
        "step": timedelta(hours=1),
        "lag": None,
        "seen": {},
        "places": (),
    }
    return Progress(**(values | changes))


def test_it_survives_its_storage() -> None:
    """As JSON; what is damaged or of another version is a fresh start."""
    place = Place(field='labels."instanceId"', value='a"b', start=NOON, end=NOON + MINUTE)
    cursor = Cursor(
        start=NOON,
        high=NOON + MINUTE,
        overlap=timedelta(seconds=150.5),
        step=timedelta(minutes=7),
        seen={cursors.key_of("x", 1): 1_769_428_800},
        places=((place, NOON + 2 * MINUTE),),
    )
    stored = json.loads(json.dumps(cursor.as_json()))
    assert Cursor.of(stored) == cursor
    for damage in ({"version": 2}, {"seen": "?"}, {"start": "x"}, {"places": [1]}, {"seen": "AAAA"}):
        assert Cursor.of(stored | damage) is None
    assert Cursor.of(None) is None


@settings(max_examples=200, deadline=None)
@given(st.recursive(st.none() | st.text(max_size=5) | st.integers(), lambda x: st.dictionaries(st.text(max_size=5), x)))
def test_no_stored_value_crashes_it(stored: Any) -> None:
    """Whatever it is."""
    assert Cursor.of(stored) is None


def test_the_next_read_begins_an_overlap_before_the_end() -> None:
    """And never before the last one began: of what lies there nothing is remembered."""
    first, said = advanced(Cursor.first(NOON - timedelta(hours=24)), progress(NOON))
    assert (first.start, first.high, said) == (NOON - LEAST_OVERLAP, NOON, [])
    second, _ = advanced(Cursor.first(NOON), progress(NOON + MINUTE))
    assert second.start == NOON


@pytest.mark.parametrize(
    ("lag", "expected"), [(1, LEAST_OVERLAP), (720, timedelta(seconds=720)), (9_000, MOST_OVERLAP)]
)
def test_a_measured_lag_widens_the_overlap_by_itself(lag: int, expected: timedelta) -> None:
    """At once and up to a limit; it comes back slowly."""
    cursor, _ = advanced(Cursor.first(NOON - timedelta(hours=5)), progress(NOON, lag=timedelta(seconds=lag)))
    assert cursor.overlap == expected
    assert cursor.start == NOON - expected
    after = cursor
    for minute in range(1, 200):
        before = after.overlap
        after, _ = advanced(after, progress(NOON + minute * MINUTE))
        assert after.overlap <= before
    assert after.overlap == LEAST_OVERLAP


def test_a_read_that_was_stopped_goes_on_where_it_was() -> None:
    """By an error or by the limit: the overlap counts from where it wanted to go."""
    stopped = progress(NOON - timedelta(hours=3), until=NOON, full=True)
    cursor, said = advanced(Cursor.first(NOON - timedelta(hours=9)), stopped)
    assert (cursor.start, said) == (NOON - timedelta(hours=3), [])


def test_what_cannot_be_read_twice_is_said() -> None:
    """More in the overlap than one read takes: it goes on without looking back, and says from when on."""
    before = Cursor(start=NOON - MINUTE, high=NOON - MINUTE / 2)
    after, [said] = advanced(before, progress(NOON - MINUTE / 2, until=NOON, full=True))
    assert after.start == NOON - MINUTE / 2
    assert said == "more entries than can be read twice: what arrived late before 2026-01-26T11:59:30Z may be missed"


def test_the_memory_is_bounded_and_what_it_forgets_is_said() -> None:
    """The oldest go, whole seconds at a time, and are not met again."""
    noon = cursors.second_of(NOON)
    seen = {cursors.key_of(str(n), n): noon - 100 + n // 500 for n in range(MAX_REMEMBERED + 5_000)}
    after, [said] = advanced(Cursor.first(NOON - 5 * MINUTE), progress(NOON, seen=seen))
    assert len(after.seen) <= MAX_REMEMBERED
    assert min(after.seen.values()) > cursors.second_of(after.start)
    assert said.startswith("more entries than can be remembered")


def test_the_memory_forgets_what_is_not_met_again() -> None:
    """A read that starts later."""
    noon = cursors.second_of(NOON)
    seen = {cursors.key_of("old", 1): noon - 3_600, cursors.key_of("young", 1): noon - 60}
    after, _ = advanced(Cursor.first(NOON - timedelta(hours=2)), progress(NOON, seen=seen))
    assert list(after.seen) == [cursors.key_of("young", 1)]


def test_a_window_that_was_too_full_gets_shorter() -> None:
    """To what fits, never to nothing."""
    start = cursors.second_of(NOON)
    even = [start + n for n in range(3_600)]
    assert cursors.smaller(timedelta(hours=2), even, NOON) == timedelta(seconds=2_880)
    burst = [start + 1.5] * 5_000
    assert cursors.smaller(timedelta(hours=1), burst, NOON) == cursors.SHORTEST_STEP
    assert cursors.smaller(timedelta(seconds=1), burst, NOON) == cursors.SHORTEST_STEP
    assert cursors.smaller(timedelta(hours=1), [], NOON) == timedelta(minutes=30)


def test_an_identity_is_of_its_entry_alone() -> None:
    """insertId and the time to the nanosecond."""
    second = 1_000_000_000
    one = cursors.key_of("a", second + 2)
    assert one == cursors.key_of("a", second + 2)
    assert len(one) == 8
    others = [("a", second + 3), ("a", 2 * second + 2), ("b", second + 2), ("a", -second - 2), ("a\0", second + 2)]
    assert len({one, *(cursors.key_of(*other) for other in others)}) == 6
    ends = [cursors.key_of("a", seconds * second) for seconds in (-(2**63), 2**63 - 1)]
    assert len({one, *ends}) == 3


def test_an_identity_is_the_same_in_every_process() -> None:
    """It is stored: the hash of texts, which differs from process to process, would forget all at each start."""
    program = "from checks.cloud_logging.cursor import key_of; print(key_of('a', 1).hex())"
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {cursors.key_of("a", 1).hex()}
