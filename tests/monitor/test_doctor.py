"""`phasewatch doctor` and `phasewatch test-alert` as real commands, against real servers, in good and bad cases."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest
from click.testing import CliRunner, Result
from google.cloud.logging_v2.types import LogEntry, LogExclusion

from alerts.store.schema import SCHEMA_VERSION
from checks.ports import SourceError
from monitor import doctor
from monitor.cli import cli
from monitor.doctor import State, Trial, Verdict, exit_code, run_all, with_clock
from tests.conftest import PROJECT
from tests.support import bigquery, log_analytics
from tests.support.logging_config_server import LoggingConfigServer, bucket
from tests.support.slack_server import ALL_SCOPES, Channel, Fault, SlackServer
from tests.support.watching import Watcher

NOON = datetime(2026, 1, 26, 12, tzinfo=UTC)
CONFIG = """
mode: {mode}
gcp: {{project: {project}, endpoints: {endpoints}, log_analytics: {analytics}}}
pipelines: {pipelines}
checks: {{completions: {{look_back: 2}}}}
alerts:
  channels:
    console: {{}}
    slack: {{token: "{token}", channel: "{channel}", base_url: "{base_url}", timeout: 2s}}
server: {{port: {port}}}
"""
PIPELINE = """
  - name: nba
    timezone: America/New_York
    run_date: game_date
    calendar: {{table: {dataset}.schedule}}
    completions: {{table: {dataset}.completions}}
    phases: [{{name: phase2, due: {{day: 1, time: "07:00"}}, processors: [a]}}]
