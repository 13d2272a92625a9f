"""The prefiltered way gives what a full decode gives: failures, and the numbers of entries and of malformed things."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.exports import near as near_module
from checks.exports.entries import Malformed, iter_entries
from checks.exports.pieces import FullDecodeError
from checks.exports.prefilter import KEEP_BYTES, Passed, Prefilter
from checks.exports.wanted import Wanted
from checks.logs.failures import ScanResult, scan
from checks.logs.triggers import TRIGGERS
from tests.checks.logs.corpus import CASES
from tests.checks.logs.entries import START, entry, lines

SLOW = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TRACEBACK = """Traceback (most recent call last):
  File "/workspace/main.py", line 7, in run
    x = firestore.Client()
        ^^^^^^^^^
NameError: name 'firestore' is not defined"""
Outcome = tuple[tuple[Any, ...], int, int]


def whole(data: bytes) -> Outcome:
    """A full decode."""
    found = list(iter_entries(io.BytesIO(data)))
    result = scan(item for item in found if not isinstance(item, Malformed))
    return told(result, 0, [item for item in found if isinstance(item, Malformed)])


def told(result: ScanResult, passed: int, malformed: list[Malformed]) -> Outcome:
    places = [(item.line, item.reason) for item in malformed]
    return (result.failures, result.entries + passed, result.malformed, places)


def prefiltered(
    data: bytes, chunk_bytes: int, *, thorough: bool = True, keep_bytes: int = KEEP_BYTES
) -> tuple[Outcome, int]:
    """The prefiltered way, and how many entries it passed over; it gives up where only a full decode will do."""
    prefilter = Prefilter(chunk_bytes=chunk_bytes, thorough=thorough, keep_bytes=keep_bytes)
    pieces = list(prefilter.survey(io.BytesIO(data)))
    malformed: list[Malformed] = []
    passed = 0

    def entries() -> Iterator[Any]:
        nonlocal passed
        for item in prefilter.selected(io.BytesIO(data), pieces, prefilter.wanted):
            if isinstance(item, Passed):
                passed += item.count
            elif isinstance(item, Malformed):
                malformed.append(item)
            else:
                yield json.loads(item) if isinstance(item, bytes) else item

    result = scan(entries())
    return told(result, passed, malformed), passed


def noise(number: int, at: float) -> dict[str, Any]:
    """What instances write that did not fail, and those that did."""
    texts = (
        "started",
        "ok",
        "ERROR: it went wrong",
        "  indented",
        "user's \u00e9t\u00e9",
        "\x1b[32mgreen\x1b[0m done",
        "",
    )
    instance = ("00ab", "0097ac69", "other")[number % 3]
    return entry(texts[number % len(texts)], at, 10_000 + number, labels={"instanceId": instance})


def as_line(draw: st.DrawFn, raw: dict[str, Any]) -> bytes:
    """One of the ways in which encoders write an entry."""
    style = draw(st.integers(0, 4))
    if style == 0:
        return json.dumps(raw, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    text = json.dumps(raw)
    if style == 1:  # Go's
        text = text.replace("<", "\\u003c").replace("'", "\\u0027").replace("&", "\\u0026")
    elif style == 2:  # nobody's, but allowed
        text = text.replace("Error", "\\u0045rror").replace("is not", "i\\u0073\\u0020not")
    return text.encode()


JUNK = (
    b"plain text",
    b'{"insertId": "cut of',
    b'{"a": {"b": 1}',
    b"[1, 2]",
    b"null",
    b"7",
    b"{nope}",
    b'{"a": nope}',
    b'{"a": 1}, {"b": 2}',
    b'{"a": "\x01"}',
    b'{"a": "\xff"}',
    b"",
    b"  ",
    b"{}",
    b'{"a": NaN}',
    b'{"a": "\\ud800"}',
    b'{"textPayload": "NameError: name \'x\' is not defined"}',
    b'{"textPayload": "no time"}',
    b'{"entries": [{"textPayload": "a"}, 3]}',
    b'{"a": 1e999, "b": 123456789012345678901234567890}',
    b'{"a": 123456789012345678901234567890}',
)


@st.composite
def exports(draw: st.DrawFn) -> bytes:
    """Cases of the samples among noise, in order of time or not, with junk between them."""
    stream: list[dict[str, Any]] = []
    for name in draw(st.lists(st.sampled_from(sorted(CASES)), max_size=3, unique=True)):
        stream += CASES[name]
    stream += [
        noise(number, number * draw(st.sampled_from((0.001, 1.0, 30.0)))) for number in range(draw(st.integers(0, 12)))
    ]
    order = draw(st.sampled_from(("as it is", "time", "reversed", "any", "one astray")))
    if order != "as it is":
        stream.sort(key=lambda raw: str(raw.get("timestamp")), reverse=order == "reversed")
    if order == "any":
        stream = draw(st.permutations(stream))
    if order == "one astray" and stream:
        stream.sort(key=lambda raw: str(raw.get("timestamp")))
        for _ in range(draw(st.integers(1, 3))):
            stream.insert(draw(st.integers(0, len(stream))), stream.pop(draw(st.integers(0, len(stream) - 1))))
    rows = [as_line(draw, raw) for raw in stream]
    for _ in range(draw(st.integers(0, 2)) if rows else 0):  # delivered twice, or cut off
        row = draw(st.sampled_from(rows))
        rows.insert(
            draw(st.integers(0, len(rows))), row if draw(st.booleans()) else row[: draw(st.integers(0, len(row)))]
        )
    for junk in draw(st.lists(st.sampled_from(JUNK), max_size=4)):
        rows.insert(draw(st.integers(0, len(rows))), junk)
    return b"\n".join(rows) + draw(st.sampled_from((b"", b"\n")))


@SLOW
@given(exports(), st.sampled_from((64, 700, 2_000, 10_000, 1_000_000)), st.sampled_from((0, 600, KEEP_BYTES)))
def test_it_gives_what_a_full_decode_gives(data: bytes, chunk_bytes: int, keep_bytes: int) -> None:
    """Whatever stands between the lines, in whatever order and pieces; or it says that it cannot."""
    try:
        outcome, _ = prefiltered(data, chunk_bytes, keep_bytes=keep_bytes)
    except FullDecodeError:
        return
    assert outcome == whole(data)


@SLOW
@given(exports(), st.sampled_from((64, 700, 2_000, 10_000, 1_000_000)))
def test_the_quick_way_finds_the_same_failures(data: bytes, chunk_bytes: int) -> None:
    """It takes on trust that lines are JSON: one that is not, and matters to nothing, is counted as an entry."""
    try:
        (failures, entries, malformed, places), _ = prefiltered(data, chunk_bytes, thorough=False)
    except FullDecodeError:
        return
    expected = whole(data)
    assert failures == expected[0]
    assert entries + malformed + len(places) == expected[1] + expected[2] + len(expected[3])


@SLOW
@given(exports(), st.sampled_from((700, 10_000, 1_000_000)))
def test_names_are_found_after_their_keys(data: bytes, chunk_bytes: int) -> None:
    """As where many are near."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_module, "_FEW", 0)
        try:
            outcome, _ = prefiltered(data, chunk_bytes)
        except FullDecodeError:
            return
    assert outcome == whole(data)


