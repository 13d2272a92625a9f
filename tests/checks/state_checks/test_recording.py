"""Silence of the recording."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from checks.kinds.recording import RecordingCheck
from checks.model import Severity, Status
from checks.phases import habits
from checks.phases.evidence import TableEvidence
from checks.phases.states import judge_day
from checks.ports import CompletionRow
from checks.shared import Shared
from checks.sources.completions import CompletionTables
from tests.support import usual_days
from tests.support.pipelines import GAME_DAY, completion, et, nba, with_phase
from tests.support.state_checks import CALENDAR, MINUTES, Answers, Rows, learned, only, run


def recording(rows: list[CompletionRow], warehouse: Answers) -> RecordingCheck:
    reader = Rows(rows, nba())
    return RecordingCheck(
        reader=reader, shared=Shared(), tables=CompletionTables(warehouse), every=MINUTES, name="recording"
    )


def test_a_silence_is_told_with_what_should_have_come() -> None:
    """Phase3 and phase4 were due, the last row came before; critical, since critical ones are due."""
    last = et("2026-01-13 06:00")
    rows = [
        row
        for day in usual_days.span(date(2026, 1, 9), 4)
        for row in usual_days.rows_of(day)
        if row.completed_at <= last
    ]
    warehouse = Answers(recording={"last_at": last, "backfill": 16, "inserted": 40})
    judgement = run(recording(rows, warehouse), et("2026-01-13 11:00"))
    finding = only(judgement)
    assert (finding.kind, finding.fingerprint, finding.severity, finding.since) == (
        "recording.silent",
        "recording:nba",
        Severity.CRITICAL,
        last,
    )
    assert finding.facts["last recorded"] == "2026-01-13T11:00:00Z (2026-01-13 06:00 EST)"
    assert finding.facts["filled in meanwhile"] == "16 rows of old run dates"
    came = str(finding.facts["should have come"]).splitlines()
    assert came[0] == "phase3 of 2026-01-12: player_game_summary by 09:00 EST"
    assert warehouse.asked == ["recording"]


def test_a_row_that_states_do_not_show_is_a_sign_of_life() -> None:
    """A failed row, or one of an unknown name: somebody records. It is carried, and the next look needs no question."""
    last, alive = et("2026-01-13 06:00"), et("2026-01-13 10:59")
    rows = [
        row
        for day in usual_days.span(date(2026, 1, 9), 4)
        for row in usual_days.rows_of(day)
        if row.completed_at <= last
    ]
    warehouse = Answers(recording={"last_at": alive, "backfill": 0, "inserted": 1})
    judgement = run(recording(rows, warehouse), et("2026-01-13 11:00"))
    assert judgement.findings == ()
    again = run(recording(rows, Answers()), et("2026-01-13 11:05"), judgement.carry)
    assert (again.findings, again.status) == ((), Status.OK)


@pytest.mark.parametrize("hour", range(0, 24, 2))
def test_on_a_usual_day_nobody_is_asked(hour: int) -> None:
    """Not at any hour, with or without habits; and a usual day clears what was told."""
    at = et(f"2026-01-13 {hour:02}:00")
    rows = usual_days.rows_over(date(2026, 1, 8), 6, at)
    check = recording(rows, Answers())
    check._shared.habits = learned()
    judgement = run(check, at)
    assert (judgement.findings, judgement.status) == ((), Status.OK)


def test_rows_in_tables_are_no_sign_of_recording() -> None:
    """What a table proves is done, and says nothing of whoever writes completion rows."""
    proofs = (TableEvidence(table="raw.t", date="game_date"),)
    pipeline = nba()
    processors = tuple(replace(p, evidence=proofs) for p in pipeline.phase("phase2").processors)
    by_tables = with_phase(pipeline, "phase2", processors=processors)
    row = completion("p2_nbacom_schedule", et("2026-01-12 06:10"))
    days = [judge_day(p, GAME_DAY, [row], CALENDAR, et("2026-01-13 06:00")) for p in (pipeline, by_tables)]
    proved = [replace(day[0], done_at={"p2_nbacom_schedule": row.completed_at}) for day in days]
    assert habits.recorded_at(pipeline, proved[0]) == [row.completed_at]
    assert habits.recorded_at(by_tables, proved[1]) == []
