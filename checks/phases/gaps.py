"""What only several run dates together show: names never recorded, empty successes, what is missing again and again.

Pure. Each function takes the states of a pipeline's run dates, oldest first, as ``judge_day`` gives them.
"""

from __future__ import annotations

import difflib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from checks.phases.model import PhaseDay, PhaseState
from checks.pipeline import Phase, Pipeline, Processor

Days = Sequence[Sequence[PhaseDay]]
# On fewer run dates than this, nothing is proved to be never recorded.
UNMET_AFTER = 5
MISSING_IN_A_ROW = 3
_ALIKE = 0.5
_UNKNOWN, _ZERO, _FAILED = "unknown_processor:", "zero_records:", "failed:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """A processor that was owed on ``run_dates`` and recorded on none, and the name it may be recorded under.

    ``alias`` is recorded ``alias_dates`` times and expected nowhere; None where nothing like it is.
    """

    phase: str
    processor: str
    run_dates: tuple[date, ...]
    alias: str | None = None
    alias_dates: int = 0

    @property
    def words(self) -> str:
        """It in a line."""
        if self.alias is None:
            return f"{self.processor} of {self.phase} was never recorded"
        recorded = f"{self.alias} is recorded {self.alias_dates} times"
        return f"{self.processor} was never recorded; {recorded} and expected nowhere: alias?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A processor in trouble on these run dates, oldest first, the latest judged one among them."""

    phase: str
    processor: str
    run_dates: tuple[date, ...]


def unmet(pipeline: Pipeline, days: Days, at: datetime) -> tuple[Unmet, ...]:
    """Expectations that were never met, of phases of which other things are recorded.

    A phase of which nothing at all is recorded has another trouble than a wrong name. A failed row is a row: the name
    is right.
    """
    answer = []
    for phase in pipeline.phases:
        settled = [d for d in _of(phase, days) if _judged(d) and d.due_at is not None and d.due_at <= at]
        strangers = Counter(name for d in settled for name in _flagged(d, _UNKNOWN))
        alive = [d for d in settled if d.done or _flagged(d, _UNKNOWN)]
        for processor in _current(phase, settled):
            owed = [d for d in alive if processor.valid_on(d.run_date)]
            met = any(processor.name in d.done or processor.name in _flagged(d, _FAILED) for d in owed)
            if met or len(owed) < UNMET_AFTER:
                continue
            alias = _most_alike(processor.name, strangers)
            answer.append(
                Unmet(
                    phase=phase.name,
                    processor=processor.name,
                    run_dates=tuple(d.run_date for d in owed),
                    alias=alias,
                    alias_dates=strangers[alias] if alias else 0,
                )
            )
    return tuple(answer)


def empty_successes(pipeline: Pipeline, days: Days) -> tuple[Gap, ...]:
    """Critical processors whose latest success came with zero records, with all run dates of which that is so in a row.

    Successes of zero records happened for three months and nobody saw them.
    """
    answer = []
    for phase in pipeline.phases:
        judged = [d for d in _of(phase, days) if _judged(d)]
        for processor in _current(phase, judged):
            done = [d for d in judged if processor.name in d.done]
            gap = _in_a_row(done, _has(_ZERO, processor.name))
            if processor.critical and gap:
                answer.append(Gap(phase=phase.name, processor=processor.name, run_dates=gap))
    return tuple(answer)


def missing_again(pipeline: Pipeline, days: Days, at: datetime) -> tuple[Gap, ...]:
    """Optional processors missing on three owed run dates in a row although there was a quorum without them.

    Run dates without a quorum are passed over: their trouble is told already. Names that were never recorded are not
    here but among the ``unmet``.
    """
    never = {(u.phase, u.processor) for u in unmet(pipeline, days, at)}
    answer = []
    for phase in pipeline.phases:
        judged = [d for d in _of(phase, days) if d.state.satisfied and d.due_at is not None and d.due_at <= at]
        for processor in _current(phase, judged):
            owed = [d for d in judged if processor.valid_on(d.run_date)]
            gap = _in_a_row(owed, _lacks(processor.name))
            if not processor.critical and len(gap) >= MISSING_IN_A_ROW and (phase.name, processor.name) not in never:
                answer.append(Gap(phase=phase.name, processor=processor.name, run_dates=gap))
    return tuple(answer)


def late_meanwhile(days: Days, since: datetime, until: datetime) -> tuple[PhaseDay, ...]:
    """Phases that fell due and were completed late, both after ``since`` and by ``until``: nobody saw them late."""
    return tuple(
        phase_day
        for day in days
        for phase_day in day
        if phase_day.state is PhaseState.COMPLETE_LATE
        and phase_day.due_at is not None
        and phase_day.last_completed_at is not None
        and since < phase_day.due_at
        and phase_day.last_completed_at <= until
    )


def _of(phase: Phase, days: Days) -> Iterator[PhaseDay]:
    return (phase_day for day in days for phase_day in day if phase_day.phase == phase.name)


def _judged(phase_day: PhaseDay) -> bool:
    return phase_day.state not in (PhaseState.NOT_EXPECTED, PhaseState.UNKNOWN)


def _current(phase: Phase, judged: Sequence[PhaseDay]) -> tuple[Processor, ...]:
    """What was owed on the latest of the dates: what was dropped from the list since is nobody's trouble."""
    return phase.expected_on(judged[-1].run_date) if judged else ()


def _flagged(phase_day: PhaseDay, flag: str) -> tuple[str, ...]:
    return tuple(f.removeprefix(flag) for f in phase_day.flags if f.startswith(flag))


def _in_a_row(phase_days: Sequence[PhaseDay], holds: Callable[[PhaseDay], bool]) -> tuple[date, ...]:
    """The latest run dates of which it holds, oldest first, up to the first of which it does not."""
    latest = itertools.takewhile(holds, reversed(phase_days))
    return tuple(phase_day.run_date for phase_day in latest)[::-1]


def _has(flag: str, processor: str) -> Callable[[PhaseDay], bool]:
    return lambda phase_day: processor in _flagged(phase_day, flag)


def _lacks(processor: str) -> Callable[[PhaseDay], bool]:
    return lambda phase_day: processor in phase_day.missing


def _most_alike(name: str, strangers: Mapping[str, int]) -> str | None:
    """The recorded and unexpected name that is most like the one expected, whatever stands between its words."""
    bare = {stranger.replace("_", ""): stranger for stranger in strangers}
    found = difflib.get_close_matches(name.replace("_", ""), bare, n=1, cutoff=_ALIKE)
    return bare[found[0]] if found else None
