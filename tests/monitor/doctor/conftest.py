"""Where doctor runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support import bigquery
from tests.support.doctor import Place, Refuses
from tests.support.slack_server import SlackServer


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as running:
        yield running


@pytest.fixture
def place(tmp_path: Path, slack: SlackServer, denying: str) -> Place:
    """Its BigQuery refuses everything."""
    return Place(tmp_path, slack, denying)


@pytest.fixture(scope="module")
def denying() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refuses) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


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
