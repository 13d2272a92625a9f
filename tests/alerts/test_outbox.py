"""The outbox and its delivery: in order per thread, leased, retried, given up loudly; nothing lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import pytest

from alerts.delivery import ATTEMPTS_AT_LEAST, Delivery
from alerts.model import Action, Dispatch
from alerts.ports import DeliveryError
from alerts.store.sql import Store
from checks.model import JsonValue
from tests.support.findings import at
from tests.support.outbox import Recorder, put

LEASE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def store(state_url: str) -> Iterator[Store]:
    opened = Store(state_url)
    yield opened
    opened.close()


def deliver(store: Store, channel: Recorder, now: datetime) -> list[str | None]:
    """All that is due: the errors, None for what arrived."""
    delivery = Delivery(store.outbox, {"slack": channel}, "test", chance=lambda: 0.0)
    outcomes = []
    while outcome := delivery.send_next(now):
        outcomes.append(outcome.error)
    return outcomes


def test_a_thread_keeps_its_order_and_a_newer_edit_replaces_an_unsent_one(store: Store) -> None:
    """POST, then the latest EDIT; replies all."""
    put(store, 1, Action.POST)
    put(store, 2, Action.EDIT, Action.REPLY)
    put(store, 3, Action.EDIT, Action.REPLY)
    channel = Recorder()
    assert deliver(store, channel, at(0)) == [None] * 4
    assert [(d.action, d.message.title) for d in channel.sent] == [
        (Action.POST, "n1"),
        (Action.REPLY, "n2"),
        (Action.EDIT, "n3"),
        (Action.REPLY, "n3"),
    ]
    assert [d.root for d in channel.sent] == [None, {"ts": "1"}, {"ts": "1"}, {"ts": "3"}]


def test_the_gravest_goes_first_across_incidents(store: Store) -> None:
    """Urgency beats age."""
    put(store, 1, Action.POST, incident=1, urgency=0)
    put(store, 2, Action.POST, incident=2, urgency=2)
    channel = Recorder()
    deliver(store, channel, at(0))
    assert [d.message.title for d in channel.sent] == ["n2", "n1"]


def test_a_transient_error_is_tried_again_later_and_longer(store: Store) -> None:
    """5 s, then 10 s; nothing is lost."""
    put(store, 1, Action.POST)
    channel = Recorder(DeliveryError("timeout"), DeliveryError("timeout"))
    assert deliver(store, channel, at(0)) == ["timeout"]
    assert deliver(store, channel, at(0) + 4 * SECOND) == []
    assert deliver(store, channel, at(0) + 5 * SECOND) == ["timeout"]
    assert deliver(store, channel, at(0) + 14 * SECOND) == []
    assert deliver(store, channel, at(0) + 15 * SECOND) == [None]
    assert [d.attempt for d in channel.sent] == [3]


def test_the_service_may_ask_to_wait(store: Store) -> None:
    """Retry-After is honoured for the whole destination."""
    put(store, 1, Action.POST, incident=1)
    put(store, 2, Action.POST, incident=2)
    channel = Recorder(DeliveryError("ratelimited", retry_after=30 * SECOND))
    assert deliver(store, channel, at(0)) == ["ratelimited"]
    assert deliver(store, channel, at(0) + 31 * SECOND) == [None, None]


def test_a_permanent_error_holds_its_thread_until_revived(store: Store) -> None:
    """A wrong token: the message is kept, its thread waits behind it, and comes in order once mended."""
    put(store, 1, Action.POST)
    put(store, 2, Action.EDIT, Action.REPLY)
    channel = Recorder(DeliveryError("invalid_auth", permanent=True))
    assert deliver(store, channel, at(0)) == ["invalid_auth"]
    assert [(b.pending, b.dead, b.error) for b in store.outbox.backlog()] == [(2, 1, "invalid_auth")]
    assert store.outbox.revive(at(1), since=at(-1)) == 1
    assert deliver(store, channel, at(1)) == [None] * 3
    assert [d.message.title for d in channel.sent] == ["n1", "n2", "n2"]


def test_a_sender_that_died_leaves_an_uncertain_row(store: Store) -> None:
    """Its lease runs out, or the next start releases it; either way the next attempt knows that it may have arrived."""
    put(store, 1, Action.POST)
    first = store.outbox.claim(at(0), LEASE, "dead")
    assert first is not None
    assert store.outbox.claim(at(0), LEASE, "other") is None, "leased"
    again = store.outbox.claim(at(0) + LEASE, LEASE, "other")
    assert again is not None
    assert (first.dispatch.uncertain, again.dispatch.uncertain) == (False, True)
    assert first.dispatch.key == again.dispatch.key

    assert store.outbox.release() == 1
    released = store.outbox.claim(at(0) + LEASE, LEASE, "third")
    assert released is not None
    assert released.dispatch.uncertain


def test_a_row_nobody_takes_does_not_starve_the_others(store: Store) -> None:
    """Fewest attempts first."""
    put(store, 1, Action.POST, incident=1, urgency=2)
    put(store, 2, Action.POST, incident=2, urgency=0)
    channel = Recorder(DeliveryError("odd"))
    deliver(store, channel, at(0))
    assert deliver(store, channel, at(1)) == [None, None]
    assert [d.message.title for d in channel.sent] == ["n2", "n1"]


def test_a_bug_in_a_channel_loses_nothing(store: Store) -> None:
    """It is tried again, and as it may have arrived, it says so."""
    put(store, 1, Action.POST)

    class Buggy(Recorder):
        def send(self, dispatch: Dispatch) -> Mapping[str, JsonValue]:
            if dispatch.attempt == 1:
                raise KeyError("ts")
            return super().send(dispatch)

    channel = Buggy()
    assert deliver(store, channel, at(0)) == ["KeyError: 'ts'"]
    assert deliver(store, channel, at(1)) == [None]
    assert [d.uncertain for d in channel.sent] == [True]


def test_what_no_channel_wants_for_a_day_is_given_up(store: Store) -> None:
    """Loudly: the outcome says so. What was sent again by hand after that day gets its attempts all the same."""
    put(store, 1, Action.POST)
    delivery = Delivery(store.outbox, {"slack": Recorder(*[DeliveryError("timeout")] * 100)}, "test")
    outcomes = [delivery.send_next(at(25 + n)) for n in range(ATTEMPTS_AT_LEAST)]
    assert [o is not None and o.gave_up for o in outcomes] == [False] * (ATTEMPTS_AT_LEAST - 1) + [True]
    assert store.letters.resend(at(50)) == 1
    again = delivery.send_next(at(50))
    assert again is not None
    assert not again.gave_up


def test_pauses_are_stretched_never_shortened(store: Store) -> None:
    """What failed together does not come back together, nor before it may."""
    put(store, 1, Action.POST)
    asked = DeliveryError("ratelimited", retry_after=100 * SECOND)
    delivery = Delivery(store.outbox, {"slack": Recorder(asked)}, "test", chance=lambda: 1.0)
    delivery.send_next(at(0))
    assert delivery.send_next(at(0) + 119 * SECOND) is None
    assert delivery.send_next(at(0) + 120 * SECOND) is not None


def test_a_channel_that_left_the_configuration_keeps_its_rows_as_dead(store: Store) -> None:
    """They are listed, not dropped."""
    put(store, 1, Action.POST, to="pager")
    outcome = Delivery(store.outbox, {}, "test").send_next(at(0))
    assert outcome is not None
    assert outcome.error == "there is no channel 'pager' in the configuration any more"
    assert [(b.destination, b.dead) for b in store.outbox.backlog()] == [("pager", 1)]


def test_news_give_what_was_given_up_in_their_thread_another_attempt(store: Store) -> None:
    """Somebody may have invited the app meanwhile. Without news nothing is tried again by itself."""
    put(store, 1, Action.POST)
    channel = Recorder(*[DeliveryError("not_in_channel", permanent=True)] * 2)
    assert deliver(store, channel, at(0)) == ["not_in_channel"]
    assert deliver(store, channel, at(20)) == []
    put(store, 2, Action.EDIT, Action.REPLY)
    assert deliver(store, channel, at(21)) == ["not_in_channel"]
    put(store, 3, Action.REPLY)
    assert deliver(store, channel, at(22)) == [None] * 4
    assert [d.message.title for d in channel.sent] == ["n1", "n2", "n2", "n3"]


# --- by hand ----------------------------------------------------------------------------------------------------------


def give_up(store: Store, to: str = "slack") -> None:
    """The next row is refused for good."""
    refusal = DeliveryError("invalid_auth", permanent=True)
    Delivery(store.outbox, {to: Recorder(refusal)}, "test").send_next(at(0))


def test_what_was_given_up_is_listed_and_sent_again(store: Store) -> None:
    """With what waits behind it; the gravest first."""
    put(store, 1, Action.POST, incident=1)
    put(store, 2, Action.EDIT, incident=1)
    give_up(store)
    put(store, 3, Action.POST, incident=2, urgency=2)
    letters = store.letters.unsent()
    assert [(x.message.title, x.state, x.attempts, x.error) for x in letters] == [
        ("n3", "pending", 0, None),
        ("n1", "dead", 1, "invalid_auth"),
        ("n2", "pending", 0, None),
    ]
    dead, behind = letters[1], letters[2]
    assert (dead.behind, behind.behind) == (None, dead.id)
    assert store.letters.unsent(destination="mail") == []
    assert store.letters.resend(at(1), number=letters[0].id) == 0, "it was not given up"
    assert store.letters.resend(at(1), number=dead.id) == 1
    channel = Recorder()
    deliver(store, channel, at(1))
    assert [d.message.title for d in channel.sent] == ["n3", "n1", "n2"]
    assert store.letters.unsent() == []


def test_a_dropped_row_is_never_sent_and_holds_nothing_up(store: Store) -> None:
    """With the reason; what follows stands alone."""
    put(store, 1, Action.POST)
    put(store, 2, Action.REPLY)
    give_up(store)
    [dead, _] = store.letters.unsent()
    assert store.letters.drop(dead.id, "told by phone", at(1))
    assert not store.letters.drop(dead.id, "again", at(1))
    channel = Recorder()
    deliver(store, channel, at(1))
    assert [(d.message.title, d.root) for d in channel.sent] == [("n2", None)]
    kept = store.letters.one(dead.id)
    assert kept is not None
    assert (kept.state, kept.error) == ("dropped", "dropped: told by phone")
    assert store.letters.resend(at(2)) == 0


def test_a_row_that_is_being_sent_cannot_be_dropped(store: Store) -> None:
    """It may be arriving right now."""
    put(store, 1, Action.POST)
    claimed = store.outbox.claim(at(0), LEASE, "watcher")
    assert claimed is not None
    assert not store.letters.drop(claimed.id, "x", at(0))
    assert store.letters.drop(claimed.id, "x", at(0) + LEASE)


def test_what_may_have_arrived_stays_uncertain_when_sent_again(store: Store) -> None:
    """So that it is looked for, or marked."""
    put(store, 1, Action.POST)
    lost = DeliveryError("no answer", permanent=True, uncertain=True)
    channel = Recorder(lost)
    deliver(store, channel, at(0))
    store.letters.resend(at(1))
    deliver(store, channel, at(1))
    assert [d.uncertain for d in channel.sent] == [True]
