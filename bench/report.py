"""`phasewatch report` against the least that could be done: a script that imports the client and runs one query.

A year of completions lies in the embedded BigQuery, which runs all the while. Prints medians and ratios; both commands
are new processes, taken in turn. Also `phasewatch --help` against `python3 -c pass`.

    python bench/report.py [--rounds 7]
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
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

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
import datetime
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
client = bigquery.Client("{project}", credentials=AnonymousCredentials(),
    client_options=ClientOptions(api_endpoint="{endpoint}"))
config = bigquery.QueryJobConfig(query_parameters=[
    bigquery.ScalarQueryParameter("first", "DATE", datetime.date(2026, 1, 22)),
    bigquery.ScalarQueryParameter("last", "DATE", datetime.date(2026, 1, 25))])
rows = client.query_and_wait(
    "SELECT phase, game_date, processor_name, status, record_count, execution_id, completed_at, inserted_at"
    " FROM `nba_orchestration.phase_completions` WHERE game_date BETWEEN @first AND @last", job_config=config)
print(sum(1 for _ in rows), "rows")
"""


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
            bare = folder / "bare.py"
            bare.write_text(BARE.format(project=PROJECT, endpoint=emulator.endpoint))
            at = "2026-01-26T18:00:00Z"
            report = [_command(), "--config", str(config), "report", "--at", at, "-o", str(folder / "report.txt")]
            _compare("report", report, "bare script", [sys.executable, str(bare)], rounds)
    _compare("phasewatch --help", [_command(), "--help"], "python -c pass", [sys.executable, "-c", "pass"], rounds)


def _command() -> str:
    return str(Path(sys.executable).with_name("phasewatch"))


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


def _compare(name: str, ours: list[str], other: str, theirs: list[str], rounds: int) -> None:
    times: dict[str, list[float]] = {name: [], other: []}
    for turn in range(rounds + 1):
        for label, command in ((name, ours), (other, theirs)):
            begin = time.perf_counter()
            subprocess.run(command, check=False, capture_output=True, env=_environment())
            if turn:  # the first round warms the caches
                times[label].append(time.perf_counter() - begin)
    ratios = [a / b for a, b in zip(times[name], times[other], strict=True)]
    print(
        f"{name}: {statistics.median(times[name]):.2f} s; {other}: {statistics.median(times[other]):.2f} s; "
        f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}, {rounds} rounds)"
    )


if __name__ == "__main__":
    main()
