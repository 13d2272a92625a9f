"""What the checks beside the states say of what they see: recording, hand-over, outputs, history. Nobody is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from checks.kinds.completions import Completions, SeenCompletions
from checks.kinds.hand_over import HandOverCheck
from checks.kinds.history import HistoryCheck
from checks.kinds.outputs import OutputCheck, Question, SeenOutputs
from checks.kinds.recording import RecordingCheck
from checks.model import Evidence, Finding, Judgement, Severity, Status
from checks.phases import habits
from checks.phases.evidence import TableEvidence
from checks.phases.habits import Habits
from checks.phases.model import PhaseDay
from checks.phases.states import judge_day, judge_days
from checks.pipeline import DayTime, HandOver, LearnedDue, Pipeline, StarterKind
from checks.ports import CalendarDays, CompletionRow, QueryResult
from checks.shared import Shared, States
from checks.sources.completions import CompletionTables
from checks.sources.outputs import OutputTables
from tests.support import usual_days
from tests.support.pipelines import GAME_DAY, completion, completions_of, et, every_day, nba, with_phase

CALENDAR = every_day(date(2025, 12, 1), date(2026, 1, 31))
FUNCTION = HandOver(
    kind=StarterKind.FUNCTION,
    name="phase3-to-phase4-orchestrator",
    within=timedelta(minutes=30),
    fallbacks=(DayTime(day=1, at=time(7)),),
)
MINUTES = timedelta(minutes=5)


class Rows:
    """Reads states from rows in memory, as ``Completions`` does from tables; counts how often."""

    def __init__(self, rows: Sequence[CompletionRow], pipeline: Pipeline, calendar: CalendarDays = CALENDAR) -> None:
        self.rows = rows
        self.pipeline = pipeline
        self.calendar = calendar
        self.reads: list[date] = []

    def states(self, at: datetime, first: date | None = None) -> States:
        last = at.astimezone(self.pipeline.zone).date()
        begin = first or last - timedelta(days=3)
        self.reads.append(begin)
        dates = usual_days.span(begin, (last - begin).days + 1)
        return States(at=at, judged=lambda: judge_days(self.pipeline, dates, self.rows, self.calendar, at))


class Answers:
    """A warehouse that gives one answer to each question of that label; what is not answered may not be asked."""

    def __init__(self, **answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def query(self, sql: str, params: Mapping[str, Any], *, label: str) -> QueryResult:
        self.asked.append(label)
        return QueryResult(rows=[self.answers[label]], bytes_billed=None)


def run(check: Any, at: datetime, carry: Any = None) -> Judgement:
    """One run, with what the last one carried over."""
    seen, _ = check.read(at, {"source": None, "carry": carry} if carry is not None else None)
    judgement: Judgement = check.judge(seen, at)
    return judgement


def only(judgement: Judgement) -> Finding:
    [finding] = judgement.findings
    return finding


# -- recording --------------------------------------------------------------------------------------------------------


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


def learned() -> Habits:
    """What ten usual days teach."""
    dates = usual_days.span(date(2025, 12, 20), 10)
    rows = [row for day in dates for row in usual_days.rows_of(day)]
    days = judge_days(nba(), dates, rows, CALENDAR, et("2026-01-05 12:00"))
    return habits.learn(nba(), days, date(2026, 1, 5), Habits(), {})


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


# -- hand-over --------------------------------------------------------------------------------------------------------


def hand_over(rows: list[CompletionRow]) -> HandOverCheck:
    pipeline = with_phase(nba(), "phase4", hand_overs=(FUNCTION,))
    return HandOverCheck(reader=Rows(rows, pipeline), shared=Shared(), every=MINUTES, name="hand_over")


def test_the_fallback_alone_is_a_warning_with_the_three_moments() -> None:
    """And for how many run dates in a row."""
    rows = []
    for number in (11, 12):
        day, after = date(2026, 1, number), f"2026-01-{number + 1}"
        rows += completions_of("phase3", et(f"{after} 06:00"), run_date=day)
        rows += completions_of("phase4", et(f"{after} 07:10"), run_date=day)
    judgement = run(hand_over(rows), et("2026-01-13 08:00"))
    finding = only(judgement)
    assert (finding.kind, finding.fingerprint, finding.severity) == (
        "hand-over.fallback",
        "hand-over:nba:phase4",
        Severity.WARNING,
    )
    assert list(finding.facts.items())[:5] == [
        ("declared starter", "function phase3-to-phase4-orchestrator"),
        ("upstream satisfied", "2026-01-13T11:00:00Z (2026-01-13 06:00 EST)"),
        ("fallback", "2026-01-13T12:00:00Z (2026-01-13 07:00 EST)"),
        ("first completion", "2026-01-13T12:10:00Z (2026-01-13 07:10 EST)"),
        ("run dates in a row", "2, since 2026-01-11"),
    ]
    assert judgement.carry == {"phase4": ["2026-01-11", "2026-01-12"]}
    next_day = completions_of("phase3", et("2026-01-14 06:00"), run_date=date(2026, 1, 13))
    next_day += completions_of("phase4", et("2026-01-14 07:10"), run_date=date(2026, 1, 13))
    later = only(run(hand_over([*rows, *next_day]), et("2026-01-14 08:00"), judgement.carry))
    assert later.facts["run dates in a row"] == "3, since 2026-01-11"


def test_a_start_as_declared_ends_it() -> None:
    """With the reason; unclear days neither tell nor end anything."""
    rows = [*completions_of("phase3", et("2026-01-13 06:00")), *completions_of("phase4", et("2026-01-13 06:20"))]
    judgement = run(hand_over(rows), et("2026-01-13 08:00"), {"phase4": ["2026-01-11"]})
    assert judgement.findings == ()
    [clearance] = judgement.clearances
    assert clearance.reason == (
        "phase4 of 2026-01-12 was started by function phase3-to-phase4-orchestrator, before any fallback"
    )
    assert judgement.carry == {}
    unclear = [*completions_of("phase3", et("2026-01-13 06:48")), *completions_of("phase4", et("2026-01-13 07:11"))]
    judgement = run(hand_over(unclear), et("2026-01-13 08:00"), {"phase4": ["2026-01-11"]})
    assert (judgement.findings, judgement.clearances, judgement.carry) == ((), (), {"phase4": ["2026-01-11"]})


# -- outputs ----------------------------------------------------------------------------------------------------------


def witnessed() -> Pipeline:
    """Phase3 with a table for each of its processors."""
    phase3 = nba().phase("phase3")
    processors = tuple(
        replace(p, output=TableEvidence(table=f"out.{p.name}", date="game_date")) for p in phase3.processors
    )
    return with_phase(nba(), "phase3", processors=processors)


def outputs(rows: list[CompletionRow]) -> OutputCheck:
    warehouse = Answers()
    return OutputCheck(
        reader=Rows(rows, witnessed()), shared=Shared(), tables=OutputTables(warehouse), every=MINUTES, name="outputs"
    )


def question(processor: str, *, recorded: bool) -> Question:
    return Question(run_date=GAME_DAY, phase="phase3", processor=processor, recorded=recorded)


def judged(rows: Mapping[Question, int], **changes: Any) -> Judgement:
    return outputs([]).judge(SeenOutputs(rows=rows, settled=(), **changes), et("2026-01-13 12:00"))


def test_data_without_its_completion_is_a_warning() -> None:
    """In the words of the one who asks what to do."""
    judgement = judged({question("player_game_summary", recorded=False): 312})
    finding = only(judgement)
    title = (
        "The data of player_game_summary for 12 January 2026 is there (312 rows), "
        "its completion is not: the recorder failed"
    )
    assert (finding.kind, finding.severity, finding.title) == ("outputs.unrecorded", Severity.WARNING, title)
    assert finding.facts["recorder"] == "phase3-to-phase4-orchestrator"
    assert judgement.status is Status.DEGRADED


def test_no_data_for_what_is_missing_says_nothing() -> None:
    """The phase's own finding is enough."""
    assert judged({question("player_game_summary", recorded=False): 0}).findings == ()


