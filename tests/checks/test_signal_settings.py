"""Signals as they are written in the configuration: shipped ones, changed ones, own ones, and mistakes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from checks.logs.rules import Rate, SignalRule
from checks.logs.shipped_signals import SHIPPED
from checks.model import Severity
from checks.settings.checks import FunctionLogSettings
from checks.settings.signals import MAX_PATTERN
from tests.support.config import loaded, said


def test_the_shipped_signals_are_the_default() -> None:
    """In their order, on and off as shipped."""
    assert FunctionLogSettings().to_signals() == SHIPPED
    assert [r.name for r in SHIPPED if r.enabled] == [
        "quota_exceeded",
        "permission_denied",
        "not_authenticated",
        "out_of_memory",
        "worker_timeout",
        "sql_does_not_fit",
        "alert_not_delivered",
    ]
    assert [r.name for r in SHIPPED if not r.enabled] == [
        "no_available_instance",
        "concurrent_update",
        "container_exit",
        "write_failed",
    ]


def test_a_shipped_signal_is_changed_in_part_and_a_new_one_added(tmp_path: Path) -> None:
    """What is left out stays as it is shipped; an own one is a warning and on."""
    text = """
checks:
  function_logs:
    signals:
      no_available_instance: {enabled: true, at_least: {count: 50, within: 10m}}
      quota_exceeded: {severity: info}
      own: {pattern: 'x(?P<n>[0-9])', unless_later_success: true, reason: because, remedy: repair it}
"""
    settings = loaded(tmp_path, text).checks.function_logs
    changed = {r.name: r for r in settings.to_signals()}
    shipped = {r.name: r for r in SHIPPED}
    assert list(changed) == [*shipped, "own"]
    assert {name for name in shipped if changed[name] != shipped[name]} == {"no_available_instance", "quota_exceeded"}
    one = changed["no_available_instance"]
    assert (one.enabled, one.at_least, one.unless_later_success, one.pattern) == (
        True,
        Rate(count=50, within=timedelta(minutes=10)),
        True,
        shipped["no_available_instance"].pattern,
    )
    assert (changed["quota_exceeded"].enabled, changed["quota_exceeded"].severity) == (True, Severity.INFO)
    assert changed["own"] == SignalRule(
        name="own",
        pattern="x(?P<n>[0-9])",
        severity=Severity.WARNING,
        unless_later_success=True,
        reason="because",
        remedy="repair it",
    )


@pytest.mark.parametrize(
    ("written", "mistake"),
    [
        (
            "bad: {pattern: '(?=x)'}",
            (
                "4:24: {}bad.pattern: not a pattern that RE2 accepts: invalid perl operator: (?=; the syntax is RE2's,"
                " without look-around and back-references"
            ),
        ),
        (
            "bad: {pattern: 'x*'}",
            "4:24: {}bad.pattern: this pattern is in every text; something in it must not be optional",
        ),
        ("bad: {pattern: ''}", "4:24: {}bad.pattern: a pattern has 1 to 1,000 characters, not 0"),
        (
            f"bad: {{pattern: '{'x' * (MAX_PATTERN + 1)}'}}",
            "4:24: {}bad.pattern: a pattern has 1 to 1,000 characters, not 1,001",
        ),
        ("bad: {pattern: 7}", "4:24: {}bad.pattern: expected a pattern, found a whole number; put it in single quotes"),
        (
            "no_availble_instance: {enabled: true}",
            "4:9: {}no_availble_instance: a signal of your own needs a pattern; did you mean 'no_available_instance'?",
        ),
        ("own: {}", "4:9: {}own: a signal of your own needs a pattern; write pattern: 'the text to look for'"),
        ("own: {pattern: x, sevrity: info}", "4:27: {}own.sevrity: unknown key 'sevrity'; did you mean 'severity'?"),
        (
            "own: {pattern: x, severity: page}",
            "4:37: {}own.severity: expected 'info', 'warning' or 'critical', not 'page'",
        ),
        ("own: {pattern: x, at_least: {count: 3}}", "4:37: {}own.at_least.within: missing; in what time, 1m to 24h"),
        ("own: {pattern: x, at_least: {count: 0, within: 1m}}", "4:45: {}own.at_least.count: must be at least 1"),
        ("own: {pattern: x, at_least: {count: 1, within: 59s}}", "4:56: {}own.at_least.within: must be at least 1m"),
        ("own: {pattern: x, at_least: {count: 1, within: 25h}}", "4:56: {}own.at_least.within: must be at most 1d"),
        ("own: x", "4:14: {}own: expected a mapping (key: value), found text"),
    ],
)
def test_mistakes_have_their_places(tmp_path: Path, written: str, mistake: str) -> None:
    """With RE2's own message."""
    text = f"checks:\n  function_logs:\n    signals:\n        {written}\n"
    assert said(tmp_path, text) == ["config.yaml:" + mistake.replace("{}", "checks.function_logs.signals.", 1)]


def test_a_pattern_from_the_environment_is_not_shown(tmp_path: Path) -> None:
    """RE2's message would hold a piece of it."""
    text = "checks: {function_logs: {signals: {own: {pattern: '${SECRET}'}}}}\n"
    (mistake,) = said(tmp_path, text, SECRET="hunter2(?=")
    assert "hunter2" not in mistake
    assert "(?=" not in mistake
    assert "${SECRET}" in mistake


def test_too_many_signals_are_refused() -> None:
    """Each is looked for in every entry."""
    signals = {f"s{n}": {"pattern": "x"} for n in range(101)}
    with pytest.raises(ValueError, match="at most 100 signals"):
        TypeAdapter(FunctionLogSettings).validate_python({"signals": signals})
