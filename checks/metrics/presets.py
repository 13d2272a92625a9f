"""What is worth looking for in the metrics of functions and Pub/Sub, by name.

Metric types, labels and their values: cloud.google.com/monitoring/api/metrics_gcp. A gen2 function is a Cloud Run
service there. What is refused before it reaches a service (401, 403, no available instance) is not in its request
count; the push requests of the subscription show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from checks.metrics.model import MetricQuery, MetricRule, Outcome, RuleKind, Target
from checks.model import Severity

_FUNCTION, _SERVICE = "resource.labels.function_name", "resource.labels.service_name"
_STATUS, _CODE = "metric.labels.status", "metric.labels.response_code"
_SUBSCRIPTION, _TOPIC = "resource.labels.subscription_id", "resource.labels.topic_id"
_MINUTE = timedelta(minutes=1)
# A killed run's time lies a little around its timeout, and a percentile is estimated from a histogram.
_NEARLY = 0.98


def _query(
    metric: str, resource: str, aligner: str, reducer: str, named_by: str, *more: str, scale: float = 1
) -> MetricQuery:
    return MetricQuery(
        filter=f'metric.type = "{metric}" AND resource.type = "{resource}"',
        aligner=aligner,
        reducer=reducer,
        named_by=named_by,
        group_by=(named_by, *more),
        scale=scale,
    )


def _counted(*more_gen1: str, gen2: tuple[str, ...] = ()) -> tuple[MetricQuery, MetricQuery]:
    """Executions of gen1 functions, and requests to Cloud Run services."""
    first = "cloudfunctions.googleapis.com/function/execution_count"
    second = "run.googleapis.com/request_count"
    return (
        _query(first, "cloud_function", "ALIGN_DELTA", "REDUCE_SUM", _FUNCTION, *more_gen1),
        _query(second, "cloud_run_revision", "ALIGN_DELTA", "REDUCE_SUM", _SERVICE, *gen2),
    )


def _pubsub(metric: str, aligner: str, reducer: str, *more: str) -> MetricQuery:
    return _query(
        f"pubsub.googleapis.com/subscription/{metric}", "pubsub_subscription", aligner, reducer, _SUBSCRIPTION, *more
    )


_OLDEST = _pubsub("oldest_unacked_message_age", "ALIGN_MAX", "REDUCE_MAX")
_BY_OUTCOME = _counted(_STATUS, gen2=(_CODE,))
_ALL = (
    MetricRule(
        name="failed_executions",
        kind=RuleKind.THRESHOLD,
        finding="failing",
        what="executions failed",
        target=Target.FUNCTION,
        queries=_BY_OUTCOME,
        outcome=Outcome(labels=(_STATUS, _CODE), bad=("error", "crash", "timeout", "out of memory", "load error",
                                                      "connection error", "out of quota", "5xx")),
        above=0,
        remedy="its log says why: `phasewatch incidents`, or the log explorer for that time",
    ),
    MetricRule(
        name="request_errors",
        kind=RuleKind.THRESHOLD,
        finding="failing",
        what="requests were answered with an error",
        target=Target.FUNCTION,
        queries=_BY_OUTCOME[1:],
        outcome=Outcome(labels=(_CODE,), bad=("400", "403", "404", "5xx")),
        above=0,
        remedy="400 and 404: look at who calls it and how; 403: at who may; 5xx: at its log",
    ),
    MetricRule(
        name="no_executions",
        kind=RuleKind.ABSENCE,
        finding="absent",
        what="was not invoked",
        target=Target.FUNCTION,
        queries=_counted(),
        severity=Severity.CRITICAL,
        remedy="look at what should trigger it: its topic and subscription, or its scheduler job",
    ),
    MetricRule(
        name="timeouts",
        kind=RuleKind.THRESHOLD,
        finding="failing",
        what="runs as long as its timeout allows: it is killed",
        target=Target.FUNCTION,
        queries=(
            _query("cloudfunctions.googleapis.com/function/execution_times", "cloud_function", "ALIGN_PERCENTILE_99",
                   "REDUCE_MAX", _FUNCTION, scale=1e-9),
            _query("run.googleapis.com/request_latencies", "cloud_run_revision", "ALIGN_PERCENTILE_99", "REDUCE_MAX",
                   _SERVICE, scale=1e-3),
        ),
        unit=" s",
        remedy="give it more time or less to do; what it had begun is not finished",
    ),
    MetricRule(
        name="memory",
        kind=RuleKind.THRESHOLD,
        finding="memory",
        what="is near its memory limit",
        target=Target.FUNCTION,
        queries=(
            _query("run.googleapis.com/container/memory/utilizations", "cloud_run_revision", "ALIGN_PERCENTILE_99",
                   "REDUCE_MAX", _SERVICE, scale=100),
        ),
        unjudged=_query("cloudfunctions.googleapis.com/function/user_memory_bytes", "cloud_function",
                        "ALIGN_PERCENTILE_99", "REDUCE_MAX", _FUNCTION),
        unjudged_until="no metric has the memory limit of gen1 functions; give them a rule of their own with "
                       "memory_mb: 256 (as they were deployed) and functions: [{names}]",
        above=90,
        lasts=10 * _MINUTE,
        unit="%",
        remedy="give it more memory, or look for what it keeps",
    ),
    MetricRule(
        name="backlog",
        kind=RuleKind.THRESHOLD,
        finding="backlog",
        what="has an old unacknowledged message",
        target=Target.SUBSCRIPTION,
        queries=(_OLDEST,),
        above=600,
        lasts=10 * _MINUTE,
        unit=" s",
        remedy="look at its subscriber: it is gone, refuses the messages, or is too slow",
    ),
    MetricRule(
        name="dead_letters",
        kind=RuleKind.THRESHOLD,
        finding="backlog",
        what="gave messages up to its dead-letter topic",
        target=Target.SUBSCRIPTION,
        queries=(_pubsub("dead_letter_message_count", "ALIGN_DELTA", "REDUCE_SUM"),),
        witness=_OLDEST,
        above=0,
        remedy="its subscriber refused them again and again: read them from the dead-letter topic",
    ),
    MetricRule(
        name="push_errors",
        kind=RuleKind.THRESHOLD,
        finding="backlog",
        what="pushes were not acknowledged",
        target=Target.SUBSCRIPTION,
        queries=(_pubsub("push_request_count", "ALIGN_DELTA", "REDUCE_SUM", "metric.labels.response_class"),),
        outcome=Outcome(labels=("metric.labels.response_class",), good=("ack",)),
        above=0,
        unless_later_success=True,
        remedy="remote_server_4xx: not authenticated, or refused; unreachable: no available instance",
    ),
    MetricRule(
        name="runaway",
        kind=RuleKind.RUNAWAY,
        finding="runaway",
        what="does far more than usual",
        target=Target.FUNCTION,
        queries=(
            *_counted(),
            _query("logging.googleapis.com/log_entry_count", "cloud_run_revision", "ALIGN_DELTA", "REDUCE_SUM",
                   _SERVICE),
            _query("pubsub.googleapis.com/topic/send_request_count", "pubsub_topic", "ALIGN_DELTA", "REDUCE_SUM",
                   _TOPIC),
        ),
        at_least=100,
        period=10 * _MINUTE,
        lasts=30 * _MINUTE,
        remedy="look for a loop: a function that triggers itself, or a message that is delivered again and again",
    ),
)  # fmt: skip
PRESETS: Mapping[str, MetricRule] = {rule.name: rule for rule in _ALL}


def with_memory(rule: MetricRule, megabytes: int) -> MetricRule:
    """The rule with the memory limit of its gen1 functions: what they use counts in percent of it."""
    if rule.unjudged is None:
        return rule
    query = replace(rule.unjudged, scale=100 / (megabytes * 2**20))
    return replace(rule, queries=(*rule.queries, query), unjudged=None)


def timeout_threshold(timeout: timedelta) -> float:
    """What a run must last, in seconds, to count as killed by its timeout."""
    return timeout.total_seconds() * _NEARLY
