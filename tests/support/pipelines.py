"""The sample pipeline (tests/data/pipeline/) as values: phases, recorded rows, calendar, expected states."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from checks.model import utc
from checks.phases.calendar import CalendarTable
from checks.pipeline import CompletionTable, DayTime, Phase, Pipeline, Processor
from checks.ports import CalendarDays, CompletionRow

DATA = Path(__file__).parents[1] / "data" / "pipeline"
ET = ZoneInfo("America/New_York")
GAME_DAY = date(2026, 1, 12)

COLUMNS = {
    "phase": "phase",
    "run_date": "game_date",
    "processor": "processor_name",
    "status": "status",
    "record_count": "record_count",
    "execution_id": "execution_id",
    "completed_at": "completed_at",
    "inserted_at": "inserted_at",
}

_RECORDERS = {
    "phase2": "phase2-to-phase3-orchestrator",
    "phase3": "phase3-to-phase4-orchestrator",
    "phase4": "phase4-to-phase5-orchestrator",
}
# Phase 3 listens to the topic itself: the orchestrator before it only observes.
_STARTERS = {"phase4": ("phase3-to-phase4-orchestrator",)}


@cache
def expected_states() -> dict[str, Any]:
    """expected-states.json: expectations, calendar, and what each query time must give."""
    return dict(json.loads((DATA / "expected-states.json").read_text(encoding="utf-8")))


def nba(
    *, completions: str = "nba_orchestration.phase_completions", calendar: str = "nba_reference.nba_schedule"
) -> Pipeline:
    """The sample pipeline, phases 2 to 4; the tables may be named otherwise."""
    expectations = expected_states()["expectations"]
    return Pipeline(
        name="nba",
        zone=ZoneInfo(expectations["timezone"]),
        calendar=CalendarTable(table=calendar, date_column="game_date"),
        completions=CompletionTable(
            table=completions, columns=COLUMNS, success=("success", "partial"), partial=("partial",), failed=("failed",)
        ),
        aliases=expectations["aliases"],
        future_tolerance=timedelta(minutes=expectations["future_tolerance_minutes"]),
        late_insert_after=timedelta(minutes=30),
        phases=tuple(_phase(name, expectations) for name in expectations["phases"]),
    )


def _phase(name: str, expectations: dict[str, Any]) -> Phase:
    facts = expectations["phases"][name]
    noon = DayTime(day=0, at=time.fromisoformat(expectations["post_game_not_before_local"]))
    start = facts.get("not_before_local")
    upstream = facts["upstream"]
    return Phase(
        name=name,
        after=(upstream,) if upstream else (),
        processors=tuple(
            Processor(
                name=processor,
                critical=processor in facts["critical"],
                not_before=noon if processor in expectations["post_game_processors"] else None,
            )
            for processor in facts["expected"]
        ),
        due=DayTime(day=facts["deadline_day"], at=time.fromisoformat(facts["deadline_local"])),
        start=DayTime(day=facts["deadline_day"], at=time.fromisoformat(start)) if start else None,
        recorder=_RECORDERS[name],
        starters=_STARTERS.get(name, ()),
        quorum_ratio=expectations["quorum_ratio"],
        stall_after=timedelta(minutes=expectations["stall_after_minutes"]),
    )


def with_phase(pipeline: Pipeline, name: str, **changes: Any) -> Pipeline:
    """The pipeline with one phase changed."""
    phases = tuple(replace(phase, **changes) if phase.name == name else phase for phase in pipeline.phases)
    return replace(pipeline, phases=phases)


def sample_rows() -> list[CompletionRow]:
    """The 96 recorded rows of completions-sample.jsonl, in the order of the file."""
    with (DATA / "completions-sample.jsonl").open(encoding="utf-8") as lines:
        return [_row(json.loads(line)) for line in lines]


def _row(record: dict[str, Any]) -> CompletionRow:
    values = {ours: record[theirs] for ours, theirs in COLUMNS.items()}
    return CompletionRow(
        **{
            **values,
            "run_date": date.fromisoformat(values["run_date"]),
            "completed_at": utc(datetime.fromisoformat(values["completed_at"])),
            "inserted_at": utc(datetime.fromisoformat(values["inserted_at"])),
        }
    )


def sample_calendar() -> CalendarDays:
    """The calendar of expected-states.json as the table would give it: a date without games has no row."""
    games = {date.fromisoformat(day): number for day, number in expected_states()["calendar"].items()}
    return CalendarDays(
        runs={day: number for day, number in games.items() if number},
        first=min(games),
        last=max(games),
    )


def every_day(first: date, last: date, *, without: Sequence[date] = ()) -> CalendarDays:
    """A calendar with a run on each date from ``first`` to ``last`` but those."""
    dates = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return CalendarDays(runs={d: 1 for d in dates if d not in without}, first=first, last=last)


def et(text: str) -> datetime:
    """The UTC instant of a wall-clock time in New York, ``2026-01-13 06:30``."""
    return utc(datetime.fromisoformat(text).replace(tzinfo=ET))


def completion(processor: str, completed: datetime, **changes: Any) -> CompletionRow:
    """A success for GAME_DAY, inserted at once, of an execution of its own; ``changes`` name other values.

    The phase is the one of the sample pipeline that expects the processor, phase3 for unknown ones.
    """
    phases = expected_states()["expectations"]["phases"]
    values: dict[str, Any] = {
        "phase": next((name for name, facts in phases.items() if processor in facts["expected"]), "phase3"),
        "run_date": GAME_DAY,
        "status": "success",
        "record_count": 10,
        "execution_id": f"{processor}@{completed.isoformat()}",
        "inserted_at": completed,
    }
    return CompletionRow(processor=processor, completed_at=completed, **{**values, **changes})


def completions_of(phase: str, completed: datetime, **changes: Any) -> list[CompletionRow]:
    """One success of each processor that the sample pipeline expects of that phase, all at the same time."""
    expected = expected_states()["expectations"]["phases"][phase]["expected"]
    return [completion(processor, completed, **changes) for processor in expected]
