"""One Cloud Logging entry, normalised: who wrote it, when, in which execution, and what it says.

The shape read here is the JSON of ``LogEntry`` (cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry) as
``gcloud logging read --format=json`` prints it. Everything in it is hostile: any
field may have any type. Objects are dicts, as JSON parsers make them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from sys import intern  # what thousands of entries hold is held once
from typing import Any, NamedTuple

from checks.logs.payload import payload_level, payload_text, record_of
from checks.plain import normal_service

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NANOS_PER_MICRO = 1_000
NANOS_PER_SECOND = 1_000_000_000
UNKNOWN_SERVICE = "unknown"
PLACE = "phasewatch/place"  # a field that who reads a file may add to an entry: where it stands there
MAX_TEXT = 262_144  # an entry holds at most 256 KiB (quotas page); joined parts are cut to the same size
LEVELS: Mapping[str, int] = {
    "DEBUG": 10,
    "INFO": 20,
    "NOTICE": 25,
    "WARN": 30,
    "WARNING": 30,
    "ERROR": 40,
    "EXCEPTION": 40,
    "CRITICAL": 50,
    "FATAL": 50,
    "ALERT": 50,
    "EMERGENCY": 50,
}
_NOTHING: Mapping[str, Any] = {}
_MICROSECONDS_LENGTH = len("2026-01-26T09:07:04.960079Z")
_NANO_LENGTH = 9
_NANOS: list[int] = [10 ** (_NANO_LENGTH - digits) for digits in range(_NANO_LENGTH + 1)]
_SECOND = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
_NANO_DIGITS = re.compile(r"\.\d{6}(\d{1,3})")


class Entry(NamedTuple):
    """One entry, ready for stitching.

    ``nanos`` is when it was written, in nanoseconds since 1970 (datetimes hold microseconds only, and order matters).
    ``level`` is on the scale of Python's logging, None where no severity is set. ``logged``: a structured logger wrote
    it. ``alone``: it is complete in itself and never continues the lines of its neighbours. ``place``: what was
    added to it as ``PLACE``; of no meaning where nothing was.
    """

    insert_id: str
    nanos: int
    service: str
    revision: str | None
    execution_id: str | None
    instance: str
    thread: str
    log: str
    level: int | None
    text: str
    logged: bool
    alone: bool
    raw: Mapping[str, Any]
    place: int = -1

    @property
    def group(self) -> tuple[str, str, str, str]:
        """What must be equal for two entries to be lines of one text."""
        return (self.service, self.revision or "", self.instance, self.thread)

    @property
    def known(self) -> int:
        """When it could be known, in nanoseconds since 1970: the later of written and received."""
        received = nanos_of(self.raw.get("receiveTimestamp"))
        return self.nanos if received is None else max(self.nanos, received)

    @property
    def at(self) -> datetime:
        """When it was written, UTC, to the microsecond."""
        return moment(self.nanos)

    @property
    def key(self) -> str:
        """The identity under which a repeated delivery is recognised: insertId, time and service."""
        from hashlib import blake2b  # it loads OpenSSL, and a scan of files does without

        identity = f"{self.insert_id}\0{self.nanos}\0{self.service}"
        if not self.insert_id:  # without an insertId only equal content is the same entry
            identity += f"\0{self.text}"
        return blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def moment(nanos: int) -> datetime:
    """Nanoseconds since 1970 as a UTC datetime, cut to the microsecond."""
    return EPOCH + timedelta(microseconds=nanos // NANOS_PER_MICRO)


def nanos_of(value: Any) -> int | None:
    """An RFC 3339 time as nanoseconds since 1970; None for anything else, a time without zone included."""
    if not isinstance(value, str) or len(value) > 64:  # noqa: PLR2004 - no timestamp is that long
        return None
    fraction = value[20:-1]
    if value[19:20] == "." and value[-1] == "Z" and len(fraction) <= _NANO_LENGTH and fraction.isdecimal():
        second = _second(value[:19])
        if second is not None:
            return second + int(fraction) * _NANOS[len(fraction)]
    try:
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            return None
        nanos = (parsed - EPOCH) // timedelta(microseconds=1) * NANOS_PER_MICRO
    except (ValueError, OverflowError):
        return None
    rest = _NANO_DIGITS.search(value) if len(value) > _MICROSECONDS_LENGTH else None
    return nanos + (int(rest.group(1).ljust(3, "0")) if rest else 0)


@lru_cache(maxsize=1024)
def _second(value: str) -> int | None:
    """``2026-01-26T09:07:04`` in UTC as nanoseconds since 1970; None for anything else."""
    if not _SECOND.fullmatch(value):
        return None
    try:
        return (datetime.fromisoformat(f"{value}+00:00") - EPOCH) // timedelta(seconds=1) * NANOS_PER_SECOND
    except ValueError:
        return None


def written(raw: Mapping[str, Any]) -> int | None:
    """When an entry was written, in nanoseconds: its timestamp, else when it was received; None if it has neither."""
    nanos = nanos_of(raw.get("timestamp"))
    return nanos_of(raw.get("receiveTimestamp")) if nanos is None else nanos


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str:
    """The value if it is text, else an empty one."""
    return value if isinstance(value, str) else ""


def service_of(raw: Mapping[str, Any]) -> str:
    """The function, service or job that wrote an entry, normalised; ``unknown`` where nothing says it.

    gen1: ``function_name``; gen2 and Cloud Run: ``service_name``, or the label ``goog-drz-cloudfunctions-id``, which
    keeps underscores; jobs: ``job_name``; reported to Error Reporting by hand: ``serviceContext``.
    """
    return _service(raw, _resource_of(raw), mapping(raw.get("labels")))


def _service(raw: Mapping[str, Any], resource: Mapping[str, Any], labels: Mapping[str, Any]) -> str:
    name = resource.get("service_name")  # nearly always
    if isinstance(name, str) and name.strip():
        return normal_service(name)
    for name in (
        resource.get("function_name"),
        resource.get("job_name"),
        labels.get("goog-drz-cloudfunctions-id"),
        resource.get("container_name"),
        resource.get("module_id"),
        resource.get("environment_name"),
        mapping(mapping(raw.get("jsonPayload")).get("serviceContext")).get("service"),
    ):
        if isinstance(name, str) and name.strip():
            return normal_service(name)
    return UNKNOWN_SERVICE


def _resource_of(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The labels of the resource."""
    resource = raw.get("resource")
    return mapping(resource.get("labels")) if isinstance(resource, dict) else {}


