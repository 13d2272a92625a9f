"""What every state keeps to, in a SQLite file and on PostgreSQL: one body of tests.

`tests/alerts/test_outbox.py`, `test_store.py` and `tests/monitor/test_tick.py` run on both as well.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, inspect, select, text

from alerts.model import Fault, FaultState, Incident, IncidentState
from alerts.notify.routing import Route, Routing
from alerts.store import migrate, schema
from alerts.store.migrate import StateError, copy
from alerts.store.sql import Store
from alerts.store.upkeep import Keep
from checks.model import CheckRun, Clearance, Status
from monitor.daemon.tick import Path as OnePath
from monitor.daemon.tick import Rules
from tests.support.findings import at, log_failure, phase, run

DATA = Path(__file__).parents[1] / "data" / "state"
KEEP = Keep(history=timedelta(days=30), runs=timedelta(days=14))
MUCH_LATER = at(24 * 40)


@pytest.fixture
def store(state_url: str) -> Iterator[Store]:
    opened = Store(state_url)
    yield opened
    opened.close()


def path_of(store: Store) -> OnePath:
    rules = Rules(
        pipelines=(),
        routing=Routing(routes=(Route(to=("slack",)),)),
        zone=ZoneInfo("UTC"),
        blind_after=timedelta(minutes=10),
    )
    return OnePath(store, rules, lambda: at(0))


def send_all(store: Store, now: datetime) -> None:
    while claimed := store.outbox.claim(now, timedelta(minutes=1), "test"):
        store.outbox.sent(claimed.id, {"ts": str(claimed.id)}, now)


def incident(store: Store, service: str, begin: float, end: float | None = None, *, sent: bool = True) -> None:
    """One incident from begin to end (None: still open)."""
    path = path_of(store)
    path.absorb(run(at(begin), log_failure(at(begin), service=service)), at(begin))
    if sent:
        send_all(store, at(begin))
    if end is not None:
        path.absorb(run(at(end), clearances=(Clearance(reason="ran", at=at(end), service=service),)), at(end))
        if sent:
            send_all(store, at(end))


def prune(store: Store, now: datetime) -> int:
    """All that is due; how many rows."""
    total = 0
    while gone := store.upkeep.step(KEEP, now):
        total += gone
    return total


def incidents(store: Store) -> list[Incident]:
    with store.reading() as stored:
        return stored.incidents()


def rows(store: Store) -> dict[str, int]:
    return store.upkeep.size().rows


# --- what is kept and what is not -------------------------------------------------------------------------------------


def test_what_is_long_over_goes_with_all_that_belongs_to_it(store: Store) -> None:
    """Its faults, history, notifications and messages; the last one stays, so that no number is given twice."""
    incident(store, "a", 0, 1)
    incident(store, "b", 2, 3)
    before = rows(store)
    assert (before["incidents"], before["faults"], before["outbox"]) == (2, 2, 6)
    assert prune(store, MUCH_LATER) > 0
    after = rows(store)
    assert {t: after[t] for t in ("incidents", "faults", "outbox")} == {"incidents": 1, "faults": 1, "outbox": 3}
    assert [i.id for i in incidents(store)] == [2]
    with store.reading() as stored:
        assert stored.next_incident() == 3
    assert prune(store, MUCH_LATER) == 0


def test_what_is_not_old_yet_stays(store: Store) -> None:
    """To the second."""
    incident(store, "a", 0, 1)
    incident(store, "b", 0, None)
    prune(store, at(1) + KEEP.history)
    assert [i.id for i in incidents(store)] == [1, 2]
    prune(store, at(1) + KEEP.history + timedelta(seconds=1))
    assert [i.id for i in incidents(store)] == [2]


def test_what_is_open_stays_however_old(store: Store) -> None:
    """With its whole history and its message, which is edited one day."""
    incident(store, "a", 0)
    incident(store, "b", 1)
    before = rows(store)
    prune(store, at(24 * 4000))
    assert {**rows(store), "check_runs": 0, "slots": 0} == {**before, "check_runs": 0, "slots": 0}


@pytest.mark.parametrize("given_up", [False, True])
def test_an_incident_with_unsent_messages_stays(store: Store, given_up: bool) -> None:
    """Waiting or given up: somebody may still want to send them."""
    incident(store, "a", 0, 1, sent=False)
    if given_up:
        claimed = store.outbox.claim(at(1), timedelta(minutes=1), "test")
        assert claimed is not None
        store.outbox.dead(claimed.id, "invalid_auth")
    incident(store, "b", 2, sent=False)
    prune(store, MUCH_LATER)
    assert [i.id for i in incidents(store)] == [1, 2]


def test_the_last_run_of_a_check_stays_however_old(store: Store) -> None:
    """A check that stopped running is not forgotten."""
    with store.writing() as stored:
        for check, hours in (("a", 0.0), ("a", 1.0), ("b", 24 * 39.0)):
            stored.save_run(CheckRun(check=check, started_at=at(hours), finished_at=at(hours), status=Status.OK))
    prune(store, MUCH_LATER)
    with store.reading() as stored:
        assert [(r.check, r.finished_at) for r in stored.last_runs()] == [("a", at(1)), ("b", at(24 * 39))]
    assert rows(store)["check_runs"] == 2


def test_steps_are_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A storm's history is not deleted in one transaction, during which nothing else could be written."""
    monkeypatch.setattr("alerts.store.upkeep.ROWS_AT_ONCE", 2)
    for number in range(3):
        incident(store, f"s{number}", number * 3, number * 3 + 1)
    steps = []
    while gone := store.upkeep.step(KEEP, MUCH_LATER):
        steps.append(gone)
    assert max(steps) == 2
    assert [i.id for i in incidents(store)] == [3]