@pytest.mark.parametrize("thorough", [True, False])
def test_a_single_line_far_from_its_place_is_found(*, thorough: bool) -> None:
    """The line that tells who logged a traceback, an hour early in a file otherwise in order."""
    astray = entry("ERROR:root:it went wrong", 3600 - 0.000_5, 1)
    others = [entry("fine", n * 36.0, 500 + n, labels={"instanceId": f"ff{n % 7}"}) for n in range(200)]
    stream = sorted([*lines(TRACEBACK, 3600), *others], key=lambda raw: raw["timestamp"])
    stream.insert(3, astray)
    data = b"".join(json.dumps(raw).encode() + b"\n" for raw in stream)
    outcome, passed = prefiltered(data, 4_000, thorough=thorough)
    assert outcome == whole(data)
    assert [failure.handled for failure in outcome[0]] == [True]
    assert passed == 200


@pytest.mark.parametrize("chunk_bytes", [1_000, 100_000])
@pytest.mark.parametrize("turned", [lambda s: s, lambda s: s[::-1], lambda s: s[::2] + s[1::2]])
def test_all_samples_in_one_stream(chunk_bytes: int, turned: Callable[[list[Any]], list[Any]]) -> None:
    """Forwards, backwards and mixed."""
    stream = turned([raw for entries in CASES.values() for raw in entries])
    data = b"".join(json.dumps(raw).encode() + b"\n" for raw in stream)
    assert prefiltered(data, chunk_bytes)[0] == whole(data)