"""


class Place:
    """A folder with a configuration, and the servers it names."""

    def __init__(self, folder: Path, slack: SlackServer, endpoint: str) -> None:
        self.folder = folder
        (folder / "var" / "logs").mkdir(parents=True)
        self.settings: dict[str, Any] = {
            "mode": "embedded",
            "project": PROJECT,
            "endpoints": json.dumps({"bigquery": endpoint}),
            "pipelines": "[]",
            "analytics": "",
            "token": slack.token,
            "channel": "#pipeline-health",
            "base_url": slack.base_url,
            "port": 0,
        }

    def run(self, *arguments: str, **changed: Any) -> Result:
        text = CONFIG.format(**(self.settings | changed))
        config = self.folder / "config.yaml"
        config.write_text(text, encoding="utf-8")
        return CliRunner().invoke(cli, ["--config", str(config), *arguments])

    def doctor(self, **changed: Any) -> tuple[int, dict[str, Mapping[str, Any]]]:
        """The exit code and the verdicts by name."""
        result = self.run("doctor", "--format", "json", "--timeout", "10", **changed)
        answer = json.loads(result.stdout)
        assert answer["exit_code"] == result.exit_code
        return result.exit_code, {v["name"]: v for v in answer["verdicts"]}


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as running:
        yield running


@pytest.fixture
def place(tmp_path: Path, slack: SlackServer, denying: str) -> Place:
    """Its BigQuery refuses everything."""
    return Place(tmp_path, slack, denying)


def told(verdict: Mapping[str, Any]) -> tuple[str, str, str | None]:
    return verdict["state"], verdict["said"], verdict["remedy"]


# --- everything in order ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tables(emulator: str) -> Iterator[tuple[str, str]]:
    """A dataset with a calendar and two completions."""
    with bigquery.dataset(emulator) as name:
        bigquery.run(
            emulator,
            f"CREATE TABLE {name}.schedule (game_date DATE, game_id STRING)",
            f"INSERT INTO {name}.schedule VALUES (DATE '2020-01-01', 'a'), (DATE '2099-01-01', 'b')",
            bigquery.COMPLETIONS_DDL.format(table=f"{name}.completions"),
            f"INSERT INTO {name}.completions"
            " (phase, game_date, processor_name, status, completed_at, inserted_at) VALUES"
            f" ('phase2', DATE '2026-01-20', 'a', 'success', TIMESTAMP '2026-01-21', TIMESTAMP '2026-01-21'),"
            f" ('phase2', DATE '2026-01-25', 'a', 'success', TIMESTAMP '2026-01-26', TIMESTAMP '2026-01-26')",
        )
        yield emulator, name


DENIED = {
    "code": 403,
    "message": f"Access Denied: Project {PROJECT}: User does not have bigquery.jobs.create permission",
    "errors": [{"reason": "accessDenied", "message": "User does not have bigquery.jobs.create permission"}],
}


class _Refuses(BaseHTTPRequestHandler):
    """A BigQuery that lets us do nothing, and says so at once."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps({"error": DENIED}).encode()
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing."""


@pytest.fixture(scope="module")
def denying() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refuses) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def of_tables(tables: tuple[str, str]) -> dict[str, str]:
    endpoint, name = tables
    return {"endpoints": json.dumps({"bigquery": endpoint}), "pipelines": PIPELINE.format(dataset=name)}


@pytest.mark.emulator
def test_all_is_well(place: Place, tables: tuple[str, str]) -> None:
    """A line each, how far back each can see, exit code 0."""
    entries = [
        {"insertId": str(n), "timestamp": f"2026-01-2{n}T10:00:00Z", "textPayload": "x", "logName": "l"} for n in (3, 5)
    ]
    (place.folder / "var" / "logs" / "a.json").write_text(json.dumps(entries))
    result = place.run("doctor", **of_tables(tables))
    lines = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    _, name = tables
    assert [(state, rest.split("  ")[0].strip()) for state, rest in lines] == [
        ("OK", "bigquery"),
        ("OK", f"table {name}.schedule"),
        ("OK", f"table {name}.completions"),
        ("OK", "log files"),
        ("OK", "console"),
        ("OK", "slack"),
        ("OK", "state"),
        ("OK", "http port"),
        ("OFF", "watchdog"),
    ]
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert f"table {name}.schedule readable, from 2020-01-01 to 2099-01-01" in text
    assert "readable, from 2026-01-20 to 2026-01-25; 0 rows for the last 2 run dates" in text
    assert "2 entries from 2026-01-23 10:00 UTC to 2026-01-25 10:00 UTC" in text
    assert "signed in as phasewatch of test; #pipeline-health can be written to" in text
    assert "\x1b" not in result.stdout


@pytest.mark.emulator
def test_the_clock_of_each_service_is_compared(place: Place, tables: tuple[str, str]) -> None:
    """BigQuery's own time, and the Date header of Slack."""
    _, verdicts = place.doctor(**of_tables(tables))
    ahead = [verdicts[name]["facts"]["clock_ahead_seconds"] for name in ("bigquery", "slack")]
    assert all(abs(seconds) < 30 for seconds in ahead)


def test_nothing_is_changed(place: Place, slack: SlackServer) -> None:
    """No state is made, nothing is posted."""
    place.doctor()
    assert slack.messages == []
    assert sorted(p.name for p in place.folder.rglob("*")) == ["config.yaml", "logs", "var"]


# --- BigQuery ---------------------------------------------------------------------------------------------------------


def test_a_refused_port_is_not_seen(place: Place) -> None:
    """Exit code 3: nobody can say from here what is wrong with the other side."""
    endpoint = bigquery.refused_endpoint()
    code, verdicts = place.doctor(endpoints=json.dumps({"bigquery": endpoint}))
    assert (code, verdicts["bigquery"]["state"], verdicts["bigquery"]["blind"]) == (3, "FAILED", True)
    assert verdicts["bigquery"]["said"].startswith(f"BigQuery at {endpoint} cannot be reached: ")
    assert verdicts["bigquery"]["remedy"] == f"see that {endpoint} can be reached from here"


