"""The answers of ListLogEntries, parsed only as far as every entry is read.

The messages made here have the same wire format as ``google.logging.v2``'s, and the same fields by the same names; but
what is a message there (a resource, a label, a structured payload) is left packed here, as bytes. Most entries share
these with thousands of others, so that what they say is looked up instead of parsed: that takes a quarter of the time.
Times are the exception, since every entry has its own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_PACKAGE = "phasewatch.packed"
_ENTRY = ".google.logging.v2.LogEntry"
_TIME = ".google.protobuf.Timestamp"


@lru_cache(maxsize=1)
def page_type() -> Any:
    """The class of a page: ``entries`` and ``next_page_token``, as ListLogEntriesResponse has them."""
    from google.cloud.logging_v2.types import ListLogEntriesResponse, LogEntry
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

    file: Any = descriptor_pb2.FileDescriptorProto(  # type: ignore[attr-defined]  # protobuf: made at run time
        name="phasewatch/packed.proto", package=_PACKAGE, syntax="proto3"
    )
    file.dependency.append(timestamp_pb2.DESCRIPTOR.name)
    for known in (LogEntry, ListLogEntriesResponse):
        message = file.message_type.add()
        known.pb(known()).DESCRIPTOR.CopyToProto(message)
        _pack(message)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    found = pool.FindMessageTypeByName(f"{_PACKAGE}.ListLogEntriesResponse")
    return message_factory.GetMessageClass(found)


def unpacked(entry: Any) -> Any:
    """The same entry as a message of ``google.logging.v2``: for readers of few entries."""
    from google.cloud.logging_v2.types import LogEntry

    return LogEntry.pb(LogEntry()).FromString(entry.SerializeToString())


def _pack(message: Any) -> None:
    """Change a DescriptorProto: bytes for messages, and numbers for enumerations."""
    del message.nested_type[:]
    for field in message.field:
        field.ClearField("options")
        if field.type == field.TYPE_ENUM:
            field.type = field.TYPE_INT32
            field.ClearField("type_name")
        elif field.type_name == _ENTRY:
            field.type_name = f".{_PACKAGE}.LogEntry"
        elif field.type_name not in ("", _TIME):
            field.type = field.TYPE_BYTES
            field.ClearField("type_name")
