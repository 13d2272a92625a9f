"""The last way to tell people: straight through a channel, when what is wrong cannot be stored."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from alerts.messages.text import clean, redact
from alerts.model import Action, Dispatch, IncidentState, Message
from alerts.ports import Channel, DeliveryError
from checks.model import Severity

# The same trouble is told again after this long, while it lasts.
AGAIN_AFTER = timedelta(hours=1)

log = logging.getLogger(__name__)


class Emergency:
    """Remembers in memory only what it told and when. Not for what the ordinary path can tell."""

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self._channels = channels
        self._told: dict[str, datetime] = {}

    def tell(self, title: str, reason: str, remedy: str, now: datetime) -> None:
        """Send it through every channel, unless it was told lately."""
        if title in self._told and now - self._told[title] < AGAIN_AFTER:
            return
        facts = (("Reason", redact(clean(reason))), ("Next", remedy))
        sent = self._send(Message(severity=Severity.CRITICAL, state=IncidentState.OPEN, title=title,
                                  summary="Told directly: it cannot be stored.", facts=facts), now)  # fmt: skip
        if sent:
            self._told[title] = now

    def over(self, now: datetime) -> None:
        """What was told is over."""
        for title in list(self._told):
            ended = Message(severity=Severity.INFO, state=IncidentState.RESOLVED, title=title, summary="It is over.")
            self._send(ended, now)
            del self._told[title]

    def _send(self, message: Message, now: datetime) -> bool:
        arrived = False
        for name, channel in self._channels.items():
            key = f"emergency:{uuid.uuid4().hex}"
            try:
                channel.send(Dispatch(key=key, action=Action.POST, message=message, created_at=now, attempt=1))
                arrived = True
            except DeliveryError as error:
                log.error("not told: %s", error, extra={"action": "emergency.failed", "destination": name})  # noqa: TRY400
            except Exception:
                log.exception("channel failed", extra={"action": "emergency.failed", "destination": name})
        return arrived
