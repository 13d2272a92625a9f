"""When a rule holds, and which span of time it is judged by: the calendar and the visibility delay decide. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from checks.logs.entry import EPOCH
from checks.metrics.model import Binding, MetricRule, RuleKind
from checks.model import Window
from checks.pipeline import Phase, Pipeline
from checks.ports import CalendarDays

# An absence of an older run date is told, or too late to be.
_ABSENCE_ASKED_FOR = timedelta(hours=24)
# After a pause, no more than this is judged at once.
_CATCH_UP = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When the rule holds for a run date."""

    run_date: date
    window: Window


def edge(now: datetime, visible_after: timedelta, period: timedelta) -> datetime:
    """The end of the last whole period of which everything is visible."""
    return EPOCH + period * ((now - visible_after - EPOCH) // period)


def spans(rule: MetricRule, pipeline: Pipeline, calendar: CalendarDays, days: Iterable[date]) -> Iterator[Span]:
    """The spans of those run dates on which a run is owed, the latest first.

    From the phase's start (else the run date's midnight) to its due time, unless the rule says otherwise. A date on
    which the phase owes nothing, or on which nobody records it and the rule is about its recorder, has none.
    """
    binding = rule.binding
    if binding is None:
        return
    phases = [p for p in pipeline.phases if binding.phase in (None, p.name)]
    for day in sorted(days, reverse=True):
        held = [p for p in phases if p.expected_on(day) and not _retired(rule, p, day)]
        if not held or not calendar.covers(day) or not calendar.owed(day):
            continue
        begins = _begin(binding, held, day, pipeline)
        ends = binding.ends.on(day, pipeline.zone) if binding.ends else max(p.due.on(day, pipeline.zone) for p in held)
        if begins < ends:
            yield Span(run_date=day, window=Window(start=begins, end=ends))


def _begin(binding: Binding, phases: list[Phase], day: date, pipeline: Pipeline) -> datetime:
    if binding.begins:
        return binding.begins.on(day, pipeline.zone)
    return min(p.begins_on(day, pipeline.zone) for p in phases)


def _retired(rule: MetricRule, phase: Phase, day: date) -> bool:
    """Whether the rule is about the phase's recorder, on a date for which there is none any more."""
    return phase.recorder in rule.names and phase.recorder_on(day) is None and phase.recorder not in phase.starters


def asked(
    rule: MetricRule, held: Iterable[Span], now: datetime, visible_after: timedelta, since: datetime | None
) -> Span | Window | None:
    """What to ask for now; None: nothing. ``since``: until when it was judged.

    An absence: from the beginning of the latest span that is over and visible, to now, so that whatever comes later
    ends it. A bound threshold: while one of its spans lasts. What is not bound: always.
    """
    until = edge(now, visible_after, timedelta(minutes=1) if rule.kind is RuleKind.ABSENCE else rule.period)
    if rule.kind is RuleKind.ABSENCE:
        over = (s for s in held if s.window.end <= until <= s.window.end + _ABSENCE_ASKED_FOR)
        span = next(over, None)
        return span and Span(run_date=span.run_date, window=Window(start=span.window.start, end=until))
    start = until - max(rule.lasts, rule.period)
    if since is not None and rule.kind is RuleKind.THRESHOLD:
        start = max(min(start, since), until - max(_CATCH_UP, rule.lasts))
    window = Window(start=start, end=until)
    if rule.binding is None:
        return window
    span = next((s for s in held if s.window.start < until <= s.window.end), None)
    return span and Span(run_date=span.run_date, window=window)
