"""The check on the functions' own logs: imports and names that failed, caught and swallowed or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from checks.logs.activity import Run
from checks.logs.entry import service_of
from checks.logs.failures import Failure, ScanResult, scan
from checks.logs.signatures import canonical
from checks.model import (
    Clearance,
    Evidence,
    Finding,
    JsonValue,
    Judgement,
    Severity,
    Status,
    Subject,
    normal_service,
    stamp,
)
from checks.ports import LogSource

MAX_SEEN = 10_000
SEEN_FOR = timedelta(hours=1)
_MAX_TITLE = 200
_MAX_FACT = 1_500
# What the engine reads of an entry; the rest need not wait with it.
_FIELDS = (
    "insertId",
    "labels",
    "logName",
    "receiveTimestamp",
    "resource",
    "severity",
    "textPayload",
    "jsonPayload",
    "protoPayload",
    "httpRequest",
    "timestamp",
    "trace",
    "spanId",
    "sourceLocation",
    "split",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsSeen:
    """New entries and those that waited; ``seen``: identity of an entry counted before -> Unix time."""

    entries: Sequence[Mapping[str, Any]]
    malformed: int
    evidence: Evidence
    seen: Mapping[str, int]


class FunctionLogs:
    """Finds the failures in the logs of functions, and the clean runs by which they are over.

    :param functions: the functions to watch, by any spelling of their names; None: all.
    :param settle: how long the rest of a text may take to arrive; until then a failure waits.
    :param phase_functions: normalised function name -> the (pipeline, phase) pairs that it records or starts.
    """

    def __init__(
        self,
        *,
        source: LogSource,
        every: timedelta,
        functions: tuple[str, ...] | None,
        settle: timedelta,
        phase_functions: Mapping[str, tuple[tuple[str, str], ...]],
        name: str = "function_logs",
    ) -> None:
        self.name = name
        self.every = every
        self.about = Subject()
        self._source = source
        self._functions = None if functions is None else frozenset(normal_service(one) for one in functions)
        self._settle = settle
        self._phase_functions = phase_functions

    def read(self, now: datetime, cursor: JsonValue) -> tuple[LogsSeen, JsonValue]:
        """New entries and the source's own cursor.

        :param cursor: ``{"source": the source's cursor, "carry": the last judgement's carry}``, or None at first.
        :raises SourceError: if the logs could not be read.
        """
        stored = cursor if isinstance(cursor, dict) else {}
        batch = self._source.read(stored.get("source"), now)
        carry = stored.get("carry")
        waiting, seen = _carried(carry) if isinstance(carry, dict) else ([], {})
        observed = LogsSeen(
            entries=[*waiting, *batch.entries], malformed=batch.malformed, evidence=batch.evidence, seen=seen
        )
        return observed, batch.cursor

    def judge(self, observed: LogsSeen, now: datetime) -> Judgement:
        """One finding for each fault, whatever its revisions, and a clearance for each function that ran cleanly since.

        What arrived within ``settle`` before ``now`` is carried to the next run, together with the identities of the
        entries counted within the last hour, so that a repeated delivery counts once.
        """
        watched = [entry for entry in observed.entries if self._watches(entry)]
        result = scan(watched, settled=now - self._settle, seen=observed.seen)
        findings = self._findings(result.failures)
        return Judgement(
            status=_status(findings),
            findings=findings,
            clearances=tuple(_clearance(run) for run in result.activity.values()),
            evidence=_evidence(observed, result),
            carry=_carry(observed, result, now),
        )

    def _watches(self, entry: Mapping[str, Any]) -> bool:
        return self._functions is None or not isinstance(entry, Mapping) or service_of(entry) in self._functions

    def _findings(self, failures: Sequence[Failure]) -> tuple[Finding, ...]:
        faults: dict[str, list[Failure]] = {}
        for failure in failures:
            faults.setdefault(failure.fingerprint, []).append(failure)
        return tuple(self._finding(fingerprint, faults[fingerprint]) for fingerprint in sorted(faults))

    def _finding(self, fingerprint: str, revisions: Sequence[Failure]) -> Finding:
        first = min(revisions, key=lambda failure: failure.first_seen)
        handled = all(failure.handled for failure in revisions)
        phases = self._phase_functions.get(first.service, ())
        table = canonical(first.kind, first.name) if first.kind == "bq-table-not-found" else None
        return Finding(
            fingerprint=fingerprint,
            check=self.name,
            kind=f"log.{first.kind}",
            severity=Severity.WARNING if handled and not phases else Severity.CRITICAL,
            subject=Subject(service=first.service, table=table),
            title=_title(first),
            since=first.first_seen,
            last_seen=max(failure.last_seen for failure in revisions),
            occurrences=sum(failure.count for failure in revisions),
            facts=_facts(first, revisions, handled=handled, phases=phases),
            quiet=handled and not phases,
        )


def _title(failure: Failure) -> str:
    said = " ".join(failure.message.split())
    ending = f" in {failure.service}"
    text = f"{failure.exception}: {said}" if said else failure.exception
    room = _MAX_TITLE - len(ending)
    return (text if len(text) <= room else text[: room - 1] + "\u2026") + ending[:_MAX_TITLE]


def _facts(
    first: Failure, revisions: Sequence[Failure], *, handled: bool, phases: Sequence[tuple[str, str]]
) -> dict[str, JsonValue]:
    facts: dict[str, JsonValue] = {"exception": first.exception}
    if first.name is not None:
        facts["name"] = first.name
    if first.module is not None and first.module != first.name:
        facts["module"] = first.module
    if first.file is not None:
        facts["where"] = f"{first.file}:{first.line}" + (f" in {first.function}" if first.function else "")
    named = sorted({failure.revision for failure in revisions if failure.revision})
    if named:
        facts["revision"] = ", ".join(named)
    facts["handled"] = handled
    if phases:
        facts["phases"] = ", ".join(f"{pipeline}/{phase}" for pipeline, phase in phases)
    executions = {one for failure in revisions for one in failure.execution_ids}
    if executions:
        facts["executions"] = len(executions)
    facts["sample"] = first.sample[-_MAX_FACT:]
    return facts


def _clearance(run: Run) -> Clearance:
    revision = f" (revision {run.revision})" if run.revision else ""
    return Clearance(
        service=run.service, at=run.began, reason=f"{run.service} ran cleanly at {stamp(run.at)}{revision}"
    )


def _status(findings: Sequence[Finding]) -> Status:
    if not findings:
        return Status.OK
    return Status.DEGRADED if all(finding.quiet for finding in findings) else Status.FAILING


def _evidence(observed: LogsSeen, result: ScanResult) -> Evidence:
    counts = {
        "entries": result.entries,
        "malformed": result.malformed + observed.malformed,
        "failures": sum(failure.count for failure in result.failures),
        "waiting": len(result.incomplete),
    }
    return replace(observed.evidence, counts={**observed.evidence.counts, **counts})


def _carried(carry: Mapping[str, JsonValue]) -> tuple[list[dict[str, Any]], dict[str, int]]:
    entries, seen = carry.get("entries"), carry.get("seen")
    waiting = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    known = seen if isinstance(seen, dict) else {}
    return waiting, {key: at for key, at in known.items() if isinstance(at, int)}


def _carry(observed: LogsSeen, result: ScanResult, now: datetime) -> JsonValue:
    at = int(now.timestamp())
    oldest = at - int(SEEN_FOR.total_seconds())
    seen = {key: counted for key, counted in observed.seen.items() if counted >= oldest}
    seen.update(dict.fromkeys(result.counted, at))
    newest: dict[str, JsonValue] = dict(list(seen.items())[-MAX_SEEN:])
    waiting: list[JsonValue] = [{field: raw[field] for field in _FIELDS if field in raw} for raw in result.incomplete]
    return {"entries": waiting, "seen": newest}
