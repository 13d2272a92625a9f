"""Recording completions and calendar rows: into a real local BigQuery, and read back from it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from checks.model import stamp
from checks.phases.calendar import CalendarTable, every_day
from checks.ports import CalendarDays, CompletionRow
from checks.sources.bigquery import BigQueryWarehouse
from checks.sources.calendar import Calendars
from checks.tables.known import known_tables
from monitor.record import Recorded, RecordError, record_completions, record_schedule
from monitor.record_rows import Completions, completion, read_rows, read_schedule
from monitor.table_apply import make_missing
from tests.conftest import PROJECT
from tests.support import bigquery, pipelines

NOW = datetime(2026, 1, 26, 12, tzinfo=UTC)
SAMPLE = pipelines.DATA / "completions-sample.jsonl"
GOOD = {
    "phase": "phase3",
    "game_date": "2026-01-25",
    "processor_name": "player_game_summary",
    "status": "success",
    "completed_at": "2026-01-26T06:40:00-05:00",
}
WRITTEN = {
    "phase": "phase3",
    "game_date": "2026-01-25",
    "processor_name": "player_game_summary",
    "status": "success",
    "record_count": None,
    "correlation_id": None,
    "execution_id": None,
    "completed_at": "2026-01-26T11:40:00Z",
    "is_incremental": None,
    "entities_changed": [],
    "metadata": None,
    "inserted_at": "2026-01-26T12:00:00Z",
}


@pytest.fixture(scope="module")
def warehouse(emulator):
    """The adapter on the real local BigQuery."""
    it = BigQueryWarehouse(PROJECT, endpoint=emulator)
    yield it
    it.close()


@pytest.fixture
def pipeline(emulator):
    """The sample pipeline with tables in a dataset of this test's own; the tables do not exist yet."""
    with bigquery.dataset(emulator) as name:
        yield pipelines.nba(completions=f"{name}.phase_completions", calendar=f"{name}.schedule")


def sample(pipeline) -> Completions:
    """The sample file, read."""
    with SAMPLE.open("rb") as lines:
        return read_rows(lines, pipeline, name=SAMPLE.name, now=NOW)


def row(**changes: object) -> str:
    """A good line with changes; None leaves the field out."""
    return json.dumps({key: value for key, value in {**GOOD, **changes}.items() if value is not None})


def made(pipeline) -> tuple[str, str]:
    """The full names of its tables, in the order in which they are made."""
    return f"{PROJECT}.{pipeline.calendar.table}", f"{PROJECT}.{pipeline.completions.table}"


def problems(*lines: str | bytes) -> tuple[str, ...]:
    """What is said of some lines."""
    return read_rows(lines, pipelines.nba(), name="rows.jsonl", now=NOW).problems


@pytest.mark.emulator
def test_the_sample_comes_back_as_it_was_written(warehouse, pipeline, emulator):
    """96 rows in one load job, each with its own inserted_at and all twelve fields."""
    said: list[str] = []
    table = pipeline.completions.table
    result = record_completions(
        warehouse, pipeline, sample(pipeline), create=known_tables(pipeline, PROJECT), progress=said.append
    )
    calendar, completions = made(pipeline)
    assert result == Recorded(table=table, rows=96, created=(calendar, completions))
    assert said == [f"create table {calendar}", f"create table {completions}", f"writing 96 rows to {table}"]
    listed = ", ".join(f"{theirs} AS {ours}" for ours, theirs in pipelines.COLUMNS.items())
    found = [CompletionRow(**record) for record in bigquery.run(emulator, f"SELECT {listed} FROM {table}")]
    key = lambda r: (r.inserted_at, r.processor, r.completed_at)  # noqa: E731 - for two sorts
    assert sorted(found, key=key) == sorted(pipelines.sample_rows(), key=key)
    others = ("correlation_id", "is_incremental", "entities_changed", "metadata")
    given = [{name: json.loads(line)[name] for name in others} for line in SAMPLE.read_text().splitlines()]
    stored = bigquery.run(emulator, f"SELECT {', '.join(others)} FROM {table}")
    assert sorted(map(str, stored)) == sorted(map(str, given))
    with bigquery.client(emulator) as client:
        jobs = [j for j in client.list_jobs(max_results=200, timeout=30) if j.job_type == "load"]
        assert [j.destination.table_id for j in jobs if j.destination.dataset_id in table] == ["phase_completions"]


