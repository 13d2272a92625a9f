"""`phasewatch doctor` as a real command, against real servers: BigQuery and the logs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.cloud.logging_v2.types import LogEntry, LogExclusion

from tests.conftest import PROJECT
from tests.support import bigquery, log_analytics
from tests.support.doctor import NOON, PIPELINE, Place, of_tables, told
from tests.support.logging_config_server import LoggingConfigServer, bucket
from tests.support.slack_server import SlackServer


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
