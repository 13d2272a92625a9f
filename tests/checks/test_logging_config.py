"""What of the logs cannot be seen, asked of a real gRPC service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.cloud.logging_v2.types import LogExclusion

from checks.sources.logging_config import LoggingConfig, LogSight
from tests.support.bigquery import hanging_endpoint, refused_endpoint
from tests.support.logging_config_server import DEFAULT_FILTER, LoggingConfigServer, bucket, default_sink

NOW = datetime(2026, 1, 26, 12, tzinfo=UTC)
DAYS_30 = timedelta(days=30)
GRANT = (
    "grant roles/logging.viewer: `gcloud projects add-iam-policy-binding p1"
    " --member=MEMBER --role=roles/logging.viewer`"
)


@pytest.fixture
def server() -> Iterator[LoggingConfigServer]:
    with LoggingConfigServer() as running:
        yield running


def sight(server: LoggingConfigServer, **options: timedelta) -> LogSight:
    config = LoggingConfig("p1", endpoint=server.endpoint, **options)
    try:
        return config.sight(NOW)
    finally:
        config.close()


def test_a_project_as_it_is_made_hides_nothing(server: LoggingConfigServer) -> None:
    """The stock filter of the sink _Default leaves out audit logs only, which are stored elsewhere."""
    assert sight(server) == LogSight((), DAYS_30)
    assert server.calls == [
        ("ListSinks", "projects/p1"),
        ("ListExclusions", "projects/p1"),
        ("ListBuckets", "projects/p1/locations/-"),
    ]


def test_exclusions_are_named_and_those_that_can_hit_functions_are_marked(server: LoggingConfigServer) -> None:
    """All pages of them, each once, a sampled one as such, a switched-off one not at all."""
    debug = LogExclusion(name="drop-debug", filter='resource.type="cloud_run_revision" severity<=DEBUG')
    server.sinks = [
        default_sink(
            exclusions=[
                LogExclusion(name="drop-disks", filter='resource.type="gce_disk"'),
                debug,
                LogExclusion(name="old", filter="severity>=DEFAULT", disabled=True),
            ]
        )
    ]
    server.exclusions = [
        debug,
        LogExclusion(name="thin", filter='logName:"stderr" AND sample(insertId, 0.99)'),
        LogExclusion(name="off", filter="severity=ERROR", disabled=True),
    ]
    hit = " (this can hit function logs)"
    on = "on the sink _Default drops"
    assert sight(server).unseen == (
        f"the exclusion 'drop-debug' {on} entries of: resource.type=\"cloud_run_revision\" severity<=DEBUG{hit}",
        f"the exclusion 'thin' {on} a part (0.99 of 1) of the entries of: "  # noqa: ISC004 - one sentence
        f'logName:"stderr" AND sample(insertId, 0.99){hit}',
        f"the exclusion 'drop-disks' {on} entries of: resource.type=\"gce_disk\"",
    )


def test_sinks_that_export_hide_nothing(server: LoggingConfigServer) -> None:
    """What a copy to Pub/Sub leaves out is still stored."""
    export = default_sink(name="copy", destination="pubsub.googleapis.com/projects/p1/topics/t", filter="severity>INFO")
    export.exclusions = [LogExclusion(name="x", filter="severity<ERROR")]
    server.sinks.append(export)
    assert sight(server).unseen == ()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"disabled": True},
            "the sink _Default is switched off: function logs are stored only if another sink stores them",
        ),
        (
            {"filter": f"severity>=WARNING AND {DEFAULT_FILTER[:30]}"},
            f"the sink _Default stores only entries of: severity>=WARNING AND {DEFAULT_FILTER[:30]}",
        ),
        (
            {"destination": "storage.googleapis.com/archive"},
            "the sink _Default sends entries elsewhere: storage.googleapis.com/archive",
        ),
    ],
)
def test_a_changed_default_sink_is_said(server: LoggingConfigServer, changed: dict[str, Any], sentence: str) -> None:
    """It stores what is read here."""
    server.sinks = [default_sink(**changed)]
    assert sight(server).unseen == (sentence,)


def test_a_missing_default_sink_is_said(server: LoggingConfigServer) -> None:
    """Deleted by hand: then nothing is stored unless another sink does."""
    server.sinks = []
    assert sight(server).unseen == (
        "there is no sink _Default: function logs are stored only if another sink stores them",
    )


def test_a_short_retention_is_said_if_somebody_looks_further_back(server: LoggingConfigServer) -> None:
    """The shortest of several, and never that of the audit logs."""
    server.buckets = [bucket(3), bucket(1, "_Required"), bucket(400, "other")]
    assert sight(server) == LogSight(("logs are kept for 3 days: nothing older can be read",), timedelta(days=3))
    assert sight(server, look_back=timedelta(days=2)) == LogSight((), timedelta(days=3))


def test_hidden_fields_are_said(server: LoggingConfigServer) -> None:
    """Field-level access control: without the texts no failure can be seen."""
    server.buckets = [bucket(restricted_fields=["jsonPayload.error", "resource.x"])]
    assert sight(server).unseen == (
        "the log bucket _Default shows jsonPayload.error only to holders of roles/logging.fieldAccessor",
    )


def test_a_missing_permission_names_the_role_and_the_command(server: LoggingConfigServer) -> None:
    """Each question stands for itself: what can be listed is."""
    server.faults["ListSinks"] = grpc.StatusCode.PERMISSION_DENIED
    server.buckets = [bucket(1)]
    assert sight(server) == LogSight(
        (
            f"the sinks could not be listed: {GRANT}",
            "logs are kept for 1 day: nothing older can be read",
        ),
        timedelta(days=1),
        complete=False,
    )


def test_the_answer_is_kept_for_an_hour(server: LoggingConfigServer) -> None:
    """And an incomplete one for five minutes, so that a granted role is noticed soon."""
    config = LoggingConfig("p1", endpoint=server.endpoint)
    config.sight(NOW)
    config.sight(NOW + timedelta(minutes=59))
    assert len(server.calls) == 3
    server.faults["ListBuckets"] = grpc.StatusCode.PERMISSION_DENIED
    config.sight(NOW + timedelta(minutes=60))
    config.sight(NOW + timedelta(minutes=64))
    assert len(server.calls) == 6
    server.faults.clear()
    assert config.sight(NOW + timedelta(minutes=65)) == LogSight((), DAYS_30)
    config.close()


def test_a_service_that_hangs_or_is_not_there_ends_in_time(server: LoggingConfigServer) -> None:
    """All three questions share one bound, and nothing is raised."""
    server.faults = dict.fromkeys(("ListSinks", "ListExclusions", "ListBuckets"), "hang")
    config = LoggingConfig("p1", endpoint=server.endpoint, timeout=timedelta(seconds=0.5))
    assert config.sight(NOW) == LogSight(
        (
            "the sinks could not be listed: no answer within 0.5 s",
            "the exclusions could not be listed: no time left",
            "the log buckets could not be listed: no time left",
        ),
        None,
        complete=False,
    )
    config.close()
    refused = refused_endpoint()
    config = LoggingConfig("p1", endpoint=refused, timeout=timedelta(seconds=5))
    assert config.sight(NOW).unseen[0] == f"the sinks could not be listed: {refused} cannot be reached"
    config.close()
    with hanging_endpoint() as silent:
        config = LoggingConfig("p1", endpoint=silent, timeout=timedelta(seconds=0.5))
        assert len(config.sight(NOW).unseen) == 3
        config.close()
