"""One call of Slack's Web API: bounded in time, never retried, and every failure a DeliveryError without the token."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.error import URLError

from alerts.channels.slack import errors
from alerts.ports import DeliveryError

# slack_sdk logs each failure as an error of its own, with parts of the answer. Whoever sends reports it instead.
SILENT = logging.getLogger("alerts.channels.slack.sdk")
SILENT.setLevel(logging.CRITICAL)


class SlackApi:
    """Slack's Web API for one token.

    ``timeout`` bounds each wait on the network; ``total`` all calls of one ``session`` together.
    """

    def __init__(self, token: str, base_url: str | None, timeout: timedelta, total: timedelta) -> None:
        # http.client quotes a header it cannot send in its error: such a token must not get that far.
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("the Slack token is empty or holds characters that no token has")
        self._token = token
        self._base_url = base_url
        self._timeout = timeout.total_seconds()
        self._total = total.total_seconds()

    def session(self) -> Session:
        """The calls of one send; its time starts now."""
        from slack_sdk import WebClient

        options: dict[str, Any] = {} if self._base_url is None else {"base_url": self._base_url}
        # retry_handlers: delivery retries, knowing what a lost answer means; the default handler would post twice.
        client = WebClient(token=self._token, retry_handlers=[], logger=SILENT, **options)
        return Session(client, self._timeout, time.monotonic() + self._total)


class Session:
    """Calls that share one deadline. ``headers``: those of the last answer that was a success."""

    def __init__(self, client: Any, timeout: float, deadline: float) -> None:
        self._client = client
        self._timeout = timeout
        self._deadline = deadline
        self.headers: Mapping[str, str] = {}

    def call(self, method: str, channel: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Slack's answer with ``ok: true``.

        ``channel`` only names the place in errors. ``chat.*`` take JSON, all others form fields, as Slack wants it.

        :raises errors.RefusalError: for ``ok: false`` and 429.
        :raises DeliveryError: for everything else; ``uncertain`` if the call may have taken effect.
        """
        answer = self._ask(method, channel, arguments)
        # Raised outside of any except block: the SDK's own errors hold the request with its token.
        if isinstance(answer, DeliveryError):
            raise answer
        return answer

    def _ask(self, method: str, channel: str, arguments: Mapping[str, Any]) -> Mapping[str, Any] | DeliveryError:
        from slack_sdk.errors import SlackApiError

        left = self._deadline - time.monotonic()
        if left <= 0:
            return DeliveryError(f"Slack's {method}: no time left")
        self._client.timeout = min(self._timeout, left)
        body = "json" if method.startswith("chat.") else "params"
        try:
            response = self._client.api_call(method, **{body: dict(arguments)})
        except SlackApiError as error:
            given = error.response
            return errors.from_answer(method, given.status_code, given.headers, given.data, channel)
        except Exception as error:  # noqa: BLE001 - the SDK fails in many ways on a body that is not what it expects
            return broken(f"Slack's {method}", error)
        if not isinstance(response.data, dict):
            return DeliveryError(f"Slack's {method}: an answer that is not JSON", uncertain=True)
        self.headers = response.headers
        return response.data


def broken(what: str, error: Exception) -> DeliveryError:
    """The error for a call without an answer, or with one that cannot be read. Says nothing of what was sent."""
    reason = error.reason if isinstance(error, URLError) else error
    # These come before the request is on its way. All others may have come after it.
    early = isinstance(reason, ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError)
    words = type(reason).__name__
    if isinstance(reason, TimeoutError):
        words = "no answer in time"
    elif isinstance(reason, OSError) and reason.strerror:
        words += f": {reason.strerror}"
    return DeliveryError(f"{what}: {words}", uncertain=not early)
