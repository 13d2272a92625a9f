"""Function logs read by SQL from a Log Analytics view, on a real local BigQuery."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import re2

from checks.logs.deployments import deployments
from checks.logs.failures import scan
from checks.model import Evidence, JsonValue, Window
from checks.ports import SourceError
from checks.sources.bigquery import BigQueryWarehouse
from checks.sources.log_analytics import MARKS, LogAnalytics
from tests.checks.logs import test_revisions as audit
from tests.checks.logs.corpus import CASES, LABELS, as_one_stream, differences, lines_of
from tests.conftest import PROJECT
from tests.support import bigquery, log_analytics

STREAM = [entry for entries in CASES.values() for entry in entries]
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAYS = timedelta(days=400)


def test_every_printed_failure_bears_a_mark() -> None:
    """On one line, so that a query finds it however the text was spread over entries."""
    marks = re2.compile(MARKS)
    unmarked = [
        (sample["scenario"], sample["python"])
        for sample in lines_of("printed.jsonl")
        if sample["failures"] and not any(marks.search(line) for line in sample["text"].splitlines())
    ]
    assert unmarked == []


@pytest.mark.parametrize("table", ["p.us.bucket._AllLogs", "x`; DROP", "_AllLogs"])
def test_a_name_that_is_no_view_in_bigquery_is_refused(table: str) -> None:
    """Logging's own pages name views in four parts: the sentence says which form is wanted."""
    with pytest.raises(SourceError, match="Not the name of a Log Analytics view") as caught:
        LogAnalytics(BigQueryWarehouse(PROJECT), table, None)
    assert caught.value.remedy == "Link a dataset to the log bucket, and write project.dataset._AllLogs."


class View:
    """A view of this test's own."""

    def __init__(self, endpoint: str, dataset: str) -> None:
        self._endpoint = endpoint
        self.warehouse = BigQueryWarehouse(PROJECT, endpoint=endpoint)
        self.table = f"{dataset}.logs_{uuid.uuid4().hex[:8]}"
        log_analytics.create(endpoint, self.table)

    def load(self, *entries: dict[str, Any]) -> None:
        log_analytics.load(self._endpoint, self.table, entries)

    def source(self, functions: tuple[str, ...] | None = None, **options: Any) -> LogAnalytics:
        return LogAnalytics(self.warehouse, self.table, functions, **options)


@pytest.fixture(scope="module")
def dataset(emulator: str) -> Iterator[tuple[str, str]]:
    with bigquery.dataset(emulator) as name:
        yield emulator, name


@pytest.fixture
def view(dataset: tuple[str, str]) -> Iterator[View]:
    made = View(*dataset)
    yield made
    made.warehouse.close()


def line(
    text: str, at: float, *, received: float | None = None, service: str = "daily-import", instance: str = "i1"
) -> dict[str, Any]:
    """An entry written ``at`` seconds after noon, received a second later or when it is said."""
    got = at + 1 if received is None else received
    return {
        "insertId": f"{instance}-{at:013.6f}-{abs(hash(text)):x}"[:40],
        "labels": {"instanceId": instance},
        "logName": "projects/p/logs/run.googleapis.com%2Fstderr",
        "receiveTimestamp": _time(got),
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": service, "revision_name": "r-00001-abc"}},
        "textPayload": text,
        "timestamp": _time(at),
    }


def request(status: int, at: float, service: str = "daily-import") -> dict[str, Any]:
    entry = line("", at, service=service)
    del entry["textPayload"]
    entry["logName"] = "projects/p/logs/run.googleapis.com%2Frequests"
    entry["httpRequest"] = {"requestMethod": "POST", "status": status, "latency": "0.25s"}
    return entry


def _time(seconds: float) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def texts(entries: Sequence[Any]) -> list[str]:
    return [entry.get("textPayload", "") for entry in entries]


def traceback(start: float, **options: Any) -> list[dict[str, Any]]:
    """One traceback, a line an entry."""
    lines = (
        "ERROR:root:import failed",
        "Traceback (most recent call last):",
        '  File "/workspace/main.py", line 12, in handle',
        "    run()",
        "NameError: name 'run' is not defined",
    )
    return [line(text, start + number / 1000, **options) for number, text in enumerate(lines)]


@pytest.mark.emulator
def test_the_same_failures_come_out_as_from_files(view: View) -> None:
    """Every labelled case, field by field; and nothing new the second time."""
    view.load(*STREAM)
    source = view.source(look_back=DAYS, step=DAYS, lateness=timedelta(days=30))
    batch = source.read(None, NOON)
    found = scan(batch.entries).failures
    assert [f.as_json() for f in found] == [f.as_json() for f in scan(STREAM).failures]
    assert differences([as_one_stream(LABELS.values())], found) == {"missed": [], "invented": []}
    assert source.read(batch.cursor, NOON).entries == []


