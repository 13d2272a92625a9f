"""What people see in Slack of a story told in check runs: real path, real state, real client against a Slack server."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts.channels.slack.channel import SlackChannel
from alerts.delivery import Delivery
from alerts.matching import Matcher
from alerts.model import IncidentState, Notification
from alerts.notify.decisions import Policy
from alerts.notify.routing import Route, Routing
from alerts.notify.silences import Silence
from alerts.store.sql import Store
from checks.model import Clearance, Finding
from monitor.daemon.tick import Path
from monitor.wiring.rules import Rules
from tests.support.findings import SERVICE, START, run
from tests.support.pipelines import nba
from tests.support.slack_server import SlackServer

NAME = f"NameError: name 'firestore' is not defined in {SERVICE}"
RED = f"\N{LARGE RED CIRCLE} Critical: {NAME}"


class Conversation:
    """Runs of checks at moments of the story, each delivered at once. ``restart`` forgets all but the state."""

    def __init__(self, url: str, slack: SlackServer, **rules: Any) -> None:
        self._url = url
        self.slack = slack
        values: dict[str, Any] = {
            "pipelines": (nba(),),
            "routing": Routing(routes=(Route(to=("slack",)),)),
            "zone": ZoneInfo("America/New_York"),
            "blind_after": timedelta(minutes=10),
            "policy": Policy(),
        }
        self.rules = Rules(**{**values, **rules})
        self._open()

    def _open(self) -> None:
        self.store = Store(self._url)
        self.path = Path(self.store, self.rules, lambda: START)
        channels = {
            name: SlackChannel(name, self.slack.token, f"#{name}", base_url=self.slack.base_url, pace=timedelta(0))
            for name in ("slack", "oncall")
        }
        self.delivery = Delivery(
            self.store.outbox, channels, "test", muted=self.path.muted, withheld=self.path.withheld
        )

    def close(self) -> None:
        self.store.close()

    def restart(self) -> None:
        """Another process on the same state."""
        self.store.close()
        self._open()
        self.store.outbox.release()

    def change(self, **rules: Any) -> None:
        """Another configuration from now on."""
        self.rules = replace(self.rules, **rules)
        self.path.rules = self.rules

    def run(self, now: datetime, *findings: Finding, deliver: bool = True, **changes: Any) -> list[str]:
        """One run of a check, and what that made people see: ``post``, ``edit``, ``reply``, ``broadcast``."""
        self.path.absorb(run(now, *findings, **changes), now)
        return self.deliver(now) if deliver else []

    def over(self, now: datetime, *fingerprints: str) -> list[str]:
        """Positive evidence that these are over."""
        cleared = tuple(Clearance(reason="all recorded", at=now, fingerprint=f) for f in fingerprints)
        return self.run(now, clearances=cleared)

    def review(self, now: datetime) -> list[str]:
        """Time went by."""
        self.path.review(now)
        return self.deliver(now)

    def deliver(self, now: datetime) -> list[str]:
        """Send all that is due, and say in short what arrived."""
        before = len(self.slack.calls)
        while self.delivery.send_next(now) is not None:
            pass
        return [line for call in self.slack.calls[before:] if (line := _shown(call.method, call.arguments))]

    def notifications(self, incident: int | None = None) -> list[Notification]:
        with self.store.reading() as stored:
            return stored.notifications(incident=incident)

    def states(self) -> dict[int, IncidentState]:
        with self.store.reading() as stored:
            return {i.id: i.state for i in stored.incidents()}


def _shown(method: str, arguments: dict[str, Any]) -> str | None:
    """One call as a line: what it does, and the text a telephone shows for it."""
    text = str(arguments.get("text", ""))
    if method == "chat.update":
        return f"edit {text}"
    if method != "chat.postMessage":
        return None
    if "thread_ts" not in arguments:
        return f"post {text}"
    return f"{'broadcast' if arguments.get('reply_broadcast') else 'reply'} {text}"


def silence(matcher: Matcher, start: datetime, end: datetime, **changes: object) -> Silence:
    values = {"matcher": matcher, "author": "anna", "reason": "rerun", "starts_at": start, "ends_at": end}
    return Silence(**{**values, **changes})  # type: ignore[arg-type]  # a test's shorthand
