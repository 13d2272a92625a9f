"""Several processes that share a scan give what a full decode gives."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.exports.prefilter import Prefilter
from monitor.scan import crew, parts, reading
from tests.checks.logs.corpus import CASES
from tests.checks.logs.entries import entry
from tests.checks.test_prefilter import exports, whole

SLOW = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
LINE_BYTES = 500  # a piece for each line or two, as segments have many
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one process does it all")


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of some lines, so that small files are shared, among three processes on any machine."""
    for module in (crew, reading):
        monkeypatch.setattr(module, "WORTH_A_PROCESS", 1_500)
        monkeypatch.setattr(module, "processes", lambda: 3)


def shared(*paths: Path) -> tuple[Any, ...]:
    """What the scan of some files gives: failures, entries and malformed things."""

    def failed(_: int, error: OSError) -> None:
        raise error

    result, tally = reading.scan(paths, signatures=(), chosen=None, told=lambda _: None, failed=failed)
    return result.failures, result.entries + tally.passed, result.malformed + tally.skipped, tally.malformed


def expected(data: bytes) -> tuple[Any, ...]:
    """The same of a full decode."""
    failures, entries, malformed, places = whole(data)
    return failures, entries, malformed + len(places), places[: parts.SHOWN_MALFORMED]


def same(path: Path, data: bytes) -> bool:
    path.write_bytes(data)
    failures, entries, malformed, places = shared(path)
    return (failures, entries, malformed, [(item.line, item.reason) for _, item in places]) == expected(data)


@SLOW
@given(exports())
def test_shared_scans_give_what_a_full_decode_gives(tmp_path: Path, data: bytes) -> None:
    """Whatever stands between the lines, in whatever order."""
    assert same(tmp_path / "x.jsonl", data)


@st.composite
def ordered(draw: st.DrawFn) -> bytes:
    """Cases of the samples one after the other, so close or so far apart that some belong together and some do not."""
    stream: list[Mapping[str, Any]] = []
    at = 0.0
    for name in draw(st.lists(st.sampled_from(sorted(CASES)), min_size=2, max_size=8)):
        stream += [raw for raw in CASES[name] if "split" not in raw or draw(st.booleans())]
        for _ in range(draw(st.integers(0, 6))):
            at += draw(st.sampled_from((0.000_01, 0.5, 4.0, 7.0, 40.0)))
            text = draw(st.sampled_from(("ok", "it went wrong", "ERROR:root:it went wrong", "a\nb", "Traceback")))
            stream.append(entry(text, at, 90_000 + len(stream)))
    stream.sort(key=lambda raw: str(raw.get("timestamp")))
    return b"".join(json.dumps(raw).encode() + b"\n" for raw in stream)


def dealt(path: Path, segments: list[parts.Segment], whose: list[int]) -> tuple[Any, ...] | None:
    """What processes find that take these segments; None where they cannot judge their own."""
    jobs = [crew._Job(segments, Prefilter(chunk_bytes=LINE_BYTES), None) for _ in range(3)]
    taken = [[n for n in range(len(segments)) if whose[n % len(whose)] == which] for which in range(3)]
    task = crew._task(segments, [job.survey(mine, lambda _: None) for job, mine in zip(jobs, taken, strict=True)])
    if task.spans is None:
        return None
    result, tally = crew._together(segments, [job.judged(task) for job in jobs])
    return result.failures, result.entries + tally.passed, result.malformed + tally.skipped, tally.malformed


@SLOW
@given(ordered(), st.lists(st.integers(0, 2), min_size=10, max_size=10))
def test_what_stands_on_both_sides_of_an_edge_is_judged_together(tmp_path: Path, data: bytes, whose: list[int]) -> None:
    """In order of time, where each process judges most of what it found alone, whichever segments it took."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(data)
    found = dealt(path, list(reading._segments(0, path)), whose)
    assert found is None or found == expected(data)


def test_an_entry_delivered_again_beyond_the_edge_counts_once(tmp_path: Path) -> None:
    """Two segments of one process hold it, and the second one borders on a segment of another process."""
    once = entry("NameError: name 'x' is not defined", 0, 1)
    entries = [[once], [once, entry("ok", 900.0, 2)], [entry("NameError: name 'y' is not defined", 900.0, 3)]]
    lines = [b"".join(json.dumps(raw).encode() + b"\n" for raw in part) for part in entries]
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"".join(lines))
    starts = [len(b"".join(lines[:number])) for number in range(3)]
    segments = [parts.Segment(0, path, start, len(part), False) for start, part in zip(starts, lines, strict=True)]
    found = dealt(path, segments, [0, 0, 1])
    assert found is not None
    assert [failure.count for failure in found[0]] == [1, 1]


def test_each_process_judges_what_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures that are far apart are not handed over."""
    told: list[int] = []
    merged = crew.Faults.merge

    def merge(self: Any, others: Any) -> None:
        told.append(len(others._faults))
        merged(self, others)

    monkeypatch.setattr(crew.Faults, "merge", merge)
    monkeypatch.setattr(crew, "CHUNK_BYTES", LINE_BYTES)
    stream = [entry(f"NameError: name 'x{n}' is not defined", n * 60.0, n) for n in range(60)]
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"".join(json.dumps(raw).encode() + b"\n" for raw in stream))
    assert len(shared(path)[0]) == 60
    assert sum(told) == 60


def test_files_of_the_same_hours_are_judged_together(tmp_path: Path) -> None:
    """Half of a traceback here, and half there, line by line."""
    stream = sorted((raw for raws in CASES.values() for raw in raws), key=lambda raw: str(raw.get("timestamp")))
    lines = [json.dumps(raw).encode() + b"\n" for raw in stream]
    paths = [tmp_path / "even.jsonl", tmp_path / "odd.jsonl"]
    for number, path in enumerate(paths):
        path.write_bytes(b"".join(lines[number::2]))
    assert shared(*paths)[0] == expected(b"".join(lines))[0]


def test_a_process_that_is_ended_from_outside_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is decoded in this process then."""
    monkeypatch.setattr(crew._Job, "judged", _ended(crew._Job.judged))
    data = b"".join(json.dumps(raw).encode() + b"\n" for raws in CASES.values() for raw in raws)
    assert same(tmp_path / "x.jsonl", data)


def _ended(judged: Any) -> Any:
    """The same, but in another process than this one: that ends at once."""
    this = os.getpid()

    def ended(*arguments: Any) -> Any:
        return judged(*arguments) if os.getpid() == this else os._exit(9)

    return ended
