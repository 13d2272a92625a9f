"""What is wrong with phasewatch itself, told apart from what is wrong with the pipelines. Pure."""

from __future__ import annotations

from alerts.model import Fault

# Found by a check of itself: it could not look, it failed, it did not run.
_OF_CHECKS = frozenset({"blind", "broken", "skipped", "hung", "query.invalid"})
DELIVERY = "delivery"


def is_own(fault: Fault) -> bool:
    """Whether the fault is one of the watcher's, not of what it watches."""
    kind = fault.finding.kind
    return kind in _OF_CHECKS or kind == DELIVERY or kind.startswith("own.")


def dead_channel(fault: Fault) -> str | None:
    """The channel that a firing fault says does not take messages; None if it says nothing of the kind."""
    if fault.finding.kind != DELIVERY or not fault.is_open or fault.fired_at is None:
        return None
    return fault.finding.subject.check
