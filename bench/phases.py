"""Judging very many processors: what the daemon does with BigQuery's answer, against polars with all the rows.

    python bench/phases.py              10,000 processors x 90 dates, 5 % missing, five rounds
    python bench/phases.py --bigquery   the folded query itself on the local BigQuery, against fetching every row

polars is no dependency of the project: it is installed into an environment of this benchmark's own, bench/.venv, in
which both sides then run. Compared in each round, with the medians printed at the end:

- polars: two frames built from columns of Python values, expected and recorded pairs of (processor, date), and their
  anti-join. What it says is only which pairs are missing.
- phasewatch, folded: building the query's parameters, reading the records of its answer (as the client gives them:
  dicts) and judging every date: states, names done and missing, the moment of the quorum. The records are those that
  the query gives for the same data: per date one aggregate, the missing names, the moments around the quorum.
- phasewatch, row by row, once: the same judgement from all the rows, had they been fetched. Both must agree.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import subprocess
import sys
import time as clock
import venv
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

ROOT = Path(__file__).parents[1]
POLARS = "polars==1.35.2"
FIRST = date(2026, 1, 1)


def pipeline(processors: int, table: str = "bench.completions") -> Any:
    """One phase that expects that many processors, a hundredth of them critical; 60 % are enough."""
    from checks.phases.calendar import every_day
    from checks.pipeline import CompletionTable, DayTime, Phase, Pipeline, Processor

    names = ("phase", "run_date", "processor", "status", "record_count", "execution_id", "completed_at", "inserted_at")
    phase = Phase(
        name="phase1",
        after=(),
        processors=tuple(Processor(name=f"processor_{n:05}", critical=n % 100 == 0) for n in range(processors)),
        due=DayTime(day=1, at=time(9)),
        start=DayTime(day=1, at=time(6)),
        quorum_ratio=0.6,
        stall_after=timedelta(minutes=90),
    )
    return Pipeline(
        name="bench",
        zone=ZoneInfo("America/New_York"),
        calendar=every_day(),
        completions=CompletionTable(
            table=table,
            columns={name: name for name in names},
            success=("success", "partial"),
            partial=("partial",),
            failed=("failed",),
        ),
        aliases={},
        future_tolerance=timedelta(minutes=5),
        late_insert_after=timedelta(minutes=30),
        phases=(phase,),
    )


def recorded_pairs(processors: int, dates: list[date], missing: float) -> list[tuple[str, date, datetime]]:
    """Processor, date and time of each completion."""
    source = random.Random(1)
    names = [f"processor_{n:05}" for n in range(processors)]
    return [
        (name, day, datetime.combine(day + timedelta(days=1), time(11), tzinfo=UTC) + late)
        for day in dates
        for name in names
        for late in [timedelta(milliseconds=source.randrange(9_000_000))]
        if source.random() >= missing
    ]


def answer_of(pairs: list[tuple[str, date, datetime]], known: Any, dates: list[date]) -> list[dict[str, Any]]:
    """The records that the folded query answers for these completions, all of them plain."""
    owed = {p.name: p.critical for p in known.phases[0].processors}
    enough = -(-len(owed) * 6 // 10)
    by_date: dict[date, dict[str, datetime]] = {day: {} for day in dates}
    for name, day, at in pairs:
        by_date[day][name] = at
    empty = dict.fromkeys(("status", "execution_id", "inserted_at", "record_count", "delay"))
    records: list[dict[str, Any]] = []

    def record(kind: str, day: date, **values: Any) -> None:
        base = {"kind": kind, "phase": "phase1", "run_date": day, "processor": None, **empty}
        records.append(
            {**base, "row_count": 0, "executions": 0, "completed_at": None, "last_completed_at": None, **values}
        )

    for day, done in by_date.items():
        rank = max(1, enough - (len(owed) - len(done)))
        critical = max((at for name, at in done.items() if owed[name]), default=None)
        record(
            "folded",
            day,
            row_count=len(done),
            executions=rank,
            completed_at=max(done.values()),
            last_completed_at=critical,
        )
        for nth, at in enumerate(sorted(done.values())[rank - 1 : enough], start=rank):
            record("moment", day, row_count=1, executions=nth, completed_at=at)
        for name in owed.keys() - done.keys():
            record("missing", day, processor=name)
    return records


class Prepared:
    """A warehouse that gives records which are there already: what it takes to get them is BigQuery's time."""

    def __init__(self, records: list[dict[str, Any]]) -> None:
        self._records = records

    def query(self, sql: str, params: Mapping[str, Any], *, label: str) -> Any:  # noqa: ARG002 - the port's
        from checks.ports import QueryResult

        return QueryResult(rows=self._records, bytes_billed=None)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds, and what came of it."""
    gc.collect()
    began = clock.perf_counter()
    result = work()
    return (clock.perf_counter() - began) * 1000, result


def against_polars(processors: int, days: int, rounds: int, missing: float) -> None:
    """The comparison, inside the environment that has polars."""
    import polars as pl

    from checks.phases.states import judge_days
    from checks.ports import CalendarDays, CompletionRow
    from checks.sources.completions import CompletionTables

    known = pipeline(processors)
    dates = [FIRST + timedelta(days=n) for n in range(days)]
    at = datetime.combine(dates[-1] + timedelta(days=2), time(0), tzinfo=UTC)
    calendar = CalendarDays(runs=dict.fromkeys(dates, 1), first=dates[0], last=dates[-1])
    pairs = recorded_pairs(processors, dates, missing)
    expected = [(p.name, day) for day in dates for p in known.phases[0].processors]
    tables = CompletionTables(Prepared(answer_of(pairs, known, dates)))
    rows = [
        CompletionRow(
            phase="phase1",
            run_date=day,
            processor=name,
            status="success",
            record_count=1,
            execution_id="e",
            completed_at=done,
            inserted_at=done,
        )
        for name, day, done in pairs
    ]

    def anti_join() -> int:
        owed = pl.DataFrame({"processor": [p for p, _ in expected], "date": [d for _, d in expected]})
        done = pl.DataFrame({"processor": [p for p, _, _ in pairs], "date": [d for _, d, _ in pairs]})
        return len(owed.join(done, on=["processor", "date"], how="anti"))

    def folded() -> Any:
        recorded, _ = tables.completions(known, dates[0], dates[-1], at)
        return judge_days(known, dates, recorded.rows, calendar, at, folded=recorded.folded)

    def row_by_row() -> Any:
        return judge_days(known, dates, rows, calendar, at)

    machine = f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, polars {pl.__version__}"
    print(f"{processors:,} processors x {days} dates, {missing:.0%} missing; {machine}")
    print(f"  {len(expected):,} expected, {len(pairs):,} recorded", flush=True)
    slow, same = timed(row_by_row)
    ratios = []
    for number in range(1, rounds + 1):
        theirs, absent = timed(anti_join)
        ours, states = timed(folded)
        assert sum(len(day.missing) for [day] in states) == absent == sum(len(day.missing) for [day] in same)
        assert [(d.state, d.satisfied_at) for [d] in states] == [(d.state, d.satisfied_at) for [d] in same]
        ratios.append(ours / theirs)
        print(
            f"  round {number}: polars {theirs:6.0f} ms   folded {ours:6.0f} ms   ratio {ours / theirs:.2f}", flush=True
        )
    print(f"median ratio {median(ratios):.2f} (goal: at most 0.60); row by row, once: {slow:.0f} ms")


def on_bigquery(processors: int, days: int, missing: float) -> None:
    """The folded query on the local BigQuery, and the same without folding."""
    import json
    import tempfile
    from io import BytesIO

    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    from checks.completions import sql
    from checks.sources.bigquery import BigQueryWarehouse
    from checks.sources.completions import CompletionTables
    from monitor.embedded import attach_or_start

    known, dates = pipeline(processors), [FIRST + timedelta(days=n) for n in range(days)]
    pairs = recorded_pairs(processors, dates, missing)
    at = datetime.combine(dates[-1] + timedelta(days=2), time(0), tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder, attach_or_start(Path(folder), "bench-project") as emulator:
        client = bigquery.Client(
            project="bench-project",
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": emulator.endpoint},
        )
        client.create_dataset("bench", timeout=60)
        ddl = (
            "CREATE TABLE bench.completions (phase STRING, run_date DATE, processor STRING, status STRING, "
            "record_count INT64, execution_id STRING, completed_at TIMESTAMP, inserted_at TIMESTAMP) "
            "PARTITION BY run_date"
        )
        client.query(ddl, timeout=60).result(timeout=60)
        lines = "\n".join(
            json.dumps(
                {
                    "phase": "phase1",
                    "run_date": str(day),
                    "processor": name,
                    "status": "success",
                    "record_count": 1,
                    "execution_id": "e",
                    "completed_at": done.isoformat(),
                    "inserted_at": done.isoformat(),
                }
            )
            for name, day, done in pairs
        )
        config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON")
        client.load_table_from_file(
            BytesIO(lines.encode()), "bench-project.bench.completions", job_config=config
        ).result()
        warehouse = BigQueryWarehouse("bench-project", endpoint=emulator.endpoint, timeout=timedelta(minutes=5))
        tables = CompletionTables(warehouse)
        print(f"{processors:,} processors x {days} dates on the local BigQuery: {len(pairs):,} rows recorded")
        for what, limit in (("folded", sql.FOLD_FROM), ("every row fetched", 10**9)):
            sql.FOLD_FROM = limit
            cpu = clock.process_time()
            wall, (_, evidence) = timed(lambda: tables.completions(known, dates[0], dates[-1], at))
            cpu = (clock.process_time() - cpu) * 1000
            fetched = f"{evidence.counts['fetched_rows']:8,} rows fetched"
            print(f"  {what:18} {fetched}, {wall:7.0f} ms, of them {cpu:6.0f} ms of this process")


def main() -> None:
    """Make the environment if need be, then measure in it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--processors", type=int, default=10_000)
    options.add_argument("--dates", type=int, default=90)
    options.add_argument("--missing", type=float, default=0.05)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--bigquery", action="store_true", help="the query itself, on the local BigQuery")
    options.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    sys.path.insert(0, str(ROOT))
    if given.bigquery:
        on_bigquery(given.processors, given.dates, given.missing)
    elif given.inside:
        against_polars(given.processors, given.dates, given.rounds, given.missing)
    else:
        python = ROOT / "bench" / ".venv" / "bin" / "python"
        if not python.exists():
            print(f"installing {POLARS} into {python.parents[1]}", flush=True)
            venv.create(python.parents[1], with_pip=True)
            packages = [POLARS, "tzdata", "typing-extensions"]
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        sys.exit(subprocess.run([python, __file__, *sys.argv[1:], "--inside"], check=False).returncode)


if __name__ == "__main__":
    main()
