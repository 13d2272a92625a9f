"""Values to JSON texts and back, by the dataclasses' own annotations: a field is declared once.

Pydantic reads, for it says what is wrong; msgspec writes, in a third of the time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from pydantic import TypeAdapter

from checks.model import JsonValue

Value = TypeVar("Value")


# Mappings that are no dicts are written as if they were.
_writer = msgspec.json.Encoder(enc_hook=dict)
_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(kind: type) -> TypeAdapter[Any]:
    """One adapter per class, kept: building one is slow."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def dump(value: Any) -> str:
    """A dataclass of ours, or a list of some, as JSON text."""
    return _writer.encode(value).decode()


def load(kind: type[Value], text: str) -> Value:
    """The dataclass from its JSON text."""
    value: Value = _adapter(kind).validate_json(text)
    return value


def load_all(kind: type[Value], texts: Sequence[str]) -> list[Value]:
    """The dataclasses from their JSON texts, read in one go."""
    values: list[Value] = _adapter(list[kind]).validate_json(f"[{','.join(texts)}]")  # type: ignore[valid-type]
    return values


def to_json(value: Any) -> dict[str, JsonValue]:
    """A dataclass of ours as plain JSON values."""
    plain: dict[str, JsonValue] = _adapter(type(value)).dump_python(value, mode="json")
    return plain


def dump_plain(value: JsonValue) -> str:
    """A plain JSON value as compact text."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