def test_a_missing_right_comes_with_the_command_that_grants_it(place: Place) -> None:
    """The role for running jobs."""
    code, verdicts = place.doctor()
    command = f"gcloud projects add-iam-policy-binding {PROJECT} --member=MEMBER --role=roles/bigquery.jobUser"
    both = "(both roles/bigquery.dataViewer and roles/bigquery.jobUser are needed)"
    assert (code, told(verdicts["bigquery"])) == (
        1,
        (
            "FAILED",
            "User does not have bigquery.jobs.create permission",
            f"grant roles/bigquery.jobUser: `{command}` {both}",
        ),
    )


def test_a_silent_service_ends_in_time(place: Place) -> None:
    """The deadline is for all together."""
    with bigquery.hanging_endpoint() as silent:
        result = place.run("doctor", "--timeout", "2", endpoints=json.dumps({"bigquery": silent}))
    assert result.exit_code == 3
    assert "did not answer within 1.6 s" in " ".join(result.stdout.split())


@pytest.mark.emulator
def test_a_missing_table_is_named(place: Place, tables: tuple[str, str]) -> None:
    """And what to do about it; the other one is looked at all the same."""
    endpoint, name = tables
    pipelines = PIPELINE.format(dataset=name).replace(f"{name}.completions", f"{name}.gone")
    code, verdicts = place.doctor(endpoints=json.dumps({"bigquery": endpoint}), pipelines=pipelines)
    assert (code, verdicts[f"table {name}.schedule"]["state"]) == (1, "OK")
    gone = verdicts[f"table {name}.gone"]
    assert (gone["state"], gone["facts"], gone["remedy"]) == (
        "FAILED",
        {"kind": "missing"},
        f"create {PROJECT}.{name}.gone, or correct its name in the configuration",
    )


@pytest.mark.emulator
def test_a_table_of_another_shape_is_named(place: Place, tables: tuple[str, str]) -> None:
    """A column that the configuration names and the table has not."""
    endpoint, name = tables
    columns = f"{name}.completions, columns: {{status: state}}"
    pipelines = PIPELINE.format(dataset=name).replace(f"{name}.completions", columns)
    code, verdicts = place.doctor(endpoints=json.dumps({"bigquery": endpoint}), pipelines=pipelines)
    verdict = verdicts[f"table {name}.completions"]
    assert (code, verdict["state"], verdict["facts"]) == (1, "FAILED", {"kind": "invalid"})
    assert "state" in verdict["said"]


# --- logs -------------------------------------------------------------------------------------------------------------


def test_a_folder_that_is_not_there_yet_is_no_failure(place: Place) -> None:
    """As on a fresh clone: the watcher makes it; and how it is fed."""
    folder = place.folder / "var" / "logs"
    folder.rmdir()
    _, verdicts = place.doctor()
    verdict = verdicts["log files"]
    assert told(verdict) == ("OFF", f"{folder} is not there yet; `phasewatch watch` makes it", None)
    assert verdict["notes"] == [
        f"exported entries go there, for example by `gcloud logging read FILTER --format=json > {folder}/export.json`"
    ]


def test_a_folder_that_is_none_is_a_failure(place: Place) -> None:
    """A file in its place."""
    folder = place.folder / "var" / "logs"
    folder.rmdir()
    folder.write_text("x")
    code, verdicts = place.doctor()
    assert (code, verdicts["log files"]["state"]) == (1, "FAILED")


def gcp(place: Place, server: LoggingConfigServer) -> dict[str, str]:
    endpoints = json.loads(place.settings["endpoints"]) | {"logging": server.endpoint}
    return {"mode": "gcp", "project": "p1-project", "endpoints": json.dumps(endpoints)}


