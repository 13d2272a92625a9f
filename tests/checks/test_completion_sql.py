"""The aggregated query gives what the rows themselves would, whatever they are; and how many rows it takes for that."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta

import pytest

from checks.completions.sql import FOLD_FROM
from checks.phases.states import judge_days
from checks.pipeline import Pipeline, Processor
from checks.ports import CompletionRow
from checks.sources.bigquery import BigQueryWarehouse
from checks.sources.completions import CompletionTables
from tests.checks.phases.test_reference import PHASES, SHIPPED, SPELLINGS, WEEKS, names_of
from tests.conftest import PROJECT
from tests.support.bigquery import COMPLETIONS_DDL, dataset, load, run
from tests.support.pipelines import COLUMNS, GAME_DAY, completion, et, every_day, nba, with_phase

pytestmark = pytest.mark.emulator


@pytest.fixture(scope="module")
def warehouse(emulator: str) -> Iterator[BigQueryWarehouse]:
    """The real client on the local BigQuery."""
    with closing(BigQueryWarehouse(PROJECT, endpoint=emulator)) as connected:
        yield connected


def record(emulator: str, table: str, rows: list[CompletionRow]) -> None:
    """Append rows to a table, as the recorder does."""
    records = [{theirs: getattr(row, ours) for ours, theirs in COLUMNS.items()} for row in rows]
    load(emulator, table, "\n".join(json.dumps(r, default=str) for r in records).encode())


def random_week(source: random.Random, first: date) -> list[CompletionRow]:
    """Rows of few processors, so that their executions, spellings and times meet in every way."""
    rows = []
    for _ in range(120):
        phase = source.choice(sorted(PHASES))
        day = first + timedelta(days=source.randrange(4))
        name = source.choice(names_of(phase, day)[:4])
        # Within minutes of noon of the run date and of the moment of the question.
        completed = et(f"{day} 12:00") + timedelta(seconds=source.choice([-1, 0, 1, 60, 3600, 40_000, 70_000, 90_000]))
        rows.append(
            CompletionRow(
                phase=source.choice((phase, phase, *PHASES[phase])),
                run_date=day,
                processor=source.choice((name, name, *SPELLINGS.get(name, ()))),
                status=source.choice(["success", "partial", "failed", "skipped"]),
                record_count=source.choice([None, 0, 5]),
                execution_id=source.choice([None, "a", "b"]),
                completed_at=completed,
                inserted_at=completed + timedelta(seconds=source.choice([0, 1800, 1801])),
            )
        )
    return rows


@pytest.mark.parametrize("seed", range(4))
def test_the_query_gives_what_its_rows_would(warehouse: BigQueryWarehouse, emulator: str, seed: int) -> None:
    """States, times and flags, on ordinary weeks and on those in which clocks and lists change."""
    source, first = random.Random(seed), WEEKS[seed]
    dates = [first + timedelta(days=n) for n in range(4)]
    calendar = every_day(dates[0], dates[-1], without=[dates[1]])
    rows = random_week(source, first)
    with dataset(emulator) as name:
        pipeline = replace(SHIPPED, completions=replace(SHIPPED.completions, table=f"{name}.done"))
        run(emulator, COMPLETIONS_DDL.format(table=f"{name}.done"))
        record(emulator, f"{name}.done", rows)
        for at in (et(f"{day} 12:00") + timedelta(seconds=s) for day in dates for s in (-300, 0, 70_000)):
            recorded, _ = CompletionTables(warehouse).completions(pipeline, dates[0], dates[-1], at)
            expected = judge_days(pipeline, dates, rows, calendar, at)
            assert judge_days(pipeline, dates, recorded.rows, calendar, at) == expected


def test_rows_fetched_do_not_grow_with_rows_recorded(warehouse: BigQueryWarehouse, emulator: str) -> None:
    """Three hundred re-runs and redeliveries of one processor come as four rows, and are counted all."""
    first = et("2026-01-13 06:35")
    rows = [
        completion(
            "player_game_summary", first + timedelta(seconds=n), execution_id=f"e{n // 2}", record_count=n // 599
        )
        for n in range(600)
    ]
    with dataset(emulator) as name:
        pipeline = nba(completions=f"{name}.done")
        run(emulator, COMPLETIONS_DDL.format(table=f"{name}.done"))
        record(emulator, f"{name}.done", rows)
        at = et("2026-01-13 08:00")
        recorded, evidence = CompletionTables(warehouse).completions(pipeline, GAME_DAY, GAME_DAY, at)
    assert len(recorded.rows) == 4
    assert dict(evidence.counts) == {"rows": 600, "unreadable_rows": 0, "fetched_rows": 4}
    calendar = every_day(GAME_DAY, GAME_DAY)
    assert judge_days(pipeline, [GAME_DAY], recorded.rows, calendar, at) == judge_days(
        pipeline, [GAME_DAY], rows, calendar, at
    )
    assert sum(row.executions for row in recorded.rows) == 300


# -- very many processors ---------------------------------------------------------------------------------------------

MANY = FOLD_FROM + 40


def large(completions: str, *, ratio: float | None = 0.6) -> Pipeline:
    """The sample pipeline with very many processors in phase 3, every fiftieth critical, some owed only later."""
    processors = tuple(
        Processor(
            name=f"p{n:04}",
            critical=n % 50 == 0,
            valid_from=date(2026, 1, 13) if n % 60 == 7 else None,
            not_before=nba().phase("phase3").processors[0].not_before if n % 3 else None,
        )
        for n in range(MANY)
    )
    return with_phase(nba(completions=completions), "phase3", processors=processors, quorum_ratio=ratio)


def many_rows(source: random.Random, dates: list[date], share: float) -> list[CompletionRow]:
    """Mostly one plain success each; some are missing, failed, empty, early, late, spelt otherwise, done twice."""
    rows = []
    for day in dates:
        for n in range(MANY):
            if source.random() > share:
                continue
            at = et(f"{day + timedelta(days=1)} 06:30") + timedelta(seconds=source.randrange(9000))
            row = completion(f"p{n:04}", at, run_date=day, phase="phase3")
            match source.randrange(100):
                case 0:
                    row = replace(row, status="failed")
                case 1:
                    row = replace(row, record_count=0)
                case 2:
                    row = replace(row, completed_at=et(f"{day} 11:00"), inserted_at=et(f"{day} 11:00"))
                case 3:
                    row = replace(row, inserted_at=at + timedelta(hours=1))
                case 4:
                    row = replace(row, processor=f"P{n:04}")
                case 5:
                    row = replace(row, phase="Phase3")
                case 6:
                    rows.append(replace(row, status="failed", execution_id="other"))
                case _:
                    pass
            rows.append(row)
    return rows


@pytest.mark.parametrize(("seed", "share", "ratio"), [(1, 0.97, 0.6), (2, 0.62, 0.6), (3, 0.995, None), (4, 0.3, 0.6)])
def test_folded_phases_are_judged_as_their_rows_would_be(
    warehouse: BigQueryWarehouse, emulator: str, seed: int, share: float, ratio: float | None
) -> None:
    """State, names, flags, and the very moment of the quorum; what comes back is what is missing or odd."""
    dates = [date(2026, 1, 12), date(2026, 1, 13), date(2026, 1, 14)]
    rows = many_rows(random.Random(seed), dates, share)
    calendar = every_day(dates[0], dates[-1])
    with dataset(emulator) as name:
        pipeline = large(f"{name}.done", ratio=ratio)
        run(emulator, COMPLETIONS_DDL.format(table=f"{name}.done"))
        record(emulator, f"{name}.done", rows)
        for at in (et("2026-01-13 06:45"), et("2026-01-14 08:00"), et("2026-01-15 12:00")):
            recorded, evidence = CompletionTables(warehouse).completions(pipeline, dates[0], dates[-1], at)
            found = judge_days(pipeline, dates, recorded.rows, calendar, at, folded=recorded.folded)
            wanted = judge_days(pipeline, dates, rows, calendar, at)
            assert [without_times(day) for day in found] == [without_times(day) for day in wanted]
    assert recorded.folded
    if share > 0.9:
        assert evidence.counts["fetched_rows"] < evidence.counts["rows"] / 2


def without_times(day: tuple) -> list:  # type: ignore[type-arg]  # phases of one date
    """The phases without the times of single processors, which do not come back."""
    return [replace(phase_day, done_at={}) for phase_day in day]
