"""What preflight finds of packages that were broken on purpose, and what it says of whole ones.

    python bench/preflight_mutations.py [--each 3] [--seed 1] [--tree sqlalchemy ...] [--kind TEXT] [--verbose]
        [--python /path/of/env/bin/python]

Copies packages of this environment, or of another one, breaks each in the ways of ``preflight_breaks.py``,
``preflight_slips.py`` and ``preflight_library.py``, one at a time, and compares preflight's new findings with what
newly fails when the package is really imported and its functions' names looked up (``preflight_oracle.py``). A break
*bites* if something newly fails; it is *found* if preflight has a new finding at such a line, *wholly* if at all of
them. A new finding elsewhere, in a file that could be imported to its end, counts as *false*, unless the place fails as
well because of it, or failed before. Same seed, same breaks.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import preflight_calls  # noqa: E402, F401 - more of the same list
import preflight_library  # noqa: E402, F401
import preflight_slips  # noqa: E402, F401
from preflight_breaks import ALL, MARK, Edits, Tree  # noqa: E402

from checks.preflight.examine import Examiner  # noqa: E402
from checks.preflight.extract import interpreter  # noqa: E402
from checks.preflight.shipped import packages  # noqa: E402 - from this tree, wherever it is installed

TREES = (
    *("sqlalchemy", "google/cloud/bigquery", "apscheduler", "rich", "pydantic", "slack_sdk", "hypothesis"),
    *("alembic", "apprise", "bqemulator"),
)
Place = tuple[str, str, str, int]


@dataclass
class Score:
    bites: int = 0
    found: int = 0
    whole: int = 0
    false: int = 0
    silent: int = 0
    missed: list[str] = field(default_factory=list)


class Subject:
    """One package, copied to where it may be broken."""

    def __init__(self, name: str, folder: Path, command: str) -> None:
        self.name = name
        self.command = command
        self.root = folder / name.replace("/", "-")
        self.python = interpreter(command)
        self.cache = folder / "cache.db"
        shutil.copytree(site_of(command) / name, self.root / name, ignore=shutil.ignore_patterns("__pycache__"))
        self.tree: Tree = {}
        self.loaded: set[str] = set()
        self.beside: set[tuple[str, int]] = set()
        for path in sorted(self.root.rglob("*.py")):
            file = str(path.relative_to(self.root))
            if not any(part in file for part in ("/tests/", "testing/", "__main__", "/templates/")):
                self.tree[file] = path.read_text(encoding="utf-8")
        self.said, self.fails = self.findings(), self.failures()

    def findings(self) -> dict[Place, tuple[str, int]]:
        """What preflight says: by file, text of the line and symbol, the place."""
        with Examiner(self.root, environment=self.python, cached=self.cache) as examiner:
            report = examiner.examine(packages.of_folder(self.root))
        return self.first((f.file, f.line, f"{f.kind} {f.symbol}") for f in report.findings)

    def failures(self) -> dict[Place, tuple[str, int]]:
        """What really fails, likewise."""
        modules = [
            str(path.relative_to(self.root))[:-3].removesuffix("/__init__").replace("/", ".")
            for path in sorted(self.root.rglob("*.py"))
            if ("__main__" not in path.name and str(path.relative_to(self.root)) in self.tree) or "moved" in path.name
        ]
        done = subprocess.run(
            [self.command, HERE / "preflight_oracle.py", self.root, *modules],
            capture_output=True,
            check=False,
            timeout=120,
        )
        if not done.stdout:
            sys.exit(f"the oracle died: {done.stderr.decode()[-500:]}")
        answer = json.loads(done.stdout)
        self.loaded = set(answer["loaded"])
        self.beside = {(file, line) for file, line in answer["beside"]}
        return self.first(answer["failures"])

    def first(self, found: Iterable[Any]) -> dict[Place, tuple[str, int]]:
        """By file, text of the line and what it is; equal lines are counted, from above."""
        seen: Counter[tuple[str, str, str]] = Counter()
        places: dict[Place, tuple[str, int]] = {}
        for file, line, what in sorted(found):
            key = (*self.line(file, line), what)
            seen[key] += 1
            places[*key, seen[key]] = (file, line)
        return places

    def line(self, file: str, number: int) -> tuple[str, str]:
        path = self.root / file
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return file, lines[number - 1].strip() if 0 < number <= len(lines) else ""

    def write(self, edits: Edits) -> None:
        for file, text in edits.items():
            path = self.root / file
            if text is None:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")

    def broken(self, edits: Edits, score: Score, told: str, verbose: bool) -> None:
        """Judge one break."""
        self.write(edits)
        try:
            every = self.failures()
            fails = {place: at for place, at in every.items() if place not in self.fails}
            for file, text in edits.items():  # what the oracle cannot see, and the break knows
                lines = (text or "").splitlines()
                fails |= {
                    (file, line, "by construction", n): (file, n) for n, line in enumerate(lines, 1) if MARK in line
                }
            said = {place: at for place, at in self.findings().items() if place not in self.said}
        finally:
            self.write({file: self.tree.get(file) for file in edits})
        places, hits = set(fails.values()), set(said.values())
        right = places | set(every.values()) | self.beside
        extra = [
            f"{at[0]}:{at[1]} {place[2]}" for place, at in said.items() if at not in right and at[0] in self.loaded
        ]
        score.false += len(extra)
        if not fails:
            score.silent += 1
        else:
            score.bites += 1
            score.found += bool(places & hits)
            score.whole += places <= hits
            if not places <= hits:
                lost = [f"{at[0]}:{at[1]} {place[2]}" for place, at in sorted(fails.items()) if at not in hits]
                score.missed.append(f"{told}: {'; '.join(lost[:3])}")
        if verbose and extra:
            print(f"    false? {told}: {'; '.join(extra[:3])}")


def site_of(command: str) -> Path:
    """Where an interpreter has its packages."""
    if command == sys.executable:
        return Path(sysconfig.get_path("purelib"))
    asked = [command, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(asked, capture_output=True, check=True, text=True).stdout.strip())


def untouched(subject: Subject, verbose: bool) -> None:
    """What preflight and the oracle say of the package as it is."""
    failing, told = set(subject.fails.values()), set(subject.said.values())
    odd = [f"{at[0]}:{at[1]} {place[2]}" for place, at in subject.said.items() if at not in failing]
    lost = [f"{at[0]}:{at[1]} {place[2]}" for place, at in subject.fails.items() if at not in told]
    print(
        f"{subject.name}: {len(subject.tree)} files; untouched: {len(subject.said)} findings,"
        f" {len(odd)} at places that do not fail; {len(lost)} failures without a finding",
        flush=True,
    )
    for item in odd if verbose else ():
        print(f"    said only: {item}")
    for item in lost if verbose else ():
        print(f"    fails only: {item}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=3, help="breaks of each kind and package")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--python", default=sys.executable, help="of another environment, whose packages are broken")
    parser.add_argument("--tree", action="append", help="packages of the environment")
    parser.add_argument("--kind", default="", help="only kinds with this in their name")
    parser.add_argument("--verbose", action="store_true", help="also every miss and every false finding")
    options = parser.parse_args()
    kinds: dict[str, Score] = defaultdict(Score)
    with tempfile.TemporaryDirectory() as folder, suppress(KeyboardInterrupt):  # then the table of what was done
        for name in options.tree or TREES:
            subject = Subject(name, Path(folder), options.python)
            untouched(subject, options.verbose)
            for kind, change in ALL.items():
                for number in range(options.each if options.kind in kind else 0):
                    rng = random.Random(f"{options.seed} {name} {kind} {number}")
                    edits = change(subject.tree, rng)
                    if edits:
                        subject.broken(edits, kinds[kind], f"{name} {kind} {number}", options.verbose)
    print(f"\n{'kind':46} {'bite':>5} {'found':>6} {'wholly':>7} {'false':>6} {'harmless':>9}")
    total: Counter[str] = Counter()
    for kind, score in kinds.items():
        print(f"{kind:46} {score.bites:5} {score.found:6} {score.whole:7} {score.false:6} {score.silent:9}")
        total.update(bites=score.bites, found=score.found, whole=score.whole, false=score.false, silent=score.silent)
        for miss in score.missed if options.verbose else ():
            print(f"    missed: {miss}")
    print(f"{'all':46} {total['bites']:5} {total['found']:6} {total['whole']:7} {total['false']:6} {total['silent']:9}")


if __name__ == "__main__":
    main()
