"""What an entry says, as plain text, whichever of the three payloads it came in.

Structured loggers put a traceback into a field of their own: ``exc_info`` (python-json-logger), ``exception``
(structlog), ``stack_trace`` (Error Reporting's name), ``text`` (loguru's serialize). structlog's ``dict_tracebacks``
writes objects instead of text: they are written out again as Python would have printed them, so that one parser
serves all. Only fields with such a meaning are read: what users typed stands in other fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

CAUSE = "The above exception was the direct cause of the following exception:"
CONTEXT = "During handling of the above exception, another exception occurred:"
_MESSAGE_FIELDS = ("message", "msg", "event", "textPayload", "text", "log")
_LEVEL_FIELDS = ("severity", "level", "levelname", "log_level", "log.level")
_NUMBERED_LEVELS = ((40, "ERROR"), (30, "WARNING"), (0, "INFO"))  # Python's numbers
_NOT_LETTERS = re.compile(r"[^a-z]")
# Names of fields, letters only and in lower case, that hold an exception by the custom of some logger.
_ERROR_FIELDS = frozenset(
    ("exc", "excinfo", "exctext", "exception", "error", "err", "errormessage", "stack", "tb", "traceback", "stacktrace")
)
_ERROR_ENDINGS = ("traceback", "stacktrace", "excinfo", "exception")
# Loguru, OpenTelemetry, and by custom; a message may be an object.
_CONTAINERS = frozenset(("record", "attributes", "extra", "fields", "details", "message", "msg"))
_DOTTED = frozenset(
    ("error.", "exception.")
)  # ECS and OpenTelemetry write ``exception.type``, ``exception.message``...
_FRAME_LISTS = ("frames", "stacktrace", "stack_trace", "traceback", "stack")  # structlog's, Sentry's, and by custom
_FILE_FIELDS = ("abs_path", "filename", "file", "path")
_LINE_FIELDS = ("lineno", "line_number", "line")
_NAME_FIELDS = ("name", "function", "func", "method")
_MAX_DEPTH = 4
_MAX_FIELDS = 200
_MAX_ITEMS = 60
_LOAD_HINTS = ('"', "Traceback", "rror", "No module")


def payload_text(raw: Mapping[str, Any]) -> tuple[str, bool]:
    """The text of an entry, and whether it is complete in itself (a record of a structured logger with its exception,
    an audit record): such a text never continues the lines of its neighbours. Empty where there is none.
    """
    text = raw.get("textPayload")
    if isinstance(text, str) and not text.startswith("{"):  # nearly always
        return text, False
    record = record_of(raw)
    if record is not None:
        return _record_text(record)
    if isinstance(text, str):
        return text, False
    audit = raw.get("protoPayload")
    if isinstance(audit, dict):
        status = audit.get("status")
        message = status.get("message") if isinstance(status, dict) else None
        return (message, True) if isinstance(message, str) else ("", True)
    return "", False


def record_of(raw: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The record that a structured logger wrote, None if none did. It may have been delivered as text (a JSON line that
    the platform did not lift); that is looked into only if it may tell of an error.
    """
    text = raw.get("textPayload")
    if not isinstance(text, str):
        record = raw.get("jsonPayload")
        return record if isinstance(record, dict) else None
    if not text.startswith("{") or not any(hint in text for hint in _LOAD_HINTS):
        return None
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def payload_level(record: Mapping[str, Any]) -> str:
    """The level that a structured record states itself, in capitals; empty where it states none."""
    for field in _LEVEL_FIELDS:
        value = record.get(field)
        if isinstance(value, dict):
            value = value.get("name")
        if isinstance(value, str):
            return value.strip().upper()
        if isinstance(value, int) and not isinstance(value, bool):
            return next((name for least, name in _NUMBERED_LEVELS if value >= least), "")
    inner = record.get("record")  # loguru
    return payload_level(inner) if isinstance(inner, dict) and inner is not record else ""


def _record_text(record: Mapping[str, Any]) -> tuple[str, bool]:
    message = next((record[f] for f in _MESSAGE_FIELDS if isinstance(record.get(f), str)), "")
    details = [text for text in _error_texts(record, 0) if text.strip() and text not in message]
    if not details:
        return message, False
    return "\n".join((message, *details)) if message else "\n".join(details), True


