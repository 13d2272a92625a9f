"""States read from rows in memory, and a warehouse that answers what a test expects to be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from checks.model import Finding, Judgement
from checks.phases import habits
from checks.phases.evidence import TableEvidence
from checks.phases.habits import Habits
from checks.phases.states import judge_days
from checks.pipeline import DayTime, HandOver, Pipeline, StarterKind
from checks.ports import CalendarDays, CompletionRow, QueryResult
from checks.shared import States
from tests.support import usual_days
from tests.support.pipelines import et, every_day, nba, with_phase

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


def learned() -> Habits:
    """What ten usual days teach."""
    dates = usual_days.span(date(2025, 12, 20), 10)
    rows = [row for day in dates for row in usual_days.rows_of(day)]
    days = judge_days(nba(), dates, rows, CALENDAR, et("2026-01-05 12:00"))
    return habits.learn(nba(), days, date(2026, 1, 5), Habits(), {})


def witnessed() -> Pipeline:
    """Phase3 with a table for each of its processors."""
    phase3 = nba().phase("phase3")
    processors = tuple(
        replace(p, output=TableEvidence(table=f"out.{p.name}", date="game_date")) for p in phase3.processors
    )
    return with_phase(nba(), "phase3", processors=processors)