@pytest.mark.emulator
def test_the_created_table_is_partitioned_and_clustered(warehouse, pipeline, emulator):
    """By run date, and by phase and processor; a second call creates nothing."""
    assert make_missing(warehouse, known_tables(pipeline, PROJECT)) == made(pipeline)
    assert make_missing(warehouse, known_tables(pipeline, PROJECT)) == ()
    with bigquery.client(emulator) as client:
        table = client.get_table(f"{PROJECT}.{pipeline.completions.table}", timeout=30)
    assert [(f.name, f.field_type, f.mode) for f in table.schema] == [
        ("phase", "STRING", "REQUIRED"),
        ("game_date", "DATE", "REQUIRED"),
        ("processor_name", "STRING", "REQUIRED"),
        ("status", "STRING", "REQUIRED"),
        ("record_count", "INTEGER", "NULLABLE"),
        ("correlation_id", "STRING", "NULLABLE"),
        ("execution_id", "STRING", "NULLABLE"),
        ("completed_at", "TIMESTAMP", "REQUIRED"),
        ("is_incremental", "BOOLEAN", "NULLABLE"),
        ("entities_changed", "STRING", "REPEATED"),
        ("metadata", "JSON", "NULLABLE"),
        ("inserted_at", "TIMESTAMP", "REQUIRED"),
    ]
    assert (table.time_partitioning.type_, table.time_partitioning.field) == ("DAY", "game_date")
    assert table.clustering_fields == ["phase", "processor_name"]


@pytest.mark.emulator
def test_a_dataset_that_does_not_exist_is_created_with_its_tables(warehouse, pipeline, emulator):
    """On a fresh machine there is nothing at all."""
    with bigquery.client(emulator) as client:
        client.delete_dataset(pipeline.completions.table.split(".")[0], timeout=30)
    assert make_missing(warehouse, known_tables(pipeline, PROJECT)) == made(pipeline)


@pytest.mark.emulator
def test_a_missing_table_is_an_error_where_it_must_not_be_created(warehouse, pipeline):
    """Outside the embedded mode another identity creates tables; the error says how."""
    for record, given, table in (
        (record_completions, sample(pipeline), pipeline.completions.table),
        (record_schedule, read_schedule('{"2026-01-25": 1}', pipeline, name="s"), pipeline.calendar.table),
    ):
        with pytest.raises(RecordError) as caught:
            record(warehouse, pipeline, given)
        assert str(caught.value) == f"the table {table} does not exist in project {PROJECT}"
        assert caught.value.remedy == "`phasewatch tables apply` makes it; or correct its name in the configuration"


@pytest.mark.emulator
def test_nothing_is_written_if_a_row_is_bad_unless_it_may_be_skipped(warehouse, pipeline, emulator):
    """All or nothing by default; with skip_bad the good rows, and what was left out."""
    make_missing(warehouse, known_tables(pipeline, PROJECT))
    given = read_rows([row(), row(status=""), row(phase="phase4")], pipeline, name="rows.jsonl", now=NOW)
    with pytest.raises(RecordError) as caught:
        record_completions(warehouse, pipeline, given)
    assert caught.value.problems == ("rows.jsonl:2: status: empty",)
    assert str(caught.value) == "nothing was written: rows.jsonl:2: status: empty"
    count = f"SELECT COUNT(*) AS n FROM {pipeline.completions.table}"
    assert bigquery.run(emulator, count) == [{"n": 0}]
    result = record_completions(warehouse, pipeline, given, skip_bad=True)
    assert (result.rows, result.skipped) == (2, ("rows.jsonl:2: status: empty",))
    assert bigquery.run(emulator, count) == [{"n": 2}]


