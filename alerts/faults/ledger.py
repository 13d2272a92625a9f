"""Findings + what we believed + now -> what changed. Pure: the ledger remembers nothing and reads no clock."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec.structs import replace as altered

from alerts.model import Change, Fault, FaultState, Transition
from checks.model import CheckRun, Clearance, Finding

# A fault that comes back within this time of its resolution is the same trouble again, not a new one.
REOPEN_WITHIN = timedelta(hours=1)
# How long a return is remembered, and how many: to see that something comes and goes.
COMES_BACK_WITHIN = timedelta(hours=6)
_KEPT_RETURNS = 20
# Findings of a check about itself.
EYESIGHT = frozenset({"blind", "broken", "skipped", "hung", "query.invalid", "table.missing"})
# Facts that change with every look and mean nothing by themselves.
VOLATILE_FACTS = frozenset({"checked at", "usual", "measured"})
# Facts that say how far a state has come: a message shows them, nobody is told of every step.
PROGRESS_FACTS = frozenset({"done", "missing", "waiting", "should have come", "filled in meanwhile"})
# The newer revision in which a log failure goes on: whoever deployed it must hear that it did not help.
STILL_FAILS = "still fails in"


_NOTHING: Mapping[str, str] = MappingProxyType({})
_AT_ONCE = timedelta(0)


def settle(
    run: CheckRun, known: Mapping[str, Fault], now: datetime, closed: Mapping[str, str] = _NOTHING
) -> list[Transition]:
    """What one check run changes.

    ``known`` holds the open faults and those resolved within ``REOPEN_WITHIN``, by fingerprint. The answer has at
    most one transition per fingerprint, each with the fault as it is afterwards. A fault of which the run says nothing
    is left alone: silence is no evidence. A finding beats a clearance of the same run. A run that could see ends what
    the same check reported of its own eyesight.
    """
    answer: dict[str, Transition] = {}
    identities = _Identities(known)
    for finding in run.findings:
        seen = identities.of(finding)
        name = seen.fingerprint
        if closed and closed.get(name) == signature(seen):
            continue
        before = answer[name].fault if name in answer else known.get(name)
        answer[name] = _absorb(seen, before, now)
    evidence = _Clearances(run.clearances)
    for fault in known.values():
        if fault.fingerprint in answer or not fault.is_open:
            continue
        clearance = evidence.of(fault) or _sees_again(fault, run)
        if clearance is not None:
            answer[fault.fingerprint] = _close(fault, clearance, now)
        elif _waited_long_enough(fault, now) and run.check == fault.finding.check and run.error is None:
            answer[fault.fingerprint] = _fire(fault, now)
    return list(answer.values())


def reopened_closures(run: CheckRun, closed: Mapping[str, str]) -> set[str]:
    """What was closed by hand and is another matter by now, or over: it is as open as anything again."""
    if not closed:
        return set()
    changed = {f.fingerprint for f in run.findings if closed.get(f.fingerprint, signature(f)) != signature(f)}
    return changed | {c.fingerprint for c in run.clearances if c.fingerprint is not None and c.fingerprint in closed}


class _Identities:
    """Who a finding is among the faults that are known. Sorted once: a storm asks thousands of times."""

    def __init__(self, known: Mapping[str, Fault]) -> None:
        self._known = known
        self._open: list[str] | None = None

    def of(self, finding: Finding) -> Finding:
        """A message-only failure (no file in its fingerprint) is the open one of that service and name."""
        if not finding.kind.startswith("log.") or not finding.fingerprint.endswith(":"):
            return finding
        if self._open is None:
            self._open = sorted(name for name, fault in self._known.items() if fault.is_open)
        place = bisect_left(self._open, finding.fingerprint)
        if place == len(self._open) or not self._open[place].startswith(finding.fingerprint):
            return finding
        known = self._known[self._open[place]].finding
        return replace(known, occurrences=finding.occurrences, last_seen=finding.last_seen)


def _absorb(finding: Finding, before: Fault | None, now: datetime) -> Transition:
    # What passed before it was told was no trouble: it waits anew.
    if before is None or (not before.is_open and (before.fired_at is None or not _recent(before, now))):
        waits = finding.pending_for > _AT_ONCE
        fresh = _new(finding, FaultState.PENDING if waits else FaultState.FIRING, now)
        return _transition(now, Change.NOTICED if waits else Change.OPENED, "seen for the first time", fresh)
    merged = replace(
        finding,
        since=min(finding.since, before.finding.since) if before.is_open else finding.since,
        last_seen=max(finding.last_seen, before.finding.last_seen),
    )
    if not before.is_open:
        lately = tuple(at for at in before.reopened if now - at <= COMES_BACK_WITHIN)[-_KEPT_RETURNS:]
        reopened = altered(_new(merged, FaultState.FIRING, now), reopened=(*lately, now))
        return _transition(now, Change.REOPENED, f"back after it was resolved: {before.resolution}", reopened)
    after = altered(before, finding=merged, count=before.count + finding.occurrences)
    if is_event(finding) and merged.last_seen > before.finding.last_seen:
        after = altered(after, news_at=now)
    if before.state is FaultState.PENDING:
        if _waited_long_enough(after, now):
            return _fire(after, now)
        return _transition(now, Change.RECURRED, "still pending", after)
    change, reason = Change.RECURRED, "still so"
    if _material(merged) != _material(before.finding) or _survived(merged, before.finding):
        change, reason = Change.CHANGED, _difference(before.finding, merged)
    elif _progress(merged) != _progress(before.finding):
        change, reason = Change.PROGRESSED, _difference(before.finding, merged)
    if change is not Change.RECURRED:
        after = altered(after, news_at=now)
    return _transition(now, change, reason, after)


def _new(finding: Finding, state: FaultState, now: datetime) -> Fault:
    fired = now if state is FaultState.FIRING else None
    return Fault(finding=finding, state=state, opened_at=now, count=finding.occurrences, fired_at=fired, news_at=now)


def _fire(fault: Fault, now: datetime) -> Transition:
    fired = altered(fault, state=FaultState.FIRING, fired_at=now, news_at=now)
    return _transition(now, Change.FIRED, "it did not pass by itself", fired)


def _close(fault: Fault, clearance: Clearance, now: datetime) -> Transition:
    closed = altered(fault, state=FaultState.RESOLVED, resolved_at=now, resolution=clearance.reason)
    change = Change.RESOLVED if fault.state is FaultState.FIRING else Change.DROPPED
    return _transition(now, change, clearance.reason, closed)


def _transition(now: datetime, change: Change, reason: str, fault: Fault) -> Transition:
    return Transition(at=now, change=change, reason=reason, fault=fault)


def _recent(fault: Fault, now: datetime) -> bool:
    return fault.resolved_at is not None and now - fault.resolved_at <= REOPEN_WITHIN


def _waited_long_enough(fault: Fault, now: datetime) -> bool:
    return fault.state is FaultState.PENDING and now - fault.opened_at >= fault.finding.pending_for


def _sees_again(fault: Fault, run: CheckRun) -> Clearance | None:
    if run.error is not None or fault.finding.check != run.check or fault.finding.kind not in EYESIGHT:
        return None
    if fault.finding.kind == "table.missing" and fault.finding.subject.check is None:
        return None  # found by looking, not in the way of looking: only the table's return ends it
    return Clearance(reason="the check could look again", at=run.finished_at, fingerprint=fault.fingerprint)


class _Clearances:
    """The clearances of a run by what they clear; of several the first counts."""

    def __init__(self, clearances: Iterable[Clearance]) -> None:
        self._by_fingerprint: dict[str, Clearance] = {}
        self._by_service: dict[str, list[Clearance]] = {}
        for clearance in clearances:
            if clearance.fingerprint is not None:
                self._by_fingerprint.setdefault(clearance.fingerprint, clearance)
            if clearance.service is not None:
                self._by_service.setdefault(clearance.service, []).append(clearance)

    def of(self, fault: Fault) -> Clearance | None:
        """What ends this fault: named by fingerprint, or its function's clean run after it was last seen."""
        named = self._by_fingerprint.get(fault.fingerprint)
        if named is not None or not fault.finding.kind.startswith("log."):
            return named
        service = fault.finding.subject.service
        runs = self._by_service.get(service, ()) if service is not None else ()
        return next((c for c in runs if c.at > fault.finding.last_seen), None)


