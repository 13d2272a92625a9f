"""What people say, by the shell and by HTTP: carried out on a real state, refused with the reason."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from alerts.notify.routing import Route, Routing
from alerts.store.sql import Store
from checks.model import JsonValue
from monitor import people
from monitor.cli import cli
from monitor.daemon.heard import Heard
from monitor.daemon.tick import Path as OnePath
from monitor.report.model import HealthReport
from monitor.server import routes
from monitor.server.web import WebServer, bind
from monitor.wiring.rules import Rules
from tests.support.findings import SERVICE, at, log_failure, run
from tests.support.pipelines import nba

TOKEN = "a-token-of-the-tests"
CONFIG = "alerts: {channels: {console: {}}}\nstate: {url: sqlite:///state.db}\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A state with one open incident."""
    opened = Store(f"sqlite:///{tmp_path / 'state.db'}")
    one_path(opened).absorb(run(at(0), log_failure(at(0))), at(0))
    yield opened
    opened.close()


def one_path(store: Store) -> OnePath:
    rules = Rules(
        pipelines=(nba(),),
        routing=Routing(routes=(Route(to=("console",)),)),
        zone=ZoneInfo("UTC"),
        blind_after=timedelta(minutes=10),
    )
    return OnePath(store, rules, lambda: at(0))


# --- HTTP --------------------------------------------------------------------------------------------------------


class Sample:
    """A watcher that has nothing to show."""

    def alive(self) -> tuple[bool, dict[str, JsonValue]]:
        return True, {}

    def ready(self) -> tuple[bool, dict[str, JsonValue]]:
        return True, {}

    def report(self, query: Any) -> HealthReport:
        raise ValueError("nothing to show")

    def metrics(self) -> bytes:
        return b""


