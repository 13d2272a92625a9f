"""Records of structured loggers: which fields tell of an exception, in which layouts, and which are what users sent."""

from __future__ import annotations

from typing import Any

import pytest

from checks.logs.failures import scan
from tests.checks.logs.entries import entry, summary

FRAMES = [
    {"file": "/workspace/main.py", "line": 8, "function": "handle"},
    {"file": "/workspace/shared/store.py", "line": 43, "function": "save"},
]
SENTRY = [{"abs_path": one["file"], "lineno": one["line"], "function": one["function"]} for one in FRAMES]
SAID = "name 'firestore' is not defined"
TRACEBACK = f"""Traceback (most recent call last):
  File "/workspace/main.py", line 8, in handle
    return store.save(row)
  File "/workspace/shared/store.py", line 43, in save
    at = firestore.SERVER_TIMESTAMP
NameError: {SAID}"""
PLACED = ("NameError", "firestore", "/workspace/shared/store.py", 43, 1)
NOT_PLACED = ("NameError", "firestore", None, None, 1)

WITH_PLACE: dict[str, dict[str, Any]] = {
    "frames as objects": {"error": {"type": "NameError", "message": SAID, "traceback": FRAMES}},
    "Sentry": {"exception": {"values": [{"type": "NameError", "value": SAID, "stacktrace": {"frames": SENTRY}}]}},
    "a tuple of texts": {"exc_info": ["NameError", SAID, TRACEBACK]},
    "in fields of their own": {"exc_type": "NameError", "exc_value": SAID, "exc_traceback": TRACEBACK},
    "in an object of extras": {"extra": {"traceback": TRACEBACK}},
    "Error Reporting": {
        "@type": "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent",
        "message": TRACEBACK,
        "context": {"reportLocation": {"filePath": "/workspace/other.py", "lineNumber": 1, "functionName": "f"}},
    },
}
WITHOUT_PLACE: dict[str, dict[str, Any]] = {
    "class and message": {"error": f"NameError: {SAID}"},
    "class and message apart": {"error_type": "NameError", "error_message": SAID},
    "a message that is an object": {"message": {"error": SAID}},
    "a line that a container runtime wrapped": {"log": f"NameError: {SAID}\n", "stream": "stderr"},
    "a numbered level": {"msg": f"save failed: {SAID}", "level": 40},
}
OF_USERS: dict[str, dict[str, Any]] = {
    "a request": {"message": "got request", "request": {"body": {"traceback": TRACEBACK, "error": SAID}}},
    "a payload": {"message": "got request", "payload": {"error": TRACEBACK}},
    "a body": {"message": "got request", "body": TRACEBACK},
    "a ticket": {"message": "ticket", "comment": f"NameError: {SAID}"},
    "a query": {"message": "query", "sql": f'SELECT * FROM log WHERE error = "{SAID}"'},
    "source code": {"message": "deploying", "source": f'try:\n    f()\nexcept:\n    raise NameError("{SAID}")'},
    "no error": {"message": "done", "error": None, "exception": ""},
    "another language": {
        "exception": {
            "values": [{"type": "ReferenceError", "value": "x is not defined", "stacktrace": {"frames": SENTRY}}]
        }
    },
}


@pytest.mark.parametrize("layout", list(WITH_PLACE))
def test_an_exception_with_its_frames_is_a_handled_failure(layout: str) -> None:
    """Whatever the names of the fields, and whether it is text or objects."""
    assert summary(scan([entry(jsonPayload=WITH_PLACE[layout], severity="ERROR")]).failures) == [(*PLACED, True)]


@pytest.mark.parametrize("layout", list(WITHOUT_PLACE))
def test_a_message_that_names_a_failure_is_one(layout: str) -> None:
    """The level is the record's own, or that of the entry."""
    record = WITHOUT_PLACE[layout]
    severity = {} if "level" in record else {"severity": "ERROR"}
    assert summary(scan([entry(jsonPayload=record, **severity)]).failures) == [(*NOT_PLACED, True)]


@pytest.mark.parametrize("layout", list(OF_USERS))
def test_what_was_sent_or_asked_is_no_failure(layout: str) -> None:
    """Also where the record is an ERROR."""
    assert scan([entry(jsonPayload=OF_USERS[layout], severity="ERROR")]).failures == ()


def test_a_numbered_level_below_error_is_not_reported() -> None:
    """Python's 30 is WARNING."""
    record = {"msg": f"save failed: {SAID}", "level": 30}
    assert scan([entry(jsonPayload=record)]).failures == ()