def test_freed_space_is_given_back(store: Store) -> None:
    """Little by little by the daemon, all of it on demand."""
    for number in range(30):
        incident(store, f"s{number}", number * 3, number * 3 + 1)
    before = store.upkeep.size().bytes
    prune(store, MUCH_LATER)
    store.upkeep.shrink()
    after = store.upkeep.size().bytes
    assert before is not None
    assert after is not None
    if store.engine.dialect.name == "sqlite":
        assert after < before * 0.7
    store.upkeep.shrink(whole=True)
    assert [i.state for i in incidents(store)] == [IncidentState.RESOLVED]


def test_what_a_check_carries_may_hold_any_json(store: Store) -> None:
    """Parts of log entries among it, with numbers larger than any machine's."""
    cursor = {"source": {"offset": 10**30}, "carry": [1e300, "☃", None, {"": []}]}
    with store.writing() as stored:
        stored.set_cursor("function_logs", {"source": 1}, at(0))
        stored.set_cursor("function_logs", cursor, at(1))
    with store.reading() as stored:
        assert stored.cursor("function_logs") == cursor


def test_a_fault_is_read_as_it_was_written(store: Store) -> None:
    """With what a finding of its kind may hold, and what a fault gets in its life."""
    found = phase(
        at(3), pending_for=timedelta(minutes=10), facts={"n": 3, "share": 0.5, "missing": ["a", "b"], "x": None}
    )
    fault = Fault(
        finding=found,
        state=FaultState.RESOLVED,
        opened_at=at(0),
        count=7,
        fired_at=at(1),
        resolved_at=at(2),
        resolution="recorded ☃",
        reopened=(at(0), at(1)),
    )
    waits = Fault(finding=log_failure(at(0)), state=FaultState.PENDING, opened_at=at(0), count=1)
    with store.writing() as stored:
        stored.save_faults([fault, waits], {}, (), at(2))
    with store.reading() as stored:
        assert stored.faults(resolved_since=at(0)) == {f.fingerprint: f for f in (fault, waits)}


# --- versions ---------------------------------------------------------------------------------------------------------


