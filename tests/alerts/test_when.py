"""The small rules of when people are told, as tables."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.faults import finding_rules
from alerts.faults.finding_rules import FindingRule
from alerts.matching import Matcher
from alerts.messages.digest import Schedule
from alerts.messages.wording import counted, duration
from alerts.notify.quiet import QuietHours, Weekly
from checks.model import Severity
from tests.support.findings import SERVICE, at, log_failure, phase

ET = ZoneInfo("America/New_York")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]  # the parts of a date


@pytest.mark.parametrize(
    ("matcher", "of_phase", "of_function"),
    [
        (Matcher(), True, True),
        (Matcher(pipeline="nba"), True, False),
        (Matcher(pipeline="n*"), True, False),
        (Matcher(phase="phase3"), True, False),
        (Matcher(phase="phase4"), False, False),
        (Matcher(function=SERVICE), False, True),
        (Matcher(function="Phase3_to_*"), False, True),
        (Matcher(check="completions"), True, False),
        (Matcher(check="completions:nba"), False, False),
        (Matcher(kind="phase.*"), True, False),
        (Matcher(phase="phase3", check="function_logs"), False, False),
        (Matcher(first=date(2026, 1, 25), last=date(2026, 1, 25)), True, False),
        (Matcher(first=date(2026, 1, 26)), False, False),
        (Matcher(last=date(2026, 1, 24)), False, False),
    ],
)
def test_a_matcher_fits_if_all_that_is_given_does(matcher: Matcher, of_phase: bool, of_function: bool) -> None:
    """A finding about no phase is not meant by a matcher that names one."""
    assert (matcher.fits(phase(at(3))), matcher.fits(log_failure(at(0)))) == (of_phase, of_function)


def test_a_check_of_one_of_several_pipelines_is_meant_by_its_kind_and_by_its_name() -> None:
    """``completions`` means ``completions:nba`` too."""
    found = phase(at(3), check="completions:nba")
    assert Matcher(check="completions").fits(found)
    assert Matcher(check="completions:nba").fits(found)
    assert not Matcher(check="completions:mlb").fits(found)


NIGHT = Weekly(days=frozenset({4}), begin=time(22), end=time(7), zone=ET)  # Fridays


@pytest.mark.parametrize(
    ("now", "inside"),
    [
        (utc(2026, 1, 31, 2, 59), False),  # Friday 21:59
        (utc(2026, 1, 31, 3), True),
        (utc(2026, 1, 31, 11, 59), True),  # Saturday 06:59
        (utc(2026, 1, 31, 12), False),
        (utc(2026, 1, 31, 4) - timedelta(days=1), False),  # Thursday 23:00
        (utc(2026, 2, 1, 4), False),  # Saturday 23:00
    ],
)
def test_a_weekly_span_may_end_on_the_day_after(now: datetime, inside: bool) -> None:
    """It belongs to the day on which it begins."""
    assert (NIGHT.around(now) is not None) is inside


def test_a_span_over_a_clock_change_is_as_long_as_the_clock_says() -> None:
    """In the night of 8 March 2026 New York loses an hour."""
    night = Weekly(days=frozenset(range(7)), begin=time(22), end=time(7), zone=ET)
    around = night.around(utc(2026, 3, 8, 8))
    assert around is not None
    assert around[1] - around[0] == timedelta(hours=8)


def test_quiet_hours_hold_what_is_less_grave_only() -> None:
    """And nothing outside of them."""
    quiet = QuietHours(spans=(NIGHT,))
    inside, outside = utc(2026, 1, 31, 4), utc(2026, 1, 31, 13)
    assert [quiet.hold(s, inside) for s in Severity] == [True, True, False]
    assert not quiet.hold(Severity.INFO, outside)


def test_of_several_rules_the_later_one_wins_field_by_field() -> None:
    """Severity of one, patience of another."""
    rules = (
        FindingRule(matcher=Matcher(phase="phase3"), severity=Severity.INFO, pending_for=timedelta(minutes=5)),
        FindingRule(matcher=Matcher(pipeline="nba", first=date(2026, 1, 25)), severity=Severity.WARNING),
        FindingRule(matcher=Matcher(phase="phase9"), quiet=True),
    )
    found, other = finding_rules.apply([phase(at(3)), log_failure(at(0))], rules)
    assert (found.severity, found.pending_for, found.quiet) == (Severity.WARNING, timedelta(minutes=5), False)
    assert other == log_failure(at(0))


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (utc(2026, 1, 26, 13, 59), None),
        (utc(2026, 1, 26, 14), utc(2026, 1, 26, 14)),
        (utc(2026, 1, 26, 16), utc(2026, 1, 26, 14)),
        (utc(2026, 1, 26, 16, 1), None),  # too late to be of use
    ],
)
def test_a_digest_is_due_for_two_hours(now: datetime, due: datetime | None) -> None:
    """Nine o'clock in New York."""
    assert Schedule(at=time(9), zone=ET, to=("slack",)).due(now) == due


def test_a_digest_late_in_the_evening_is_not_lost_at_midnight() -> None:
    """It is due at 23:30 and still at 00:30."""
    late = Schedule(at=time(23, 30), zone=ET, to=("slack",))
    assert late.due(utc(2026, 1, 27, 5, 30)) == utc(2026, 1, 27, 4, 30)


def test_numbers_and_spans_in_words() -> None:
    """As people read them."""
    assert (counted(1, "fault"), counted(10_000, "fault"), counted(2, "entry", "entries")) == (
        "1 fault",
        "10,000 faults",
        "2 entries",
    )
    assert [duration(timedelta(seconds=s)) for s in (45, 2_700, 170_400, 273_600)] == [
        "45 s",
        "45 min",
        "47 h 20 min",
        "3 d 4 h",
    ]
