"""The execution logs of Cloud Scheduler's jobs: it has no metric of its own that tells how they end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.cloud_logging.api import LoggingApi
from checks.cloud_logging.packed_entries import unpacked
from checks.model import Evidence, Window, stamp
from checks.scheduler_jobs import Attempt

_BEGUN = "type.googleapis.com/google.cloud.scheduler.logging.AttemptStarted"
_FINISHED = "type.googleapis.com/google.cloud.scheduler.logging.AttemptFinished"
_MAX_PAGES = 10
_PATIENCE_SECONDS = 30.0
# Entries that were written longer ago than this before they were received are not looked for.
_LATENESS = timedelta(hours=1)
_ERROR = 500  # google.logging.type.LogSeverity


class SchedulerLogs:
    """Lists attempts of one project. Idempotent: the same span gives the same attempts."""

    def __init__(self, api: LoggingApi) -> None:
        self._api = api

    def attempts(self, since: datetime, until: datetime) -> tuple[Sequence[Attempt], datetime, Evidence]:
        """Those that were received in ``since <= t < until``, in their order, and until when all of them were read:
        where there are too many for one read, the next one goes on there.

        :raises checks.ports.SourceError: if they could not be listed.
        """
        text = (
            f'resource.type="cloud_scheduler_job" AND timestamp>="{stamp(since - _LATENESS)}"'
            f' AND receiveTimestamp>="{stamp(since)}" AND receiveTimestamp<"{stamp(until)}"'
        )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        found: list[Attempt] = []
        requests, entries, token = 0, 0, ""
        reached = until
        while requests < _MAX_PAGES:
            page = self._api.page(text, deadline=deadline, counted=lambda: None, token=token)
            requests += 1
            entries += len(page.entries)
            found += [attempt for entry in page.entries if (attempt := _attempt(unpacked(entry))) is not None]
            token = page.token
            if not token:
                break
            if page.entries:
                # Entries come in the order of their timestamps, and none is received before it is written.
                reached = max(since, page.entries[-1].timestamp.ToDatetime(tzinfo=UTC))
        reached = reached if token else until
        unseen = (f"scheduler logs after {stamp(reached)}: more than {_MAX_PAGES} pages of them",) if token else ()
        window = Window(start=since, end=reached)
        counts = {"requests": requests, "entries": entries, "attempts": sum(not a.begun for a in found)}
        return sorted(found, key=lambda a: a.at), reached, Evidence(window=window, counts=counts, unseen=unseen)


def _attempt(entry: Any) -> Attempt | None:
    """The attempt that an entry tells of; None for another entry."""
    fields = entry.json_payload.fields
    job = entry.resource.labels.get("job_id", "")
    what = fields["@type"].string_value if "@type" in fields else ""
    if what not in (_BEGUN, _FINISHED) or not job:
        return None
    at = entry.timestamp.ToDatetime(tzinfo=UTC)
    if what == _BEGUN:
        return Attempt(job=job, at=at, begun=True)
    status = fields["status"].string_value if "status" in fields else ""
    return Attempt(job=job, at=at, status=status, failed=entry.severity >= _ERROR or status not in ("", "OK"))
