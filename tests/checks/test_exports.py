"""Exported log entries: every form, in any pieces, with anything in between."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from checks.exports.entries import EntryParser, Malformed, iter_entries

ENTRIES = [
    {
        "insertId": str(n),
        "resource": {"labels": {"a": 'x"}{[,', "b": "\\"}},
        "textPayload": 'hé\n  }\n\\ " }{',
        "list": [{"x": [1, 2]}, {}],
    }
    for n in range(4)
]
FORMS = {
    "lines": "".join(json.dumps(e) + "\n" for e in ENTRIES),
    "lines without a last newline": "\n".join(json.dumps(e) for e in ENTRIES),
    "lines with carriage returns and empty lines": "".join(json.dumps(e) + "\r\n\r\n" for e in ENTRIES),
    "gcloud's array": json.dumps(ENTRIES, indent=2),
    "an array with carriage returns": json.dumps(ENTRIES, indent=2).replace("\n", "\r\n"),
    "a compact array": json.dumps(ENTRIES, ensure_ascii=False),
    "an array with one entry a line": "[" + ",\n".join(json.dumps(e) for e in ENTRIES) + "]",
    "one answer of the API": json.dumps({"entries": ENTRIES, "nextPageToken": "t", "x": [{"a": "]}"}]}, indent=2),
    "the same, the token first": json.dumps({"nextPageToken": "t", "entries": ENTRIES}, indent=2),
    "answers of the API, one a line": "".join(json.dumps({"entries": [e]}) + "\n" for e in ENTRIES),
    "jq's objects": "\n".join(json.dumps(e, indent=2) for e in ENTRIES),
    "cases": json.dumps({"case": "dev-001", "entries": ENTRIES}) + "\n",
}


def read(data: bytes) -> list[object]:
    """Entries, and (line, reason) for what is none."""
    return [(x.line, x.reason) if isinstance(x, Malformed) else x for x in iter_entries(io.BytesIO(data))]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_entries(form):
    """Plain, compressed with gzip or zstd, with a byte order mark, and two of them one after the other."""
    data = FORMS[form].encode()
    assert read(data) == ENTRIES
    assert read(b"\xef\xbb\xbf" + data) == ENTRIES
    assert read(gzip.compress(data) + gzip.compress(b"\n") + b"\0\0") == ENTRIES
    assert read(zstandard.compress(data) + zstandard.compress(b"\n")) == ENTRIES
    assert read(data + b"\n" + data) == ENTRIES + ENTRIES


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_pieces_and_resumption_change_nothing(form, size):
    """A parser that is made anew from the stored state after every piece gives each entry once."""
    data = FORMS[form].encode()
    state, found, have = None, [], 0
    while have < len(data):
        have += size
        parser = EntryParser(state=state)
        found += parser.feed(data[parser.state["offset"] : have])
        state = json.loads(json.dumps(parser.state))
    parser = EntryParser(state=state)
    found += parser.feed(data[parser.state["offset"] :], last=True)
    assert found == ENTRIES


def test_garbage_between_lines_costs_only_itself():
    """Text, other JSON, half objects and binary are counted one by one, with their lines; all entries come through."""
    data = (
        b'[2026-01-25] text\n{"a":1}\nplain\n[1,2]\n"s"\nnull\n{"a":\n\xff\xfe\x00\n{"b":2}\n{\n{"c":3}\n'
        + b"[" * 100_000
        + b'\n{"d":4}'
    )
    assert read(data) == [
        (1, "not JSON"),
        {"a": 1},
        (3, "not JSON"),
        (4, "not an object"),
        (5, "not an object"),
        (6, "not JSON"),
        (7, "not JSON"),
        (8, "not JSON"),
        {"b": 2},
        (10, "not JSON"),
        {"c": 3},
        (12, "not JSON"),
        {"d": 4},
    ]


def test_a_broken_element_of_an_array_costs_only_itself():
    """In gcloud's form and in a compact one, also where quotes or brackets do not match."""
    for broken in ('"insertId" "1', '"insertId": {"1"', '"insertId": nope, "x": "1"'):
        data = json.dumps(ENTRIES, indent=2).replace('"insertId": "1"', broken).encode()
        assert read(data) == [ENTRIES[0], (21, "not JSON"), ENTRIES[2], ENTRIES[3]]
    assert read(b'[{"a":1},{"b":nope},{"c":"x},\n{"e":5}, 7, "a,b", null, [1,{"x":2}],{"f":6}]\n{"g":7}') == [
        {"a": 1},
        (1, "not JSON"),
        (1, "not JSON"),
        {"e": 5},
        (2, "not an object"),
        (2, "not an object"),
        (2, "not an object"),
        (2, "not an object"),
        {"f": 6},
        {"g": 7},
    ]


def test_a_cut_off_array_gives_what_is_whole():
    """And one mark for what is not."""
    data = json.dumps(ENTRIES, indent=2).encode()
    assert read(data[:-60]) == [*ENTRIES[:3], (59, "not a whole object")]
    assert read(data[:-2]) == [*ENTRIES, (77, "the array is not closed")]


def test_cut_off_and_damaged_compression_gives_what_is_whole():
    """What could be decompressed before the damage is not lost."""
    data = FORMS["lines"].encode()
    assert read(gzip.compress(data)[:-4]) == [*ENTRIES, (5, "the compressed data end or break here")]
    assert read(gzip.compress(data) + b"garbage") == [*ENTRIES, (5, "the compressed data end or break here")]
    assert read(zstandard.compress(data) + b"garbage")[-1][1] == "the compressed data end or break here"


def test_nothing_is_nothing():
    """Empty streams, empty arrays."""
    assert [read(data) for data in (b"", b" \n", b"[]", b"[\n]\n", b"{}")] == [[], [], [], [], [{}]]


def test_a_giant_line_or_element_is_skipped_without_being_held():
    """Ten megabytes in one string, as a line and as an element: two marks, neighbours intact, memory bounded."""
    giant = b'{"x":"' + b"y" * 10_000_000 + b'"}'
    data = io.BytesIO(b'{"a":1}\n' + giant + b'\n{"b":2}\n[{"c":3},' + giant + b',{"d":4}]')
    tracemalloc.start()
    try:
        found = list(iter_entries(data))
        assert tracemalloc.get_traced_memory()[1] < 6_000_000
    finally:
        tracemalloc.stop()
    too_long = "longer than 1048576 bytes"
    assert found == [
        {"a": 1},
        Malformed(line=2, reason=too_long),
        {"b": 2},
        {"c": 3},
        Malformed(line=4, reason=too_long),
        {"d": 4},
    ]


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:\\ \nae1', max_size=200).map(str.encode))
def test_nothing_that_comes_can_stop_the_reader(data):
    """Any bytes: no exception, and what stood before them is read."""
    assert read(b'{"marker":1}\n' + data)[0] == {"marker": 1}


@given(st.text(alphabet='{}]",:\\ \nae1', max_size=200).map(str.encode))
def test_outside_an_array_a_good_line_is_always_read(data):
    """Whatever lines stand before it, brackets and quotes unmatched."""
    assert read(data + b'\n{"marker":1}\n')[-1] == {"marker": 1}