def is_event(finding: Finding) -> bool:
    """Whether it happens again and again, rather than being so: a failure in a log."""
    return finding.kind.startswith("log.")


def signature(finding: Finding) -> str:
    """What a person saw who closed it by hand: it is another matter once this differs. Events are never the same."""
    return "" if is_event(finding) else repr((_material(finding), _progress(finding)))


def _material(finding: Finding) -> tuple[object, ...]:
    """What people would call a change. What is wrong with a function changes by being another thing: more of it, or
    another entry that tells of it, is not news.
    """
    if finding.kind.startswith(("log.", "rollout.")):
        return (finding.kind, finding.severity, finding.quiet)
    facts = tuple((k, v) for k, v in finding.facts.items() if k not in VOLATILE_FACTS | PROGRESS_FACTS)
    return (finding.kind, finding.severity, finding.quiet, repr(facts))


def _survived(after: Finding, before: Finding) -> bool:
    """Whether it goes on in a revision in which it was not seen before. What else the fact says of that revision may
    become known later.
    """
    now, then = (str(finding.facts.get(STILL_FAILS, "")).partition(",")[0] for finding in (after, before))
    return now not in ("", then)


def _progress(finding: Finding) -> tuple[object, ...]:
    return tuple(repr(finding.facts.get(name)) for name in sorted(PROGRESS_FACTS))


def _difference(before: Finding, after: Finding) -> str:
    if before.severity is not after.severity:
        return f"{before.severity} -> {after.severity}"
    if before.kind != after.kind:
        return f"{before.kind} -> {after.kind}"
    if _survived(after, before):
        return f"{STILL_FAILS} {after.facts[STILL_FAILS]}"
    changed = [
        name
        for name in dict.fromkeys((*before.facts, *after.facts))
        if name not in VOLATILE_FACTS and before.facts.get(name) != after.facts.get(name)
    ]
    return f"changed: {', '.join(changed) or 'whether it is handled'}"
