"""A real BigQuery client against a local endpoint, and endpoints that do not answer."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.conftest import PROJECT

COMPLETIONS_DDL = """
CREATE TABLE {table} (
  phase STRING NOT NULL, game_date DATE NOT NULL, processor_name STRING NOT NULL, status STRING NOT NULL,
  record_count INT64, correlation_id STRING, execution_id STRING, completed_at TIMESTAMP NOT NULL,
  is_incremental BOOL, entities_changed ARRAY<STRING>, metadata JSON, inserted_at TIMESTAMP NOT NULL
) PARTITION BY game_date CLUSTER BY phase, processor_name
"""


def client(endpoint: str, project: str = PROJECT) -> bigquery.Client:
    """The real client; close it after use."""
    return bigquery.Client(
        project=project,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": endpoint},
    )


def run(endpoint: str, *statements: str, project: str = PROJECT) -> list[dict[str, Any]]:
    """Run statements one after the other; the rows of the last."""
    rows: list[dict[str, Any]] = []
    with client(endpoint, project) as connection:
        for sql in statements:
            # Not query_and_wait: to that, the local server gives an empty answer for a failed query.
            job = connection.query(sql, timeout=30, retry=None, job_retry=None)
            rows = [dict(row) for row in job.result(timeout=30)]
    return rows


def load(endpoint: str, table: str, lines: bytes, project: str = PROJECT) -> None:
    """Append JSON lines to a table by a load job."""
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON")
    with client(endpoint, project) as connection:
        job = connection.load_table_from_file(BytesIO(lines), f"{project}.{table}", job_config=config, timeout=60)
        job.result(timeout=60)


@contextmanager
def dataset(endpoint: str, project: str = PROJECT) -> Iterator[str]:
    """A dataset of this test's own, by its unqualified name; dropped at the end with all its tables."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    with client(endpoint, project) as connection:
        connection.create_dataset(name, timeout=30)
        try:
            yield name
        finally:
            connection.delete_dataset(name, delete_contents=True, not_found_ok=True, timeout=30)


def column(rows: Sequence[dict[str, Any]], name: str) -> list[Any]:
    """One column of some rows."""
    return [row[name] for row in rows]


def refused_endpoint() -> str:
    """An endpoint on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@contextmanager
def hanging_endpoint() -> Iterator[str]:
    """An endpoint that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
