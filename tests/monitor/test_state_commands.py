"""`phasewatch state` and `phasewatch outbox` as people use them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from alerts.store.sql import Store
from monitor.cli import cli

DATA = Path(__file__).parents[1] / "data" / "state"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration, and a state with open incidents and dead letters of January."""
    (tmp_path / "config.yaml").write_text("state: {keep: {history: 30d}}\n", encoding="utf-8")
    (tmp_path / "var").mkdir()
    with closing(sqlite3.connect(tmp_path / "var" / "phasewatch.db")) as db:
        db.executescript((DATA / "v1.sql").read_text(encoding="utf-8"))
    return tmp_path


def call(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(folder / "config.yaml"), *arguments])


def letters(folder: Path) -> list[Any]:
    found: list[Any] = json.loads(call(folder, "outbox", "list", "--format", "json").stdout)["letters"]
    return found


def test_dead_letters_are_listed_shown_and_sent_again(folder: Path) -> None:
    """The list exits with 1 while there are any."""
    listed = call(folder, "outbox")
    assert listed.exit_code == 1
    assert "invalid_auth" in listed.stdout
    assert "4 waiting, 2 given up" in listed.stdout
    shown = call(folder, "outbox", "show", "7")
    assert "waits behind row 4, which was given up" in shown.stdout
    assert call(folder, "outbox", "resend", "--all-dead").stdout == "due again: 2 messages\n"
    again = call(folder, "outbox", "list")
    assert (again.exit_code, "given up;" in again.stdout) == (0, False)
    assert {x["state"] for x in letters(folder)} == {"pending"}


def test_a_row_is_dropped_with_a_reason_and_only_once(folder: Path) -> None:
    """What is not there, not dead, or dropped already is said."""
    assert call(folder, "outbox", "drop", "2").exit_code == 2, "a reason is needed"
    assert call(folder, "outbox", "drop", "2", "--reason", "told by phone").exit_code == 0
    assert 2 not in [x["id"] for x in letters(folder)]
    assert "dropped: told by phone (" in call(folder, "outbox", "show", "2").stdout
    for wrong, words in (
        (("drop", "2", "--reason", "x"), "neither waiting nor given up"),
        (("resend", "9"), "row 9 was not given up: it is pending"),
        (("resend", "99"), "row 99 was not given up: there is no such row"),
        (("resend",), "name one row, or say --all-dead"),
        (("resend", "2", "--all-dead"), "name one row, or say --all-dead"),
        (("show", "99"), "there is no row 99"),
    ):
        refused = call(folder, "outbox", *wrong)
        assert (refused.exit_code, words in refused.output) == (2, True), wrong


def test_without_a_state_there_is_nothing_to_list_and_nothing_is_made(tmp_path: Path) -> None:
    """No watcher has run."""
    (tmp_path / "config.yaml").write_text("mode: embedded\n", encoding="utf-8")
    assert call(tmp_path, "outbox").stdout == "nothing waits and nothing was given up\n"
    for command in (("state", "info"), ("state", "prune"), ("state", "backup", str(tmp_path / "b.db"))):
        assert call(tmp_path, *command).exit_code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["config.yaml"]


def test_the_state_tells_what_it_holds(folder: Path) -> None:
    """In text, and as JSON."""
    text = call(folder, "state", "info")
    assert text.exit_code == 0
    assert "kept: what is over for 30d, runs of checks for 14d" in text.stdout
    about = json.loads(call(folder, "state", "info", "--format", "json").stdout)
    assert (about["rows"]["incidents"], about["rows"]["outbox"]) == (3, 10)
    assert about["bytes"] > 0
    assert set(about["storage"]) == {"kind", "lasts", "about", "free_bytes"}


def test_pruning_says_how_much_went(folder: Path) -> None:
    """The resolved incident of January has unsent messages: it stays until these are sent or dropped."""
    assert "deleted 2 rows" in call(folder, "state", "prune").stdout, "old runs of checks"
    for number in (4, 7, 8):
        assert call(folder, "outbox", "drop", str(number), "--reason", "old").exit_code == 0
    assert "deleted 0 rows" not in call(folder, "state", "prune", "--vacuum").stdout
    store = Store(f"sqlite:///{folder}/var/phasewatch.db")
    with store.reading() as stored:
        assert [i.id for i in stored.incidents()] == [1, 3]
    store.close()


def test_a_backup_can_be_opened_and_replaces_nothing_by_itself(folder: Path) -> None:
    """--force does."""
    target = folder / "copy.db"
    assert "checked" in call(folder, "state", "backup", str(target)).stdout
    refused = call(folder, "state", "backup", str(target))
    assert (refused.exit_code, "--force" in refused.output) == (2, True)
    assert call(folder, "state", "backup", str(target), "--force").exit_code == 0
    store = Store(f"sqlite:///{target}")
    assert store.upkeep.size().rows["incidents"] == 3
    store.close()


def test_a_server_is_backed_up_by_its_own_tool(tmp_path: Path) -> None:
    """Named without the password."""
    url = "postgresql://phasewatch:pa55word@db.internal/phasewatch"
    (tmp_path / "config.yaml").write_text(f"state: {{url: '{url}'}}\n", encoding="utf-8")
    refused = call(tmp_path, "state", "backup", str(tmp_path / "b.db"))
    assert refused.exit_code == 2
    assert "pg_dump --format=custom" in refused.output
    assert "pa55word" not in refused.output
