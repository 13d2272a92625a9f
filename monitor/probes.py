"""What ``phasewatch doctor`` tries: one bounded look at each source, channel, and at what the daemon itself needs."""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from checks.model import JsonValue, stamp
from checks.phases.calendar import CalendarTable
from checks.ports import SourceError
from monitor import doctor, storage, wiring
from monitor.clock import Clock
from monitor.doctor import Trial, Verdict
from monitor.metric_probe import metric_trials

if TYPE_CHECKING:
    from alerts.channel_settings import ChannelSettings, SlackSettings
    from checks.pipeline import Pipeline
    from checks.settings import LogAnalyticsSettings
    from checks.sources.bigquery import BigQueryWarehouse
    from checks.sources.completions import CompletionTables
    from monitor.config import Config

RECENT_LOGS = timedelta(hours=1)


def trials(config: Config, where: wiring.Data | None, clock: Clock, timeout: timedelta) -> list[Trial]:
    """Everything there is to try. ``where`` None: BigQuery could not be had at all, and its tables are not tried.

    ``timeout`` is for all of them together, as they run at once.
    """
    within = timeout * 0.8  # so that each can still say what it waited for
    found: list[Trial] = []
    if where is not None:
        found += _bigquery(config, where, clock, within)
    found += _logs(config, where, clock, within)
    found += metric_trials(config, clock, within)
    for name, channel in config.alerts.channels.items():
        found.append(_channel(name, channel, clock, within))
    found.append(Trial("state", lambda: state(config)))
    found.append(Trial("http port", lambda: http_port(config)))
    found.append(Trial("watchdog", lambda: outside_watchdog(config)))
    return found


# --- BigQuery ---------------------------------------------------------------------------------------------------------


def _bigquery(config: Config, where: wiring.Data, clock: Clock, within: timedelta) -> Iterator[Trial]:
    warehouse = wiring.warehouse(config, where, within)
    yield Trial("bigquery", lambda: bigquery(config, warehouse, clock))
    for pipeline in wiring.pipelines(config):
        yield Trial(calendar_name(pipeline), partial(calendar, config, where, warehouse, pipeline, clock))
        yield Trial(
            f"table {pipeline.completions.table}", partial(completions, config, where, warehouse, pipeline, clock)
        )


def bigquery(config: Config, warehouse: BigQueryWarehouse, clock: Clock) -> Verdict:
    """Credentials, the right to run jobs, and the clock.

    :raises SourceError: as the warehouse does.
    """
    warehouse.dry_run("SELECT 1", {})
    asked = clock.now()
    [row] = warehouse.query("SELECT CURRENT_TIMESTAMP() AS now", {}, label="doctor").rows
    answered = clock.now()
    took = (answered - asked).total_seconds() * 1000
    verdict = doctor.good(
        "bigquery",
        f"project {config.gcp.project} answers at {warehouse.endpoint} in {took:.0f} ms",
        facts={"milliseconds": round(took)},
    )
    return doctor.with_clock(verdict, row["now"], asked, answered)


def calendar_name(pipeline: Pipeline) -> str:
    """What the pipeline's calendar is called in a list: its table, or that it is no table."""
    kind = pipeline.calendar
    return f"table {kind.table}" if isinstance(kind, CalendarTable) else f"calendar of {pipeline.name}"


def calendar(
    config: Config, where: wiring.Data, warehouse: BigQueryWarehouse, pipeline: Pipeline, clock: Clock
) -> Verdict:
    """The calendar: there, readable, of the expected columns, and up to which date.

    :raises SourceError: as the source does.
    """
    from checks.sources.calendar import Calendars

    name = calendar_name(pipeline)
    today = clock.now().astimezone(pipeline.zone).date()
    try:
        days, _ = Calendars(warehouse).days(pipeline, today, today)
    except SourceError as error:
        return _table_trouble(name, error, config, where)
    if days.first is None or days.last is None:
        return doctor.good(name, "readable, and empty: no run is owed on any date")
    notes = [] if days.covers(today) else [f"it says nothing of today, {today}"]
    facts: dict[str, JsonValue] = {"sees_back_to": days.first.isoformat(), "sees_up_to": days.last.isoformat()}
    return doctor.good(name, f"readable, from {days.first} to {days.last}", notes=notes, facts=facts)


