"""What points mean by a rule: for each function, subscription or topic whether it breaks it, keeps it, or is unseen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from checks.metrics.model import MetricQuery, MetricRule, MetricSeries, RuleKind, Target
from checks.model import normal_service

# Before the name of a function whose log entries were counted.
_LOG_OF = "log of "
Answers = Sequence[tuple[MetricQuery, Sequence[MetricSeries]]]


@dataclass(slots=True)
class _Measured:
    """What was measured of one subject: by the end of each period the value, the events, the bad ones by outcome."""

    values: dict[datetime, float] = field(default_factory=dict)
    events: Counter[datetime] = field(default_factory=Counter)
    bad: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a rule says of one subject. ``broken`` with the ``value`` that broke it, since when, and until when.

    ``events`` counts what was measured in the window; ``outcomes`` names the bad ones. Not broken, it is proven by a
    point at ``until``.
    """

    name: str
    broken: bool
    value: float
    since: datetime
    until: datetime
    events: int = 0
    outcomes: tuple[tuple[str, int], ...] = ()
    usual: float | None = None


def verdicts(
    rule: MetricRule, answers: Answers, begin: datetime, end: datetime, typical: Mapping[str, float] | None = None
) -> list[Verdict]:
    """One for every subject of which there is something to say, by name. What has no points is not among them, but for
    an absence, whose subjects are the rule's ``names``. ``typical``: what each usually does in an hour, for a runaway.
    """
    measured = _measured(rule, answers)
    if rule.kind is RuleKind.ABSENCE:
        return [_absence(name, measured.get(name, _Measured()), begin, end) for name in rule.names]
    if rule.kind is RuleKind.RUNAWAY:
        usual = typical or {}
        return [_runaway(rule, name, m, usual[name], end) for name, m in sorted(measured.items()) if name in usual]
    return [_threshold(rule, name, m) for name, m in sorted(measured.items())]


def typical_hours(rule: MetricRule, answers: Answers) -> dict[str, float]:
    """What each subject usually does in an hour: the median of the hours in which it did anything."""
    hours = {name: [value for value in m.values.values() if value > 0] for name, m in _measured(rule, answers).items()}
    return {name: median(values) for name, values in hours.items() if values}


def _measured(rule: MetricRule, answers: Answers) -> dict[str, _Measured]:
    found: dict[str, _Measured] = defaultdict(_Measured)
    for query, series in answers:
        for one in series:
            name = subject_of(rule, query, one.labels)
            if not one.points or (rule.names and name.removeprefix(_LOG_OF) not in rule.names):
                continue
            _add(rule, found[name], one, query.scale)
    return found


def _add(rule: MetricRule, into: _Measured, series: MetricSeries, scale: float) -> None:
    outcome = rule.outcome.of(series.labels) if rule.outcome else None
    counts = rule.outcome is not None or rule.kind is not RuleKind.THRESHOLD
    for at, raw in series.points:
        value = raw * scale
        before = into.values.get(at)
        if not counts:
            worst = min if rule.below is not None and rule.above is None else max
            into.values[at] = value if before is None else worst(before, value)
            continue
        into.events[at] += round(value)
        bad = outcome is None or (rule.outcome is not None and rule.outcome.is_bad(outcome))
        into.values[at] = (before or 0.0) + (value if bad else 0.0)
        if bad and outcome is not None and value > 0:
            into.bad[outcome] += round(value)


def subject_of(rule: MetricRule, query: MetricQuery, labels: Mapping[str, str]) -> str:
    """The name of the function, subscription or topic. Topics and log entries of a runaway are told apart."""
    name = labels.get(query.named_by, "")
    if rule.target is not Target.FUNCTION:
        return name
    if query.named_by.endswith("topic_id"):
        return f"topic {name}"
    logged = "log_entry_count" in query.filter
    return f"{_LOG_OF}{normal_service(name)}" if logged else normal_service(name)


def _absence(name: str, measured: _Measured, begin: datetime, end: datetime) -> Verdict:
    number = sum(measured.events.values())
    seen = max((at for at, count in measured.events.items() if count), default=end)
    return Verdict(name=name, broken=number == 0, value=number, since=begin, until=seen, events=number)


def _runaway(rule: MetricRule, name: str, measured: _Measured, usual: float, end: datetime) -> Verdict:
    """Above so many times its typical hour in every period for as long as the rule says."""
    share = rule.period / timedelta(hours=1)
    limit = rule.times * usual * share
    periods = [end - rule.period * n for n in range(rule.lasts // rule.period)]
    values = [measured.values.get(at, 0.0) for at in periods]
    per_hour = sum(values) / (len(periods) * share)
    broken = all(v > limit for v in values) and sum(values) >= rule.at_least
    since = periods[-1] - rule.period
    return Verdict(
        name=name, broken=broken, value=per_hour, since=since, until=end, events=round(sum(values)), usual=usual
    )


def _threshold(rule: MetricRule, name: str, measured: _Measured) -> Verdict:
    """The gravest stretch that broke it; none if the latest period makes up for it."""
    at_all = sorted(measured.values)
    breaking = [at for at in at_all if _breaks(rule, measured, at)]
    stretch = _stretch(breaking, rule.period, rule.lasts)
    events = sum(measured.events.values())
    later = at_all[-1]
    made_up = rule.unless_later_success and later not in breaking and measured.events[later] > 0
    if stretch and not made_up:
        worst = (min if rule.below is not None and rule.above is None else max)(measured.values[at] for at in stretch)
        return Verdict(
            name=name,
            broken=True,
            value=sum(measured.values[at] for at in stretch) if rule.outcome else worst,
            since=stretch[0] - rule.period,
            until=stretch[-1],
            events=events,
            outcomes=tuple(measured.bad.most_common()),
        )
    # While it is beyond the threshold and has not lasted yet, nothing is proven either way.
    proven = later if later not in breaking else None
    return Verdict(
        name=name,
        broken=False,
        value=measured.values[later],
        since=later - rule.period,
        until=proven or datetime.min.replace(tzinfo=later.tzinfo),
        events=events,
    )


def _breaks(rule: MetricRule, measured: _Measured, at: datetime) -> bool:
    counted = rule.outcome is not None
    return rule.breaks(measured.values[at]) and not (counted and measured.events[at] < rule.at_least)


def _stretch(breaking: Iterable[datetime], period: timedelta, lasts: timedelta) -> list[datetime]:
    """The latest run of consecutive periods that is as long as it must last; empty if there is none."""
    best: list[datetime] = []
    run: list[datetime] = []
    for at in breaking:
        run = [*run, at] if run and at - run[-1] == period else [at]
        if len(run) * period >= lasts:
            best = list(run)
    return best
