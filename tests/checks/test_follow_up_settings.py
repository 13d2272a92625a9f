"""Settings of what is looked at beyond completions: starters, outputs, learned due times."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from checks.mistakes import mistakes_of
from checks.phases.evidence import TableEvidence
from checks.pipeline import DayTime, HandOver, LearnedDue, Phase, StarterKind
from checks.settings.pipelines import PipelineSettings

DUE: dict[str, Any] = {"day": 1, "time": "09:00"}
FUNCTION = {"function": "Starter_One", "fallback": [{"day": 1, "time": "07:00"}]}


def phase(**changes: Any) -> Phase:
    """A phase with these settings, as the checks know it."""
    raw = {
        "name": "p",
        "timezone": "UTC",
        "run_date": "day",
        "calendar": {"every": "day"},
        "completions": {"table": "a.b"},
        "phases": [{"name": "first", "due": DUE, "processors": ["a", "b"], **changes}],
    }
    return PipelineSettings.model_validate(raw).to_pipeline().phases[0]


def refused(**changes: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """The mistakes, by their place below the phase."""
    with pytest.raises(ValidationError) as caught:
        phase(**changes)
    return [(mistake.at[2:], mistake.message) for mistake in mistakes_of(caught.value)]


def test_a_starter_is_one_of_four_and_counts_as_a_function_that_starts_it() -> None:
    """Its failures explain the phase, as those of `starters` do."""
    made = phase(
        starters=["other"],
        started_by=[
            {**FUNCTION, "valid": {"until": "2026-02-01"}},
            {"subscription": "sub-1", "within": "45m", "valid": {"from": "2026-02-01"}},
        ],
    )
    assert made.starters == ("other", "starter-one")
    assert made.hand_overs == (
        HandOver(
            kind=StarterKind.FUNCTION,
            name="starter-one",
            within=timedelta(minutes=30),
            fallbacks=(DayTime(day=1, at=time(7)),),
            valid_until=date(2026, 2, 1),
        ),
        HandOver(
            kind=StarterKind.SUBSCRIPTION,
            name="sub-1",
            within=timedelta(minutes=45),
            valid_from=date(2026, 2, 1),
        ),
    )
    declared = [made.hand_over_on(day) for day in (date(2026, 1, 31), date(2026, 2, 1))]
    assert [d and d.name for d in declared] == ["starter-one", "sub-1"]


@pytest.mark.parametrize(
    ("started_by", "mistakes"),
    [
        ([{}], [(0, "needs one of function, subscription, schedule, observation; found none of them")]),
        (
            [{"function": "a", "schedule": "job"}],
            [(0, "needs one of function, subscription, schedule, observation; found function and schedule")],
        ),
        ([{"observation": "a", "fallback": [DUE]}], [((0, "fallback"), "means nothing for observation")]),
        (
            [{"function": "a", "valid": {"until": "2026-02-02"}}, {"function": "b", "valid": {"from": "2026-02-01"}}],
            [(1, "holds for the same run dates as started_by[0]")],
        ),
    ],
)
def test_what_a_starter_cannot_be(started_by: list[Any], mistakes: list[tuple[Any, str]]) -> None:
    """With its place."""
    found = refused(started_by=started_by)
    assert found == [(("started_by", *(at if isinstance(at, tuple) else (at,))), text) for at, text in mistakes]


def test_outputs_are_a_pattern_with_exceptions() -> None:
    """By the phase, but for those that are excluded or say it themselves."""
    made = phase(
        outputs={"table": "out.t_{processor}", "exclude": ["a"]},
        processors=[
            "a",
            "b",
            {"name": "c", "output": {"table": "x.y", "date": "d"}},
            {"name": "e", "output": {"table": "none"}},
        ],
    )
    assert {p.name: p.output for p in made.processors} == {
        "a": None,
        "b": TableEvidence(table="out.t_b", date="day"),
        "c": TableEvidence(table="x.y", date="d"),
        "e": None,
    }


@pytest.mark.parametrize(
    ("outputs", "at", "message"),
    [
        ({"table": "out.{name}"}, ("outputs", "table"), "only {processor} may stand in braces"),
        ({"table": "{processor}"}, ("outputs", "table"), "not the name of a table"),
        ({"table": "out.{processor}`; x"}, ("outputs", "table"), "not the name of a table"),
        ({"table": "out.{processor}", "exclude": ["z"]}, ("outputs", "exclude", 0), "unknown processor 'z'"),
    ],
)
def test_what_outputs_cannot_be(outputs: dict[str, Any], at: tuple[str | int, ...], message: str) -> None:
    """Nothing that could end an identifier reaches SQL."""
    assert refused(outputs=outputs) == [(at, message)]


def test_a_learned_due_time_has_limits() -> None:
    """Two hours after the fixed one, unless something else is said."""
    assert phase().learned is None
    assert phase(due={**DUE, "learned": {}}).learned == LearnedDue(
        margin=timedelta(minutes=30), latest=DayTime(day=1, at=time(11)), samples=10
    )
    learned = {
        "margin": "1h",
        "earliest": {"day": 1, "time": "8:00"},
        "latest": {"day": 2, "time": "0:30"},
        "samples": 5,
    }
    assert phase(due={**DUE, "learned": learned}).learned == LearnedDue(
        margin=timedelta(hours=1), earliest=DayTime(day=1, at=time(8)), latest=DayTime(day=2, at=time(0, 30)), samples=5
    )
    late = {"day": 1, "time": "23:00", "learned": {}}
    assert phase(due=late).learned == LearnedDue(
        margin=timedelta(minutes=30), latest=DayTime(day=2, at=time(1)), samples=10
    )


@pytest.mark.parametrize(
    ("learned", "at", "message"),
    [
        ({"earliest": {"day": 1, "time": "11:01"}}, "earliest", "must not be later than latest"),
        ({"latest": {"day": 1, "time": "06:30"}}, "latest", "must be later than the phase's start"),
        ({"samples": 1}, "samples", "must be at least 3"),
    ],
)
def test_limits_that_cross_each_other(learned: dict[str, Any], at: str, message: str) -> None:
    """Or that would learn from nothing."""
    found = refused(due={**DUE, "learned": learned}, start={"day": 1, "time": "06:30"})
    assert found == [(("due", "learned", at), message)]