def completions(
    config: Config, where: wiring.Data, warehouse: BigQueryWarehouse, pipeline: Pipeline, clock: Clock
) -> Verdict:
    """The completions' table: there, readable, of the expected columns and types, and how far back it goes.

    :raises SourceError: as the source does.
    """
    from checks.sources.completions import CompletionTables

    name = f"table {pipeline.completions.table}"
    tables = CompletionTables(warehouse)
    now = clock.now()
    today = now.astimezone(pipeline.zone).date()
    back = config.checks.completions.look_back - 1
    try:
        _, evidence = tables.completions(pipeline, today - timedelta(days=back), today, now)
        first, last, _ = tables.span(pipeline)
    except SourceError as error:
        return _table_trouble(name, error, config, where)
    if first is None or last is None:
        return doctor.good(name, "readable, and empty")
    rows = evidence.counts["rows"]
    facts: dict[str, JsonValue] = {"sees_back_to": first.isoformat(), "sees_up_to": last.isoformat(), "rows": rows}
    said = f"readable, from {first} to {last}; {rows} rows for the last {back + 1} run dates"
    notes = (*evidence.unseen, *names_never_met(config, tables, pipeline, now))
    return doctor.good(name, said, notes=notes, facts=facts)


def names_never_met(config: Config, tables: CompletionTables, pipeline: Pipeline, now: datetime) -> list[str]:
    """Processors of the configuration that no completion of the past has, and what they may be recorded as."""
    from checks.phases import gaps

    judge = next((j for j in wiring.completion_checks(config, tables) if j.pipeline.name == pipeline.name), None)
    if judge is None:
        return []
    since = now.astimezone(pipeline.zone).date() - timedelta(days=config.checks.history.days)
    try:
        days = judge.states(now, since).judged()
    except SourceError:
        # What cannot be asked has a trial of its own, that says so.
        return []
    return [item.words for item in gaps.unmet(pipeline, days, now)]


def _table_trouble(name: str, error: SourceError, config: Config, where: wiring.Data) -> Verdict:
    if error.kind == "missing" and where.emulator is not None:
        return doctor.off(name, "not there yet; `phasewatch watch` makes it in the local BigQuery")
    if error.kind == "missing" and config.mode == "gcp":
        remedy = f"{error.remedy or 'correct its name in the configuration'} (`phasewatch tables apply` makes it)"
        return doctor.failed(name, str(error), remedy=remedy, facts={"kind": error.kind})
    return doctor.from_source(name, error)


# --- logs -------------------------------------------------------------------------------------------------------------


def _logs(config: Config, where: wiring.Data | None, clock: Clock, within: timedelta) -> Iterator[Trial]:
    if not config.checks.function_logs.enabled:
        yield Trial("logs", lambda: doctor.off("logs", "checks.function_logs is switched off"))
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
        feed = f"gcloud logging read FILTER --format=json > {_shown(folder)}/export.json"
        said = f"{_shown(folder)} is not there yet; `phasewatch watch` makes it"
        return doctor.off("log files", said, notes=[f"exported entries go there, for example by `{feed}`"])
    batch = LogFiles(config.embedded.logs).read(None, clock.now())
    counts, window = batch.evidence.counts, batch.evidence.window
    said = f"{counts['files']} files in {_shown(config.embedded.logs)}, {counts['entries']} entries"
    notes = [*batch.evidence.unseen, *batch.evidence.notes]
    if batch.malformed:
        notes.append(f"{batch.malformed} lines are no log entries")
    if window is None:
        return doctor.good("log files", said, notes=notes)
    newest = window.end - timedelta(microseconds=1)
    facts: dict[str, JsonValue] = {"sees_back_to": stamp(window.start), "newest": stamp(newest)}
    said += f" from {_minute(window.start)} to {_minute(newest)}"
    return doctor.good("log files", said, notes=notes, facts=facts)


