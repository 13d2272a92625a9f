"""The completions check: what it says of the states it judges."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from checks.kinds.completions import Completions, SeenCompletions
from checks.model import Clearance, Evidence, Finding, HeldUp, Judgement, Severity, Status, Subject
from checks.pipeline import Pipeline
from checks.ports import CalendarDays, CompletionRow, QueryResult
from checks.sources.completions import CompletionTables
from tests.support.pipelines import (
    GAME_DAY,
    completion,
    completions_of,
    et,
    every_day,
    nba,
    with_phase,
)

CALENDAR = every_day(date(2026, 1, 1), date(2026, 1, 31))
NIGHT = et("2026-01-13 04:30")
FINGERPRINT = "phase:nba:phase3:2026-01-12"


class NoWarehouse:
    """For judging, which asks nobody."""

    def query(self, sql: str, params: Mapping[str, Any], *, label: str) -> QueryResult:
        raise AssertionError(sql)


def check(pipeline: Pipeline | None = None) -> Completions:
    """The check over the sample pipeline, for judging only."""
    return Completions(
        pipeline=pipeline or nba(),
        tables=CompletionTables(NoWarehouse()),
        every=timedelta(minutes=1),
        look_back=1,
        name="completions",
    )


def judged(
    rows: list[CompletionRow],
    now: datetime,
    *,
    calendar: CalendarDays = CALENDAR,
    day: date = GAME_DAY,
    pipeline: Pipeline | None = None,
) -> Judgement:
    """The judgement on one run date."""
    seen = SeenCompletions(first=day, last=day, rows=rows, calendar=calendar, evidence=Evidence(queries=2))
    return check(pipeline).judge(seen, now)


def by_phase(judgement: Judgement) -> dict[str | None, Finding]:
    """Findings by the phase they are about; None for the calendar's."""
    return {finding.subject.phase: finding for finding in judgement.findings}


# -- findings and clearances ------------------------------------------------------------------------------------------


def test_a_stalled_phase_is_a_critical_finding() -> None:
    """With its identity, what is there and what is not, since when, and who waits."""
    rows = [*completions_of("phase2", NIGHT), completion("upcoming_player_game_context", et("2026-01-12 10:40"))]
    now = et("2026-01-13 08:15")
    judgement = judged(rows, now)
    assert judgement.status is Status.FAILING
    assert judgement.findings == (
        Finding(
            fingerprint=FINGERPRINT,
            check="completions",
            kind="phase.stalled",
            severity=Severity.CRITICAL,
            subject=Subject(pipeline="nba", phase="phase3", run_date=GAME_DAY),
            title="phase3 of 12 January 2026 has stalled: 4 of 5 completions missing, nothing new since it could start",
            since=et("2026-01-13 06:30"),
            last_seen=now,
            occurrences=1,
            facts={
                "state": "stalled",
                "done": "upcoming_player_game_context",
                "missing": "player_game_summary, team_defense_game_summary, team_offense_game_summary, "
                "upcoming_team_game_context",
                "due": "2026-01-13T14:00:00Z (2026-01-13 09:00 EST)",
                "checked at": "2026-01-13T13:15:00Z",
            },
            holds_up=(HeldUp(pipeline="nba", phase="phase4", run_date=GAME_DAY, due_at=et("2026-01-13 11:00")),),
        ),
    )
    assert list(judgement.findings[0].facts) == ["state", "done", "missing", "due", "checked at"]


def test_a_missed_deadline_counts_from_it() -> None:
    """Incomplete since it was due; the phases behind are blocked, which is a consequence and no root problem."""
    judgement = judged([], et("2026-01-13 12:00"))
    assert judgement.status is Status.FAILING
    assert {
        phase: (f.kind, f.severity, f.consequence, f.since, [held.phase for held in f.holds_up])
        for phase, f in by_phase(judgement).items()
    } == {
        "phase2": ("phase.incomplete", Severity.CRITICAL, False, et("2026-01-13 07:00"), ["phase3", "phase4"]),
        "phase3": ("phase.blocked", Severity.WARNING, True, et("2026-01-13 09:00"), ["phase4"]),
        "phase4": ("phase.blocked", Severity.WARNING, True, et("2026-01-13 11:00"), []),
    }


def test_a_failed_phase_counts_from_its_first_failed_row() -> None:
    """And says which processor failed."""
    failed_at = et("2026-01-13 06:41")
    rows = [*completions_of("phase2", NIGHT), completion("player_game_summary", failed_at, status="failed")]
    finding = by_phase(judged(rows, et("2026-01-13 07:00")))["phase3"]
    assert (finding.kind, finding.since, finding.title) == (
        "phase.failed",
        failed_at,
        "phase3 of 12 January 2026 failed: player_game_summary",
    )


