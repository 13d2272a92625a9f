"""The checks of tables on a real local BigQuery: required tables, freshness, rows, and partitions once a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from checks import runner
from checks.kinds.partitions import Partitions
from checks.kinds.tables import Tables
from checks.model import CheckRun, JsonValue
from checks.phases.calendar import CalendarTable, DateSpan, Pauses, every_day
from checks.pipeline import DayTime, Pipeline
from checks.sources.bigquery import BigQueryWarehouse
from checks.sources.tables import TableSource
from checks.tables.model import Column, Freshness, RequiredTable, RowsOwed
from checks.tables.partitions import PartitionRules, Retired
from tests.conftest import PROJECT
from tests.support import bigquery, pipelines
from tests.support.bigquery import refused_endpoint
from tests.support.pipelines import et

pytestmark = pytest.mark.emulator
EVERY = timedelta(minutes=5)
NOW = et("2026-01-26 12:00")
DDL = "CREATE TABLE {table} (game_date DATE, player STRING, written TIMESTAMP) PARTITION BY game_date"
COLUMNS = (Column(name="game_date", type="DATE"), Column(name="player", type="STRING"))


class Ticks:
    """A check on a real warehouse, run by the real runner; its cursor goes from one run to the next."""

    def __init__(self, check: Any) -> None:
        self.check = check
        self.cursor: JsonValue = None

    def at(self, now: datetime) -> CheckRun:
        """One run."""
        run = runner.run(self.check, now, self.cursor, blind_after=timedelta(minutes=10), clock=lambda: now)
        if run.error is None:
            self.cursor = run.cursor
        return run


class World:
    """A dataset of a test's own, and what is asked of it."""

    def __init__(self, endpoint: str, name: str) -> None:
        self.endpoint = endpoint
        self.name = name
        self.asked: list[str] = []
        self.warehouse = BigQueryWarehouse(
            PROJECT, endpoint=endpoint, counted=lambda label, _billed: self.asked.append(label)
        )

    def table(self, name: str = "box") -> str:
        """A full name."""
        return f"{PROJECT}.{self.name}.{name}"

    def run(self, *statements: str) -> None:
        """Statements with ``{table}`` for the table ``box``."""
        bigquery.run(self.endpoint, *(sql.format(table=f"`{self.table()}`") for sql in statements))

    def purposes(self) -> list[str]:
        """What was asked since the last time."""
        asked, self.asked[:] = list(self.asked), []
        return asked

    def tables(self, *required: RequiredTable, pipeline: Pipeline | None = None) -> Ticks:
        """The check of these tables; with a pipeline they are its own."""
        own = [replace(t, pipeline=pipeline.name) if pipeline else t for t in required]
        known = (pipeline,) if pipeline else ()
        source = TableSource(self.warehouse)
        return Ticks(Tables(required=own, pipelines=known, source=source, every=EVERY, look_back=4))


@pytest.fixture
def world(emulator: str) -> Iterator[World]:
    """An empty dataset."""
    with bigquery.dataset(emulator) as name:
        made = World(emulator, name)
        yield made
        made.warehouse.close()


def nba(**changes: Any) -> Pipeline:
    """The sample pipeline with a run on each day."""
    return replace(pipelines.nba(), calendar=every_day(), **changes)


def kinds(run: CheckRun) -> list[str]:
    """What was found."""
    return [finding.kind for finding in run.findings]


def cleared(run: CheckRun) -> set[str]:
    """The kinds of faults that were declared over."""
    return {str(c.fingerprint).split(":", 1)[0] for c in run.clearances}


def test_a_missing_table_is_found_by_metadata_alone_and_its_return_is_evidence(world: World) -> None:
    """No query; it waits for a second look; nothing but its return ends it."""
    ticks = world.tables(RequiredTable(name=world.table(), columns=COLUMNS), pipeline=nba())
    run = ticks.at(NOW)
    [finding] = run.findings
    assert (finding.kind, finding.fingerprint) == ("table.missing", f"table:tables:{world.table()}")
    assert (finding.subject.pipeline, finding.subject.table, finding.subject.check) == ("nba", world.table(), None)
    assert finding.pending_for == EVERY
    assert run.status == "FAILING"
    assert "table" not in cleared(run)
    world.run(DDL)
    run = ticks.at(NOW + EVERY)
    assert (run.findings, str(run.status)) == ((), "OK")
    assert {"table", "table-shape"} <= cleared(run)
    assert world.purposes() == []


