"""What BigQuery is asked and bills: counted by purpose, kept over restarts, bounded by a budget."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from alerts.model import Fault
from alerts.store.sql import Store
from checks.model import Evidence, JsonValue, Judgement, Status, Subject
from monitor import costs
from monitor.costs import CURSOR, Costs, Spent, headroom, parse, report
from monitor.daemon.tick import Path as OnePath
from monitor.telemetry import metrics, vitals
from tests.monitor.test_tick import rules

NOW = datetime(2026, 1, 16, tzinfo=UTC)
GB = 10**9
EVERY = timedelta(minutes=1)


@pytest.fixture
def store(state_url: str) -> Iterator[Store]:
    """An empty state."""
    opened = Store(state_url)
    yield opened
    opened.close()


class Asking:
    """A check that runs one query each time, and is billed for it; None: not reported."""

    name = "completions"
    every = EVERY
    about = Subject()

    def __init__(self, meter: Costs, billed: int | None = GB, purpose: str = "completions") -> None:
        self._meter = meter
        self._billed = billed
        self._purpose = purpose

    def read(self, now: datetime, cursor: JsonValue) -> tuple[None, JsonValue]:
        self._meter.note(self._purpose, self._billed)
        return None, None

    def judge(self, observed: None, now: datetime) -> Judgement:
        return Judgement(status=Status.OK, evidence=Evidence(queries=1, bytes_billed=self._billed))


def ticked(store: Store, meter: Costs, check: Any, now: datetime) -> Any:
    """One tick of the one path."""
    return OnePath(store, rules(), lambda: now, meter).tick(check, now)


def kept(store: Store) -> JsonValue:
    """What is stored of the costs."""
    with store.reading() as stored:
        return stored.cursor(CURSOR)


def test_counts_are_kept_by_purpose_and_day_over_restarts(store: Store) -> None:
    """With the tick that asked, in its transaction; what was not reported is counted as such."""
    meter = Costs(None)
    ticked(store, meter, Asking(meter), NOW)
    ticked(store, meter, Asking(meter, None, "calendar"), NOW)
    again = Costs(kept(store))
    ticked(store, again, Asking(again), NOW + timedelta(days=1))
    ticked(store, again, Asking(again), NOW + timedelta(days=1))
    assert parse(kept(store)) == {
        date(2026, 1, 16): {
            "completions": Spent(queries=1, billed=GB),
            "calendar": Spent(queries=1, unreported=1),
        },
        date(2026, 1, 17): {"completions": Spent(queries=2, billed=2 * GB)},
    }
    found = again.report(NOW + timedelta(days=1))
    assert (found.today, found.month) == (
        Spent(queries=2, billed=2 * GB),
        Spent(queries=4, unreported=1, billed=3 * GB),
    )


def test_two_watchers_on_one_state_add_up(store: Store) -> None:
    """Each adds to what is stored, not to what it remembers."""
    one, other = Costs(None), Costs(None)
    ticked(store, one, Asking(one), NOW)
    ticked(store, other, Asking(other), NOW)
    ticked(store, one, Asking(one), NOW)
    assert one.report(NOW).today == Spent(queries=3, billed=3 * GB)


def test_the_day_stands_in_the_evidence_of_a_check_that_asked(store: Store) -> None:
    """This run's own query included."""
    meter = Costs(None)
    ticked(store, meter, Asking(meter), NOW)
    run = ticked(store, meter, Asking(meter), NOW)
    assert run.evidence.notes == ("BigQuery today: 2 queries, bytes billed: 2,000,000,000",)
    with store.reading() as stored:
        assert stored.last_runs()[0].evidence.notes == run.evidence.notes


def test_what_is_not_reported_is_never_nothing() -> None:
    """Neither in words nor in JSON; of no query nothing was billed."""
    assert Spent(queries=2, unreported=2).words() == "2 queries, bytes billed: not reported"
    assert Spent(queries=2, unreported=2).as_json()["bytes_billed"] is None
    some = Spent(queries=3, unreported=1, billed=5)
    assert some.words() == "3 queries, bytes billed: 5 (1 queries not reported)"
    assert Spent().as_json() == {"queries": 0, "bytes_billed": 0, "unreported": 0}


def test_a_month_ends_with_its_last_day() -> None:
    """In UTC; a report as of a past day knows nothing of later ones."""
    days = {
        date(2026, 1, 31): {"a": Spent(queries=1, billed=1)},
        date(2026, 2, 1): {"a": Spent(queries=1, billed=2)},
        date(2026, 2, 2): {"b": Spent(queries=1, billed=4)},
    }
    assert report(days, datetime(2026, 2, 2, 5, tzinfo=UTC), None).month.billed == 6
    assert report(days, datetime(2026, 2, 1, 23, 59, tzinfo=UTC), None).month.billed == 2
    assert report(days, datetime(2026, 1, 31, 23, 59, tzinfo=UTC), None).month.billed == 1


def test_the_metrics_show_the_day_by_purpose(store: Store) -> None:
    """Bytes are absent where none were reported."""
    meter = Costs(None)
    ticked(store, meter, Asking(meter), NOW)
    ticked(store, meter, Asking(meter, None, "calendar"), NOW)
    text = metrics.render(vitals.read(store, NOW), "1").decode()
    values = {
        (s.name.removeprefix("phasewatch_bigquery_"), s.labels.get("purpose")): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
        if "bigquery" in s.name
    }
    assert values == {
        ("queries_today", "calendar"): 1,
        ("queries_today", "completions"): 1,
        ("queries_unreported_today", "calendar"): 1,
        ("queries_unreported_today", "completions"): 0,
        ("billed_bytes_today", "completions"): GB,
        ("billed_bytes_month", None): GB,
    }


