"""From the configuration to real parts: warehouse, log source, checks, channels, rules. One function each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from checks.pipeline import Pipeline
from checks.ports import Check, LogSource
from monitor.wiring import state_checks
from monitor.wiring.metrics import metric_checks, scheduler_checks
from monitor.wiring.tables import table_checks

if TYPE_CHECKING:
    from alerts.ports import Channel
    from alerts.settings.channels import ChannelSettings
    from alerts.store.sql import Store
    from checks.kinds.completions import Completions
    from checks.kinds.function_logs import FunctionLogs
    from checks.settings.checks import LogAnalyticsSettings
    from checks.sources.bigquery import BigQueryWarehouse
    from checks.sources.completions import CompletionTables
    from checks.sources.log_analytics import LogAnalytics
    from monitor.config.loading import Config
    from monitor.costs import Costs
    from monitor.embedded import Emulator
    from monitor.wiring.rules import Rules


Hidden = Callable[[datetime], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Where BigQuery answers: an endpoint (None: Google's own), and the emulator behind it in embedded mode.

    ``costs`` counts what is asked there; None outside the watcher.
    """

    endpoint: str | None
    emulator: Emulator | None
    costs: Costs | None = None


# For whoever only wants to know which checks there are: nobody is asked.
NOWHERE = Data(endpoint=None, emulator=None)


@contextmanager
def data(config: Config, progress: Callable[[str], None]) -> Iterator[Data]:
    """BigQuery for one command: Google's in gcp mode; else the local one, attached to or started and stopped.

    :raises monitor.embedded.EmulatorError: if the local one is not to be had.
    """
    endpoint = config.gcp.endpoints.bigquery
    if config.mode == "embedded":
        config.embedded.logs.mkdir(parents=True, exist_ok=True)
    if config.mode == "gcp" or endpoint is not None:
        yield Data(endpoint=endpoint, emulator=None)
        return
    from monitor.embedded import attach_or_start

    with attach_or_start(config.var, config.gcp.project, progress=progress) as emulator:
        yield Data(endpoint=emulator.endpoint, emulator=emulator)


Through = Callable[[LogSource], LogSource]
# A check asks for a few rows; a load job of many takes its time.
ASK_WITHIN = timedelta(seconds=30)
WRITE_WITHIN = timedelta(minutes=5)


def warehouse(config: Config, where: Data, timeout: timedelta = ASK_WITHIN) -> BigQueryWarehouse:
    """The BigQuery adapter."""
    from checks.sources.bigquery import BigQueryWarehouse

    counted = where.costs.note if where.costs else None
    return BigQueryWarehouse(config.gcp.project, endpoint=where.endpoint, timeout=timeout, counted=counted)


def pipelines(config: Config) -> tuple[Pipeline, ...]:
    """The pipelines as values."""
    return tuple(p.to_pipeline() for p in config.pipelines)


def completion_checks(config: Config, tables: CompletionTables) -> list[Completions]:
    """One completions check per pipeline; with several, their names carry the pipeline's."""
    from checks.kinds.completions import Completions

    settings = config.checks.completions
    if not settings.enabled:
        return []
    known = pipelines(config)
    return [
        Completions(
            pipeline=p,
            tables=tables,
            every=settings.every,
            look_back=settings.look_back,
            idle=settings.idle,
            name="completions" if len(known) == 1 else f"completions:{p.name}",
        )
        for p in known
    ]


# Cloud Logging takes 60 list requests a minute for a whole project, people at the console among them. Within any minute
# both together are ours at most: less than half.
READS_PER_MINUTE = 18
READS_AT_ONCE = 10
# A report reads everything at once, and forgets it again.
REPORT_READS_BYTES = 256 * 1024 * 1024
GIGABYTE = 1024**3


