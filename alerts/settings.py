"""The alerts' part of ``config.yaml``: the channels, and what goes to which."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo, WrapValidator
from pydantic_core import CoreSchema, core_schema

from checks.fields import Duration, Endpoint, ListOf, LocalPath, Name, Span, at_most
from checks.mistakes import FromEnvironment, Mistake, Section, kind_of, unknown
from checks.model import Severity
from checks.references import mappings, texts

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


class ConsoleSettings(Section):
    """The terminal, or the container's log."""

    kind: Literal["console"] = Field(
        default="console", description="kind of channel; the channel's own name if left out"
    )

    @property
    def off(self) -> str | None:
        """Why nothing is sent here, in a few words; None if something is."""
        return None

    @property
    def enabled(self) -> bool:
        """Whether anything is sent here."""
        return True


class SlackSettings(WithSecrets):
    """One channel in Slack. An empty token switches it off."""

    secrets: ClassVar[tuple[str, ...]] = ("token",)

    kind: Literal["slack"] = Field(default="slack", description="kind of channel; the channel's own name if left out")
    token: Secret = Field(default=Secret(), description="the bot's token (xoxb-...); empty switches the channel off")
    token_file: LocalPath | None = Field(default=None, description="file with the token, instead of token")
    channel: str = Field(min_length=1, max_length=255, description='where to post, as "#name" (in quotes) or an id')
    base_url: Endpoint | None = Field(default=None, description="address of the Slack Web API, if not Slack's own")
    broadcast_resolution: bool = Field(
        default=False, description="whether a resolution in a thread also shows in the channel"
    )
    # A send makes up to six calls and must end before its lease does (alerts.delivery.LEASE, 90 s).
    timeout: Annotated[Span, at_most(timedelta(seconds=14))] = Field(
        default=timedelta(seconds=10), description="how long one call may take, at most 14s"
    )

    @property
    def off(self) -> str | None:
        """Why nothing is sent here, in a few words; None if something is."""
        if self.enabled:
            return None
        return "its token is empty" + "".join(f"; set {name}" for name in self.token.variables)

    @property
    def enabled(self) -> bool:
        """Whether anything is sent here."""
        return bool(self.token)


ChannelSettings = ConsoleSettings | SlackSettings
_KINDS: Mapping[str, type[ConsoleSettings | SlackSettings]] = {"console": ConsoleSettings, "slack": SlackSettings}


def _channel(value: Any, _handler: object, info: ValidationInfo) -> ChannelSettings:
    """Judged by the settings of its own kind only, so that mistakes are those of that kind."""
    if isinstance(value, ConsoleSettings | SlackSettings):
        return value
    if not isinstance(value, Mapping):
        raise Mistake(message=f"expected a mapping (key: value), found {kind_of(value)}").error()
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        mistake = unknown("kind of channel", kind, _KINDS)
        near = mistake.hint is not None and mistake.hint.startswith("did")
        raise (mistake if near else replace(mistake, hint="add kind: " + " or kind: ".join(_KINDS))).error()
    return _KINDS[kind].model_validate(value, context=info.context)


def _with_kinds(value: Any) -> Any:
    """Channels with the kind that their name says where they say none."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: {"kind": name, **(channel or {})} if channel is None or isinstance(channel, Mapping) else channel
        for name, channel in value.items()
    }


class RouteSettings(Section):
    """Which channels hear of what."""

    to: ListOf[str] = Field(min_length=1, description="names of channels")
    severity_at_least: Annotated[Severity, Field(strict=False)] = Field(
        default=Severity.INFO, description="the least severity that goes this way"
    )
    pipelines: ListOf[str] = Field(
        default=(), description="only these pipelines; all, and what belongs to none, if empty"
    )


class AlertSettings(Section):
    """Who hears of what."""

    channels: Annotated[
        Mapping[Name, Annotated[ConsoleSettings | SlackSettings, WrapValidator(_channel)]], BeforeValidator(_with_kinds)
    ] = Field(
        default_factory=dict,
        min_length=1,
        description="the channels by name; several of one kind need kind: in each but one",
    )
    routes: ListOf[RouteSettings] = Field(
        default_factory=tuple,
        min_length=1,
        description="what goes to which channels; everything to all channels if left out",
    )
    blind_after: Duration = Field(
        default=timedelta(minutes=10), description="how long a check may fail to look before somebody is told"
    )

    @classmethod
    def examine(cls, raw: dict[str, Any], folder: Path | None) -> Iterator[Mistake]:  # noqa: ARG003 - the base's
        """Fill in the defaults that depend on each other; find routes to channels that are not there."""
        if raw.get("channels") is None:
            raw["channels"] = {"console": {}}
        channels = list(raw["channels"]) if isinstance(raw["channels"], Mapping) else []
        if raw.get("routes") is None:
            raw["routes"] = [{"to": channels}]
        for index, route in mappings(raw["routes"]).items():
            for item, channel in texts(route.get("to")).items():
                if channel not in channels:
                    yield replace(unknown("channel", channel, channels), at=("routes", index, "to", item), unnamed=True)

    def switched_off(self) -> Mapping[str, str]:
        """The channels that nothing is sent to, each with the reason in a few words."""
        return {name: channel.off for name, channel in self.channels.items() if channel.off is not None}
