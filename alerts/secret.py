"""Secrets in ``config.yaml``: values that never show, and files that hold them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from checks.mistakes import FromEnvironment, Mistake, Section, kind_of

_LARGEST_SECRET = 65536
# Docker and Kubernetes mount secrets here readable for all: the container is the wall.
_SECRET_MOUNTS = (Path("/run/secrets"), Path("/var/run/secrets"))


class Secret:
    """A value that never shows: ``str``, ``repr``, JSON and YAML say ``***``; JSON of an empty one is empty.

    Blanks around it are cut off. ``variables`` are the environment variables it came from, for messages.
    """

    __slots__ = ("_value", "variables")

    def __init__(self, value: str = "") -> None:
        self._value = value.strip()
        self.variables: tuple[str, ...] = value.variables if isinstance(value, FromEnvironment) else ()

    def reveal(self) -> str:
        """The value itself: for the call that needs it, and nothing else."""
        return self._value

    def shown(self) -> str:
        """What may be shown of it: ``***``, or nothing if there is nothing."""
        return "***" if self._value else ""

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    @classmethod
    def judged(cls, value: object, info: ValidationInfo) -> Self:  # noqa: ARG003 - for subclasses
        """The secret that was written; nothing at all is an empty one. No message shows any of it."""
        if isinstance(value, cls):
            return value
        if value is None:
            return cls()
        if not isinstance(value, str):
            raise Mistake(message=f"expected text, found {kind_of(value)}", hint="put it in quotes").error()
        secret = cls(value)
        if any(not character.isprintable() or character.isspace() for character in secret._value):
            raise Mistake(message="blanks, line breaks or control characters inside a secret").error()
        return secret

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Strict text in, ``shown`` out."""
        return core_schema.with_info_plain_validator_function(
            cls.judged, serialization=core_schema.plain_serializer_function_ser_schema(cls.shown)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Text, or nothing."""
        return {"type": ["string", "null"]}


class WithSecrets(Section):
    """A section in which a secret may also be read from a file: ``token_file`` beside ``token``."""

    secrets: ClassVar[tuple[str, ...]]

    @classmethod
    def examine(cls, raw: dict[str, Any], folder: Path | None) -> Iterator[Mistake]:
        """Read the files, and say what is wrong with them; never with what is in them."""
        for name in cls.secrets:
            written = raw.get(f"{name}_file")
            if not isinstance(written, str) or not written:
                continue
            if raw.get(name):
                yield Mistake(message=f"both {name} and {name}_file", hint="keep one of them", at=(f"{name}_file",))
                continue
            outcome = _secret_in(Path(folder or "", Path(written).expanduser()))
            if isinstance(outcome, Mistake):
                yield replace(outcome, at=(f"{name}_file",))
            else:
                raw[name] = outcome


def _secret_in(path: Path) -> str | Mistake:
    """The text of a secret file, or why it will not do."""
    try:
        # Not blocking: a named pipe without a writer would hang the start.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            content = file.read(_LARGEST_SECRET + 1) if stat.S_ISREG(mode) else b""
    except OSError as error:
        return Mistake(message=f"cannot read the file: {error.strerror}")
    if not stat.S_ISREG(mode):
        return Mistake(message="not a regular file")
    mounted = any(path.is_relative_to(mount) for mount in _SECRET_MOUNTS)
    if mode & (stat.S_IWGRP | stat.S_IWOTH) or (mode & stat.S_IROTH and not mounted):
        return Mistake(message="others may read or change the file", hint="chmod 600 it")
    if len(content) > _LARGEST_SECRET:
        return Mistake(message="the file is too large for a secret")
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        return Mistake(message="the file is not UTF-8 text")
    return text or Mistake(message="the file is empty")