def test_differences_are_named_field_by_field(world: World) -> None:
    """In one finding for a table, with what helps."""
    world.run("CREATE TABLE {table} (game_date STRING, extra INT64)")
    ticks = world.tables(RequiredTable(name=world.table(), columns=COLUMNS, clustering=("player",)))
    run = ticks.at(NOW)
    [finding] = run.findings
    assert (finding.kind, str(finding.severity), finding.pending_for) == ("table.differs", "critical", EVERY)
    assert finding.title == f"The table {world.table()} is not as required: game_date, player, clustering"
    assert finding.facts["differences"] == (
        "field game_date: is STRING, wanted DATE; field player: missing, wanted STRING;"
        " clustering: none, wanted by player"
    )
    assert finding.facts["remedy"] == (
        "`phasewatch tables plan` names for each what ends it; `phasewatch tables apply` adds missing fields"
    )
    assert run.evidence.notes == (f"{world.table()} has more fields: extra",)


def test_while_nothing_is_owed_nothing_is_said_and_nothing_resolved(world: World) -> None:
    """A halt: the table is looked at, the evidence says what it would be; afterwards it is told."""
    halt = DateSpan(first=date(2026, 1, 1), until=date(2026, 2, 1), reason="off-season")
    ticks = world.tables(RequiredTable(name=world.table(), columns=COLUMNS), pipeline=nba(pauses=Pauses(halts=(halt,))))
    run = ticks.at(NOW)
    assert (run.findings, run.clearances, str(run.status)) == ((), (), "OK")
    [note] = run.evidence.notes
    assert "halted until 2026-02-01: off-season" in note
    assert "does not exist" in note
    assert kinds(ticks.at(et("2026-02-01 12:00"))) == ["table.missing"]


def test_a_calendar_that_cannot_be_read_is_unknown_and_a_missing_table_is_still_told(world: World) -> None:
    """The calendar may be the table that is missing."""
    calendar = CalendarTable(table=f"{world.name}.games", date_column="game_date")
    pipeline = replace(pipelines.nba(), calendar=calendar)
    run = world.tables(RequiredTable(name=world.table("games"), columns=COLUMNS[:1]), pipeline=pipeline).at(NOW)
    assert kinds(run) == ["table.missing"]
    assert "calendar of nba" in run.evidence.unseen[0]


def test_validity_binds(world: World) -> None:
    """A table is required on its own dates only, in the pipeline's zone."""
    table = RequiredTable(name=world.table(), valid_from=date(2026, 1, 20), valid_until=date(2026, 1, 27))
    ticks = world.tables(table, pipeline=nba())
    assert kinds(ticks.at(et("2026-01-26 23:59"))) == ["table.missing"]
    assert kinds(ticks.at(et("2026-01-27 00:00"))) == []
    assert kinds(ticks.at(et("2026-01-19 23:59"))) == []


def test_that_bigquery_does_not_answer_is_unknown(world: World) -> None:
    """All tables at once: the check is blind, and no table is missing."""
    warehouse = BigQueryWarehouse(PROJECT, endpoint=refused_endpoint(), timeout=timedelta(seconds=1))
    check = Tables(
        required=[RequiredTable(name=world.table())],
        pipelines=(),
        source=TableSource(warehouse),
        every=EVERY,
        look_back=4,
    )
    run = Ticks(check).at(NOW)
    assert (kinds(run), str(run.status)) == (["blind"], "UNKNOWN")


def test_a_query_that_does_not_fit_makes_one_table_unseen_and_still_names_the_difference(world: World) -> None:
    """The column of `rows` is missing: both are said, nothing is concluded from the failed query."""
    world.run("CREATE TABLE {table} (player STRING)")
    rows = RowsOwed(column="game_date", at_least=1, due=DayTime(day=1, at=time(9)))
    run = world.tables(RequiredTable(name=world.table(), columns=COLUMNS, rows=rows), pipeline=nba()).at(NOW)
    assert sorted(kinds(run)) == ["blind", "table.differs"]
    assert run.evidence.unseen[0].startswith(f"{world.table()}: ")


def rows_table(world: World, at_least: int = 2) -> RequiredTable:
    """The table ``box`` with rows due at nine on the day after the run date."""
    due = RowsOwed(column="game_date", at_least=at_least, due=DayTime(day=1, at=time(9)))
    return RequiredTable(name=world.table(), columns=COLUMNS, rows=due)


def insert(world: World, *days: str) -> None:
    """A row for each day, written at noon of the next."""
    for day in days:
        world.run(
            f"INSERT INTO {{table}} (game_date, player, written) SELECT DATE '{day}', 'x',"
            f" TIMESTAMP_ADD(TIMESTAMP '{day} 12:00:00 UTC', INTERVAL 24 HOUR)"
        )


