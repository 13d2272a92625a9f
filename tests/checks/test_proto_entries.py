"""Entries from protobuf messages are what gcloud prints."""

from __future__ import annotations

from typing import Any

from google.cloud.logging_v2.types import ListLogEntriesResponse, LogEntry
from google.protobuf.json_format import MessageToDict, ParseDict
from hypothesis import given
from hypothesis import strategies as st

from checks.cloud_logging.packed_entries import page_type
from checks.cloud_logging.proto_entries import EntryReader
from checks.logs.entry import entry_of
from tests.checks.logs.corpus import CASES


def plain(value: Any) -> Any:
    """Without what the engine does not read of an entry, and numbers as Python has them."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def packed(message: Any) -> Any:
    """The same entry as it comes from the service."""
    answer = ListLogEntriesResponse.pb(ListLogEntriesResponse())
    answer.entries.append(message)
    return page_type().FromString(answer.SerializeToString()).entries[0]


def test_every_sample_comes_out_as_the_library_s_own_conversion_has_it() -> None:
    """Field by field: texts, structs, audit records, requests, times to the nanosecond, severities."""
    reader = EntryReader()
    kinds = set()
    for entries in CASES.values():
        for raw in entries:
            message = LogEntry.pb(LogEntry())
            ParseDict(raw, message, ignore_unknown_fields=True)
            found = reader.read(packed(message))
            expected = MessageToDict(message)
            kinds |= set(found)
            assert plain(found) == plain(expected)
    assert {"textPayload", "jsonPayload", "protoPayload", "httpRequest", "severity", "labels", "trace"} <= kinds


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
structs = st.dictionaries(
    texts,
    st.recursive(
        st.none()
        | st.booleans()
        | texts
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
nanos = st.sampled_from([0, 1, 999, 1_000, 5_000_000, 120_000_000, 999_999_999]) | st.integers(0, 999_999_999)


@st.composite
def messages(draw: st.DrawFn) -> Any:
    """Any entry that the service may send, as far as the engine reads it."""
    message = LogEntry.pb(LogEntry())
    message.log_name, message.insert_id = draw(texts), draw(texts)
    message.resource.type = draw(st.sampled_from(["cloud_function", "cloud_run_revision", "cloud_run_job"]))
    message.resource.labels.update(draw(st.dictionaries(texts, texts, max_size=3)))
    message.labels.update(draw(st.dictionaries(texts, texts, max_size=3)))
    for at in (message.timestamp, message.receive_timestamp):
        at.seconds, at.nanos = draw(st.integers(0, 2**32)), draw(nanos)
    message.severity = draw(st.sampled_from([0, 100, 200, 300, 400, 500, 600, 700, 800]))
    message.trace, message.span_id, message.trace_sampled = draw(texts), draw(texts), draw(st.booleans())
    kind = draw(st.sampled_from(["none", "text", "empty", "struct"]))
    if kind in ("text", "empty"):
        message.text_payload = draw(texts) if kind == "text" else ""
    elif kind == "struct":
        ParseDict(draw(structs), message.json_payload)
    if draw(st.booleans()):
        message.http_request.status, message.http_request.latency.seconds = draw(st.integers(100, 599)), 2
    if draw(st.booleans()):
        message.operation.id, message.operation.last = "x" + draw(texts), draw(st.booleans())
    if draw(st.booleans()):
        message.source_location.file, message.source_location.line = "x" + draw(texts), draw(st.integers(0, 10**6))
    if draw(st.booleans()):
        message.split.uid, message.split.index, message.split.total_splits = "u", draw(st.integers(0, 3)), 4
    return message


@given(st.lists(messages(), max_size=5))
def test_any_entry_comes_out_as_the_library_s_own_conversion_has_it(entries: list[Any]) -> None:
    """And so the engine, which knows only dicts, makes the same of it in both forms."""
    reader = EntryReader()
    for message in entries:
        found, expected = reader.read(packed(message)), MessageToDict(message)
        if "trace" not in expected:  # it says of a trace whether it was sampled, and of nothing else
            expected.pop("traceSampled", None)
        expected.setdefault("insertId", "")
        expected.setdefault("logName", "")
        expected["resource"].setdefault("labels", {})
        assert plain(found) == plain(expected)
        assert entry_of(found, whole=False) == entry_of(expected, whole=False)


def test_pages_have_the_wire_format_of_the_library() -> None:
    """Each field has the same name, number and kind as there; only what is read as a whole is left packed."""
    theirs = LogEntry.pb(LogEntry()).DESCRIPTOR.fields_by_name
    ours = page_type().DESCRIPTOR.fields_by_name["entries"].message_type.fields_by_name
    assert set(ours) == set(theirs)
    for name, field in ours.items():
        assert field.number == theirs[name].number
        assert field.is_repeated == theirs[name].is_repeated
        if field.type != theirs[name].type:
            assert (field.type, theirs[name].type) in {
                (field.TYPE_BYTES, field.TYPE_MESSAGE),
                (field.TYPE_INT32, field.TYPE_ENUM),
            }
