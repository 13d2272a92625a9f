"""What the past shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

from checks.kinds.history import HistoryCheck
from checks.model import Severity
from checks.phases.model import PhaseDay
from checks.shared import Shared
from tests.support import usual_days
from tests.support.pipelines import completion, completions_of, et, every_day, nba
from tests.support.state_checks import Rows, only, run


def history(reader: Rows) -> HistoryCheck:
    return HistoryCheck(
        reader=reader,
        shared=Shared(),
        every=timedelta(minutes=10),
        days=20,
        at=time(12),
        asleep_after=timedelta(hours=1),
        name="history",
    )


def past(until: str, **changes: Any) -> Rows:
    """Twenty usual run dates up to that local time."""
    at = et(until)
    rows = usual_days.rows_over(date(2026, 1, 1), 20, at)
    return Rows(rows, nba(), **changes)


def test_the_past_is_read_once_a_day() -> None:
    """At the first run, then from noon on; between them only what was learned is handed on."""
    reader = past("2026-01-20 00:00")
    check, carry = history(reader), None
    for at in ("19 13:00", "19 13:10", "20 11:50", "20 11:55", "20 12:00", "20 12:10"):
        carry = run(check, et(f"2026-01-{at}"), carry).carry
        if at == "19 13:10":
            assert check._shared.habits.usual("phase3") is not None
            carry = {**dict(carry), "looked_at": "2026-01-20T16:45:00Z"}  # type: ignore[arg-type]
    assert reader.reads == [date(2025, 12, 31), date(2026, 1, 1)]


def test_who_slept_is_told_once_and_quietly_what_was_late_meanwhile() -> None:
    """The due time and the completion both in the time of sleep; the next look ends it."""
    day = date(2026, 1, 18)
    late = et("2026-01-19 16:50")
    rows = [row for row in past("2026-01-20 00:00").rows if (row.phase, row.run_date) != ("phase3", day)]
    rows += completions_of("phase3", late, run_date=day)
    check = history(Rows(rows, nba()))
    before = run(check, et("2026-01-19 06:00"))
    judgement = run(check, et("2026-01-19 18:00"), before.carry)
    finding = only(judgement)
    assert (finding.kind, finding.severity, finding.quiet, finding.subject.run_date) == (
        "history.late",
        Severity.INFO,
        True,
        day,
    )
    assert finding.facts["usual"] == "usually 06:12, 95% by 16:50; this time 16:50"
    again = run(check, et("2026-01-20 18:00"), judgement.carry)
    assert [c.fingerprint for c in again.clearances] == [finding.fingerprint]
    awake = {**dict(before.carry), "looked_at": "2026-01-19T22:55:00Z"}  # type: ignore[arg-type]
    assert run(check, et("2026-01-19 18:00"), awake).findings == ()


def test_what_the_past_shows_is_told_until_it_no_longer_does() -> None:
    """A name that was never recorded (quiet), zero records, an optional one missing again and again."""
    rows = []
    for row in past("2026-01-20 00:00").rows:
        if row.processor == "p2_bdl_box_scores":
            rows.append(replace(row, processor="box_scores_bdl"))
        elif row.processor == "player_game_summary" and row.run_date.day > 16:
            rows.append(replace(row, record_count=0))
        elif row.processor != "team_defense_zone_analysis" or row.run_date.day < 14:
            rows.append(row)
    judgement = run(history(Rows(rows, nba())), et("2026-01-20 13:00"))
    assert {f.kind: (f.severity, f.quiet, f.title) for f in judgement.findings} == {
        "config.unmet-expectation": (
            Severity.INFO,
            True,
            "p2_bdl_box_scores was never recorded; box_scores_bdl is recorded 18 times and expected nowhere: alias?",
        ),
        "history.zero-records": (
            Severity.WARNING,
            False,
            "player_game_summary of phase3 succeeded with zero records for 18 January 2026, 2 run dates in a row",
        ),
        "history.missing-again": (
            Severity.WARNING,
            False,
            (
                "team_defense_zone_analysis of phase4 is missing on 5 run dates in a row, to 18 January 2026; "
                "the quorum hid it"
            ),
        ),
    }
    mended = run(history(past("2026-01-21 13:00")), et("2026-01-21 13:00"), judgement.carry)
    assert mended.findings == ()
    assert {c.fingerprint for c in mended.clearances} == {f.fingerprint for f in judgement.findings}


def test_over_a_break_nothing_is_taken_back() -> None:
    """The past only grows shorter then."""
    calendar = every_day(date(2026, 1, 1), date(2026, 1, 31), without=usual_days.span(date(2026, 1, 12), 20))
    carry = {"open": ["zero:nba:phase3:player_game_summary"], "asked_at": "2026-01-18T17:00:00Z"}
    judgement = run(history(past("2026-01-20 00:00", calendar=calendar)), et("2026-01-20 13:00"), carry)
    assert judgement.clearances == ()
    assert dict(judgement.carry)["open"] == carry["open"]  # type: ignore[call-overload]


def phase_day(days: Sequence[Sequence[PhaseDay]], name: str) -> PhaseDay:
    return next(d for each in days for d in each if d.phase == name)


def test_a_shared_read_is_judged_as_of_its_time() -> None:
    """Who finds states that somebody else read asks nobody, and says so."""
    reader = Rows([completion("p2_nbacom_schedule", et("2026-01-12 06:10"))], nba())
    shared = Shared(read_elsewhere=True)
    first = shared.states(reader, et("2026-01-13 06:00"))
    second = shared.states(reader, et("2026-01-13 11:00"))
    assert len(reader.reads) == 1
    assert (first.at, second.at) == (et("2026-01-13 06:00"), et("2026-01-13 06:00"))
    assert second.evidence.notes == ("states as read at 2026-01-13T11:00:00Z for the check of completions",)
    shared.states(reader, et("2026-01-13 06:00"))
    alone = Shared()
    alone.states(reader, et("2026-01-13 06:00"))
    alone.states(reader, et("2026-01-13 06:05"))
    assert len(reader.reads) == 3
