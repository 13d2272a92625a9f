"""Which signals people hear of: minimum rates and outcome conditions, over as many runs of the check as they take.

Pure: what has to be remembered goes out as JSON and comes back with the next run. Only signals with a condition are
remembered; the others are told as they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from checks.logs.activity import Run
from checks.logs.entry import EPOCH
from checks.logs.rules import Rate, SignalRule
from checks.logs.signals import MAX_CAPTURED, MAX_IDS, Signal
from checks.model import JsonValue, stamp

MAX_PAIRS = 200
MAX_BUCKETS = 60
MAX_REVISIONS = 10
_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What people hear of one signal in one function: the matches that they have not heard of yet."""

    rule: SignalRule
    service: str
    count: int
    first_seen: datetime
    last_seen: datetime
    revisions: tuple[str, ...]
    execution_ids: tuple[str, ...]
    captured: Mapping[str, tuple[str, ...]]
    sample: str


@dataclass(slots=True)
class _Bucket:
    """Matches of one stretch of time; ``own_*``: of those that a run of the function wrote itself."""

    count: int
    last: datetime
    own_first: datetime | None
    own_last: datetime | None
    new: bool = True  # something in it was not told yet


@dataclass(slots=True)
class _Pair:
    """One signal in one function; ``told`` holds what nobody heard of yet, None if there is nothing."""

    buckets: dict[int, _Bucket] = field(default_factory=dict)
    told: Told | None = None


def judge(
    found: Sequence[Signal],
    rules: Mapping[str, SignalRule],
    remembered: JsonValue,
    runs: Mapping[str, Run],
    *,
    now: datetime,
    settle: timedelta,
) -> tuple[list[Told], JsonValue]:
    """What to tell now, and what to remember.

    - Without a condition: every match, at once.
    - ``at_least``: once so many fell into one span of ``within``, untold ones among them. Time is counted in buckets of
      a minute or a sixtieth of ``within``, whichever is longer.
    - ``unless_later_success``: once the oldest match that no success followed has waited for twice ``settle``: so long
      that a success in the time of ``settle`` after it is known. A success is a run in ``runs`` (the latest settled one
      of each function) that began after the match, with no match of the function's own in it.

    :param remembered: what the last run returned, of any shape.
    """
    pairs = _read(remembered, rules)
    told: list[Told] = []
    for signal in found:
        rule = rules[signal.signature]
        pair = pairs.setdefault((signal.service, signal.signature), _Pair())
        pair.told = _joined(pair.told, rule, signal)
        width = _width(rule.at_least)
        for minute, matches in signal.minutes.items():
            start = minute - minute % width
            fresh = _Bucket(matches.count, matches.last, matches.own_first, matches.own_last)
            pair.buckets[start] = _sum(pair.buckets[start], fresh) if start in pair.buckets else fresh
    for (service, name), pair in sorted(pairs.items()):
        rule = rules[name]
        if rule.unless_later_success:
            _forgive(pair, runs.get(service))
        if pair.told is not None and _is_due(pair, pair.told, now, settle):
            told.append(pair.told)
            pair.told = None
            for bucket in pair.buckets.values():
                bucket.new = False
        _forget(pair, rule, now, settle)
    kept = {key: pair for key, pair in pairs.items() if pair.buckets}
    return told, _written(kept)


def _joined(old: Told | None, rule: SignalRule, signal: Signal) -> Told:
    new = Told(
        rule=rule,
        service=signal.service,
        count=signal.count,
        first_seen=signal.first_seen,
        last_seen=signal.last_seen,
        revisions=(signal.revision,) if signal.revision else (),
        execution_ids=signal.execution_ids,
        captured=signal.captured,
        sample=signal.sample,
    )
    if old is None:
        return new
    first = old if old.first_seen <= new.first_seen else new
    names = dict.fromkeys((*old.captured, *new.captured))
    return replace(
        first,
        count=old.count + new.count,
        last_seen=max(old.last_seen, new.last_seen),
        revisions=_both(old.revisions, new.revisions, MAX_REVISIONS),
        execution_ids=_both(old.execution_ids, new.execution_ids, MAX_IDS),
        captured={n: _both(old.captured.get(n, ()), new.captured.get(n, ()), MAX_CAPTURED) for n in names},
    )


def _both(one: Iterable[str], other: Iterable[str], at_most: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))[:at_most]


