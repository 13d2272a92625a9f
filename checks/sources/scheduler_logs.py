"""The execution logs of Cloud Scheduler's jobs: it has no metric of its own that tells how they end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.logging_api import LoggingApi
from checks.model import Evidence, Window, stamp
from checks.packed_entries import unpacked

_FINISHED = "type.googleapis.com/google.cloud.scheduler.logging.AttemptFinished"
_MAX_PAGES = 10
_PATIENCE_SECONDS = 30.0
# Entries that were written longer ago than this before they were received are not looked for.
_LATENESS = timedelta(hours=1)
_ERROR = 500  # google.logging.type.LogSeverity


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt of a job that has ended. ``status`` is empty or OK for a good one, else a word such as NOT_FOUND."""

    job: str
    at: datetime
    status: str
    failed: bool


class SchedulerLogs:
    """Lists attempts of one project. Idempotent: the same span gives the same attempts."""

    def __init__(self, api: LoggingApi) -> None:
        self._api = api

    def attempts(self, since: datetime, until: datetime) -> tuple[Sequence[Attempt], Evidence]:
        """Those that were received in ``since <= t < until``, in the order in which they ended.

        :raises checks.ports.SourceError: if they could not be listed.
        """
        text = (
            f'resource.type="cloud_scheduler_job" AND timestamp>="{stamp(since - _LATENESS)}"'
            f' AND receiveTimestamp>="{stamp(since)}" AND receiveTimestamp<"{stamp(until)}"'
        )
        deadline = time.monotonic() + _PATIENCE_SECONDS
        found: list[Attempt] = []
        requests, entries, token = 0, 0, ""
        while requests < _MAX_PAGES:
            page = self._api.page(text, deadline=deadline, counted=lambda: None, token=token)
            requests += 1
            entries += len(page.entries)
            found += [attempt for entry in page.entries if (attempt := _attempt(unpacked(entry))) is not None]
            token = page.token
            if not token:
                break
        unseen = (f"more than {_MAX_PAGES} pages of scheduler logs since {stamp(since)}",) if token else ()
        window = Window(start=since, end=until)
        counts = {"requests": requests, "entries": entries, "attempts": len(found)}
        return sorted(found, key=lambda a: a.at), Evidence(window=window, counts=counts, unseen=unseen)


def _attempt(entry: Any) -> Attempt | None:
    """The attempt that an entry tells of; None for one that has only begun, or another entry."""
    fields = entry.json_payload.fields
    job = entry.resource.labels.get("job_id", "")
    if "@type" not in fields or fields["@type"].string_value != _FINISHED or not job:
        return None
    status = fields["status"].string_value if "status" in fields else ""
    return Attempt(
        job=job,
        at=entry.timestamp.ToDatetime(tzinfo=UTC),
        status=status,
        failed=entry.severity >= _ERROR or status not in ("", "OK"),
    )
