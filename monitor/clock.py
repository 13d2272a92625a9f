"""The only module that reads the clock. Everybody else is handed a time, or a Clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where the daemon's time comes from. ``speed``: seconds of its time per second of real time."""

    speed: float

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """Real time."""

    speed = 1.0

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251  # here and nowhere else


class AcceleratedClock:
    """Time that starts at ``start`` and runs ``speed`` times as fast as real time: for the demo."""

    def __init__(self, start: datetime, speed: float) -> None:
        self.speed = speed
        self._start = start
        self._origin = time.monotonic()

    def restart(self, start: datetime) -> None:
        """Begin again at ``start``."""
        self._start = start
        self._origin = time.monotonic()

    def leap_to(self, moment: datetime) -> None:
        """Skip a stretch in which nothing happens; never backwards."""
        self._start += max(timedelta(0), moment - self.now())

    def now(self) -> datetime:
        """The present moment of the story, aware, in UTC."""
        return self._start + timedelta(seconds=(time.monotonic() - self._origin) * self.speed)
