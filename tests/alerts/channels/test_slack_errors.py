"""The Slack channel when Slack, or the way to it, does not do as it should."""

from __future__ import annotations

import logging
import socket
from datetime import timedelta

import pytest

from alerts.channels.slack.api import SlackApi
from alerts.channels.slack.channel import SlackChannel
from alerts.model import Action
from alerts.ports import DeliveryError
from tests.support.sending import (
    channel_for,
    dispatch,
    facts_of,
    failure,
    message,
)
from tests.support.slack_http import Fault
from tests.support.slack_server import ALL_SCOPES, TOKEN, SlackServer

# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("invalid_auth", "Set a valid bot token (xoxb-...) of the app: Slack, your app, OAuth & Permissions."),
        ("token_revoked", "Set a valid bot token (xoxb-...) of the app: Slack, your app, OAuth & Permissions."),
        (
            "account_inactive",
            "The app was removed from the workspace: install it again and set its new bot token.",
        ),
        ("not_in_channel", "Write /invite @app in #pipeline-health."),
        (
            "channel_not_found",
            "Correct the channel's name or ID; a private channel needs /invite @app in #pipeline-health first.",
        ),
        ("is_archived", "#pipeline-health is archived: unarchive it or choose another channel."),
        (
            "restricted_action",
            "A workspace administrator must allow the app to post there, or choose another channel.",
        ),
    ],
)
def test_what_a_person_must_change_is_permanent(slack: SlackServer, code: str, remedy: str) -> None:
    """The error names the code and what to do."""
    slack.fault("chat.postMessage", Fault(code=code))
    error = failure(channel_for(slack), dispatch())
    assert (facts_of(error), error.remedy) == ((True, False, None), remedy)
    assert str(error) == f"Slack's chat.postMessage in #pipeline-health: {code}"


def test_a_missing_scope_is_named() -> None:
    """As Slack names it."""
    with SlackServer(scopes=ALL_SCOPES - {"chat:write"}) as slack:
        error = failure(channel_for(slack), dispatch())
    assert facts_of(error) == (True, False, None)
    assert error.remedy == "Add the scope chat:write to the app's bot token and install the app again."


def test_wrong_token_and_wrong_channel(slack: SlackServer) -> None:
    """As the server itself refuses them."""
    wrong = SlackChannel("slack", "xoxb-wrong-token", "#pipeline-health", base_url=slack.base_url)
    assert str(failure(wrong, dispatch())) == "Slack's chat.postMessage in #pipeline-health: invalid_auth"
    assert (
        str(failure(channel_for(slack, "#nope"), dispatch())) == "Slack's chat.postMessage in #nope: channel_not_found"
    )


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        (Fault(status=429, retry_after="7", code="ratelimited"), timedelta(seconds=7)),
        (Fault(status=429, retry_after="soon", code="ratelimited"), None),
        (Fault(status=429, retry_after="9" * 30, code="ratelimited"), timedelta(days=1)),
        (Fault(status=429, retry_after="3", body="<html>slow down</html>"), timedelta(seconds=3)),
        (Fault(code="ratelimited"), None),
    ],
)
def test_a_rate_limit_says_how_long_to_wait(slack: SlackServer, fault: Fault, wait: timedelta | None) -> None:
    """Nothing was posted, and that is certain."""
    slack.fault("chat.postMessage", fault)
    assert facts_of(failure(channel_for(slack), dispatch())) == (False, False, wait)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault(code="some_new_word"), "Slack's chat.postMessage in #pipeline-health: some_new_word"),
        (Fault(code="request_timeout"), "Slack's chat.postMessage in #pipeline-health: request_timeout"),
        (
            Fault(status=404, body="<html>nothing here</html>"),
            "Slack's chat.postMessage: HTTP 404 without a usable answer",
        ),
    ],
)
def test_what_may_pass_is_retried(slack: SlackServer, fault: Fault, text: str) -> None:
    """Unknown words included: somebody's alert depends on it."""
    slack.fault("chat.postMessage", fault)
    error = failure(channel_for(slack), dispatch())
    assert (facts_of(error), str(error)) == ((False, False, None), text)


