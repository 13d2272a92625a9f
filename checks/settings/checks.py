"""The checks' part of ``config.yaml``: where to ask, and which checks run how often.

Strict and frozen; every mistake is reported at its own place (``checks.mistakes``). What the pipelines owe is in
``checks.settings.pipelines``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from checks.fields import (
    Duration,
    Endpoint,
    Name,
    Project,
    Region,
    Service,
    Table,
    at_least,
)
from checks.logs.rules import SignalRule
from checks.mistakes import Mistake, Section, kind_of, mistakes_of, refuse
from checks.settings.metrics import MetricCheckSettings
from checks.settings.scheduler import SchedulerCheckSettings
from checks.settings.signals import SignalSettings, rules, signal_mistakes
from checks.settings.state_checks import (
    HandOverCheckSettings,
    HistoryCheckSettings,
    OutputCheckSettings,
    RecordingCheckSettings,
)
from checks.settings.tables import PartitionCheckSettings, TableCheckSettings


class EndpointSettings(Section):
    """Other addresses for Google's services. A loopback address means no credentials, and no TLS unless https."""

    bigquery: Endpoint | None = Field(default=None, description="address of BigQuery, if not Google's")
    logging: Endpoint | None = Field(default=None, description="address of Cloud Logging, if not Google's")
    monitoring: Endpoint | None = Field(default=None, description="address of Cloud Monitoring, if not Google's")


class LogAnalyticsSettings(Section):
    """The view of a log bucket in a linked BigQuery dataset, from which function logs are read by SQL."""

    view: Table = Field(description="the linked dataset's view: dataset._AllLogs or project.dataset._AllLogs")
    max_gigabytes: int = Field(
        default=10, ge=1, le=10_000, description="a query that would read more is refused; one runs per check"
    )
    lateness: Duration = Field(
        default=timedelta(hours=1),
        description="how long after they were written entries may arrive; a query reads this much more",
    )


class GcpSettings(Section):
    """The Google Cloud project that is watched."""

    project: Project = Field(default="phasewatch-local", description="id of the project; must be given in mode gcp")
    region: Region | None = Field(default=None, description="region of the functions; all regions where it is left out")
    endpoints: EndpointSettings = Field(
        default={}, validate_default=True, description="other addresses for Google's services"
    )
    log_analytics: LogAnalyticsSettings | None = Field(
        default=None, description="read function logs by SQL from a Log Analytics view, not from Cloud Logging"
    )


def _functions(value: object) -> Literal["*"] | tuple[str, ...]:
    if isinstance(value, str) and value == "*":
        return "*"
    if not isinstance(value, list | tuple):
        raise Mistake(message=f'expected "*" or a list of functions, found {kind_of(value)}').error()
    if not value:
        raise Mistake(message="no function would be watched", hint='write "*" for all, or enabled: false').error()
    names, mistakes = [], []
    for index, item in enumerate(value):
        try:
            names.append(TypeAdapter(Service).validate_python(item))
        except ValidationError as error:
            mistakes += [replace(mistake, at=(index,)) for mistake in mistakes_of(error)]
    refuse(mistakes)
    return tuple(names)


Functions = Annotated[
    Literal["*"] | tuple[str, ...],
    PlainValidator(_functions),
    WithJsonSchema({"anyOf": [{"const": "*"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
Interval = Annotated[Duration, at_least(timedelta(seconds=5))]


class FunctionLogSettings(Section):
    """The check of the functions' logs."""

    enabled: bool = Field(default=True, description="whether this check runs")
    every: Interval = Field(default=timedelta(seconds=60), description="how often, at least 5s")
    functions: Functions = Field(default="*", description='"*" for all functions, or a list of names')
    settle: Duration = Field(default=timedelta(minutes=2), description="how long late log entries may take to arrive")
    signals: Mapping[Name, SignalSettings] = Field(
        default={}, description="texts to look for, by name: your own, and changes to the shipped ones"
    )

    @classmethod
    def examine(cls, raw: dict[str, Any], folder: Path | None) -> Iterator[Mistake]:  # noqa: ARG003 - the base's
        """Signals without a pattern."""
        for mistake in signal_mistakes(raw.get("signals")):
            yield replace(mistake, at=("signals", *mistake.at))

    def to_signals(self) -> tuple[SignalRule, ...]:
        """The shipped signals as changed here, and the user's own; those that are off as well."""
        return rules(self.signals)


class CompletionCheckSettings(Section):
    """The check of the completions owed."""

    enabled: bool = Field(default=True, description="whether this check runs")
    every: Interval = Field(default=timedelta(seconds=60), description="how often, at least 5s")
    look_back: int = Field(default=4, ge=1, le=60, description="how many run dates are judged, today's included")
    idle: Interval = Field(
        default=timedelta(minutes=30),
        description="how often a run date is looked at of which nothing is due yet: rows may have failed early",
    )


class ChecksSettings(Section):
    """Which checks run, and how often."""

    function_logs: FunctionLogSettings = Field(
        default={}, validate_default=True, description="failures in the functions' logs"
    )
    completions: CompletionCheckSettings = Field(
        default={}, validate_default=True, description="completions owed and recorded"
    )
    recording: RecordingCheckSettings = Field(
        default={}, validate_default=True, description="whether anything is being recorded; needs completions"
    )
    hand_over: HandOverCheckSettings = Field(
        default={}, validate_default=True, description="who starts the phases; needs completions"
    )
    outputs: OutputCheckSettings = Field(
        default={}, validate_default=True, description="data without completions and the reverse; needs completions"
    )
    history: HistoryCheckSettings = Field(
        default={}, validate_default=True, description="what the past shows, once a day; needs completions"
    )
    tables: TableCheckSettings = Field(default={}, validate_default=True, description="required tables")
    partitions: PartitionCheckSettings = Field(
        default={}, validate_default=True, description="tables that stopped filling, once a day"
    )
    metrics: MetricCheckSettings = Field(
        default={}, validate_default=True, description="what Cloud Monitoring shows of functions and subscriptions"
    )
    scheduler: SchedulerCheckSettings = Field(
        default={}, validate_default=True, description="scheduler jobs that fail or are silent"
    )
