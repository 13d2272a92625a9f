"""The settings of the checks that judge the states of phases further: recording, hand-overs, outputs, history."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from checks.fields import Duration, at_least
from checks.mistakes import Section

Interval = Annotated[Duration, at_least(timedelta(seconds=5))]


class RecordingCheckSettings(Section):
    """The check that completions are being recorded at all."""

    enabled: bool = Field(default=True, description="whether this check runs")
    every: Interval = Field(default=timedelta(minutes=5), description="how often, at least 5s")


class HandOverCheckSettings(Section):
    """The check that phases are started by what is declared in started_by."""

    enabled: bool = Field(default=True, description="whether this check runs; needs a phase with started_by")
    every: Interval = Field(default=timedelta(minutes=5), description="how often, at least 5s")


class OutputCheckSettings(Section):
    """The check of the data itself, the second witness."""

    enabled: bool = Field(default=True, description="whether this check runs; needs a phase with outputs")
    every: Interval = Field(default=timedelta(minutes=10), description="how often, at least 5s")


class HistoryCheckSettings(Section):
    """The check of the past: usual times, names never met, gaps that several run dates show."""

    enabled: bool = Field(default=True, description="whether this check runs")
    every: Interval = Field(
        default=timedelta(minutes=10), description="how often it looks whether it is time; it reads once a day"
    )
    days: int = Field(default=60, ge=7, le=366, description="how many run dates of the past are read")
    hour: int = Field(default=12, ge=0, le=23, description="from which hour on each day, in the pipeline's zone")
