"""A conversation over a real Slack client, for the timelines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.conversation import Conversation
from tests.support.slack_server import Channel, SlackServer


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    channels = (Channel("C0MAIN", "slack"), Channel("C0CALL", "oncall"))
    with SlackServer(channels=channels) as server:
        yield server


@pytest.fixture
def talk(tmp_path: Path, slack: SlackServer) -> Iterator[Conversation]:
    told = Conversation(f"sqlite:///{tmp_path / 'state.db'}", slack)
    yield told
    told.close()
