"""What is asked of Cloud Logging about the past of revisions in which something failed: four lists of one page each,
however many revisions they are. Pure but for the lists, which somebody else reads.

With many functions at once a page may not reach all of them; what is not on it stays unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from checks.cloud_logging import filters
from checks.cloud_logging.api import PAGE_SIZE
from checks.logs.entry import moment, revision_of, service_of, written
from checks.ports import Failing

# How far back a deployment, or the first line of a revision, is looked for: as long as logs are kept by default.
BACK = timedelta(days=30)
# How long before its successor the revision before must not have failed.
CLEAN_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One list: the first entries that a filter matches."""

    text: str
    newest_first: bool
    size: int


Entries = list[dict[str, Any]]


def past_of(failing: Sequence[Failing], read: Callable[[Ask], Entries]) -> Entries:
    """The deployments of the functions; the first entry of each revision; the last successful run of another revision
    before that; and what may have failed in those others.
    """
    end = max(one.at for one in failing)
    services = filters.names_clause([one.service for one in failing])
    head = " AND ".join(part for part in (filters.types_clause(), services) if part)
    just_after = end + timedelta(seconds=1)

    def listed(text: str, start: datetime, end: datetime, *, newest_first: bool, size: int = PAGE_SIZE) -> Entries:
        whole = f"{text} AND {filters.written_clause(start, end)}"
        return read(Ask(text=whole, newest_first=newest_first, size=size))

    found = listed(f"{head} AND {filters.deploys_clause()}", end - BACK, just_after, newest_first=True)
    named = {one.revision: one for one in failing if one.revision is not None}
    if not named:
        return found
    one_or_all = 1 if len(named) == 1 else PAGE_SIZE
    these = filters.revisions_clause(named)
    begun = listed(these, end - BACK, just_after, newest_first=False, size=one_or_all)
    first = _first_of_each(begun)
    edges = {one.service: first.get(name, one.at) for name, one in named.items()}
    text = f"{head} AND NOT {these} AND {filters.runs_clause()}"
    runs = listed(text, end - BACK, max(edges.values()), newest_first=True, size=one_or_all)
    before = _before_each(runs, edges)
    found += [*begun, *before]
    if before:
        text = f"{filters.revisions_clause({str(revision_of(raw)) for raw in before})} AND {filters.marked_clause()}"
        since = min(_at(raw) for raw in before) - CLEAN_FOR
        found += listed(text, since, just_after, newest_first=True)
    return found


def _first_of_each(entries: Iterable[Mapping[str, Any]]) -> dict[str, datetime]:
    """When each revision first logged, as far as these entries, oldest first, show."""
    found: dict[str, datetime] = {}
    for raw in entries:
        found.setdefault(str(revision_of(raw)), _at(raw))
    return found


def _before_each(entries: Entries, edges: Mapping[str, datetime]) -> Entries:
    """Of each service the first of these entries, newest first, that was written before its edge."""
    found: dict[str, dict[str, Any]] = {}
    for raw in entries:
        service = service_of(raw)
        if service in edges and service not in found and revision_of(raw) and _at(raw) < edges[service]:
            found[service] = raw
    return list(found.values())


def _at(raw: Mapping[str, Any]) -> datetime:
    return moment(written(raw) or 0)
