"""When the entries of a piece were written, without decoding them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeAlias

import stringzilla

from checks.exports.words import count, searcher
from checks.logs.entry import EPOCH

GRAIN = 2  # seconds
TIME_KEY = b'"timestamp"'
_TIME_BYTES = 40  # what is looked at after the key of a time: a colon, spaces, and the whole time
_SECOND_BYTES = len("2026-01-26T09:07:04")
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LEADS = (b': "', b':"')
_FORMS = tuple(b'0000-00-00T00:00:00%bZ"' % fraction for fraction in (b".000000", b".000000000", b".000", b""))
# Times of the same ten seconds begin with the same 18 letters, and so on.
_ROUND = ((10, 18), (60, 16), (600, 15), (3_600, 13))
_MAX_ROUND = 3
_TIME = re.compile(rb'\s{0,4}:\s{0,4}"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?Z"')
_find_keys = searcher([TIME_KEY])

# The earliest and the latest time of some entries, in grains; they may lie some seconds further apart than these are.
Span: TypeAlias = tuple[int, int]


def span_of(data: bytes, keys: int) -> Span | None:
    """The earliest and the latest of all times in a piece; None where they are not in UTC, or not all written alike.

    :param keys: how many there are, at least one.
    """
    first, last = data.find(TIME_KEY) + len(TIME_KEY), data.rfind(TIME_KEY) + len(TIME_KEY)
    lead = next((lead for lead in _LEADS if data.startswith(lead, first)), None)
    usual = lead is not None and _all_usual(data, TIME_KEY + lead, keys)
    if lead is not None and usual:
        ends = [second_of(data[at + len(lead) : at + len(lead) + _SECOND_BYTES]) for at in (first, last)]
        span = _counted(data, TIME_KEY + lead, keys, [end for end in ends if end is not None])
        if span is not None:
            return span
    return _compared([data[end : end + _TIME_BYTES] for _, _, end in _find_keys(data)], usual=usual)


def _all_usual(data: bytes, lead: bytes, keys: int) -> bool:
    """Whether after each key follows a time in UTC, written in one of the usual ways."""
    zeroed: bytes = stringzilla.translate(data, _ZEROS)
    for form in _FORMS:
        keys -= count(zeroed, lead + form)
        if not keys:
            return True
    return False


def _counted(data: bytes, lead: bytes, keys: int, ends: Sequence[int]) -> Span | None:
    """From the first and the last time, in seconds: nearly always all others lie between them. To count those that
    begin like these, and the few between them, proves it, in a fraction of the time that it takes to read all. None
    where it is not so.
    """
    if len(ends) < 2:  # noqa: PLR2004 - the first and the last
        return None
    low, high = min(ends), max(ends)
    for seconds, letters in _ROUND:
        rounded = range(low // seconds, high // seconds + 1)
        if len(rounded) <= _MAX_ROUND:
            found = sum(count(data, lead + _written(number * seconds)[:letters]) for number in rounded)
            return (rounded[0] * seconds // GRAIN, (rounded[-1] + 1) * seconds // GRAIN) if found == keys else None
    return None


def _compared(values: Sequence[bytes], *, usual: bool) -> Span | None:
    """The same from what stands after each key."""
    if not usual and not all(map(_TIME.match, values)):
        return None
    low, high = min(values), max(values)
    lead = low.index(b'"') + 1
    if low[:lead] != high[:lead]:  # not all are written with the same spaces before them
        return None
    earliest, latest = (second_of(value[lead : lead + _SECOND_BYTES]) for value in (low, high))
    return None if earliest is None or latest is None else (earliest // GRAIN, latest // GRAIN)


def grain_at(data: bytes, at: int) -> int | None:
    """The time after its key, which ends at ``at``, in grains since 1970; None where it is not plain."""
    found = _TIME.match(data, at)
    second = second_of(found[1]) if found else None
    return None if second is None else second // GRAIN


@lru_cache(maxsize=1024)
def second_of(time: bytes) -> int | None:
    """A time as ``2026-01-26T09:07:04`` (UTC) in seconds since 1970; None if there is no such time."""
    try:
        return (datetime.fromisoformat(f"{time.decode()}+00:00") - EPOCH) // timedelta(seconds=1)
    except ValueError:
        return None


@lru_cache(maxsize=64)
def _written(second: int) -> bytes:
    """The other way round."""
    return (EPOCH + timedelta(seconds=second)).isoformat()[:_SECOND_BYTES].encode()