@pytest.mark.emulator
def test_entries_are_as_gcloud_prints_them(view: View) -> None:
    """All fields the engine reads, times to the nanosecond; of an audit record what is asked for."""
    wanted = [e for e in STREAM if "jsonPayload" in e or "protoPayload" in e or "split" in e or "sourceLocation" in e]
    split = line("half of No mod", 5) | {"split": {"uid": "u1", "index": 1, "totalSplits": 2}}
    view.load(*wanted, split)
    source = view.source(look_back=DAYS, step=DAYS, lateness=timedelta(days=30))
    given = source.read(None, at(60)).entries
    kept = (
        *("insertId", "labels", "logName", "receiveTimestamp", "resource", "severity", "textPayload", "jsonPayload"),
        *("sourceLocation", "split", "timestamp", "trace", "spanId"),
    )
    expected = {e["insertId"]: {k: e[k] for k in kept if k in e} for e in [*wanted, split]}
    assert {e["insertId"]: {k: e[k] for k in kept if k in e} for e in given} == {
        key: expected[key] for key in {e["insertId"] for e in given}
    }
    audits = {e["insertId"]: e["protoPayload"] for e in wanted if "protoPayload" in e}
    for entry in given:
        if "protoPayload" in entry:
            original = audits[entry["insertId"]]
            assert entry["protoPayload"] == {key: original[key] for key in entry["protoPayload"]}
            assert entry["protoPayload"]["status"] == original["status"]
    assert split["insertId"] in {e["insertId"] for e in given}


@pytest.mark.emulator
def test_only_what_may_be_a_failure_comes_with_its_neighbours(view: View) -> None:
    """Ordinary lines stay in BigQuery; those of the same instance nearby come, those of others do not."""
    broken = traceback(100)
    view.load(
        *broken,
        line("near", 95),
        line("far", 60),
        line("another instance", 100, instance="i2"),
        *(line(f"all is well {n}", 200 + n) for n in range(50)),
    )
    batch = view.source().read(None, at(600))
    assert texts(batch.entries) == ["near", *texts(broken)]
    assert batch.evidence == Evidence(
        window=Window(start=at(-3000), end=at(600)), counts={"entries": 6, "rows": 6}, queries=1
    )


@pytest.mark.emulator
def test_functions_are_found_under_any_spelling(view: View) -> None:
    """And the others are left out."""
    view.load(*traceback(1, service="daily-import"), *traceback(2, service="other", instance="i9"))
    assert texts(view.source(("Daily_Import",)).read(None, at(60)).entries) == texts(traceback(1))
    assert len(view.source().read(None, at(60)).entries) == 10


@pytest.mark.emulator
def test_the_latest_good_run_of_each_function_comes(view: View) -> None:
    """It is what closes a fault; one is enough, and a refused request is none."""
    view.load(*traceback(1), request(200, 20), request(200, 50), request(500, 55), request(204, 30, "quiet-one"))
    result = scan(view.source().read(None, at(120)).entries)
    assert {name: (run.at, run.began) for name, run in result.activity.items()} == {
        "daily-import": (at(50), at(49.75)),
        "quiet-one": (at(30), at(29.75)),
    }


@pytest.mark.emulator
def test_deployments_come_as_they_are_read_from_files(view: View) -> None:
    """Who asked for them, how they ended; other audit entries stay away."""
    entries = [audit.deploy(1), audit.ready("00029-zop", 2), audit.ready("00030-kul", 3, ok=False)]
    method = "google.cloud.functions.v2.FunctionService.UpdateFunction"
    name = "projects/p/locations/us-west2/functions/daily_import"
    for at_, end in ((4, "first"), (5, "last")):
        operation = audit.audit(at_, "activity", {"methodName": method, "resourceName": name})
        entries.append(operation | {"operation": {"id": "o", end: True}})
    method = "google.cloud.run.v1.Services.SetIamPolicy"
    other = audit.audit(6, "activity", {"methodName": method, "resourceName": "namespaces/p/services/daily-import"})
    view.load(*entries, other)
    batch = view.source(look_back=DAYS, step=DAYS, lateness=DAYS).read(None, NOON)
    assert deployments(batch.entries) == deployments(entries)
    assert len(batch.entries) == len(entries)


