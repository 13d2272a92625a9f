"""Who started a phase."""

from __future__ import annotations

from datetime import date

from checks.kinds.hand_over import HandOverCheck
from checks.model import Severity
from checks.ports import CompletionRow
from checks.shared import Shared
from tests.support.pipelines import completions_of, et, nba, with_phase
from tests.support.state_checks import FUNCTION, MINUTES, Rows, only, run


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
