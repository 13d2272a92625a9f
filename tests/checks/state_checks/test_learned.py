"""What the states make of what was learned."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from checks.kinds.completions import Completions, SeenCompletions
from checks.kinds.hand_over import HandOverCheck
from checks.kinds.history import HistoryCheck
from checks.kinds.outputs import OutputCheck
from checks.kinds.recording import RecordingCheck
from checks.model import Evidence, Judgement, Severity, Status
from checks.phases.habits import Habits
from checks.pipeline import DayTime, LearnedDue, Pipeline
from checks.ports import CompletionRow
from checks.shared import Shared
from checks.sources.completions import CompletionTables
from checks.sources.outputs import OutputTables
from tests.support.pipelines import GAME_DAY, completions_of, et, every_day, nba, with_phase
from tests.support.state_checks import CALENDAR, FUNCTION, MINUTES, Answers, Rows, learned, run, witnessed


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
