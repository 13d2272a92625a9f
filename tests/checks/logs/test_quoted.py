"""Tracebacks that belong to somebody else: answers of other services, failed tests; and twins that are our own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from checks.logs.failures import scan
from tests.checks.logs.entries import entry, lines, summary

TRACEBACK = """Traceback (most recent call last):
  File "/workspace/tests/test_store.py", line 5, in test_save
    store.save(row)
  File "/workspace/shared/store.py", line 43, in save
    at = firestore.SERVER_TIMESTAMP
NameError: name 'firestore' is not defined"""
FOUND = [("NameError", "firestore", "/workspace/shared/store.py", 43, 1, True)]
RULE = "-" * 70

QUOTED = {
    "an answer": f"ERROR:root:POST https://billing-abc.a.run.app returned 500: {TRACEBACK}",
    "an answer in JSON": f"ERROR:root:billing answered 500: {json.dumps({'error': TRACEBACK})}",
    "a body": f"ERROR:root:request failed, response body: {TRACEBACK}",
    "unittest": f"ERROR: test_save (tests.test_store.StoreTest)\n{RULE}\n{TRACEBACK}\n\n{RULE}\nRan 1 test in 0.1s",
    "pytest": f"{'_' * 30} test_save {'_' * 30}\n{TRACEBACK}\n{'_' * 30} test_load {'_' * 30}\n{TRACEBACK}",
    "doctest": f"Failed example:\n    save(1)\nException raised:\n{TRACEBACK}",
}
OWN = {
    "a message": f"ERROR:root:failed: {TRACEBACK}",
    "after an answer": f"ERROR:root:POST https://billing-abc.a.run.app returned 500, giving up\n{TRACEBACK}",
    "words in parentheses": f"ERROR: could not save (17)\n{TRACEBACK}",
    "after a rule": f"ERROR:root:could not save\n{RULE}\n{TRACEBACK}",
}
FORMS: dict[str, Callable[[str], list[dict[str, Any]]]] = {"one": lambda text: [entry(text)], "lines": lines}


@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize("text", list(QUOTED))
def test_what_only_quotes_a_traceback_is_no_failure(text: str, form: str) -> None:
    """It is in the log of the service that failed, or a test's business."""
    assert scan(FORMS[form](QUOTED[text])).failures == ()


@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize("text", list(OWN))
def test_what_only_looks_like_a_quotation_is_a_failure(text: str, form: str) -> None:
    """The same words, with a traceback of the service's own."""
    assert summary(scan(FORMS[form](OWN[text])).failures) == FOUND
