"""The settings of each kind of channel, and which kind a mapping in ``config.yaml`` is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationInfo, WrapValidator

from alerts.secret import Secret, WithSecrets
from checks.fields import Endpoint, LocalPath, Name, Span, at_most, is_loopback
from checks.mistakes import Mistake, Section, kind_of, unknown

# A send makes up to six calls and must end before its lease does (alerts.delivery.LEASE, 90 s).
CallTime = Annotated[Span, at_most(timedelta(seconds=14))]
_TIMEOUT = "how long one call may take, at most 14s"
_KIND = "kind of channel; the channel's own name if left out"


class SecretUrl(Secret):
    """An address that lets whoever knows it do what we do: as secret as a token."""

    __slots__ = ()

    @classmethod
    def judged(cls, value: object, info: ValidationInfo) -> SecretUrl:
        """https, or http to this machine; empty is nothing. No message shows any of it."""
        secret = super().judged(value, info)
        try:
            parts = urlsplit(secret.reveal())
            good = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
            good = good and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if secret and not good:
            raise Mistake(message="not a URL that keeps a secret", hint="https, or http to this machine").error()
        return secret


class ConsoleSettings(Section):
    """The terminal, or the container's log."""

    kind: Literal["console"] = Field(default="console", description=_KIND)

    @property
    def off(self) -> str | None:
        """Why nothing is sent here, in a few words; None if something is."""
        return None

    @property
    def enabled(self) -> bool:
        """Whether anything is sent here."""
        return True


class _OffWithoutSecret(WithSecrets):
    """A channel that an empty secret switches off. ``secrets`` names that one first."""

    @property
    def off(self) -> str | None:
        """Why nothing is sent here, in a few words; None if something is."""
        if self.enabled:
            return None
        name = self.secrets[0]
        secret: Secret = getattr(self, name)
        return f"its {name} is empty" + "".join(f"; set {variable}" for variable in secret.variables)

    @property
    def enabled(self) -> bool:
        """Whether anything is sent here."""
        return bool(getattr(self, self.secrets[0]))


class SlackSettings(_OffWithoutSecret):
    """One channel in Slack. An empty token switches it off."""

    secrets: ClassVar[tuple[str, ...]] = ("token",)

    kind: Literal["slack"] = Field(default="slack", description=_KIND)
    token: Secret = Field(default=Secret(), description="the bot's token (xoxb-...); empty switches the channel off")
    token_file: LocalPath | None = Field(default=None, description="file with the token, instead of token")
    channel: str = Field(min_length=1, max_length=255, description='where to post, as "#name" (in quotes) or an id')
    base_url: Endpoint | None = Field(default=None, description="address of the Slack Web API, if not Slack's own")
    broadcast_resolution: bool = Field(
        default=False, description="whether a resolution in a thread also shows in the channel"
    )
    broadcast_escalation: bool = Field(
        default=True, description="whether what got worse, and reminders, also show in the channel"
    )
    timeout: CallTime = Field(default=timedelta(seconds=10), description=_TIMEOUT)


class WebhookSettings(_OffWithoutSecret):
    """A Slack incoming webhook. It can neither edit nor thread: every change is a message of its own."""

    secrets: ClassVar[tuple[str, ...]] = ("url",)

    kind: Literal["webhook"] = Field(default="webhook", description=_KIND)
    url: SecretUrl = Field(
        default=SecretUrl(), description="its address (https://hooks.slack.com/...); empty switches the channel off"
    )
    url_file: LocalPath | None = Field(default=None, description="file with the URL, instead of url")
    timeout: CallTime = Field(default=timedelta(seconds=10), description=_TIMEOUT)


class AppriseSettings(_OffWithoutSecret):
    """Any service that Apprise knows (mail, Teams, PagerDuty, ntfy ...), by its URL. Needs the extra ``apprise``."""

    secrets: ClassVar[tuple[str, ...]] = ("url",)

    kind: Literal["apprise"] = Field(default="apprise", description=_KIND)
    url: Secret = Field(
        default=Secret(), description="the service as Apprise writes it (ntfys://topic); empty switches the channel off"
    )
    url_file: LocalPath | None = Field(default=None, description="file with the URL, instead of url")
    timeout: CallTime = Field(default=timedelta(seconds=10), description=_TIMEOUT)


ChannelSettings = ConsoleSettings | SlackSettings | WebhookSettings | AppriseSettings
_KINDS: Mapping[str, Any] = {kind.model_fields["kind"].default: kind for kind in get_args(ChannelSettings)}


def _channel(value: Any, _handler: object, info: ValidationInfo) -> ChannelSettings:
    """Judged by the settings of its own kind only, so that mistakes are those of that kind."""
    if isinstance(value, get_args(ChannelSettings)):
        made: ChannelSettings = value
        return made
    if not isinstance(value, Mapping):
        raise Mistake(message=f"expected a mapping (key: value), found {kind_of(value)}").error()
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        mistake = unknown("kind of channel", kind, _KINDS)
        near = mistake.hint is not None and mistake.hint.startswith("did")
        raise (mistake if near else replace(mistake, hint="add kind: " + " or kind: ".join(_KINDS))).error()
    judged: ChannelSettings = _KINDS[kind].model_validate(value, context=info.context)
    return judged


def _with_kinds(value: Any) -> Any:
    """Channels with the kind that their name says where they say none."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: {"kind": name, **(channel or {})} if channel is None or isinstance(channel, Mapping) else channel
        for name, channel in value.items()
    }


Channels = Annotated[
    Mapping[Name, Annotated[ChannelSettings, WrapValidator(_channel)]],
    BeforeValidator(_with_kinds),
]
