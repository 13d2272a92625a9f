"""Filter texts in the Logging query language (cloud.google.com/logging/docs/view/logging-query-language).

There NOT binds tightest, then OR, then AND, so every group here stands in parentheses. A filter has at most 20,000
characters. ``=`` and ``:`` compare without case; ``=~`` is RE2 and case-sensitive.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from checks.logs.deployments import DEPLOYS
from checks.model import normal_service, stamp

MAX_FILTER = 20_000
RESOURCE_TYPES = ("cloud_function", "cloud_run_revision", "cloud_run_job")
# What is left of MAX_FILTER for names once types, times and markers are written. More names than fit are not sent:
# then the service matches for all functions, and the reader drops those that are not watched. Still one read.
MAX_NAMES = 10_000
# Every failure that the engine reports has one of these words on the line that names it: they are the literals of
# checks.logs.signatures (a test holds the two together). Searched for in all fields, because an exception may stand
# in any field of a structured record. No severity: the lines of a split traceback have none.
MARKERS = (
    "No module named",
    "is not defined",
    "free variable",
    "local variable",
    "cannot import name",
    "has no attribute",
    "cannot access submodule",
    "relative import",
    "ound: Table",
    "insertAll",
    "cannot open shared object",
    "ImportError",
    "ModuleNotFoundError",
    "Could not import",
    "Can't get attribute",
    "not found in module",
    "SyntaxError",
    "IndentationError",
    "TabError",
    ".py, line ",
)
# Alone this is what every None says; only modules concern us. And a table that takes rows is no news.
_NARROWED = {
    "has no attribute": '("has no attribute" AND "module")',
    "insertAll": '("insertAll" AND "not found")',
}
# An entry is accepted up to 24 hours ahead of the service's clock; one written long before it was received comes from
# a buffer. The range of ``timestamp`` is what the service prunes its storage by: without one it reads all it retains.
WRITTEN_BEFORE = timedelta(hours=26)
WRITTEN_AHEAD = timedelta(hours=25)


class Place(NamedTuple):
    """Where the lines around a failure are: those of one instance, execution or service, in a span of time with both
    ends included. ``field`` is a path of the query language, ``value`` what it must equal.
    """

    field: str
    value: str
    start: datetime
    end: datetime


def quote(text: str) -> str:
    """A string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def any_of(texts: Iterable[str]) -> str:
    """Values of which one must match, for the right side of a comparison; or whole clauses."""
    return f"({' OR '.join(texts)})"


def types_clause() -> str:
    """All functions, services and jobs."""
    return f"resource.type={any_of(map(quote, RESOURCE_TYPES))}"


def names_clause(functions: Sequence[str]) -> str | None:
    """The functions with these names, however spelt; None if they are too many to be sent.

    A gen2 function is a service with its name in lower case and ``-`` for ``_``; the label
    ``goog-drz-cloudfunctions-id`` and gen1 names keep the underscores.
    """
    names = sorted({normal_service(name) for name in functions})
    services = any_of(quote(name) for name in names)
    spelt = "|".join("[-_]".join(re.escape(part) for part in name.split("-")) for name in names)
    pattern = quote(f"(?i)^(?:{spelt})$")
    clause = any_of(
        (
            f"resource.labels.service_name={services}",
            f"resource.labels.job_name={services}",
            f"resource.labels.function_name=~{pattern}",
            f'labels."goog-drz-cloudfunctions-id"=~{pattern}',
        )
    )
    return clause if len(clause) <= MAX_NAMES else None


def marked_clause(patterns: Sequence[str] = ()) -> str:
    """Entries that name what is broken, or match one of these RE2 patterns in their text or message."""
    words = [_NARROWED.get(marker, quote(marker)) for marker in MARKERS]
    own = [f"{field}=~{quote(pattern)}" for pattern in patterns for field in ("textPayload", "jsonPayload.message")]
    return any_of((*words, *own))


def deploys_clause() -> str:
    """Audit entries of deployments and rollouts, as ``checks.logs.deployments`` reads them."""
    return f'(logName:"cloudaudit.googleapis.com%2F" AND protoPayload.methodName=~{quote(DEPLOYS)})'


def revisions_clause(revisions: Iterable[str]) -> str:
    """Entries of one of these revisions."""
    return f"resource.labels.revision_name={any_of(map(quote, sorted(revisions)))}"


def received_clause(start: datetime, end: datetime) -> str:
    """Received in ``start <= t < end``, whenever written."""
    return (
        f"receiveTimestamp>={quote(stamp(start))} AND receiveTimestamp<{quote(stamp(end))} AND "
        f"timestamp>={quote(stamp(start - WRITTEN_BEFORE))} AND timestamp<{quote(stamp(end + WRITTEN_AHEAD))}"
    )


def runs_clause() -> str:
    """Entries that may prove a run that succeeded, as ``checks.logs.activity.run_of`` reads them."""
    requests = '(logName:"run.googleapis.com%2Frequests" AND httpRequest.status>=100 AND httpRequest.status<400)'
    gen1 = '(resource.type="cloud_function" AND textPayload:"Function execution took" AND textPayload:"finished with")'
    job = '(resource.type="cloud_run_job" AND ("ontainer called exit(0)" OR "completed successfully"))'
    return any_of((requests, gen1, job))


def written_clause(start: datetime, end: datetime) -> str:
    """Written in ``start <= t < end``."""
    return f"timestamp>={quote(stamp(start))} AND timestamp<{quote(stamp(end))}"


def place_filters(places: Sequence[Place]) -> Iterator[str]:
    """Filters for all lines at some places, each within the limit of length. Together they are bounded in time."""
    if not places:
        return
    ordered = sorted(places, key=lambda place: place.start)
    start, end = ordered[0].start, max(place.end for place in ordered)
    head = f"{types_clause()} AND timestamp>={quote(stamp(start))} AND timestamp<={quote(stamp(end))} AND "
    clauses: list[str] = []
    length = len(head) + 2
    for clause in map(_place_clause, ordered):
        if clauses and length + len(clause) + 4 > MAX_FILTER:
            yield head + any_of(clauses)
            clauses, length = [], len(head) + 2
        clauses.append(clause)
        length += len(clause) + 4
    yield head + any_of(clauses)


def _place_clause(place: Place) -> str:
    return (
        f"({place.field}={quote(place.value)} AND "
        f"timestamp>={_quoted(place.start)} AND timestamp<={_quoted(place.end)})"
    )


@lru_cache(maxsize=4096)
def _quoted(moment: datetime) -> str:
    """A time as it stands in a filter. Places begin and end at whole seconds, many at the same."""
    return quote(stamp(moment))