@pytest.mark.emulator
def test_a_table_without_optional_columns_takes_rows_without_them(warehouse, pipeline, emulator):
    """Other pipelines have fewer columns; a value for a column that is not there is an error."""
    table = pipeline.completions.table
    bigquery.run(
        emulator,
        f"CREATE TABLE {table} (phase STRING, game_date DATE, processor_name STRING, status STRING, "
        "record_count INT64, execution_id STRING, completed_at TIMESTAMP, inserted_at TIMESTAMP)",
    )
    record_completions(warehouse, pipeline, read_rows([row()], pipeline, name="r", now=NOW))
    assert bigquery.run(emulator, f"SELECT phase, inserted_at FROM {table}") == [
        {"phase": "phase3", "inserted_at": NOW}
    ]
    with pytest.raises(RecordError, match=f"^{table} has no column correlation_id$"):
        record_completions(warehouse, pipeline, read_rows([row(correlation_id="c")], pipeline, name="r", now=NOW))


def test_a_row_without_a_time_of_insertion_is_inserted_now():
    """Times become UTC, everything else stays as given or is empty."""
    given = read_rows([row(), "", row(inserted_at="2026-01-20T00:00:00Z")], pipelines.nba(), name="r", now=NOW)
    assert given == Completions(rows=(WRITTEN, {**WRITTEN, "inserted_at": "2026-01-20T00:00:00Z"}))


def test_one_completion_from_options():
    """Completed and inserted now unless told otherwise; a mistake is told by its field."""
    options = {"phase": "phase3", "run_date": date(2026, 1, 25), "processor": "player_game_summary", "now": NOW}
    assert completion(pipelines.nba(), **options) == Completions(
        rows=({**WRITTEN, "completed_at": "2026-01-26T12:00:00Z"},)
    )
    earlier = datetime(2026, 1, 26, 11, 40, tzinfo=UTC)
    more = {"status": "partial", "record_count": 0, "execution_id": "e", "completed_at": earlier}
    assert completion(pipelines.nba(), **options, **more) == Completions(
        rows=({**WRITTEN, "status": "partial", "record_count": 0, "execution_id": "e", "completed_at": stamp(earlier)},)
    )
    assert completion(pipelines.nba(), **options, record_count=-1) == Completions(
        rows=(), problems=("record_count: not a whole number of 0 or more",)
    )


def test_columns_of_other_names_are_followed():
    """The configured names stand in the rows; ours are told apart from them."""
    pipeline = pipelines.nba()
    columns = {**pipelines.COLUMNS, "run_date": "business_day", "processor": "job"}
    pipeline = replace(pipeline, completions=replace(pipeline.completions, columns=columns))
    given = row(game_date=None, processor_name=None, business_day="2026-01-25", job="player_game_summary")
    [found] = read_rows([given], pipeline, name="r", now=NOW).rows
    assert (found["business_day"], found["job"]) == ("2026-01-25", "player_game_summary")
    given = row(game_date=None, processor_name=None, run_date="2026-01-25", job="player_game_summary")
    assert read_rows([given], pipeline, name="r", now=NOW).problems == (
        "r:1: run_date: no such field; did you mean business_day?",
        "r:1: business_day: missing",
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"game_date": "26-01-2026"}, "game_date: not a date like 2026-01-25"),
        ({"game_date": "2026-02-30"}, "game_date: no such day"),
        ({"game_date": 20260125}, "game_date: not a date like 2026-01-25"),
        ({"phase": None}, "phase: missing"),
        ({"phase": " "}, "phase: empty"),
        ({"status": 1}, "status: not a text"),
        ({"completed_at": "2026-01-26T06:40:00"}, "completed_at: not a time with a zone like 2026-01-25T12:00:00Z"),
        ({"inserted_at": 1769400000}, "inserted_at: not a time with a zone like 2026-01-25T12:00:00Z"),
        ({"record_count": True}, "record_count: not a whole number of 0 or more"),
        ({"record_count": 1.5}, "record_count: not a whole number of 0 or more"),
        ({"record_count": 2**63}, "record_count: not a whole number of 0 or more"),
        ({"is_incremental": "no"}, "is_incremental: neither true nor false"),
        ({"entities_changed": "a"}, "entities_changed: not a list of texts"),
        ({"entities_changed": [1]}, "entities_changed: not a list of texts"),
        ({"metadata": "{half"}, "metadata: not the text of a JSON value"),
        ({"record_cuont": 1}, "record_cuont: no such field; did you mean record_count?"),
        ({"processor": "x"}, "processor: no such field; did you mean processor_name?"),
    ],
)
def test_each_mistake_is_told_by_file_line_and_field(changes, said):
    """One problem per mistake, with the place and without the content of the row."""
    assert problems(row(), row(**changes)) == (f"rows.jsonl:2: {said}",)


