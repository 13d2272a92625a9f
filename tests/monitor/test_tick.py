"""The one path on a real SQLite state: what a run changes, what is said, and that it is all stored or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from alerts.model import Action, Why
from alerts.notify.routing import Route, Routing
from alerts.store.outbox import Claimed
from alerts.store.sql import Store
from checks.model import CheckRun, Clearance, Evidence, Finding, Judgement, Status, Subject
from checks.ports import SourceError
from monitor.daemon.tick import Path as OnePath
from monitor.daemon.tick import Rules
from tests.support.findings import SERVICE, at, log_failure, phase, run
from tests.support.pipelines import nba

LEASE = timedelta(minutes=1)


@pytest.fixture
def store(state_url: str) -> Iterator[Store]:
    opened = Store(state_url)
    yield opened
    opened.close()


@pytest.fixture
def path(store: Store) -> OnePath:
    return OnePath(store, rules(), lambda: at(0))


def rules(*to: str) -> Rules:
    return Rules(
        pipelines=(nba(),),
        routing=Routing(routes=(Route(to=to or ("slack",)),)),
        zone=ZoneInfo("America/New_York"),
        blind_after=timedelta(minutes=10),
    )


def drain(store: Store, now: datetime) -> list[str]:
    """Send everything that is due; what was sent, in order."""
    sent = []
    while claimed := store.outbox.claim(now, LEASE, "test"):
        sent.append(f"{claimed.destination} {claimed.dispatch.action} {claimed.dispatch.message.title}")
        store.outbox.sent(claimed.id, {"ts": str(claimed.id)}, now)
    return sent


def test_one_cause_one_message(store: Store, path: OnePath) -> None:
    """The failure is posted; the phase behind it edits that message and adds to its thread; the end is told once."""
    path.absorb(run(at(0), log_failure(at(0))), at(0))
    assert drain(store, at(0)) == [f"slack post NameError: name 'firestore' is not defined in {SERVICE}"]

    path.absorb(run(at(0.5), log_failure(at(0.5))), at(0.5))
    assert drain(store, at(0.5)) == [], "more of the same is no news"

    path.absorb(run(at(3), phase(at(3)), check="completions"), at(3))
    assert drain(store, at(3)) == [
        "slack edit phase3 of 25 January 2026 is incomplete",
        "slack reply phase3 of 25 January 2026 is incomplete",
    ]
    recorded = Clearance(reason="all recorded", at=at(5), fingerprint=phase(at(3)).fingerprint)
    path.absorb(run(at(5), check="completions", clearances=(recorded,)), at(5))
    path.absorb(run(at(5.1), clearances=(Clearance(reason="ran", at=at(5.1), service=SERVICE),)), at(5.1))
    assert drain(store, at(6)) == [
        "slack reply phase3 of 25 January 2026 is incomplete",
        "slack edit phase3 of 25 January 2026 is incomplete",
        "slack reply after 5 h 6 min",
    ], "the older edit was superseded before it was sent"


def test_the_root_message_shows_the_whole_state(store: Store, path: OnePath) -> None:
    """What broke, since when, why, what it holds up, what is owed, what to do."""
    path.absorb(run(at(0), log_failure(at(0))), at(0))
    path.absorb(run(at(3), phase(at(3)), check="completions"), at(3))
    with store.reading() as stored:
        notification = stored.notifications(incident=1)[-1]
    assert notification.root is not None
    assert notification.root.summary == f"Cause: NameError: name 'firestore' is not defined in {SERVICE}"
    assert dict(notification.root.facts) == {
        "Since": "Mon 26 Jan 06:00 EST (11:00 UTC)",
        "Why": f"orchestration/shared/utils/completion_tracker.py:243 in record\n{SERVICE} records phase3",
        "Holds up": "phase4 of 25 January 2026, due Mon 26 Jan 11:00 EST (16:00 UTC)",
        "Still owed": "phase3 of 25 January 2026: player_game_summary",
        "Evidence": "checked Mon 26 Jan 09:00 EST (14:00 UTC)",
        "Next": f"repair {SERVICE} and deploy it; then run what is still owed again",
    }


def test_a_quiet_failure_is_kept_and_not_told(store: Store, path: OnePath) -> None:
    """A handled failure of a function no phase depends on: in the books, with the reason why nobody was told."""
    path.absorb(run(at(0), log_failure(at(0), service="billing", quiet=True)), at(0))
    assert drain(store, at(0)) == []
    with store.reading() as stored:
        assert [(n.why, n.suppressed) for n in stored.notifications()] == [(Why.HANDLED, True)]

    path.absorb(run(at(1), clearances=(Clearance(reason="ran", at=at(1), service="billing"),)), at(1))
    assert drain(store, at(1)) == [], "what was never announced is not announced as resolved"


def test_a_channel_that_joins_later_gets_the_whole_message(store: Store, path: OnePath) -> None:
    """Another destination is posted to, not edited."""
    path.absorb(run(at(0), log_failure(at(0))), at(0))
    drain(store, at(0))
    both = OnePath(store, rules("slack", "console"), lambda: at(3))
    both.absorb(run(at(3), phase(at(3)), check="completions"), at(3))
    assert [" ".join(line.split()[:2]) for line in drain(store, at(3))] == ["slack edit", "slack reply", "console post"]


class Broken:
    """A check whose source answers as told."""

    name = "completions"
    every = timedelta(minutes=1)
    about = Subject(pipeline="nba")

    def __init__(self) -> None:
        self.error: Exception | None = None

    def read(self, now: datetime, cursor: object) -> tuple[list[Finding], dict[str, str]]:
        del cursor
        if self.error is not None:
            raise self.error
        return [], {"seen": now.isoformat()}

    def judge(self, observed: list[Finding], now: datetime) -> Judgement:
        del now
        return Judgement(status=Status.OK, findings=tuple(observed), evidence=Evidence(queries=1))


def test_a_blind_check_is_unknown_told_after_a_while_and_its_cursor_stays(store: Store, path: OnePath) -> None:
    """Blindness is no health: UNKNOWN at once, an incident after ten minutes, over as soon as it can look."""
    check = Broken()
    assert path.tick(check, at(0)).status is Status.OK
    check.error = SourceError("connection refused", remedy="start it")
    runs: list[CheckRun] = [path.tick(check, at(1) + timedelta(minutes=m)) for m in (0, 5, 10)]
    assert [r.status for r in runs] == [Status.UNKNOWN] * 3
    assert drain(store, at(2)) == ["slack post Blind: the check completions cannot look"]
    with store.reading() as stored:
        assert stored.cursor("completions") == {"source": {"seen": at(0).isoformat()}, "carry": None}
    check.error = None
    path.tick(check, at(3))
    assert drain(store, at(3)) == [
        "slack edit Blind: the check completions cannot look",
        "slack reply after 2 h 0 min",
    ]


def test_a_bug_in_a_check_is_told_and_ends_nothing(store: Store, path: OnePath) -> None:
    """An exception becomes the finding `broken`; the next tick runs."""
    check = Broken()
    check.error = ZeroDivisionError("division by zero")
    path.tick(check, at(0))
    path.tick(check, at(0) + check.every)
    assert drain(store, at(1)) == ["slack post The check completions itself is broken"]


def test_nothing_is_stored_when_the_transaction_fails(
    store: Store, path: OnePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash half-way leaves the old cursor, no fault and no message: the work is repeated, not lost."""
    check = Broken()
    path.tick(check, at(0))
    monkeypatch.setattr(check, "read", lambda now, cursor: ([log_failure(at(1))], {"seen": "later"}))
    with monkeypatch.context() as broken:
        broken.setattr("monitor.daemon.speaking.decisions.plan", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            path.tick(check, at(1))
    with store.reading() as stored:
        assert stored.faults(resolved_since=at(0)) == {}
        assert stored.cursor("completions") == {"source": {"seen": at(0).isoformat()}, "carry": None}
    path.tick(check, at(1))
    assert drain(store, at(1)) == [f"slack post NameError: name 'firestore' is not defined in {SERVICE}"]


def test_a_dead_channel_is_told_through_the_others_only(store: Store) -> None:
    """Nobody can hear of a dead channel through it."""
    both = OnePath(store, rules("slack", "console"), lambda: at(0))
    dead = phase(
        at(0),
        fingerprint="delivery:slack",
        kind="delivery",
        subject=Subject(check="slack"),
        title="no alerts",
        facts={},
    )
    both.absorb(run(at(0), dead, check="delivery:slack"), at(0))
    assert drain(store, at(0)) == ["console post no alerts"]


def test_a_reply_is_given_the_receipt_of_its_root(store: Store, path: OnePath) -> None:
    """Threads hang on the message that was really posted."""
    path.absorb(run(at(0), log_failure(at(0))), at(0))
    posted = claim(store, at(0))
    assert posted.dispatch.root is None
    store.outbox.sent(posted.id, {"channel": "C1", "ts": "1.5"}, at(0))
    path.absorb(run(at(3), phase(at(3)), check="completions"), at(3))
    edit = claim(store, at(3))
    assert (edit.dispatch.action, edit.dispatch.root) == (Action.EDIT, {"channel": "C1", "ts": "1.5"})


def claim(store: Store, now: datetime) -> Claimed:
    claimed = store.outbox.claim(now, LEASE, "test")
    assert claimed is not None
    return claimed