def test_cloud_logging_is_tried_and_what_it_drops_is_said(place: Place) -> None:
    """One list request, and the configuration."""
    with LoggingConfigServer() as server:
        entry = LogEntry(log_name="projects/p/logs/x", text_payload="x", timestamp=NOON)
        server.entries = [entry]
        server.exclusions = [LogExclusion(name="quiet", filter="severity<ERROR")]
        server.buckets = [bucket(3)]
        _, verdicts = place.doctor(**gcp(place, server))
        assert [method for method, _ in server.calls].count("ListLogEntries") == 1
    assert told(verdicts["cloud logging"]) == (
        "OK",
        "entries can be listed, the newest is of 2026-01-26 12:00 UTC",
        None,
    )
    configuration = verdicts["log configuration"]
    back = (datetime.now(UTC) - timedelta(days=3)).date()
    assert told(configuration) == ("OK", f"logs are kept for 3 days, back to {back}", None)
    dropped = "the exclusion 'quiet' on the sink _Default drops entries of: severity<ERROR"
    assert configuration["notes"] == [
        f"not seen: {dropped} (this can hit function logs)",
        "not seen: logs are kept for 3 days: nothing older can be read",
    ]
    assert configuration["facts"]["retention_days"] == 3


def test_a_clock_that_is_behind_cloud_logging_is_a_failure(place: Place) -> None:
    """What the service has received already lies in our future."""
    with LoggingConfigServer() as server:
        ahead = datetime.now(UTC) + timedelta(minutes=5)
        server.entries = [LogEntry(log_name="projects/p/logs/x", text_payload="x", timestamp=NOON)]
        server.entries[0].receive_timestamp = ahead
        _, verdicts = place.doctor(**gcp(place, server))
    assert verdicts["cloud logging"]["state"] == "FAILED"
    assert verdicts["cloud logging"]["said"] in {f"its clock is {n} s ahead of ours" for n in range(295, 301)}


@pytest.mark.emulator
def test_a_log_analytics_view_is_read_once(place: Place, tables: tuple[str, str]) -> None:
    """In the place of Cloud Logging; a view that is not there is named."""
    endpoint, name = tables
    bigquery.run(endpoint, log_analytics.DDL.format(table=f"`{name}._AllLogs`"))
    with LoggingConfigServer() as server:
        settings = gcp(place, server) | {"endpoints": json.dumps({"bigquery": endpoint, "logging": server.endpoint})}
        settings["project"] = PROJECT
        _, there = place.doctor(**settings | {"analytics": f"{{view: {name}._AllLogs}}"})
        _, absent = place.doctor(**settings | {"analytics": f"{{view: {name}.other}}"})
    assert there["log analytics"]["state"] == "OK"
    assert there["log analytics"]["said"].startswith(f"{name}._AllLogs can be read: 0 entries of the last hour")
    assert "cloud logging" not in there
    assert absent["log analytics"]["facts"] == {"kind": "missing"}


def test_a_missing_role_comes_with_the_command_that_grants_it(place: Place) -> None:
    """For reading, and for the configuration."""
    with LoggingConfigServer() as server:
        server.faults = dict.fromkeys(("ListLogEntries", "ListSinks"), grpc.StatusCode.PERMISSION_DENIED)
        code, verdicts = place.doctor(**gcp(place, server))
    command = (
        "grant roles/logging.viewer: `gcloud projects add-iam-policy-binding p1-project --member=MEMBER"
        " --role=roles/logging.viewer`"
    )
    assert code == 1
    assert verdicts["cloud logging"]["remedy"].startswith(command)
    assert told(verdicts["log configuration"]) == ("FAILED", "the sinks could not be listed", command)


# --- Slack ------------------------------------------------------------------------------------------------------------


def test_a_wrong_token_is_told_and_not_shown(place: Place) -> None:
    """Nor is it in the JSON."""
    result = place.run("doctor", "--format", "json", token="xoxb-wrong-0123456789")
    verdicts = {v["name"]: v for v in json.loads(result.stdout)["verdicts"]}
    assert told(verdicts["slack"]) == (
        "FAILED",
        "Slack's auth.test in #pipeline-health: invalid_auth",
        "Set a valid bot token (xoxb-...) of the app: Slack, your app, OAuth & Permissions.",
    )
    assert (result.exit_code, "0123456789" in result.stdout) == (1, False)


