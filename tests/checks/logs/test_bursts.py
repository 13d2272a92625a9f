"""What is remembered of a burst, and what is left out at its ends, changes nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.logs.bursts import Bursts, events
from checks.logs.entry import Entry, entry_of
from checks.logs.occurrences import Occurrence, occurrences
from tests.checks.logs.entries import entry
from tests.checks.logs.test_properties import PRINTED, pieces

SLOW = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOISE = ("loaded rows", "ok", "DataLoaded", "it went wrong", "ERROR:root:it went wrong", "two\nlines", "a: b")
# Seconds to the next entry, on both sides of every distance that matters.
GAPS = (0.0, 0.000_017, 0.000_999, 0.001, 0.001_001, 0.01, 0.010_001, 0.9, 1.0, 1.000_001, 4.9, 5.0, 5.000_001, 60.0)
whole = st.sampled_from([one["text"] for one in PRINTED])


@st.composite
def groups(draw: st.DrawFn) -> list[Entry]:
    """Entries of one group in order of time."""
    texts = draw(st.lists(st.one_of(pieces, st.sampled_from(NOISE), whole), min_size=1, max_size=12))
    made: list[Entry] = []
    at = 0.0
    for number, text in enumerate(texts):
        at = round(at + draw(st.sampled_from(GAPS)), 6)
        fields: dict[str, Any] = {"severity": draw(st.sampled_from(("DEFAULT", "DEFAULT", "INFO", "ERROR")))}
        if draw(st.integers(0, 9)) == 0:
            fields["logName"] = "projects/demo/logs/run.googleapis.com%2Fstdout"
        one = entry_of(entry(text, at, number, **fields))
        assert one is not None
        made.append(one)
    return made


def told(found: list[Occurrence]) -> list[tuple[Any, ...]]:
    return [(one.what, [e.insert_id for e in one.telling], [e.insert_id for e in one.repeating]) for one in found]


@SLOW
@given(st.lists(groups(), min_size=1, max_size=3))
def test_bursts_are_judged_as_the_whole_group_would_be(some: list[list[Entry]]) -> None:
    """At first, and again from memory, moved in time and by another instance."""
    bursts = Bursts()
    for group in some:
        expected = told(occurrences(events(group)))
        assert told(bursts.judge(group)) == expected
        moved = [one._replace(nanos=one.nanos + 3_600_000_000_123, instance="ff") for one in group]
        assert told(bursts.judge(moved)) == expected
