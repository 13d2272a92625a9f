"""Which entries prove that a service has run: the evidence on which a fault may be closed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from checks.logs.entry import mapping, moment, revision_of, service_of, text_of, written

# ``ms, finished with status: 'ok'`` until 2022, ``ms. Finished with status: ok`` since.
_GEN1_ENDED = re.compile(
    r"Function execution took (\d{1,9}) ms(?:, f|\. F)inished with status(?:: '?ok'?\s*$| code: ([23]\d\d))"
)
_LATENCY = re.compile(r"(\d{1,6})(?:\.(\d{1,9}))?s")
_CLIENT_ERROR = 400
# One of them stands in each entry that proves a run, but for requests.
RUN_WORDS = ("Function execution took", "ontainer called exit(0)", "completed successfully")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a service that the platform calls a success. ``began`` is the earliest moment it can have started."""

    service: str
    revision: str | None
    began: datetime
    at: datetime


def run_of(raw: Mapping[str, Any], text: str) -> Run | None:
    """The successful run that an entry proves, if it does.

    A request answered below 400 (what is refused with 4xx may never have reached the code), a gen1 execution that
    finished with status ok, a job execution that completed. The time of a request entry may be its start or its end,
    so that both ends are allowed for.

    :param text: what the entry says.
    """
    request = raw.get("httpRequest")
    took: float | None = None
    if isinstance(request, dict):
        status = request.get("status")
        if isinstance(status, int) and 0 < status < _CLIENT_ERROR:
            latency = _LATENCY.fullmatch(text_of(request.get("latency")))
            took = float(latency.group(0)[:-1]) if latency else 0.0
    elif text.startswith(RUN_WORDS[0]):
        ended = _GEN1_ENDED.match(text)
        took = int(ended.group(1)) / 1000 if ended else None
    elif RUN_WORDS[1] in text or RUN_WORDS[2] in text:
        took = 0.0 if mapping(raw.get("resource")).get("type") == "cloud_run_job" else None
    if took is None:
        return None
    nanos = written(raw)
    if nanos is None:
        return None
    at = moment(nanos)
    try:
        began = at - timedelta(seconds=took)
    except OverflowError:
        return None
    return Run(service=service_of(raw), revision=revision_of(raw), began=began, at=at)


class Runs:
    """The successful runs seen, as few as are needed: per service the latest settled one, and of those that are not
    settled the first (the next to settle, however many follow) and the last (it may be the last for long).

    :param settled: runs known by then can no longer turn out to have failed; None: all are settled.
    """

    def __init__(self, settled: datetime | None) -> None:
        self._settled = settled
        self._latest: dict[str, Run] = {}
        self._first: dict[str, tuple[Run, Mapping[str, Any]]] = {}
        self._last: dict[str, tuple[Run, Mapping[str, Any]]] = {}

    def add(self, run: Run, raw: Mapping[str, Any]) -> None:
        """Take one run and the entry that proves it."""
        if self._settled is not None and run.at > self._settled:
            first, last = self._first.get(run.service), self._last.get(run.service)
            if first is None or run.at < first[0].at:
                self._first[run.service] = (run, raw)
            if last is None or run.at > last[0].at:
                self._last[run.service] = (run, raw)
            return
        known = self._latest.get(run.service)
        if known is None or known.at < run.at:
            self._latest[run.service] = run

    def clean(self, last_failures: Mapping[str, datetime]) -> dict[str, Run]:
        """Per service the latest settled run, if it began after the service's last failure."""
        return {
            service: run
            for service, run in sorted(self._latest.items())
            if service not in last_failures or run.began > last_failures[service]
        }

    def unsettled(self) -> list[Mapping[str, Any]]:
        """The entries of runs that it is too early to call clean."""
        both = [(run, raw) for run, raw in self._last.values() if run.at > self._first[run.service][0].at]
        return [raw for _, raw in (*self._first.values(), *both)]
