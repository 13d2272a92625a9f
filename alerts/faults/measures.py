"""What metrics explain: executions that fail, a function that is not invoked, messages that wait. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from alerts.model import Fault

MEASURED = "metrics."
_ABSENT, _BACKLOG, FAILING = "metrics.absent", "metrics.backlog", "metrics.failing"
# What each says of the function it is about.
_SAYS = {
    _ABSENT: "was not invoked: look at its trigger",
    _BACKLOG: "does not take its messages",
    FAILING: "fails",
    "metrics.memory": "is near its memory limit",
    "metrics.runaway": "does far more than usual",
}


def is_measured(fault: Fault) -> bool:
    """Whether it was found in metrics."""
    return fault.finding.kind.startswith(MEASURED)


def said(fault: Fault) -> str:
    """In words what the metrics say, with the function or what was measured as its subject."""
    finding = fault.finding
    name = finding.subject.service or str(finding.facts.get("subscription") or fault.fingerprint.rpartition(":")[2])
    return f"{name} {_SAYS.get(finding.kind, 'is beyond a limit')}"


def explains(cause: Fault, effect: Fault) -> str | None:
    """Why the first explains the second, in words; None if it does not, or no metric is among them."""
    why, of = cause.finding, effect.finding
    service = why.subject.service
    if of.kind.startswith(MEASURED):
        if service is None or service != of.subject.service:
            return None
        if why.kind.startswith(("log.", "rollout.")) and of.kind != "metrics.runaway":
            return f"{service} fails"
        # Messages that its subscriber fails on wait; while they wait for good, it is not invoked.
        pairs = ((FAILING, _BACKLOG), (_BACKLOG, _ABSENT))
        return said(cause) if (why.kind, of.kind) in pairs else None
    if why.kind.startswith(MEASURED) and of.kind.startswith("phase.") and why.subject.phase is not None:
        same = (why.subject.pipeline, why.subject.phase) == (of.subject.pipeline, of.subject.phase)
        dated = why.subject.run_date in (None, of.subject.run_date)
        return said(cause) if same and dated and why.since <= of.last_seen else None
    return None


def offers(fault: Fault) -> Iterator[tuple[object, ...]]:
    """The keys under which others find what was measured; see ``alerts.faults.graph``."""
    kind, subject = fault.finding.kind, fault.finding.subject
    if kind.startswith(MEASURED):
        yield ("measured", subject.service)
        yield ("measured of", subject.pipeline, subject.phase)


def asks(fault: Fault) -> Iterator[tuple[object, ...]]:
    """The keys under which a fault finds what it explains, if metrics are among it."""
    kind, subject = fault.finding.kind, fault.finding.subject
    if kind.startswith(MEASURED) and subject.phase is not None:
        yield ("phase", subject.pipeline, subject.phase)


def asks_for_causes(fault: Fault) -> Iterator[tuple[object, ...]]:
    """The keys under which a fault finds what metrics say of it, and a metric the failure behind it."""
    kind, subject = fault.finding.kind, fault.finding.subject
    if kind.startswith("phase."):
        yield ("measured of", subject.pipeline, subject.phase)
    if kind.startswith(MEASURED) and subject.service is not None:
        yield ("service", subject.service)
        yield ("measured", subject.service)
