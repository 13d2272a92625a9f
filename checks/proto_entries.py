"""Protobuf LogEntry messages -> the dicts that ``gcloud logging read --format=json`` prints.

Written for speed: protobuf's own JSON conversion takes about four times as long (bench/cloud_logging.py), and the
wrappers of the client library more than ten times.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from checks.logs.entry import EPOCH

# google.logging.type.LogSeverity; 0 is DEFAULT, which JSON leaves out.
_SEVERITIES = {
    100: "DEBUG",
    200: "INFO",
    300: "NOTICE",
    400: "WARNING",
    500: "ERROR",
    600: "CRITICAL",
    700: "ALERT",
    800: "EMERGENCY",
}
_MAX_CACHED = 4_096
_RARE = {
    "http_request": "httpRequest",
    "operation": "operation",
    "source_location": "sourceLocation",
    "split": "split",
}


class EntryReader:
    """Converts one message at a time. What many entries have in common (a resource, a second) is made once and shared:
    the dicts must not be changed. Not for several threads at once.
    """

    def __init__(self) -> None:
        self._resources: dict[bytes, dict[str, Any]] = {}
        self._seconds: dict[int, str] = {}

    def read(self, entry: Any) -> dict[str, Any]:
        """The dict of a ``google.logging.v2.LogEntry`` (the protobuf message itself, not its proto-plus wrapper)."""
        packed = entry.resource.SerializeToString()
        shared = self._resources.get(packed)
        if shared is None:
            shared = self._resource(packed, entry.resource)
        written, received = entry.timestamp, entry.receive_timestamp
        raw: dict[str, Any] = {
            "insertId": entry.insert_id,
            "logName": entry.log_name,
            "resource": shared,
            "timestamp": self._time(written.seconds, written.nanos),
            "receiveTimestamp": self._time(received.seconds, received.nanos),
        }
        labels = dict(entry.labels)
        if labels:
            raw["labels"] = labels
        severity = entry.severity
        if severity:
            raw["severity"] = _SEVERITIES.get(severity, severity)
        text = entry.text_payload
        if text:
            raw["textPayload"] = text
        else:
            _payload(entry, raw)
        _rest(entry, raw)
        return raw

    def _resource(self, packed: bytes, resource: Any) -> dict[str, Any]:
        if len(self._resources) >= _MAX_CACHED:
            self._resources.clear()
        made: dict[str, Any] = {"type": resource.type, "labels": dict(resource.labels)}
        self._resources[packed] = made
        return made

    def _time(self, seconds: int, nanos: int) -> str:
        start = self._seconds.get(seconds)
        if start is None:
            if len(self._seconds) >= _MAX_CACHED:
                self._seconds.clear()
            start = self._seconds[seconds] = (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
        if not nanos:
            return start + "Z"
        if nanos % 1_000:
            return f"{start}.{nanos:09d}Z"
        return f"{start}.{nanos // 1_000:06d}Z" if nanos % 1_000_000 else f"{start}.{nanos // 1_000_000:03d}Z"


def _payload(entry: Any, raw: dict[str, Any]) -> None:
    kind = entry.WhichOneof("payload")
    if kind == "json_payload":
        raw["jsonPayload"] = _struct(entry.json_payload)
    elif kind == "proto_payload":
        raw["protoPayload"] = _audit(entry.proto_payload)
    elif kind == "text_payload":
        raw["textPayload"] = ""


def _struct(struct: Any) -> dict[str, Any]:
    return {name: value.string_value or _value(value) for name, value in struct.fields.items()}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _struct(value.struct_value)
    if kind == "list_value":
        return [_value(item) for item in value.list_value.values]
    if kind == "number_value":
        number: float = value.number_value
        return int(number) if number.is_integer() else number
    return None if kind in (None, "null_value") else getattr(value, kind)


def _audit(packed: Any) -> dict[str, Any]:
    """An audit record; of a payload of another type only its type."""
    import google.cloud.audit.audit_log_pb2  # noqa: F401 - makes the type known
    from google.protobuf.json_format import MessageToDict

    try:
        made: dict[str, Any] = MessageToDict(packed)
    except (TypeError, ValueError):  # no such type here, or bytes that are not of it
        return {"@type": packed.type_url}
    return made


def _rest(entry: Any, raw: dict[str, Any]) -> None:
    trace, span = entry.trace, entry.span_id
    if trace:
        raw["trace"] = trace
        if entry.trace_sampled:
            raw["traceSampled"] = True
    if span:
        raw["spanId"] = span
    for field, name in _RARE.items():
        if entry.HasField(field):
            from google.protobuf.json_format import MessageToDict

            raw[name] = MessageToDict(getattr(entry, field))
