"""kill -9 at random points of a cycle: no incident is lost, and no message comes twice without a mark.

20 kills here; `make soak` does 200 (PHASEWATCH_KILLS). The seed is in the test's name.
"""

from __future__ import annotations

import os
import random
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from alerts.store.sql import Store
from tests.support.cycle import Cycles
from tests.support.sending import REPEATED
from tests.support.slack_server import ALL_SCOPES, Posted, SlackServer

KILLS = int(os.environ.get("PHASEWATCH_KILLS", "20"))
# Enough for some ticks and messages on a busy machine; most lives end inside one.
LONGEST_LIFE = 0.4


def key_of(message: Posted) -> str:
    """The delivery key, which Slack keeps with a message."""
    assert message.metadata is not None
    key: str = message.metadata["event_payload"]["key"]
    return key


def title_of(message: Posted) -> str:
    """The headline, below the mark of a message that may be a repetition."""
    return next(line for line in message.lines if REPEATED not in line)


def unmarked(messages: list[Posted]) -> list[str]:
    """The keys of which more than one message has no mark."""
    plain = Counter(key_of(m) for m in messages if not any(REPEATED in line for line in _ever(m)))
    return sorted(key for key, times in plain.items() if times > 1)


def _ever(message: Posted) -> list[str]:
    """All that a message showed at any time: an edit replaces its mark."""
    return [*message.lines, *(str(blocks) + text for text, blocks in message.edits)]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [int(os.environ.get("PHASEWATCH_SEED", "1"))])
@pytest.mark.parametrize("scopes", [ALL_SCOPES, frozenset({"chat:write"})], ids=["may look", "may not look"])
def test_killed_at_random_points(tmp_path: Path, scopes: frozenset[str], seed: int) -> None:
    """Every life gets new failures and ends of older ones; the last one is left to end."""
    chance = random.Random(seed)
    ends: Counter[int] = Counter()
    told: dict[str, bool] = {}
    with SlackServer(scopes=scopes) as slack, Cycles(tmp_path, slack) as cycles:
        slack.lag = 0.01
        while ends[-9] < KILLS:
            # Ends are those of earlier lives: a failure beats an end that is seen together with it.
            open_ones = sorted(name for name, over in told.items() if not over)
            for service in [f"s{len(told)}", f"s{len(told) + 1}"]:
                told[service] = False
                cycles.feed(service, over=False)
            for service in chance.sample(open_ones, min(1, len(open_ones))):
                told[service] = True
                cycles.feed(service, over=True)
            ends[cycles.run(kill_after=chance.uniform(0.0, LONGEST_LIFE))] += 1
        assert cycles.run() == 0
    assert ends[1] == 0, "a life that failed by itself"

    store = Store(f"sqlite:///{tmp_path}/state.db")
    with store.reading() as stored:
        incidents = {i.root.split(":")[1]: i.state.value for i in stored.incidents()}
        assert len(stored.incidents()) == len(told)
    assert incidents == {service: "resolved" if over else "open" for service, over in told.items()}, "none is lost"
    assert store.letters.unsent() == []
    store.close()

    by_incident = defaultdict(list)
    for message in slack.messages:
        by_incident[title_of(message).rpartition(" in ")[2]].append(message)
    assert set(by_incident) == set(told), "each was told"
    replies = [reply for message in slack.messages for reply in message.replies]
    assert unmarked(slack.messages) == []
    assert unmarked(replies) == []
    if scopes == ALL_SCOPES:
        assert len(slack.messages) == len(told), "what arrived was recognised: nothing comes twice at all"
        assert len(replies) == sum(told.values())
    for service, over in told.items():
        shown = title_of(by_incident[service][-1])
        assert ("Resolved:" in shown) is over, f"{service} shows its present state"
