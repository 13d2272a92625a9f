"""The checks' settings: what may stand in a field, and the pipeline that they give."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from checks.fields import (
    Canonical,
    ClockTime,
    Day,
    Duration,
    Endpoint,
    Percentage,
    Service,
    Table,
    ZoneName,
    duration_text,
)
from checks.mistakes import FromEnvironment, mistakes_of, nearest, quoted
from checks.phases.calendar import CalendarTable
from checks.pipeline import CompletionTable, DayTime, Phase, Pipeline, Processor
from checks.settings.checks import FunctionLogSettings
from checks.settings.pipelines import PipelineSettings


def pipeline_settings(**changes: Any) -> PipelineSettings:
    """A pipeline of two phases, written downstream first."""
    raw: dict[str, Any] = {
        "name": "p",
        "timezone": "Europe/Berlin",
        "run_date": "day",
        "calendar": {"table": "ref.days"},
        "completions": {"table": "my-project.ops.done"},
        "phases": [
            {
                "name": "second",
                "after": ["first"],
                "recorder": "Second_Recorder",
                "starters": ["First_Recorder"],
                "start": {"day": 0, "time": "22:30"},
                "due": {"day": 1, "time": "09:00"},
                "complete_when": {"at_least": "62.5%"},
                "stall_after": "2h",
                "processors": ["c"],
            },
            {
                "name": "first",
                "due": {"day": 1, "time": "7:00"},
                "processors": [
                    "a",
                    {
                        "name": "b",
                        "class": "optional",
                        "not_before": {"day": 0, "time": "12:00"},
                        "valid": {"from": date(2026, 1, 1), "until": "2026-02-12"},
                    },
                ],
            },
        ],
    }
    return PipelineSettings.model_validate({**raw, **changes})


def test_the_pipeline_is_what_the_settings_say() -> None:
    """Phases upstream first, function names normalised, columns and dates called as run_date says."""
    assert pipeline_settings(aliases={"cc": "c"}).to_pipeline() == Pipeline(
        name="p",
        zone=ZoneInfo("Europe/Berlin"),
        calendar=CalendarTable(table="ref.days", date_column="day"),
        completions=CompletionTable(
            table="my-project.ops.done",
            columns={
                "phase": "phase",
                "run_date": "day",
                "processor": "processor_name",
                "status": "status",
                "record_count": "record_count",
                "execution_id": "execution_id",
                "completed_at": "completed_at",
                "inserted_at": "inserted_at",
            },
            success=("success", "partial"),
            partial=("partial",),
            failed=("failed",),
        ),
        aliases={"cc": "c"},
        future_tolerance=timedelta(minutes=5),
        late_insert_after=timedelta(minutes=30),
        phases=(
            Phase(
                name="first",
                after=(),
                processors=(
                    Processor(name="a"),
                    Processor(
                        name="b",
                        critical=False,
                        not_before=DayTime(day=0, at=time(12)),
                        valid_from=date(2026, 1, 1),
                        valid_until=date(2026, 2, 12),
                    ),
                ),
                due=DayTime(day=1, at=time(7)),
                stall_after=timedelta(minutes=90),
            ),
            Phase(
                name="second",
                after=("first",),
                processors=(Processor(name="c"),),
                due=DayTime(day=1, at=time(9)),
                start=DayTime(day=0, at=time(22, 30)),
                recorder="second-recorder",
                starters=("first-recorder",),
                quorum_ratio=0.625,
                stall_after=timedelta(hours=2),
            ),
        ),
    )


def test_columns_and_words_may_be_named_otherwise() -> None:
    """Only what differs has to be written."""
    completions = {"table": "a.b", "columns": {"run_date": "d", "status": "state"}, "success": ["ok"], "failed": []}
    table = pipeline_settings(calendar={"table": "a.c", "date": "e"}, completions=completions).to_pipeline()
    assert table.calendar == CalendarTable(table="a.c", date_column="e")
    assert (table.completions.columns["run_date"], table.completions.columns["status"]) == ("d", "state")
    assert (table.completions.success, table.completions.partial, table.completions.failed) == (("ok",), (), ())


def test_mistakes_carry_their_place_and_no_input() -> None:
    """For callers that validate without a file: pydantic's own error shows no value either."""
    with pytest.raises(ValidationError) as caught:
        pipeline_settings(timezone=5, run_date="hush hush", stall_after=90)
    assert [(mistake.at, mistake.message) for mistake in mistakes_of(caught.value)] == [
        (("timezone",), "expected the name of a time zone, found a whole number"),
        (("run_date",), "not the name of a column"),
        (("stall_after",), "a duration needs a unit"),
    ]
    assert "hush" not in str(caught.value)


