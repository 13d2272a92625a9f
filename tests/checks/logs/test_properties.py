"""However a text is cut, mixed and shuffled, it holds the same failures; and nothing crashes the engine."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.logs.failures import scan
from checks.logs.faults import MAX_IDS
from tests.checks.logs.corpus import CASES, lines_of
from tests.checks.logs.entries import entry

PRINTED = [one for one in lines_of("printed.jsonl") if one["failures"]]
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FIELDS = ("exception", "name", "module", "kind", "file", "line", "function", "count", "handled")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
pieces = st.sampled_from(
    [
        "Traceback (most recent call last):",
        '  File "/workspace/main.py", line 3, in f',
        '  File "main.py", line 9',
        "    return x",
        "    ^^^^",
        "NameError: name 'x' is not defined",
        "ModuleNotFoundError: No module named 'y'",
        "ValueError: 1",
        "SyntaxError: invalid syntax",
        "The above exception was the direct cause of the following exception:",
        "During handling of the above exception, another exception occurred:",
        "  + Exception Group Traceback (most recent call last):",
        "  | ExceptionGroup: g (2 sub-exceptions)",
        "  +-+---------------- 1 ----------------",
        "    | NameError: name 'x' is not defined",
        "    +------------------------------------",
        "ERROR:root:failed: name 'x' is not defined",
        "  [Previous line repeated 9 more times]",
        "\x1b[31mNameError\x1b[0m: \x1b[1mname 'z' is not defined\x1b[0m",
        "    at f (a.js:1:1)",
        '"""',
        "Call stack:",
        "",
        ":",
        "NameError",
    ]
)


def found(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{field: getattr(one, field) for field in FIELDS} for one in scan(entries).failures]


def cut(draw: st.DrawFn, /, text: str, start: float, **fields: Any) -> list[dict[str, Any]]:
    """The lines of a text in entries of one or more lines, cut anywhere."""
    rest = text.split("\n")
    made: list[dict[str, Any]] = []
    while rest:
        size = draw(st.integers(1, len(rest)))
        piece, rest = rest[:size], rest[size:]
        made.append(entry("\n".join(piece), start + len(made) * 0.000_010, len(made), **fields))
    return made


@QUICK
@given(st.data())
def test_a_text_cut_anywhere_holds_the_same_failures(data: st.DataObject) -> None:
    """One line or many per entry, in any order of arrival."""
    printed = data.draw(st.sampled_from(PRINTED))
    entries = data.draw(st.composite(cut)(printed["text"], 0.0))
    assert found(data.draw(st.permutations(entries))) == printed["failures"]


@QUICK
@given(st.data())
def test_two_executions_mixed_hold_the_failures_of_both(data: st.DataObject) -> None:
    """Execution ids keep them apart, whatever the order."""
    one, two = data.draw(st.sampled_from(PRINTED)), data.draw(st.sampled_from(PRINTED))
    first = data.draw(st.composite(cut)(one["text"], 0.0, labels={"instanceId": "a", "execution_id": "x1"}))
    second = data.draw(st.composite(cut)(two["text"], 0.000_003, labels={"instanceId": "a", "execution_id": "x2"}))
    for number, raw in enumerate(second):
        raw["insertId"] = f"second{number}"
    counts: dict[tuple[Any, ...], int] = {}
    for failure in (*one["failures"], *two["failures"]):
        key = (failure["exception"], failure["name"], failure["file"])
        counts[key] = counts.get(key, 0) + failure["count"]
    mixed = found(data.draw(st.permutations(first + second)))
    assert {(f["exception"], f["name"], f["file"]): f["count"] for f in mixed} == counts


SINGLE = [  # one traceback, nothing after its exception line; what cannot be parsed is shown
    one
    for one in PRINTED
    if one["text"].count("Traceback") == 1
    and len(one["failures"]) == 1
    and (one["failures"][0]["kind"] == "syntax") == (one["failures"][0]["function"] is None)
    and one["text"].rpartition("\n  ")[2].partition("\n")[2].startswith(one["failures"][0]["exception"])
    and "\n" not in one["text"].rpartition("\n  ")[2].partition("\n")[2]
]


@QUICK
@given(st.data())
def test_two_tracebacks_mixed_line_by_line_hold_both_defects(data: st.DataObject) -> None:
    """Where nothing tells the executions apart the place may be the other's, but nothing is lost or invented."""
    both = data.draw(st.lists(st.sampled_from(SINGLE), min_size=2, max_size=2, unique_by=lambda one: one["scenario"]))
    wanted = {(one["failures"][0]["exception"], one["failures"][0]["name"]) for one in both}
    texts = [one["text"].split("\n") for one in both]
    turns = data.draw(st.permutations([0] * len(texts[0]) + [1] * len(texts[1])))
    mixed = [entry(texts[turn].pop(0), n * 0.000_010, n) for n, turn in enumerate(turns)]
    assert {(one["exception"], one["name"]) for one in found(mixed)} == wanted


