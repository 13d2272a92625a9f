"""What would have been told over past days: the outage replayed on a state that is thrown away."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from alerts.model import Why
from monitor import demo, demo_story
from monitor import preview as replay
from monitor.cli import cli
from monitor.wiring import parts
from tests.scenarios.world import World

pytestmark = pytest.mark.emulator
EVERY = timedelta(hours=3)


def test_the_outage_is_previewed_as_it_would_have_been_told(tmp_path: Path, emulator: str) -> None:
    """After the fact: the whole story is in the logs and the table; each tick sees what was visible then."""
    world = World(demo.prepare(tmp_path), emulator)
    world.stage.set()
    for event in demo_story.story():
        world.stage.perform(event)
    end = max(event.at for event in demo_story.story()) + 2 * EVERY
    rules = replay.without_digest(parts.rules(world.config))
    checks = replay.checks_of_the_past(world.config, world.data, demo_story.START, end)
    shares: list[float] = []
    result = replay.preview(checks, rules, demo_story.START, end, every=EVERY, tell=shares.append)

    posts = [said for said in result.said if said.action == "post"]
    assert [said.why for said in posts] == [Why.NEW]
    assert posts[0].title.startswith("NameError: name 'firestore' is not defined")
    replies = {said.why for said in result.said if said.action == "reply"}
    assert {Why.JOINED, Why.REMINDER, Why.RESOLVED} <= replies
    assert result.said[-1].why is Why.RESOLVED
    assert [said.at for said in result.said] == sorted(said.at for said in result.said)
    assert result.edits >= len(replies)
    assert (shares == sorted(shares), shares[-1]) == (True, 1.0)
    assert list(tmp_path.glob("**/phasewatch.db")) == [Path(world.config.folder, "var", "phasewatch.db")], (
        "only the world's own state is there"
    )
    with world.store.reading() as stored:
        assert stored.incidents() == []
    world.store.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "yesterday"), "'yesterday' is no time"),
        (("--from", "2026-01-26T10:00"), "has no offset"),
        (("--from", "2026-01-26T10:00Z", "--to", "2026-01-25T10:00Z"), "must end after it begins"),
        (("--from", "2026-01-26T10:00Z", "--to", "2036-01-25T10:00Z"), "not in the future"),
        (("--from", "2020-01-26T10:00Z"), "at most 62 days"),
        (("--from", "2026-01-26T10:00Z", "--to", "2026-01-27T10:00Z", "--every", "1s"), "at least 5s"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    """Before anything is asked."""
    config = tmp_path / "config.yaml"
    config.write_text("pipelines: []\n", encoding="utf-8")
    result = CliRunner().invoke(cli, ["--config", str(config), "alerts", "preview", *arguments])
    assert (result.exit_code, words in result.output) == (2, True), result.output


def test_without_anything_to_tell_it_says_so(tmp_path: Path, emulator: str) -> None:
    """Machine-readable, and nothing left behind."""
    config = tmp_path / "config.yaml"
    endpoint = f"gcp: {{endpoints: {{bigquery: '{emulator}'}}}}"
    config.write_text(f"pipelines: []\n{endpoint}\n", encoding="utf-8")
    arguments = ["--from", "2026-01-26T10:00Z", "--to", "2026-01-26T12:00Z", "--every", "1h", "--format", "json"]
    result = CliRunner().invoke(cli, ["--config", str(config), "alerts", "preview", *arguments])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["messages"], told["suppressed"], told["edits"]) == ([], {}, 0)
    assert not list(tmp_path.glob("**/*.db"))
