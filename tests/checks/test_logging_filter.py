"""The filters that are sent to Cloud Logging: bounded, short enough, and nothing in them but what was meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.cloud_logging import filters
from checks.cloud_logging.filters import MAX_FILTER, Place, quote
from checks.logs.deployments import deployment_of
from checks.logs.entry import nanos_of
from checks.logs.triggers import TRIGGERS
from tests.checks.logs import test_revisions as audit
from tests.support.logging_query import Query, QueryError, Record, compile_query

NOON = datetime(2026, 1, 26, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def record(text: str = "", *, at: datetime = NOON, received: datetime | None = None, **fields: Any) -> Record:
    """An entry of the function daily_import as the service keeps it."""
    resource = {"type": "cloud_run_revision", "labels": {"service_name": "daily-import"}}
    raw = {"textPayload": text, "resource": resource} | fields
    times = [nanos_of(moment.isoformat()) or 0 for moment in (at, received or at)]
    return Record(raw=raw, packed=b"", timestamp=times[0], received=times[1], visible=0)


def of_function(name: str) -> Record:
    """One of gen1."""
    return record("x", resource={"type": "cloud_function", "labels": {"function_name": name}})


def matches(text: str, one: Record) -> bool:
    return compile_query(text).matches(one)


@pytest.mark.parametrize(
    "written", [NOON - timedelta(hours=25), NOON - timedelta(minutes=10), NOON + timedelta(hours=20)]
)
def test_what_was_received_in_the_window_is_read_whenever_it_was_written(written: datetime) -> None:
    """Ten minutes, a day late, or with a clock that is ahead."""
    clause = filters.received_clause(NOON, NOON + SECOND)
    assert matches(clause, record(at=written, received=NOON))
    assert not matches(clause, record(at=written, received=NOON + SECOND)), "that is the next window's"
    assert not matches(clause, record(at=written, received=NOON - SECOND))


def test_both_times_are_bounded_on_both_sides() -> None:
    """On the top level, where the service prunes by them."""
    whole = f"{filters.types_clause()} AND {filters.marked_clause()} AND {filters.received_clause(NOON, NOON + SECOND)}"
    bounds = compile_query(whole).bounds
    assert set(bounds) == {"receiveTimestamp", "timestamp"}
    for least, most in bounds.values():
        assert abs(most - least) < timedelta(days=3).total_seconds() * 1e9


@pytest.mark.parametrize("spelt", ["daily_import", "daily-import", "Daily_Import", " daily-import "])
def test_a_function_is_found_however_its_name_is_spelt(spelt: str) -> None:
    """As a gen2 service, by the label that keeps underscores, as gen1, as a job; and no other function."""
    clause = filters.names_clause([spelt])
    assert clause is not None
    label = {"goog-drz-cloudfunctions-id": "daily_import"}
    assert matches(clause, record("x"))
    assert matches(clause, record("x", resource={"labels": {"service_name": "other"}}, labels=label))
    assert matches(clause, of_function("Daily_Import"))
    assert matches(clause, record("x", resource={"labels": {"job_name": "daily-import"}}))
    for other in ("daily-import-2", "my-daily-import", "dailyXimport", "daily"):
        assert not matches(clause, of_function(other))
        assert not matches(clause, record("x", resource={"labels": {"service_name": other}}))


HOSTILE = st.text(alphabet=st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    ['" OR "" = "', "a\\", 'a\\" OR severity>=DEFAULT OR "', "\n", ")", "*", "a|b", "(?i).*", "\\Q", "a\r\nb"]
)


@settings(max_examples=300, deadline=None)
@given(HOSTILE, HOSTILE)
def test_a_quoted_text_is_one_value_and_nothing_else(text: str, other: str) -> None:
    """Whatever stands in it."""
    query = compile_query(f"textPayload={quote(text)}")
    assert query.matches(record(text))
    if other.lower() != text.lower():
        assert not query.matches(record(other))


@settings(max_examples=100, deadline=None)
@given(st.lists(HOSTILE, min_size=1, max_size=5))
def test_a_hostile_name_matches_no_other_function(names: list[str]) -> None:
    """Names come from the configuration, and from the labels of entries."""
    clause = filters.names_clause(names)
    assert clause is not None
    query: Query = compile_query(f"{clause} AND {filters.revisions_clause(names)}")
    assert not query.matches(record("innocent"))


def test_more_names_than_fit_are_not_sent() -> None:
    """One read all the same: the reader drops what is not watched."""
    few = filters.names_clause([f"function-{n}" for n in range(50)])
    assert few is not None
    assert len(few) <= filters.MAX_NAMES
    assert filters.names_clause([f"function-number-{n}" for n in range(500)]) is None


def places(number: int, value: str = "i") -> list[Place]:
    return [
        Place(
            field='labels."instanceId"', value=f"{value}{n:0150}", start=NOON + n * SECOND, end=NOON + (n + 5) * SECOND
        )
        for n in range(number)
    ]


@pytest.mark.parametrize("number", [0, 1, 60, 700])
def test_places_are_split_over_filters_that_fit_and_none_is_lost(number: int) -> None:
    """At most 20,000 characters each, bounded in time; every place in exactly one."""
    wanted = places(number)
    texts = list(filters.place_filters(wanted))
    assert all(len(text) <= MAX_FILTER for text in texts)
    queries = [compile_query(text) for text in texts]
    assert all("timestamp" in query.bounds for query in queries)
    for place in wanted:
        there = record("x", at=place.start + SECOND, labels={"instanceId": place.value})
        outside = record("x", at=place.end + SECOND, labels={"instanceId": place.value})
        assert sum(query.matches(there) for query in queries) == 1
        assert not any(query.matches(outside) for query in queries)


def test_a_filter_that_is_too_long_is_refused_by_the_service() -> None:
    """The server of these tests has the service's own limit."""
    with pytest.raises(QueryError, match="20000"):
        compile_query(f"textPayload={quote('x' * MAX_FILTER)}")


def test_every_word_that_tells_of_a_failure_is_matched() -> None:
    """What the engine looks for the service is asked for; its bare Error stands in the classes' names."""
    marked = compile_query(filters.marked_clause())
    narrowed = {
        "Error": "ImportError: x",
        "has no attribute": "module 'x' has no attribute 'y'",
        "insertAll": "404 POST https://bigquery/tables/t/insertAll?prettyPrint=false: Table p:d.t not found",
    }
    for word in TRIGGERS:
        assert marked.matches(record(narrowed.get(word, f"a {word} b"))), word
    assert not marked.matches(record("'NoneType' object has no attribute 'x'"))


def test_deployments_are_matched_as_they_are_read() -> None:
    """The clause and the reading of audit entries agree."""
    query = compile_query(filters.deploys_clause())
    entries = [audit.deploy(1), audit.ready("00029-zop", 2), audit.ready("00029-zop", 3, ok=False)]
    other = audit.audit(
        4, "activity", {"methodName": "google.cloud.run.v1.Services.SetIamPolicy", "resourceName": "x/y"}
    )
    for raw in (*entries, other, audit.run("00029-zop", 5)):
        given_ = Record(raw=raw, packed=b"", timestamp=0, received=0, visible=0)
        assert query.matches(given_) is (deployment_of(raw) is not None)
