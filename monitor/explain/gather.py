"""Asks what an explanation needs. What cannot be asked is said, and the rest stands."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from checks.model import Evidence
from checks.phases.calendar import dates_of
from checks.ports import CalendarDays, SourceError
from monitor.explain.build import HORIZON, Known, build
from monitor.explain.model import Explanation

if TYPE_CHECKING:
    from checks.kinds.completions import Completions

# Due times of earlier run dates may still be ahead.
_BEHIND = timedelta(days=3)


def explain(
    judge: Completions, run_date: date | None, at: datetime, *, only: str | None = None, blind: str | None = None
) -> Explanation:
    """The explanation of a run date (the local date of ``at``, where it is left out) from two queries.

    ``blind`` says why nobody can be asked at all.
    """
    pipeline = judge.pipeline
    today = at.astimezone(pipeline.zone).date()
    day = run_date or today
    first, last = min(day, today - _BEHIND), max(day, today + HORIZON)
    unseen: list[str] = []
    answer: tuple[CalendarDays, Evidence] | None = None
    states = {}
    try:
        answer = judge.calendar(first, last)
    except SourceError as error:
        unseen.append(f"the calendar: {blind or _said(error)}")
    asked = None if answer is None else lambda known=answer: known
    if blind is None:
        try:
            for start, end in _spans(day, today):
                seen = judge.observe(start, end, at, calendar=asked)
                states.update({(d.phase, d.run_date): d for each in judge.days(seen, at) for d in each})
        except SourceError as error:
            unseen.append(f"what arrived: {_said(error)}")
    else:
        unseen.append(f"what arrived: {blind}")
    known = Known(
        calendar=None if answer is None else answer[0],
        states=states,
        habits=judge.shared.habits,
        unseen=tuple(dict.fromkeys(unseen)),
    )
    return build(pipeline, day, at, known, only=only)


def _spans(day: date, today: date) -> list[tuple[date, date]]:
    """The run dates to read: that one, and those whose due times may be ahead; one span where they touch."""
    near = (today - _BEHIND, today)
    if day > today:
        return [near]
    if day in dates_of(*near):
        return [near]
    return [(day, day), near]


def _said(error: SourceError) -> str:
    return f"{error}; {error.remedy}" if error.remedy else str(error)
