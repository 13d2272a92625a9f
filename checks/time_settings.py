"""Wall-clock times relative to a run date, as they are written in several places of ``config.yaml``."""

from __future__ import annotations

from pydantic import Field

from checks.fields import ClockTime
from checks.mistakes import Section
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