def test_rows_of_a_run_date_are_counted_once_due_and_not_again_once_there(world: World) -> None:
    """No question before it is due, one when it is, none when all is settled; a short date stays open."""
    world.run(DDL)
    insert(world, "2026-01-22", "2026-01-22", "2026-01-23", "2026-01-23", "2026-01-24", "2026-01-24", "2026-01-25")
    ticks = world.tables(rows_table(world), pipeline=nba())
    assert kinds(ticks.at(et("2026-01-26 08:59"))) == []
    assert world.purposes() == ["table-rows"], "earlier dates of the look-back"
    assert kinds(ticks.at(et("2026-01-26 08:59:30"))) == []
    assert world.purposes() == []
    run = ticks.at(et("2026-01-26 09:00"))
    [finding] = run.findings
    assert finding.title == f"The table {world.table()} has only 1 of 2 rows for 25 January 2026"
    assert finding.fingerprint == f"table-rows:{world.table()}:2026-01-25"
    assert (finding.since, finding.facts["rows"]) == (et("2026-01-26 09:00"), 1)
    # Two weeks later it is still open, though far outside the look-back; the row's arrival ends it.
    later = et("2026-02-10 08:00")
    assert "table-rows:" + world.table() + ":2026-01-25" in {f.fingerprint for f in ticks.at(later).findings}
    insert(world, "2026-01-25")
    run = ticks.at(later + EVERY)
    assert f"table-rows:{world.table()}:2026-01-25" in {c.fingerprint for c in run.clearances}


def test_no_rows_are_owed_for_a_date_without_a_run(world: World) -> None:
    """And the date is settled: nobody asks again."""
    world.run(DDL)
    insert(world, *("2026-01-22", "2026-01-24", "2026-01-25") * 2)
    pauses = Pauses(exclude=(DateSpan(first=date(2026, 1, 23), until=date(2026, 1, 24)),))
    ticks = world.tables(rows_table(world), pipeline=nba(pauses=pauses))
    run = ticks.at(NOW)
    assert (kinds(run), str(run.status)) == ([], "OK")
    world.purposes()
    ticks.at(NOW + EVERY)
    assert world.purposes() == []


def test_rows_are_counted_in_a_table_that_demands_a_filter(world: World) -> None:
    """On another column than the run date's."""
    world.run(
        "CREATE TABLE {table} (game_date DATE, player STRING, day DATE) PARTITION BY day"
        " OPTIONS(require_partition_filter=TRUE)",
        "INSERT INTO {table} SELECT DATE '2026-01-25', 'x', DATE '2026-01-26'",
    )
    run = world.tables(rows_table(world, 1), pipeline=nba()).at(NOW)
    assert {f.subject.run_date for f in run.findings} == {date(2026, 1, 23), date(2026, 1, 24)}


def fresh_table(world: World, **changes: Any) -> RequiredTable:
    """The table ``box``, to be written at least every 26 hours."""
    fresh = Freshness(column="written", within=timedelta(hours=26))
    return RequiredTable(name=world.table(), columns=COLUMNS, freshness=fresh, **changes)


def test_freshness_is_asked_only_when_the_newest_known_row_is_too_old(world: World) -> None:
    """The newest row is remembered; metadata alone proves nothing."""
    world.run(DDL)
    insert(world, "2026-01-24")  # written on the 25th at noon UTC
    ticks = world.tables(fresh_table(world))
    written = datetime(2026, 1, 25, 12, tzinfo=UTC)
    assert kinds(ticks.at(written + timedelta(hours=1))) == []
    assert kinds(ticks.at(written + timedelta(hours=26))) == []
    assert world.purposes() == ["freshness"]
    run = ticks.at(written + timedelta(hours=27))
    [finding] = run.findings
    assert finding.title == (
        f"The table {world.table()} is not written any more: its newest row is of 2026-01-25T12:00:00Z"
    )
    assert (finding.since, finding.pending_for) == (written + timedelta(hours=26), EVERY)
    insert(world, "2026-01-25")
    run = ticks.at(written + timedelta(hours=28))
    assert (kinds(run), "table-stale" in cleared(run)) == ([], True)


def test_time_without_runs_makes_no_table_stale(world: World) -> None:
    """After a break the time runs from the beginning of the next run date that is owed."""
    world.run(DDL)
    insert(world, "2026-01-20")  # written on the 21st
    breaks = (DateSpan(first=date(2026, 1, 21), until=date(2026, 1, 25)),)
    ticks = world.tables(fresh_table(world), pipeline=nba(pauses=Pauses(exclude=breaks)))
    assert kinds(ticks.at(et("2026-01-24 12:00"))) == []
    assert kinds(ticks.at(et("2026-01-26 01:59"))) == []
    run = ticks.at(et("2026-01-26 02:01"))
    assert (kinds(run), run.findings[0].since) == (["table.stale"], et("2026-01-26 02:00"))


