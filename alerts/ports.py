"""The protocol between delivery and a channel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from alerts.model import Dispatch
from checks.model import JsonValue


class DeliveryError(Exception):
    """A message did not (or may not) have arrived.

    :param permanent: trying again cannot help until a person changes something (wrong token, no such channel).
    :param retry_after: how long the service asked us to wait.
    :param uncertain: the request may have taken effect (the answer was lost): the next attempt must look first.
    :param remedy: what a person can do, a sentence.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after: timedelta | None = None,
        uncertain: bool = False,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after
        self.uncertain = uncertain
        self.remedy = remedy


class Channel(Protocol):
    """A way to reach people. One per configured name.

    ``send`` performs one action with a deadline of its own, never retries by itself, and returns a JSON-able receipt
    (Slack: ``{"channel", "ts"}``) that later EDITs and REPLYs of the same incident are given as ``root``. An EDIT is
    idempotent. A dispatch that is ``uncertain`` must not appear twice without a mark: look for its key first, or mark
    the text as a possible repetition. A channel that cannot edit or thread returns a receipt all the same; its REPLYs
    name what they are about.

    ``can`` says what the channel is able to do at all: ``edit``, ``thread``, ``delete``, ``recognise`` (find again by
    its key what an unconfirmed attempt sent).

    :raises DeliveryError: if it did not arrive, or may not have.
    """

    name: str
    can: frozenset[str]

    def send(self, dispatch: Dispatch) -> Mapping[str, JsonValue]:
        """Deliver one dispatch."""
        ...

    def withdraw(self, receipt: Mapping[str, JsonValue]) -> bool:
        """Take back what was sent, all of it; False where the channel cannot.

        :raises DeliveryError: if it may still be there.
        """
        ...
