"""The daemon's cycle in a process that can be killed at any moment, started in milliseconds.

    with Cycles(folder, slack) as cycles:
        status = cycles.run(kill_after=0.05)     # -9: it was killed; 0: it came to its end

A process that has everything imported forks a child for each run. The child does what the watcher does: release leases,
tick from the stored cursor, store, deliver in a thread of its own, until the feed is read and the outbox is empty.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import slack_sdk  # noqa: F401 - so that the children have it

from alerts.channels.slack.channel import SlackChannel
from alerts.delivery import Delivery
from alerts.faults.storms import Limit
from alerts.notify.routing import Route, Routing
from alerts.store.sql import Store
from checks.model import Clearance, JsonValue, Judgement, Status, Subject
from monitor.daemon.sending import Sending
from monitor.daemon.tick import Path as OnePath
from monitor.daemon.tick import Rules
from tests.support.findings import log_failure
from tests.support.slack_server import TOKEN, SlackServer

STEP = 2


class Feed:
    """A check on a file of events, ``{"service", "over"}`` a line; two lines a tick from where the last one stopped."""

    name = "feed"
    every = timedelta(seconds=1)
    about = Subject()

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, now: datetime, cursor: JsonValue) -> tuple[list[Any], JsonValue]:
        done = int(cursor["source"]) if isinstance(cursor, dict) else 0  # type: ignore[call-overload, arg-type]
        lines = self._path.read_text(encoding="utf-8").splitlines()[done : done + STEP]
        return [json.loads(line) for line in lines], done + len(lines)

    def judge(self, observed: list[Any], now: datetime) -> Judgement:
        failures = [
            log_failure(now, service=e["service"], name=e["service"], file=f"{e['service']}.py")
            for e in observed
            if not e["over"]
        ]
        over = [Clearance(reason="it ran", at=now, service=e["service"]) for e in observed if e["over"]]
        status = Status.FAILING if failures else Status.OK
        return Judgement(status=status, findings=tuple(failures), clearances=tuple(over))


def now() -> datetime:
    return datetime.now(UTC)


def cycle(folder: Path, base_url: str) -> None:
    """One life of a watcher."""
    store = Store(f"sqlite:///{folder}/state.db")
    rules = Rules(
        pipelines=(),
        routing=Routing(routes=(Route(to=("slack",)),)),
        zone=ZoneInfo("UTC"),
        blind_after=timedelta(minutes=10),
        storm=Limit(above=100_000),  # each incident has a message of its own, whatever comes at once
    )
    path = OnePath(store, rules, now)
    channel = SlackChannel("slack", TOKEN, "#pipeline-health", base_url=base_url, pace=timedelta(0))
    store.outbox.release()
    stop = threading.Event()
    delivery = Delivery(store.outbox, {"slack": channel}, f"{os.getpid()}", speed=0.01)
    sending = Sending(delivery, store.outbox, now, stop, lambda: None)
    thread = threading.Thread(target=sending.run, daemon=True)
    thread.start()
    feed = Feed(folder / "feed.jsonl")
    lines = len((folder / "feed.jsonl").read_text(encoding="utf-8").splitlines())
    while True:
        path.tick(feed, now())
        sending.wake()
        with store.reading() as stored:
            cursor = stored.cursor("feed")
        if isinstance(cursor, dict) and cursor["source"] == lines:
            break
    while store.letters.unsent(limit=1):
        time.sleep(0.01)
    stop.set()
    sending.wake()
    thread.join()
    store.close()


def serve() -> None:
    """For each line ``{"folder", "base_url"}`` on stdin: fork, print the child's pid, then its exit status."""
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                cycle(Path(order["folder"]), order["base_url"])
            except BaseException as error:
                sys.stderr.write(f"cycle: {type(error).__name__}: {error}\n")
                sys.stderr.flush()
                os._exit(1)
            os._exit(0)
        _answer(child)
        _answer(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


class Cycles:
    """Runs cycles in a folder against a Slack server, and kills them."""

    def __init__(self, folder: Path, slack: SlackServer) -> None:
        self._folder = folder
        self._order = json.dumps({"folder": str(folder), "base_url": slack.base_url})
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.cycle"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def feed(self, service: str, *, over: bool) -> None:
        """One more event."""
        with (self._folder / "feed.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"service": service, "over": over}) + "\n")

    def run(self, kill_after: float | None = None) -> int:
        """One life, killed after so many seconds if it has not ended; its exit status."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(self._order + "\n")
        self._process.stdin.flush()
        child = int(self._process.stdout.readline())
        if kill_after is not None:
            time.sleep(kill_after)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        return int(self._process.stdout.readline())


if __name__ == "__main__":
    serve()
