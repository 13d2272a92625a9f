"""What the configuration says of findings: how grave, how long they may last untold, whether told at all. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from alerts.matching import Matcher
from checks.model import Finding, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRule:
    """What it means for the findings that it fits; None leaves that as the check says."""

    matcher: Matcher
    severity: Severity | None = None
    pending_for: timedelta | None = None
    quiet: bool | None = None


def apply(findings: Sequence[Finding], rules: Sequence[FindingRule]) -> tuple[Finding, ...]:
    """The findings as the rules want them; of several rules that fit the later one wins, field by field."""
    if not rules:
        return tuple(findings)
    return tuple(_changed(finding, rules) for finding in findings)


def _changed(finding: Finding, rules: Sequence[FindingRule]) -> Finding:
    answer = finding
    for rule in rules:
        if rule.matcher.fits(finding):
            answer = replace(
                answer,
                severity=answer.severity if rule.severity is None else rule.severity,
                pending_for=answer.pending_for if rule.pending_for is None else rule.pending_for,
                quiet=answer.quiet if rule.quiet is None else rule.quiet,
            )
    return answer
