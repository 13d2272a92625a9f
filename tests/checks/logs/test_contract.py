"""The JSON of a failure, the user's own signatures, and what an entry is taken to be."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from checks.logs.entry import UNKNOWN_SERVICE, entry_of, nanos_of, service_of
from checks.logs.failures import scan
from checks.logs.faults import deployed_path
from checks.logs.signatures import compile_signatures
from tests.checks.logs.entries import entry

TRACEBACK = (
    "Traceback (most recent call last):\n  File \"/workspace/a.py\", line 3, in f\nNameError: name 'x' is not defined"
)


def test_a_failure_prints_the_fields_of_the_contract() -> None:
    """Names, order of lists and times as the design says."""
    labels = {"instanceId": "00", "execution_id": "b1"}
    stream = [entry(TRACEBACK, 2.5, labels=labels | {"execution_id": "a1"}), entry(TRACEBACK, labels=labels)]
    (failure,) = scan(stream).failures
    assert json.loads(json.dumps(failure.as_json())) == {
        "exception": "NameError",
        "name": "x",
        "module": None,
        "kind": "undefined-name",
        "service": "daily-import",
        "revision": "daily-import-00001-abc",
        "execution_ids": ["a1", "b1"],
        "file": "/workspace/a.py",
        "line": 3,
        "function": "f",
        "count": 2,
        "handled": False,
        "first_seen": "2026-01-26T09:07:04Z",
        "last_seen": "2026-01-26T09:07:06.500000Z",
        "insert_ids": ["00000000000000000000", "00000250000000000000"],
    }
    assert failure.sample == TRACEBACK
    assert failure.message == "name 'x' is not defined"


def test_own_signatures_are_signals_and_never_failures() -> None:
    """They match any text, harmless or not."""
    signatures = compile_signatures({"quota": r"(?i)quota exceeded", "retry": r"retrying in \d+s"})
    stream = [
        entry("403 Quota exceeded: too many appends\nmore", 1),
        entry("quota EXCEEDED again", 5),
        entry("retrying in 5s", 9),
        entry(TRACEBACK, 10),
    ]
    result = scan(stream, signatures=signatures)
    assert [(s.signature, s.service, s.count, s.sample) for s in result.signals] == [
        ("quota", "daily-import", 2, "Quota exceeded: too many appends"),
        ("retry", "daily-import", 1, "retrying in 5s"),
    ]
    assert result.signals[0].as_json() == {
        "signature": "quota",
        "service": "daily-import",
        "revision": "daily-import-00001-abc",
        "count": 2,
        "first_seen": "2026-01-26T09:07:05Z",
        "last_seen": "2026-01-26T09:07:09Z",
        "insert_ids": ["00000100000000000000", "00000500000000000000"],
        "sample": "Quota exceeded: too many appends",
    }
    assert [failure.name for failure in result.failures] == ["x"]


def test_a_bad_signature_is_named() -> None:
    """RE2 knows no look-around."""
    with pytest.raises(ValueError, match=r"^signature 'ahead' is not a valid RE2 pattern: "):
        compile_signatures({"fine": "x", "ahead": "(?=x)"})


@pytest.mark.parametrize(
    ("raw", "service"),
    [
        ({"resource": {"labels": {"service_name": "daily-import"}}}, "daily-import"),
        ({"resource": {"labels": {"function_name": "Daily_Import"}}}, "daily-import"),
        ({"resource": {"labels": {"job_name": "nightly"}}}, "nightly"),
        ({"labels": {"goog-drz-cloudfunctions-id": "run_signal_generation"}}, "run-signal-generation"),
        ({"resource": {"labels": {"environment_name": "composer-1"}}}, "composer-1"),
        (
            {"resource": {"type": "global"}, "jsonPayload": {"serviceContext": {"service": "Load_Games"}}},
            "load-games",
        ),
        ({"jsonPayload": {"serviceContext": "x"}}, UNKNOWN_SERVICE),
        ({"resource": "x", "labels": 3}, UNKNOWN_SERVICE),
        ({}, UNKNOWN_SERVICE),
    ],
)
def test_the_service_is_named_as_the_platform_names_it(raw: dict[str, Any], service: str) -> None:
    """gen1, gen2, jobs, and what has no resource."""
    assert service_of(raw) == service


def test_times_keep_their_nanoseconds() -> None:
    """Datetimes hold microseconds; offsets count; what is no time is None."""
    second = int(datetime(2026, 1, 26, 9, 7, 4, tzinfo=UTC).timestamp()) * 10**9
    assert nanos_of("2026-01-26T09:07:04Z") == second
    assert nanos_of("2026-01-26T09:07:04.123456789Z") == second + 123_456_789
    assert nanos_of("2026-01-26T01:07:04.1234567-08:00") == second + 123_456_700
    for wrong in ("2026-01-26T09:07:04", "soon", "", 17, None, "2026-01-26T09:07:04Z" + "0" * 99):
        assert nanos_of(wrong) is None


def test_a_missing_timestamp_is_replaced_by_the_time_of_receipt() -> None:
    """And an entry with neither is none."""
    raw = entry("x", 3)
    raw["timestamp"] = None
    made = entry_of(raw)
    assert made is not None
    assert made.at == datetime(2026, 1, 26, 9, 7, 7, tzinfo=UTC)
    assert entry_of({"textPayload": "x"}) is None


@pytest.mark.parametrize(
    "path",
    ["/workspace/shared/x.py", "/user_code/shared/x.py", "/app/shared/x.py", "/srv/shared/x.py", "./shared/x.py"],
)
def test_the_deploy_root_is_no_part_of_a_fault(path: str) -> None:
    """The same file, wherever it was deployed."""
    assert deployed_path(path) == "shared/x.py"