def test_without_a_critical_gap_it_is_a_warning() -> None:
    """All critical processors are done, the quorum is not reached."""
    pipeline = with_phase(nba(), "phase3", quorum_ratio=None)
    rows = [row for row in completions_of("phase3", et("2026-01-13 06:35")) if not row.processor.startswith("team_o")]
    finding = by_phase(judged([*completions_of("phase2", NIGHT), *rows], et("2026-01-13 09:00"), pipeline=pipeline))
    assert (finding["phase3"].kind, finding["phase3"].severity) == ("phase.incomplete", Severity.WARNING)


def test_who_is_done_already_is_not_held_up() -> None:
    """A fallback schedule may have started the next phase without this one."""
    rows = [*completions_of("phase2", NIGHT), *completions_of("phase4", et("2026-01-13 07:30"))]
    assert by_phase(judged(rows, et("2026-01-13 08:00")))["phase3"].holds_up == ()


def test_satisfied_phases_clear_their_faults() -> None:
    """From the moment at which the set was enough; those that are merely on their way clear nothing."""
    first, last = et("2026-01-13 06:35"), et("2026-01-13 06:50")
    phase3 = completions_of("phase3", first)[:-1]
    rows = [*completions_of("phase2", NIGHT), *phase3, completion("upcoming_team_game_context", last)]
    judgement = judged(rows, et("2026-01-13 07:30"))
    assert (judgement.status, judgement.findings) == (Status.OK, ())
    assert judgement.clearances == (
        Clearance(
            fingerprint="phase:nba:phase2:2026-01-12",
            at=NIGHT,
            reason="all 6 completions of phase2 for 2026-01-12 are recorded, the last at 2026-01-13T09:30:00Z",
        ),
        Clearance(
            fingerprint=FINGERPRINT,
            at=first,
            reason="all 5 completions of phase3 for 2026-01-12 are recorded, the last at 2026-01-13T11:50:00Z",
        ),
        Clearance(
            service="phase2-to-phase3-orchestrator",
            at=NIGHT,
            reason="all 6 completions of phase2 for 2026-01-12 are recorded, the last at 2026-01-13T09:30:00Z",
        ),
        Clearance(
            service="phase3-to-phase4-orchestrator",
            at=first,
            reason="all 5 completions of phase3 for 2026-01-12 are recorded, the last at 2026-01-13T11:50:00Z",
        ),
        Clearance(
            fingerprint="calendar:nba",
            at=et("2026-01-13 07:30"),
            reason="calendar nba_reference.nba_schedule covers 2026-01-12 and reaches to 2026-01-31",
        ),
    )


def test_a_date_without_games_clears_its_faults() -> None:
    """A run that turned out not to be owed (a postponed game) is missed by nobody."""
    now = et("2026-01-13 12:00")
    judgement = judged([], now, calendar=every_day(date(2026, 1, 1), date(2026, 1, 31), without=[GAME_DAY]))
    assert (judgement.status, judgement.findings) == (Status.OK, ())
    assert [(c.fingerprint, c.at, c.reason) for c in judgement.clearances][:1] == [
        ("phase:nba:phase2:2026-01-12", now, "no run of phase2 is owed for 2026-01-12: no run in the calendar")
    ]
    assert len(judgement.clearances) == 4


def test_evidence_says_what_was_looked_at() -> None:
    """Counts of dates and phases beside those of the read, and what was odd about the rows."""
    row = completion("p2_nbacom_schedule", et("2026-01-12 06:10"), execution_id="e")
    late = completion("p2_nbacom_schedule", et("2026-01-12 06:20"), execution_id="e")
    strangers = [completion(f"stranger_{number:02}", et("2026-01-12 12:30")) for number in range(12)]
    evidence = judged([row, late, *strangers], et("2026-01-12 13:00")).evidence
    assert evidence == Evidence(
        counts={"dates": 1, "phases": 3},
        queries=2,
        notes=(
            "phase2 of 2026-01-12: duplicate:p2_nbacom_schedule",
            "phase3 of 2026-01-12: "
            + ", ".join(f"unknown_processor:stranger_{number:02}" for number in range(10))
            + " and 2 more",
        ),
    )


# -- the calendar -----------------------------------------------------------------------------------------------------


