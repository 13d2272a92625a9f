"""What is usual: when phases and processors complete, how long nothing is recorded, what is never recorded. Pure.

Times are wall-clock times after the run date's local midnight: 09:00 stays 09:00 over a change of the clocks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from checks.model import JsonValue
from checks.phases.evidence import TableEvidence
from checks.phases.model import PhaseDay
from checks.pipeline import DayTime, LearnedDue, Phase, Pipeline, local_instant

# What completes later than so many days after its run date was repaired or filled in, and tells nothing of the usual.
BACKFILL_DAYS = 2
# Fewer run dates than this are told to nobody as "usually".
ENOUGH = 5
_LATE = 0.95
_Samples = dict[str, list[tuple[date, timedelta]]]
_ROUND_UP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """When something usually completes: ``median`` and ``late`` (95th percentile, nearest rank) of ``samples``.

    ``last`` is the latest run date among them.
    """

    median: timedelta
    late: timedelta
    samples: int
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What the past of one pipeline shows, as of the local date ``learned_on``.

    ``phases``: when what a phase got to (all of it, or its quorum) was there; ``processors``: by phase, when each was
    first done. ``silence``: the longest time that usually (95th percentile of the days) passes between two completions.
    ``unmet``: by phase, processors that are owed and were never recorded although the phase was.
    """

    learned_on: date | None = None
    phases: Mapping[str, Usual] = field(default_factory=dict)
    processors: Mapping[str, Mapping[str, Usual]] = field(default_factory=dict)
    silence: timedelta | None = None
    unmet: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def usual(self, phase: str) -> Usual | None:
        """When the phase usually completes; None where too little is known."""
        known = self.phases.get(phase)
        return known if known is not None and known.samples >= ENOUGH else None


def learn(
    pipeline: Pipeline,
    days: Sequence[Sequence[PhaseDay]],
    today: date,
    before: Habits,
    unmet: Mapping[str, tuple[str, ...]],
) -> Habits:
    """The habits that these run dates show. What they do not show any more stays as it was ``before``.

    So a phase that stopped completing keeps its usual time, and with it its learned due time, instead of losing both.
    """
    phases: _Samples = {}
    processors: dict[str, _Samples] = {}
    moments: list[datetime] = []
    owed = {phase_day.run_date for day in days for phase_day in day if phase_day.due_at is not None}
    for phase_day in (phase_day for day in days for phase_day in day):
        offsets = {n: wall_clock(phase_day.run_date, at, pipeline.zone) for n, at in phase_day.done_at.items()}
        live = {name: offset for name, offset in offsets.items() if is_live(offset)}
        moments += recorded_at(pipeline, phase_day)
        for name, offset in live.items():
            processors.setdefault(phase_day.phase, {}).setdefault(name, []).append((phase_day.run_date, offset))
        if phase_day.state.satisfied and phase_day.last_completed_at is not None:
            end = wall_clock(phase_day.run_date, phase_day.last_completed_at, pipeline.zone)
            if is_live(end):
                phases.setdefault(phase_day.phase, []).append((phase_day.run_date, end))
    return Habits(
        learned_on=today,
        phases=_renewed(before.phases, phases),
        processors={
            name: _renewed(before.processors.get(name, {}), processors.get(name, {}))
            for name in {**before.processors, **processors}
        },
        silence=_silence(moments, pipeline.zone, frozenset(owed)) or before.silence,
        unmet=unmet,
    )


def recorded_at(pipeline: Pipeline, phase_day: PhaseDay) -> list[datetime]:
    """When rows of a present run were recorded: of what nothing but a completion row proves, and was not filled in."""
    return [
        phase_day.done_at[processor.name]
        for processor in pipeline.phase(phase_day.phase).expected_on(phase_day.run_date)
        if processor.name in phase_day.done_at
        and not any(isinstance(proof, TableEvidence) for proof in processor.evidence_on(phase_day.run_date))
        and is_live(wall_clock(phase_day.run_date, phase_day.done_at[processor.name], pipeline.zone))
    ]


def _renewed(before: Mapping[str, Usual], samples: _Samples) -> dict[str, Usual]:
    """The newer answer where it stands on enough: else what is dying would drag its own measure along."""
    answer = dict(before)
    for name, found in samples.items():
        old = before.get(name)
        if old is None or len(found) >= min(old.samples, ENOUGH):
            answer[name] = _usual(found)
    return answer


def wall_clock(run_date: date, moment: datetime, zone: ZoneInfo) -> timedelta:
    """What the clock on the wall shows at that moment, counted from the run date's midnight."""
    local = moment.astimezone(zone).replace(tzinfo=None)
    return local - datetime.combine(run_date, time(0))


def instant_of(run_date: date, offset: timedelta, zone: ZoneInfo) -> datetime:
    """The reverse of ``wall_clock``, in UTC: a time in the gap of a clock change moves forward, in the fold the first
    one counts.
    """
    local = datetime.combine(run_date, time(0)) + offset
    return local_instant(local.date(), local.time(), zone)


def is_live(offset: timedelta) -> bool:
    """Whether what completed then belongs to a present run; else it was repaired or filled in."""
    return timedelta(0) <= offset < timedelta(days=BACKFILL_DAYS + 1)


def _usual(samples: Sequence[tuple[date, timedelta]]) -> Usual:
    offsets = sorted(offset for _, offset in samples)
    middle = len(offsets) // 2
    median = offsets[middle] if len(offsets) % 2 else (offsets[middle - 1] + offsets[middle]) / 2
    return Usual(
        median=_minutes(median),
        late=_minutes(_nearest_rank(offsets)),
        samples=len(offsets),
        last=max(day for day, _ in samples),
    )


