"""The check of metrics in ``config.yaml``: presets by name, and rules on any filter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from checks.fields import Duration, ListOf, Name, Service, Span, at_least, at_most
from checks.metrics.model import Binding, MetricQuery, MetricRule, Outcome, RuleKind, Target
from checks.metrics.presets import PRESETS, timeout_threshold, with_memory
from checks.mistakes import Mistake, Section, kind_of, unknown
from checks.model import Severity
from checks.settings.days import DayTimeSettings
from checks.settings.follow_up import Resource
from checks.settings.references import mappings

# What Aggregation of the API offers (google.cloud.monitoring_v3.types.Aggregation), without the prefixes.
_ALIGNERS = (
    *("delta", "rate", "sum", "count", "max", "min", "mean", "next_older", "stddev"),
    *("percentile_99", "percentile_95", "percentile_50", "percentile_05"),
    *("count_true", "count_false", "fraction_true"),
)
_REDUCERS = ("sum", "max", "min", "mean", "count", "none", "percentile_99", "percentile_95", "percentile_50")
_MINUTE = timedelta(minutes=1)
_LABEL = r"(?:metric|resource)\.labels\.[A-Za-z_][A-Za-z0-9_]{0,99}"
_METRIC_TYPE = re.compile(r'metric\.type\s*=\s*"[^"]+"')


def _choice(what: str, known: tuple[str, ...]) -> BeforeValidator:
    def judge(value: object) -> str:
        if not isinstance(value, str):
            raise Mistake(message=f"expected {what}, found {kind_of(value)}").error()
        if value not in known:
            raise unknown(what, value, known).error()
        return value

    return BeforeValidator(judge)


def _label(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(_LABEL, value):
        message = "expected the name of a label"
        raise Mistake(message=message, hint="write resource.labels.service_name or metric.labels.status").error()
    return value


def _filter(value: object) -> str:
    if not isinstance(value, str) or len(value) > 2_048 or not _METRIC_TYPE.search(value):  # noqa: PLR2004 - of the API
        hint = 'write metric.type = "..." AND resource.type = "..."'
        raise Mistake(message="expected a filter of Cloud Monitoring that names one metric type", hint=hint).error()
    return value


Label = Annotated[str, BeforeValidator(_label), WithJsonSchema({"type": "string", "pattern": f"^{_LABEL}$"})]
Filter = Annotated[str, BeforeValidator(_filter), WithJsonSchema({"type": "string", "examples": ['metric.type = "x"']})]
Number = Annotated[
    float,
    BeforeValidator(lambda value: float(value) if type(value) is int else value),
    PlainSerializer(lambda value: int(value) if value == int(value) else value, return_type=float),
]
Preset = Annotated[str, _choice("preset", tuple(PRESETS)), WithJsonSchema({"enum": list(PRESETS)})]
Aligner = Annotated[str, _choice("aligner", _ALIGNERS), WithJsonSchema({"enum": list(_ALIGNERS)})]
Reducer = Annotated[str, _choice("reducer", _REDUCERS), WithJsonSchema({"enum": list(_REDUCERS)})]
Period = Annotated[Duration, at_least(_MINUTE), at_most(timedelta(hours=24))]
Text = Annotated[str, Field(min_length=1, max_length=200)]


class OutcomeSettings(Section):
    """Which of the counted events are bad, by the value of a label."""

    label: Label = Field(description="the label that tells: metric.labels.status")
    good: ListOf[Text] = Field(default=(), description="the values that are good: all others are bad")
    bad: ListOf[Text] = Field(default=(), description="or the values that are bad; 5xx for all that begin with 5")

    def contradictions(self) -> Iterator[Mistake]:
        """Neither of them, or both."""
        if bool(self.good) == bool(self.bad):
            yield Mistake(message="needs good or bad values, one of the two")


class MetricSettings(Section):
    """One thing to look for: a preset, or a filter of one's own."""

    preset: Preset | None = Field(default=None, description="a preset by its name, instead of filter")
    name: Name | None = Field(default=None, description="what it is called; the preset's name if left out")
    filter: Filter | None = Field(default=None, description="filter of Cloud Monitoring with one metric type")
    aligner: Aligner | None = Field(default=None, description="how points of one period become one; for filter")
    reducer: Reducer = Field(default="sum", description="how series become one per name; for filter")
    named_by: Label | None = Field(default=None, description="label with the name of what is judged; for filter")
    what: Text | None = Field(default=None, description="what is wrong then, after the name, for people; for filter")
    outcome: OutcomeSettings | None = Field(default=None, description="count bad events only; for filter")
    above: Number | None = Field(default=None, description="wrong above this")
    below: Number | None = Field(default=None, description="wrong below this")
    absent: bool = Field(default=False, description="wrong if there is nothing at all in the span; for filter")
    period: Period | None = Field(default=None, description="how long one point stands for; 5m if left out")
    lasts: Period | None = Field(default=None, description="how long it must be so; one period if left out")
    at_least: Number | None = Field(default=None, ge=0, description="fewer events than this in a period are harmless")
    unless_later_success: bool | None = Field(
        default=None, description="bad events are harmless if a later period has good ones only"
    )
    timeout: Span | None = Field(default=None, description="the functions' timeout; for the preset timeouts")
    memory_mb: int | None = Field(
        default=None, ge=128, le=8_192, description="memory of its gen1 functions, which no metric tells; for memory"
    )
    functions: ListOf[Service] = Field(default=(), description="only these functions; all if left out")
    subscriptions: Mapping[Resource, Service] = Field(
        default={}, description="only these subscriptions, each with the function that it reaches; all if left out"
    )
    pipeline: Name | None = Field(default=None, description="look only on run dates of this pipeline with a run")
    phase: Name | None = Field(default=None, description="and while this phase is owed: from its start to its due time")
    begins: DayTimeSettings | None = Field(default=None, description="when the span begins, if not at the start")
    ends: DayTimeSettings | None = Field(default=None, description="when the span ends, if not at the due time")
    severity: Annotated[Severity, Field(strict=False)] | None = Field(
        default=None, description="warning if left out; critical for no_executions"
    )
    remedy: Text | None = Field(default=None, description="what to do about it, shown to people")

    @property
    def called(self) -> str:
        """Its name."""
        return self.name or self.preset or "metric"

    def contradictions(self) -> Iterator[Mistake]:
        """What does not go together."""
        if (self.preset is None) == (self.filter is None):
            yield Mistake(message="needs preset or filter, one of the two")
            return
        if self.phase and not self.pipeline:
            yield Mistake(message="needs the pipeline", hint="write pipeline: NAME beside it", at=("phase",))
        if (self.begins or self.ends) and not self.pipeline:
            at = "begins" if self.begins else "ends"
            yield Mistake(message="needs a pipeline", hint="its run dates say on which day", at=(at,))
        yield from self._of_filter() if self.filter else self._of_preset()

    def _of_filter(self) -> Iterator[Mistake]:
        if self.memory_mb is not None:
            yield Mistake(message="is for the preset memory", at=("memory_mb",))
        for needed in ("name", "aligner", "named_by"):
            if getattr(self, needed) is None:
                yield Mistake(message=f"a filter needs {needed}", at=("filter",))
        limits = self.above is not None or self.below is not None
        if self.absent == limits:
            yield Mistake(message="a filter needs above or below, or absent: true", at=("filter",))
        if self.absent and not (self.pipeline and self.functions):
            message = "an absence needs the pipeline and the functions that must be seen"
            yield Mistake(message=message, at=("absent",))

    def _of_preset(self) -> Iterator[Mistake]:
        rule = PRESETS[str(self.preset)]
        for word in ("aligner", "named_by", "what", "outcome"):
            if getattr(self, word) is not None:
                yield Mistake(message="means nothing for a preset", hint="leave it out, or use filter", at=(word,))
        if rule.kind is RuleKind.ABSENCE and not (self.pipeline and self.functions):
            message = f"{rule.name} needs the pipeline and the functions that must be seen"
            yield Mistake(message=message, at=("preset",))
        if (rule.name == "timeouts") != (self.timeout is not None):
            message = "timeouts needs the functions' timeout" if self.timeout is None else "is for the preset timeouts"
            yield Mistake(message=message, at=("preset",) if self.timeout is None else ("timeout",))
        if self.memory_mb is not None and rule.unjudged is None:
            yield Mistake(message="is for the preset memory", at=("memory_mb",))
        for word, target in (("functions", Target.FUNCTION), ("subscriptions", Target.SUBSCRIPTION)):
            if getattr(self, word) and rule.target is not target:
                yield Mistake(message=f"means nothing for {rule.name}", hint="leave it out", at=(word,))

    def to_rule(self) -> MetricRule:
        """The rule meant: the preset with what is said here, or one's own."""
        rule = PRESETS[self.preset] if self.preset else self._own()
        if self.memory_mb is not None:
            rule = with_memory(rule, self.memory_mb)
        binding = self.pipeline and Binding(
            pipeline=self.pipeline,
            phase=self.phase,
            begins=self.begins.to_day_time() if self.begins else None,
            ends=self.ends.to_day_time() if self.ends else None,
        )
        period = self.period or rule.period
        changes: dict[str, Any] = {
            word: value
            for word in ("at_least", "unless_later_success", "severity", "remedy")
            if (value := getattr(self, word)) is not None
        }
        if self.above is not None or self.below is not None:
            changes |= {"above": self.above, "below": self.below}
        if self.timeout is not None:
            changes["above"] = timeout_threshold(self.timeout)
        return replace(
            rule,
            name=self.called,
            period=period,
            lasts=max(period, self.lasts or rule.lasts),
            names=self.functions or tuple(self.subscriptions),
            functions=dict(self.subscriptions),
            binding=binding or None,
            **changes,
        )

    def _own(self) -> MetricRule:
        named_by = str(self.named_by)
        outcome = self.outcome
        group_by = (named_by, *([outcome.label] if outcome else []))
        query = MetricQuery(
            filter=str(self.filter),
            aligner=f"ALIGN_{str(self.aligner).upper()}",
            reducer=None if self.reducer == "none" else f"REDUCE_{self.reducer.upper()}",
            named_by=named_by,
            group_by=group_by,
        )
        key = named_by.rpartition(".")[2]
        targets = {"function_name": Target.FUNCTION, "service_name": Target.FUNCTION,
                   "subscription_id": Target.SUBSCRIPTION}  # fmt: skip
        return MetricRule(
            name=self.called,
            kind=RuleKind.ABSENCE if self.absent else RuleKind.THRESHOLD,
            finding="absent" if self.absent else "threshold",
            what=self.what or ("shows nothing at all" if self.absent else f"breaks the limit of {self.called}"),
            target=targets.get(key, Target.OTHER),
            queries=(query,),
            outcome=Outcome(labels=(outcome.label,), good=outcome.good, bad=outcome.bad) if outcome else None,
        )