def test_nothing_of_a_strange_answer_reaches_the_error(slack: SlackServer) -> None:
    """A page may hold anything, also what was sent."""
    slack.fault("chat.postMessage", Fault(body=f"<html>Bearer {TOKEN}</html>"))
    slack.fault("chat.postMessage", Fault(code=f"no {TOKEN}"))
    slack.fault("chat.postMessage", Fault(code="missing_scope", needed=f"<{TOKEN}>"))
    channel = channel_for(slack)
    assert [str(failure(channel, dispatch())) for _ in range(3)] == [
        "Slack's chat.postMessage: HTTP 200 without a usable answer",
        "Slack's chat.postMessage: HTTP 200 without a usable answer",
        "Slack's chat.postMessage in #pipeline-health: missing_scope (needs that its documentation names)",
    ]


def test_a_refused_connection_is_certain() -> None:
    """Nobody listens: nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    channel = SlackChannel("slack", TOKEN, "#pipeline-health", base_url=f"http://127.0.0.1:{port}/api/")
    error = failure(channel, dispatch())
    assert (facts_of(error), str(error)) == (
        (False, False, None),
        "Slack's chat.postMessage: ConnectionRefusedError: Connection refused",
    )


def test_what_was_uncertain_stays_uncertain(slack: SlackServer) -> None:
    """A certain failure of the second attempt says nothing of the first."""
    slack.fault("chat.postMessage", Fault(status=429, retry_after="1"))
    error = failure(channel_for(slack), dispatch(attempt=2, uncertain=True))
    assert facts_of(error) == (False, True, timedelta(seconds=1))


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_blocks_too_long", "invalid_attachments", "metadata_too_large"])
@pytest.mark.parametrize("action", [Action.POST, Action.EDIT])
def test_refused_blocks_are_sent_as_text(
    slack: SlackServer, action: Action, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """In the same send, with all facts, escaped; and the log says so."""
    channel = channel_for(slack)
    root = channel.send(dispatch()) if action is Action.EDIT else None
    slack.fault("chat.update" if root else "chat.postMessage", Fault(code=code))
    channel.send(dispatch(action, message(facts=(("Log", "<!channel>"),)), key="k2", root=root))
    (shown,) = slack.messages
    assert (shown.blocks, shown.lines) == ([], ["🔴 Critical: phase3 incomplete", "*Log*", "  <!channel>"])
    assert "<!channel>" not in shown.text
    assert [record.message for record in caplog.records] == ["sent as text"]


@pytest.mark.parametrize("token", ["", "xoxb-with blank", "xoxb-\nline", "xoxb-ü"])
def test_a_token_that_cannot_be_sent_is_refused_at_once(token: str) -> None:
    """And is not quoted, as http.client would."""
    with pytest.raises(ValueError, match="the Slack token is empty or holds characters that no token has"):
        SlackChannel("slack", token, "#pipeline-health")


def test_a_failure_is_logged_by_whoever_sends_and_not_by_the_sdk(
    slack: SlackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """slack_sdk on its own would log each failure as an error, with the answer in it."""
    slack.fault("chat.postMessage", Fault(body=f"<html>{TOKEN}</html>"))
    with caplog.at_level(logging.DEBUG):
        failure(channel_for(slack), dispatch())
    assert caplog.records == []


def test_the_channel_does_not_show_its_token() -> None:
    """Neither in its repr nor in what it is made of at first sight."""
    channel = SlackChannel("slack", TOKEN, "#pipeline-health")
    assert TOKEN not in repr(channel) + repr(vars(channel))


def test_the_calls_of_one_send_share_a_deadline(slack: SlackServer) -> None:
    """When it is over, no further call is begun."""
    session = SlackApi(TOKEN, slack.base_url, timedelta(seconds=5), timedelta(0)).session()
    with pytest.raises(DeliveryError, match=r"Slack's chat\.postMessage: no time left"):
        session.call("chat.postMessage", "#pipeline-health", {"channel": "C0PIPELINE", "text": "x"})
    assert slack.calls == []