def opened_from(version: int, state_url: str) -> Store:
    """A state as that version left it (made and filled by the program of that time, then dumped), opened by ours."""
    if state_url.startswith("sqlite"):
        with closing(sqlite3.connect(state_url.removeprefix("sqlite:///"))) as db:
            db.executescript((DATA / f"v{version}.sql").read_text(encoding="utf-8"))
        return Store(state_url)
    engine = create_engine(state_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute((DATA / f"v{version}.postgres.sql").read_text(encoding="utf-8"))
    engine.dispose()
    return Store(state_url)


def test_a_state_of_version_1_is_carried_over(state_url: str) -> None:
    """Incidents, history, cursor and the messages that wait are there, under the present version."""
    store = opened_from(1, state_url)
    with store.reading() as stored:
        found = [(i.id, i.state.value, i.members) for i in stored.incidents()]
        assert [(number, state) for number, state, _ in found] == [(1, "open"), (2, "resolved"), (3, "open")]
        assert set(stored.faults(resolved_since=at(0))) == {name for *_, members in found for name in members}
        assert len(stored.transitions()) == 4
        assert stored.cursor("function_logs") == {"source": {"offset": 7}, "carry": None}
    waiting = {b.destination: (b.pending, b.dead) for b in store.outbox.backlog()}
    assert waiting == {"bad": (3, 2), "slack": (1, 0)}
    claimed = store.outbox.claim(at(4), timedelta(minutes=1), "test")
    assert claimed is not None
    assert (claimed.destination, claimed.dispatch.message.title) == ("slack", "phase3 of 25 January 2026 is failed")
    with store.engine.connect() as db:
        version = db.execute(select(schema.meta.c.value).where(schema.meta.c.key == "schema_version")).scalar_one()
    assert version == str(schema.SCHEMA_VERSION)
    prune(store, MUCH_LATER)
    store.close()
    Store(state_url).close()


def test_a_state_of_version_2_is_carried_over(state_url: str) -> None:
    """Its history had a row for each transition: all are there, in their order and with their incidents; and what
    belongs to an incident still goes with it.
    """
    store = opened_from(2, state_url)
    with store.reading() as stored:
        history = stored.transitions()
        assert [(t.change.value, t.at, t.incident) for t in history] == [
            ("opened", at(0), 1),
            ("opened", at(1), 2),
            ("resolved", at(2), 2),
            ("opened", at(3), 3),
            ("opened", at(4), 4),
            ("opened", at(4), 4),
            ("resolved", at(5), 4),
            ("resolved", at(5), 4),
            ("noticed", at(5), None),
        ]
        assert history[6].reason == 'it "ran" cleanly\\n: naïve ☃'
        assert stored.transitions(incident=4) == history[4:8]
        assert stored.transitions(until=at(2)) == history[:3]
        assert [i.id for i in stored.incidents(resolved_since=at(9))] == [1, 3]
        assert len(stored.faults(resolved_since=at(5))) == 5
    tables = inspect(store.engine).get_table_names()
    assert "history" in tables
    assert "transitions" not in tables
    indexes = {i["name"] for i in inspect(store.engine).get_indexes("faults")}
    assert indexes == {"faults_by_end", "faults_by_incident"}
    store.outbox.revive(at(8), since=at(0))
    send_all(store, at(8))
    prune(store, MUCH_LATER)
    with store.reading() as stored:
        assert [t.incident for t in stored.transitions()] == [1, 3, 4, 4, 4, 4]  # 2 is gone, the last one stays
    store.close()
    Store(state_url).close()


def test_a_state_of_version_3_is_carried_over(state_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its history was not compressed: all of it is there, in its order, however few rows are carried over at a time;
    and the next change is added to it.
    """
    monkeypatch.setattr(migrate, "_ROWS_AT_ONCE", 2)
    store = opened_from(3, state_url)
    with store.reading() as stored:
        history = stored.transitions()
        known = stored.faults(resolved_since=at(0))
        assert stored.cursor("function_logs") == {"source": {"offset": 7}, "carry": None}
        assert stored.transitions(incident=2) == [history[1], history[3]]
        storms = [i for i in stored.incidents() if i.storm is not None]
    assert [(t.change.value, t.at, t.incident) for t in history] == [
        ("opened", at(0), 1),
        ("opened", at(1), 2),
        ("opened", at(1), 3),
        ("resolved", at(2), 2),
        *[("opened", at(3), 4)] * 4,
        *[("opened", at(3), 5)] * 3,
    ]
    assert history[3].reason == 'it "ran" cleanly\\n: naïve ☃'
    assert {t.fault.fingerprint: t.fault for t in history} == known
    assert {i.storm: len(i.members) for i in storms} == {"NameError name_0": 4, "NameError name_1": 3}
    rows_before = rows(store)["history"]
    path_of(store).absorb(run(at(4), clearances=(Clearance(reason="ran", at=at(4), service="f-1"),)), at(4))
    with store.reading() as stored:
        assert [t.change.value for t in stored.transitions(incident=1)] == ["opened", "resolved"]
    assert rows(store)["history"] == rows_before + 1
    assert "history_3" not in inspect(store.engine).get_table_names()
    indexes = {i["name"] for i in inspect(store.engine).get_indexes("history")}
    assert indexes == {"history_by_time", "history_by_incident"}
    store.close()
    Store(state_url).close()


def test_a_storm_is_remembered_change_by_change(store: Store) -> None:
    """However many transitions share a row of the history, and faults a statement."""
    findings = [log_failure(at(0), service=f"f-{n}", name=f"name_{n % 3}") for n in range(1_050)]
    path = path_of(store)
    path.absorb(run(at(0), *findings), at(0))
    path.absorb(run(at(1), clearances=(Clearance(reason="ran", at=at(1), service="f-7"),)), at(1))
    with store.reading() as stored:
        history = stored.transitions()
        known = stored.faults(resolved_since=at(0))
    assert {t.fault.fingerprint for t in history[:1_050]} == {f.fingerprint for f in findings}
    assert all(
        t.fault == known[t.fault.fingerprint] for t in history[:1_050] if t.fault.finding.subject.service != "f-7"
    )
    assert [(t.change.value, t.at, t.fault.finding.subject.service) for t in history[1_050:]] == [
        ("resolved", at(1), "f-7")
    ]
    assert known[history[1_050].fault.fingerprint] == history[1_050].fault
    assert 1 < rows(store)["history"] < 20


def test_the_file_of_version_1_is_kept_beside_it(tmp_path: Path) -> None:
    """Readable as it was, for the program of that time."""
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript((DATA / "v1.sql").read_text(encoding="utf-8"))
    Store(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(tmp_path / "state.db.v1-backup")) as kept:
        assert kept.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchall() == [("1",)]
        assert kept.execute("SELECT count(*) FROM incidents").fetchall() == [(3,)]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA auto_vacuum").fetchall() == [(2,)]


def test_the_way_back_is_named_where_there_is_one(tmp_path: Path) -> None:
    """A newer program kept the file as this one left it."""
    url = f"sqlite:///{tmp_path}/state.db"
    Store(url).close()
    copy(tmp_path / "state.db", tmp_path / f"state.db.v{schema.SCHEMA_VERSION}-backup")
    with closing(sqlite3.connect(tmp_path / "state.db")) as db:
        db.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
        db.commit()
    with pytest.raises(StateError, match=rf"put .*state\.db\.v{schema.SCHEMA_VERSION}-backup in its place$"):
        Store(url)


def test_a_newer_version_is_refused_and_not_touched(state_url: str) -> None:
    """An old program must not write what it does not understand."""
    store = Store(state_url)
    with store.engine.begin() as db:
        db.execute(text("UPDATE meta SET value = '99' WHERE key = 'schema_version'"))
    store.close()
    with pytest.raises(StateError, match="written by a newer phasewatch"):
        Store(state_url)


# --- copies of a file -------------------------------------------------------------------------------------------------


def test_a_copy_is_consistent_while_the_state_is_written(tmp_path: Path) -> None:
    """With an open transaction beside it: what was committed is in the copy, the rest is not."""
    store = Store(f"sqlite:///{tmp_path}/state.db")
    incident(store, "a", 0)
    told: list[tuple[int, int]] = []
    with store.writing() as stored:
        stored.claim_slot("x", at(0), "me")
        copy(tmp_path / "state.db", tmp_path / "copy.db", lambda done, pages: told.append((done, pages)))
    store.close()
    assert told[-1][0] == told[-1][1]
    assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0
    restored = Store(f"sqlite:///{tmp_path}/copy.db")
    assert [i.id for i in incidents(restored)] == [1]
    assert rows(restored)["slots"] == 0
    restored.close()


def test_a_copy_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    """Not even half a file."""
    (tmp_path / "notes.db").write_text("hello " * 1000)
    with pytest.raises(StateError, match="cannot copy the state"):
        copy(tmp_path / "notes.db", tmp_path / "copy.db")
    assert [p.name for p in tmp_path.iterdir()] == ["notes.db"]