@lru_cache(maxsize=1024)
def _short(log: str) -> str:
    return log.replace("%2F", "/").rpartition("/")[2]


def revision_of(raw: Mapping[str, Any]) -> str | None:
    """The revision that wrote an entry; None for gen1 functions and jobs."""
    return text_of(_resource_of(raw).get("revision_name")) or None


def instance_of(raw: Mapping[str, Any]) -> str:
    """The instance that wrote an entry; empty where it is not named."""
    return _instance(mapping(raw.get("labels")))


def _instance(labels: Mapping[str, Any]) -> str:
    return intern(text_of(labels.get("instanceId")) or text_of(labels.get("instance_id")))


def thread_of(raw: Mapping[str, Any]) -> str:
    """What tells the executions in one instance apart; empty where nothing does."""
    return _thread(raw, mapping(raw.get("labels")))


def _thread(raw: Mapping[str, Any], labels: Mapping[str, Any]) -> str:
    for name in (
        labels.get("execution_id"),
        labels.get("run.googleapis.com/execution_name"),
        raw.get("trace"),
        raw.get("spanId"),
    ):
        if name and isinstance(name, str):
            return name
    return ""


def entry_of(raw: Mapping[str, Any], said: tuple[str, bool] | None = None, *, whole: bool = True) -> Entry | None:
    """An entry from its JSON object; None when it has neither a timestamp nor a receiveTimestamp that can be read.

    :param said: what ``payload_text`` gives, where that is known already (also: joined parts of a split entry).
    :param whole: keep the object, which takes most of the memory; without it ``known`` is not to be asked for.
    """
    # Done for each entry of a storm: hence few calls, and no names of fields.
    nanos = written(raw)
    if nanos is None:
        return None
    get = raw.get
    labels, resource = get("labels"), get("resource")
    if not isinstance(labels, dict):
        labels = {}
    if not isinstance(resource, dict) or not isinstance(resource := resource.get("labels"), dict):
        resource = {}
    text, alone = payload_text(raw) if said is None else said
    plain = get("textPayload")
    record = None if isinstance(plain, str) and plain[:1] != "{" else record_of(raw)
    severity, log, insert_id = get("severity"), get("logName"), get("insertId")
    level = LEVELS.get(severity) or LEVELS.get(severity.upper()) if isinstance(severity, str) else None
    if level is None and record:
        level = LEVELS.get(payload_level(record))
    execution_id = text_of(labels.get("execution_id"))
    return Entry(
        insert_id if isinstance(insert_id, str) else "",
        nanos,
        _service(raw, resource, labels),
        intern(text_of(resource.get("revision_name"))) or None,
        execution_id or None,
        _instance(labels),
        execution_id or _thread(raw, labels),
        _short(log) if isinstance(log, str) else "",
        level,
        text[:MAX_TEXT],
        bool(record) or isinstance(get("sourceLocation"), dict),
        alone,
        raw if whole else _NOTHING,
        get(PLACE, -1),
    )