def _nearest_rank(offsets: Sequence[timedelta]) -> timedelta:
    return offsets[math.ceil(_LATE * len(offsets)) - 1]


def _minutes(span: timedelta) -> timedelta:
    """Up to the minute: what came at 08:12:30 had not come at 08:12."""
    return timedelta(minutes=math.ceil(span / timedelta(minutes=1)))


def _silence(moments: Iterable[datetime], zone: ZoneInfo, owed: frozenset[date]) -> timedelta | None:
    """The usual longest time without a completion: of each local day the longest that ended on it.

    A day counts if runs were owed for it and for the day before: over a day without one it is silent anyway.
    """
    longest: dict[date, timedelta] = {}
    for earlier, later in itertools.pairwise(sorted(set(moments))):
        day = later.astimezone(zone).date()
        if {day, day - timedelta(days=1)} <= owed:
            longest[day] = max(longest.get(day, timedelta(0)), later - earlier)
    return _minutes(_nearest_rank(sorted(longest.values()))) if len(longest) >= ENOUGH else None


# -- due times --------------------------------------------------------------------------------------------------------


def with_learned(pipeline: Pipeline, habits: Habits) -> Pipeline:
    """The pipeline with the due times that were learned, where they are to be and enough is known."""
    phases = tuple(replace(phase, due=due_time(phase, habits)) for phase in pipeline.phases)
    return pipeline if phases == pipeline.phases else replace(pipeline, phases=phases)


def due_time(phase: Phase, habits: Habits) -> DayTime:
    """When the phase is due: its fixed time, or the learned one within its limits."""
    learned, usual = phase.learned, habits.phases.get(phase.name)
    if learned is None or usual is None or usual.samples < learned.samples:
        return phase.due
    return _within(learned, phase, usual.late + learned.margin)


def _within(learned: LearnedDue, phase: Phase, wanted: timedelta) -> DayTime:
    earliest = learned.earliest or phase.start
    rounded = _ROUND_UP * math.ceil(wanted / _ROUND_UP)
    if earliest is not None:
        rounded = max(rounded, earliest.after)
    return DayTime.after_midnight(min(rounded, learned.latest.after))


# -- in words ---------------------------------------------------------------------------------------------------------


def usual_words(usual: Usual) -> str:
    """``usually 08:12, 95% by 08:40``; another day than the median's is named."""
    return f"usually {_clock(usual.median)}, 95% by {_clock(usual.late)}{_on(usual.late.days, usual.median.days)}"


def compared(usual: Usual, run_date: date, moment: datetime, zone: ZoneInfo, *, word: str = "this time") -> str:
    """``usually 08:12, 95% by 08:40; this time 09:40``."""
    offset = wall_clock(run_date, moment, zone)
    return f"{usual_words(usual)}; {word} {_clock(offset)}{_on(offset.days, usual.median.days)}"


def _clock(offset: timedelta) -> str:
    minutes = offset % timedelta(days=1) // timedelta(minutes=1)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _on(days: int, usual: int) -> str:
    if days == usual:
        return ""
    count = abs(days - usual)
    return f" {count} day{'s' if count > 1 else ''} {'later' if days > usual else 'earlier'}"


# -- kept between two runs --------------------------------------------------------------------------------------------


def to_json(habits: Habits) -> JsonValue:
    """JSON-able; times as minutes."""
    return {
        "learned_on": habits.learned_on.isoformat() if habits.learned_on else None,
        "phases": {name: _usual_json(usual) for name, usual in habits.phases.items()},
        "processors": {
            phase: {name: _usual_json(usual) for name, usual in names.items()}
            for phase, names in habits.processors.items()
        },
        "silence": habits.silence // timedelta(minutes=1) if habits.silence else None,
        "unmet": {phase: list(names) for phase, names in habits.unmet.items()},
    }


def from_json(value: JsonValue) -> Habits:
    """What ``to_json`` gave; no habits where it cannot be read: they are learned again within a day."""
    if not isinstance(value, dict):
        return Habits()
    try:
        known: Mapping[str, JsonValue] = value
        processors, unmet = _mapping(known["processors"]), _mapping(known["unmet"])
        silence, learned_on = known["silence"], known["learned_on"]
        return Habits(
            learned_on=date.fromisoformat(str(learned_on)) if learned_on else None,
            phases=_usuals(known["phases"]),
            processors={phase: _usuals(names) for phase, names in processors.items()},
            silence=timedelta(minutes=int(str(silence))) if silence else None,
            unmet={
                phase: tuple(str(name) for name in names) for phase, names in unmet.items() if isinstance(names, list)
            },
        )
    except (KeyError, TypeError, ValueError):
        return Habits()


def _usual_json(usual: Usual) -> JsonValue:
    minute = timedelta(minutes=1)
    return [usual.median // minute, usual.late // minute, usual.samples, usual.last.isoformat()]


def _usuals(value: JsonValue) -> dict[str, Usual]:
    answer = {}
    for name, parts in _mapping(value).items():
        if not isinstance(parts, list):
            raise TypeError(name)
        median, late, samples, last = (str(part) for part in parts)
        answer[name] = Usual(
            median=timedelta(minutes=int(median)),
            late=timedelta(minutes=int(late)),
            samples=int(samples),
            last=date.fromisoformat(last),
        )
    return answer


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    if not isinstance(value, dict):
        raise TypeError("not a mapping")
    return value
