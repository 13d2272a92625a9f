"""The idle daemon in mode gcp against Debian's Prometheus Alertmanager: memory held and processor used.

    python bench/idle.py [--seconds 180]

BigQuery is the local one, Cloud Logging a server on loopback that has nothing to tell; both run beside the daemon and
are not counted. Memory is the proportional set size (PSS) of the process, processor time that of the same.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from monitor.embedded import attach_or_start
from tests.conftest import PROJECT
from tests.support.logging_server import LoggingServer, TestClock

ROOT = Path(__file__).parents[1]
TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Start both, wait, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=180)
    seconds = parser.parse_args().seconds
    peer = shutil.which("prometheus-alertmanager")
    if peer is None:
        raise SystemExit("prometheus-alertmanager is not installed (Debian's package of that name)")
    with tempfile.TemporaryDirectory() as name, LoggingServer(TestClock(datetime.now(UTC))) as logging:
        folder = Path(name)
        with attach_or_start(folder / "emulator", PROJECT) as emulator:
            text = (ROOT / "config.yaml").read_text(encoding="utf-8")
            line = "gcp: {project: nba-props-platform, region: us-west2}"
            if line not in text:
                raise SystemExit("config.yaml has another gcp line: adjust this benchmark")
            ends = f"endpoints: {{bigquery: {emulator.endpoint}, logging: {logging.endpoint}}}"
            (folder / "config.yaml").write_text(text.replace(line, f"{line[:-1]}, {ends}}}"), encoding="utf-8")
            environment = {**os.environ, "PHASEWATCH_MODE": "gcp", "PHASEWATCH_PORT": "0"}
            command = [sys.executable, "-m", "monitor", "--config", str(folder / "config.yaml")]
            make = [*command, "tables", "apply", "--yes"]
            # The local BigQuery does not show that a filter is required: 1, that is left for a person.
            subprocess.run(make, cwd=folder, env=environment, capture_output=True, check=False)
            ours = subprocess.Popen(
                [*command, "watch"], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            theirs = subprocess.Popen(_alertmanager(peer, folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                time.sleep(30)  # both have started, the first ticks are over
                before = {p.pid: _cpu(p.pid) for p in (ours, theirs)}
                time.sleep(seconds)
                if ours.poll() is not None or theirs.poll() is not None:
                    raise SystemExit("one of them ended")
                held = {p.pid: _pss(p.pid) for p in (ours, theirs)}
                used = {p.pid: _cpu(p.pid) - before[p.pid] for p in (ours, theirs)}
            finally:
                for process in (ours, theirs):
                    process.terminate()
                    process.wait(20)
    for label, process in (("phasewatch", ours), ("alertmanager", theirs)):
        share = used[process.pid] / seconds
        busy = f"{100 * share:.2f} % of a processor ({60_000 * share:.0f} ms a minute)"
        print(f"{label}: {held[process.pid] / 1024:.0f} MB, {busy} over {seconds} s")
    print(f"memory: {held[ours.pid] / held[theirs.pid]:.1f} times")


def _alertmanager(program: str, folder: Path) -> list[str]:
    (folder / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [
        program,
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/alertmanager",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]


def _pss(pid: int) -> int:
    """Kilobytes; shared pages are counted by their share."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise SystemExit("this kernel tells no PSS")


def _cpu(pid: int) -> float:
    """Seconds of processor time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


if __name__ == "__main__":
    main()
