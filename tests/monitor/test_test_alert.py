"""`phasewatch test-alert`, and the daemon's own test every day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from alerts.channels.slack.channel import SlackChannel
from monitor.cli import cli
from monitor.daemon.daily_test import DailyTest, due_since
from tests.support.slack_http import Fault
from tests.support.slack_server import ALL_SCOPES, TOKEN, Channel, SlackServer

CONFIG = """
alerts:
  channels:
    slack: {{token: {token}, channel: "#pipeline-health", base_url: "{api}"}}
    hook: {{kind: webhook, url: "{hook}"}}
    console: {{}}
    later: {{kind: slack, token: "", channel: "#x"}}
"""
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


def call(folder: Path, slack: SlackServer, *arguments: str, token: str = TOKEN) -> Result:
    text = CONFIG.format(token=token, api=slack.base_url, hook=slack.hook_url)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return CliRunner().invoke(cli, ["--config", str(folder / "config.yaml"), "test-alert", *arguments])


def test_each_channel_is_tried_as_far_as_it_can(tmp_path: Path, slack: SlackServer) -> None:
    """Slack: found again by its key, answered, changed, deleted; a webhook says what it cannot."""
    tried = call(tmp_path, slack)
    assert tried.exit_code == 0
    text = " ".join(tried.stdout.split())
    assert "OK slack: the message was sent, found again, answered in its thread, changed, deleted" in text
    assert "OK hook: the message was sent" in text
    assert "note: this kind of channel cannot edit, thread, delete" in text
    [left] = slack.messages
    assert any("TEST: this is a test message" in line for line in left.lines), "the webhook's; Slack's own is deleted"
    posts = [c for c in slack.calls if c.method == "chat.postMessage"]
    assert len(posts) == 2, "one message, one answer: it was recognised and not sent twice"


def test_it_can_be_left_there(tmp_path: Path, slack: SlackServer) -> None:
    """Changed to say that it is over."""
    assert call(tmp_path, slack, "--channel", "slack", "--keep").exit_code == 0
    [root] = slack.messages
    assert "TEST over: phasewatch can write here" in root.lines[0]


@pytest.mark.parametrize(
    ("token", "scopes", "channel", "words"),
    [
        ("xoxb-wrong", ALL_SCOPES, Channel("C0PIPELINE", "pipeline-health"), "Set a valid bot token"),
        (TOKEN, ALL_SCOPES - {"chat:write"}, Channel("C0PIPELINE", "pipeline-health"), "Add the scope chat:write"),
        (TOKEN, ALL_SCOPES, Channel("C0PIPELINE", "pipeline-health", member=False), "Write /invite @app in"),
        (TOKEN, ALL_SCOPES, Channel("C0PIPELINE", "pipeline-health", archived=True), "unarchive it"),
        (TOKEN, ALL_SCOPES, Channel("C0OTHER", "elsewhere"), "Correct the channel's name"),
    ],
)
def test_what_is_missing_is_said_in_words(
    tmp_path: Path, token: str, scopes: frozenset[str], channel: Channel, words: str
) -> None:
    """Token, scope, membership, channel; the exit code is 1."""
    with SlackServer(scopes=scopes, channels=(channel,)) as slack:
        failed = call(tmp_path, slack, "--channel", "slack", token=token)
    assert failed.exit_code == 1
    assert words in " ".join(failed.stdout.split())
    assert token not in failed.output


def test_without_the_scope_to_look_it_says_what_that_costs(tmp_path: Path) -> None:
    """Both messages of the test are deleted again."""
    with SlackServer(scopes=frozenset({"chat:write"})) as slack:
        tried = call(tmp_path, slack, "--channel", "slack")
        assert slack.messages == []
    assert tried.exit_code == 0
    assert "add the scope channels:history" in " ".join(tried.stdout.split())


def test_a_message_that_cannot_be_changed_is_a_failure(tmp_path: Path, slack: SlackServer) -> None:
    """It says how far it came."""
    slack.fault("chat.update", Fault(code="restricted_action"))
    failed = call(tmp_path, slack, "--channel", "slack")
    assert failed.exit_code == 1
    text = " ".join(failed.stdout.split())
    assert "the message could not be changed" in text
    assert "(it was sent, found again, answered in its thread)" in text


def test_channels_that_are_not_there_or_off_are_refused(tmp_path: Path, slack: SlackServer) -> None:
    """With what there is."""
    assert "there is no channel 'slak'" in call(tmp_path, slack, "--channel", "slak").output
    assert "its token is empty" in call(tmp_path, slack, "--channel", "later").output


def test_a_channel_that_cannot_be_made_is_named_without_its_secret(tmp_path: Path) -> None:
    """A usage error, not a traceback."""
    text = 'alerts: {channels: {console: {}, mail: {kind: apprise, url: "nonsense://pa55phrase@host"}}}\n'
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    refused = CliRunner().invoke(cli, ["--config", str(tmp_path / "config.yaml"), "test-alert"])
    assert refused.exit_code == 2
    assert "the channel 'mail' cannot be used: not a URL that Apprise knows" in refused.output
    assert "pa55phrase" not in refused.output


# --- every day --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-01-26T12:59:59+00:00", "2026-01-25T13:00:00+00:00"),
        ("2026-01-26T13:00:00+00:00", "2026-01-26T13:00:00+00:00"),
        ("2026-03-08T12:00:00+00:00", "2026-03-08T12:00:00+00:00"),  # summer time began
        ("2026-03-08T11:59:00+00:00", "2026-03-07T13:00:00+00:00"),
    ],
)
def test_it_is_due_on_the_wall_clock(now: str, due: str) -> None:
    """At 08:00 in New York, across the change of the clocks."""
    assert due_since(datetime.fromisoformat(now), time(8), NEW_YORK) == datetime.fromisoformat(due)


def test_the_daemon_tests_once_a_day_and_remembers_how_it_went(slack: SlackServer) -> None:
    """Whoever claims the day's test does it; a failure is kept until the next one."""
    claimed: set[datetime] = set()
    clock = [datetime(2026, 1, 26, 12, 0, tzinfo=UTC)]

    def claim(name: str, moment: datetime) -> bool:
        fresh = moment not in claimed
        claimed.add(moment)
        return fresh

    channel = SlackChannel("slack", TOKEN, "#pipeline-health", base_url=slack.base_url, pace=timedelta(0))
    test = DailyTest({"slack": channel}, time(8), NEW_YORK, lambda: clock[0], claim)
    test.once()
    assert test.outcomes() == {}, "yesterday's is not made up for today"
    clock[0] += timedelta(hours=1, minutes=1)
    test.once()
    test.once()
    assert test.outcomes() == {"slack": None}
    assert slack.methods().count("chat.update") == 1
    slack.fault("chat.postMessage", Fault(code="not_in_channel"))
    clock[0] += timedelta(days=1)
    test.once()
    [error] = test.outcomes().values()
    assert error is not None
    assert "not_in_channel" in error
