"""`phasewatch doctor` and `phasewatch test-alert` against a real Slack server, in good and bad cases."""

from __future__ import annotations

import json

import pytest

from tests.support.doctor import Place, told
from tests.support.slack_http import Fault
from tests.support.slack_server import ALL_SCOPES, Channel, SlackServer


def test_a_wrong_token_is_told_and_not_shown(place: Place) -> None:
    """Nor is it in the JSON."""
    result = place.run("doctor", "--format", "json", token="xoxb-wrong-0123456789")
    verdicts = {v["name"]: v for v in json.loads(result.stdout)["verdicts"]}
    assert told(verdicts["slack"]) == (
        "FAILED",
        "Slack's auth.test in #pipeline-health: invalid_auth",
        "Set a valid bot token (xoxb-...) of the app: Slack, your app, OAuth & Permissions.",
    )
    assert (result.exit_code, "0123456789" in result.stdout) == (1, False)


def test_a_missing_scope_is_named(place: Place, slack: SlackServer) -> None:
    """The one without which nothing can be sent is a failure; the others are what would be better."""
    slack.scopes = ALL_SCOPES - {"chat:write"}
    code, verdicts = place.doctor()
    assert (code, told(verdicts["slack"])) == (
        1,
        (
            "FAILED",
            "the app may not write (no scope chat:write)",
            "Add the scope chat:write to the app's bot token (OAuth & Permissions) and install the app again.",
        ),
    )
    slack.scopes = frozenset({"chat:write"})
    _, verdicts = place.doctor()
    assert told(verdicts["slack"])[:2] == ("OK", "signed in as phasewatch of test; its token works")
    assert verdicts["slack"]["notes"] == [
        "without the scope channels:history phasewatch cannot look to find a message whose delivery was not confirmed",
        "without the scope channels:read phasewatch cannot look to find the channel by its name",
        "whether #pipeline-health can be reached is not known; `phasewatch test-alert` tells",
    ]


@pytest.mark.parametrize(
    ("channel", "known", "said", "remedy"),
    [
        (
            "#nowhere",
            Channel("C0PIPELINE", "pipeline-health"),
            "#nowhere is not among the app's channels",
            "Correct the channel's name, or write /invite @app in #nowhere.",
        ),
        (
            "C0NOWHERE",
            Channel("C0PIPELINE", "pipeline-health"),
            "Slack's conversations.info in C0NOWHERE: channel_not_found",
            "Correct the channel's name or ID; a private channel needs /invite @app in C0NOWHERE first.",
        ),
        (
            "C0PIPELINE",
            Channel("C0PIPELINE", "pipeline-health", member=False),
            "the app is not in C0PIPELINE",
            "Write /invite @app in C0PIPELINE.",
        ),
        (
            "C0PIPELINE",
            Channel("C0PIPELINE", "pipeline-health", archived=True),
            "C0PIPELINE is archived",
            "Unarchive it or choose another channel.",
        ),
    ],
)
def test_a_channel_that_cannot_be_reached_is_told(  # noqa: PLR0917 - pytest passes them by name
    place: Place, slack: SlackServer, channel: str, known: Channel, said: str, remedy: str
) -> None:
    """Not there, not invited, archived."""
    slack.channels = {known.id: known}
    code, verdicts = place.doctor(channel=channel)
    assert (code, told(verdicts["slack"])) == (1, ("FAILED", said, remedy))


def test_a_slack_that_does_not_answer_is_not_seen(place: Place, slack: SlackServer) -> None:
    """Which is no fault of the configuration."""
    slack.fault("auth.test", Fault(hang=True))
    _, verdicts = place.doctor()
    assert (verdicts["slack"]["state"], verdicts["slack"]["blind"]) == ("FAILED", True)


def test_a_channel_without_a_token_is_off(place: Place) -> None:
    """Nothing to try, nothing wrong."""
    _, verdicts = place.doctor(token="")
    assert told(verdicts["slack"]) == ("OFF", "its token is empty", None)


def test_one_channel_can_be_chosen(place: Place, slack: SlackServer) -> None:
    """By its name; one that is not there or off is a mistake."""
    assert place.run("test-alert", "--channel", "console").exit_code == 0
    assert slack.messages == []
    assert place.run("test-alert", "--channel", "pager").exit_code == 2
    result = place.run("test-alert", "--channel", "slack", token="")
    assert (result.exit_code, "is switched off: its token is empty" in result.stderr) == (2, True)


def test_a_message_that_does_not_arrive_is_told(place: Place) -> None:
    """With what to do, and the other channels are tried all the same."""
    result = place.run("test-alert", token="xoxb-wrong-0123456789")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-4:] == [
        "FAILED  slack: the message could not be sent: Slack's chat.postMessage in",
        "        #pipeline-health: invalid_auth",
        "        -> Set a valid bot token (xoxb-...) of the app: Slack, your app, OAuth &",
        "           Permissions.",
    ]
    assert "OK      console: the message was sent" in result.stdout
    assert "0123456789" not in result.output
