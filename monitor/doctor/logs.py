"""What ``phasewatch doctor`` tries of the logs: files, Cloud Logging, Log Analytics, and what is dropped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from checks.model import JsonValue, stamp
from monitor.clock import Clock
from monitor.doctor import trials
from monitor.doctor.trials import Trial, Verdict
from monitor.wiring import parts

if TYPE_CHECKING:
    from checks.settings.checks import LogAnalyticsSettings
    from monitor.config.loading import Config

RECENT_LOGS = timedelta(hours=1)


def log_trials(config: Config, where: parts.Data | None, clock: Clock, within: timedelta) -> Iterator[Trial]:
    """Where entries are read from, as configured, and what of them is dropped before anybody reads it."""
    if not config.checks.function_logs.enabled:
        yield Trial("logs", lambda: trials.off("logs", "checks.function_logs is switched off"))
    elif config.mode == "embedded":
        yield Trial("log files", lambda: log_files(config, clock))
    else:
        view = config.gcp.log_analytics
        if view is None:
            yield Trial("cloud logging", lambda: cloud_logging(config, clock, within))
        elif where is not None:
            yield Trial("log analytics", lambda: log_analytics(config, view, where, clock, within))
        yield Trial("log configuration", lambda: log_configuration(config, clock, within))


def log_files(config: Config, clock: Clock) -> Verdict:
    """The folder with exported entries: readable, and from when to when they are.

    :raises SourceError: if the folder cannot be listed.
    """
    from checks.sources.files import LogFiles

    folder = config.embedded.logs
    if not folder.exists():
        feed = f"gcloud logging read FILTER --format=json > {trials.shown(folder)}/export.json"
        said = f"{trials.shown(folder)} is not there yet; `phasewatch watch` makes it"
        return trials.off("log files", said, notes=[f"exported entries go there, for example by `{feed}`"])
    batch = LogFiles(config.embedded.logs).read(None, clock.now())
    counts, window = batch.evidence.counts, batch.evidence.window
    said = f"{counts['files']} files in {trials.shown(config.embedded.logs)}, {counts['entries']} entries"
    notes = [*batch.evidence.unseen, *batch.evidence.notes]
    if batch.malformed:
        notes.append(f"{batch.malformed} lines are no log entries")
    if window is None:
        return trials.good("log files", said, notes=notes)
    newest = window.end - timedelta(microseconds=1)
    facts: dict[str, JsonValue] = {"sees_back_to": stamp(window.start), "newest": stamp(newest)}
    said += f" from {trials.minute(window.start)} to {trials.minute(newest)}"
    return trials.good("log files", said, notes=notes, facts=facts)


def cloud_logging(config: Config, clock: Clock, within: timedelta) -> Verdict:
    """Whether entries of functions can be listed, and the newest one: one request of the read quota.

    :raises SourceError: if they cannot.
    """
    from checks.cloud_logging.api import LoggingApi
    from checks.cloud_logging.filters import types_clause
    from checks.rate import RateLimiter

    api = LoggingApi(
        config.gcp.project,
        limiter=RateLimiter(1, 3),
        endpoint=config.gcp.endpoints.logging,
        timeout=within / 2,
    )
    asked = clock.now()
    try:
        page = api.page(
            f'{types_clause()} AND timestamp >= "{stamp(clock.now() - RECENT_LOGS)}"',
            newest_first=True,
            token="",
            deadline=time.monotonic() + within.total_seconds(),
            counted=lambda: None,
        )
    finally:
        api.close()
    if not page.entries:
        return trials.good("cloud logging", "entries can be listed; no function has logged in the last hour")
    newest = datetime.fromtimestamp(page.entries[0].timestamp.seconds, UTC)
    verdict = trials.good(
        "cloud logging",
        f"entries can be listed, the newest is of {trials.minute(newest)}",
        facts={"newest": stamp(newest)},
    )
    # Lists carry no date. What was received is the past of the service: only that our clock is behind can be seen.
    received = max(datetime.fromtimestamp(entry.receive_timestamp.seconds, UTC) for entry in page.entries)
    return trials.with_clock(verdict, received, asked, asked) if received > asked else verdict


def log_analytics(
    config: Config, settings: LogAnalyticsSettings, where: parts.Data, clock: Clock, within: timedelta
) -> Verdict:
    """One read of the view, as the check does it: its columns, the rights, what it costs.

    :raises SourceError: as the source does.
    """
    batch = parts.log_analytics(config, settings, where, within).read(None, clock.now())
    billed = batch.evidence.bytes_billed
    cost = "bytes billed: not reported" if billed is None else f"{billed:,} bytes billed"
    found = f"{batch.evidence.counts['rows']} entries of the last hour name a failure, or are about one; {cost}"
    return trials.good("log analytics", f"{settings.view} can be read: {found}", notes=batch.evidence.unseen)


def log_configuration(config: Config, clock: Clock, within: timedelta) -> Verdict:
    """What of the logs is dropped, and how long they are kept."""
    from checks.sources.logging_config import LoggingConfig

    asked = LoggingConfig(config.gcp.project, endpoint=config.gcp.endpoints.logging, timeout=within)
    try:
        sight = asked.sight(clock.now())
    finally:
        asked.close()
    facts: dict[str, JsonValue] = {}
    kept = "how long logs are kept is not known"
    if sight.retention is not None:
        back = clock.now() - sight.retention
        facts = {"retention_days": sight.retention.days, "sees_back_to": stamp(back)}
        kept = f"logs are kept for {sight.retention.days} days, back to {back:%Y-%m-%d}"
    if not sight.complete:
        first, *rest = [text for text in sight.unseen if "could not be" in text or "cannot be" in text]
        what, _, remedy = first.partition(": grant ")
        return trials.failed(
            "log configuration",
            what,
            remedy=f"grant {remedy}" if remedy else None,
            blind=not remedy,
            notes=[*rest, *(text for text in sight.unseen if text not in (first, *rest))],
            facts=facts,
        )
    said = kept if sight.unseen else f"{kept}; nothing of functions is dropped"
    return trials.good("log configuration", said, notes=[f"not seen: {text}" for text in sight.unseen], facts=facts)
