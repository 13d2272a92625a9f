"""What ``phasewatch doctor`` tries of what the daemon itself needs: its state, its port, its watchdog."""

from __future__ import annotations

import http.client
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from checks.model import JsonValue
from monitor import storage
from monitor.doctor import trials
from monitor.doctor.trials import Trial, Verdict
from monitor.wiring import parts

if TYPE_CHECKING:
    from monitor.config.loading import Config


def own_trials(config: Config) -> list[Trial]:
    """State, port and watchdog."""
    return [
        Trial("state", lambda: state(config)),
        Trial("http port", lambda: http_port(config)),
        Trial("watchdog", lambda: outside_watchdog(config)),
    ]


def state(config: Config) -> Verdict:
    """The state: can be opened and written, and has a version that this program knows. Nothing is created."""
    from alerts.store.engine import StateError
    from alerts.store.schema import SCHEMA_VERSION

    path = parts.state_file(config)
    shown = trials.shown(path) if path else config.state.url.shown()
    if path is not None and not path.exists():
        folder = next((parent for parent in path.parents if parent.exists()), Path("/"))
        if not os.access(folder, os.W_OK | os.X_OK):
            return trials.failed("state", f"{folder} cannot be written", remedy=f"let this user write {folder}")
        return trials.good("state", f"{shown} will be made at the first start")
    try:
        store = parts.open_state(config)
    except StateError as error:
        return trials.failed("state", str(error))
    try:
        with store.writing() as tick:
            tick.identity()
        held = None if path is None else storage.look(path)
        notes = () if held is None or held.lasts else (f"the state lies {held.sentence}",)
        facts: dict[str, JsonValue] = {"version": SCHEMA_VERSION}
        return trials.good("state", f"{shown} can be written, version {SCHEMA_VERSION}", notes=notes, facts=facts)
    finally:
        store.close()


def outside_watchdog(config: Config) -> Verdict:
    """The outside watchdog, by a word that changes nothing there: Healthchecks only logs it."""
    from monitor.daemon.watchdog import ping

    settings = config.watchdog
    if not settings.url:
        return trials.off("watchdog", "watchdog.url is empty: nobody hears when the watcher dies")
    if not settings.start_and_fail:
        return trials.good("watchdog", "not tried: any ping would count as a good cycle")
    error = ping(settings.url.reveal(), "phasewatch doctor", word="/log")
    if error is not None:
        return trials.failed("watchdog", error, remedy="correct `watchdog.url`, or look at its service")
    return trials.good("watchdog", "it answers")


def http_port(config: Config) -> Verdict:
    """The port: free, or served by a watcher of ours."""
    from monitor.server.web import PortTakenError, bind

    host, port = config.server.host, config.server.port
    try:
        bind(host, port).close()
    except PortTakenError as error:
        if _is_watcher(host, port):
            return trials.good("http port", f"{host}:{port} is served by a running watcher{_holder(config)}")
        return trials.failed("http port", str(error))
    return trials.good("http port", "any free port will do" if port == 0 else f"{host}:{port} is free")


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
    from monitor.daemon.app import state_lock
    from monitor.daemon.lock import holder

    path = state_lock(config)
    facts = holder(path) if path is not None else None
    return f" (process {facts['pid']}, since {facts['started_at']})" if facts and "pid" in facts else ""