def cloud_logging(config: Config, clock: Clock, within: timedelta) -> Verdict:
    """Whether entries of functions can be listed, and the newest one: one request of the read quota.

    :raises SourceError: if they cannot.
    """
    from checks.logging_api import LoggingApi
    from checks.logging_filter import types_clause
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
        return doctor.good("cloud logging", "entries can be listed; no function has logged in the last hour")
    newest = datetime.fromtimestamp(page.entries[0].timestamp.seconds, UTC)
    verdict = doctor.good(
        "cloud logging", f"entries can be listed, the newest is of {_minute(newest)}", facts={"newest": stamp(newest)}
    )
    # Lists carry no date. What was received is the past of the service: only that our clock is behind can be seen.
    received = max(datetime.fromtimestamp(entry.receive_timestamp.seconds, UTC) for entry in page.entries)
    return doctor.with_clock(verdict, received, asked, asked) if received > asked else verdict


def log_analytics(
    config: Config, settings: LogAnalyticsSettings, where: wiring.Data, clock: Clock, within: timedelta
) -> Verdict:
    """One read of the view, as the check does it: its columns, the rights, what it costs.

    :raises SourceError: as the source does.
    """
    batch = wiring.log_analytics(config, settings, where, within).read(None, clock.now())
    billed = batch.evidence.bytes_billed
    cost = "bytes billed: not reported" if billed is None else f"{billed:,} bytes billed"
    found = f"{batch.evidence.counts['rows']} entries of the last hour name a failure, or are about one; {cost}"
    return doctor.good("log analytics", f"{settings.view} can be read: {found}", notes=batch.evidence.unseen)


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
        return doctor.failed(
            "log configuration",
            what,
            remedy=f"grant {remedy}" if remedy else None,
            blind=not remedy,
            notes=[*rest, *(text for text in sight.unseen if text not in (first, *rest))],
            facts=facts,
        )
    said = kept if sight.unseen else f"{kept}; nothing of functions is dropped"
    return doctor.good("log configuration", said, notes=[f"not seen: {text}" for text in sight.unseen], facts=facts)


# --- channels ---------------------------------------------------------------------------------------------------------


def _channel(name: str, settings: ChannelSettings, clock: Clock, within: timedelta) -> Trial:
    if settings.off is not None:
        reason = settings.off
        return Trial(name, lambda: doctor.off(name, reason))
    if settings.kind == "console":
        return Trial(name, lambda: doctor.good(name, "alerts are printed where `phasewatch watch` runs"))
    if settings.kind == "slack":
        return Trial(name, lambda: slack(name, settings, clock, within))
    return Trial(name, lambda: unasked(name, settings))


def unasked(name: str, settings: ChannelSettings) -> Verdict:
    """A channel that can only be tried by sending: whether it can be made at all."""
    try:
        wiring.channel(name, settings, sys.stdout)
    except ValueError as error:
        return doctor.failed(name, str(error))
    note = f"whether it takes messages is not known: `phasewatch test-alert --channel {name}` tells"
    return doctor.good(name, f"a channel of kind {settings.kind}, nothing sent", notes=(note,))


def slack(name: str, settings: SlackSettings, clock: Clock, within: timedelta) -> Verdict:
    """Token, scopes and channel, without posting anything."""
    from alerts.channels.slack.errors import RefusalError
    from alerts.channels.slack.probe import probe
    from alerts.ports import DeliveryError

    asked = clock.now()
    try:
        sight = probe(
            settings.token.reveal(), settings.channel, base_url=settings.base_url, timeout=min(settings.timeout, within)
        )
    except DeliveryError as error:
        blind = not (isinstance(error, RefusalError) and error.permanent)
        return doctor.failed(name, str(error), remedy=error.remedy, blind=blind)
    except ValueError as error:
        return doctor.failed(name, str(error), remedy="set a bot token (xoxb-...)")
    answered = clock.now()
    facts: dict[str, JsonValue] = {
        "team": sight.team,
        "channel_id": sight.channel_id,
        "scopes": None if sight.scopes is None else list(sight.scopes),
    }
    if sight.missing is not None:
        return doctor.failed(name, sight.missing, remedy=sight.remedy, notes=sight.notes, facts=facts)
    place = f"{settings.channel} can be written to" if sight.channel_id else "its token works"
    said = f"signed in as {sight.user} of {sight.team}; " + place
    return _dated(doctor.good(name, said, notes=sight.notes, facts=facts), sight.date, asked, answered)


