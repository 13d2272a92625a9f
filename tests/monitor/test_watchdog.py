"""The ping to the outside: only after a good cycle, never for long, and never with its address in a message."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Self

import pytest

from monitor.daemon import watchdog
from monitor.daemon.watchdog import Watchdog, ping
from tests.support.sink import Sink
from tests.support.watching import eventually

OFTEN = timedelta(seconds=0.05)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        yield server


class Running:
    """A watchdog in its thread, with a verdict that can be changed."""

    def __init__(self, url: str, *, start_and_fail: bool = True) -> None:
        self.wrong: Sequence[str] | None = None
        self._stop = threading.Event()
        self.dog = Watchdog(url, OFTEN, lambda: self.wrong, self._stop, start_and_fail=start_and_fail)
        self._thread = threading.Thread(target=self.dog.run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)
        assert not self._thread.is_alive()


def test_it_says_start_then_success_then_what_is_wrong(sink: Sink) -> None:
    """As Healthchecks understands it: URL/start, URL, URL/fail with a body."""
    with Running(f"http://{sink.address}/ping/uuid") as running:
        eventually(lambda: "/ping/uuid" in [r.path for r in sink.received], "a good cycle")
        running.wrong = ["The check logs does not run", "Alerts do not reach slack"]
        eventually(lambda: sink.received[-1].path.endswith("/fail"), "a bad one")
    paths = [r.path for r in sink.received]
    assert paths[0] == "/ping/uuid/start"
    assert set(paths[1:]) == {"/ping/uuid", "/ping/uuid/fail"}
    assert sink.received[-1].body == "The check logs does not run\nAlerts do not reach slack"


def test_a_service_that_knows_only_success_hears_nothing_of_a_bad_cycle(sink: Sink) -> None:
    """Its silence is the alarm; a query in the address stays at its end."""
    with Running(f"http://{sink.address}/push?key=1", start_and_fail=False) as running:
        eventually(lambda: sink.received, "a ping")
        running.wrong = ["x"]
        time.sleep(0.2)
        before = len(sink.received)
        time.sleep(0.3)
        assert len(sink.received) == before
    assert {r.path for r in sink.received} == {"/push?key=1"}


def test_a_word_goes_before_the_query(sink: Sink) -> None:
    """`/ping/slug?create=1` becomes `/ping/slug/start?create=1`."""
    with Running(f"http://{sink.address}/ping/slug?create=1"):
        eventually(lambda: sink.received, "the start")
    assert sink.received[0].path == "/ping/slug/start?create=1"


def test_a_verdict_that_breaks_is_no_good_cycle(sink: Sink) -> None:
    """Told as a failure."""
    stop = threading.Event()

    def broken() -> None:
        raise RuntimeError("state gone")

    dog = Watchdog(f"http://{sink.address}/p", OFTEN, broken, stop, start_and_fail=True)
    thread = threading.Thread(target=dog.run)
    thread.start()
    eventually(lambda: [r for r in sink.received if r.path == "/p/fail"], "a failure")
    stop.set()
    thread.join(5)
    assert {r.path for r in sink.received} == {"/p/start", "/p/fail"}


def test_what_keeps_it_from_arriving_is_said_without_the_address(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is a secret."""
    url = f"http://{sink.address}/secret-uuid"
    sink.status = 404
    assert ping(url) == "it answers HTTP 404"
    monkeypatch.setattr(watchdog, "DEADLINE_SECONDS", 0.2)
    sink.hangs = True
    begin = time.monotonic()
    assert ping(url) == "no answer in time"
    assert time.monotonic() - begin < 2
    assert ping("http://127.0.0.1:1/secret-uuid") == "ConnectionRefusedError: Connection refused"


def test_that_it_does_not_arrive_is_known_until_it_does(sink: Sink) -> None:
    """For `/readyz` and an alert."""
    sink.status = 500
    with Running(f"http://{sink.address}/p") as running:
        eventually(lambda: running.dog.error == "it answers HTTP 500", "the error")
        sink.status = 200
        eventually(lambda: running.dog.error is None, "its end")
