"""Any service that Apprise knows: mail, Teams, PagerDuty, ntfy and a hundred more. Needs the extra ``apprise``.

Apprise says of a message only whether it was taken. What it logs tells the HTTP status where there was one.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from alerts.messages.plain import heading, render
from alerts.messages.text import shorten
from alerts.model import Action, Dispatch, IncidentState, Message
from alerts.ports import DeliveryError
from checks.model import JsonValue, Severity

_WIDTH = 100
_LONGEST_TITLE = 150
_STATUS = re.compile(r"\berror=([1-5]\d\d)\b")
# In the log text of a function these would call people on services that know them: no log line may page anybody.
_CALLS = re.compile(r"@(?=everyone\b|here\b|channel\b|room\b|all\b)|<(?=[!@#])")
# No later attempt can do better until a person changes something.
_PERMANENT = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_NOT_INSTALLED = "channels of kind apprise need the extra: pip install 'phasewatch[apprise]'"

# Apprise logs URLs with what is secret in them; what is worth knowing of its log stands in our own errors.
_LOG = logging.getLogger("apprise")
_LOG.propagate = False
_LOG.addHandler(logging.NullHandler())


class AppriseChannel:
    """One service, written to by its Apprise URL. Nothing can be changed, threaded or looked for.

    An EDIT of what was sent sends nothing, for the REPLY that comes with it tells what is new; a REPLY names what it is
    about. An ``uncertain`` dispatch is marked as a possible repetition. Long messages are split as the service needs.

    :param timeout: bounds connecting, and each wait for an answer.
    :raises ValueError: for a URL that Apprise does not know, or without the extra.
    """

    can: frozenset[str] = frozenset()

    def __init__(self, name: str, url: str, *, timeout: timedelta = timedelta(seconds=10)) -> None:
        try:
            import apprise
        except ModuleNotFoundError:
            raise ValueError(_NOT_INSTALLED) from None
        asset = apprise.AppriseAsset(async_mode=False, app_id="phasewatch", app_desc="pipeline health")
        service: Any = apprise.Apprise.instantiate(url, asset=asset)
        if service is None:
            raise ValueError("not a URL that Apprise knows; see `apprise --details` for how each service is written")
        service.socket_connect_timeout = service.socket_read_timeout = timeout.total_seconds()
        service.overflow_mode = apprise.OverflowMode.SPLIT
        self.name = name
        self._service = str(service.service_name or "the service")
        self._apprise = apprise.Apprise(asset=asset)
        self._apprise.add(service)

    def send(self, dispatch: Dispatch) -> Mapping[str, JsonValue]:
        """Deliver one dispatch; see the class for what each action does.

        :raises DeliveryError: if the service did not take it; never with the URL in it.
        """
        root = dispatch.root
        if dispatch.action is Action.EDIT and root is not None:
            return root
        message = dispatch.message
        body = render(message, width=_WIDTH, short=False, repeated=dispatch.uncertain)
        about = (root or {}).get("title")
        if isinstance(about, str):
            body = f"About: {about}\n\n{body}"
        error = self._notify(_harmless(_title(message)), _harmless(body), _kind(message))
        if error is not None:
            error.uncertain = error.uncertain or dispatch.uncertain
            raise error
        return {"title": shorten(message.title, _LONGEST_TITLE)} if root is None else root

    def withdraw(self, receipt: Mapping[str, JsonValue]) -> bool:
        """Nothing can be taken back."""
        del receipt
        return False

    def _notify(self, title: str, body: str, kind: str) -> DeliveryError | None:
        said = _Listener()
        _LOG.addHandler(said)
        try:
            taken = self._apprise.notify(title=title, body=body, notify_type=kind, body_format="text")
        except Exception as error:  # noqa: BLE001 - a hundred plugins; raised by the caller, without this one's URL
            return DeliveryError(f"{self._service} (Apprise): {type(error).__name__}", uncertain=True)
        finally:
            _LOG.removeHandler(said)
        if taken:
            return None
        status = said.status
        if status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            detail = "no usable answer" if status is None else f"HTTP {status}"
            return DeliveryError(f"{self._service} (Apprise): {detail}", uncertain=True)
        permanent = status in _PERMANENT
        remedy = f"Correct the URL of the channel {self.name}: its service does not accept it." if permanent else None
        return DeliveryError(f"{self._service} (Apprise): HTTP {status}", permanent=permanent, remedy=remedy)


class _Listener(logging.Handler):
    """Hears the HTTP status in what Apprise logs during one call."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.status: int | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the status of the latest refusal."""
        found = _STATUS.search(record.getMessage())
        if found is not None:
            self.status = int(found[1])


def _title(message: Message) -> str:
    return f"{heading(message).upper()} {' '.join(message.title.split())}"


def _kind(message: Message) -> str:
    """Apprise's own word, by which services choose a colour."""
    if message.over or message.state is not IncidentState.OPEN:
        return "success"
    return {Severity.CRITICAL: "failure", Severity.WARNING: "warning", Severity.INFO: "info"}[message.severity]


def _harmless(text: str) -> str:
    return _CALLS.sub(lambda found: f"{found[0]} ", text)