@pytest.mark.emulator
def test_late_entries_are_neither_missed_nor_doubled(view: View) -> None:
    """Received 11 minutes after they were written, out of order, delivered twice, read minute by minute."""
    source = view.source()
    on_time, late = traceback(30), traceback(35, received=700, instance="i2")
    given: list[str] = []
    cursor: JsonValue = None
    for minute in range(1, 16):
        if minute == 1:
            view.load(*reversed(on_time), *on_time)
        if minute == 12:
            view.load(*late)
        batch = source.read(cursor, at(60 * minute))
        cursor = batch.cursor
        given += [entry["insertId"] for entry in batch.entries]
    assert sorted(given) == sorted(entry["insertId"] for entry in on_time + late)


@pytest.mark.emulator
def test_a_line_without_a_mark_that_comes_after_the_marked_one_is_not_lost(view: View) -> None:
    """The frames are received after the exception line was read, and the text is whole all the same."""
    *before, marked = traceback(30)
    source = view.source()
    view.load(marked)
    first = source.read(None, at(60))
    view.load(*(entry | {"receiveTimestamp": _time(70)} for entry in before))
    second = source.read(first.cursor, at(120))
    assert (texts(first.entries), texts(second.entries)) == (texts([marked]), texts(before))


@pytest.mark.emulator
def test_what_became_visible_late_is_read_in_the_overlap(view: View) -> None:
    """Received before the last read, but not yet there for a query then."""
    source = view.source()
    first = source.read(None, at(60))
    view.load(*traceback(30))
    assert texts(source.read(first.cursor, at(120)).entries) == texts(traceback(30))


@pytest.mark.emulator
def test_too_many_entries_come_in_several_reads(view: View) -> None:
    """Oldest first, each once, and what is left is said."""
    everything = [entry for n in range(12) for entry in traceback(n * 20, instance=f"i{n}")]
    view.load(*everything)
    source = view.source(max_entries=20)
    given: list[str] = []
    unseen: list[tuple[str, ...]] = []
    cursor: JsonValue = None
    for _ in range(5):
        batch = source.read(cursor, at(600))
        cursor = batch.cursor
        given += [entry["insertId"] for entry in batch.entries]
        unseen.append(batch.evidence.unseen)
    assert given == [entry["insertId"] for entry in everything]
    assert unseen[0] == (
        (
            "more than 20 entries: those received from 2026-03-01T12:01:21Z on are not read yet;"
            " they come with the next read"
        ),
    )
    assert unseen[-1] == ()


@pytest.mark.emulator
def test_entries_that_cannot_be_parted_do_not_stop_the_reading(view: View) -> None:
    """More of one moment than one read takes: the rest is given up, and said to be."""
    view.load(*(line(f"NameError: name 'x{n}' is not defined", n / 1000, received=5) for n in range(30)))
    source = view.source(max_entries=20)
    batch = source.read({"since": int(at(4).timestamp()) * 10**9 + 999_999_999, "behind": False, "seen": {}}, at(60))
    assert len(batch.entries) == 20
    assert batch.evidence.unseen == ("more than 20 entries belong together; those beyond are not read",)
    assert source.read(batch.cursor, at(120)).evidence.window == Window(start=at(60), end=at(120))


@pytest.mark.emulator
def test_a_long_gap_is_read_back_in_steps(view: View) -> None:
    """After downtime, oldest first; how far it has come is said."""
    view.load(*traceback(0), *traceback(3 * 3600))
    source = view.source(step=timedelta(hours=2))
    first = source.read(None, at(0))
    second = source.read(first.cursor, at(4 * 3600))
    third = source.read(second.cursor, at(4 * 3600))
    assert [texts(b.entries) for b in (first, second, third)] == [[], texts(traceback(0)), texts(traceback(0))]
    assert second.evidence.unseen == (
        "entries received after 2026-03-01T14:00:00Z are not read yet; they come with the next read",
    )
    assert third.evidence.unseen == ()


@pytest.mark.emulator
def test_own_patterns_are_matched_as_well(view: View) -> None:
    """What a user's signature is about must reach the scan."""
    view.load(line("403 Quota exceeded", 1), line("nothing", 100))
    assert texts(view.source(patterns=["(?i)quota exceeded"]).read(None, at(200)).entries) == ["403 Quota exceeded"]
    assert view.source().read(None, at(200)).entries == []


@pytest.mark.emulator
def test_a_missing_view_is_named(dataset: tuple[str, str]) -> None:
    """Blind, not healthy."""
    warehouse = BigQueryWarehouse(PROJECT, endpoint=dataset[0])
    with pytest.raises(SourceError) as caught:
        LogAnalytics(warehouse, f"{dataset[1]}._AllLogs", None).read(None, NOON)
    assert (caught.value.kind, caught.value.subject) == ("missing", f"{PROJECT}.{dataset[1]}._AllLogs")
    warehouse.close()
