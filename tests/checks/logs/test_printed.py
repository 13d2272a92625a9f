"""Tracebacks printed by real interpreters, 2.7 to 3.13, in every form in which they reach Cloud Logging."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from checks.logs.failures import scan
from tests.checks.logs.corpus import lines_of
from tests.checks.logs.spread import FORMS

PRINTED = lines_of("printed.jsonl")
FIELDS = ("exception", "name", "module", "kind", "file", "line", "function", "count", "handled")


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@pytest.mark.parametrize("printed", PRINTED, ids=lambda one: f"{one['scenario']}-{one['python']}")
def test_the_same_failures_however_the_text_is_spread(
    printed: dict[str, Any], form: Callable[[str], list[dict[str, Any]]]
) -> None:
    """How a text is cut into entries changes nothing."""
    found = [{field: getattr(one, field) for field in FIELDS} for one in scan(form(printed["text"])).failures]
    assert found == printed["failures"]
