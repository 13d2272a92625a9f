"""Events per second from decoded entries to durable faults, against ElastAlert 2's FrequencyRule with a query key.

    python bench/end_to_end.py [--entries 200000] [--rounds 3] [--folder var/bench]

Both get the same entries, decoded beforehand, in batches of 10,000. phasewatch: the check of function logs with the
shipped signals, ledger, causes and one transaction per batch in a SQLite state (synchronous=FULL). ElastAlert:
``add_data`` and ``garbage_collect`` of the rule, which keeps everything in memory. The peer is installed into an
environment of its own in the folder, with pip, the first time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import entries as made

BATCH = 10_000
PEER = ("elastalert2==2.19.0", "pytz", "numpy<2")  # it does not import without the other two
PEER_PROGRAM = """
import json, sys, time
from datetime import datetime, timedelta
from elastalert.ruletypes import FrequencyRule
events = []
for line in open(sys.argv[1], encoding="utf-8"):
    entry = json.loads(line)
    text = entry.get("textPayload") or json.dumps(entry.get("jsonPayload"))
    at = datetime.fromisoformat(entry["timestamp"].replace("Z", "+00:00"))
    events.append({"@timestamp": at, "service": entry["resource"]["labels"]["service_name"], "message": text})
rule = FrequencyRule({
    "name": "errors", "type": "frequency", "num_events": 50, "timeframe": timedelta(minutes=5), "query_key": "service",
    "timestamp_field": "@timestamp",
})
begun, busy = time.perf_counter(), time.process_time()
for start in range(0, len(events), int(sys.argv[2])):
    batch = events[start:start + int(sys.argv[2])]
    last = batch[-1]["@timestamp"]  # it turns the times of what matches into text
    rule.add_data(batch)
    rule.garbage_collect(last)
print(json.dumps({"wall": time.perf_counter() - begun, "processor": time.process_time() - busy}))
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--entries", type=int, default=200_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=Path, default=Path("var/bench"))
    chosen = options.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    peer = _peer(chosen.folder / "elastalert")
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}, {PEER[0]}\n")
    for share in (0.001, 0.1):
        file = chosen.folder / f"end-to-end-{chosen.entries}-{share}.jsonl"
        if not file.exists():
            with file.open("wb") as stream:
                stream.writelines(made.lines(chosen.entries, share))
        ours, theirs = [], []
        for _ in range(chosen.rounds):
            ours.append(_told([sys.executable, __file__, "--one-run", str(file)]))
            theirs.append(_told([peer, "-c", PEER_PROGRAM, str(file), str(BATCH)]))
        print(f"{chosen.entries:,} entries, {share:.1%} tracebacks; {ours[0]['faults']:.0f} faults in the state")
        for clock in ("wall", "processor"):
            own, other = (chosen.entries / statistics.median(one[clock] for one in runs) for runs in (ours, theirs))
            ratio = statistics.median(their[clock] / our[clock] for our, their in zip(ours, theirs, strict=True))
            print(f"  events/s of {clock} time: phasewatch {own:,.0f}, ElastAlert {other:,.0f}: {ratio:.1f} times")


def _peer(folder: Path) -> str:
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"installing {' '.join(PEER)} into {folder}")
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEER], check=True)
    return str(python)


def _told(command: list[str]) -> dict[str, float]:
    """What one run, in a process of its own, says of itself."""
    told: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return told


class Batches:
    """A log source that hands out what it was given, batch by batch."""

    def __init__(self, entries: Sequence[dict[str, Any]]) -> None:
        self._entries = entries

    def read(self, cursor: Any, until: datetime) -> Any:
        from checks.model import Evidence, Window
        from checks.ports import LogBatch

        at = cursor or 0
        return LogBatch(
            entries=self._entries[at : at + BATCH],
            malformed=0,
            cursor=at + BATCH,
            evidence=Evidence(window=Window(start=until, end=until)),
        )


def one_run(file: Path) -> None:
    from alerts.notify.routing import Routing
    from alerts.store.sql import Store
    from checks.kinds.function_logs import FunctionLogs
    from checks.logs.shipped_signals import SHIPPED
    from monitor.daemon.tick import Path as OnePath
    from monitor.wiring.rules import Rules

    with file.open("rb") as stream:
        entries = [json.loads(line) for line in stream]
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/state.db")
        rules = Rules(pipelines=(), routing=Routing(routes=()), zone=ZoneInfo("UTC"), blind_after=timedelta(minutes=10))
        path = OnePath(store, rules, lambda: datetime.now(UTC))
        check = FunctionLogs(
            source=Batches(entries),
            every=timedelta(seconds=60),
            functions=None,
            settle=timedelta(minutes=2),
            phase_functions={},
            signals=SHIPPED,
        )
        begun, busy = time.perf_counter(), time.process_time()
        for last in range(BATCH - 1, len(entries) + BATCH - 1, BATCH):
            path.tick(check, datetime.fromisoformat(entries[min(last, len(entries) - 1)]["timestamp"]))
        path.tick(check, datetime.fromisoformat(entries[-1]["timestamp"]) + timedelta(minutes=5))
        wall, processor = time.perf_counter() - begun, time.process_time() - busy
        with store.reading() as stored:
            faults = stored.faults(resolved_since=made.START)
        print(json.dumps({"wall": wall, "processor": processor, "faults": len(faults)}))
        store.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one-run"]:
        one_run(Path(sys.argv[2]))
    else:
        main()
