"""The supervisor on a real state: faults of its own are stored, told through another path, and end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from alerts.model import IncidentState
from monitor.daemon.itself import NAME
from monitor.daemon.scheduler import Beat
from tests.support.findings import START, log_failure, run
from tests.support.slack_http import Fault
from tests.support.slack_server import SlackServer
from tests.support.watched import MINUTE, World


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


@pytest.fixture
def world(tmp_path: Path, slack: SlackServer) -> Iterator[World]:
    made = World(tmp_path, slack)
    yield made
    made.store.close()


def test_a_refusing_slack_is_told_on_the_fallback_and_ends_with_the_first_message(
    world: World, slack: SlackServer
) -> None:
    """At once, with what is not told there; when the token is right again everything arrives, in order, once."""
    slack.fault("chat.postMessage", Fault(code="invalid_auth"), times=1000)
    world.one_path.absorb(run(START, log_failure(START)), START)
    world.work()
    world.pass_time()
    told = world.console.getvalue()
    assert "CRITICAL Alerts do not reach slack" in told
    assert "Set a valid bot token" in told
    assert "NameError: name 'firestore' is not defined" in told, "what waits is named"
    assert world.open_own() == ["Alerts do not reach slack"]

    slack.mend()
    # News go to the dead channel and, as that is known to be dead, to the fallback as well.
    now = world.clock.now()
    world.one_path.absorb(run(now, log_failure(now, service="scrapers")), now)
    world.work()
    world.pass_time()
    assert "in scrapers" in world.console.getvalue()
    [root] = slack.messages
    assert "phase3-to-phase4-orchestrator" in root.lines[0]
    assert any("scrapers" in line for reply in root.replies for line in reply.lines)
    assert world.open_own() == []
    assert "slack takes messages again" in world.console.getvalue() or "RESOLVED" in world.console.getvalue()
    with world.store.reading() as stored:
        own = [i for i in stored.incidents() if i.root == "delivery:slack"]
    assert [i.state for i in own] == [IncidentState.RESOLVED]


def test_a_slack_that_does_not_answer_is_told_after_five_minutes(world: World, slack: SlackServer) -> None:
    """Not at the first hiccup."""
    slack.fault("chat.postMessage", Fault(status=500), times=1000)
    world.one_path.absorb(run(START, log_failure(START)), START)
    world.work()
    for _ in range(4):
        world.pass_time()
    assert world.open_own() == []
    for _ in range(3):
        world.pass_time()
    assert world.open_own() == ["Alerts do not reach slack"]


def test_a_check_that_stops_ticking_is_told_and_ends(world: World) -> None:
    """In Slack and on the fallback."""
    world.work()
    for _ in range(20):  # looks go on, ticks do not
        world.clock.time += MINUTE / 2
        world.work()
    assert world.open_own() == ["The check logs does not run"]
    assert world.supervisor.verdict() == ["The check logs does not run: its last run ended 10 min ago"]
    world.work()
    assert "The check logs does not run" in world.console.getvalue()
    world.pass_time()
    assert world.open_own() == []
    assert world.supervisor.verdict() is None


def test_a_machine_that_slept_is_no_check_that_does_not_run(world: World) -> None:
    """The first look after a night says nothing; the checks have their usual time to tick again."""
    world.work()
    world.clock.time += 600 * MINUTE
    world.work()
    assert world.open_own() == []
    assert world.supervisor.verdict() is None
    world.pass_time()
    assert world.open_own() == []


def fill_up(world: World) -> None:
    """One finding after the other, which nobody is told of, until the last page is used."""
    now = world.clock.now()
    for number in range(1000):
        world.one_path.absorb(run(now, log_failure(now, service=f"s{number}", quiet=True)), now)


def test_a_full_disk_is_told_directly_and_its_end_as_well(world: World) -> None:
    """SQLite itself refuses (SQLITE_FULL): nothing can be stored, not even the message that says so."""
    world.work()
    with world.store.engine.connect() as db:
        pages = db.exec_driver_sql("PRAGMA page_count").scalar_one()

    def full(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(world.store.engine, "connect", full)
    world.store.engine.dispose()
    with pytest.raises(OperationalError, match="database or disk is full") as caught:
        fill_up(world)
    world.ticks.errors = {"logs": f"OperationalError: {caught.value}"}
    world.pass_time()
    world.pass_time()
    told = world.direct.getvalue()
    assert told.count("CRITICAL phasewatch cannot write its state") == 1, "once, not every five seconds"
    assert "database or disk is full" in " ".join(told.split())
    verdict = world.supervisor.verdict()
    assert verdict is not None
    assert any("The state cannot be written" in sentence for sentence in verdict)

    event.remove(world.store.engine, "connect", full)
    world.store.engine.dispose()
    world.ticks.errors = {}
    world.pass_time()
    assert "RESOLVED phasewatch cannot write its state" in world.direct.getvalue()
    assert world.supervisor.verdict() is None


def test_it_shows_once_a_minute_that_somebody_looks_and_no_more_often(world: World) -> None:
    """A healthy watcher does not fill its own state."""
    for _ in range(20):
        world.clock.time += timedelta(seconds=5)
        world.ticks.last = {"logs": Beat(every=MINUTE, ended_at=world.clock.now())}
        world.supervisor.once()
    assert 2 <= world.store.upkeep.size().rows["check_runs"] <= 3
    with world.store.reading() as stored:
        [last] = stored.last_runs()
    assert last.check == NAME


def test_it_prunes_once_an_hour(world: World) -> None:
    """Runs of checks that are too old go."""
    world.work()
    world.pass_time(timedelta(days=20))
    world.pass_time(timedelta(hours=2))
    assert world.store.upkeep.size().rows["check_runs"] <= 3


def test_a_verdict_is_only_good_if_somebody_looked_lately(world: World) -> None:
    """A supervisor that hangs must not be vouched for."""
    world.work()
    world.clock.time += 3 * MINUTE
    world.ticks.last = {"logs": Beat(every=MINUTE, ended_at=world.clock.now())}
    assert world.supervisor.verdict() == ["the supervisor does not look any more"]


def test_a_scheduler_that_is_being_replaced_is_no_fault(world: World) -> None:
    """A reload ends one and begins another; a stop ends it on purpose."""
    world.work()
    world.supervisor.expect_no_scheduler()
    world.ticks.alive = False
    world.work()
    assert world.open_own() == []
    assert world.supervisor.verdict() is None
    world.supervisor.watch(world.supervisor._watched, world.supervisor._emergency)
    world.work()
    assert world.open_own() == ["No check runs: the scheduler has ended"]
