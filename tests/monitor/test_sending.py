"""The delivery loop: it rests while nobody writes to the state, and misses nothing, whoever writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event

from alerts.delivery import Delivery
from alerts.model import Action
from alerts.ports import DeliveryError
from alerts.store.sql import Store
from monitor.daemon.sending import IDLE_SECONDS, Sending
from tests.support.outbox import Recorder, put


@pytest.fixture
def store(state_url: str) -> Iterator[Store]:
    with closing(Store(state_url)) as opened:
        yield opened


@contextmanager
def sending(store: Store, channel: Recorder) -> Iterator[Sending]:
    """The loop in its thread; pauses between attempts are a hundredth of what they are."""
    stop = threading.Event()
    delivery = Delivery(store.outbox, {"slack": channel}, "test", speed=0.01)
    loop = Sending(delivery, store.outbox, lambda: datetime.now(UTC), stop, lambda: None)
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield loop
    finally:
        stop.set()
        loop.wake()
        thread.join()


def titles(channel: Recorder, number: int) -> list[str]:
    """What was sent, once it is so many."""
    deadline = time.monotonic() + 20
    while len(channel.sent) < number and time.monotonic() < deadline:
        time.sleep(0.02)
    return [dispatch.message.title for dispatch in channel.sent]


def test_whoever_writes_it_is_sent(store: Store, state_url: str) -> None:
    """Before the start, meanwhile, and by another process, which cannot wake the loop."""
    put(store, 1, Action.POST)
    channel = Recorder()
    with sending(store, channel) as loop, closing(Store(state_url)) as elsewhere:
        assert titles(channel, 1) == ["n1"]
        put(store, 2, Action.REPLY)
        loop.wake()
        assert titles(channel, 2) == ["n1", "n2"]
        put(elsewhere, 3, Action.REPLY)
        assert titles(channel, 3) == ["n1", "n2", "n3"]


def test_what_was_refused_is_tried_again_in_its_time(store: Store) -> None:
    """Nobody writes and nobody wakes the loop: it knows when."""
    put(store, 1, Action.POST)
    channel = Recorder(DeliveryError("timeout"), DeliveryError("timeout"))
    with sending(store, channel):
        assert titles(channel, 1) == ["n1"]


def test_while_nobody_writes_nothing_is_asked(tmp_path: Path) -> None:
    """On SQLite; of a server the loop must ask."""
    with closing(Store(f"sqlite:///{tmp_path}/state.db")) as store:
        put(store, 1, Action.POST)
        channel = Recorder()
        asked: list[str] = []
        with sending(store, channel):
            assert titles(channel, 1) == ["n1"]
            time.sleep(2 * IDLE_SECONDS)  # what it wrote itself is looked at
            event.listen(store.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
            time.sleep(3 * IDLE_SECONDS)
            assert asked == []
            put(store, 2, Action.REPLY)
            assert titles(channel, 2) == ["n1", "n2"]
        assert asked


def test_a_version_lasts_until_somebody_writes(store: Store, state_url: str) -> None:
    """To read is not to write. A server's versions are never equal: nothing is missed there."""
    version = store.outbox.version()
    store.outbox.next_due()
    lasts = store.engine.dialect.name == "sqlite"
    assert (store.outbox.version() == version) is lasts
    put(store, 1, Action.POST)
    mine = store.outbox.version()
    with closing(Store(state_url)) as elsewhere:
        put(elsewhere, 2, Action.REPLY)
        assert len({version, mine, store.outbox.version()}) == 3
