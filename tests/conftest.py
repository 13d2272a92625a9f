"""Fixtures that every test may use."""

from __future__ import annotations

import importlib.util
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = "nba-props-platform"


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a real local BigQuery, one per test worker; tests keep apart by datasets of their own.

    Without the extra ``embedded`` the test is skipped, and in CI it fails.
    """
    if importlib.util.find_spec("bqemulator") is None:
        reason = 'NOT TESTED against BigQuery: the extra "embedded" is not installed'
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from monitor.embedded import attach_or_start

    with attach_or_start(tmp_path_factory.mktemp("emulator"), PROJECT) as running:
        yield running.endpoint


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL server of this test worker.

    Without pgserver (it has no wheel for Python 3.13) the test is skipped, and in CI on a Python that has it it fails.
    """
    if importlib.util.find_spec("pgserver") is None:
        reason = "NOT TESTED against PostgreSQL: pgserver is not installed"
        if os.environ.get("CI") and sys.version_info < (3, 13):
            pytest.fail(reason)
        pytest.skip(reason)
    # Its sockets go below here; the default folder is one that a service manager makes.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    import pgserver

    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty state database of each kind that is supported: one test body, every adapter."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    from sqlalchemy import create_engine, text

    server = str(request.getfixturevalue("postgres")).replace("postgresql://", "postgresql+psycopg://", 1)
    name = f"t_{uuid.uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.replace("/postgres?", f"/{name}?", 1)