@pytest.mark.parametrize(
    ("processor", "severity"),
    [("player_game_summary", Severity.CRITICAL), ("team_defense_game_summary", Severity.WARNING)],
)
def test_a_completion_without_data_is_told_at_the_second_look(processor: str, severity: Severity) -> None:
    """With its weight; the question is kept until there is data, and then it is over."""
    judgement = judged({question(processor, recorded=True): 0})
    finding = only(judgement)
    assert (finding.kind, finding.severity, finding.pending_for) == ("outputs.empty", severity, MINUTES)
    assert finding.facts["tables without rows"] == [f"out.{processor}"]
    assert judgement.carry == {"settled": [], "empty": [f"2026-01-12|phase3|{processor}"]}
    over = judged({question(processor, recorded=True): 7})
    assert [c.fingerprint for c in over.clearances] == [finding.fingerprint]
    assert over.carry == {"settled": [f"2026-01-12|phase3|{processor}"], "empty": []}


def test_nothing_is_asked_while_nothing_is_missing_and_all_was_seen() -> None:
    """The warehouse would refuse."""
    rows = [*completions_of("phase2", et("2026-01-13 04:00")), *completions_of("phase3", et("2026-01-13 06:40"))]
    settled = [f"2026-01-12|phase3|{p.name}" for p in witnessed().phase("phase3").processors]
    at = et("2026-01-13 07:09")
    calendar = every_day(GAME_DAY, GAME_DAY)
    check = OutputCheck(
        reader=Rows(rows, witnessed(), calendar),
        shared=Shared(),
        tables=OutputTables(Answers()),
        every=MINUTES,
        name="outputs",
    )
    assert run(check, at).findings == (), "recorded half an hour ago at the earliest"
    assert run(check, et("2026-01-13 12:00"), {"settled": settled, "empty": []}).findings == ()


