"""`phasewatch demo` as people run it: the whole story, once, in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.slack_server import SlackServer
from tests.support.watching import phasewatch

pytestmark = [pytest.mark.emulator, pytest.mark.timeout(240)]


def test_the_demo_tells_the_whole_story_in_one_message(tmp_path: Path) -> None:
    """On the console and in Slack: one root message with its two failures and the phases behind, edited to its end."""
    with SlackServer() as slack:
        done = phasewatch(
            tmp_path, "demo", "--slack", SLACK_BOT_TOKEN=slack.token, SLACK_BASE_URL=slack.base_url, patience=200
        )
        assert done.returncode == 0, done.stdout + done.stderr
        others = ["\n".join(message.lines) for message in slack.messages[1:]]
        assert others == [], "one message, nothing else"
        root = slack.messages[0]
        shown = "\n".join(root.lines)
    assert root.lines[0].startswith("✅ Resolved: phase3 of 25 January 2026")
    assert "NameError: name 'firestore' is not defined in phase3-to-phase4-orchestrator" in shown
    assert "ModuleNotFoundError: No module named 'shared.utils' in phase3-to-phase4-orchestrator" in shown
    assert "phase4 of 25 January 2026" in shown
    assert "Lasted: 47 h" in shown
    assert len(root.edits) >= 3
    assert "incident #1: 4 faults, one message, resolved." in done.stdout
    assert "cause    incident #1: NameError" in done.stdout, "the report names the cause"
    assert "\x1b" not in done.stdout
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"