def test_a_missing_scope_is_named(place: Place, slack: SlackServer) -> None:
    """The one without which nothing can be sent is a failure; the others are what would be better."""
    slack.scopes = ALL_SCOPES - {"chat:write"}
    code, verdicts = place.doctor()
    assert (code, told(verdicts["slack"])) == (
        1,
        (
            "FAILED",
            "the app may not write (no scope chat:write)",
            "Add the scope chat:write to the app's bot token (OAuth & Permissions) and install the app again.",
        ),
    )
    slack.scopes = frozenset({"chat:write"})
    _, verdicts = place.doctor()
    assert told(verdicts["slack"])[:2] == ("OK", "signed in as phasewatch of test; its token works")
    assert verdicts["slack"]["notes"] == [
        "without the scope channels:history phasewatch cannot look to find a message whose delivery was not confirmed",
        "without the scope channels:read phasewatch cannot look to find the channel by its name",
        "whether #pipeline-health can be reached is not known; `phasewatch test-alert` tells",
    ]


@pytest.mark.parametrize(
    ("channel", "known", "said", "remedy"),
    [
        (
            "#nowhere",
            Channel("C0PIPELINE", "pipeline-health"),
            "#nowhere is not among the app's channels",
            "Correct the channel's name, or write /invite @app in #nowhere.",
        ),
        (
            "C0NOWHERE",
            Channel("C0PIPELINE", "pipeline-health"),
            "Slack's conversations.info in C0NOWHERE: channel_not_found",
            "Correct the channel's name or ID; a private channel needs /invite @app in C0NOWHERE first.",
        ),
        (
            "C0PIPELINE",
            Channel("C0PIPELINE", "pipeline-health", member=False),
            "the app is not in C0PIPELINE",
            "Write /invite @app in C0PIPELINE.",
        ),
        (
            "C0PIPELINE",
            Channel("C0PIPELINE", "pipeline-health", archived=True),
            "C0PIPELINE is archived",
            "Unarchive it or choose another channel.",
        ),
    ],
)
def test_a_channel_that_cannot_be_reached_is_told(  # noqa: PLR0917 - pytest passes them by name
    place: Place, slack: SlackServer, channel: str, known: Channel, said: str, remedy: str
) -> None:
    """Not there, not invited, archived."""
    slack.channels = {known.id: known}
    code, verdicts = place.doctor(channel=channel)
    assert (code, told(verdicts["slack"])) == (1, ("FAILED", said, remedy))


def test_a_slack_that_does_not_answer_is_not_seen(place: Place, slack: SlackServer) -> None:
    """Which is no fault of the configuration."""
    slack.fault("auth.test", Fault(hang=True))
    _, verdicts = place.doctor()
    assert (verdicts["slack"]["state"], verdicts["slack"]["blind"]) == ("FAILED", True)


def test_a_channel_without_a_token_is_off(place: Place) -> None:
    """Nothing to try, nothing wrong."""
    _, verdicts = place.doctor(token="")
    assert told(verdicts["slack"]) == ("OFF", "its token is empty", None)


# --- what the daemon itself needs -------------------------------------------------------------------------------------


def test_a_state_that_is_none_is_told(place: Place) -> None:
    """Some other file at its place."""
    (place.folder / "var" / "phasewatch.db").write_text("not a database, but long enough to be one" * 50)
    code, verdicts = place.doctor()
    assert (code, verdicts["state"]["state"]) == (1, "FAILED")
    assert "is not a phasewatch state file" in verdicts["state"]["said"]