def past_logs(config: Config) -> LogSource | None:
    """For a report: all files there are, without what was received after its moment. None in mode gcp, where a report
    takes failures from the state: a day of logs is no question for a quota of 60 a minute.
    """
    from checks.sources.files import LogFiles

    if config.mode == "gcp":
        return None
    return LogFiles(config.embedded.logs, max_bytes_per_read=REPORT_READS_BYTES, received_by_until=True)


def log_check(config: Config, source: LogSource, hidden: Hidden = lambda _: ()) -> FunctionLogs | None:
    """The check of function logs, with the phases each function records or starts."""
    from checks.kinds.function_logs import FunctionLogs

    settings = config.checks.function_logs
    if not settings.enabled:
        return None
    return FunctionLogs(
        source=source,
        every=settings.every,
        functions=watched_functions(config),
        settle=settings.settle,
        phase_functions=phase_functions(pipelines(config)),
        signals=settings.to_signals(),
        hidden=hidden,
    )


def watched_functions(config: Config) -> tuple[str, ...] | None:
    """The functions whose logs are read; None: all."""
    chosen = config.checks.function_logs.functions
    return None if chosen == "*" else tuple(chosen)


def _log_patterns(config: Config) -> list[str]:
    return [rule.pattern for rule in config.checks.function_logs.to_signals() if rule.enabled]


def log_files_check(config: Config, through: Through = lambda source: source) -> FunctionLogs | None:
    """On files in a folder."""
    from checks.sources.files import LogFiles

    return log_check(config, through(LogFiles(config.embedded.logs)))


def cloud_logs_check(config: Config, where: Data, through: Through = lambda source: source) -> FunctionLogs | None:
    """On Cloud Logging, or on a Log Analytics view of it; with what its configuration hides from both."""
    from checks.rate import RateLimiter
    from checks.sources.cloud_logging import CloudLogging
    from checks.sources.logging_config import LoggingConfig

    project, endpoint = config.gcp.project, config.gcp.endpoints.logging
    limiter = RateLimiter(READS_PER_MINUTE, READS_AT_ONCE)
    source: LogSource
    if config.gcp.log_analytics is not None:
        source = log_analytics(config, config.gcp.log_analytics, where)
    else:
        source = CloudLogging(
            project,
            limiter=limiter,
            endpoint=endpoint,
            functions=watched_functions(config),
            patterns=_log_patterns(config),
        )
    configuration = LoggingConfig(project, endpoint=endpoint, limiter=limiter)
    return log_check(config, through(source), lambda now: configuration.sight(now).unseen)


def log_analytics(
    config: Config, settings: LogAnalyticsSettings, where: Data, timeout: timedelta = ASK_WITHIN
) -> LogAnalytics:
    """The log source over a view in BigQuery, with a bound of its own on what a query may read."""
    from checks.sources.bigquery import BigQueryWarehouse
    from checks.sources.log_analytics import LogAnalytics

    asked = BigQueryWarehouse(
        config.gcp.project,
        endpoint=where.endpoint,
        maximum_bytes_billed=settings.max_gigabytes * GIGABYTE,
        timeout=timeout,
    )
    return LogAnalytics(
        asked,
        settings.view,
        watched_functions(config),
        patterns=_log_patterns(config),
        lateness=settings.lateness,
    )


def phase_functions(known: tuple[Pipeline, ...]) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """For each function the (pipeline, phase) pairs it records or starts."""
    found: dict[str, list[tuple[str, str]]] = {}
    for pipeline in known:
        for phase in pipeline.phases:
            for function in dict.fromkeys((*([phase.recorder] if phase.recorder else []), *phase.starters)):
                found.setdefault(function, []).append((pipeline.name, phase.name))
    return {name: tuple(pairs) for name, pairs in found.items()}


