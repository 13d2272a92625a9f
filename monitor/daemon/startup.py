"""Queries tried once at the start, without running them: a column that is not there is told at once, by its setting."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from checks.completions.sql import completions_statement
from checks.model import CheckRun, Clearance, Evidence, Finding, JsonValue, Severity, Status, Subject
from checks.phases.evidence import TableEvidence
from checks.pipeline import Pipeline
from checks.ports import SourceError
from checks.sources import calendar
from checks.sources.evidence import evidence_statement
from checks.sql import Statement

log = logging.getLogger(__name__)

NAME = "queries"
# How BigQuery names a column that it does not know, and how the local one does (bqemulator 1.4.0 on DuckDB).
_UNKNOWN_COLUMN = re.compile(
    r"""Unrecognized\ name:\ `?(\w+)
    | Name\ `?(\w+)`?\ not\ found\ inside
    | does\ not\ have\ a\ column\ named\ "(\w+)"
    | Referenced\ column\ "(\w+)"\ not\ found""",
    re.VERBOSE,
)
# After one of these the others would most likely wait as long for nothing; the checks themselves tell of it.
_HOPELESS = ("unreachable", "timeout", "quota")


class DryRuns(Protocol):
    """Where a query can be checked against its tables without running it."""

    def dry_run(self, sql: str, params: dict[str, object]) -> int | None:
        """The bytes it would read, as far as reported.

        :raises SourceError: as ``checks.ports.Warehouse``.
        """
        ...


def try_queries(warehouse: DryRuns, pipelines: Sequence[Pipeline], now: datetime) -> CheckRun:
    """A run of our own with a finding for each query that does not fit its table, and a clearance for each that does.

    What could not be tried (no such table, no access, no answer) is neither: the checks tell of it.
    """
    findings: list[Finding] = []
    clearances: list[Clearance] = []
    tried = 0
    for pipeline in pipelines:
        for statement in _statements(pipeline, now):
            fingerprint = f"query:{pipeline.name}:{statement.what}"
            tried += 1
            try:
                warehouse.dry_run(statement.sql, dict(statement.params))
            except SourceError as error:
                if error.kind == "invalid":
                    log.warning("query refused: %s", error, extra={"action": "startup.query", "query": statement.what})
                    findings.append(_refused(pipeline, statement, fingerprint, error, now))
                elif error.kind in _HOPELESS:
                    return _run(findings, clearances, tried, now)
            else:
                reason = f"the query for {statement.what} fits its tables"
                clearances.append(Clearance(fingerprint=fingerprint, at=now, reason=reason))
    return _run(findings, clearances, tried, now)


def _run(findings: list[Finding], clearances: list[Clearance], tried: int, now: datetime) -> CheckRun:
    return CheckRun(
        check=NAME,
        started_at=now,
        finished_at=now,
        status=Status.FAILING if findings else Status.OK,
        findings=tuple(findings),
        clearances=tuple(clearances),
        evidence=Evidence(counts={"queries_tried": tried}),
    )


def _statements(pipeline: Pipeline, now: datetime) -> Iterator[Statement]:
    """Every query that the pipeline's states are judged by, as it would be run today."""
    today = now.astimezone(pipeline.zone).date()
    first = today - timedelta(days=3)
    yield from calendar.statements(pipeline, first, today)
    yield completions_statement(pipeline, first, today, now)
    proofs = (proof for phase in pipeline.phases for p in phase.processors for proof in p.evidence)
    for proof in dict.fromkeys(proof for proof in proofs if isinstance(proof, TableEvidence)):
        yield evidence_statement(proof, [today], now)


def _refused(pipeline: Pipeline, statement: Statement, fingerprint: str, error: SourceError, now: datetime) -> Finding:
    found = _UNKNOWN_COLUMN.search(str(error))
    column = next((name for name in found.groups() if name), None) if found else None
    setting = statement.settings.get(column) if column is not None else None
    table = statement.table
    facts: dict[str, JsonValue] = {"reason": str(error)}
    if setting is not None:
        facts["setting"] = setting
    facts["remedy"] = (
        f"correct {setting}, or add the column {column} to {table}"
        if setting is not None and table is not None
        else f"correct the query of {statement.what} in the configuration of pipeline {pipeline.name}"
    )
    title = f"The query for {statement.what} is refused: pipeline {pipeline.name} cannot be judged by it"
    if column is not None and table is not None:
        title = f"{table} has no column {column}: pipeline {pipeline.name} cannot be judged by it"
    return Finding(
        fingerprint=fingerprint,
        check=NAME,
        kind="config.query",
        severity=Severity.CRITICAL,
        subject=Subject(pipeline=pipeline.name, table=table, check=NAME),
        title=title,
        since=now,
        last_seen=now,
        facts=facts,
    )
