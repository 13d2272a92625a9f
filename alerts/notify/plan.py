"""Notifications -> destinations and outbox rows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from alerts.model import Action, IncidentState, Message, Notification, Why

# What is a message of its own from the start.
_FIRST = frozenset({Why.NEW, Why.CAUGHT_UP, Why.DIGEST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One row for the outbox."""

    incident: int
    destination: str
    action: Action
    urgency: int
    message: Message


def postings(
    notification: Notification,
    destinations: Sequence[str],
    threads: Collection[str],
    told_in: tuple[int, Collection[str]] | None = None,
) -> list[Posting]:
    """The outbox rows of one notification.

    ``threads`` are the destinations that have this incident's root message already (sent or on its way): there the
    message is edited and its thread continued; elsewhere it is posted if it is news, unless it is over. ``told_in`` is
    the digest that told the incident (its number, and where it was posted): its end is told in that thread where it
    had no message of its own.
    """
    root, reply = notification.root, notification.reply
    if root is None:
        return []
    rows: list[tuple[int, str, Action, Message]] = []
    digest, digested = told_in or (0, ())
    for name in dict.fromkeys((*destinations, *threads, *digested)):
        if name in threads:
            rows.append((notification.incident, name, Action.EDIT, root))
            if reply is not None:
                rows.append((notification.incident, name, Action.REPLY, reply))
        elif notification.suppressed:
            continue
        elif root.state is not IncidentState.OPEN:
            if name in digested and reply is not None:
                rows.append((digest, name, Action.REPLY, root))
        elif name in destinations and (reply is not None or notification.why in _FIRST):
            rows.append((notification.incident, name, Action.POST, root))
    return [Posting(incident=i, destination=n, action=a, urgency=root.severity.rank, message=m) for i, n, a, m in rows]
