"""Values to JSON texts and back, by our classes' own annotations: a field is declared once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import zstandard

from checks.model import JsonValue

Value = TypeVar("Value")


# Mappings that are no dicts are written as if they were.
_writer = msgspec.json.Encoder(enc_hook=dict)
_readers: dict[Any, msgspec.json.Decoder[Any]] = {}


def _reader(kind: Any) -> msgspec.json.Decoder[Any]:
    """One decoder per class, kept: building one is slow."""
    if kind not in _readers:
        _readers[kind] = msgspec.json.Decoder(kind)
    return _readers[kind]


def dump(value: Any) -> str:
    """A value of ours or a plain one of JSON, or a list of some, as JSON text."""
    return _writer.encode(value).decode()


def dump_each(values: Sequence[Any]) -> list[str]:
    """Each of them as JSON text, written in one go."""
    # No JSON text that it writes holds a line end.
    return _writer.encode_lines(values).decode().split("\n")[:-1]


def load(kind: type[Value], text: str) -> Value:
    """The value from its JSON text.

    :raises msgspec.ValidationError: naming the field that is not as declared.
    """
    value: Value = _reader(kind).decode(text)
    return value


def load_all(kind: type[Value], texts: Sequence[str]) -> list[Value]:
    """The values from their JSON texts, read in one go."""
    values: list[Value] = _reader(list[kind]).decode(f"[{','.join(texts)}]")  # type: ignore[valid-type]
    return values


def pack(text: str) -> bytes:
    """The text in a tenth of its length: what is kept in large numbers repeats itself."""
    return zstandard.compress(text.encode(), level=1)


def unpack(packed: bytes) -> str:
    """The text again.

    :raises zstandard.ZstdError: if it is damaged.
    """
    return zstandard.decompress(packed).decode()


def to_json(value: Any) -> dict[str, JsonValue]:
    """A value of ours as plain JSON values."""
    plain: dict[str, JsonValue] = msgspec.to_builtins(value, enc_hook=dict)
    return plain
