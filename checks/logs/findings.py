"""Findings: what was found in the logs, in the words that travel. Pure.

Fingerprints: ``log:service:exception:name:file`` for a failure, ``log:service:exception:function():file`` for a new
error (the same in a shared module is one incident across functions), ``log-signal:service:signal`` for a signal and
``rollout:service`` for a deployment that failed (neither is joined across functions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checks.fields import duration_text
from checks.logs.deployments import Outcome
from checks.logs.error_memory import NewError
from checks.logs.faults import Failure
from checks.logs.revisions import Revisions, Rollout
from checks.logs.signal_memory import Told
from checks.logs.signatures import canonical
from checks.model import Clearance, Finding, JsonValue, Severity, Subject, stamp

_MAX_TITLE = 200
_MAX_FACT = 1_500


class Findings:
    """Makes the findings of one judgement.

    :param check: the name of the check.
    :param phase_functions: normalised function name -> the (pipeline, phase) pairs that it records or starts.
    :param revisions: all that is known of the functions' revisions.
    """

    def __init__(
        self, check: str, phase_functions: Mapping[str, tuple[tuple[str, str], ...]], revisions: Revisions
    ) -> None:
        self._check = check
        self._phase_functions = phase_functions
        self._revisions = revisions

    def failures(self, failures: Sequence[Failure]) -> tuple[Finding, ...]:
        """One for each fault, whatever its revisions."""
        faults: dict[str, list[Failure]] = {}
        for failure in failures:
            faults.setdefault(failure.fingerprint, []).append(failure)
        return tuple(self._failure(fingerprint, faults[fingerprint]) for fingerprint in sorted(faults))

    def _failure(self, fingerprint: str, revisions: Sequence[Failure]) -> Finding:
        first = min(revisions, key=lambda failure: failure.first_seen)
        handled = all(failure.handled for failure in revisions)
        phases = self._phase_functions.get(first.service, ())
        table = canonical(first.kind, first.name) if first.kind == "bq-table-not-found" else None
        return Finding(
            fingerprint=fingerprint,
            check=self._check,
            kind=f"log.{first.kind}",
            severity=Severity.WARNING if handled and not phases else Severity.CRITICAL,
            subject=Subject(service=first.service, table=table),
            title=_title(first),
            since=first.first_seen,
            last_seen=max(failure.last_seen for failure in revisions),
            occurrences=sum(failure.count for failure in revisions),
            facts=self._facts(first, revisions, handled=handled, phases=phases),
            quiet=handled and not phases,
        )

    def new_error(self, error: NewError) -> Finding:
        """A warning, for the digest under the same rule as a failure and while the check learns; critical, and never
        quiet, where every execution has it.
        """
        first = min(error.revisions, key=lambda one: one.first_seen)
        handled = all(one.handled for one in error.revisions)
        phases = self._phase_functions.get(first.service, ())
        facts = self._facts(first, error.revisions, handled=handled, phases=phases)
        if error.deadly:
            facts["every execution"] = f"all {error.executions} since the first have failed with it"
        return Finding(
            fingerprint=first.fingerprint,
            check=self._check,
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

    def signal(self, told: Told) -> Finding:
        """For information only, where the user says so: that is for the digest."""
        rule = told.rule
        phases = self._phase_functions.get(told.service, ())
        return Finding(
            fingerprint=f"log-signal:{told.service}:{rule.name}",
            check=self._check,
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

    def rollout(self, told: Rollout) -> Finding | Clearance:
        """A deployment that failed: the revision before goes on serving, so that only a later one can end it. And the
        end of that.
        """
        one = told.deployment
        fingerprint = f"rollout:{one.service}"
        by = f" by {told.by}" if told.by else ""
        if one.outcome is not Outcome.FAILED:
            revision = f" (revision {one.revision})" if one.revision else ""
            reason = f"{one.service} was deployed{by} at {stamp(one.at)}{revision}"
            return Clearance(fingerprint=fingerprint, at=one.at, reason=reason)
        phases = self._phase_functions.get(one.service, ())
        facts: dict[str, JsonValue] = {}
        if one.revision is not None:
            facts["revision"] = one.revision
        if told.by is not None:
            facts["deployed by"] = told.by
        if one.message is not None:
            facts["reason"] = one.message[:_MAX_FACT]
        if phases:
            facts["phases"] = _phases(phases)
        facts["meanwhile"] = "the revision before, if there is one, goes on serving"
        facts["remedy"] = f"repair what the deployment of {one.service} fails with, and deploy it again"
        said = " ".join((one.message or "").split())
        return Finding(
            fingerprint=fingerprint,
            check=self._check,
            kind="rollout.failed",
            severity=Severity.CRITICAL if phases else Severity.WARNING,
            subject=Subject(service=one.service),
            title=_cut(f"A deployment of {one.service} failed" + (f": {said}" if said else ""), _MAX_TITLE),
            since=one.at,
            last_seen=one.at,
            occurrences=0 if told.again else 1,
            facts=facts,
        )

    def _facts(
        self, first: Failure, revisions: Sequence[Failure], *, handled: bool, phases: Sequence[tuple[str, str]]
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
        facts |= self._revisions.facts(first)
        facts["handled"] = handled
        if phases:
            facts["phases"] = _phases(phases)
        executions = {one for failure in revisions for one in failure.execution_ids}
        if executions:
            facts["executions"] = len(executions)
        facts["sample"] = first.sample[-_MAX_FACT:]
        return facts


def _shortened(text: str, service: str) -> str:
    ending = f" in {service}"
    return _cut(text, _MAX_TITLE - len(ending)) + ending[:_MAX_TITLE]


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "\u2026"


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


def _title(failure: Failure) -> str:
    said = " ".join(failure.message.split())
    return _shortened(f"{failure.exception}: {said}" if said else failure.exception, failure.service)
