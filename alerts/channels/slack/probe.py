"""Looking whether a Slack channel could be written to, without writing: the token, its scopes, the channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from alerts.channels.slack import lookup
from alerts.channels.slack.api import Session, SlackApi
from alerts.channels.slack.errors import RefusalError

# What each scope is for; without the first nothing can be sent.
_NEEDED = "chat:write"
_LOOKING = (
    ("channels:history", "groups:history", "to find a message whose delivery was not confirmed"),
    ("channels:read", "groups:read", "to find the channel by its name"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSight:
    """What was found. ``missing``: what keeps messages from arriving, and what to do, both None if nothing does.

    ``notes`` are what would be better; ``date`` is the Date header of the first answer; ``scopes`` None: not told.
    """

    team: str
    user: str
    scopes: tuple[str, ...] | None
    date: str | None
    channel_id: str | None
    missing: str | None = None
    remedy: str | None = None
    notes: tuple[str, ...] = ()


def probe(token: str, channel: str, *, base_url: str | None, timeout: timedelta) -> SlackSight:
    """Ask Slack who we are, what we may, and whether the channel is there. Nothing is posted.

    :param timeout: bounds all calls together.
    :raises DeliveryError: if Slack cannot be asked or refuses the token.
    :raises ValueError: for a token that cannot be one.
    """
    session = SlackApi(token, base_url, timeout, timeout).session()
    who = session.call("auth.test", channel, {})
    headers = {name.lower(): value for name, value in session.headers.items()}
    listed = headers.get("x-oauth-scopes")
    scopes = None if listed is None else tuple(sorted(filter(None, (part.strip() for part in listed.split(",")))))
    found = _channel(session, channel)
    missing, remedy = found.missing, found.remedy
    if scopes is not None and _NEEDED not in scopes:
        missing, remedy = f"the app may not write (no scope {_NEEDED})", _add(_NEEDED)
    return SlackSight(
        team=_word(who.get("team")),
        user=_word(who.get("user")),
        scopes=scopes,
        date=headers.get("date"),
        channel_id=found.id,
        missing=missing,
        remedy=remedy,
        notes=(*_missing_scopes(scopes, private=found.private), *found.notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """The channel's ID, what is wrong with it and what to do, and what is not known of it."""

    id: str | None = None
    private: bool = False
    missing: str | None = None
    remedy: str | None = None
    notes: tuple[str, ...] = ()


def _channel(session: Session, channel: str) -> _Found:  # noqa: PLR0911 - one for each thing that can be so
    known = lookup.channel_id(session, channel)
    if known is None:
        if _may_list(session, channel):
            advice = f"Correct the channel's name, or write /invite @app in {channel}."
            return _Found(missing=f"{channel} is not among the app's channels", remedy=advice)
        return _Found(notes=(f"whether {channel} can be reached is not known; `phasewatch test-alert` tells",))
    try:
        answer = session.call("conversations.info", channel, {"channel": known})
    except RefusalError as refused:
        if refused.code == "missing_scope":
            return _Found(id=known, notes=(f"whether {channel} can be reached is not known: {refused}",))
        return _Found(id=known, missing=str(refused), remedy=refused.remedy)
    about = answer.get("channel")
    facts: Mapping[str, Any] = about if isinstance(about, dict) else {}
    private = bool(facts.get("is_private"))
    if facts.get("is_archived"):
        advice = "Unarchive it or choose another channel."
        return _Found(id=known, private=private, missing=f"{channel} is archived", remedy=advice)
    if facts.get("is_member") is False:
        advice = f"Write /invite @app in {channel}."
        return _Found(id=known, private=private, missing=f"the app is not in {channel}", remedy=advice)
    return _Found(id=known, private=private)


def _may_list(session: Session, channel: str) -> bool:
    try:
        session.call("users.conversations", channel, {"limit": 1})
    except RefusalError:
        return False
    return True


def _missing_scopes(scopes: tuple[str, ...] | None, *, private: bool) -> tuple[str, ...]:
    if scopes is None:
        return ("Slack did not tell the app's scopes",)
    wanted = [(group if private else public, why) for public, group, why in _LOOKING]
    return tuple(
        f"without the scope {scope} phasewatch cannot look {why}" for scope, why in wanted if scope not in scopes
    )


def _add(scope: str) -> str:
    return f"Add the scope {scope} to the app's bot token (OAuth & Permissions) and install the app again."


def _word(value: object) -> str:
    return " ".join(str(value).split())[:80] if isinstance(value, str) else "?"