@QUICK
@given(st.data())
def test_what_others_write_meanwhile_changes_nothing(data: st.DataObject) -> None:
    """Lines of another log, and whole tracebacks of another instance, between any two lines."""
    printed = data.draw(st.sampled_from(PRINTED))
    entries = data.draw(st.composite(cut)(printed["text"], 0.0))
    other = "projects/demo/logs/run.googleapis.com%2Fstdout"
    for at in data.draw(st.lists(st.integers(0, len(entries)), max_size=6)):
        line = data.draw(st.sampled_from(["row 17 written", "ERROR:other:row 18 failed: timeout", "  indented"]))
        entries.append(entry(line, at * 0.000_010 + 0.000_005, 50 + len(entries), logName=other))
    foreign = 'Traceback (most recent call last):\n  File "/workspace/x.py", line 1, in f\nValueError: 3'
    entries += data.draw(st.composite(cut)(foreign, 0.000_003, labels={"instanceId": "other"}))
    assert found(data.draw(st.permutations(entries))) == printed["failures"]


@QUICK
@given(st.sampled_from(PRINTED), st.sampled_from(["exc_info", "stack_trace", "exception", "traceback", "error"]))
def test_a_record_holds_the_failures_of_its_text(printed: dict[str, Any], field: str) -> None:
    """In whichever field a logger puts it."""
    record = {"message": "could not save", field: printed["text"]}
    fields = [name for name in FIELDS if name != "handled"]
    told = [{name: one[name] for name in fields} for one in found([entry(jsonPayload=record, severity="ERROR")])]
    assert told == [{name: one[name] for name in fields} for one in printed["failures"]]


@QUICK
@given(
    st.lists(
        json_values
        | st.dictionaries(
            st.sampled_from(
                [
                    "insertId",
                    "labels",
                    "resource",
                    "timestamp",
                    "receiveTimestamp",
                    "severity",
                    "textPayload",
                    "jsonPayload",
                    "protoPayload",
                    "httpRequest",
                    "split",
                    "logName",
                    "trace",
                    "sourceLocation",
                ]
            ),
            json_values,
        ),
        max_size=8,
    )
)
def test_no_object_crashes_the_scan(entries: list[Any]) -> None:
    """Any JSON: every entry is counted, and what cannot be read is malformed."""
    result = scan(entries)
    assert result.entries == len(entries)
    assert 0 <= result.malformed <= result.entries


@QUICK
@given(st.lists(st.lists(pieces | st.text(max_size=60), max_size=6), max_size=12))
def test_no_text_crashes_the_scan(texts: list[list[str]]) -> None:
    """Pieces of tracebacks in any order; a failure is never counted more often than there are lines."""
    entries = [entry("\n".join(text), n * 0.000_01, n) for n, text in enumerate(texts)]
    result = scan(entries)
    assert sum(one.count for one in result.failures) <= sum(map(len, texts))
    assert result.malformed == 0


@QUICK
@given(json_values, st.sampled_from(["exception", "exc_info", "error", "stack_trace", "record", "traceback"]))
def test_no_record_crashes_the_scan(value: Any, field: str) -> None:
    """Any value in the fields that hold exceptions."""
    record = {"message": "failed", field: value, "level": value}
    assert scan([entry(jsonPayload=record)]).entries == 1


def test_hostile_lines_are_read_in_bounded_work() -> None:
    """Long runs of what the patterns look for: no pattern backtracks over them."""
    runs = [
        "File " * 20_000,
        "+" + "-" * 100_000,
        " " * 100_000 + "|",
        "a." * 50_000 + ": x",
        "name '" * 20_000,
        "Not found: Table " + "a-" * 50_000,
        "404 GET " * 20_000 + "Not found: Table x",
        "cannot import name 'x' from 'y' " + "(" * 100_000,
        "\x1b[" * 50_000,
        "400 " * 30_000 + "ound: Table",
        "ERROR (" * 10_000 + ".py, line 3)",
        "A" * 100_000 + "Error",
        "No module named " + "a." * 50_000,
        "{'error': '" * 9_000 + "name 'x' is not defined",
        "status 500 " * 9_000 + "name 'x' is not defined",
        "Cell In[1], line " + "9" * 50_000,
        'Error loading ASGI app. Could not import module "' + "a." * 50_000,
        "2026" + "-" * 50_000 + "INFO - " + "a." * 50_000,
        "SyntaxError: " + " (a" * 30_000 + ".py, line 3",
    ]
    assert scan([entry(run, n, n) for n, run in enumerate(runs)]).failures == ()


def test_what_is_kept_of_a_storm_is_bounded() -> None:
    """Identities are kept for the first few; the count goes on."""
    line = "ERROR:x:failed: name 'y' is not defined"
    (failure,) = scan(entry(line, n * 2.0, n) for n in range(500)).failures
    assert (failure.count, len(failure.insert_ids)) == (500, MAX_IDS)


def test_the_order_of_arrival_does_not_matter() -> None:
    """The samples backwards give the same failures as forwards."""
    stream = [raw for entries in CASES.values() for raw in entries]
    assert scan(stream).failures == scan(stream[::-1]).failures
