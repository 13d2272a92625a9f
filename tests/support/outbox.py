"""Rows for an outbox, and a channel that remembers what it was given."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.model import Action, Dispatch, IncidentState, Message
from alerts.notify.plan import Posting
from alerts.ports import DeliveryError
from alerts.store.sql import Store
from checks.model import JsonValue, Severity
from tests.support.findings import at


def put(store: Store, number: int, *actions: Action, incident: int = 1, to: str = "slack", urgency: int = 1) -> None:
    """Rows of one notification."""
    message = Message(severity=Severity.WARNING, state=IncidentState.OPEN, title=f"n{number}", summary="")
    postings = [Posting(incident=incident, destination=to, action=a, urgency=urgency, message=message) for a in actions]
    with store.writing() as stored:
        stored.enqueue(number, store.identity, postings, at(0))


class Recorder:
    """A channel that remembers what it was given and fails as told."""

    name = "slack"

    def __init__(self, *failures: DeliveryError | None) -> None:
        self.failures = list(failures)
        self.sent: list[Dispatch] = []

    def send(self, dispatch: Dispatch) -> Mapping[str, JsonValue]:
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.sent.append(dispatch)
        return {"ts": str(len(self.sent))}
