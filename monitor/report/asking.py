"""A report's questions to BigQuery, asked all at once and before anything else is loaded or read.

BigQuery takes its time over an answer. Meanwhile whoever asked reads the state and the logs, and a command loads what
will judge and show the answers: so this module imports nothing but what the questions need.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from checks.bigquery_library import import_bigquery
from checks.model import Evidence
from checks.pipeline import Pipeline
from checks.ports import CalendarDays, Recording
from checks.sources.calendar import Calendars
from checks.sources.completions import CompletionTables, Recorded
from monitor.report.request import Request, dates_asked
from monitor.wiring import parts

if TYPE_CHECKING:
    from monitor.config.loading import Config

# So many questions are on their way at once; a pipeline has three.
_AT_ONCE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked of one pipeline, for the run dates ``first`` to ``last``: each gives its answer and what it cost.

    A result that could not be had raises ``checks.ports.SourceError``.
    """

    pipeline: Pipeline
    first: date
    last: date
    recorded: Future[tuple[Recorded, Evidence]]
    calendar: Future[tuple[CalendarDays, Evidence]]
    recording: Future[tuple[Recording, Evidence]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """All that was asked for a report, and of whom."""

    request: Request
    tables: CompletionTables
    asked: tuple[Asked, ...]


@contextmanager
def ask(config: Config, where: parts.Data, request: Request) -> Iterator[Questions]:
    """The questions of the report, on their way; leaving waits for those that are not answered yet.

    :raises ValueError: for a pipeline that is not in the configuration.
    """
    known = parts.pipelines(config) if config.checks.completions.enabled else ()
    if request.pipeline is not None and request.pipeline not in (names := [p.name for p in known]):
        there = ", ".join(sorted(names)) or "none"
        raise ValueError(f"there is no pipeline {request.pipeline!r}; the configuration has: {there}")
    wanted = [p for p in known if request.pipeline in (None, p.name)]
    tables = CompletionTables(parts.warehouse(config, where))
    if wanted:
        # Here, where nothing else is done: threads that import while others do take turns.
        import_bigquery()
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="report") as pool:
        yield Questions(
            request=request, tables=tables, asked=tuple(_asked(pool, tables, pipeline, request) for pipeline in wanted)
        )


def _asked(pool: ThreadPoolExecutor, tables: CompletionTables, pipeline: Pipeline, request: Request) -> Asked:
    first, last = dates_asked(request, pipeline)
    return Asked(
        pipeline=pipeline,
        first=first,
        last=last,
        recorded=pool.submit(tables.completions, pipeline, first, last, request.at),
        calendar=pool.submit(Calendars(tables.warehouse).days, pipeline, first, last),
        recording=pool.submit(tables.recording, pipeline, request.at),
    )