def test_a_taken_port_is_told(place: Place) -> None:
    """Somebody else listens there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, verdicts = place.doctor(port=port)
    assert (code, verdicts["http port"]["state"]) == (1, "FAILED")
    assert verdicts["http port"]["said"].startswith(f"cannot listen on 127.0.0.1:{port}: ")


@pytest.mark.emulator
def test_a_running_watcher_is_recognised(tmp_path: Path, place: Place, slack: SlackServer, emulator: str) -> None:
    """Its port is taken by itself, its state is open in both."""
    with Watcher(place.folder, slack) as watcher:
        port = int((watcher.url() or "").rpartition(":")[2])
        _, verdicts = place.doctor(port=port)
        pid = watcher.process.pid
    assert verdicts["http port"]["state"] == "OK"
    assert verdicts["http port"]["said"].startswith(f"127.0.0.1:{port} is served by a running watcher (process {pid}, ")
    assert verdicts["state"]["said"].endswith(f"can be written, version {SCHEMA_VERSION}")


# --- the verdicts themselves ------------------------------------------------------------------------------------------

OK, BAD, UNSEEN = (
    doctor.good("a", "fine"),
    doctor.failed("b", "wrong"),
    doctor.failed("c", "silent", blind=True),
)


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [([OK, doctor.off("d", "off")], 0), ([OK, BAD, UNSEEN], 1), ([OK, UNSEEN], 3)],
)
def test_the_exit_code_says_what_a_person_can_do(verdicts: list[Verdict], code: int) -> None:
    """What can be mended goes before what could not be seen."""
    assert exit_code(verdicts) == code


def test_trials_run_at_once_and_none_hides_another() -> None:
    """One is broken, one is blind, one never ends."""
    together = threading.Barrier(2, timeout=10)
    never = threading.Event()

    def meet() -> Verdict:
        together.wait()
        return OK

    def blind() -> Verdict:
        together.wait()
        raise SourceError("no answer", kind="timeout", remedy="wait")

    def broken() -> Verdict:
        raise RuntimeError("bug")

    def hang() -> Verdict:
        never.wait(60)
        return OK

    trials = [Trial("hang", hang), Trial("meet", meet), Trial("blind", blind), Trial("broken", broken)]
    found = run_all(trials, timedelta(seconds=1))
    never.set()
    assert [(v.state, v.said, v.blind) for v in found] == [
        (State.FAILED, "no answer within 1 s", True),
        (State.OK, "fine", False),
        (State.FAILED, "no answer", True),
        (State.FAILED, "could not be tried: RuntimeError: bug", False),
    ]


def test_a_clock_that_differs_much_is_a_failure() -> None:
    """Compared with the middle of the call."""
    asked, answered = NOON, NOON + timedelta(seconds=2)
    near = with_clock(OK, NOON + timedelta(seconds=4), asked, answered)
    assert (near.state, near.said, near.facts) == (
        State.OK,
        "fine; its clock is 3 s ahead of ours",
        {"clock_ahead_seconds": 3.0},
    )
    far = with_clock(OK, NOON - timedelta(seconds=59), asked, answered)
    assert (far.state, far.said, far.remedy, far.notes) == (
        State.FAILED,
        "its clock is 60 s behind ours",
        "set this machine's clock (`timedatectl set-ntp true`)",
        ("fine",),
    )


# --- test-alert -------------------------------------------------------------------------------------------------------


def test_one_channel_can_be_chosen(place: Place, slack: SlackServer) -> None:
    """By its name; one that is not there or off is a mistake."""
    assert place.run("test-alert", "--channel", "console").exit_code == 0
    assert slack.messages == []
    assert place.run("test-alert", "--channel", "pager").exit_code == 2
    result = place.run("test-alert", "--channel", "slack", token="")
    assert (result.exit_code, "is switched off: its token is empty" in result.stderr) == (2, True)


def test_a_message_that_does_not_arrive_is_told(place: Place) -> None:
    """With what to do, and the other channels are tried all the same."""
    result = place.run("test-alert", token="xoxb-wrong-0123456789")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-4:] == [
        "FAILED  slack: the message could not be sent: Slack's chat.postMessage in",
        "        #pipeline-health: invalid_auth",
        "        -> Set a valid bot token (xoxb-...) of the app: Slack, your app, OAuth &",
        "           Permissions.",
    ]
    assert "OK      console: the message was sent" in result.stdout
    assert "0123456789" not in result.output
