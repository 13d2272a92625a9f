"""How long preflight takes, as ratios to ruff and pylint on the same files in the same run.

    python bench/preflight.py [--files 3400] [--rounds 3] [--tree FOLDER] [--small FOLDER]

``--tree`` (default: this environment's site-packages) is copied, the first so many Python files of it; ``--small``
(default: google/cloud/bigquery of this environment) is what pylint is asked about. pylint is installed into an
environment of the benchmark's own (``var/bench/peers``), which needs a package index the first time. Commands are
timed whole, as a user runs them, in alternation; medians of the rounds. On a busy machine the ratio of CPU time says
more than that of the wall.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts"))
SITE = Path(sysconfig.get_path("purelib"))
PEERS = HERE / "var" / "bench" / "peers"


def timed(command: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Wall and CPU seconds of a command with all its children."""
    start, before = time.perf_counter(), os.times()
    # With its bytecode, as what is installed runs: the first round writes it.
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, env={**usual, **env}, capture_output=True, check=False)
    spent, after = time.perf_counter() - start, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    if done.returncode not in (0, 1) and "pylint" not in command[0]:  # pylint's code is a bit field of what it found
        sys.exit(f"{command[:3]} failed: {done.stderr.decode()[-500:]}")
    return spent, used


def tree(origin: Path, count: int, target: Path) -> int:
    """The first so many Python files below a folder, in order."""
    copied = 0
    for path in sorted(origin.rglob("*.py")):
        if copied == count:
            break
        goal = target / path.relative_to(origin)
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, goal)
        copied += 1
    return copied


def pylint() -> Path:
    program = PEERS / "bin" / "pylint"
    if not program.exists():
        venv.create(PEERS, with_pip=True)
        subprocess.run([PEERS / "bin" / "pip", "install", "--quiet", "pylint"], check=True)
    return program


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=3400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tree", type=Path, default=SITE)
    parser.add_argument("--small", type=Path, default=SITE / "google" / "cloud" / "bigquery")
    parser.add_argument("--no-pylint", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        big, cache = Path(folder, "big"), Path(folder, "cache")
        copied = tree(options.tree, options.files, big)
        lines = sum(path.read_bytes().count(b"\n") for path in big.rglob("*.py"))
        print(f"{copied} files, {lines} lines; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        ruff = [
            str(SCRIPTS / "ruff"),
            "check",
            "--isolated",
            "--config=exclude=[]",  # of folders that are called site-packages or build as well
            "--no-cache",
            "--quiet",
            "--select",
            "F821,F401,E9",
            str(big),
        ]
        ours = [str(SCRIPTS / "phasewatch"), "preflight", "--package", str(big), "--root", str(big), "--format", "json"]
        times: dict[str, list[tuple[float, float]]] = {"ruff": [], "cold": [], "warm": [], "changed": []}
        files = sorted(big.rglob("*.py"))
        for round_ in range(options.rounds):
            shutil.rmtree(cache, ignore_errors=True)
            env = {"XDG_CACHE_HOME": str(cache)}
            times["ruff"].append(timed(ruff, {}))
            times["cold"].append(timed(ours, env))
            times["warm"].append(timed(ours, env))
            with files[len(files) * (round_ + 1) // (options.rounds + 1)].open("a") as changed:
                changed.write("\n\ndef added_by_the_benchmark():\n    import added_too\n")
            times["changed"].append(timed(ours, env))
        report("ruff F821,F401,E9", times["ruff"], times["ruff"])
        report("preflight, no cache yet", times["cold"], times["ruff"])
        report("preflight, cache full", times["warm"], times["ruff"])
        report("preflight, a file changed", times["changed"], times["ruff"])
        if options.no_pylint:
            return
        program = pylint()
        small: dict[str, list[tuple[float, float]]] = {"pylint": [], "ours": []}
        command = [str(program), "--disable=all", "--enable=E0401,E0602", str(options.small)]
        own = [
            str(SCRIPTS / "phasewatch"),
            "preflight",
            "--package",
            str(options.small),
            "--no-cache",
            "--format",
            "json",
        ]
        for _ in range(options.rounds):
            small["pylint"].append(timed(command, {"PYTHONPATH": str(SITE)}))
            small["ours"].append(timed(own, {}))
        print(f"{options.small.name}: {sum(1 for _ in options.small.rglob('*.py'))} files")
        report("pylint E0401,E0602", small["pylint"], small["pylint"])
        report("preflight, no cache", small["ours"], small["pylint"])


def report(name: str, values: list[tuple[float, float]], base: list[tuple[float, float]]) -> None:
    wall, used = (
        statistics.median(value[kind] / other[kind] for value, other in zip(values, base, strict=True))
        for kind in (0, 1)
    )
    median = statistics.median(value[0] for value in values)
    print(f"{name:26} {median:8.2f} s   ratio {wall:7.3f}   of CPU time {used:7.3f}")


if __name__ == "__main__":
    main()
