"""The watcher on the sample's days, tick by tick on a real BigQuery: what it asks for, and what that costs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from checks import runner
from checks.kinds.completions import Completions
from checks.model import CheckRun, JsonValue
from checks.ports import QueryResult
from checks.sources.bigquery import BigQueryWarehouse
from checks.sources.completions import CompletionTables
from tests.conftest import PROJECT
from tests.support.bigquery import COMPLETIONS_DDL, dataset, load, run
from tests.support.pipelines import DATA, expected_states, nba


@dataclass(slots=True)
class Day:
    """What was done on one local date: ticks, those that asked nobody, queries by label, bytes that were reported."""

    ticks: int = 0
    spared: int = 0
    queries: Counter[str] = field(default_factory=Counter)
    bytes_billed: int | None = None


class _Counting:
    """The real warehouse, and what it was asked."""

    def __init__(self, warehouse: BigQueryWarehouse) -> None:
        self._warehouse = warehouse
        self.asked: Counter[str] = Counter()

    def query(self, sql: str, params: Mapping[str, Any], *, label: str) -> QueryResult:
        self.asked[label] += 1
        return self._warehouse.query(sql, params, label=label)


def days(emulator: str, first: datetime, last: datetime, every: timedelta) -> tuple[dict[str, Day], list[CheckRun]]:
    """Ticks from ``first`` on and before ``last``, by local date; and the runs, one for each tick."""
    found: dict[str, Day] = {}
    runs: list[CheckRun] = []
    with dataset(emulator) as name, closing(BigQueryWarehouse(PROJECT, endpoint=emulator)) as real:
        pipeline = nba(completions=f"{name}.done", calendar=f"{name}.days")
        games = ", ".join(f"(DATE '{day}')" for day, number in expected_states()["calendar"].items() if number)
        run(
            emulator,
            COMPLETIONS_DDL.format(table=f"{name}.done"),
            f"CREATE TABLE {name}.days (game_date DATE)",
            f"INSERT INTO {name}.days VALUES {games}, (DATE '2026-01-19')",
        )
        load(emulator, f"{name}.done", (DATA / "completions-sample.jsonl").read_bytes())
        warehouse = _Counting(real)
        watcher = Completions(
            pipeline=pipeline, tables=CompletionTables(warehouse), every=every, look_back=4, name="completions"
        )
        cursor: JsonValue = None
        now = first
        while now < last:
            runs.append(runner.run(watcher, now, cursor, blind_after=every, clock=lambda at=now: at))  # type: ignore[misc]
            cursor = json.loads(json.dumps(runs[-1].cursor))
            day = found.setdefault(str(now.astimezone(pipeline.zone).date()), Day())
            day.ticks += 1
            day.spared += not warehouse.asked
            day.queries.update(warehouse.asked)
            billed = runs[-1].evidence.bytes_billed
            day.bytes_billed = day.bytes_billed if billed is None else (day.bytes_billed or 0) + billed
            warehouse.asked.clear()
            now += every
    return found, runs