class MetricCheckSettings(Section):
    """The check of metrics in Cloud Monitoring; it runs if there is something to look for."""

    every: Annotated[Duration, at_least(_MINUTE)] = Field(
        default=5 * _MINUTE, description="how often, at least 1m; each run makes one call per different question"
    )
    visible_after: Duration = Field(
        default=5 * _MINUTE, description="how late metrics become visible: what is younger is not judged"
    )
    requests_per_minute: int = Field(default=30, ge=1, le=600, description="the most calls to Cloud Monitoring")
    watch: ListOf[MetricSettings] = Field(default=(), description="what to look for; nothing if left out")

    def contradictions(self) -> Iterator[Mistake]:
        """Two of one name: their faults could not be told apart."""
        names: dict[str, int] = {}
        for index, one in enumerate(self.watch):
            if names.setdefault(one.called, index) != index:
                message = f"the same name as watch[{names[one.called]}]"
                yield Mistake(message=message, hint="give it a name of its own", at=("watch", index))

    def to_rules(self) -> tuple[MetricRule, ...]:
        """The rules meant."""
        return tuple(one.to_rule() for one in self.watch)


def unknown_bindings(watch: object, pipelines: Mapping[str, tuple[str, ...]]) -> Iterator[Mistake]:
    """Rules that are bound to a pipeline or a phase that is not there; ``pipelines`` gives each one's phases."""
    for index, one in mappings(watch).items():
        name, phase = one.get("pipeline"), one.get("phase")
        if isinstance(name, str) and name not in pipelines:
            yield replace(unknown("pipeline", name, pipelines), at=("watch", index, "pipeline"))
        elif isinstance(name, str) and isinstance(phase, str) and phase not in pipelines[name]:
            yield replace(unknown("phase", phase, pipelines[name]), at=("watch", index, "phase"))