def _dated(verdict: Verdict, date: str | None, asked: datetime, answered: datetime) -> Verdict:
    try:
        theirs = parsedate_to_datetime(date) if date else None
    except ValueError:
        theirs = None
    # The header holds whole seconds: on average half a one is cut off.
    half = timedelta(seconds=0.5)
    return verdict if theirs is None else doctor.with_clock(verdict, theirs + half, asked, answered)


# --- what the daemon itself needs -------------------------------------------------------------------------------------


def state(config: Config) -> Verdict:
    """The state: can be opened and written, and has a version that this program knows. Nothing is created."""
    from alerts.store.engine import StateError
    from alerts.store.schema import SCHEMA_VERSION

    path = wiring.state_file(config)
    shown = _shown(path) if path else config.state.url.shown()
    if path is not None and not path.exists():
        folder = next((parent for parent in path.parents if parent.exists()), Path("/"))
        if not os.access(folder, os.W_OK | os.X_OK):
            return doctor.failed("state", f"{folder} cannot be written", remedy=f"let this user write {folder}")
        return doctor.good("state", f"{shown} will be made at the first start")
    try:
        store = wiring.open_state(config)
    except StateError as error:
        return doctor.failed("state", str(error))
    try:
        with store.writing() as tick:
            tick.identity()
        held = None if path is None else storage.look(path)
        notes = () if held is None or held.lasts else (f"the state lies {held.sentence}",)
        facts: dict[str, JsonValue] = {"version": SCHEMA_VERSION}
        return doctor.good("state", f"{shown} can be written, version {SCHEMA_VERSION}", notes=notes, facts=facts)
    finally:
        store.close()


def outside_watchdog(config: Config) -> Verdict:
    """The outside watchdog, by a word that changes nothing there: Healthchecks only logs it."""
    from monitor.watchdog import ping

    settings = config.watchdog
    if not settings.url:
        return doctor.off("watchdog", "watchdog.url is empty: nobody hears when the watcher dies")
    if not settings.start_and_fail:
        return doctor.good("watchdog", "not tried: any ping would count as a good cycle")
    error = ping(settings.url.reveal(), "phasewatch doctor", word="/log")
    if error is not None:
        return doctor.failed("watchdog", error, remedy="correct `watchdog.url`, or look at its service")
    return doctor.good("watchdog", "it answers")


def http_port(config: Config) -> Verdict:
    """The port: free, or served by a watcher of ours."""
    from monitor.web import PortTakenError, bind

    host, port = config.server.host, config.server.port
    try:
        bind(host, port).close()
    except PortTakenError as error:
        if _is_watcher(host, port):
            return doctor.good("http port", f"{host}:{port} is served by a running watcher{_holder(config)}")
        return doctor.failed("http port", str(error))
    return doctor.good("http port", "any free port will do" if port == 0 else f"{host}:{port} is free")


def _is_watcher(host: str, port: int) -> bool:
    """Whether the server on that port says that it is one of ours."""
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked of the configuration
    connection = http.client.HTTPConnection(target, port, timeout=3)
    try:
        connection.request("GET", "/healthz")
        answer = json.loads(connection.getresponse().read(10_000))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(answer, dict) and {"status", "scheduler", "delivery"} <= answer.keys()


def _holder(config: Config) -> str:
    from monitor.app import state_lock
    from monitor.lock import holder

    path = state_lock(config)
    facts = holder(path) if path is not None else None
    return f" (process {facts['pid']}, since {facts['started_at']})" if facts and "pid" in facts else ""


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
