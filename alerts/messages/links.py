"""Where to look for oneself: pages of the Google Cloud console. Pure.

The forms are those that the console's own address bar shows; they are not documented and not verified against it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote

from alerts.model import Fault, Guide
from checks.model import stamp

_CONSOLE = "https://console.cloud.google.com"
_AROUND = timedelta(minutes=5)
_LABELS = ("service_name", "function_name", "job_name")


def log_entries(fault: Fault, guide: Guide) -> tuple[str, str] | None:
    """The function's log entries around the failure, as a query of the Logs Explorer."""
    finding = fault.finding
    if guide.project is None or finding.subject.service is None:
        return None
    service = finding.subject.service
    query = "(" + " OR ".join(f'resource.labels.{label}="{service}"' for label in _LABELS) + ")"
    name = finding.facts.get("name") or finding.facts.get("exception")
    if isinstance(name, str) and name.isprintable() and '"' not in name and "\\" not in name:
        query += f'\n"{name[:100]}"'
    return ("Log entries", _logs(guide.project, query, finding.since - _AROUND, finding.last_seen + _AROUND))


def _logs(project: str, query: str, start: datetime, end: datetime) -> str:
    span = quote(f"{stamp(start)}/{stamp(end)}", safe="")
    return f"{_CONSOLE}/logs/query;query={quote(query, safe='')};timeRange={span}?project={project}"


def table(name: str, guide: Guide) -> tuple[str, str] | None:
    """A table in the BigQuery console. ``name``: ``dataset.table`` or ``project.dataset.table``."""
    parts = name.split(".")
    if guide.project is None:
        return None
    owner, dataset, last = [guide.project, *parts][-3:]
    place = f"!1m5!1m4!4m3!1s{quote(owner)}!2s{quote(dataset)}!3s{quote(last)}"
    return (f"Table {dataset}.{last}", f"{_CONSOLE}/bigquery?project={guide.project}&ws={place}")
