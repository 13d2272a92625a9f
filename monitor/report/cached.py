"""Reports that several readers ask for within a moment are made once: each one costs queries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from monitor.report.model import HealthReport

FRESH_FOR = timedelta(seconds=30)
_KEPT = 16

Make = Callable[[dict[str, str]], HealthReport]


class CachedReports:
    """Answers with a report at most ``FRESH_FOR`` old. Thread-safe; one report is made at a time.

    :param make: makes the report for a query (``at``, ``date``, ``days``, ``pipeline``); its ValueError is handed on,
        and nothing is kept of it.
    """

    def __init__(self, make: Make, clock: Callable[[], datetime], fresh_for: timedelta = FRESH_FOR) -> None:
        self._make = make
        self._clock = clock
        self._fresh_for = fresh_for
        self._lock = threading.Lock()
        self._kept: dict[tuple[tuple[str, str], ...], tuple[datetime, HealthReport]] = {}

    def __call__(self, query: Mapping[str, str]) -> HealthReport:
        """The report for that query.

        :raises ValueError: if the query makes no sense.
        """
        key = tuple(sorted((name, value) for name, value in query.items() if value))
        # Whoever asks for the same meanwhile waits here and is answered from what was kept.
        with self._lock:
            now = self._clock()
            self._kept = {k: kept for k, kept in self._kept.items() if timedelta(0) <= now - kept[0] < self._fresh_for}
            if key not in self._kept:
                report = self._make(dict(query))
                if len(self._kept) >= _KEPT:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[key] = (now, report)
            return self._kept[key][1]
