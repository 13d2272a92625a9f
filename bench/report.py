"""`phasewatch report` against the least that could be done: a script that imports the client and runs one query.

A year of completions lies in the embedded BigQuery, which runs all the while. The script runs the report's own query of
the completions (the report asks two more questions), or a plain SELECT of the same rows, which is more than a report
could be made of. Prints medians and ratios; the commands are new processes, taken in turn. Also `phasewatch --help`
against `python3 -c pass`.

    python bench/report.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from checks.completions.sql import completions_statement
from checks.sources.bigquery import query_parameter
from monitor.config.loading import load
from monitor.embedded import attach_or_start

PROJECT = "nba-props-platform"
SHIPPED = Path(__file__).parents[1] / "config.yaml"
LAST = date(2026, 1, 27)
PROCESSORS = {
    "phase2": ["p2_nbacom_schedule", "p2_odds_game_lines", "p2_bdl_box_scores", "p2_nbacom_gamebook_pdf"],
    "phase3": ["player_game_summary", "upcoming_player_game_context", "team_defense_game_summary"],
    "phase4": ["player_daily_cache", "ml_feature_store", "team_defense_zone_analysis"],
}
BARE = """
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
client = bigquery.Client("{project}", credentials=AnonymousCredentials(),
    client_options=ClientOptions(api_endpoint="{endpoint}"))
config = bigquery.QueryJobConfig.from_api_repr({{"query": {{"useLegacySql": False, "queryParameters": {params}}}}})
rows = client.query_and_wait({sql!r}, job_config=config)
print(sum(1 for _ in rows), "rows")
"""
PLAIN = (
    "SELECT phase, game_date, processor_name, status, record_count, execution_id, completed_at, inserted_at"
    " FROM `nba_orchestration.phase_completions` WHERE game_date BETWEEN @first AND @last"
)
AT = datetime(2026, 1, 26, 18, tzinfo=UTC)
FIRST_SHOWN, LAST_SHOWN = date(2026, 1, 23), date(2026, 1, 26)


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with attach_or_start(folder / "emulator", PROJECT) as emulator:
            config = _configure(folder, emulator.endpoint)
            _fill(folder, config)
            report = [_command(), "--config", str(config), "report", "--at", AT.isoformat(), "-o", os.devnull]
            pipeline = load(config, os.environ).pipelines[0].to_pipeline()
            asked = completions_statement(pipeline, FIRST_SHOWN, LAST_SHOWN, AT)
            same = _script(folder / "same.py", emulator.endpoint, asked.sql, asked.params)
            plain = _script(folder / "plain.py", emulator.endpoint, PLAIN, {"first": FIRST_SHOWN, "last": LAST_SHOWN})
            commands = {"report": report, "script, the report's query": same, "script, plain SELECT": plain}
            _compare(commands, rounds)
    _compare({"phasewatch --help": [_command(), "--help"], "python -c pass": [sys.executable, "-c", "pass"]}, rounds)


def _command() -> str:
    return str(Path(sys.executable).with_name("phasewatch"))


def _script(path: Path, endpoint: str, sql: str, params: Mapping[str, Any]) -> list[str]:
    """The command that runs a script for that query."""
    described = [query_parameter(name, value).to_api_repr() for name, value in params.items()]
    path.write_text(BARE.format(project=PROJECT, endpoint=endpoint, params=described, sql=sql), encoding="utf-8")
    return [sys.executable, str(path)]


def _configure(folder: Path, endpoint: str) -> Path:
    text = SHIPPED.read_text(encoding="utf-8")
    project = "gcp: {project: nba-props-platform, region: us-west2}"
    if project not in text:
        raise SystemExit("config.yaml has another gcp line: adjust this benchmark")
    path = folder / "config.yaml"
    path.write_text(text.replace(project, f"{project[:-1]}, endpoints: {{bigquery: {endpoint}}}}}"), encoding="utf-8")
    return path


def _fill(folder: Path, config: Path) -> None:
    days = [LAST - timedelta(days=n) for n in range(365)]
    games = folder / "games.jsonl"
    games.write_text("".join(json.dumps({"game_date": str(d), "game_id": f"{d}-1"}) + "\n" for d in days))
    rows = folder / "rows.jsonl"
    with rows.open("w") as out:
        for day in days:
            for number, (phase, names) in enumerate(PROCESSORS.items()):
                for n, processor in enumerate(names):
                    hour = 9 + number
                    when = datetime(day.year, day.month, day.day, hour, n, tzinfo=UTC) + timedelta(days=1)
                    out.write(
                        json.dumps(
                            {
                                "phase": phase,
                                "game_date": str(day),
                                "processor_name": processor,
                                "status": "success",
                                "record_count": 10,
                                "execution_id": f"{day}-{processor}",
                                "completed_at": when.isoformat(),
                                "inserted_at": when.isoformat(),
                            }
                        )
                        + "\n"
                    )
    for arguments in (["--schedule", str(games)], ["--file", str(rows)]):
        subprocess.run([_command(), "--config", str(config), "record", *arguments], check=True, capture_output=True)


def _environment() -> dict[str, str]:
    """Ours, with compiled modules kept, as a person's has it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _compare(commands: Mapping[str, list[str]], rounds: int) -> None:
    """The first command against each of the others: wall time, and processor time, which a busy machine spoils less."""
    walls: dict[str, list[float]] = {name: [] for name in commands}
    processor: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run(command, check=False, capture_output=True, env=_environment())
            wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
            if turn:  # the first round warms the caches
                walls[name].append(wall)
                processor[name].append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    ours, *others = commands
    for name in commands:
        print(f"{name}: {statistics.median(walls[name]):.3f} s, processor {statistics.median(processor[name]):.3f} s")
    for name in others:
        ratios = [a / b for a, b in zip(walls[ours], walls[name], strict=True)]
        used = [a / b for a, b in zip(processor[ours], processor[name], strict=True)]
        print(
            f"{ours} to {name}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}),"
            f" processor {statistics.median(used):.2f}; {rounds} rounds, load {os.getloadavg()[0]:.1f}"
        )


if __name__ == "__main__":
    main()