def test_an_empty_table_is_stale_and_says_so(world: World) -> None:
    """Nothing within 31 days."""
    world.run(DDL)
    [finding] = world.tables(fresh_table(world)).at(NOW).findings
    assert finding.title.endswith("its newest row is older than 31 days")


# --- partitions


def fill(world: World, days: Sequence[date], name: str = "box") -> None:
    """A table with a row on each of the days."""
    listed = ", ".join(f"DATE '{day}'" for day in days)
    bigquery.run(
        world.endpoint,
        DDL.format(table=f"`{world.table(name)}`"),
        f"INSERT INTO `{world.table(name)}` (game_date) SELECT d FROM UNNEST([{listed}]) AS d",
    )


def partitions(world: World, *retired: Retired, datasets: tuple[str, ...] = ()) -> Ticks:
    """The check of the dataset's partitions, due at six two days after the run date."""
    rules = PartitionRules(
        datasets=(f"{PROJECT}.{world.name}", *datasets), due=DayTime(day=2, at=time(6)), retired=retired
    )
    source = TableSource(world.warehouse)
    check = Partitions(pipeline=nba(), rules=rules, source=source, every=timedelta(hours=1), name="partitions")
    return Ticks(check)


def since_december(until: date) -> list[date]:
    """Every day from the first of December to that one."""
    first = date(2025, 12, 1)
    return [first + timedelta(days=n) for n in range((until - first).days + 1)]


def test_one_query_a_day_finds_what_stopped_and_what_is_missing(world: World) -> None:
    """Without listing tables. Between two looks the conclusions stand; rows that return end them."""
    holes = {date(2026, 1, 20)}
    healthy = [d for d in since_december(date(2026, 1, 25)) if d not in holes]
    fill(world, since_december(date(2026, 1, 15)))
    fill(world, healthy, "other")
    ticks = partitions(world)
    run = ticks.at(NOW)
    assert world.purposes() == ["partitions"]
    assert {f.kind: f.subject.table for f in run.findings} == {
        "table.dark": world.table(),
        "table.holes": world.table("other"),
    }
    [dark] = (f for f in run.findings if f.kind == "table.dark")
    assert dark.title == f"The table {world.table()} stopped filling: no rows since 15 January 2026"
    assert dark.facts["missing"] == "9 run dates"
    assert run.evidence.counts == {
        "datasets": 1,
        "tables": 2,
        "dates_with_rows": 46 + 55,
        "calendar_dates": 367,
        "tables_judged": 2,
        "tables_irregular": 0,
    }
    again = ticks.at(NOW + timedelta(hours=1))
    assert world.purposes() == []
    assert {f.fingerprint for f in again.findings} == {f.fingerprint for f in run.findings}
    assert str(again.status) == "FAILING"
    world.run("INSERT INTO {table} (game_date) SELECT DATE '2026-01-25'")
    assert kinds(ticks.at(et("2026-01-27 05:59"))) == kinds(run), "not asked again before six"
    back = ticks.at(et("2026-01-27 06:00"))
    assert world.purposes() == ["partitions"]
    assert f"table-dark:{world.table()}" in {c.fingerprint for c in back.clearances}


def test_a_retired_table_is_quiet_with_its_reason(world: World) -> None:
    """Retiring clears the fault, and says so as long as the table is known."""
    fill(world, since_december(date(2026, 1, 10)))
    run = partitions(world, Retired(table=world.table(), reason="source switched off", since=date(2026, 1, 11))).at(NOW)
    assert (kinds(run), str(run.status)) == ([], "OK")
    assert f"{world.table()} is retired since 2026-01-11: source switched off" in run.evidence.notes
    reasons = {c.fingerprint: c.reason for c in run.clearances}
    assert reasons[f"table-dark:{world.table()}"] == "retired: source switched off"


def test_a_table_that_was_dropped_stays_dark(world: World) -> None:
    """Nothing of it is left to be seen but the memory of it."""
    fill(world, since_december(date(2026, 1, 25)))
    fill(world, since_december(date(2026, 1, 25)), "other")
    ticks = partitions(world)
    assert kinds(ticks.at(NOW)) == []
    world.run("DROP TABLE {table}")
    run = ticks.at(et("2026-01-30 12:00"))
    assert world.table() in {f.subject.table for f in run.findings if f.kind == "table.dark"}


def test_a_dataset_of_which_nothing_is_seen_is_unknown(world: World) -> None:
    """It may be empty, or its name wrong: that is not healthy."""
    fill(world, since_december(date(2026, 1, 25)))
    run = partitions(world, datasets=(f"{PROJECT}.no_such",)).at(NOW)
    assert str(run.status) == "UNKNOWN"
    assert run.evidence.unseen == (f"The dataset {PROJECT}.no_such holds no table that could be seen.",)
