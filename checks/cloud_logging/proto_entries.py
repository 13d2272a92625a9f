"""Messages of ListLogEntries -> the dicts that ``gcloud logging read --format=json`` prints.

Written for speed: protobuf's own JSON conversion takes some ten times as long, and so do the wrappers of the client
library (bench/cloud_logging.py).
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from checks.cloud_logging.neighbours import Writer, writer_of
from checks.logs.entry import EPOCH, service_of

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
_MILLION = 1_000_000
_RARE = (
    ("http_request", "httpRequest"),
    ("operation", "operation"),
    ("source_location", "sourceLocation"),
    ("split", "split"),
)


class Origin(NamedTuple):
    """Who wrote an entry: as it stands there, and what is read of it each time. ``service`` is normalised."""

    resource: dict[str, Any]
    labels: dict[str, str]
    service: str
    writer: Writer | None


class _Seconds(dict[int, str]):
    """Seconds since 1970 -> the beginning of their text."""

    def __missing__(self, second: int) -> str:
        if len(self) >= _MAX_CACHED:
            self.clear()
        made = self[second] = (EPOCH + timedelta(seconds=second)).isoformat()[:_TO_SECOND]
        return made


class EntryReader:
    """Converts one entry at a time. What many entries have in common (resource and labels, a second) is made once and
    shared: the dicts must not be changed. May be used from several threads.
    """

    def __init__(self) -> None:
        self._origins: dict[tuple[bytes, ...], Origin] = {}
        self._seconds = _Seconds()

    def read(self, entry: Any) -> dict[str, Any]:
        """The dict of an entry as ``checks.cloud_logging.packed_entries`` has it."""
        written, received = entry.timestamp, entry.receive_timestamp
        raw, _ = self.read_identified(
            entry, entry.insert_id, written.seconds, written.nanos, received.seconds, received.nanos
        )
        return raw

    def read_identified(  # noqa: PLR0917 - to name them takes time
        self, entry: Any, insert_id: str, second: int, nanos: int, later: int, later_nanos: int
    ) -> tuple[dict[str, Any], Origin]:
        """As ``read``, and who wrote it, where its insertId and the times at which it was written and received are at
        hand already.
        """
        packed = (entry.resource, *entry.labels[:])  # the slice: to go through the messages' own list takes time
        origin = self._origins.get(packed) or self._origin(packed)
        resource, labels, _, _ = origin
        seconds = self._seconds
        text = entry.text_payload
        raw: dict[str, Any] = {  # as large as it becomes nearly always: to let it grow takes time
            "insertId": insert_id,
            "labels": labels,
            "logName": entry.log_name,
            "receiveTimestamp": _time(seconds[later], later_nanos),
            "resource": resource,
            "textPayload": text,
            "timestamp": _time(seconds[second], nanos),
        }
        if not text:
            del raw["textPayload"]
            _payload(entry, raw)
        if not labels:
            del raw["labels"]
        severity = entry.severity
        if severity:
            raw["severity"] = _SEVERITIES.get(severity, severity)
        trace, span = entry.trace, entry.span_id
        if trace:
            raw["trace"] = trace
            if entry.trace_sampled:
                raw["traceSampled"] = True
        if span:
            raw["spanId"] = span
        if entry.http_request or entry.operation or entry.source_location or entry.split:
            _rest(entry, raw)
        return raw, origin

    def _origin(self, packed: tuple[bytes, ...]) -> Origin:
        if len(self._origins) >= _MAX_CACHED:
            self._origins.clear()
        message = _parsed("resource", packed[0])
        resource = {"type": message.type, "labels": dict(message.labels)}
        labels = {label.key: label.value for label in (_parsed("labels", one) for one in packed[1:])}
        raw = {"resource": resource, "labels": labels}
        made = self._origins[packed] = Origin(resource, labels, service_of(raw), writer_of(raw))
        return made


def _time(second: str, nanos: int) -> str:
    """The text of a time: none, three, six or nine digits of a second. A leading one keeps the zeros behind it: that
    takes two thirds of the time of a format with a width.
    """
    if nanos % 1_000:
        return f"{second}.{nanos:09d}Z"
    if nanos % 1_000_000:
        return f"{second}.{str(nanos // 1_000 + _MILLION)[1:]}Z"
    return f"{second}.{nanos // 1_000_000:03d}Z" if nanos else f"{second}Z"


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