def test_lines_that_are_no_objects_are_told_by_their_place():
    """Also binary ones."""
    assert problems(row(), "half", "[]", b"\xff\xfe") == (
        "rows.jsonl:2: not JSON",
        "rows.jsonl:3: not an object",
        "rows.jsonl:4: not JSON",
    )


def test_metadata_goes_in_as_text():
    """An object becomes its JSON text, as the pipeline's recorder writes it; text that is JSON stays."""
    given = read_rows([row(metadata={"a": [1]}), row(metadata="{}")], pipelines.nba(), name="r", now=NOW)
    assert [r["metadata"] for r in given.rows] == ['{"a": [1]}', "{}"]


def calendar(emulator: str, pipeline: object) -> list[tuple[str, str, int | None]]:
    """What stands in the calendar."""
    rows = bigquery.run(
        emulator, f"SELECT game_date, game_id, game_status FROM {pipeline.calendar.table} ORDER BY game_date, game_id"
    )
    return [(str(r["game_date"]), r["game_id"], r["game_status"]) for r in rows]


@pytest.mark.emulator
def test_a_schedule_merged_twice_is_the_same(warehouse, pipeline, emulator):
    """By date and game: what is given again replaces, what is new is added, what is not given stays."""
    first = read_schedule(
        '{"game_date": "2026-01-25", "game_id": "a", "game_status": 1}\n'
        '{"game_date": "2026-01-25", "game_id": "b", "game_status": 1}\n'
        '{"game_date": "2026-01-26"}\n{"game_date": "2026-01-26"}\n',
        pipeline,
        name="s.jsonl",
    )
    assert record_schedule(warehouse, pipeline, first, create=known_tables(pipeline, PROJECT)).rows == 4
    expected = [
        ("2026-01-25", "a", 1),
        ("2026-01-25", "b", 1),
        ("2026-01-26", "2026-01-26-1", None),
        ("2026-01-26", "2026-01-26-2", None),
    ]
    assert calendar(emulator, pipeline) == expected
    record_schedule(warehouse, pipeline, first)
    assert calendar(emulator, pipeline) == expected
    final = read_schedule('{"game_date": "2026-01-25", "game_id": "b", "game_status": 3}', pipeline, name="s.jsonl")
    record_schedule(warehouse, pipeline, final)
    assert calendar(emulator, pipeline) == [expected[0], ("2026-01-25", "b", 3), *expected[2:]]


@pytest.mark.emulator
def test_counts_per_date_are_the_whole_truth_of_their_dates(warehouse, pipeline, emulator):
    """The sample's calendar as an object of counts; fewer games later take the others away, other dates stay."""
    counts = pipelines.expected_states()["calendar"]
    for _ in range(2):
        record_schedule(
            warehouse,
            pipeline,
            read_schedule(json.dumps(counts), pipeline, name="calendar.json"),
            create=known_tables(pipeline, PROJECT),
        )
    found, _ = Calendars(warehouse).days(pipeline, date(2026, 1, 1), date(2026, 2, 28))
    played = {date.fromisoformat(day): n for day, n in counts.items() if n}
    free = {date(2026, 1, 17): f"no row in {pipeline.calendar.called}"}
    assert found == CalendarDays(runs=played, first=min(played), last=max(played), reasons=free)
    first, second = [day for day, games in counts.items() if games > 1][1:3]
    changed = read_schedule(
        json.dumps({"game_date": first, "games": 1}) + "\n" + json.dumps({"game_date": second, "games": 0}),
        pipeline,
        name="s",
    )
    result = record_schedule(warehouse, pipeline, changed)
    assert (result.rows, result.notes) == (1, ())
    found, _ = Calendars(warehouse).days(pipeline, date(2026, 1, 1), date(2026, 2, 28))
    del played[date.fromisoformat(second)]
    assert found.runs == {**played, date.fromisoformat(first): 1}


