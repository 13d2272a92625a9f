"""Short messages, dispatches and sends for the tests of channels."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.channels.slack.channel import SlackChannel
from alerts.model import Action, Dispatch, IncidentState, Message
from alerts.ports import DeliveryError
from checks.model import Severity
from tests.support.slack_server import START, TOKEN, SlackServer

CREATED = datetime.fromtimestamp(START, UTC)
QUICK = timedelta(seconds=0.3)
REPEATED = "May repeat an earlier message: delivery was not confirmed."
CONTINUES = "Continues an earlier message that can no longer be changed."


def channel_for(server: SlackServer, channel: str = "#pipeline-health", **options: Any) -> SlackChannel:
    """The channel under test."""
    unhurried: dict[str, Any] = {"pace": timedelta(0)}
    return SlackChannel("slack", server.token, channel, base_url=server.base_url, **(unhurried | options))


def message(title: str = "phase3 incomplete", **changes: Any) -> Message:
    """A short message."""
    fields = {"severity": Severity.CRITICAL, "state": IncidentState.OPEN, "title": title, "summary": ""} | changes
    return Message(**fields)


def dispatch(action: Action = Action.POST, shown: Message | None = None, **changes: Any) -> Dispatch:
    """A first attempt at sending a short message."""
    fields: dict[str, Any] = {
        "key": "k1",
        "action": action,
        "message": shown or message(),
        "created_at": CREATED,
        "attempt": 1,
    }
    return Dispatch(**(fields | changes))


def failure(channel: SlackChannel, wanted: Dispatch) -> DeliveryError:
    """The error of a send that fails; no trace of it may hold the token."""
    with pytest.raises(DeliveryError) as caught:
        channel.send(wanted)
    error = caught.value
    assert TOKEN not in "".join(traceback.format_exception(error, chain=True)) + repr(error.remedy)
    # Not even out of sight, where a crash reporter would find it.
    assert (error.__cause__, error.__context__) == (None, None)
    return error


def facts_of(error: DeliveryError) -> tuple[bool, bool, timedelta | None]:
    """What delivery decides by: permanent, uncertain, retry_after."""
    return error.permanent, error.uncertain, error.retry_after
