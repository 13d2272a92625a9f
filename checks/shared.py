"""What the checks of one pipeline let each other know within a process: the latest states, and what is usual.

Several checks judge the same rows. Whoever reads them leaves them here, and the others ask nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Protocol, TypedDict

from checks.model import Evidence, Subject, stamp
from checks.phases.habits import Habits
from checks.phases.model import PhaseDay, PhaseState
from checks.pipeline import Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """The states of a pipeline's run dates as they were at ``at``; what it cost to know them.

    ``judged`` gives them, oldest date first, upstream first. They are judged when somebody asks: of 10,000 processors
    that takes its time, and most reads are asked for by nobody else.
    """

    at: datetime
    judged: Callable[[], Sequence[Sequence[PhaseDay]]]
    evidence: Evidence = field(default_factory=Evidence)


def unknown_states(days: Sequence[Sequence[PhaseDay]]) -> Evidence:
    """What cannot be judged further because its states are unknown, as evidence of what was not seen."""
    unknown = [phase_day.run_date for day in days for phase_day in day if phase_day.state is PhaseState.UNKNOWN]
    if not unknown:
        return Evidence()
    dates = f"{min(unknown)}" if min(unknown) == max(unknown) else f"{min(unknown)} to {max(unknown)}"
    return Evidence(unseen=(f"{len(unknown)} states of {dates} are unknown; the check of completions says why",))


class StateReader(Protocol):
    """Who reads and judges a pipeline's completions."""

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline that is judged."""
        ...

    def states(self, at: datetime, first: date | None = None) -> States:
        """The states of the run dates from ``first`` (the usual look-back, where it is left out) to the local date.

        :raises checks.ports.SourceError: if they could not be read.
        """
        ...


class Shared:
    """The memory of one pipeline's checks. Safe to use from several threads: whole values are put and taken.

    ``read_elsewhere``: somebody else reads the states on time and leaves them here, so that they need not be asked for
    again, however old they are: whoever reads them skips what cannot have changed.
    """

    def __init__(self, *, read_elsewhere: bool = False) -> None:
        self.habits = Habits()
        self.latest: States | None = None
        self._read_elsewhere = read_elsewhere

    def states(self, reader: StateReader, now: datetime) -> States:
        """The latest states, to be judged as of their ``at``; asked for only if nobody else does.

        :raises checks.ports.SourceError: if they had to be asked for and could not.
        """
        latest = self.latest
        if latest is None or not self._read_elsewhere:
            latest = self.latest = reader.states(now)
            return latest
        note = f"states as read at {stamp(latest.at)} for the check of completions"
        return replace(latest, evidence=Evidence(notes=(note,)))


class StateCheckParts(TypedDict):
    """What a check of states is made of."""

    reader: StateReader
    shared: Shared
    every: timedelta
    name: str


class StateCheck:
    """What the checks have in common that judge states which somebody read."""

    def __init__(self, *, reader: StateReader, shared: Shared, every: timedelta, name: str) -> None:
        self.name = name
        self.every = every
        self.about = Subject(pipeline=reader.pipeline.name)
        self._pipeline = reader.pipeline
        self._reader = reader
        self._shared = shared