def test_every_ring_of_phases_is_found() -> None:
    """Two rings are two mistakes, each at its first phase."""
    due = {"day": 1, "time": "07:00"}
    phases = [
        {"name": name, "after": [after], "due": due, "processors": [f"of_{name}"]}
        for name, after in (("w", "x"), ("x", "w"), ("y", "z"), ("z", "y"))
    ]
    with pytest.raises(ValidationError) as caught:
        pipeline_settings(phases=phases)
    assert [(mistake.at, mistake.message) for mistake in mistakes_of(caught.value)] == [
        (("phases", 0, "after"), "phases wait for each other: 'w' -> 'x' -> 'w'"),
        (("phases", 2, "after"), "phases wait for each other: 'y' -> 'z' -> 'y'"),
    ]


def test_functions_are_all_or_a_list() -> None:
    """Names as the platform writes them."""
    assert FunctionLogSettings().functions == "*"
    assert FunctionLogSettings.model_validate({"functions": ["My_Function", "b"]}).functions == ("my-function", "b")


TAKEN = [
    (Duration, "60s", timedelta(minutes=1)),
    (Duration, "90 m", timedelta(minutes=90)),
    (Duration, "7d", timedelta(days=7)),
    (Percentage, "60%", 0.6),
    (Percentage, "100 %", 1.0),
    (ClockTime, "6:30", time(6, 30)),
    (ClockTime, "23:59", time(23, 59)),
    (Day, date(2026, 2, 12), date(2026, 2, 12)),
    (Day, "2026-02-12", date(2026, 2, 12)),
    (ZoneName, "America/New_York", "America/New_York"),
    (Table, "d.t", "d.t"),
    (Table, "my-project.d.t-1", "my-project.d.t-1"),
    (Service, "My_Function", "my-function"),
    (Canonical, "player_game_summary", "player_game_summary"),
    (Endpoint, "http://127.0.0.1:9050/", "http://127.0.0.1:9050"),
    (Endpoint, "http://[::1]:9050", "http://[::1]:9050"),
    (Endpoint, "https://bigquery.example", "https://bigquery.example"),
]


@pytest.mark.parametrize(("kind", "written", "value"), TAKEN)
def test_a_field_takes_what_people_write(kind: Any, written: object, value: object) -> None:
    """And makes the value of it."""
    assert TypeAdapter(kind).validate_python(written) == value


REFUSED = [
    (Duration, 60),
    (Duration, True),
    (Duration, "60"),
    (Duration, "-5m"),
    (Duration, "367d"),
    (Percentage, 60),
    (Percentage, 0.6),
    (Percentage, "0%"),
    (Percentage, "101%"),
    (ClockTime, 540),
    (ClockTime, "24:00"),
    (ClockTime, "09:60"),
    (ClockTime, "09:00:00"),
    (Day, "2026-2-12"),
    (Day, "2026-02-30"),
    (ZoneName, "America"),
    (ZoneName, "../../etc/passwd"),
    (ZoneName, ""),
    (Table, "t"),
    (Table, "d.t`; drop"),
    (Table, "d.t\n"),
    (Service, "1function"),
    (Canonical, "nba_raw.player_game_summary"),
    (Canonical, "PlayerGameSummaryProcessor"),
    (Canonical, ""),
    (Endpoint, "127.0.0.1:9050"),
    (Endpoint, "http://127.0.0.1:99999"),
    (Endpoint, "http://bigquery.example"),
    (Endpoint, "https://user:password@bigquery.example"),
    (Endpoint, "ftp://127.0.0.1"),
]


@pytest.mark.parametrize(("kind", "written"), REFUSED)
def test_a_field_refuses_what_it_cannot_mean(kind: Any, written: object) -> None:
    """In words of ours: pydantic's own never reach people."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(written)
    assert [error["type"] for error in caught.value.errors()] == ["mistake"]


@given(st.integers(min_value=0, max_value=366 * 86400))
def test_a_duration_is_shown_as_it_can_be_written(seconds: int) -> None:
    """Whatever it is."""
    duration = timedelta(seconds=seconds)
    assert TypeAdapter(Duration).validate_python(duration_text(duration)) == duration


def test_text_from_the_environment_is_shown_by_its_variables() -> None:
    """It stays text for whoever uses it."""
    text = FromEnvironment("hush", ("A", "B"))
    assert (text, str(text), quoted(text)) == ("hush", "hush", "'${A}${B}'")


def test_long_and_hostile_text_is_shown_on_one_short_line() -> None:
    """Names in messages may be anything."""
    assert quoted("a\n\x1b[31m") == r"'a\n\x1b[31m'"
    assert quoted("x" * 100) == "'" + "x" * 55 + "...'"


def test_the_nearest_word_is_found_whatever_its_case() -> None:
    """None, rather than a bad guess, where nothing is like it."""
    assert nearest("PHASE22", ["phase1", "phase2", "other"]) == "phase2"
    assert nearest("zzz", ["phase1", "phase2"]) is None
