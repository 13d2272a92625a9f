"""The check on the functions' own logs: imports and names that failed, signals of the user's own, and new errors.

Fingerprints: ``log:service:exception:name:file`` for a failure, ``log:service:exception:function():file`` for a new
error (the same in a shared module is one incident across functions), ``log-signal:service:signal`` for a signal (never
joined across functions). All three are cleared by a later clean run of the function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.fields import duration_text
from checks.logs import error_memory, signal_memory
from checks.logs.activity import Run
from checks.logs.entry import service_of
from checks.logs.error_memory import NewError
from checks.logs.failures import Failure, ScanResult, scan
from checks.logs.rules import SignalRule
from checks.logs.signal_memory import Told
from checks.logs.signatures import canonical, compile_signatures
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
from checks.ports import LogSource, RunSource

MAX_SEEN = 10_000
MAX_FAILING = 500
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
    """New entries and those that waited, and what the last judgement remembered.

    ``failing``: service -> Unix time of its last failure, for those that have not run cleanly since.
    ``seen`` and ``noted``: identity of an entry that was counted in a failure, or in a signal or another error, -> Unix
    time. ``signals`` and ``errors`` are the memories of ``checks.logs.signal_memory`` and ``error_memory``.
    """

    entries: Sequence[Mapping[str, Any]]
    malformed: int
    evidence: Evidence
    failing: Mapping[str, int] = field(default_factory=dict)
    seen: Mapping[str, int]
    noted: Mapping[str, int]
    signals: JsonValue
    errors: JsonValue


class FunctionLogs:
    """Finds failures, signals and new errors in the logs of functions, and the clean runs by which they are over.

    :param functions: the functions to watch, by any spelling of their names; None: all.
    :param settle: how long the rest of a text may take to arrive; until then a failure waits.
    :param phase_functions: normalised function name -> the (pipeline, phase) pairs that it records or starts.
    :param signals: what to look for besides; those that are not enabled are left out.
    :raises ValueError: for a signal whose pattern RE2 does not accept.
    """

    def __init__(
        self,
        *,
        source: LogSource,
        every: timedelta,
        functions: tuple[str, ...] | None,
        settle: timedelta,
        phase_functions: Mapping[str, tuple[tuple[str, str], ...]],
        signals: Sequence[SignalRule] = (),
        name: str = "function_logs",
    ) -> None:
        self.name = name
        self.every = every
        self.about = Subject()
        self._source = source
        self._functions = None if functions is None else frozenset(normal_service(one) for one in functions)
        self._settle = settle
        self._phase_functions = phase_functions
        self._rules = {rule.name: rule for rule in signals if rule.enabled}
        self._signatures = compile_signatures({name: rule.pattern for name, rule in self._rules.items()})

    def read(self, now: datetime, cursor: JsonValue) -> tuple[LogsSeen, JsonValue]:
        """New entries and the source's own cursor.

        :param cursor: ``{"source": the source's cursor, "carry": the last judgement's carry}``, or None at first.
        :raises SourceError: if the logs could not be read.
        """
        stored = cursor if isinstance(cursor, dict) else {}
        batch = self._source.read(stored.get("source"), now)
        kept = stored.get("carry")
        carry: Mapping[str, JsonValue] = kept if isinstance(kept, dict) else {}
        waiting = carry.get("entries")
        held = [entry for entry in waiting if isinstance(entry, dict)] if isinstance(waiting, list) else []
        failing = _times(carry.get("failing"))
        entries, evidence = [*held, *batch.entries], batch.evidence
        if failing and isinstance(self._source, RunSource):
            since = datetime.fromtimestamp(min(failing.values()), UTC)
            runs = self._source.runs_since(sorted(failing), since, now)
            entries += runs.entries.values()
            evidence = evidence.merged(runs.evidence)
        observed = LogsSeen(
            entries=entries,
            malformed=batch.malformed,
            evidence=evidence,
            failing=failing,
            seen=_times(carry.get("seen")),
            noted=_times(carry.get("noted")),
            signals=carry.get("signals"),
            errors=carry.get("errors"),
        )
        return observed, batch.cursor

    def judge(self, observed: LogsSeen, now: datetime) -> Judgement:
        """One finding for each fault, whatever its revisions, and a clearance for each function that ran cleanly since.

        What arrived within ``settle`` before ``now`` is carried to the next run, together with the identities of the
        entries counted within the last hour, so that a repeated delivery counts once, and with the memories of signals
        and errors.
        """
        watched = [entry for entry in observed.entries if self._watches(entry)]
        counted = {**observed.noted, **observed.seen}
        result = scan(watched, signatures=self._signatures, settled=now - self._settle, seen=counted)
        told, signals = signal_memory.judge(
            result.signals, self._rules, observed.signals, result.activity, now=now, settle=self._settle
        )
        new, errors = error_memory.judge(result.errors, observed.errors, result.activity, now)
        findings = (
            *self._findings(result.failures),
            *(self._new_error(error) for error in new),
            *(self._signal(signal) for signal in told),
        )
        at = int(now.timestamp())
        waiting: list[JsonValue] = [{f: raw[f] for f in _FIELDS if f in raw} for raw in result.incomplete]
        return Judgement(
            status=_status(findings),
            findings=findings,
            clearances=tuple(_clearance(run) for run in result.activity.values()),
            evidence=_evidence(observed, result),
            carry={
                "entries": waiting,
                "failing": _still_failing(observed.failing, findings, result.activity),
                "seen": _remembered(observed.seen, result.counted, at),
                "noted": _remembered(observed.noted, result.noted, at),
                "signals": signals,
                "errors": errors,
            },
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

    def _new_error(self, error: NewError) -> Finding:
        """A warning, for the digest under the same rule as a failure and while the check learns; critical, and never
        quiet, where every execution has it.
        """
        first = min(error.revisions, key=lambda one: one.first_seen)
        handled = all(one.handled for one in error.revisions)
        phases = self._phase_functions.get(first.service, ())
        facts = _facts(first, error.revisions, handled=handled, phases=phases)
        if error.deadly:
            facts["every execution"] = f"all {error.executions} since the first have failed with it"
        return Finding(
            fingerprint=first.fingerprint,
            check=self.name,
            kind="log.new-error",
            severity=Severity.CRITICAL if error.deadly else Severity.WARNING,
            subject=Subject(service=first.service),
            title=_title(first),
            since=error.since,
            last_seen=max(one.last_seen for one in error.revisions),
            occurrences=sum(one.count for one in error.revisions),
            facts=facts,
            quiet=not error.deadly and (error.learning or (handled and not phases)),
        )

    def _signal(self, told: Told) -> Finding:
        rule = told.rule
        phases = self._phase_functions.get(told.service, ())
        return Finding(
            fingerprint=f"log-signal:{told.service}:{rule.name}",
            check=self.name,
            kind="log.signal",
            severity=rule.severity,
            subject=Subject(service=told.service),
            title=_shortened(f"{rule.name.replace('_', ' ')}: {' '.join(told.sample.split())}", told.service),
            since=told.first_seen,
            last_seen=told.last_seen,
            occurrences=told.count,
            facts=_signal_facts(told, phases),
            quiet=rule.severity is Severity.INFO,
        )


def _shortened(text: str, service: str) -> str:
    ending = f" in {service}"
    room = _MAX_TITLE - len(ending)
    return (text if len(text) <= room else text[: room - 1] + "\u2026") + ending[:_MAX_TITLE]


def _signal_facts(told: Told, phases: Sequence[tuple[str, str]]) -> dict[str, JsonValue]:
    facts: dict[str, JsonValue] = {"signal": told.rule.name}
    if told.captured:
        facts["captured"] = "; ".join(f"{name} {', '.join(values)}" for name, values in told.captured.items())
    if told.rule.at_least is not None:
        facts["reported from"] = f"{told.rule.at_least.count} times in {duration_text(told.rule.at_least.within)}"
    if told.rule.unless_later_success:
        facts["since then"] = "no success of this function"
    if told.revisions:
        facts["revision"] = ", ".join(sorted(told.revisions))
    if phases:
        facts["phases"] = _phases(phases)
    if told.execution_ids:
        facts["executions"] = len(told.execution_ids)
    if told.rule.reason is not None:
        facts["why watched"] = told.rule.reason
    if told.rule.remedy is not None:
        facts["remedy"] = told.rule.remedy
    facts["sample"] = told.sample[:_MAX_FACT]
    return facts


def _phases(phases: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{pipeline}/{phase}" for pipeline, phase in phases)


def _still_failing(
    before: Mapping[str, int], findings: Sequence[Finding], runs: Mapping[str, Run]
) -> dict[str, JsonValue]:
    """The services that failed and have not run cleanly since; of too many, those that failed last."""
    failing = dict(before)
    for finding in findings:
        if finding.subject.service is not None:
            last = int(finding.last_seen.timestamp())
            failing[finding.subject.service] = max(last, failing.get(finding.subject.service, 0))
    still = {s: last for s, last in failing.items() if s not in runs or int(runs[s].began.timestamp()) <= last}
    kept = sorted(still.items(), key=lambda item: -item[1])[:MAX_FAILING]
    return dict(sorted(kept))


def _title(failure: Failure) -> str:
    said = " ".join(failure.message.split())
    return _shortened(f"{failure.exception}: {said}" if said else failure.exception, failure.service)


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
        facts["phases"] = _phases(phases)
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
    """What is only for information says nothing against the functions."""
    gravest = max((finding.severity.rank for finding in findings), default=0)
    return (Status.OK, Status.DEGRADED, Status.FAILING)[gravest]


def _evidence(observed: LogsSeen, result: ScanResult) -> Evidence:
    counts = {
        "entries": result.entries,
        "malformed": result.malformed + observed.malformed,
        "failures": sum(failure.count for failure in result.failures),
        "signals": sum(signal.count for signal in result.signals),
        "other errors": sum(error.count for error in result.errors),
        "waiting": len(result.incomplete),
    }
    return replace(observed.evidence, counts={**observed.evidence.counts, **counts})


def _times(carried: JsonValue) -> dict[str, int]:
    known = carried if isinstance(carried, dict) else {}
    return {key: at for key, at in known.items() if isinstance(at, int)}


def _remembered(before: Mapping[str, int], now: Sequence[str], at: int) -> dict[str, JsonValue]:
    """The identities of the last hour, at most ``MAX_SEEN``."""
    oldest = at - int(SEEN_FOR.total_seconds())
    known = {key: counted for key, counted in before.items() if counted >= oldest}
    known.update(dict.fromkeys(now, at))
    return dict(list(known.items())[-MAX_SEEN:])