@pytest.mark.emulator
def test_an_empty_date_at_the_edge_cannot_be_written_and_says_so(warehouse, pipeline):
    """No row between first and last date means no games; beyond them it would mean nothing, so it is noted."""
    counts = read_schedule(
        '{"2026-01-11": 0, "2026-01-12": 2, "2026-01-13": 0, "2026-01-14": 1, "2026-01-15": 0}', pipeline, name="c"
    )
    result = record_schedule(warehouse, pipeline, counts, create=known_tables(pipeline, PROJECT))
    unknown = "unknown until a date beyond has games"
    covers = "which covers 2026-01-12 to 2026-01-14"
    assert result.notes == (f"2026-01-11, 2026-01-15: no games, but outside the calendar, {covers}; {unknown}",)
    later = record_schedule(warehouse, pipeline, read_schedule('{"2026-01-20": 0}', pipeline, name="c"))
    assert (later.rows, len(later.notes)) == (0, 1)
    nothing = record_schedule(
        warehouse, pipeline, read_schedule('{"2026-01-12": 0, "2026-01-14": 0}', pipeline, name="c")
    )
    assert nothing.notes == (f"2026-01-12, 2026-01-14: no games, but outside the calendar, which is empty; {unknown}",)


@pytest.mark.emulator
def test_a_calendar_without_game_ids_is_replaced_by_date(warehouse, pipeline, emulator):
    """A table with a date column of another name and one more: given dates are replaced, unknown fields refused."""
    pipeline = replace(pipeline, calendar=CalendarTable(table=pipeline.calendar.table, date_column="day"))
    table = pipeline.calendar.table
    bigquery.run(
        emulator,
        f"CREATE TABLE {table} (day DATE, season STRING, final BOOL)",
        f"INSERT INTO {table} (day, season) VALUES ('2026-01-25', 'old'), ('2026-01-25', 'old'), ('2026-01-26', 'old')",
    )
    given = read_schedule('{"day": "2026-01-25", "season": "new", "final": true}', pipeline, name="s")
    for _ in range(2):
        assert record_schedule(warehouse, pipeline, given).rows == 1
    assert bigquery.run(emulator, f"SELECT day, season, final FROM {table} ORDER BY day") == [
        {"day": date(2026, 1, 25), "season": "new", "final": True},
        {"day": date(2026, 1, 26), "season": "old", "final": None},
    ]
    with pytest.raises(RecordError) as caught:
        record_schedule(warehouse, pipeline, read_schedule('{"day": "2026-01-25", "sesaon": "x"}', pipeline, name="s"))
    assert caught.value.problems == ("s:1: sesaon: no such field; did you mean season?",)


def test_mistakes_in_a_schedule_are_told_by_place_and_field():
    """In lines and in an object of counts."""
    lines = (
        '{"game_date": "soon"}',
        '{"game_id": "a"}',
        '{"game_date": "2026-01-25", "games": -1}',
        '{"game_date": "2026-01-25", "games": 2, "game_id": "a"}',
        '{"game_date": "2026-01-25", "teams": ["a"]}',
        "half",
    )
    assert read_schedule("\n".join(lines), pipelines.nba(), name="s").problems == (
        "s:1: game_date: not a date like 2026-01-25",
        "s:2: game_date: missing",
        "s:3: games: not a number of games",
        "s:4: games: a number of games goes without game_id",
        "s:5: teams: not a single value",
        "s:6: not JSON",
    )
    assert read_schedule('{"2026-01-25": "two", "x": 1}', pipelines.nba(), name="s").problems == (
        "s: 2026-01-25: games: not a number of games",
        "s: x: game_date: not a date like 2026-01-25",
    )


def test_a_calendar_that_is_no_table_cannot_be_written():
    """Before the file is read any further."""
    with pytest.raises(RecordError) as refused:
        read_schedule("{}", replace(pipelines.nba(), calendar=every_day()), name="s")
    assert (str(refused.value), refused.value.remedy) == (
        "the calendar of pipeline nba is no table (cron '0 0 * * *'): there is nothing to write it to",
        "change the calendar in the configuration instead",
    )