# --- the budget


def test_the_budget_is_handed_out_day_by_day() -> None:
    """One day's part on the first, all of it on the last."""
    month = 31 * GB
    assert headroom(0, month, datetime(2026, 1, 1, tzinfo=UTC)) == GB
    assert headroom(0, month, datetime(2026, 1, 16, tzinfo=UTC)) == 16 * GB
    assert headroom(0, month, datetime(2026, 1, 31, 23, tzinfo=UTC)) == month
    assert headroom(20 * GB, month, datetime(2026, 1, 16, tzinfo=UTC)) == -4 * GB


def run_for(store: Store, meter: Costs, span: timedelta, start: datetime, billed: int) -> list[datetime]:
    """A minute's ticks as the daemon runs them; the moments at which the check looked."""
    moments = (start + n * EVERY for n in range(span // EVERY))
    return [now for now in moments if ticked(store, meter, Asking(meter, billed), now) is not None]


def own_fault(store: Store, now: datetime) -> Fault | None:
    """What is believed of the budget."""
    with store.reading() as stored:
        return stored.faults(resolved_since=now - timedelta(days=1)).get("own:budget")


def test_whoever_is_ahead_of_the_month_asks_less_often_but_at_least_once_an_hour(store: Store) -> None:
    """A day's part is a hundred queries: all minutes at first, then no more than the budget allows."""
    meter = Costs(None, 31 * 100 * GB)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    looked = run_for(store, meter, timedelta(hours=4), start, GB)
    assert looked[:90] == [start + n * EVERY for n in range(90)], "as often as it likes, while there is some"
    later = [moment for moment in looked if moment >= start + timedelta(hours=2, minutes=30)]
    waits = [b - a for a, b in pairwise(later)]
    # A hundred a day are one in a quarter of an hour.
    assert timedelta(minutes=14) <= min(waits) <= max(waits) <= timedelta(minutes=15)
    poor = Costs(kept(store), GB)
    seldom = run_for(store, poor, timedelta(hours=2), start + timedelta(hours=4), GB)
    assert len(seldom) == 2, "spent is spent, and still nobody is blind for longer than an hour"


def test_a_check_that_asks_nothing_of_bigquery_never_waits(store: Store) -> None:
    """Nor does one without a budget."""
    meter = Costs(None, 1)
    ticked(store, meter, Asking(meter), NOW)
    assert not meter.holds_back("function_logs", EVERY, NOW + EVERY)
    assert meter.holds_back("completions", EVERY, NOW + EVERY)
    free = Costs(kept(store))
    ticked(store, free, Asking(free), NOW)
    assert not free.holds_back("completions", EVERY, NOW + EVERY)


def test_it_is_said_once_that_the_budget_slows_that_it_is_spent_and_that_it_suffices_again(store: Store) -> None:
    """As a fault of our own, and in the evidence while it lasts."""
    meter = Costs(None, 31 * 10 * GB)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    run_for(store, meter, timedelta(minutes=5), start, GB)
    assert own_fault(store, start) is None
    run_for(store, meter, timedelta(minutes=30), start + timedelta(minutes=5), GB)
    slowed = own_fault(store, start)
    assert slowed is not None
    assert (slowed.finding.kind, str(slowed.finding.severity), slowed.is_open) == ("own.budget", "info", True)
    assert slowed.finding.title == "The month's budget for BigQuery slows the checks"
    later = start + timedelta(hours=2)
    run = ticked(store, meter, Asking(meter, 400 * GB), later)
    assert run.evidence.notes[1].startswith("asked less often: ")
    spent = own_fault(store, later)
    assert spent is not None
    assert (str(spent.finding.severity), spent.finding.title) == (
        "warning",
        "The month's budget for BigQuery is spent: checks look once an hour",
    )
    next_month = datetime(2026, 2, 1, 12, tzinfo=UTC)
    ticked(store, meter, Asking(meter), next_month)
    over = own_fault(store, next_month)
    assert over is not None
    assert (over.is_open, over.resolution) == (False, "the month's budget suffices again")


def test_unreported_bytes_slow_nobody(store: Store) -> None:
    """Nobody knows what they cost; the evidence says so."""
    meter = Costs(None, 1)
    run = ticked(store, meter, Asking(meter, None), NOW)
    assert run.evidence.notes == ("BigQuery today: 1 query, bytes billed: not reported",)
    assert not meter.holds_back("completions", EVERY, NOW + EVERY)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.integers(0, GB)), max_size=20))
def test_nothing_counted_is_lost_between_counting_and_reading(noted: list[tuple[str, int | None]]) -> None:
    """Whatever comes, the stored form says the same."""

    class Kept:
        value: JsonValue = None

        def cursor(self, name: str) -> JsonValue:
            return self.value

        def set_cursor(self, name: str, value: JsonValue, at: datetime) -> None:
            self.value = value

    meter, where = Costs(None), Kept()
    for purpose, billed in noted:
        meter.note(purpose, billed)
        meter.save(where, NOW)  # type: ignore[arg-type]  # the two methods are all it uses
    total = costs.report(parse(where.value), NOW, None).today
    assert total.queries == len(noted)
    assert total.billed == sum(billed or 0 for _, billed in noted)
    assert total.unreported == sum(billed is None for _, billed in noted)
