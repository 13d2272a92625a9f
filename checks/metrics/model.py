"""Rules about metrics, and the points they are judged by, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from checks.model import Severity
from checks.pipeline import DayTime


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricQuery:
    """What is asked of Cloud Monitoring: one list of time series, aligned and reduced there.

    ``filter`` is in its filter language and names one metric type; ``aligner`` and ``reducer`` are its words
    (``ALIGN_DELTA``, ``REDUCE_SUM``; no reducer: series as they are). ``named_by`` is the label that names the
    function, subscription or topic; ``group_by`` are the labels that the reducer keeps, that one among them. A value
    counts ``scale`` times.
    """

    filter: str
    aligner: str
    reducer: str | None
    named_by: str
    group_by: tuple[str, ...]
    scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSeries:
    """Points by end time, oldest first; each stands for the alignment period before it."""

    labels: Mapping[str, str]
    points: tuple[tuple[datetime, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Which of the counted events are bad, by the value of a label.

    ``bad`` are values, ``5xx`` for all that begin with 5; or else all are bad that are not ``good``.
    """

    labels: tuple[str, ...]
    good: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()

    def of(self, labels: Mapping[str, str]) -> str:
        """The outcome of a series."""
        return next((labels[name] for name in self.labels if name in labels), "")

    def is_bad(self, value: str) -> bool:
        """Whether that is a bad one."""
        if not self.bad:
            return value not in self.good
        return any(value == bad or (bad.endswith("xx") and value[:1] == bad[:1]) for bad in self.bad)


class RuleKind(StrEnum):
    """How a rule is judged."""

    THRESHOLD = "threshold"
    ABSENCE = "absence"
    RUNAWAY = "runaway"


class Target(StrEnum):
    """What a rule's series are about."""

    FUNCTION = "function"
    SUBSCRIPTION = "subscription"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The phase whose run dates decide when a rule holds; ``phase`` None: the whole pipeline."""

    pipeline: str
    phase: str | None = None
    begins: DayTime | None = None
    ends: DayTime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRule:
    """One thing to look for.

    A threshold breaks the rule when the value is ``above`` or ``below`` it in every ``period`` for ``lasts``; with an
    ``outcome`` the value is the number of bad events. ``at_least``: fewer events than this in a period are harmless.
    ``unless_later_success``: bad events are harmless if a later period has good ones only. ``names``: only these
    functions, subscriptions or topics; for an absence, those that must be seen. ``what`` goes into titles.
    ``functions`` gives for a subscription the function behind it. ``kind`` of a finding is ``metrics.<finding>``.
    ``witness``: has points whenever the rule's series can be seen; for metrics that are only written when there is
    something to count. ``unjudged``: asks for what cannot be judged before something is set, and ``unjudged_until``
    says what.
    """

    name: str
    kind: RuleKind
    finding: str
    what: str
    target: Target
    queries: tuple[MetricQuery, ...]
    above: float | None = None
    below: float | None = None
    unit: str = ""
    period: timedelta = timedelta(minutes=5)
    lasts: timedelta = timedelta(minutes=5)
    outcome: Outcome | None = None
    at_least: float = 0
    unless_later_success: bool = False
    names: tuple[str, ...] = ()
    binding: Binding | None = None
    functions: Mapping[str, str] = field(default_factory=dict)
    severity: Severity = Severity.WARNING
    times: float = 10.0
    remedy: str | None = None
    witness: MetricQuery | None = None
    unjudged: MetricQuery | None = None
    unjudged_until: str = ""

    def breaks(self, value: float) -> bool:
        """Whether a value is beyond the threshold."""
        return (self.above is not None and value > self.above) or (self.below is not None and value < self.below)
