"""Finding again what an earlier attempt may have sent: by the key in the message's metadata.

Slack has no key that makes a post idempotent, so a lost answer can only be resolved by looking.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from alerts.channels.slack.api import Session
from alerts.channels.slack.errors import GONE, RefusalError

EVENT_TYPE = "phasewatch"
_PAGE = 200
# A busy channel writes this many messages between two attempts at most; beyond, the answer is "could not look".
_MAX_PAGES = 10
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{7,}")


def metadata(key: str) -> dict[str, Any]:
    """What marks a message as ours (docs.slack.dev/messaging/message-metadata)."""
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}


def sent_keys(session: Session, channel: str, *, since: datetime, thread: str | None) -> Mapping[str, str] | None:
    """Key -> ts of our messages since then: the channel's own, or those of one thread; None where we may not look.

    ``channel`` is an ID. Needs the scope ``channels:history`` (``groups:history`` for a private channel).

    :raises DeliveryError: if looking failed in a way that may pass.
    """
    method = "conversations.history" if thread is None else "conversations.replies"
    arguments: dict[str, Any] = {
        "channel": channel,
        "oldest": f"{since.timestamp():.6f}",
        "inclusive": True,
        "include_all_metadata": True,
    }
    if thread is not None:
        arguments["ts"] = thread
    found: dict[str, str] = {}
    try:
        for message in _pages(session, method, channel, arguments, "messages"):
            about = message.get("metadata") or {}
            key = (about.get("event_payload") or {}).get("key")
            if about.get("event_type") == EVENT_TYPE and isinstance(key, str):
                found[key] = str(message["ts"])
    except RefusalError as refused:
        if refused.code in GONE:
            return {}
        if _may_pass(refused):
            raise
        return None
    except _TooManyError:
        return None
    return found


def channel_id(session: Session, channel: str) -> str | None:
    """The ID of a channel given as ``#name``, ``name`` or ID; None where it cannot be found out.

    chat.postMessage takes names, all other methods only IDs. Needs ``channels:read`` (``groups:read`` for private
    channels).

    :raises DeliveryError: if asking failed in a way that may pass.
    """
    if _CHANNEL_ID.fullmatch(channel):
        return channel
    name = channel.removeprefix("#")
    for kind in ("public_channel", "private_channel"):
        arguments = {"types": kind, "exclude_archived": True}
        try:
            for known in _pages(session, "users.conversations", channel, arguments, "channels"):
                if known.get("name") == name:
                    return str(known["id"])
        except RefusalError as refused:
            if _may_pass(refused):
                raise
        except _TooManyError:
            pass
    return None


class _TooManyError(Exception):
    """There are more pages than we read."""


def _pages(
    session: Session, method: str, channel: str, arguments: Mapping[str, Any], field: str
) -> Iterator[Mapping[str, Any]]:
    cursor = ""
    for _ in range(_MAX_PAGES):
        page = session.call(method, channel, {**arguments, "limit": _PAGE, **({"cursor": cursor} if cursor else {})})
        yield from page.get(field) or ()
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return
    raise _TooManyError


def _may_pass(refused: RefusalError) -> bool:
    # An unknown code may be lasting. It must not keep the message from being sent (marked) at all.
    return refused.retry_after is not None or refused.uncertain or refused.code == "ratelimited"
