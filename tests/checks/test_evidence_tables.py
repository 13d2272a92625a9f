"""Rows in tables as evidence, in a real BigQuery: enough, since when, missing, and not to be asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from checks.kinds.completions import Completions
from checks.model import Status
from checks.phases.evidence import CompletionEvidence, TableEvidence, TableRows
from checks.phases.model import PhaseDay, PhaseState
from checks.pipeline import Pipeline
from checks.sources.bigquery import BigQueryWarehouse
from checks.sources.completions import CompletionTables
from checks.sources.evidence import EvidenceTables
from tests.conftest import PROJECT
from tests.support.bigquery import COMPLETIONS_DDL, dataset, run
from tests.support.pipelines import GAME_DAY, et, nba, with_phase

pytestmark = pytest.mark.emulator

NEXT_DAY = GAME_DAY + timedelta(days=1)
AS_OF = et("2026-01-13 12:00")


@pytest.fixture(scope="module")
def warehouse(emulator: str) -> Iterator[BigQueryWarehouse]:
    """The real client on the local BigQuery."""
    with closing(BigQueryWarehouse(PROJECT, endpoint=emulator)) as connected:
        yield connected


@pytest.fixture(scope="module")
def box(emulator: str) -> Iterator[str]:
    """A dataset with an output table, its schedule, a calendar and an empty completions table."""
    with dataset(emulator) as name:
        written = [et(f"2026-01-13 {hour:02}:00") for hour in (4, 5, 6)]
        rows = ", ".join(f"(DATE '{GAME_DAY}', 'final', TIMESTAMP '{at}')" for at in written)
        run(
            emulator,
            COMPLETIONS_DDL.format(table=f"{name}.done"),
            f"CREATE TABLE {name}.scores (game_date DATE, status STRING, written_at TIMESTAMP)",
            f"INSERT INTO {name}.scores VALUES {rows}, (DATE '{GAME_DAY}', 'live', TIMESTAMP '{written[0]}')",
            f"CREATE TABLE {name}.days (game_date DATE, games INT64)",
            f"INSERT INTO {name}.days VALUES (DATE '{GAME_DAY}', 3), (DATE '{NEXT_DAY}', 2)",
        )
        yield name


def rows_of(warehouse: BigQueryWarehouse, proof: TableEvidence, day: date = GAME_DAY, at: datetime = AS_OF) -> Any:
    """What the table proves for one date."""
    sight, _ = EvidenceTables(warehouse).rows([(proof, day)], at)
    return sight.answers[proof, day]


# -- what a table answers ---------------------------------------------------------------------------------------------


def test_rows_are_counted_and_dated_by_the_one_that_made_them_enough(warehouse: BigQueryWarehouse, box: str) -> None:
    """Not by the first one, nor by one that came afterwards."""
    proof = TableEvidence(table=f"{box}.scores", date="game_date", where="status = 'final'", time="written_at")
    four, five = et("2026-01-13 04:00"), et("2026-01-13 05:00")
    assert rows_of(warehouse, proof) == TableRows(rows=3, needed=1, reached_at=four)
    assert rows_of(warehouse, replace(proof, at_least=2)) == TableRows(rows=3, needed=2, reached_at=five)
    too_few = rows_of(warehouse, replace(proof, at_least=4))
    assert (too_few, too_few.enough) == (TableRows(rows=3, needed=4, reached_at=None), False)
    assert rows_of(warehouse, proof, NEXT_DAY) == TableRows(rows=0, needed=1)


def test_the_past_sees_only_what_was_written_by_then(warehouse: BigQueryWarehouse, box: str) -> None:
    """Where a column says when; where none does, the rows of today are all that is known."""
    proof = TableEvidence(table=f"{box}.scores", date="game_date", where="status = 'final'", time="written_at")
    early = et("2026-01-13 05:00")
    assert rows_of(warehouse, proof, at=early).rows == 2
    assert rows_of(warehouse, proof, at=early - timedelta(seconds=1)).rows == 1
    assert rows_of(warehouse, replace(proof, time=None), at=early) == TableRows(rows=3, needed=1)


def test_an_expression_may_stand_for_the_date(warehouse: BigQueryWarehouse, box: str) -> None:
    """Rows that know only when they were written."""
    proof = TableEvidence(table=f"{box}.scores", date="DATE_SUB(DATE(written_at, 'America/New_York'), INTERVAL 1 DAY)")
    assert rows_of(warehouse, proof).rows == 4


def test_the_schedule_may_say_how_many_rows_it_takes(warehouse: BigQueryWarehouse, box: str) -> None:
    """By SQL; where it says nothing of a date one row is enough, where it says 0 none is needed."""
    sql = f"SELECT game_date AS run_date, games AS expected FROM {box}.days WHERE game_date BETWEEN @first AND @last;"
    proof = TableEvidence(table=f"{box}.scores", date="game_date", where="status = 'final'", expected=sql)
    assert rows_of(warehouse, proof) == TableRows(rows=3, needed=3)
    assert rows_of(warehouse, proof, NEXT_DAY) == TableRows(rows=0, needed=2)
    assert rows_of(warehouse, proof, GAME_DAY + timedelta(days=5)) == TableRows(rows=0, needed=1)
    none = replace(proof, expected=f"SELECT DATE '{NEXT_DAY}' AS run_date, 0 AS expected")
    assert rows_of(warehouse, none, NEXT_DAY).enough


def test_several_dates_are_one_query(warehouse: BigQueryWarehouse, box: str) -> None:
    """And each table is one."""
    proof = TableEvidence(table=f"{box}.scores", date="game_date")
    _, cost = EvidenceTables(warehouse).rows([(proof, GAME_DAY), (proof, NEXT_DAY)], AS_OF)
    assert (cost.queries, dict(cost.counts)) == (1, {"evidence_tables": 1})


def test_a_missing_table_proves_nothing_and_is_named(warehouse: BigQueryWarehouse, box: str) -> None:
    """So does one in a dataset that does not exist; a table that the expectation needs is another matter."""
    for table in (f"{box}.gone", "nowhere.gone"):
        proof = TableEvidence(table=table, date="game_date")
        sight, cost = EvidenceTables(warehouse).rows([(proof, GAME_DAY)], AS_OF)
        assert (sight.absent, dict(sight.unseen), sight.answers[proof, GAME_DAY].enough) == ((table,), {}, False)
        assert (cost.unseen, len(cost.notes), table in cost.notes[0]) == ((), 1, True)
    proof = TableEvidence(table=f"{box}.scores", date="game_date", expected=f"SELECT * FROM {box}.plan")
    sight, cost = EvidenceTables(warehouse).rows([(proof, GAME_DAY)], AS_OF)
    assert (sight.absent, list(sight.unseen)) == ((), [proof])
    assert "plan" in cost.unseen[0]


def test_what_cannot_be_asked_hides_no_other(warehouse: BigQueryWarehouse, box: str) -> None:
    """A wrong condition makes only those unseen that depend on it."""
    bad = TableEvidence(table=f"{box}.scores", date="game_date", where="nonsense = 1")
    good = TableEvidence(table=f"{box}.scores", date="game_date")
    sight, cost = EvidenceTables(warehouse).rows([(bad, GAME_DAY), (good, GAME_DAY)], AS_OF)
    assert (list(sight.unseen), list(sight.answers)) == ([bad], [(good, GAME_DAY)])
    assert f"{box}.scores could not be asked" in cost.unseen[0]


# -- what the check makes of it ---------------------------------------------------------------------------------------


def judged_by(box: str, *proofs: TableEvidence | CompletionEvidence) -> Pipeline:
    """The sample pipeline; of phase 2, its box scores are proved by these, and no other processor is owed."""
    pipeline = nba(completions=f"{box}.done", calendar=f"{box}.days")
    scores = next(p for p in pipeline.phase("phase2").processors if p.name == "p2_bdl_box_scores")
    return with_phase(pipeline, "phase2", processors=(replace(scores, evidence=proofs),), quorum_ratio=None)


def phase2(warehouse: BigQueryWarehouse, pipeline: Pipeline, at: datetime) -> tuple[PhaseDay, Completions]:
    """Phase 2 of the game day as the report sees it."""
    watcher = Completions(
        pipeline=pipeline,
        tables=CompletionTables(warehouse),
        every=timedelta(minutes=1),
        look_back=4,
        name="completions",
    )
    return watcher.days(watcher.observe(GAME_DAY, GAME_DAY, at), at)[0][0], watcher


def test_a_table_completes_a_phase_that_nobody_records(warehouse: BigQueryWarehouse, box: str) -> None:
    """With the moment at which the rows were enough: late if that was after the due time."""
    proof = TableEvidence(table=f"{box}.scores", date="game_date", time="written_at", where="status = 'final'")
    day, _ = phase2(warehouse, judged_by(box, proof), AS_OF)
    assert (day.state, day.satisfied_at) == (PhaseState.COMPLETE, et("2026-01-13 04:00"))
    before, _ = phase2(warehouse, judged_by(box, proof), et("2026-01-13 03:59"))
    assert (before.state, before.missing) == (PhaseState.PENDING, ("p2_bdl_box_scores",))
    few, _ = phase2(warehouse, judged_by(box, replace(proof, at_least=4)), AS_OF)
    assert few.state is PhaseState.INCOMPLETE


def test_rows_without_a_time_count_as_in_time(warehouse: BigQueryWarehouse, box: str) -> None:
    """Nobody knows better; and nobody is told a time."""
    proof = TableEvidence(table=f"{box}.scores", date="game_date")
    day, _ = phase2(warehouse, judged_by(box, proof), AS_OF)
    assert (day.state, day.satisfied_at, dict(day.done_at)) == (PhaseState.COMPLETE, day.due_at, {})


def test_a_missing_table_leaves_the_rows_to_judge(warehouse: BigQueryWarehouse, box: str) -> None:
    """The state is what completion rows say, the evidence names the table, and the check is not blind."""
    proofs = (CompletionEvidence(), TableEvidence(table="nba_raw.gone", date="game_date"))
    day, watcher = phase2(warehouse, judged_by(box, *proofs), AS_OF)
    assert day.state is PhaseState.INCOMPLETE
    seen, _ = watcher.read(AS_OF, None)
    judgement = watcher.judge(seen, AS_OF)
    assert judgement.status is Status.FAILING
    assert judgement.evidence.unseen == ()
    assert [note for note in judgement.evidence.notes if "nba_raw.gone" in note] != []
    [finding] = [f for f in judgement.findings if f.subject.phase == "phase2" and f.subject.run_date == GAME_DAY]
    assert finding.facts["tables that do not exist"] == "nba_raw.gone"


def test_a_table_that_cannot_be_asked_makes_its_phase_unknown(warehouse: BigQueryWarehouse, box: str) -> None:
    """Neither incomplete nor complete; who waits for it is unknown too, once that would make a difference."""
    bad = TableEvidence(table=f"{box}.scores", date="game_date", where="nonsense = 1")
    day, watcher = phase2(warehouse, judged_by(box, bad), AS_OF)
    assert (day.state, day.missing, day.unseen) == (PhaseState.UNKNOWN, (), ("p2_bdl_box_scores",))
    seen, _ = watcher.read(AS_OF, None)
    judgement = watcher.judge(seen, AS_OF)
    assert judgement.status is Status.UNKNOWN
    [blind] = [f for f in judgement.findings if f.kind == "blind.evidence"]
    assert (blind.fingerprint, blind.subject.table) == (f"evidence:nba:{box}.scores", f"{box}.scores")
    states = [d.state for d in watcher.days(seen, AS_OF)[-2]]
    assert states == [PhaseState.UNKNOWN, PhaseState.UNKNOWN, PhaseState.BLOCKED], "phase 3 is wanting in any case"


def test_tables_are_asked_only_for_what_is_missing(warehouse: BigQueryWarehouse, box: str, emulator: str) -> None:
    """Two queries while rows say enough; one more when they do not, and none once the table has proved it."""
    proof = TableEvidence(table=f"{box}.scores", date="game_date")
    pipeline = judged_by(box, CompletionEvidence(), proof)
    only = replace(pipeline, phases=(pipeline.phase("phase2"),))
    watcher = Completions(
        pipeline=only,
        tables=CompletionTables(warehouse),
        every=timedelta(minutes=1),
        look_back=3,
        name="completions",
    )
    seen, _ = watcher.read(et("2026-01-13 06:00"), None)
    assert seen.evidence.queries == 2, "nothing is due yet"
    due = et("2026-01-13 07:00")
    seen, _ = watcher.read(due, None)
    assert seen.evidence.queries == 3
    judgement = watcher.judge(seen, due)
    again, _ = watcher.read(et("2026-01-14 07:00"), {"source": None, "carry": judgement.carry})
    assert again.evidence.queries == 3, "asked for the new date only"
    assert [day.state for [day] in watcher.days(again, et("2026-01-14 07:00"))] == [
        PhaseState.COMPLETE,
        PhaseState.INCOMPLETE,
        PhaseState.UNKNOWN,
    ]
