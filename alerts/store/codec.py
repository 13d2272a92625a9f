"""Values to JSON texts and back. Pydantic reads the dataclasses' own annotations, so a field is declared once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter

from checks.model import JsonValue

Value = TypeVar("Value")


_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(kind: type) -> TypeAdapter[Any]:
    """One adapter per class, kept: building one is slow."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def dump(value: Any) -> str:
    """A dataclass of ours as JSON text."""
    return _adapter(type(value)).dump_json(value).decode()


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
