"""Fixtures that every test may use."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import pytest

PROJECT = "nba-props-platform"


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a real local BigQuery, one per test worker; tests keep apart by datasets of their own.

    Without the extra ``embedded`` the test is skipped, and in CI it fails.
    """
    if importlib.util.find_spec("bqemulator") is None:
        reason = 'NOT TESTED against BigQuery: the extra "embedded" is not installed'
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from monitor.embedded import attach_or_start

    with attach_or_start(tmp_path_factory.mktemp("emulator"), PROJECT) as running:
        yield running.endpoint