def _width(rate: Rate | None) -> int:
    """Minutes per bucket."""
    if rate is None:
        return 1
    minutes = int(rate.within.total_seconds()) // _SECONDS
    return max(1, -(-minutes // MAX_BUCKETS))


def _sum(one: _Bucket, other: _Bucket) -> _Bucket:
    firsts = [at for at in (one.own_first, other.own_first) if at]
    lasts = [at for at in (one.own_last, other.own_last) if at]
    return _Bucket(
        count=one.count + other.count,
        last=max(one.last, other.last),
        own_first=min(firsts) if firsts else None,
        own_last=max(lasts) if lasts else None,
        new=one.new or other.new,
    )


def _forgive(pair: _Pair, run: Run | None) -> None:
    """Drop the matches before a success."""
    if run is None:
        return
    for bucket in pair.buckets.values():
        if any(at is not None and run.began <= at <= run.at for at in (bucket.own_first, bucket.own_last)):
            return  # this run wrote the text itself
    gone = [start for start, bucket in pair.buckets.items() if bucket.last < run.began]
    for start in gone:
        del pair.buckets[start]
    _trim(pair)


def _trim(pair: _Pair) -> None:
    """What is told covers no more than the buckets that are left."""
    if not pair.buckets:
        pair.told = None
    elif pair.told is not None:
        oldest = min(pair.buckets)
        first_seen = pair.told.first_seen
        if first_seen < EPOCH + timedelta(minutes=oldest):
            first_seen = pair.buckets[oldest].last
        left = sum(bucket.count for bucket in pair.buckets.values())
        pair.told = replace(pair.told, count=min(pair.told.count, left), first_seen=first_seen)


def _is_due(pair: _Pair, told: Told, now: datetime, settle: timedelta) -> bool:
    rule = told.rule
    if rule.at_least is not None and not _often(pair.buckets, rule.at_least):
        return False
    if not rule.unless_later_success:
        return True
    oldest = EPOCH + timedelta(minutes=min(pair.buckets))
    if told.first_seen - oldest < timedelta(minutes=_width(rule.at_least)):
        oldest = told.first_seen  # else there are older ones that people have heard of already
    return oldest + 2 * settle <= now


def _often(buckets: Mapping[int, _Bucket], rate: Rate) -> bool:
    """Whether a span with a match in it that was not told yet holds enough."""
    starts = sorted(buckets)
    minutes = max(1, int(rate.within.total_seconds()) // _SECONDS)
    begin = total = fresh = 0
    for start in starts:
        total += buckets[start].count
        fresh += buckets[start].new
        while starts[begin] <= start - minutes:
            total -= buckets[starts[begin]].count
            fresh -= buckets[starts[begin]].new
            begin += 1
        if fresh and total >= rate.count:
            return True
    return False


def _forget(pair: _Pair, rule: SignalRule, now: datetime, settle: timedelta) -> None:
    """Drop what can no longer matter: told and out of the span, or too few for ever."""
    if rule.at_least is None and not rule.unless_later_success:
        pair.buckets.clear()
        return
    span = rule.at_least.within if rule.at_least else 2 * settle
    horizon = now - span - 2 * settle
    if pair.told is None or rule.at_least is not None:
        pair.buckets = {start: bucket for start, bucket in pair.buckets.items() if bucket.last > horizon}
    for start in sorted(pair.buckets)[: -4 * MAX_BUCKETS]:
        del pair.buckets[start]
    _trim(pair)


# -- memory as JSON ---------------------------------------------------------------------------------------------------


def _written(pairs: Mapping[tuple[str, str], _Pair]) -> JsonValue:
    """The pairs with the latest matches, at most ``MAX_PAIRS``."""
    latest = sorted(pairs.items(), key=lambda item: max(bucket.last for bucket in item[1].buckets.values()))
    return [
        {
            "service": service,
            "signal": name,
            "buckets": [
                [start, b.count, stamp(b.last), _stamp(b.own_first), _stamp(b.own_last), b.new]
                for start, b in sorted(pair.buckets.items())
            ],
            "untold": None if pair.told is None else _told_json(pair.told),
        }
        for (service, name), pair in latest[-MAX_PAIRS:]
    ]


def _told_json(told: Told) -> dict[str, JsonValue]:
    return {
        "count": told.count,
        "first": stamp(told.first_seen),
        "last": stamp(told.last_seen),
        "revisions": list(told.revisions),
        "executions": list(told.execution_ids),
        "captured": {name: list(values) for name, values in told.captured.items()},
        "sample": told.sample,
    }


def _read(remembered: Any, rules: Mapping[str, SignalRule]) -> dict[tuple[str, str], _Pair]:
    """What was remembered, of the signals that still are; what cannot be read is forgotten."""
    pairs: dict[tuple[str, str], _Pair] = {}
    for item in remembered if isinstance(remembered, list) else ():
        try:
            service, name = str(item["service"]), str(item["signal"])
            if name in rules:
                buckets = {
                    int(start): _Bucket(int(count), _at(last), first and _at(first), end and _at(end), new=bool(new))
                    for start, count, last, first, end, new in item["buckets"]
                }
                told = _told(item["untold"], rules[name], service) if item["untold"] else None
                pairs[service, name] = _Pair(buckets, told)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return pairs


def _told(item: Any, rule: SignalRule, service: str) -> Told:
    return Told(
        rule=rule,
        service=service,
        count=int(item["count"]),
        first_seen=_at(item["first"]),
        last_seen=_at(item["last"]),
        revisions=tuple(map(str, item["revisions"])),
        execution_ids=tuple(map(str, item["executions"])),
        captured={str(name): tuple(map(str, values)) for name, values in item["captured"].items()},
        sample=str(item["sample"]),
    )


def _stamp(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)


def _at(text: Any) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at
