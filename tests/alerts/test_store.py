"""The state: what is refused, and that one slot is run once."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from alerts.store.engine import StateError
from alerts.store.schema import SCHEMA_VERSION
from alerts.store.sql import Store
from checks.model import CheckRun, Evidence, Status, Window
from tests.support.findings import at


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def test_it_is_written_through_and_does_not_block_readers(tmp_path: Path) -> None:
    """WAL and synchronous=FULL."""
    store = Store(url(tmp_path / "state.db"))
    with store.engine.connect() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("journal_mode", "synchronous")]
    with store.writing() as writer:
        writer.claim_slot("x", at(0), "me")
        with store.reading() as reader:
            assert reader.cursor("x") is None
    store.close()
    assert pragmas == ["wal", 2]


def test_a_read_only_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """Also for root, who could write it."""
    path = tmp_path / "state.db"
    Store(url(path)).close()
    path.chmod(0o444)
    with pytest.raises(StateError) as refusal:
        Store(url(path))
    assert str(refusal.value) == (
        f"the state file {path} is read-only; run `chmod u+w {path}`, or name another `state.url`"
    )


def test_a_newer_version_is_refused_saying_how_to_go_on(tmp_path: Path) -> None:
    """An old program must not touch what it does not understand."""
    path = tmp_path / "state.db"
    Store(url(path)).close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    db.close()
    with pytest.raises(
        StateError,
        match=rf"written by a newer phasewatch \(version 99, this one knows {SCHEMA_VERSION}\); run that version",
    ):
        Store(url(path))


def test_what_is_no_state_is_refused(tmp_path: Path) -> None:
    """A text file, a folder, memory."""
    text = tmp_path / "notes.txt"
    text.write_text("hello " * 1000)
    for place, words in (
        (url(text), "is not a phasewatch state file"),
        (url(tmp_path), "is not a regular file"),
        ("sqlite://", "the state must be a file"),
    ):
        with pytest.raises(StateError, match=words):
            Store(place)


def test_tables_of_something_else_are_left_alone(tmp_path: Path) -> None:
    """A database that has another program's `meta`."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE meta (key TEXT, value TEXT)")
    db.close()
    with pytest.raises(StateError, match="has tables of something else"):
        Store(url(path))


def test_a_slot_is_claimed_once(state_url: str) -> None:
    """Two watchers on one state: the database refuses the second."""
    store = Store(state_url)
    claims = []
    for owner in ("a", "b"):
        with store.writing() as stored:
            claims.append(stored.claim_slot("completions", at(0), owner))
    store.close()
    assert claims == [True, False]


def test_the_last_run_is_kept_with_its_evidence_and_a_blind_one_keeps_the_cursor(state_url: str) -> None:
    """UNKNOWN stores its error and moves no cursor."""
    store = Store(state_url)
    seen = CheckRun(
        check="logs",
        started_at=at(0),
        finished_at=at(0),
        status=Status.OK,
        evidence=Evidence(window=Window(start=at(-1), end=at(0)), counts={"entries": 3}, queries=1),
        cursor={"source": {"offset": 7}, "carry": None},
    )
    blind = CheckRun(check="logs", started_at=at(1), finished_at=at(1), status=Status.UNKNOWN, error="timeout")
    for run in (seen, blind):
        with store.writing() as stored:
            stored.save_run(run)
    with store.reading() as stored:
        [last] = stored.last_runs()
        [then] = stored.last_runs(at(0.5))
        assert stored.cursor("logs") == {"source": {"offset": 7}, "carry": None}
    store.close()
    assert (last.status, last.error) == (Status.UNKNOWN, "timeout")
    assert (then.status, then.evidence) == (Status.OK, seen.evidence)
