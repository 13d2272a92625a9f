"""The Slack channel: what a Dispatch is in calls of the Web API."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from alerts.channels.slack import lookup
from alerts.channels.slack.api import Session, SlackApi
from alerts.channels.slack.blocks import Part, render
from alerts.channels.slack.errors import GONE, UNFIT, UNSENDABLE, RefusalError
from alerts.model import Action, Dispatch, Emphasis, IncidentState, Message
from alerts.pace import Pace
from alerts.ports import DeliveryError
from checks.model import JsonValue

REPEATED = "May repeat an earlier message: delivery was not confirmed."
CONTINUES = "Continues an earlier message that can no longer be changed."
NOTHING_MORE = Part(text="Nothing more here.", blocks=(), plain="Nothing more here: all is in the message above.")
# Clocks differ: ours wrote created_at, Slack's wrote the ts.
_MARGIN = timedelta(minutes=10)
# docs.slack.dev/apis/web-api/rate-limits: one message a second in a channel, short bursts apart.
SECOND = timedelta(seconds=1)
# A send may take several calls. All of them together stay well below the lease of a delivery (90 s).
_CALLS_IN_TIME = 6
_REMEMBERED = 1_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Sent:
    """Where a message of ours is."""

    channel: str
    ts: str
    more: tuple[str, ...] = ()

    def receipt(self) -> dict[str, JsonValue]:
        more: dict[str, JsonValue] = {"more": list(self.more)} if self.more else {}
        return {"channel": self.channel, "ts": self.ts, **more}


class SlackChannel:
    """One Slack channel, written to with a bot token (scope ``chat:write``).

    A POST is a root message, an EDIT rewrites it, a REPLY goes to its thread. What a root message has no room for goes
    to its thread too; the receipt then also holds ``more``, the ts of those messages, and an EDIT rewrites them.

    - A root that cannot be edited any more (deleted, edit window closed) is posted anew, marked as a continuation;
      likewise a REPLY whose thread is gone. The receipt returned is then that of the new message.
    - An ``uncertain`` dispatch is first looked for by its key (scopes ``channels:history`` and, for a channel given by
      name, ``channels:read``; ``groups:`` for private ones). Without these it is sent with a visible mark.
    - What Slack refuses as blocks is sent as text in the same call of ``send``.

    :param channel: ``#name`` or ID.
    :param base_url: another Web API, for tests; with its path, such as ``http://127.0.0.1:8080/api/``.
    :param timeout: bounds each wait on the network; a whole ``send`` takes at most six times that.
    :param broadcast_resolution: show the REPLY that resolves an incident in the channel as well.
    :param broadcast_escalation: the same for a REPLY that says that it got worse, or reminds.
    :param pace: the least time between two new messages.
    :raises ValueError: for a token that cannot be one.
    """

    can: frozenset[str] = frozenset({"edit", "thread", "delete", "recognise"})

    def __init__(
        self,
        name: str,
        token: str,
        channel: str,
        *,
        base_url: str | None = None,
        timeout: timedelta = timedelta(seconds=10),
        broadcast_resolution: bool = False,
        broadcast_escalation: bool = True,
        pace: timedelta = SECOND,
    ) -> None:
        self.name = name
        self._channel = channel
        self._broadcast_resolution = broadcast_resolution
        self._broadcast_escalation = broadcast_escalation
        self._api = SlackApi(token, base_url, timeout, timeout * _CALLS_IN_TIME)
        self._pace = Pace(pace)
        self._id: str | None = None
        # Parts of unfinished dispatches that arrived, by key: without it each retry would need to look, and where
        # looking is not permitted, would repeat them.
        self._arrived: dict[str, _Sent] = {}

    def send(self, dispatch: Dispatch) -> Mapping[str, JsonValue]:
        """Deliver one dispatch; see the class for what each action does.

        :raises DeliveryError: as the port says; never with the token in it.
        """
        session = self._api.session()
        root = _root(dispatch.root)
        try:
            if dispatch.action is Action.POST or root is None:
                sent = self._publish(session, dispatch, None)
            elif dispatch.action is Action.REPLY:
                sent = self._reply(session, dispatch, root)
            else:
                sent = self._edit(session, dispatch, root)
        except DeliveryError as error:
            # Part of it is there, or may be from before: whoever tries next, perhaps another process, must look.
            error.uncertain = error.uncertain or dispatch.uncertain or self._has_arrived(dispatch.key)
            raise
        self._forget(dispatch.key)
        return sent.receipt()

    def withdraw(self, receipt: Mapping[str, JsonValue]) -> bool:
        """Delete the message and what was posted to its thread for it.

        :raises DeliveryError: if one of them may still be there.
        """
        sent = _root(receipt)
        if sent is None:
            return False
        session = self._api.session()
        for ts in (*sent.more, sent.ts):
            try:
                session.call("chat.delete", self._channel, {"channel": sent.channel, "ts": ts})
            except RefusalError as refused:
                if refused.code not in GONE:
                    raise
        return True

    # --- the three actions ------------------------------------------------------------------------------------------

    def _reply(self, session: Session, dispatch: Dispatch, root: _Sent) -> _Sent:
        try:
            sent = self._publish(session, dispatch, root)
        except RefusalError as refused:
            if refused.code not in GONE:
                raise
            sent = self._publish(session, dispatch, None, CONTINUES)
        return _Sent(sent.channel, sent.ts)

    def _edit(self, session: Session, dispatch: Dispatch, root: _Sent) -> _Sent:
        first, _ = render(dispatch.message)
        try:
            self._update(session, root.channel, root.ts, first)
        except RefusalError as refused:
            if refused.code not in GONE:
                raise
            return self._publish(session, dispatch, None, CONTINUES)
        return self._add_rest(session, dispatch, root, root.ts, None)

    def _publish(self, session: Session, dispatch: Dispatch, thread: _Sent | None, note: str | None = None) -> _Sent:
        """A new message, in a thread or not, and the rest of it in the same thread or its own."""
        sent = self._arrived.get(dispatch.key)
        if sent is None and dispatch.uncertain:
            place = thread.channel if thread else self._channel_id(session)
            found = self._look(session, dispatch, place, thread.ts if thread else None)
            if found is None:
                note = f"{REPEATED} {note}" if note else REPEATED
            elif place is not None and dispatch.key in found:
                sent = _Sent(place, found[dispatch.key])
        if sent is None:
            first, _ = render(dispatch.message, thread=thread is not None, note=note)
            sent = self._post(session, dispatch, dispatch.key, first, thread)
        return self._add_rest(session, dispatch, sent, thread.ts if thread else sent.ts, note)

    def _add_rest(self, session: Session, dispatch: Dispatch, head: _Sent, thread: str, note: str | None) -> _Sent:
        """What the message has no room for: rewritten where an earlier rest stands, else posted to the thread."""
        in_thread = thread != head.ts
        _, rest = render(dispatch.message, thread=in_thread, note=note)
        more = list(head.more)
        if dispatch.uncertain and len(rest) > len(more):
            found = self._look(session, dispatch, head.channel, thread)
            if found is None:
                _, rest = render(dispatch.message, thread=in_thread, note=REPEATED)
            for number in range(len(rest)):
                key = _part_key(dispatch.key, number + 1)
                if found is not None and key in found:
                    self._arrived[key] = _Sent(head.channel, found[key])
        for number, part in enumerate(rest):
            if number < len(more) and self._rewrite(session, head.channel, more[number], part):
                continue
            key = _part_key(dispatch.key, number + 1)
            try:
                sent = self._arrived.get(key) or self._post(session, dispatch, key, part, _Sent(head.channel, thread))
            except RefusalError as refused:
                if not refused.permanent and refused.code not in GONE:
                    raise
                # The message itself is there. To fail it for its rest would cut off all that follows in its thread.
                log.warning("rest of a message lost", extra={"action": "slack.rest_lost", "reason": str(refused)})
                break
            more[number : number + 1] = [sent.ts]
        for ts in more[len(rest) :]:
            self._rewrite(session, head.channel, ts, NOTHING_MORE)
        return _Sent(head.channel, head.ts, tuple(more))

    # --- single calls -----------------------------------------------------------------------------------------------

    def _post(self, session: Session, dispatch: Dispatch, key: str, part: Part, thread: _Sent | None) -> _Sent:
        arguments: dict[str, Any] = {
            "channel": thread.channel if thread else self._channel,
            "metadata": lookup.metadata(key),
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if thread is not None:
            arguments["thread_ts"] = thread.ts
            if key == dispatch.key and dispatch.action is Action.REPLY and self._broadcasts(dispatch.message):
                arguments["reply_broadcast"] = True
        self._pace.wait()
        try:
            answer = self._call(session, "chat.postMessage", arguments, part)
        finally:
            self._pace.sent()
        channel, ts = answer.get("channel"), answer.get("ts")
        if not isinstance(channel, str) or not isinstance(ts, str):
            raise DeliveryError("Slack's chat.postMessage: an answer without channel and ts", uncertain=True)
        if thread is None:
            self._id = channel
        if len(self._arrived) >= _REMEMBERED:
            self._arrived.pop(next(iter(self._arrived)))
        self._arrived[key] = _Sent(channel, ts)
        return self._arrived[key]

    def _broadcasts(self, message: Message) -> bool:
        if message.state is IncidentState.RESOLVED:
            return self._broadcast_resolution
        return self._broadcast_escalation and message.emphasis is Emphasis.ESCALATION

    def _update(self, session: Session, channel: str, ts: str, part: Part) -> None:
        # Without metadata the message keeps its own, which holds the key it was posted with.
        self._call(session, "chat.update", {"channel": channel, "ts": ts}, part)

    def _rewrite(self, session: Session, channel: str, ts: str, part: Part) -> bool:
        """Update a message of the thread; False if it is gone."""
        try:
            self._update(session, channel, ts, part)
        except RefusalError as refused:
            if refused.code in GONE:
                return False
            raise
        return True

    def _call(self, session: Session, method: str, arguments: Mapping[str, Any], part: Part) -> Mapping[str, Any]:
        """Send a part as blocks or, if Slack refuses these, as text."""
        # parse, link_names: chat.update defaults to a mode in which "@here" in a log line is a mention.
        common = {**arguments, "parse": "none", "link_names": False}
        if part.blocks:
            try:
                return session.call(method, self._channel, {**common, "text": part.text, "blocks": list(part.blocks)})
            except RefusalError as refused:
                if refused.code not in UNFIT:
                    raise
                log.warning("sent as text", extra={"action": "slack.degraded", "reason": str(refused)})
                if "metadata" in refused.code:
                    common.pop("metadata", None)
        # An empty list: an update that does not name the blocks could leave the old ones in place.
        if method == "chat.update":
            common["blocks"] = []
        try:
            return session.call(method, self._channel, {**common, "text": part.plain})
        except RefusalError as refused:
            if refused.code in UNFIT:
                refused.permanent, refused.remedy = True, UNSENDABLE
            raise

    # --- what is there already --------------------------------------------------------------------------------------

    def _look(
        self, session: Session, dispatch: Dispatch, channel: str | None, thread: str | None
    ) -> Mapping[str, str] | None:
        if channel is None:
            return None
        return lookup.sent_keys(session, channel, since=dispatch.created_at - _MARGIN, thread=thread)

    def _channel_id(self, session: Session) -> str | None:
        if self._id is None:
            self._id = lookup.channel_id(session, self._channel)
        return self._id

    def _has_arrived(self, key: str) -> bool:
        return key in self._arrived or _part_key(key, 1) in self._arrived

    def _forget(self, key: str) -> None:
        for known in [k for k in self._arrived if k == key or k.startswith(_part_key(key, 0)[:-1])]:
            del self._arrived[known]


def _root(receipt: Mapping[str, JsonValue] | None) -> _Sent | None:
    """The root message's place; None for a receipt that is not ours (the destination was another channel before)."""
    match dict(receipt or {}):
        case {"channel": str(channel), "ts": str(ts), **rest}:
            more = rest.get("more")
            return _Sent(channel, ts, tuple(str(m) for m in more) if isinstance(more, list) else ())
        case _:
            return None


def _part_key(key: str, number: int) -> str:
    return f"{key} part {number}"
