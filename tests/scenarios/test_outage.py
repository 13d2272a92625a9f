"""The outage as a timeline, on real parts: the local BigQuery, log files, the Slack client; the clock is a value."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor import demo, demo_story
from monitor.report import as_json, gather
from tests.scenarios.world import EVERY, World
from tests.support.slack_server import SlackServer

pytestmark = pytest.mark.emulator
EXPECTED = Path(__file__).with_name("outage.slack.txt")


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


def test_the_whole_outage_is_one_message_with_its_story_in_the_thread(
    tmp_path: Path, emulator: str, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two failures, the phase as consequence, the phase behind it; edited up to the resolution."""
    for name, value in (("SLACK_BOT_TOKEN", slack.token), ("SLACK_BASE_URL", slack.base_url)):
        monkeypatch.setenv(name, value)
    world = World(demo.prepare(tmp_path, demo.WITH_SLACK), emulator)
    world.stage.set()
    at_noon: list[str] = []
    for event in demo_story.story():
        if event.leap:
            world.until(world.now + 2 * EVERY)
            world.now = event.at
            continue
        world.until(event.at)
        world.stage.perform(event)
        if event.report:
            at_noon = slack.conversation()
            report = gather.gather(world.config, world.data, world.store, gather.Request(at=world.now), world.now)
    world.until(world.now + 2 * EVERY)
    world.store.close()

    assert "\n".join(["AT NOON", *at_noon, "", "AT THE END", *slack.conversation(), ""]) == EXPECTED.read_text()
    [root] = slack.messages
    assert len(root.edits) == slack.methods().count("chat.update")

    [incident] = as_json.to_json(report)["incidents"]
    assert [f["kind"] for f in incident["faults"]] == ["log.undefined-name", "phase.stalled", "phase.blocked"]
    phases = {(p.day.phase, str(p.day.run_date)): p for p in report.pipelines[0].phases}
    cause = phases["phase3", "2026-01-25"].cause
    assert cause is not None
    assert (cause.incident, cause.kind) == (1, "log.undefined-name")
    assert cause.summary == "NameError: name 'firestore' is not defined in phase3-to-phase4-orchestrator"
