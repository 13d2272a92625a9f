"""A second witness: data in output tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from checks.kinds.outputs import OutputCheck, Question, SeenOutputs
from checks.model import Judgement, Severity, Status
from checks.ports import CompletionRow
from checks.shared import Shared
from checks.sources.outputs import OutputTables
from tests.support.pipelines import GAME_DAY, completions_of, et, every_day
from tests.support.state_checks import MINUTES, Answers, Rows, only, run, witnessed


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
