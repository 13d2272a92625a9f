"""The pace a service allows, kept by whoever sends to it."""

from __future__ import annotations

import time
from datetime import timedelta


class Pace:
    """At least ``least`` of real time between the end of one message and the begin of the next. For one thread."""

    def __init__(self, least: timedelta) -> None:
        self._least = least.total_seconds()
        self._free_from = 0.0

    def wait(self) -> None:
        """Sleep until the next message may go; never longer than ``least``."""
        left = self._free_from - time.monotonic()
        if left > 0:
            time.sleep(min(left, self._least))

    def sent(self) -> None:
        """A message went."""
        self._free_from = time.monotonic() + self._least
