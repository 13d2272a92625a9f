"""Findings that are known and accepted: by a comment at the line, or in a baseline file. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from checks.preflight.model import Finding, Ignore, PackageReport

BASELINE_VERSION = 1
_KEYS = ("package", "file", "kind", "symbol", "scope")


class BaselineError(Exception):
    """The file is no baseline."""


def heed_comments(report: PackageReport) -> PackageReport:
    """Pass over what ``# preflight: ignore[kind] reason`` says; a comment without a reason does not count."""
    kept, passed = [], list(report.passed_over)
    for finding in report.findings:
        reason = _reason(finding, report.ignores.get(finding.file, ()))
        if reason:
            passed.append((finding, f"ignored in the code: {reason}"))
        elif reason == "":
            kept.append(replace(finding, message=f"{finding.message} (the comment that ignores it gives no reason)"))
        else:
            kept.append(finding)
    return replace(report, findings=tuple(kept), passed_over=tuple(passed))


def _reason(finding: Finding, ignores: Sequence[Ignore]) -> str | None:
    for line, kinds, reason in ignores:
        if line == finding.line and (not kinds or finding.kind.value in kinds):
            return str(reason)
    return None


def heed_baseline(reports: Sequence[PackageReport], text: str) -> tuple[list[PackageReport], int]:
    """Pass over what was known; and how many old findings did not occur again. Lines may have moved.

    :raises BaselineError: if the text is none.
    """
    known = Counter(_entries(text))
    answer = []
    for report in reports:
        kept, passed = [], list(report.passed_over)
        for finding in report.findings:
            key = _key(report, finding)
            if known[key] > 0:
                known[key] -= 1
                passed.append((finding, "in the baseline"))
            else:
                kept.append(finding)
        answer.append(replace(report, findings=tuple(kept), passed_over=tuple(passed)))
    seen = {report.package.name for report in reports}
    return answer, sum(count for key, count in known.items() if key[0] in seen)


def baseline(reports: Iterable[PackageReport]) -> str:
    """The present findings, and those that an earlier baseline held, as a file."""
    entries = [
        dict(zip(_KEYS, _key(report, finding), strict=True))
        for report in reports
        for finding in (*report.findings, *[f for f, why in report.passed_over if why == "in the baseline"])
    ]
    entries.sort(key=lambda entry: [entry[key] for key in _KEYS])
    return json.dumps({"schema_version": BASELINE_VERSION, "findings": entries}, indent=1, ensure_ascii=False) + "\n"


def _entries(text: str) -> list[tuple[str, ...]]:
    try:
        tree: Mapping[str, Any] = json.loads(text)
        if tree["schema_version"] != BASELINE_VERSION:
            raise BaselineError(
                f"written by another version (schema_version {tree['schema_version']!r}): write it anew"
            )
        return [tuple(str(entry[key]) for key in _KEYS) for entry in tree["findings"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BaselineError("not a baseline of phasewatch preflight") from error


def _key(report: PackageReport, finding: Finding) -> tuple[str, ...]:
    return (report.package.name, finding.file, finding.kind.value, finding.symbol, finding.scope)
