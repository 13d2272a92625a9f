"""What arrives in Slack when Slack, the token or the watcher fails on the way: all of it, once, in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.model import IncidentState
from checks.model import Clearance
from tests.support.findings import log_failure, phase, run
from tests.support.sending import REPEATED
from tests.support.slack_http import Fault
from tests.support.slack_server import ALL_SCOPES, SlackServer
from tests.support.watched import MINUTE, World

SECOND = timedelta(seconds=1)


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


def fail(world: World, service: str) -> None:
    """A failure that has nothing to do with others."""
    now = world.clock.now()
    finding = log_failure(now, service=service, name=f"name_{service}", file=f"{service}.py")
    world.one_path.absorb(run(now, finding), now)


def recover(world: World, service: str) -> None:
    """It ran after its failure."""
    world.clock.time += SECOND
    now = world.clock.now()
    world.one_path.absorb(run(now, clearances=(Clearance(reason="ran", at=now, service=service),)), now)


def titles(slack: SlackServer) -> list[str]:
    """The first line of each root message, without its sign."""
    return [m.lines[0].partition(" ")[2] for m in slack.messages]


def wait_out(world: World, minutes: int) -> None:
    for _ in range(minutes):
        world.pass_time()


def test_slack_is_down_for_an_hour(tmp_path: Path, slack: SlackServer) -> None:
    """The fallback hears of it once; afterwards Slack has everything as it stands, nothing twice and nothing marked."""
    world = World(tmp_path, slack)
    slack.fault("chat.postMessage", Fault(status=503), times=10_000)
    fail(world, "a")
    wait_out(world, 20)
    fail(world, "b")
    wait_out(world, 20)
    recover(world, "a")
    wait_out(world, 20)
    assert slack.messages == []
    told = world.console.getvalue()
    assert told.count("CRITICAL Alerts do not reach slack") == 1
    assert "not defined in b" in told, "while Slack is known to be dead, new incidents go to the fallback too"

    slack.mend()
    wait_out(world, 15)
    assert {m.lines[0].partition(" ")[2]: len(m.replies) for m in slack.messages} == {
        "Resolved: NameError: name 'name_a' is not defined in a": 1,
        "Critical: NameError: name 'name_b' is not defined in b": 0,
    }
    assert REPEATED not in "\n".join(slack.conversation())
    assert world.open_own() == []
    assert world.store.letters.unsent() == []
    world.store.close()


def test_a_wrong_token_then_the_right_one(tmp_path: Path, slack: SlackServer) -> None:
    """Given up at once and told elsewhere, never tried in a loop; the restart with the right token sends everything."""
    world = World(tmp_path, slack, token="xoxb-wrong")
    fail(world, "a")
    wait_out(world, 30)
    assert slack.methods().count("chat.postMessage") == 1, "a refusal that will not pass is not repeated"
    assert "Set a valid bot token" in " ".join(world.console.getvalue().split())
    assert world.open_own() == ["Alerts do not reach slack"]
    world.store.close()

    mended = World(tmp_path, slack, now=world.clock.now())
    mended.pass_time()
    assert titles(slack) == ["Critical: NameError: name 'name_a' is not defined in a"]
    assert mended.open_own() == []
    mended.store.close()


@pytest.mark.parametrize("scopes", [ALL_SCOPES, frozenset({"chat:write"})], ids=["may look", "may not look"])
def test_an_answer_that_is_lost_makes_no_unmarked_double(tmp_path: Path, scopes: frozenset[str]) -> None:
    """Slack has the message and we do not know: found by its key, or sent again with a mark."""
    with SlackServer(scopes=scopes) as slack:
        world = World(tmp_path, slack)
        slack.fault("chat.postMessage", Fault(cut=True, after_effect=True))
        fail(world, "a")
        wait_out(world, 3)
        marked = [REPEATED in m.lines for m in slack.messages]
        assert marked == ([False] if scopes == ALL_SCOPES else [False, True])
        assert world.store.letters.unsent() == []
        world.store.close()


# --- a restart at every point of a story -----------------------------------------------------------------------------


def _pending(world: World) -> None:
    now = world.clock.now()
    waits = replace(phase(now, state="failed"), pending_for=2 * MINUTE)
    world.one_path.absorb(run(now, waits, check="completions"), now)


def _over(world: World) -> None:
    now = world.clock.now()
    cleared = Clearance(reason="all recorded", at=now, fingerprint=phase(now).fingerprint)
    world.one_path.absorb(run(now, check="completions", clearances=(cleared,)), now)


def _send_one(world: World) -> None:
    outcome = world.delivery.send_next(world.clock.now())
    if outcome is not None:
        world.sending.note(outcome, world.clock.now())


def _die_while_sending(world: World) -> None:
    """Claimed, and the answer of Slack never stored."""
    claimed = world.store.outbox.claim(world.clock.now(), MINUTE, "dead")
    assert claimed is not None
    world.delivery._channels[claimed.destination].send(claimed.dispatch)


STORY: list[Callable[[World], None]] = [
    _pending,  # a fault that is not told yet
    lambda world: world.pass_time(),
    lambda world: world.pass_time(3 * MINUTE),
    _pending,  # it fires; its message waits
    _send_one,  # told
    lambda world: fail(world, "a"),
    _send_one,
    lambda world: recover(world, "a"),  # its edit and reply wait
    _send_one,  # the reply is out, the edit waits
    lambda world: world.work(),
    _over,
    lambda world: world.work(),
]


def played(folder: Path, restart_after: int | None, *, dying: bool = False) -> tuple[list[str], list[tuple[int, str]]]:
    """What Slack shows in the end, and the incidents; with a restart after that step."""
    folder.mkdir()
    with SlackServer() as slack:
        world = World(folder, slack)
        for number, step in enumerate(STORY):
            step(world)
            if number == restart_after:
                if dying and world.store.letters.unsent():
                    _die_while_sending(world)
                world.store.close()
                world = World(folder, slack, now=world.clock.now())
        world.pass_time()
        with world.store.reading() as stored:
            incidents = [(i.id, i.state.value) for i in stored.incidents()]
        assert world.store.letters.unsent() == []
        world.store.close()
        return slack.conversation(), incidents


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[tuple[int, str]]]:
    return played(tmp_path_factory.mktemp("undisturbed") / "state", None)


def test_the_story_is_what_it_seems(undisturbed: tuple[list[str], list[tuple[int, str]]]) -> None:
    """Two incidents, told and ended."""
    conversation, incidents = undisturbed
    assert incidents == [(1, IncidentState.RESOLVED), (2, IncidentState.RESOLVED)]
    assert sum("Resolved:" in line and not line.startswith("    ") for line in conversation) == 2


@pytest.mark.parametrize("dying", [False, True], ids=["stopped", "killed while sending"])
@pytest.mark.parametrize("step", range(len(STORY)))
def test_a_restart_changes_nothing(
    tmp_path: Path, undisturbed: tuple[list[str], list[tuple[int, str]]], step: int, dying: bool
) -> None:
    """In whatever state the faults, the incidents and their messages were."""
    assert played(tmp_path / "state", step, dying=dying) == undisturbed


def test_a_backlog_goes_out_at_the_pace_that_slack_allows(tmp_path: Path) -> None:
    """One message a second in a channel, gravest first, against a server that refuses a faster one."""
    with SlackServer(limited=True) as slack:
        world = World(tmp_path, slack, pace=SECOND)
        for number in range(5):
            fail(world, f"s{number}")
        begin = time.monotonic()
        world.work()
        took = time.monotonic() - begin
        assert (len(slack.messages), slack.refused_for_speed) == (5, 0)
        assert took >= 4
        world.store.close()
