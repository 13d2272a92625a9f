"""Days and times around a run date, as they are written in ``config.yaml``."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from checks.fields import ClockTime, Day
from checks.mistakes import Mistake, Section
from checks.pipeline import DayTime


class DayTimeSettings(Section):
    """A wall-clock time in the pipeline's zone, some days after the run date."""

    day: int = Field(ge=-31, le=31, description="days after the run date: 0 is the run date itself")
    time: ClockTime = Field(description='wall-clock time in the pipeline\'s zone, as "09:00"')

    def to_day_time(self) -> DayTime:
        """The value meant."""
        return DayTime(day=self.day, at=self.time)

    @property
    def order(self) -> tuple[int, ClockTime]:
        """Sorts by when it is."""
        return (self.day, self.time)


class ValiditySettings(Section):
    """The run dates for which something holds: ``from <= run date < until``."""

    from_: Day | None = Field(default=None, alias="from", description="first run date for which it holds")
    until: Day | None = Field(default=None, description="first run date for which it no longer holds")

    def contradictions(self) -> Iterator[Mistake]:
        """Says that the span is empty, or says nothing."""
        if self.from_ is None and self.until is None:
            yield Mistake(message="neither from nor until", hint="give one, or leave valid out")
        if self.from_ and self.until and self.from_ >= self.until:
            yield Mistake(message="must be later than from", hint="until is the first date without it", at=("until",))
