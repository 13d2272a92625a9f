"""How long ``phasewatch scan`` takes, against ripgrep and against ``json.loads`` and ``re`` on every line.

    python bench/scan.py [--entries 1000000] [--rounds 5] [--folder var/bench]

Prints ratios of wall times: the programs take turns, and each ratio is the median over the rounds. Files are made once
and kept in the folder. What is found is compared with a full decode of every line. Memory is the sum over all processes
of a program (PSS, which counts shared pages once), looked at every 20 ms.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import entries as made

PATTERN = "(ModuleNotFound|Import|Name|UnboundLocal|Attribute)Error"
PHASEWATCH = str(Path(sys.executable).with_name("phasewatch"))
# What is installed has its bytecode beside it.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
PER_LINE = """
import json, re, sys
pattern = re.compile(r"(?m)^(?:ModuleNotFound|Import|Name|UnboundLocal|Attribute)Error: .*")
found = 0
for line in open(sys.argv[1], encoding="utf-8"):
    entry = json.loads(line)
    text = entry.get("textPayload") or json.dumps(entry.get("jsonPayload", {}))
    found += pattern.search(text) is not None
print(found)
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--folder", type=Path, default=Path("var/bench"))
    chosen = options.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    rg = shutil.which("rg")
    if rg is None:
        print("ripgrep (rg) is not installed: ratios are to json.loads + re only")
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}\n")

    for name, share in (("calm", 0.001), ("storm", 0.1)):
        number = chosen.entries if name == "calm" else chosen.entries // 5
        file = _file(chosen.folder / f"{name}-{number}.jsonl", number, share)
        print(f"{name}: {number:,} entries, {file.stat().st_size / 1e6:,.0f} MB, {share:.1%} tracebacks in mixed forms")
        runs = {
            "phasewatch scan": [PHASEWATCH, "scan", "--exit-zero", "--format", "json", str(file)],
            "phasewatch scan --thorough": [
                PHASEWATCH,
                "scan",
                "--exit-zero",
                "--thorough",
                "--format",
                "json",
                str(file),
            ],
            "json.loads + re per line": [sys.executable, "-c", PER_LINE, str(file)],
        }
        if rg:
            runs["rg -c"] = [rg, "-c", PATTERN, str(file)]
        _compare(runs, chosen.rounds)
        _same(file, runs["phasewatch scan"])
        if name == "calm" and rg:
            packed = _packed(file)
            print(f"\ngzip: the same, {packed.stat().st_size / 1e6:,.0f} MB")
            _compare(
                {
                    "phasewatch scan": [PHASEWATCH, "scan", "--exit-zero", "--format", "json", str(packed)],
                    "rg -z -c": [rg, "-z", "-c", PATTERN, str(packed)],
                },
                min(3, chosen.rounds),
            )
        print()


def _file(path: Path, number: int, share: float) -> Path:
    if not path.exists():
        print(f"making {path}")
        half = path.with_suffix(".part")
        with half.open("wb") as stream:
            stream.writelines(made.lines(number, share))
        half.rename(path)
    return path


def _packed(path: Path) -> Path:
    packed = path.with_name(path.name + ".gz")
    if not packed.exists():
        with path.open("rb") as plain, gzip.open(packed, "wb", compresslevel=6) as stream:
            shutil.copyfileobj(plain, stream, 1 << 20)
    return packed


def _compare(runs: dict[str, list[str]], rounds: int) -> None:
    """Each program in turn, ``rounds`` times; the first round warms the page cache and does not count."""
    walls: dict[str, list[float]] = {name: [] for name in runs}
    processors: dict[str, list[float]] = {name: [] for name in runs}
    peaks: dict[str, float] = dict.fromkeys(runs, 0.0)
    for number in range(rounds + 1):
        for name, command in runs.items():
            wall, processor, peak = _timed(command, watch=number == 0)
            peaks[name] = max(peaks[name], peak)
            if number:
                walls[name].append(wall)
                processors[name].append(processor)
    reference = list(runs)[-1]
    for name, times in walls.items():
        ratio = statistics.median(own / other for own, other in zip(times, walls[reference], strict=True))
        processor = statistics.median(processors[name])
        print(
            f"  {name:27} {statistics.median(times):7.2f} s {ratio:6.2f} x {reference:24}"
            f" {processor:6.2f} s of processors {peaks[name]:5.0f} MB"
        )
    if "json.loads + re per line" in runs:
        pairs = zip(walls["json.loads + re per line"], walls["phasewatch scan"], strict=True)
        times = statistics.median(slow / fast for slow, fast in pairs)
        print(f"  json.loads + re takes {times:.1f} times as long as scan")


def _timed(command: list[str], *, watch: bool) -> tuple[float, float, float]:
    """Wall time and processor time in seconds; peak memory in MB, if it is watched. All with the child processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_ENVIRONMENT)
    peak = 0.0
    while watch and process.poll() is None:
        peak = max(peak, sum(map(_memory, _family(process.pid))))
        time.sleep(0.02)
    process.wait()
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        children = []
    return [pid, *(one for child in children for one in _family(int(child)))]


def _memory(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1e3 for line in lines if line.startswith("Pss:")), 0.0)


def _same(file: Path, command: list[str]) -> None:
    from checks.exports.entries import Malformed, iter_entries
    from checks.logs.failures import scan

    with file.open("rb") as stream:
        result = scan(item for item in iter_entries(stream) if not isinstance(item, Malformed))
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    same = (
        found["failures"] == [failure.as_json() for failure in result.failures] and found["entries"] == result.entries
    )
    count = sum(failure.count for failure in result.failures)
    print(
        f"  {'the same' if same else 'NOT THE SAME'} as a full decode: {len(result.failures)} failures, {count:,} times"
    )


if __name__ == "__main__":
    main()
