"""10,000 findings at once: how long until they are durable faults, against Alertmanager's accepting 10,000 alerts.

    python bench/storm.py [--findings 10000] [--rounds 3]

Both on this machine in turn. Ours: one check run through `Path.absorb` with the SQLite state (synchronous=FULL, on the
disk of the temporary folder). Theirs: Debian's `prometheus-alertmanager` on a loopback port, alerts kept in memory,
posted to its API in one request, and in requests of 64 as Prometheus does. Then the storm goes to a Slack server that
takes one message a second, and the messages are counted. Besides the time on the clock, the processor time of both is
told: on a machine that does other things as well, only that compares.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[1]))

from alerts.channels.slack.channel import SlackChannel
from alerts.delivery import Delivery
from alerts.notify.routing import Route, Routing
from alerts.store.sql import Store
from checks.model import CheckRun, Finding
from monitor.daemon.tick import Path as OnePath
from monitor.wiring.rules import Rules
from tests.support.findings import log_failure, run
from tests.support.slack_server import TOKEN, SlackServer

BATCH = 64  # what Prometheus sends in one request
CONFIG = "route: {receiver: nobody, group_by: [alertname]}\nreceivers: [{name: nobody}]\n"


def findings(number: int, now: datetime) -> list[Finding]:
    """As many failures, in as many functions, of fifty kinds."""
    return [
        log_failure(now, service=f"function-{n}", name=f"name_{n % 50}", file=f"functions/f{n}/main.py")
        for n in range(number)
    ]


def alerts(number: int, now: datetime) -> list[dict[str, object]]:
    """The same as alerts: labels that tell them apart, annotations as long as our titles and facts."""
    return [
        {
            "labels": {"alertname": "NameError", "service": f.subject.service or "", "severity": f.severity.value},
            "annotations": {"title": f.title, "where": str(f.facts["where"])},
            "startsAt": now.isoformat(),
        }
        for f in findings(number, now)
    ]


@dataclass(frozen=True)
class Took:
    """Seconds on the clock, and of the processor."""

    clock: float
    processor: float


def ours(folder: Path, checked: CheckRun, now: datetime) -> tuple[Took, Store]:
    """How long until all are durable."""
    store = Store(f"sqlite:///{folder}/state.db")
    path = OnePath(store, rules(), lambda: now)
    begin, busy = time.perf_counter(), time.process_time()
    path.absorb(checked, now)
    return Took(time.perf_counter() - begin, time.process_time() - busy), store


def rules() -> Rules:
    return Rules(
        pipelines=(),
        routing=Routing(routes=(Route(to=("slack",)),)),
        zone=ZoneInfo("UTC"),
        blind_after=timedelta(minutes=10),
    )


@contextmanager
def alertmanager(folder: Path) -> Iterator[tuple[int, int]]:
    """The port and process id of one that runs; it is stopped by its own process."""
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        sys.exit("prometheus-alertmanager is not installed (Debian: apt install prometheus-alertmanager)")
    (folder / "alertmanager.yml").write_text(CONFIG, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            program,
            f"--config.file={folder}/alertmanager.yml",
            f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            "--log.level=error",
        ]
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                answer = request(http.client.HTTPConnection("127.0.0.1", port, timeout=5), "GET", "/-/ready", None)
            except OSError:
                answer = 0
            if answer == 200:
                break
            if time.monotonic() > deadline or process.poll() is not None:
                sys.exit("alertmanager does not start")
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def request(connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None) -> int:
    connection.request(method, path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    response.read()
    return response.status


def processor_time(pid: int) -> float:
    """Seconds that a process has computed (proc(5): the 14th and 15th field)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def theirs(folder: Path, bodies: list[bytes], number: int) -> Took:
    """How long until all are accepted."""
    folder.mkdir()
    with alertmanager(folder) as (port, pid):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.connect()
        begin, busy = time.perf_counter(), processor_time(pid)
        statuses = {request(connection, "POST", "/api/v2/alerts", body) for body in bodies}
        took = Took(time.perf_counter() - begin, processor_time(pid) - busy)
        connection.request("GET", "/api/v2/alerts")
        accepted = len(json.load(connection.getresponse()))
        connection.close()
    if statuses != {200} or accepted != number:
        sys.exit(f"alertmanager answered {statuses} and has {accepted} of {number} alerts")
    return took


def told(store: Store, now: datetime) -> tuple[int, int, float]:
    """Messages in the channel and in threads, and the seconds until all were sent at Slack's pace."""
    with SlackServer(limited=True) as slack:
        channel = SlackChannel("slack", TOKEN, "#pipeline-health", base_url=slack.base_url)
        delivery = Delivery(store.outbox, {"slack": channel}, "bench")
        begin = time.perf_counter()
        while (outcome := delivery.send_next(now)) is not None:
            if outcome.error is not None:
                sys.exit(f"Slack refused: {outcome.error}")
        took = time.perf_counter() - begin
        return len(slack.messages), sum(len(m.replies) for m in slack.messages), took


def shown(took: Took) -> str:
    return f"{took.clock:.2f} s ({took.processor:.2f} s of the processor)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    number, now = given.findings, datetime.now(UTC)
    checked = run(now, *findings(number, now))
    posted = alerts(number, now)
    one = [json.dumps(posted).encode()]
    many = [json.dumps(posted[at : at + BATCH]).encode() for at in range(0, number, BATCH)]
    mine: list[Took] = []
    single: list[Took] = []
    batched: list[Took] = []
    with tempfile.TemporaryDirectory(prefix="phasewatch-bench-") as temporary:
        for turn in range(given.rounds):
            folder = Path(temporary, str(turn))
            folder.mkdir()
            took, store = ours(folder, checked, now)
            mine.append(took)
            faults = store.upkeep.size().rows["faults"]
            if faults != number:
                sys.exit(f"{faults} of {number} findings became faults")
            single.append(theirs(folder / "one", one, number))
            batched.append(theirs(folder / "many", many, number))
            print(
                f"round {turn + 1}: {number:,} faults durable in {shown(mine[-1])}; Alertmanager accepted as many "
                f"alerts in {shown(single[-1])} (one request), {shown(batched[-1])} (requests of {BATCH})"
            )
            if turn + 1 < given.rounds:
                store.close()
        roots, replies, sending = told(store, now)
        store.close()
    for name, other in (("one request", single), (f"requests of {BATCH}", batched)):
        clock = statistics.median(t.clock for t in mine) / statistics.median(t.clock for t in other)
        processor = statistics.median(t.processor for t in mine) / statistics.median(t.processor for t in other)
        print(f"ours to Alertmanager's ({name}), medians: {clock:.2f} on the clock, {processor:.2f} of the processor")
    print(f"the storm became {roots} messages in Slack and {replies} in their threads, sent in {sending:.1f} s")


if __name__ == "__main__":
    main()
