"""The times of a piece, found by counting, hold all that are in it, and not much more."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from checks.exports.times import GRAIN, TIME_KEY, span_of

START = datetime(2026, 1, 26, 9, 7, 4, tzinfo=UTC)
FORMS = ("%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%S.%f123Z", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.250Z")


def piece(moments: list[str], colon: str = ": ") -> bytes:
    """A line for each, as ``json.dumps`` writes it."""
    return b"".join(
        json.dumps({"textPayload": "x", "timestamp": at}, separators=(", ", colon)).encode() + b"\n" for at in moments
    )


@given(
    st.lists(st.tuples(st.integers(0, 30_000_000), st.sampled_from(FORMS)), min_size=1, max_size=30),
    st.sampled_from((": ", ":")),
    st.booleans(),
    st.sampled_from((1, 20, 4_000)),
)
def test_it_holds_all_times_in_the_piece(rows: list[tuple[int, str]], colon: str, in_order: bool, spread: int) -> None:
    """In whatever order, however far apart and however written, if all are in UTC."""
    moments = [START + timedelta(microseconds=at * spread // 10) for at, _ in rows]
    if in_order:
        moments.sort()
    data = piece([at.strftime(form) for at, (_, form) in zip(moments, rows, strict=True)], colon)
    low, high = span_of(data, data.count(TIME_KEY)) or (0, 0)
    seconds = [int(at.timestamp()) for at in moments]
    assert low <= min(seconds) // GRAIN
    assert high >= max(seconds) // GRAIN
    assert (high - low) * GRAIN <= max(12, 3 * (max(seconds) - min(seconds)) + 600)


def test_a_time_far_from_the_others_is_seen() -> None:
    """Neither the first nor the last."""
    at = "2026-01-26T09:07:0{}.000001Z".format
    data = piece([at(1), at(2), "2026-01-26T11:00:00.000001Z", at(3), at(4)])
    low, high = span_of(data, 5) or (0, 0)
    assert (high - low) * GRAIN > 6_700


def test_what_is_not_in_utc_or_no_time_is_not_known() -> None:
    """Such a piece is looked at in any case."""
    usual = "2026-01-26T09:07:01.000001Z"
    for other in (
        "2026-01-26T09:07:01.000001+05:00",
        "2026-01-26T09:07:01+05:00",
        "yesterday",
        "",
        "2026-13-26T09:07:01Z",
    ):
        for row in ([usual, other, usual], [other, usual], [usual, other], [other]):
            data = piece(row)
            assert span_of(data, data.count(TIME_KEY)) is None
