"""New errors: learnt, reported once, critical where every execution has them, over with a clean run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from checks.logs.error_memory import LEARNING, MAX_KEYS, judge
from checks.logs.failures import scan
from checks.model import Severity, Status
from tests.checks.logs.entries import START, entry, request
from tests.checks.test_signals import Watch

DAY = 24 * 60
LATER = 2 * DAY  # minutes: the check has learnt
FINGERPRINT = "log:daily-import:TypeError:handle():main.py"


def crash(minute: float, exception: str = "TypeError", function: str = "handle", **fields: Any) -> dict[str, Any]:
    """Nobody caught it."""
    text = (
        f'Traceback (most recent call last):\n  File "/workspace/main.py", line {int(minute) % 90 + 1}, in {function}\n'
        f"    store = Store(rows)\n{exception}: Store.__init__() missing 1 required positional argument: 'table'"
    )
    return entry(text, minute * 60, severity="ERROR", **fields)


def caught(minute: float) -> dict[str, Any]:
    """Logged by the code itself."""
    made = crash(minute)
    made["textPayload"] = "ERROR:root:could not store the rows\n" + made["textPayload"]
    return made


def learnt(**fields: Any) -> Watch:
    """A watch that began two days before ``LATER``."""
    watch = Watch(**fields)
    watch.tick(0)
    watch.tick(LATER)
    return watch


def told(watch: Watch, minutes: Sequence[float]) -> Mapping[float, list[tuple[Severity, bool, int]]]:
    """Per tick with findings: severity, quiet, occurrences."""
    ticks = {minute: watch.tick(LATER + minute).findings for minute in minutes}
    return {m: [(f.severity, f.quiet, f.occurrences) for f in found] for m, found in ticks.items() if found}


def test_a_new_error_is_a_warning_and_says_what_and_where() -> None:
    """A deployment that removed an argument."""
    watch = learnt()
    watch.source.entries += [crash(LATER + 1)]
    judgement = watch.tick(LATER + 4)
    (finding,) = judgement.findings
    assert judgement.status is Status.DEGRADED
    assert (finding.fingerprint, finding.kind, finding.severity, finding.quiet) == (
        FINGERPRINT,
        "log.new-error",
        Severity.WARNING,
        False,
    )
    assert finding.title == (
        "TypeError: Store.__init__() missing 1 required positional argument: 'table' in daily-import"
    )
    assert finding.since == START + timedelta(minutes=LATER + 1)
    assert finding.facts["where"] == "/workspace/main.py:2 in handle"
    assert finding.facts["handled"] is False
    assert judgement.evidence.counts["other errors"] == 1


def test_it_is_one_error_whatever_its_line_and_message() -> None:
    """Class, file and function are its identity; another function is another error."""
    watch = learnt()
    watch.source.entries += [crash(LATER + 1), crash(LATER + 2), crash(LATER + 3, function="other")]
    assert sorted(f.fingerprint for f in watch.tick(LATER + 6).findings) == [
        FINGERPRINT,
        "log:daily-import:TypeError:other():main.py",
    ]


def test_it_is_reported_once() -> None:
    """Over with a clean run; when it comes back within 14 days it is known, after that it is new."""
    watch = learnt()
    times = [1, 20, DAY, 10 * DAY, 24 * DAY + 1]
    watch.source.entries += [crash(LATER + minute) for minute in times]
    watch.source.entries += [request(200, (LATER + minute + 5) * 60) for minute in times]
    ticks = sorted(minute + after for minute in times for after in (3, 9))
    assert told(watch, ticks) == {
        4: [(Severity.WARNING, False, 1)],
        24 * DAY + 4: [(Severity.WARNING, False, 1)],
    }
    assert watch.changes == [("opened", FINGERPRINT), ("resolved", FINGERPRINT)] * 2


def test_while_it_is_not_over_it_recurs_without_news() -> None:
    """So that a clean run before its last occurrence does not end it."""
    watch = learnt()
    watch.source.entries += [crash(LATER + 1), crash(LATER + 10), request(200, (LATER + 5) * 60)]
    watch.source.entries += [crash(LATER + 20)]
    assert told(watch, [4, 13]) == {4: [(Severity.WARNING, False, 1)], 13: [(Severity.WARNING, False, 1)]}
    assert watch.changes == [("opened", FINGERPRINT)]
    watch = learnt()
    watch.source.entries += [crash(LATER + 1), crash(LATER + 4.5), request(200, (LATER + 4.4) * 60)]
    told(watch, [4, 7, 9])
    assert watch.changes == [("opened", FINGERPRINT)]


@pytest.mark.parametrize("at_once", [False, True])
def test_it_is_critical_when_every_execution_has_it(at_once: bool) -> None:
    """From the third on, in one reading or in several."""
    watch = learnt()
    watch.source.entries += [crash(LATER + minute) for minute in (1, 11, 21)]
    warning, critical = (Severity.WARNING, False, 1), (Severity.CRITICAL, False, 1)
    if at_once:
        assert told(watch, [30]) == {30: [(Severity.CRITICAL, False, 3)]}
    else:
        assert told(watch, [4, 14, 24]) == {4: [warning], 14: [warning], 24: [critical]}
        assert watch.changes == [("opened", FINGERPRINT), ("changed", FINGERPRINT)]
    fact = watch.faults[FINGERPRINT].finding.facts["every execution"]
    assert fact == "all 3 since the first have failed with it"


@pytest.mark.parametrize("ticks", [[4, 9, 14, 24], [30]])
def test_it_is_no_more_than_a_warning_when_some_executions_succeed(ticks: list[float]) -> None:
    """One clean run between, in one reading or in several."""
    watch = learnt()
    watch.source.entries += [crash(LATER + minute) for minute in (1, 11, 21)]
    watch.source.entries += [request(200, (LATER + 6) * 60)]
    severities = {severity for found in told(watch, ticks).values() for severity, _, _ in found}
    assert severities == {Severity.WARNING}


def test_a_run_with_the_error_in_it_is_no_success() -> None:
    """Caught and answered 200 in every execution: as deadly, and loud."""
    watch = learnt()
    for minute in (1, 11, 21):
        watch.source.entries += [caught(LATER + minute), request(200, (LATER + minute) * 60 + 3, latency="6s")]
    quiet, loud = (Severity.WARNING, True, 1), (Severity.CRITICAL, False, 1)
    assert told(watch, [4, 14, 24]) == {4: [quiet], 14: [quiet], 24: [loud]}


def test_a_loop_in_one_execution_is_one_execution() -> None:
    """Named executions count once each; unnamed ones, where it was caught, once a minute."""
    labels = {"instanceId": "0", "execution_id": "e1"}
    watch = learnt()
    watch.source.entries += [crash(LATER + 1 + n / 100, labels=labels) for n in range(20)]
    assert told(watch, [4]) == {4: [(Severity.WARNING, False, 20)]}
    watch = learnt()
    watch.source.entries += [caught(LATER + 1 + n / 100) for n in range(20)]
    assert told(watch, [4]) == {4: [(Severity.WARNING, True, 20)]}


@pytest.mark.parametrize(
    ("phases", "quiet"), [({}, True), ({"daily-import": (("nba", "phase3"),)}, False)], ids=["no phase", "a phase"]
)
def test_what_was_caught_is_quiet_unless_a_phase_depends_on_it(phases: Any, quiet: bool) -> None:
    """The rule of failures."""
    watch = learnt(phases=phases)
    watch.source.entries += [caught(LATER + 1)]
    assert told(watch, [4]) == {4: [(Severity.WARNING, quiet, 1)]}


def test_in_its_first_day_the_check_learns() -> None:
    """Everything is new then: for the digest; afterwards it is known."""
    watch = Watch()
    watch.tick(0)
    hours = int(LEARNING.total_seconds()) // 3_600
    watch.source.entries += [crash(10), crash((hours - 1) * 60), crash((hours + 1) * 60)]
    watch.source.entries += [request(200, 60 * 60), request(200, (hours * 60 - 30) * 60)]
    found = {hour: [f.quiet for f in watch.tick(hour * 60 + 30).findings] for hour in (0, 1, hours - 1, hours + 1)}
    assert found == {0: [True], 1: [], hours - 1: [], hours + 1: []}


def test_what_was_over_before_the_check_began_is_learnt_only() -> None:
    """The first reading (and a report's) goes back in time: no list of everything that ever went wrong."""
    watch = Watch()
    watch.source.entries += [crash(minute) for minute in (1, 2, 3)]
    watch.source.entries += [request(200, 30 * 60), crash(90), crash(1.5, function="other", labels={"instanceId": "1"})]
    assert {minute: len(watch.tick(minute).findings) for minute in (60, 100)} == {60: 0, 100: 0}


def test_an_error_that_stops_a_function_is_loud_from_the_first_day_on() -> None:
    """Nothing but it: that is no habit."""
    watch = Watch()
    watch.source.entries += [crash(minute) for minute in (1, 2, 3)]
    assert [(f.severity, f.quiet) for f in watch.tick(10).findings] == [(Severity.CRITICAL, False)]


def test_import_and_name_errors_are_failures_and_not_new_errors() -> None:
    """They are told at any time."""
    watch = learnt()
    text = 'Traceback (most recent call last):\n  File "/workspace/main.py", line 8, in f\nNameError: name'
    watch.source.entries += [entry(f"{text} 'x' is not defined", (LATER + 1) * 60)]
    assert [f.kind for f in watch.tick(LATER + 4).findings] == ["log.undefined-name"]
    assert json.loads(watch.cursor)["carry"]["errors"]["known"] == {}


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    """What was seen last stays known."""
    now = START + timedelta(days=3)
    first, memory = judge(scan([crash(0, function="f0")]).errors, {"began": 0}, {}, now)
    errors = scan([crash(1 + n / 1_000, function=f"g{n}") for n in range(MAX_KEYS)]).errors
    found, memory = judge(errors, memory, {}, now)
    assert (len(first), len(found)) == (1, MAX_KEYS)
    assert isinstance(memory, dict)
    assert [len(memory[part]) for part in ("known", "new")] == [MAX_KEYS, MAX_KEYS]  # type: ignore[arg-type]  # objects
    again, _ = judge(scan([crash(5, function="f0")]).errors, memory, {}, now)
    assert [error.executions for error in again] == [1]


@pytest.mark.parametrize(
    "strange",
    [None, 3, [], {"began": "x", "known": 3, "new": 4}, {"known": {"a": "b"}, "new": {"a": 1, "b": [1, 2]}}],
)
def test_a_strange_memory_is_a_fresh_start(strange: Any) -> None:
    """Of an older version, or damaged: the check learns again."""
    found, memory = judge(scan([crash(0)]).errors, strange, {}, START)
    assert [error.learning for error in found] == [True]
    assert isinstance(memory, dict)
    assert memory["began"] == START.timestamp()
