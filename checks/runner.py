"""Runs one check: read, then judge. Whatever goes wrong becomes a finding; nothing escapes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from checks.model import CheckRun, Evidence, Finding, JsonValue, Severity, Status, Subject
from checks.ports import Check, SourceError

log = logging.getLogger(__name__)
# Of a look at everything: at 16 MiB each, more than anybody exports; a source that grows faster than it is read ends.
MAX_RUNS = 10_000
_GRAVITY = (Status.OK, Status.DEGRADED, Status.UNKNOWN, Status.FAILING)


def run(
    check: Check[Any], now: datetime, cursor: JsonValue, *, blind_after: timedelta, clock: Callable[[], datetime]
) -> CheckRun:
    """One run of a check, judged at ``now``; ``clock`` only stamps its end.

    A source that cannot be asked gives UNKNOWN and the finding ``blind`` (told after ``blind_after``); a table that is
    missing gives ``table.missing`` (told at the second look: metadata answers lag for some minutes after a
    re-creation); a query that does not fit its table ``query.invalid``; a bug in the check ``broken``. The cursor then
    stays where it was.
    """
    try:
        observed, source_cursor = check.read(now, cursor)
        judgement = check.judge(observed, now)
    except SourceError as error:
        finding = _blind(check, error, now, blind_after)
        return _unseeing(check, now, clock(), finding, f"{error}")
    except Exception as error:  # a check must never end the daemon, nor pass for healthy
        log.exception("check failed", extra={"action": "check.broken", "check": check.name})
        text = f"{type(error).__name__}: {error}"
        return _unseeing(check, now, clock(), _broken(check, text, now), text)
    return CheckRun(
        check=check.name,
        started_at=now,
        finished_at=clock(),
        status=judgement.status,
        findings=judgement.findings,
        clearances=judgement.clearances,
        evidence=judgement.evidence,
        cursor={"source": source_cursor, "carry": judgement.carry},
        more=judgement.more,
    )


def whole(check: Check[Any], now: datetime, *, blind_after: timedelta, clock: Callable[[], datetime]) -> CheckRun:
    """One look at everything that a check's source has, in as many runs as that takes: the last one, with the findings
    and the evidence of all.
    """
    last = run(check, now, None, blind_after=blind_after, clock=clock)
    runs = [last]
    while last.more and len(runs) < MAX_RUNS:
        last = run(check, now, last.cursor, blind_after=blind_after, clock=clock)
        runs.append(last)
    if len(runs) == 1:
        return last
    findings: dict[str, Finding] = {}
    for finding in (finding for one in runs for finding in one.findings):
        before = findings.get(finding.fingerprint)
        if before is not None:
            count = before.occurrences + finding.occurrences
            finding = replace(finding, since=min(before.since, finding.since), occurrences=count)  # noqa: PLW2901
        findings[finding.fingerprint] = finding
    seen = runs[0].evidence
    for one in runs[1:]:
        # What one run left to the next is seen.
        seen = replace(one.evidence.merged(replace(seen, unseen=())), unseen=one.evidence.unseen)
    gravest = max((one.status for one in runs), key=_GRAVITY.index)
    return replace(last, findings=tuple(findings.values()), evidence=seen, status=gravest)


def _unseeing(check: Check[Any], now: datetime, end: datetime, finding: Finding, error: str) -> CheckRun:
    return CheckRun(
        check=check.name,
        started_at=now,
        finished_at=end,
        status=Status.UNKNOWN,
        findings=(finding,),
        evidence=Evidence(unseen=(error,)),
        error=error,
    )


def _blind(check: Check[Any], error: SourceError, now: datetime, blind_after: timedelta) -> Finding:
    facts: dict[str, JsonValue] = {"reason": str(error)}
    if error.remedy:
        facts["remedy"] = error.remedy
    if error.kind == "missing" and error.subject:
        return Finding(
            fingerprint=f"table:{check.name}:{error.subject}",
            check=check.name,
            kind="table.missing",
            severity=Severity.CRITICAL,
            subject=Subject(pipeline=check.about.pipeline, table=error.subject, check=check.name),
            title=f"The table {error.subject} does not exist",
            since=now,
            last_seen=now,
            facts=facts,
            pending_for=check.every,
        )
    if error.kind == "invalid":
        # The table changed, or the query did: waiting does not mend it.
        return Finding(
            fingerprint=f"query:{check.name}",
            check=check.name,
            kind="query.invalid",
            severity=Severity.CRITICAL,
            subject=Subject(pipeline=check.about.pipeline, check=check.name),
            title=f"Blind: a query of the check {check.name} no longer fits its table",
            since=now,
            last_seen=now,
            facts=facts,
            pending_for=check.every,
        )
    return Finding(
        fingerprint=f"blind:{check.name}",
        check=check.name,
        kind="blind",
        severity=Severity.WARNING,
        subject=Subject(pipeline=check.about.pipeline, check=check.name),
        title=f"Blind: the check {check.name} cannot look",
        since=now,
        last_seen=now,
        facts=facts,
        pending_for=blind_after,
    )


def _broken(check: Check[Any], error: str, now: datetime) -> Finding:
    return Finding(
        fingerprint=f"broken:{check.name}",
        check=check.name,
        kind="broken",
        severity=Severity.CRITICAL,
        subject=Subject(pipeline=check.about.pipeline, check=check.name),
        title=f"The check {check.name} itself is broken",
        since=now,
        last_seen=now,
        facts={"reason": error, "remedy": "this is a bug in phasewatch: its log has the traceback"},
        pending_for=check.every,
    )