def checks(
    config: Config, where: Data, store: Store | None = None, through: Through = lambda source: source
) -> list[Check[Any]]:
    """Everything that is run on time. What a watcher learned before is recalled from its ``store``; ``through`` makes
    another source of log entries of the configured one.
    """
    from checks.sources.completions import CompletionTables

    answer: list[Check[Any]] = []
    logs = cloud_logs_check(config, where, through) if config.mode == "gcp" else log_files_check(config, through)
    if logs is not None:
        answer.append(logs)
    asked = warehouse(config, where)
    tables = CompletionTables(asked)
    judges = completion_checks(config, tables)
    if store is not None:
        state_checks.recall(judges, store)
    answer.extend(judges)
    answer.extend(state_checks.state_checks(config, judges, tables))
    answer.extend(table_checks(config, asked))
    answer.extend(metric_checks(config, pipelines(config), asked))
    answer.extend(scheduler_checks(config, pipelines(config), asked))
    return answer


def state_file(config: Config) -> Path | None:
    """The file of a SQLite state; None where a server holds the state."""
    # Not by SQLAlchemy's parser: a report without a state need not load it.
    scheme, _, rest = config.state.url.reveal().partition("://")
    database = rest.partition("/")[2].partition("?")[0]
    return Path(database) if scheme.startswith("sqlite") and database else None


def open_state(config: Config) -> Store:
    """The state, made if it is not there yet.

    :raises alerts.store.engine.StateError: if it cannot be used.
    """
    from alerts.store.sql import Store

    return Store(config.state.url.reveal())


def rules(config: Config) -> Rules:
    """What the one path needs of the configuration."""
    from alerts.notify.routing import Route, Routing
    from monitor.wiring import when
    from monitor.wiring.rules import Rules

    known = pipelines(config)
    enabled = frozenset(name for name, channel in config.alerts.channels.items() if channel.enabled)
    routes = tuple(
        Route(
            to=tuple(n for n in r.to if n in enabled),
            at_least=r.severity_at_least,
            pipelines=frozenset(r.pipelines),
            checks=frozenset(r.checks),
            phases=frozenset(r.phases),
            functions=frozenset(r.functions),
        )
        for r in config.alerts.routes
    )
    routing = Routing(routes=routes, fallback=tuple(n for n in config.alerts.fallback if n in enabled))
    return Rules(
        pipelines=known,
        routing=routing,
        zone=when.zone(config),
        blind_after=config.alerts.blind_after,
        storm=config.alerts.storm.to_limit(),
        policy=when.policy(config, enabled),
        findings=tuple(rule.to_rule() for rule in config.alerts.rules),
        guide=when.guide(config),
        digest=when.digest(config, enabled),
    )


def channels(config: Config, stream: TextIO) -> dict[str, Channel]:
    """The channels that are switched on, by name; console ones write to ``stream``."""
    return {
        name: channel(name, settings, stream) for name, settings in config.alerts.channels.items() if settings.enabled
    }


class ChannelError(ValueError):
    """A channel cannot be made of its settings; the message names it and says why."""


def channel(name: str, settings: ChannelSettings, stream: TextIO) -> Channel:
    """One channel.

    :raises ChannelError: for a token or URL that cannot be one, or a package that is not installed.
    """
    try:
        return _channel(name, settings, stream)
    except ValueError as error:
        raise ChannelError(f"the channel {name!r} cannot be used: {error}") from None


def _channel(name: str, settings: ChannelSettings, stream: TextIO) -> Channel:
    if settings.kind == "console":
        from alerts.channels.console import ConsoleChannel

        return ConsoleChannel(name, stream)
    if settings.kind == "webhook":
        from alerts.channels.slack.webhook import WebhookChannel

        return WebhookChannel(name, settings.url.reveal(), timeout=settings.timeout)
    if settings.kind == "apprise":
        from alerts.channels.apprise import AppriseChannel

        return AppriseChannel(name, settings.url.reveal(), timeout=settings.timeout)
    from alerts.channels.slack.channel import SlackChannel

    return SlackChannel(
        name,
        settings.token.reveal(),
        settings.channel,
        base_url=settings.base_url,
        timeout=settings.timeout,
        broadcast_resolution=settings.broadcast_resolution,
        broadcast_escalation=settings.broadcast_escalation,
    )