# -- history ----------------------------------------------------------------------------------------------------------


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


# -- what the states make of it ---------------------------------------------------------------------------------------


def completions(pipeline: Pipeline, rows: list[CompletionRow], at: datetime, known: Habits) -> Judgement:
    """The completions check on one run date, with what was learned."""
    check = Completions(
        pipeline=pipeline,
        tables=CompletionTables(Answers()),
        every=MINUTES,
        look_back=1,
        name="completions",
    )
    seen = SeenCompletions(
        first=GAME_DAY, last=GAME_DAY, rows=rows, calendar=CALENDAR, evidence=Evidence(), habits=known
    )
    return check.judge(seen, at)


def test_a_learned_due_time_decides_what_is_late() -> None:
    """Phase2 is usually there at 06:00 and due half an hour later, not at 07:00; the finding says what is usual."""
    due = LearnedDue(margin=MINUTES * 6, latest=DayTime(day=1, at=time(9)), samples=10)
    pipeline = with_phase(nba(), "phase2", learned=due)
    for at, kinds in (("06:29", []), ("06:30", ["phase.incomplete"])):
        findings = completions(pipeline, [], et(f"2026-01-13 {at}"), learned()).findings
        assert [f.kind for f in findings if f.subject.phase == "phase2"] == kinds
    [finding] = completions(pipeline, [], et("2026-01-13 06:30"), learned()).findings
    assert finding.facts["due"] == "2026-01-13T11:30:00Z (2026-01-13 06:30 EST)"
    assert finding.facts["usual"] == "usually 06:00, 95% by 06:00; now 06:30"
    fixed = completions(nba(), [], et("2026-01-13 06:59"), learned())
    assert fixed.findings == ()


def test_a_phase_that_lacks_only_what_was_never_recorded_is_no_incident() -> None:
    """For the digest: the finding about the configuration tells it. With anything else missing it is one."""
    rows = [row for row in completions_of("phase2", et("2026-01-13 04:00")) if row.processor != "p2_bdl_box_scores"]
    known = Habits(unmet={"phase2": ("p2_bdl_box_scores",)})
    at = et("2026-01-13 07:00")
    one, more = (
        next(f for f in completions(nba(), those, at, known).findings if f.subject.phase == "phase2")
        for those in (rows, rows[:-1])
    )
    assert (one.kind, one.quiet, one.severity) == ("phase.incomplete", True, Severity.WARNING)
    assert (more.quiet, more.severity) == (False, Severity.CRITICAL)


def test_who_cannot_judge_says_unknown_and_ends_nothing() -> None:
    """The calendar has ended: the states are unknown, and so is everything that hangs on them."""
    ended = every_day(date(2025, 12, 1), date(2026, 1, 8))
    pipeline = with_phase(witnessed(), "phase4", hand_overs=(FUNCTION,))
    common: dict[str, Any] = {"reader": Rows([], pipeline, ended), "shared": Shared(), "every": MINUTES}
    for check in (
        RecordingCheck(tables=CompletionTables(Answers()), name="recording", **common),
        HandOverCheck(name="hand_over", **common),
        OutputCheck(tables=OutputTables(Answers()), name="outputs", **common),
        HistoryCheck(days=4, at=time(12), asleep_after=MINUTES, name="history", **common),
    ):
        judgement = run(check, et("2026-01-13 12:00"))
        assert (judgement.status, judgement.findings) == (Status.UNKNOWN, ()), check.name
        assert judgement.clearances == (), check.name
        assert judgement.evidence.unseen == (
            "12 states of 2026-01-10 to 2026-01-13 are unknown; the check of completions says why",
        )