def test_a_calendar_that_has_ended_is_a_finding() -> None:
    """UNKNOWN, never OK; it says where the calendar ends and what to do, and waits ten minutes."""
    now = et("2026-02-02 12:00")
    judgement = judged([], now, day=date(2026, 2, 2))
    assert (judgement.status, judgement.clearances) == (Status.UNKNOWN, ())
    assert judgement.findings == (
        Finding(
            fingerprint="calendar:nba",
            check="completions",
            kind="blind.calendar",
            severity=Severity.WARNING,
            subject=Subject(pipeline="nba", table="nba_reference.nba_schedule"),
            title="Calendar nba_reference.nba_schedule ends on 31 January 2026: 2 February 2026 cannot be judged",
            since=et("2026-02-01 00:00"),
            last_seen=now,
            facts={
                "calendar": "nba_reference.nba_schedule",
                "last covered date": "2026-01-31",
                "remedy": "Load the coming dates into nba_reference.nba_schedule.",
                "checked at": "2026-02-02T17:00:00Z",
            },
            pending_for=timedelta(minutes=10),
        ),
    )
    assert judgement.evidence.unseen == (
        f"{judgement.findings[0].title}. Load the coming dates into nba_reference.nba_schedule.",
    )


def test_an_empty_calendar_is_a_finding() -> None:
    """It covers nothing."""
    now = et("2026-01-13 12:00")
    judgement = judged([], now, calendar=CalendarDays(runs={}, first=None, last=None))
    assert judgement.status is Status.UNKNOWN
    assert [(f.title, f.since) for f in judgement.findings] == [
        ("Calendar nba_reference.nba_schedule is empty: 12 January 2026 cannot be judged", now)
    ]


def test_a_calendar_that_has_not_begun_alerts_nobody() -> None:
    """Before the season nothing is owed as far as anybody knows: UNKNOWN, and no finding."""
    judgement = judged([], et("2025-12-25 12:00"), day=date(2025, 12, 25))
    assert (judgement.status, judgement.findings, judgement.clearances) == (Status.UNKNOWN, (), ())
    assert judgement.evidence.unseen == (
        "Calendar nba_reference.nba_schedule begins on 1 January 2026: earlier dates cannot be judged.",
    )


def test_a_root_problem_outweighs_a_calendar_that_has_ended() -> None:
    """Yesterday is still owed on the first day beyond the calendar."""
    seen = SeenCompletions(
        first=date(2026, 1, 31), last=date(2026, 2, 1), rows=[], calendar=CALENDAR, evidence=Evidence()
    )
    judgement = check().judge(seen, et("2026-02-01 08:00"))
    assert judgement.status is Status.FAILING
    assert [finding.fingerprint for finding in judgement.findings] == ["phase:nba:phase2:2026-01-31", "calendar:nba"]


class Rows:
    """A warehouse that answers from lists, and keeps what it was asked for."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.spans: list[tuple[date, date]] = []

    def query(self, sql: str, params: Mapping[str, Any], *, label: str) -> QueryResult:
        if label == "calendar":
            ends = {"first_day": date(2026, 1, 1), "last_day": date(2026, 1, 31)}
            return QueryResult(rows=[{"run_day": GAME_DAY, "runs": 1, **ends}], bytes_billed=None)
        self.spans.append((params["first"], params["last"]))
        return QueryResult(rows=self.rows, bytes_billed=None)


def open_dates(judgement: Judgement) -> object:
    """The run dates in trouble that are carried over."""
    return judgement.carry["open"] if isinstance(judgement.carry, dict) else None


def test_a_run_date_in_trouble_is_judged_until_it_is_not() -> None:
    """It is carried over when the look-back leaves it behind, and no longer once it is recorded."""
    warehouse = Rows([])
    one_day = Completions(
        pipeline=nba(),
        tables=CompletionTables(warehouse),
        every=timedelta(minutes=1),
        look_back=1,
        name="completions",
    )
    night = et("2026-01-12 23:00")
    seen, _ = one_day.read(night, None)
    assert seen.dates() == (GAME_DAY,)
    assert open_dates(one_day.judge(seen, night)) == [], "before its due time nothing is wrong"

    later = et("2026-01-13 12:00")
    seen, _ = one_day.read(later, {"source": None, "carry": {"open": ["2026-01-12"]}})
    assert seen.dates() == (GAME_DAY, date(2026, 1, 13))
    judgement = one_day.judge(seen, later)
    assert open_dates(judgement) == ["2026-01-12"]
    assert [f.subject.phase for f in judgement.findings] == ["phase2", "phase3", "phase4"]

    long_after = et("2026-03-31 12:00")
    seen, _ = one_day.read(long_after, {"source": None, "carry": {"open": ["2026-01-12"]}})
    assert seen.dates() == (date(2026, 3, 31),), "not without end"
    assert warehouse.spans == [
        (GAME_DAY, GAME_DAY),
        (GAME_DAY, date(2026, 1, 13)),
        (date(2026, 3, 31), date(2026, 3, 31)),
    ]
