"""The check on the functions' own logs: imports and names that failed, signals of the user's own, new errors, and
deployments that failed.

The findings and their fingerprints: ``checks.logs.findings``. All but a failed deployment are cleared by a later clean
run of the function, and that by a later deployment that came up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.logs import error_memory, signal_memory
from checks.logs.activity import Run
from checks.logs.entry import service_of
from checks.logs.failures import ScanResult, scan, scan_glanced
from checks.logs.findings import Findings
from checks.logs.glance import Glance, glances
from checks.logs.revisions import Revisions
from checks.logs.rules import SignalRule
from checks.logs.signatures import compile_signatures
from checks.model import (
    Clearance,
    Evidence,
    Finding,
    JsonValue,
    Judgement,
    Status,
    Subject,
    normal_service,
    stamp,
)
from checks.ports import Failing, LogSource, RevisionSource, RunSource, SourceError
from checks.uncollected import uncollected

MAX_SEEN = 10_000
MAX_FAILING = 500
SEEN_FOR = timedelta(hours=1)
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
    "operation",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsSeen:
    """New entries and those that waited, and what the last judgement remembered.

    ``failing``: service -> Unix time of its last failure, for those that have not run cleanly since.
    ``seen`` and ``noted``: identity of an entry that was counted in a failure, or in a signal or another error, -> Unix
    time. ``signals``, ``errors`` and ``revisions`` are the memories of ``checks.logs.signal_memory``, ``error_memory``
    and ``revisions``. ``past``: what a source that was asked about the revisions ``asked`` told of what came before.
    """

    entries: Sequence[Mapping[str, Any]]
    malformed: int
    evidence: Evidence
    failing: Mapping[str, int] = field(default_factory=dict)
    seen: Mapping[str, int]
    noted: Mapping[str, int]
    signals: JsonValue
    errors: JsonValue
    more: bool = False
    revisions: JsonValue = None
    past: Sequence[Mapping[str, Any]] = ()
    asked: Sequence[Failing] = ()


class FunctionLogs:
    """Finds failures, signals and new errors in the logs of functions, and the clean runs by which they are over.

    :param functions: the functions to watch, by any spelling of their names; None: all.
    :param settle: how long the rest of a text may take to arrive; until then a failure waits.
    :param phase_functions: normalised function name -> the (pipeline, phase) pairs that it records or starts.
    :param signals: what to look for besides; those that are not enabled are left out.
    :param hidden: what of the logs no source can see at that time, a sentence each: it becomes part of the evidence.
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
        hidden: Callable[[datetime], Sequence[str]] = lambda _: (),
        name: str = "function_logs",
    ) -> None:
        self.name = name
        self.every = every
        self.about = Subject()
        self._source = source
        self._functions = None if functions is None else frozenset(normal_service(one) for one in functions)
        self._settle = settle
        self._phase_functions = phase_functions
        self._hidden = hidden
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
        evidence = replace(evidence, unseen=(*evidence.unseen, *self._hidden(now)))
        past, asked, evidence = self._past(entries, carry.get("revisions"), evidence)
        observed = LogsSeen(
            entries=entries,
            malformed=batch.malformed,
            evidence=evidence,
            failing=failing,
            seen=_times(carry.get("seen")),
            noted=_times(carry.get("noted")),
            signals=carry.get("signals"),
            errors=carry.get("errors"),
            more=batch.more,
            revisions=carry.get("revisions"),
            past=past,
            asked=asked,
        )
        return observed, batch.cursor

    def _past(
        self, entries: Sequence[Mapping[str, Any]], remembered: JsonValue, evidence: Evidence
    ) -> tuple[Sequence[Mapping[str, Any]], Sequence[Failing], Evidence]:
        """What came before failures in revisions that are new to us, if the source is to be asked for it. That it
        cannot be asked leaves gaps in what is told, and blinds nobody.
        """
        if not isinstance(self._source, RevisionSource):
            return (), (), evidence
        failing = Revisions(remembered).unasked(entry for entry in entries if self._watches(entry))
        if not failing:
            return (), (), evidence
        try:
            past = self._source.past(failing)
        except SourceError as error:
            said = f"which deployments brought new failures could not be read: {error}"
            return (), (), replace(evidence, unseen=(*evidence.unseen, said))
        return past.entries, failing, evidence.merged(past.evidence)

    @uncollected()
    def judge(self, observed: LogsSeen, now: datetime) -> Judgement:
        """One finding for each fault, whatever its revisions, and a clearance for each function that ran cleanly since.

        What arrived within ``settle`` before ``now`` is carried to the next run, together with the identities of the
        entries counted within the last hour, so that a repeated delivery counts once, and with the memories of signals
        and errors.
        """
        watched = observed.entries if self._functions is None else [e for e in observed.entries if self._watches(e)]
        glanced = list(glances(watched))
        counted = {**observed.noted, **observed.seen}
        result = scan_glanced(glanced, signatures=self._signatures, settled=now - self._settle, seen=counted)
        told, signals = signal_memory.judge(
            result.signals, self._rules, observed.signals, result.activity, now=now, settle=self._settle
        )
        new, errors = error_memory.judge(result.errors, observed.errors, result.activity, now)
        revisions = self._revisions(observed, glanced, result)
        make = Findings(self.name, self._phase_functions, revisions)
        rollouts = [make.rollout(one) for one in revisions.rollouts()]
        findings = (
            *make.failures(result.failures),
            *(make.new_error(error) for error in new),
            *(make.signal(signal) for signal in told),
            *(one for one in rollouts if isinstance(one, Finding)),
        )
        at = int(now.timestamp())
        waiting: list[JsonValue] = [{f: raw[f] for f in _FIELDS if f in raw} for raw in result.incomplete]
        return Judgement(
            status=_status(findings),
            findings=findings,
            clearances=(
                *(_clearance(run, revisions) for run in result.activity.values()),
                *(one for one in rollouts if isinstance(one, Clearance)),
            ),
            evidence=_evidence(observed, result),
            more=observed.more,
            carry={
                "entries": waiting,
                "failing": _still_failing(observed.failing, findings, result.activity),
                "seen": _remembered(observed.seen, result.counted, at),
                "noted": _remembered(observed.noted, result.noted, at),
                "signals": signals,
                "errors": errors,
                "revisions": revisions.as_json(),
            },
        )

    def _revisions(self, observed: LogsSeen, glanced: Sequence[Glance], result: ScanResult) -> Revisions:
        """All that is known of revisions, with what is new."""
        revisions = Revisions(observed.revisions)
        revisions.see(observed.past, past=True)
        revisions.asked(observed.asked)
        revisions.see_together(glanced)
        past = scan(observed.past)
        for failures in (past.failures, past.errors, result.failures, result.errors):
            revisions.failed(failures)
        return revisions

    def _watches(self, entry: Mapping[str, Any]) -> bool:
        return self._functions is None or not isinstance(entry, Mapping) or service_of(entry) in self._functions


def _still_failing(
    before: Mapping[str, int], findings: Sequence[Finding], runs: Mapping[str, Run]
) -> dict[str, JsonValue]:
    """The services that failed and have not run cleanly since; of too many, those that failed last."""
    failing = dict(before)
    for finding in findings:
        if finding.subject.service is not None and finding.kind.startswith("log."):
            last = int(finding.last_seen.timestamp())
            failing[finding.subject.service] = max(last, failing.get(finding.subject.service, 0))
    still = {s: last for s, last in failing.items() if s not in runs or int(runs[s].began.timestamp()) <= last}
    kept = sorted(still.items(), key=lambda item: -item[1])[:MAX_FAILING]
    return dict(sorted(kept))


def _clearance(run: Run, revisions: Revisions) -> Clearance:
    revision = f" (revision {revisions.named(run.service, run.revision, run.at)})" if run.revision else ""
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
