"""A limit on how often something is done, shared by all threads of a process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class RateLimiter:
    """A token bucket: ``burst`` at once, ``per_minute`` in the long run, fairly shared in the order of asking.

    :param monotonic: seconds on a clock that never goes back.
    :param sleep: waits so many seconds.
    """

    def __init__(
        self,
        per_minute: float,
        burst: int,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._per_second = per_minute / 60
        self._burst = burst
        self._monotonic = monotonic
        self._sleep = sleep
        self._guard = threading.Lock()
        self._tokens = float(burst)
        self._at = monotonic()

    def acquire(self, patience: float) -> bool:
        """Take one turn, after waiting if need be; False at once if that would take more than ``patience`` seconds."""
        with self._guard:
            now = self._monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
            self._at = now
            wait = max(0.0, (1 - self._tokens) / self._per_second)
            if wait > patience:
                return False
            self._tokens -= 1  # may be a debt: who asks next waits for it as well
        if wait > 0:
            self._sleep(wait)
        return True
