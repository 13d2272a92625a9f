"""Entries from protobuf messages are what gcloud prints."""

from __future__ import annotations

from typing import Any

from google.cloud.logging_v2.types import LogEntry
from google.protobuf.json_format import MessageToDict, ParseDict

from checks.proto_entries import EntryReader
from tests.checks.logs.corpus import CASES


def plain(value: Any) -> Any:
    """Without what the engine does not read of an entry, and numbers as Python has them."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def test_every_sample_comes_out_as_the_library_s_own_conversion_has_it() -> None:
    """Field by field: texts, structs, audit records, requests, times to the nanosecond, severities."""
    reader = EntryReader()
    kinds = set()
    for entries in CASES.values():
        for raw in entries:
            message = LogEntry.pb(LogEntry())
            ParseDict(raw, message, ignore_unknown_fields=True)
            found = reader.read(LogEntry.pb(LogEntry()).FromString(message.SerializeToString()))
            expected = MessageToDict(message)
            kinds |= set(found)
            assert plain(found) == plain(expected)
    assert {"textPayload", "jsonPayload", "protoPayload", "httpRequest", "severity", "labels", "trace"} <= kinds
