"""Messages of ListLogEntries -> the dicts that ``gcloud logging read --format=json`` prints.

Written for speed: protobuf's own JSON conversion takes some ten times as long, and so do the wrappers of the client
library (bench/cloud_logging.py).
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
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
_MAX_CACHED = 8_192
_TO_SECOND = len("2026-01-26T09:07:04")
_RARE = (
    ("http_request", "httpRequest"),
    ("operation", "operation"),
    ("source_location", "sourceLocation"),
    ("split", "split"),
)


class EntryReader:
    """Converts one entry at a time. What many entries have in common (resource and labels, a second) is made once and
    shared: the dicts must not be changed. May be used from several threads.
    """

    def __init__(self) -> None:
        self._origins: dict[tuple[bytes, ...], tuple[dict[str, Any], dict[str, str]]] = {}
        self._seconds: dict[int, str] = {}

    def read(self, entry: Any) -> dict[str, Any]:
        """The dict of an entry as ``checks.cloud_logging.packed_entries`` has it."""
        written, received = entry.timestamp, entry.receive_timestamp
        return self.read_identified(
            entry, entry.insert_id, written.seconds, written.nanos, received.seconds, received.nanos
        )

    def read_identified(  # noqa: PLR0917 - to name them takes time
        self, entry: Any, insert_id: str, second: int, nanos: int, later: int, later_nanos: int
    ) -> dict[str, Any]:
        """As ``read``, where its insertId and the times at which it was written and received are at hand already."""
        packed = (entry.resource, *entry.labels)
        resource, labels = self._origins.get(packed) or self._origin(packed)
        starts = self._seconds
        text = entry.text_payload
        raw: dict[str, Any] = {  # as large as it becomes nearly always: to let it grow takes time
            "insertId": insert_id,
            "labels": labels,
            "logName": entry.log_name,
            "receiveTimestamp": (starts.get(later) or self._second(later)) + _fraction(later_nanos),
            "resource": resource,
            "textPayload": text,
            "timestamp": (starts.get(second) or self._second(second)) + _fraction(nanos),
        }
        if not text:
            del raw["textPayload"]
            _payload(entry, raw)
        if not labels:
            del raw["labels"]
        severity = entry.severity
        if severity:
            raw["severity"] = _SEVERITIES.get(severity, severity)
        _rest(entry, raw)
        return raw

    def _origin(self, packed: tuple[bytes, ...]) -> tuple[dict[str, Any], dict[str, str]]:
        if len(self._origins) >= _MAX_CACHED:
            self._origins.clear()
        resource = _parsed("resource", packed[0])
        labels = {label.key: label.value for label in (_parsed("labels", one) for one in packed[1:])}
        made = self._origins[packed] = ({"type": resource.type, "labels": dict(resource.labels)}, labels)
        return made

    def _second(self, second: int) -> str:
        if len(self._seconds) >= _MAX_CACHED:
            self._seconds.clear()
        made = self._seconds[second] = (EPOCH + timedelta(seconds=second)).isoformat()[:_TO_SECOND]
        return made


def _fraction(nanos: int) -> str:
    """The end of a time: none, three, six or nine digits of a second, and the zone."""
    if nanos % 1_000:
        return f".{nanos:09d}Z"
    if nanos % 1_000_000:
        return f".{nanos // 1_000:06d}Z"
    return f".{nanos // 1_000_000:03d}Z" if nanos else "Z"


@lru_cache(maxsize=64)
def _type_of(field: str) -> Any:
    """The class of what a field of ``google.logging.v2.LogEntry`` holds."""
    from google.cloud.logging_v2.types import LogEntry
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(LogEntry.pb(LogEntry()).DESCRIPTOR.fields_by_name[field].message_type)


def _parsed(field: str, packed: bytes) -> Any:
    return _type_of(field).FromString(packed)


def _as_json(field: str, packed: bytes) -> dict[str, Any]:
    from google.protobuf.json_format import MessageToDict

    made: dict[str, Any] = MessageToDict(_parsed(field, packed))
    return made


def _rest(entry: Any, raw: dict[str, Any]) -> None:
    """What most entries do not have."""
    trace, span = entry.trace, entry.span_id
    if trace:
        raw["trace"] = trace
        if entry.trace_sampled:
            raw["traceSampled"] = True
    if span:
        raw["spanId"] = span
    if entry.http_request or entry.operation or entry.source_location or entry.split:
        for field, name in _RARE:
            packed = getattr(entry, field)
            if packed:
                raw[name] = _as_json(field, packed)


def _payload(entry: Any, raw: dict[str, Any]) -> None:
    kind = entry.WhichOneof("payload")
    if kind == "json_payload":
        raw["jsonPayload"] = _struct(_parsed(kind, entry.json_payload))
    elif kind == "proto_payload":
        raw["protoPayload"] = _audit(_parsed(kind, entry.proto_payload))
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