class Served:
    """Says things over HTTP; an answer is (status, JSON)."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.woken = 0

    def say(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        given = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        asked = urllib.request.Request(self._url + path, data=data, headers=given, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")


@pytest.fixture(params=[None, TOKEN], ids=["open", "guarded"])
def served(store: Store, request: pytest.FixtureRequest) -> Iterator[tuple[Served, dict[str, str]]]:
    path = one_path(store)
    woken: list[int] = []
    heard = Heard(store, path, lambda: at(1), lambda: woken.append(1))
    server = WebServer(bind("127.0.0.1", 0), lambda: routes.application(Sample(), request.param, heard))
    server.start()
    try:
        yield Served(server.url), {} if request.param is None else {"Authorization": f"Bearer {request.param}"}
    finally:
        server.stop()


def test_people_acknowledge_silence_and_resolve_over_http(served: tuple[Served, dict[str, str]], store: Store) -> None:
    """Each is stored, answered, and visible to the next."""
    http, key = served
    status, answer = http.say("POST", "/api/v1/incidents/1/ack", {"author": "anna", "note": "on it"}, **key)
    assert (status, answer) == (200, {"incident": 1, "acknowledged_by": "anna"})
    with store.reading() as stored:
        assert stored.people.acknowledged([1])[1].note == "on it"

    wanted = {"author": "anna", "reason": "rerun", "for": "2h", "phase": "phase3", "until_resolved": True}
    status, made = http.say("POST", "/api/v1/silences", wanted, **key)
    assert (status, made["match"], made["ends_at"]) == (200, {"phase": "phase3"}, "2026-01-26T14:00:00Z")
    assert http.say("GET", "/api/v1/silences", **key) == (200, {"silences": [made]})
    status, ended = http.say("DELETE", f"/api/v1/silences/{made['id']}", {"author": "bert"}, **key)
    assert (status, ended["active"], ended["ended_by"]) == (200, False, "bert")

    resolved = http.say("POST", "/api/v1/incidents/1/resolve", {"author": "anna", "reason": "mended"}, **key)
    assert resolved == (200, {"incident": 1, "faults_closed": 1})
    again = http.say("POST", "/api/v1/incidents/1/resolve", {"author": "anna", "reason": "mended"}, **key)
    assert again == (404, {"error": "incident #1 is not open"})


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/api/v1/incidents/9/ack", {"author": "anna"}, 404, "there is no incident #9"),
        ("/api/v1/incidents/1/ack", {}, 400, "say who you are"),
        ("/api/v1/incidents/1/resolve", {"author": "anna"}, 400, "a reason is needed"),
        ("/api/v1/silences", {"author": "a", "reason": "r", "for": "2h"}, 400, "nothing is said"),
        ("/api/v1/silences", {"author": "a", "reason": "r", "phase": "x"}, 400, "say when it ends"),
        ("/api/v1/silences", {"author": "a", "reason": "r", "phase": "x", "for": "2 weeks"}, 400, "write 30m, 2h"),
        ("/api/v1/silences", {"author": "a", "reason": "r", "phase": "x", "fro": "2h"}, 400, "unknown field 'fro'"),
        ("/api/v1/silences", {"author": "a", "reason": "r", "phase": "x", "until": "2020-01-01T00:00Z"}, 400, "over"),
        ("/api/v1/silences", ["phase"], 400, "expected an object"),
        ("/api/v1/silences", {"author": "a" * 20_000}, 400, "more than 16384 bytes"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(
    served: tuple[Served, dict[str, str]], path: str, body: object, status: int, words: str
) -> None:
    """Nothing is stored."""
    http, key = served
    code, answer = http.say("POST", path, body, **key)
    assert code == status
    assert words in answer["error"]
    assert http.say("GET", "/api/v1/silences", **key)[1] == {"silences": []}


def test_a_form_of_another_page_is_not_taken(served: tuple[Served, dict[str, str]]) -> None:
    """A browser sends these without asking: no JSON header, no effect. And the token rule holds for all of it."""
    http, key = served
    code, answer = http.say("POST", "/api/v1/incidents/1/ack", {"author": "x"}, Content_Type="text/plain", **key)
    assert (code, "Content-Type: application/json" in answer["error"]) == (400, True)
    if key:
        assert http.say("POST", "/api/v1/incidents/1/ack", {"author": "x"})[0] == 401


# --- the shell ---------------------------------------------------------------------------------------------------


@pytest.fixture
def shell(tmp_path: Path, store: Store) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def phasewatch(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(config), *arguments])


def test_people_acknowledge_silence_and_resolve_from_the_shell(shell: Path, store: Store) -> None:
    """What is printed says what was done."""
    done = phasewatch(shell, "ack", "1", "--author", "anna", "--note", "on it")
    assert (done.exit_code, done.output) == (0, "incident #1 is acknowledged by anna\n")
    arguments = ("--function", SERVICE, "--for", "2h", "--reason", "rerun", "--author", "anna")
    made = phasewatch(shell, "silence", "add", *arguments)
    assert made.exit_code == 0
    assert made.output.startswith(f"silence #1 function {SERVICE}\n   from ")
    listed = phasewatch(shell, "silence", "list", "--format", "json")
    [item] = json.loads(listed.output)["silences"]
    assert (item["id"], item["author"], item["reason"], item["active"]) == (1, "anna", "rerun", True)
    assert phasewatch(shell, "silence", "expire", "1").output == "silence #1 is over\n"
    assert phasewatch(shell, "silence", "list").output == "no silences\n"
    assert "ended by" in phasewatch(shell, "silence", "list", "--all").output
    closed = phasewatch(shell, "resolve", "1", "--reason", "mended", "--author", "anna")
    assert (closed.exit_code, closed.output) == (0, "incident #1 is closed by anna: 1 fault\n")
    with store.reading() as stored:
        [fault] = stored.faults(resolved_since=at(0)).values()
    assert fault.resolution == "closed by hand by anna: mended"


def test_the_author_is_whoever_asks(shell: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of the user, unless another is given."""
    monkeypatch.setenv("LOGNAME", "carla")
    assert phasewatch(shell, "ack", "1").output == "incident #1 is acknowledged by carla\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ack", "9"), "there is no incident #9"),
        (("silence", "expire", "9"), "there is no silence #9"),
        (("silence", "add", "--for", "2h", "--reason", "x"), "nothing is said"),
        (("silence", "add", "--phase", "p", "--reason", "x"), "say when it ends"),
        (("silence", "add", "--phase", "p", "--date", "soon", "--for", "2h", "--reason", "x"), "write 2026-02-12"),
        (("silence", "add", "--phase", "p", "--from", "now", "--for", "2h", "--reason", "x"), "'now' is no time"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_would_be_right(
    shell: Path, arguments: tuple[str, ...], words: str
) -> None:
    """A sentence, no traceback."""
    result = phasewatch(shell, *arguments)
    assert result.exit_code == 2
    assert words in result.output


def test_without_a_state_there_is_nothing_to_say_anything_about(tmp_path: Path) -> None:
    """And none is made."""
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    result = phasewatch(config, "ack", "1")
    assert (result.exit_code, "no watcher has run" in result.output) == (2, True)
    assert not (tmp_path / "state.db").exists()


def test_a_silence_may_not_last_for_ever() -> None:
    """Nobody remembers it after a year."""
    with pytest.raises(ValueError, match="366 days"):
        people.silence({"phase": "p", "author": "a", "reason": "r", "until": "2036-01-01T00:00:00Z"}, at(0))
