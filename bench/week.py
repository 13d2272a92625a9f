"""What a week of the shipped configuration asks of BigQuery: queries by day and purpose, and what they cost at least.

    python bench/week.py             the week of 12 January 2026 of the sample pipeline, in some minutes
    python bench/week.py --every 15m with another interval for the checks of completions

The week has healthy days, a day whose phase 3 was not recorded until the next afternoon, a late day, one without games.
The checks are the daemon's own `completions` and `tables`, run by its own runner at every instant at which the
scheduler would. Each different question goes to the local BigQuery; where a question comes again and no row was
inserted in between, its answer is remembered: counted is the same, and a week does not take a day.

BigQuery bills at least 10 MB for each query and for each table that it names; the local one reports nothing, so the
printed bytes are that least: queries over tables this small cost exactly it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
LEAST = 10 * 1024 * 1024
USD_PER_TIB = 6.25
MONTH_DAYS = 30


def counting(base: type, moments: list[datetime]) -> type:
    """The warehouse that remembers answers between two insertions (``moments``, sorted), and counts every question."""

    class Counting(base):  # type: ignore[misc,valid-type]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.answers: dict[str, Any] = {}
            self.now = moments[0]
            self.asked: Counter[tuple[date, str]] = Counter()
            self.tables: Counter[tuple[date, str]] = Counter()

        def query(self, sql: str, params: Mapping[str, Any], *, label: str) -> Any:
            day = self.now.astimezone(ZONE).date()
            self.asked[day, label] += 1
            self.tables[day, label] += max(1, len(set(re.findall(r"`[\w-]+(?:\.[\w-]+)+`", sql))))
            # Times only bound which rows are seen: between two insertions they are the same ones.
            kept = {k: "t" if isinstance(v, datetime) else v for k, v in params.items()}
            key = json.dumps([sql, kept, bisect_right(moments, self.now)], default=str)
            if key not in self.answers:
                self.answers[key] = super().query(sql, params, label=label)
            return self.answers[key]

    return Counting


def main() -> None:
    """Play the week and print it."""
    from checks.fields import _duration
    from checks.sources.bigquery import BigQueryWarehouse
    from monitor import record, record_rows
    from monitor.config.loading import load
    from monitor.embedded import attach_or_start
    from monitor.wiring import parts, state_checks
    from monitor.wiring.tables import required_tables, table_checks
    from tests.support import pipelines

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=_duration, help="interval of the checks of completions; default as shipped")
    given = parser.parse_args()
    config = load(ROOT / "config.yaml", {})
    [pipeline] = parts.pipelines(config)
    rows = pipelines.sample_rows()
    moments = sorted({row.inserted_at for row in rows})
    first, last = datetime(2026, 1, 12, 5, tzinfo=UTC), datetime(2026, 1, 19, 5, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder, attach_or_start(Path(folder), config.gcp.project) as emulator:
        warehouse = counting(BigQueryWarehouse, moments)(config.gcp.project, endpoint=emulator.endpoint)
        tables = required_tables(config)
        lines = (pipelines.DATA / "completions-sample.jsonl").read_text().splitlines()
        games = json.dumps(pipelines.expected_states()["calendar"])
        schedule = record_rows.read_schedule(games, pipeline, name="calendar")
        # Beyond the week there are games as well: a calendar that ends is a problem of its own.
        later = record_rows.read_schedule(json.dumps({"2026-01-19": 5, "2026-01-20": 5}), pipeline, name="calendar")
        merged = replace(schedule, rows=(*schedule.rows, *later.rows), whole=schedule.whole | later.whole)
        record.record_schedule(warehouse, pipeline, merged, create=tables)
        written = record_rows.read_rows(lines, pipeline, name="sample", now=last)
        record.record_completions(warehouse, pipeline, written)
        warehouse.asked.clear()
        warehouse.tables.clear()
        from checks.sources.completions import CompletionTables

        completions = CompletionTables(warehouse)
        judges = parts.completion_checks(config, completions)
        further = state_checks.state_checks(config, judges, completions)
        checks = [*judges, *further, *table_checks(config, warehouse)]
        steps = {c.name: given.every if given.every and c.name.startswith("completions") else c.every for c in checks}
        runs = play(checks, steps, warehouse, first, last)
    show(warehouse, runs)


def play(
    checks: list[Any], steps: Mapping[str, timedelta], warehouse: Any, first: datetime, last: datetime
) -> Counter[str]:
    """Every tick of every check, in the order of time; how often each ran."""
    from checks import runner

    cursors: dict[str, Any] = {}
    runs: Counter[str] = Counter()
    step = min(steps.values())
    now = first
    while now < last:
        warehouse.now = now
        if (now - first) % timedelta(days=1) == timedelta(0):
            print(f"{now:%Y-%m-%d %H:%M} UTC", file=sys.stderr)
        for check in checks:
            if (now - first) % steps[check.name]:
                continue
            run = runner.run(
                check, now, cursors.get(check.name), blind_after=timedelta(minutes=10), clock=lambda now=now: now
            )
            if run.error is not None:
                sys.exit(f"{check.name} at {now}: {run.error}")
            cursors[check.name] = run.cursor
            runs[check.name] += 1
        now += step
    return runs


def show(warehouse: Any, runs: Counter[str]) -> None:
    """A line for each day, and what a month of such weeks costs at least."""
    purposes = sorted({label for _, label in warehouse.asked})
    days = sorted({day for day, _ in warehouse.asked})
    print("queries      " + "".join(f"{purpose:>14}" for purpose in purposes) + f"{'least billed':>16}")
    for day in days:
        counts = "".join(f"{warehouse.asked[day, purpose]:>14,}" for purpose in purposes)
        billed = sum(warehouse.tables[day, purpose] for purpose in purposes) * LEAST
        print(f"{day:%a %d %b}   {counts}{billed / 1024**2:>12,.0f} MiB")
    total = sum(warehouse.tables.values()) * LEAST
    month = total / len(days) * MONTH_DAYS
    print("ticks: " + ", ".join(f"{name} {number:,}" for name, number in sorted(runs.items())))
    print(f"week: {sum(warehouse.asked.values()):,} queries, at least {total / 1024**3:.2f} GiB billed")
    print(
        f"month: at least {month / 1024**3:.1f} GiB = {month / 1024**4:.3f} TiB,"
        f" {month / 1024**4 * USD_PER_TIB:.2f} USD at {USD_PER_TIB} USD a TiB (the first TiB of a month is free)"
    )
    ticks = max(runs.values())
    print(f"one query a tick would be {ticks:,}: {sum(warehouse.asked.values()) / ticks:.2f} of it")


if __name__ == "__main__":
    from zoneinfo import ZoneInfo

    ZONE = ZoneInfo("America/New_York")
    main()
