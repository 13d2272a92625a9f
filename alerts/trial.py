"""Trying a channel by sending through it: a marked test message that is changed, found again and taken back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alerts.model import Action, Dispatch, IncidentState, Message
from alerts.ports import Channel, DeliveryError
from checks.model import JsonValue, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How it went. ``done`` are the steps that worked, ``error`` what failed with its remedy, ``notes`` what the
    channel cannot do, and what would let it.
    """

    channel: str
    done: tuple[str, ...]
    error: str | None = None
    remedy: str | None = None
    notes: tuple[str, ...] = ()


def try_channel(channel: Channel, now: datetime, *, by: str, keep: bool = False) -> Trial:
    """Send, and do all that the channel says it can: edit, answer in the thread, find again, delete.

    ``by`` says who tries, for the message: "Somebody ran ... on host7". With ``keep`` the message stays, changed.
    """
    attempt = _Attempt(channel, now, by)
    try:
        attempt.run(keep=keep)
    except DeliveryError as error:
        return Trial(
            channel=channel.name,
            done=tuple(attempt.done),
            error=f"the message could not be {attempt.step}: {error}",
            remedy=error.remedy,
            notes=tuple(attempt.notes),
        )
    return Trial(channel=channel.name, done=tuple(attempt.done), notes=tuple(attempt.notes))


class _Attempt:
    """The steps, and how far they came."""

    def __init__(self, channel: Channel, now: datetime, by: str) -> None:
        self._channel = channel
        self._now = now
        self._by = by
        self._key = f"test:{uuid.uuid4().hex}"
        self.step = "sent"
        self.done: list[str] = []
        self.notes: list[str] = []

    def run(self, *, keep: bool) -> None:
        can = self._channel.can
        root = self._send(Action.POST, IncidentState.OPEN)
        self._passed("sent")
        sent = [root]
        if "recognise" in can:
            self.step = "found again"
            again = self._send(Action.POST, IncidentState.OPEN, uncertain=True)
            if again == root:
                self._passed("found again")
            else:
                sent.insert(0, again)
                self.notes.append(
                    "a message whose delivery was not confirmed cannot be found again, so it comes twice with a mark: "
                    "add the scope channels:history (groups:history if the channel is private), and channels:read "
                    "(groups:read) where the channel is given by its name"
                )
        if "thread" in can:
            self.step = "answered in its thread"
            sent.insert(0, self._send(Action.REPLY, IncidentState.RESOLVED, root=root))
            self._passed("answered in its thread")
        if "edit" in can:
            self.step = "changed"
            self._send(Action.EDIT, IncidentState.RESOLVED, root=root)
            self._passed("changed")
        if "delete" in can and not keep:
            self.step = "deleted"
            for receipt in sent:
                self._channel.withdraw(receipt)
            self._passed("deleted")
        missing = [word for word in ("edit", "thread", "delete") if word not in can]
        if missing:
            self.notes.append(f"this kind of channel cannot {', '.join(missing)}: news are messages of their own")

    def _passed(self, word: str) -> None:
        self.done.append(word)

    def _send(
        self,
        action: Action,
        state: IncidentState,
        *,
        root: Mapping[str, JsonValue] | None = None,
        uncertain: bool = False,
    ) -> Mapping[str, JsonValue]:
        key = self._key if action is Action.POST else f"{self._key}:{action}"
        message = _message(state, self._by)
        return self._channel.send(
            Dispatch(
                key=key,
                action=action,
                message=message,
                created_at=self._now,
                attempt=1 + uncertain,
                root=root,
                uncertain=uncertain,
            )
        )


def _message(state: IncidentState, by: str) -> Message:
    if state is IncidentState.OPEN:
        title = "TEST: this is a test message from phasewatch"
        summary = f"{by} Nothing is wrong; nobody has to do anything."
    else:
        title = "TEST over: phasewatch can write here"
        summary = f"{by} The test is over: the message arrived, and could be changed."
    return Message(severity=Severity.INFO, state=state, title=title, summary=summary)
