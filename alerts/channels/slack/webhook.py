"""A Slack incoming webhook: it takes messages, and can do nothing with them afterwards."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from alerts.channels.slack import errors
from alerts.channels.slack.api import SILENT, broken
from alerts.channels.slack.blocks import Part, render
from alerts.channels.slack.channel import REPEATED, SECOND
from alerts.messages.text import shorten
from alerts.model import Action, Dispatch, IncidentState, Message
from alerts.pace import Pace
from alerts.ports import DeliveryError
from checks.model import JsonValue

CANNOT = "A webhook cannot change what it posted: news follow as messages of their own."
_LONGEST_TITLE = 150
_REMEMBERED = 1_000

log = logging.getLogger(__name__)


class WebhookChannel:
    """One Slack channel, written to by the address of an incoming webhook.

    It has neither edits nor threads nor a way to look. A POST says so; an EDIT of what was posted sends nothing, for
    the REPLY that comes with it tells what is new; a REPLY is a message of its own that names what it is about. What
    does not fit into a message follows in further ones. An ``uncertain`` dispatch is marked as a possible repetition.

    :param timeout: bounds each wait on the network.
    :raises ValueError: for an address that cannot be one.
    """

    can: frozenset[str] = frozenset()

    def __init__(
        self, name: str, url: str, *, timeout: timedelta = timedelta(seconds=10), pace: timedelta = SECOND
    ) -> None:
        from slack_sdk.webhook import WebhookClient

        if not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError("the webhook's URL holds characters that no URL has")
        self.name = name
        seconds: Any = timeout.total_seconds()  # the SDK declares whole ones and hands on what it gets
        self._client = WebhookClient(url, timeout=seconds, retry_handlers=[], logger=SILENT)
        self._pace = Pace(pace)
        # How many messages of an unfinished dispatch arrived: a retry goes on behind them.
        self._arrived: dict[str, int] = {}

    def send(self, dispatch: Dispatch) -> Mapping[str, JsonValue]:
        """Deliver one dispatch; see the class for what each action does.

        :raises DeliveryError: as the port says; never with the address in it.
        """
        root = dispatch.root
        if dispatch.action is Action.EDIT and root is not None:
            return root
        parts = _parts(dispatch)
        done = self._arrived.get(dispatch.key, 0)
        for number, part in enumerate(parts[done:], done + 1):
            error = self._post(part)
            if error is not None:
                error.uncertain = error.uncertain or dispatch.uncertain or number > 1
                raise error
            if len(self._arrived) >= _REMEMBERED:
                self._arrived.pop(next(iter(self._arrived)))
            self._arrived[dispatch.key] = number
        self._arrived.pop(dispatch.key, None)
        return {"title": shorten(dispatch.message.title, _LONGEST_TITLE)} if root is None else root

    def withdraw(self, receipt: Mapping[str, JsonValue]) -> bool:
        """A webhook cannot."""
        del receipt
        return False

    def _post(self, part: Part) -> DeliveryError | None:
        """Send a part as blocks or, if Slack refuses these, as text; what went wrong, None if it arrived."""
        refused = self._call({"text": part.text, "blocks": list(part.blocks)}) if part.blocks else None
        if part.blocks and (refused is None or not _is_unfit(refused)):
            return refused
        if refused is not None:
            log.warning("sent as text", extra={"action": "slack.degraded", "reason": str(refused)})
        refused = self._call({"text": part.plain})
        if refused is not None and _is_unfit(refused):
            refused.permanent, refused.remedy = True, errors.UNSENDABLE
        return refused

    def _call(self, body: Mapping[str, Any]) -> DeliveryError | None:
        self._pace.wait()
        try:
            answer = self._client.send_dict({**body, "unfurl_links": False, "unfurl_media": False})
        except Exception as error:  # noqa: BLE001 - as in api.py; raised by the caller, without this one's address
            return broken("webhook", error)
        finally:
            self._pace.sent()
        return errors.from_webhook(answer.status_code, dict(answer.headers), answer.body)


def _is_unfit(error: DeliveryError) -> bool:
    return isinstance(error, errors.RefusalError) and error.code in errors.UNFIT


def _parts(dispatch: Dispatch) -> list[Part]:
    about = (dispatch.root or {}).get("title")
    notes = [REPEATED] if dispatch.uncertain else []
    if isinstance(about, str):
        notes.append(f"About: {about}")
    shown = _with_limits(dispatch.message) if dispatch.root is None else dispatch.message
    first, rest = render(shown, thread=dispatch.root is not None, note=" ".join(notes) or None)
    return [first, *rest]


def _with_limits(message: Message) -> Message:
    """The message with a word on what the channel cannot do, while there is something left to come."""
    if message.state is not IncidentState.OPEN:
        return message
    return replace(message, footer=f"{message.footer} {CANNOT}".strip())
