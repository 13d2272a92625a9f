"""Builds LogEntry objects for tests, as ``gcloud logging read --format=json`` prints them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 1, 26, 9, 7, 4, tzinfo=UTC)


def entry(text: str | None = None, at: float = 0.0, number: int = 0, **fields: Any) -> dict[str, Any]:
    """A stderr entry of the service ``daily-import``, ``at`` seconds after START."""
    moment = (START + timedelta(seconds=at)).isoformat().replace("+00:00", "Z")
    made: dict[str, Any] = {
        "insertId": f"{int(at * 1_000_000):012d}{number:08d}",
        "labels": {"instanceId": "00ab"},
        "logName": "projects/demo/logs/run.googleapis.com%2Fstderr",
        "receiveTimestamp": moment,
        "resource": {
            "type": "cloud_run_revision",
            "labels": {"service_name": "daily-import", "revision_name": "daily-import-00001-abc"},
        },
        "timestamp": moment,
    }
    if text is not None:
        made["textPayload"] = text
    return made | fields


def lines(text: str, at: float = 0.0, step: float = 0.000_017, **fields: Any) -> list[dict[str, Any]]:
    """One entry per line."""
    return [entry(line, at + step * n, n, **fields) for n, line in enumerate(text.split("\n")) if line.strip()]


def request(status: int, at: float, latency: str = "0.035s", **fields: Any) -> dict[str, Any]:
    """A request entry: it has no payload."""
    return entry(
        None,
        at,
        logName="projects/demo/logs/run.googleapis.com%2Frequests",
        httpRequest={"status": status, "latency": latency, "requestMethod": "POST"},
        **fields,
    )


def summary(failures: Iterable[Any]) -> list[tuple[Any, ...]]:
    """What most tests look at."""
    return [(f.exception, f.name, f.file, f.line, f.count, f.handled) for f in failures]
