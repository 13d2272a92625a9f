"""What of a phase is looked at beyond its completions: who starts it, where its work lies, when it usually ends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from checks.fields import Canonical, Column, ListOf, Service, Span, Table, matching
from checks.mistakes import Mistake, Section, mistakes_of, unknown
from checks.phases.evidence import TableEvidence
from checks.pipeline import DayTime, HandOver, LearnedDue, StarterKind
from checks.settings.days import DayTimeSettings, ValiditySettings

_PLACE = "{processor}"
_PATTERN_HINT = f"write dataset.{_PLACE}, or dataset.table"
_TABLE: TypeAdapter[str] = TypeAdapter(Table)
_LATEST_AFTER = timedelta(hours=2)
Resource = Annotated[str, matching(r"[A-Za-z][A-Za-z0-9._~%+-]{2,254}", "a name", "as it is called in Google Cloud")]


class LearnedSettings(Section):
    """A due time from experience, within limits that experience cannot move."""

    margin: Span = Field(
        default=timedelta(minutes=30), description="how much later than the 95th percentile of the past"
    )
    earliest: DayTimeSettings | None = Field(
        default=None, description="never earlier than this; the phase's start if left out"
    )
    latest: DayTimeSettings | None = Field(
        default=None, description="never later than this; two hours after the fixed time if left out"
    )
    samples: int = Field(default=10, ge=3, le=200, description="how many run dates it takes; until then the fixed time")

    def against(self, start: DayTimeSettings | None, due: DueSettings) -> Iterator[Mistake]:
        """Limits that cross each other."""
        latest = self.latest.to_day_time() if self.latest else later(due.to_day_time(), _LATEST_AFTER)
        if self.earliest and self.earliest.to_day_time().after > latest.after:
            yield Mistake(message="must not be later than latest", at=("due", "learned", "earliest"))
        if start and latest.after <= start.to_day_time().after:
            yield Mistake(message="must be later than the phase's start", at=("due", "learned", "latest"))


class DueSettings(DayTimeSettings):
    """When a phase is due: a fixed time, or one learned from the past with the fixed one until there is any."""

    learned: LearnedSettings | None = Field(
        default=None, description="learn it from the past; day and time hold until there is enough of it"
    )

    def to_learned(self) -> LearnedDue | None:
        """How it is learned; None for a fixed time."""
        if self.learned is None:
            return None
        latest = self.learned.latest
        return LearnedDue(
            margin=self.learned.margin,
            earliest=self.learned.earliest.to_day_time() if self.learned.earliest else None,
            latest=latest.to_day_time() if latest else later(self.to_day_time(), _LATEST_AFTER),
            samples=self.learned.samples,
        )


def later(moment: DayTime, by: timedelta) -> DayTime:
    """The wall-clock time that much later, on the day it falls on."""
    return DayTime.after_midnight(moment.after + by)


class StarterSettings(Section):
    """What starts a phase: exactly one of a function, a subscription, a schedule; or an observation, which does not."""

    function: Service | None = Field(default=None, description="a function that starts the phase")
    subscription: Resource | None = Field(default=None, description="a subscription whose messages start it")
    schedule: Resource | None = Field(default=None, description="a scheduler job that starts it: nothing else does")
    observation: Service | None = Field(
        default=None, description="a function that only watches the transition: nothing follows if it is silent"
    )
    within: Span = Field(
        default=timedelta(minutes=30),
        description="how long after its upstream was satisfied its first completion comes at the latest",
    )
    fallback: ListOf[DayTimeSettings] = Field(
        default=(), description="when a schedule starts the phase whatever happened before"
    )
    valid: ValiditySettings | None = Field(
        default=None, description="the run dates for which this is so; all if left out"
    )

    def contradictions(self) -> Iterator[Mistake]:
        """Several starters in one, or none."""
        kinds = [kind.value for kind in StarterKind if getattr(self, kind.value) is not None]
        if len(kinds) != 1:
            found = "none of them" if not kinds else " and ".join(kinds)
            yield Mistake(message=f"needs one of function, subscription, schedule, observation; found {found}")
        elif self.fallback and kinds[0] in ("schedule", "observation"):
            yield Mistake(message=f"means nothing for {kinds[0]}", hint="leave it out", at=("fallback",))

    @property
    def span(self) -> tuple[date, date]:
        """First run date, and the first one after it."""
        valid = self.valid
        return (valid and valid.from_) or date.min, (valid and valid.until) or date.max

    def to_hand_over(self) -> HandOver:
        """The value meant."""
        kind = next(kind for kind in StarterKind if getattr(self, kind.value) is not None)
        return HandOver(
            kind=kind,
            name=getattr(self, kind.value),
            within=self.within,
            fallbacks=tuple(moment.to_day_time() for moment in self.fallback),
            valid_from=self.valid.from_ if self.valid else None,
            valid_until=self.valid.until if self.valid else None,
        )


def overlapping(starters: Sequence[StarterSettings]) -> Iterator[Mistake]:
    """Two starters for the same run dates: nobody could say which of them did not do its work."""
    for index, starter in enumerate(starters):
        for earlier in range(index):
            one, other = starters[earlier].span, starter.span
            if max(one[0], other[0]) < min(one[1], other[1]):
                message = f"holds for the same run dates as started_by[{earlier}]"
                yield Mistake(message=message, hint="valid must not overlap", at=("started_by", index))
                break


class OutputSettings(Section):
    """Where the work of one processor lies."""

    table: Table | Literal["none"] = Field(description='its table, or "none" where nothing can be looked at')
    date: Column | None = Field(
        default=None, description="its DATE column with the run date; the pipeline's run_date if left out"
    )

    def to_output(self, run_date: str) -> TableEvidence | None:
        """The value meant; None where there is nothing to look at."""
        return None if self.table == "none" else TableEvidence(table=self.table, date=self.date or run_date)


class OutputsSettings(Section):
    """Where the work of a phase's processors lies, by a pattern of their names."""

    table: Annotated[str, Field(min_length=3, max_length=300)] = Field(
        description="the table of each; {processor} stands for the processor's name"
    )
    date: Column | None = Field(
        default=None, description="their DATE column with the run date; the pipeline's run_date if left out"
    )
    exclude: ListOf[Canonical] = Field(default=(), description="processors that are not looked at")

    def contradictions(self) -> Iterator[Mistake]:
        """A pattern that gives no table."""
        if re.search(r"[{}]", self.table.replace(_PLACE, "")):
            yield Mistake(message=f"only {_PLACE} may stand in braces", hint=_PATTERN_HINT, at=("table",))
            return
        try:
            _TABLE.validate_python(self.table.replace(_PLACE, "x"))
        except ValidationError as error:
            message = mistakes_of(error)[0].message
            yield Mistake(message=message, hint=_PATTERN_HINT, at=("table",))

    def misnamed(self, processors: Iterable[str]) -> Iterator[Mistake]:
        """Excluded processors that the phase does not have."""
        known = tuple(processors)
        for index, name in enumerate(self.exclude):
            if name not in known:
                yield replace(unknown("processor", name, known), at=("outputs", "exclude", index))

    def of(self, processor: str, run_date: str) -> TableEvidence | None:
        """Where the work of that processor lies."""
        if processor in self.exclude:
            return None
        return TableEvidence(table=self.table.replace(_PLACE, processor), date=self.date or run_date)
