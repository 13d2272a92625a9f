"""Fixtures for the tests of channels."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.slack_server import SlackServer


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    """A workspace with one channel that the app is a member of, and all scopes."""
    with SlackServer() as server:
        yield server
