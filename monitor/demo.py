"""``phasewatch demo``: the outage replayed on the embedded default by the daemon's own code, on a faster clock."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from alerts.messages.wording import moment
from alerts.model import IncidentState
from monitor import demo_story, record, record_rows
from monitor.clock import AcceleratedClock
from monitor.config import loading as configuration
from monitor.demo_story import ZONE, Event
from monitor.wiring import parts
from monitor.wiring.tables import required_tables

if TYPE_CHECKING:
    from monitor.config.loading import Config
    from monitor.daemon.app import App

# Ten minutes of the story a second: the ticks of the demo's configuration are a second apart.
SPEED = 600.0
END_WITHIN_SECONDS = 60.0
WITH_SLACK = """
alerts:
  channels:
    console: {}
    slack:
      token: "${SLACK_BOT_TOKEN}"
      channel: "${SLACK_CHANNEL:-#pipeline-health}"
      base_url: ${SLACK_BASE_URL:-https://slack.com/api/}
"""


def prepare(folder: Path, alerts: str | None = None) -> Config:
    """The demo's configuration in a folder of its own; ``alerts`` is YAML for the section of that name."""
    text = Path(__file__).with_name("demo.yaml").read_text(encoding="utf-8")
    if alerts is not None:
        text += alerts
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return configuration.load(path, os.environ)


class Stage:
    """Makes the story's world: writes its rows into BigQuery and its entries into the log folder."""

    def __init__(self, config: Config, where: parts.Data) -> None:
        self._pipeline = parts.pipelines(config)[0]
        self._tables = required_tables(config, self._pipeline.name)
        self._warehouse = parts.warehouse(config, where, parts.WRITE_WITHIN)
        self._log = config.embedded.logs / "functions.jsonl"

    def set(self) -> None:
        """The calendar, and what was recorded before the story begins."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        games = "".join(json.dumps(row) + "\n" for row in demo_story.calendar_rows())
        schedule = record_rows.read_schedule(games, self._pipeline, name="the story")
        record.record_schedule(self._warehouse, self._pipeline, schedule, create=self._tables)
        self._record(demo_story.history(), demo_story.START)

    def perform(self, event: Event) -> None:
        """Let an event happen."""
        if event.entries:
            with self._log.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(entry) + "\n" for entry in event.entries)
        if event.rows:
            self._record(event.rows, event.at)

    def _record(self, rows: Iterable[Mapping[str, Any]], now: datetime) -> None:
        lines = [json.dumps(row) for row in rows]
        completions = record_rows.read_rows(lines, self._pipeline, name="the story", now=now)
        record.record_completions(self._warehouse, self._pipeline, completions, create=self._tables)


def play(config: Config, stream: TextIO, show_report: Callable[[App, AcceleratedClock], str]) -> int:
    """Run the whole story; the exit code: 0 if the incident was told and resolved, 1 if not."""
    from monitor.daemon.app import App

    def say(text: str) -> None:
        stream.write(f"{text}\n")
        stream.flush()

    say("phasewatch demo: an outage as it happened, on a local BigQuery, in about a minute.")
    clock = AcceleratedClock(demo_story.START, SPEED)
    app = App(config, clock, stream=stream, progress=say)
    with parts.data(config, say) as where:
        stage = Stage(config, where)
        stage.set()
        # The story begins when the stage is set, however long that took.
        clock.restart(demo_story.START)
        app.start()
        try:
            for event in demo_story.story():
                _wait_until(clock, event)
                if event.says:
                    say(f"\n--- {moment(event.at, ZONE)}: {event.says}\n")
                stage.perform(event)
                if event.report:
                    say(show_report(app, clock))
            return _end(app, say)
        finally:
            app.stop()


def _wait_until(clock: AcceleratedClock, event: Event) -> None:
    if event.leap:
        # What was just logged is still to be found and told.
        time.sleep(2.5)
        clock.leap_to(event.at)
    while (left := (event.at - clock.now()).total_seconds()) > 0:
        time.sleep(min(left / clock.speed, 0.5))


def _end(app: App, say: Callable[[str], None]) -> int:
    """Wait until everything is resolved and told."""
    deadline = time.monotonic() + END_WITHIN_SECONDS
    while time.monotonic() < deadline:
        with app.store.reading() as stored:
            incidents = stored.incidents()
        waiting = sum(b.pending for b in app.store.outbox.backlog())
        if incidents and all(i.state is not IncidentState.OPEN for i in incidents) and not waiting:
            for incident in (i for i in incidents if i.state is IncidentState.RESOLVED):
                say(f"\nincident #{incident.id}: {len(incident.members)} faults, one message, resolved.")
            say("The same with your own pipeline: edit config.yaml, then `phasewatch watch`.")
            return 0
        time.sleep(0.2)
    say("\nthe incident did not end: this is a bug in phasewatch")
    return 1