def _error_texts(record: Mapping[str, Any], depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    told: set[str] = set()
    for number, (field, value) in enumerate(record.items()):
        if number >= _MAX_FIELDS:
            return
        name = _NOT_LETTERS.sub("", str(field)[:80].lower())
        if name in _ERROR_FIELDS or name.endswith(_ERROR_ENDINGS):
            start = "".join(str(field).partition(".")[:2])
            if start not in _DOTTED:
                yield from _error_value(value, depth)
            elif start not in told:
                told.add(start)
                yield from _error_value(_parts(record, start), depth)
        elif name in _CONTAINERS and isinstance(value, dict):
            yield from _error_texts(value, depth + 1)


def _parts(record: Mapping[str, Any], start: str) -> Mapping[str, Any]:
    """The fields ``error.type``, ``error.message``... of a record as one object."""
    some = islice(record.items(), _MAX_FIELDS)
    return {str(field).removeprefix(start): value for field, value in some if str(field).startswith(start)}


def _error_value(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        kind = value.get("type") or value.get("exc_type") or value.get("class") or value.get("kind")
        said = value.get("value") or value.get("message") or value.get("exc_value")
        frames = _frames_of(value)
        if frames:
            yield from _stacks([{**value, "exc_type": kind, "exc_value": said, "frames": frames}], depth)
            return
        inner = list(_error_texts(value, depth + 1)) + list(_values(value, depth + 1))
        printed = f"{kind}: {said}" if isinstance(kind, str) and isinstance(said, str) else ""
        if inner:
            yield from inner
            if printed and str(said) not in "\n".join(inner):  # ECS: the frames alone
                yield printed
        elif printed:
            yield printed
        elif isinstance(said, str):
            yield said
    elif isinstance(value, Sequence):
        yield from _stacks(value, depth)


def _values(value: Mapping[str, Any], depth: int) -> Iterator[str]:
    """The exceptions that Sentry's ``values`` holds, each an object."""
    values = value.get("values")
    for item in values[:_MAX_ITEMS] if isinstance(values, list) and depth <= _MAX_DEPTH else ():
        if isinstance(item, dict):
            yield from _error_value(item, depth)


def _frames_of(value: Mapping[str, Any]) -> Sequence[Any]:
    """The frames of an exception that is told as an object; empty where they are no objects."""
    for field in _FRAME_LISTS:
        frames = value.get(field)
        if isinstance(frames, dict):
            frames = frames.get("frames")
        if isinstance(frames, list) and frames and isinstance(frames[0], dict) and _first(frames[0], _LINE_FIELDS):
            return frames
    return ()


def _first(item: Mapping[str, Any], fields: Sequence[str]) -> Any:
    return next((item[field] for field in fields if item.get(field)), None)


def _stacks(stacks: Sequence[Any], depth: int) -> Iterator[str]:
    """Structlog's list of stacks, the last raised first, as Python prints it: the root first."""
    if depth > _MAX_DEPTH:
        return
    if stacks and all(isinstance(line, str) for line in stacks[:_MAX_ITEMS]):
        yield "\n".join(line.rstrip("\n") for line in stacks[:1000])
        return
    chosen = [stack for stack in stacks[:_MAX_ITEMS] if isinstance(stack, dict)]
    lines: list[str] = []
    for wrapper, stack in reversed(list(zip([None, *chosen], chosen, strict=False))):
        lines += _stack_lines(stack)
        if wrapper is not None:
            lines += ["", CAUSE if stack.get("is_cause") else CONTEXT, ""]
    if lines:
        yield "\n".join(lines)
    for stack in chosen:
        members = stack.get("exceptions")
        if isinstance(members, Sequence) and not isinstance(members, str):
            for member in members[:_MAX_ITEMS]:
                inner = member.get("stacks") if isinstance(member, dict) else member
                if isinstance(inner, Sequence) and not isinstance(inner, str):
                    yield from _stacks(inner, depth + 1)


def _stack_lines(stack: Mapping[str, Any]) -> list[str]:
    lines = ["Traceback (most recent call last):"]
    frames = stack.get("frames")
    for frame in frames[:1000] if isinstance(frames, Sequence) and not isinstance(frames, str) else ():
        if isinstance(frame, dict):
            file, line, name = (_first(frame, fields) for fields in (_FILE_FIELDS, _LINE_FIELDS, _NAME_FIELDS))
            lines.append(f'  File "{file}", line {line}, in {name}')
            if isinstance(frame.get("line"), str) and frame["line"].strip():
                lines.append(f"    {frame['line'].strip()}")
    wrong = stack.get("syntax_error")
    if isinstance(wrong, dict):
        lines.append(f'  File "{wrong.get("filename")}", line {wrong.get("lineno")}')
    value = stack.get("exc_value")
    lines.append(f"{stack.get('exc_type')}: {value}" if value not in (None, "") else str(stack.get("exc_type")))
    return lines
