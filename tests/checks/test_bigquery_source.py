"""The BigQuery warehouse against a real local BigQuery, a service that refuses, and ports that do not answer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from checks.ports import QueryResult, SourceError
from checks.sources.bigquery import (
    DEFAULT_ENDPOINT,
    BigQueryWarehouse,
    label_value,
    named_table,
    normal_endpoint,
    query_parameter,
)
from tests.conftest import PROJECT
from tests.support import bigquery


@pytest.fixture(scope="module")
def warehouse(emulator):
    """The adapter on the real local BigQuery."""
    it = BigQueryWarehouse(PROJECT, endpoint=emulator)
    yield it
    it.close()


@pytest.fixture
def dataset(emulator):
    """A dataset of this test's own with one table of one row."""
    with bigquery.dataset(emulator) as name:
        bigquery.run(
            emulator,
            f"CREATE TABLE {name}.numbers (n INT64, day DATE, seen TIMESTAMP, words ARRAY<STRING>, facts JSON)",
            f"INSERT INTO {name}.numbers (n, day, seen, words, facts) VALUES "
            "(7, '2026-01-25', '2026-01-26 03:00:00+00', ['a', 'b'], JSON '{\"x\": 1}')",
        )
        yield name


@contextmanager
def service(status: int, reason: str, message: str, seen: list[object] | None = None) -> Iterator[str]:
    """A service that answers every request with one error, as Google's JSON APIs write it, and notes what was sent."""
    body = json.dumps(
        {"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}}
    ).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            if seen is not None:
                seen.append((self.path.split("?")[0], self.headers.get("Authorization"), sent))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def failure(endpoint: str, seconds: float = 2, sql: str = "SELECT 1") -> SourceError:
    """The error of a query against an endpoint."""
    it = BigQueryWarehouse(PROJECT, endpoint=endpoint, timeout=timedelta(seconds=seconds))
    try:
        with pytest.raises(SourceError) as caught:
            it.query(sql, {}, label="test")
    finally:
        it.close()
    return caught.value


@pytest.mark.emulator
def test_rows_come_as_python_values(warehouse, dataset):
    """Dates, UTC times, lists and JSON arrive as such; the embedded server reports no bytes, so they are None."""
    assert warehouse.query(
        f"SELECT n, day, seen, words, facts FROM {dataset}.numbers", {}, label="rows"
    ) == QueryResult(
        rows=[
            {
                "n": 7,
                "day": date(2026, 1, 25),
                "seen": datetime(2026, 1, 26, 3, tzinfo=UTC),
                "words": ["a", "b"],
                "facts": {"x": 1},
            }
        ],
        bytes_billed=None,
    )


@pytest.mark.emulator
def test_parameters_are_typed_by_their_python_values(warehouse):
    """Every kind of parameter reaches the query with its value, also one that looks like SQL."""
    at = datetime(2026, 1, 25, 22, tzinfo=timezone(timedelta(hours=-5)))
    values = {
        "s": "x' OR 1=1 --",
        "i": 5,
        "f": 0.5,
        "b": True,
        "d": date(2026, 1, 25),
        "t": at,
        "ds": [date(2026, 1, 25), date(2026, 1, 26)],
        "ss": ("a", "b"),
    }
    found = warehouse.query(
        "SELECT @s AS s, @i AS i, @f AS f, @b AS b, @d AS d, @t AS t, "
        "(SELECT COUNT(*) FROM UNNEST(@ds) AS d WHERE d > @d) AS ds, ARRAY_LENGTH(@ss) AS ss",
        values,
        label="params",
    )
    assert found.rows == [{**values, "ds": 1, "ss": 2}]


@pytest.mark.parametrize("value", [[], [1, "a"], None, b"x", {"a": 1}, datetime(2026, 1, 1)])  # noqa: DTZ001 - the point
def test_a_parameter_without_a_type_is_refused(value):
    """An empty or mixed list, nothing, bytes, a mapping and a time without a zone have no BigQuery type."""
    with pytest.raises(ValueError):
        query_parameter("p", value)


@pytest.mark.emulator
@pytest.mark.parametrize("qualified", [False, True])
def test_a_missing_table_is_named(warehouse, dataset, qualified):
    """404 becomes ``missing`` with ``project.dataset.table`` as subject, not an empty answer."""
    name = f"{dataset}.phase_completions"
    with pytest.raises(SourceError) as caught:
        warehouse.query(f"SELECT 1 FROM `{PROJECT}.{name}`" if qualified else f"SELECT 1 FROM {name}", {}, label="t")
    assert (caught.value.kind, caught.value.subject) == ("missing", f"{PROJECT}.{name}")
    assert str(caught.value) == f"Not found: Table {PROJECT}.{name} was not found in location US"
    assert caught.value.remedy == (f"create {PROJECT}.{name}, or correct its name in the configuration")


@pytest.mark.emulator
def test_a_missing_dataset_names_the_table(warehouse):
    """A table in a dataset that does not exist is missing too, and named in full."""
    with pytest.raises(SourceError) as caught:
        warehouse.query("SELECT 1 FROM never_made.phase_completions", {}, label="t")
    assert (caught.value.kind, caught.value.subject) == ("missing", f"{PROJECT}.never_made.phase_completions")


@pytest.mark.emulator
def test_a_query_that_does_not_fit_its_table_is_invalid(warehouse, dataset):
    """An unknown column is ``invalid`` with the service's own words, whether it is run or tried."""
    for ask in (
        lambda: warehouse.query(f"SELECT nocol FROM {dataset}.numbers", {}, label="t"),
        lambda: warehouse.dry_run(f"SELECT nocol FROM {dataset}.numbers", {}),
    ):
        with pytest.raises(SourceError) as caught:
            ask()
        assert caught.value.kind == "invalid"
        assert str(caught.value).startswith(
            'Query execution failed: Binder Error: Referenced column "nocol" not found in FROM clause!'
        )


@pytest.mark.emulator
def test_a_dry_run_accepts_a_query_that_fits(warehouse, dataset):
    """The embedded server says 0 bytes of every dry run."""
    assert warehouse.dry_run(f"SELECT n FROM {dataset}.numbers WHERE day = @day", {"day": date(2026, 1, 25)}) == 0


def test_what_is_sent_carries_labels_and_the_billing_limit():
    """Cost can be told apart by check, no query runs without a limit, and nothing like a token goes to plain http.

    Looked at on the wire: the embedded server forgets the labels of a query.
    """
    seen: list[tuple[str, str | None, dict[str, object]]] = []
    with service(400, "invalidQuery", "no", seen) as endpoint:
        it = BigQueryWarehouse(PROJECT, endpoint=endpoint, location="us-west2", maximum_bytes_billed=20_971_520)
        with pytest.raises(SourceError):
            it.query("SELECT @n", {"n": 1}, label="Completions: NBA")
        it.close()
    [(path, authorization, sent)] = seen
    assert (path, authorization) == (f"/bigquery/v2/projects/{PROJECT}/queries", None)
    sent.pop("requestId")
    sent.pop("timeoutMs")
    assert sent == {
        "query": "SELECT @n",
        "location": "us-west2",
        "labels": {"app": "phasewatch", "phasewatch_check": "completions__nba"},
        "maximumBytesBilled": "20971520",
        "useLegacySql": False,
        "parameterMode": "NAMED",
        "queryParameters": [{"name": "n", "parameterType": {"type": "INT64"}, "parameterValue": {"value": "1"}}],
        "formatOptions": {"useInt64Timestamp": True},
    }


@pytest.mark.parametrize(
    ("status", "reason", "message", "kind", "remedy"),
    [
        (
            403,
            "accessDenied",
            "Access Denied: Project p: User does not have bigquery.jobs.create permission in project p.",
            "forbidden",
            None,
        ),
        (
            403,
            "quotaExceeded",
            "Quota exceeded: Your project exceeded quota for free query bytes scanned.",
            "quota",
            "look at BigQuery's quotas of project nba-props-platform, or ask less often",
        ),
        (
            400,
            "bytesBilledLimitExceeded",
            "Query exceeded limit for bytes billed: 10485760. 20971520 or higher required.",
            "invalid",
            "raise maximum_bytes_billed in the config",
        ),
        (403, "billingNotEnabled", "Billing has not been enabled for this project.", "invalid", None),
        (404, "notFound", "Not found: Project gone", "missing", None),
    ],
)
def test_answers_of_the_service_become_kinds(status, reason, message, kind, remedy):
    """Each of the service's reasons has its kind and, where one is known, its remedy."""
    with service(status, reason, message) as endpoint:
        error = failure(endpoint)
    assert (str(error), error.kind) == (message, kind)
    if remedy is not None:
        assert error.remedy == remedy


@pytest.mark.parametrize(
    ("message", "role", "project"),
    [
        (
            "Access Denied: Table other:ds.t: User does not have permission, or perhaps it does not exist.",
            "roles/bigquery.dataViewer",
            "other",
        ),
        (
            "Access Denied: Project p: User does not have bigquery.jobs.create permission in project p.",
            "roles/bigquery.jobUser",
            PROJECT,
        ),
        (
            "Access Denied: Table p:ds.t: Permission bigquery.tables.updateData denied on table p:ds.t",
            "roles/bigquery.dataEditor",
            "p",
        ),
    ],
)
def test_a_denied_query_names_the_role_to_grant(message, role, project):
    """Where there are users, 403 is ``forbidden``, with the command that grants what is missing."""
    with service(403, "accessDenied", message) as endpoint:
        it = BigQueryWarehouse(PROJECT, endpoint=endpoint, timeout=timedelta(seconds=2))
        it.anonymous = False
        it._client = bigquery.client(endpoint)
        with pytest.raises(SourceError) as caught:
            it.query("SELECT 1 FROM `other.ds.t`", {}, label="t")
        it.close()
    assert (str(caught.value), caught.value.kind) == (message, "forbidden")
    needs = "both roles/bigquery.dataViewer and roles/bigquery.jobUser are needed"
    if role == "roles/bigquery.dataEditor":
        needs = "to whoever records; the watcher itself only reads"
    assert caught.value.remedy == (
        f"grant {role}: `gcloud projects add-iam-policy-binding {project} --member=MEMBER --role={role}` ({needs})"
    )


def test_a_refused_port_ends_within_bounds():
    """Nobody listens: ``unreachable``, the endpoint named, long before the client's own ten minutes."""
    endpoint = bigquery.refused_endpoint()
    started = time.monotonic()
    error = failure(endpoint, seconds=3)
    assert time.monotonic() - started < 60
    assert error.kind == "unreachable"
    assert str(error).startswith(f"BigQuery at {endpoint} cannot be reached: ")
    assert error.remedy == f"see that {endpoint} can be reached from here"


def test_a_hanging_port_ends_within_bounds():
    """Somebody listens and never answers: ``timeout``, also for a dry run and any other call."""
    with bigquery.hanging_endpoint() as endpoint:
        started = time.monotonic()
        error = failure(endpoint, seconds=2)
        it = BigQueryWarehouse(PROJECT, endpoint=endpoint, timeout=timedelta(seconds=2))
        with pytest.raises(SourceError) as caught:
            it.dry_run("SELECT 1", {})
        with pytest.raises(SourceError) as third, it.calls() as (client, retry):
            client.get_table("ds.t", retry=retry)
        it.close()
        assert time.monotonic() - started < 60
    message = f"BigQuery at {endpoint} did not answer within 2 s"
    assert [(e.kind, str(e)) for e in (error, caught.value, third.value)] == [("timeout", message)] * 3


def test_without_credentials_the_error_says_how_to_log_in(monkeypatch, tmp_path):
    """A real endpoint and no credentials: ``forbidden`` and the command."""
    missing = tmp_path / "none.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(missing))
    it = BigQueryWarehouse(PROJECT)
    with pytest.raises(SourceError) as caught:
        it.query("SELECT 1", {}, label="t")
    assert (caught.value.kind, str(caught.value)) == (
        "forbidden",
        f"no usable credentials for BigQuery: File {missing} was not found.",
    )
    assert caught.value.remedy == (
        "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file"
    )


def test_a_billing_limit_below_bigquerys_own_is_refused():
    """10 MB is the smallest limit that BigQuery takes."""
    with pytest.raises(ValueError, match="at least 10485760"):
        BigQueryWarehouse(PROJECT, maximum_bytes_billed=10_000_000)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, (DEFAULT_ENDPOINT, False)),
        ("http://127.0.0.1:9050/", ("http://127.0.0.1:9050", True)),
        ("localhost:9050", ("http://localhost:9050", True)),
        ("https://127.0.0.1:9050", ("https://127.0.0.1:9050", True)),
        ("http://bigquery.internal:9050", ("http://bigquery.internal:9050", True)),
        ("bigquery.p.example.com", ("https://bigquery.p.example.com", False)),
        ("https://127.evil.example.com", ("https://127.evil.example.com", False)),
    ],
)
def test_credentials_go_to_real_endpoints_only(given, expected):
    """Loopback and plain http get none; a scheme is added where there is none."""
    assert normal_endpoint(given) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Not found: Table p-1:ds.t was not found in location US", "p-1.ds.t"),
        ("Not found: Table p-1.ds.t was not found in location US", "p-1.ds.t"),
        ("Not found: Table example.com:p-1:ds.t was not found", "example.com:p-1.ds.t"),
        ("Access Denied: Table p-1:ds.t: User does not have permission", "p-1.ds.t"),
        ("Not found: Dataset p-1:ds was not found in location US", "p-1.ds.completions"),
        ("Not found: Dataset p-1:other was not found in location US", "p-1.other"),
        ("Not found: table:p-1.ds.t", "p-1.ds.t"),
        ("Not found: Job p-1:US.x", None),
    ],
)
def test_the_table_of_a_message_is_found(message, expected):
    """In every spelling the services use; a missing dataset gives the table that the query wanted of it."""
    assert named_table(message, "SELECT 1 FROM `p-1.ds.completions` AS c", "mine") == expected


def test_labels_fit_bigquerys_rules():
    """Lower-case letters, digits, dash and underscore, at most 63."""
    assert label_value("Tables: NBA/é" + "x" * 80) == "tables__nba__" + "x" * 50
