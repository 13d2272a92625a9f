"""What is wrong with phasewatch itself, told apart from what is wrong with the pipelines. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from alerts.model import Fault

# Found by a check of itself: it could not look, it failed, it did not run.
_OF_CHECKS = frozenset({"blind", "broken", "skipped", "hung", "query.invalid"})
DELIVERY = "delivery"


def is_own(kind: str) -> bool:
    """Whether a finding of this kind is about the watcher, not about what it watches."""
    return kind in _OF_CHECKS or kind == DELIVERY or kind.startswith("own.")


def dead_channels(faults: Iterable[Fault]) -> set[str]:
    """The channels that firing faults say do not take messages."""
    delivery = [f for f in faults if f.finding.kind == DELIVERY]
    firing = {f.finding.subject.check for f in delivery if f.is_open and f.fired_at is not None}
    return {name for name in firing if name is not None}