def test_a_split_traceback_brings_its_neighbours_and_nothing_else() -> None:
    """Header, frames, source and the line before have no trigger; other instances, and other hours, are passed over."""
    before = entry("it went wrong", 3600 - 0.000_5, 1)
    others = [entry("fine", n * 36.0, 500 + n, labels={"instanceId": f"ff{n % 7}"}) for n in range(200)]
    own = [entry("fine", n * 360.0 + 100, 900 + n) for n in range(20)]
    stream = sorted([before, *lines(TRACEBACK, 3600), *others, *own], key=lambda raw: raw["timestamp"])
    data = b"".join(json.dumps(raw).encode() + b"\n" for raw in stream)
    outcome, passed = prefiltered(data, 4_000)
    assert outcome == whole(data)
    assert [(f.file, f.line, f.handled) for f in outcome[0]] == [("/workspace/main.py", 7, True)]
    assert passed == 220


def test_what_is_in_order_of_time_is_not_read_again() -> None:
    """The lines that matter were kept: there is nothing to read, but what is near a trigger that is found elsewhere."""
    others = [entry("fine", n * 36.0, 500 + n) for n in range(200)]
    stream = sorted([*lines(TRACEBACK, 3600), *others], key=lambda raw: raw["timestamp"])
    data = b"".join(json.dumps(raw).encode() + b"\n" for raw in stream)
    prefilter = Prefilter(chunk_bytes=2_000)
    pieces = list(prefilter.survey(io.BytesIO(data)))
    first = list(prefilter.selected(io.BytesIO(), pieces, prefilter.wanted))
    assert len(first) > 5
    elsewhere = Wanted()
    elsewhere.update(prefilter.wanted)
    elsewhere.add(int(START.timestamp()) // 2, b'"00ab"')
    assert len(list(prefilter.selected(io.BytesIO(data), pieces, elsewhere))) == len(first) + 1


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_every_trigger_is_found_however_it_is_written(trigger: str) -> None:
    """Verbatim, with any of its characters escaped, and with a colour inside; other lines are passed over."""
    for at, letter in enumerate(trigger):
        spellings = [trigger, f"{trigger[:at]}\\u{ord(letter):04x}{trigger[at + 1 :]}"]
        spellings += [
            f"{trigger[:at]}\\u{ord(letter):04X}{trigger[at + 1 :]}",
            f"{trigger[:at]}\\u001b[1m{trigger[at:]}",
        ]
        for spelling in spellings:
            row = json.dumps(entry("@")).replace("@", f"a {spelling} b").encode()
            prefilter = Prefilter()
            data = json.dumps(entry("fine", 3600)).encode() + b"\n" + row + b"\n"
            (piece,) = prefilter.survey(io.BytesIO(data))
            assert (piece.entries, len(piece.hits)) == (2, 1), spelling
            assert list(prefilter.wanted) == [(int(START.timestamp()) // 2, b'"00ab"')]


def test_colours_alone_decode_nothing() -> None:
    """Loggers that colour every line would make every line a hit."""
    data = json.dumps(entry("\x1b[32mINFO\x1b[0m all is well")).encode() + b"\n"
    assert prefiltered(data * 50, 1_000)[1] == 50


@pytest.mark.parametrize(
    "data",
    [
        json.dumps([entry("x")] * 3, indent=2).encode(),
        b"{\n" + json.dumps(entry("x")).encode()[1:],
        b'{"x": "' + b"y" * 1_100_000 + b'"}\n',
    ],
)
def test_what_is_not_one_entry_a_line_is_left_to_a_full_decode(data: bytes) -> None:
    """Arrays and objects over several pieces, and lines longer than entries can be."""
    with pytest.raises(FullDecodeError):
        prefiltered(data, 100)
