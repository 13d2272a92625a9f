"""A Slack for tests: a real HTTP server that speaks the part of the Web API that phasewatch uses, with Slack's limits.

    with SlackServer() as slack:
        channel = SlackChannel("slack", slack.token, "#pipeline-health", base_url=slack.base_url)
        ...
        assert slack.conversation() == [...]

Its clock is its own: the first message has the ts ``start``, each further one is a second later. With ``limited`` it
takes one new message a second in each channel, in real time, and refuses more with 429 as Slack does. ``lag`` is how
long an answer may be on its way after a call was carried out.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.support.slack_blocks import RefusalError, as_flag, as_object, content, plain_lines
from tests.support.slack_http import HOOK, Fault, Handler, Server

TOKEN = "xoxb-1234567890-test-AbCdEfGhIjKl"
ALL_SCOPES = frozenset({
    "chat:write", "channels:history", "groups:history", "channels:read", "groups:read", "reactions:write",
})  # fmt: skip
START = 2_000_000_000


@dataclass
class Posted:
    """A message as it stands, with what it was before: ``edits`` are the earlier texts and blocks, oldest first."""

    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]
    attachments: list[dict[str, Any]]
    metadata: dict[str, Any] | None
    thread_ts: str | None = None
    broadcast: bool = False
    edits: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    replies: list[Posted] = field(default_factory=list)
    reactions: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """What a person reads."""
        return plain_lines(self.text, self.blocks)


@dataclass
class Call:
    """One request as it arrived, and what was answered (None: the connection was cut or left hanging)."""

    method: str
    arguments: dict[str, Any]
    answer: dict[str, Any] | None = None


@dataclass(frozen=True)
class Channel:
    """A channel of the workspace. ``member``: whether the app was invited."""

    id: str
    name: str
    private: bool = False
    member: bool = True
    archived: bool = False


class SlackServer:
    """See the module. ``messages`` are the root messages of all channels in order, ``calls`` all requests."""

    def __init__(
        self,
        *,
        token: str = TOKEN,
        channels: tuple[Channel, ...] = (Channel("C0PIPELINE", "pipeline-health"),),
        scopes: frozenset[str] = ALL_SCOPES,
        start: int = START,
        page: int = 200,
        limited: bool = False,
    ) -> None:
        self.token = token
        self.limited = limited
        self.refused_for_speed = 0
        self.lag = 0.0
        self._free_from: dict[str, float] = {}
        self.channels = {c.id: c for c in channels}
        self.scopes = scopes
        self.messages: list[Posted] = []
        self.calls: list[Call] = []
        self._page = page
        self._next = start
        self._faults: dict[str, deque[Fault | None]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._http = Server(("127.0.0.1", 0), Handler)
        self._http.slack = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        """What a Slack client takes as ``base_url``."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/api/"

    @property
    def hook_url(self) -> str:
        """The incoming webhook of the first channel."""
        return f"http://127.0.0.1:{self._http.server_address[1]}{HOOK}"

    def fault(self, method: str, fault: Fault, times: int = 1, *, after: int = 0) -> None:
        """After ``after`` good calls, ``times`` calls of the method go wrong like this; several faults queue up."""
        self._faults[method].extend([None] * after + [fault] * times)

    def mend(self) -> None:
        """No more faults."""
        self._faults.clear()

    def methods(self) -> list[str]:
        """The methods called so far, in order."""
        return [call.method for call in self.calls]

    def conversation(self) -> list[str]:
        """All that people see: each root message as it stands now, its thread set in by four blanks.

        A blank line stands between root messages.
        """
        lines: list[str] = []
        for root in self.messages:
            lines.extend([""] if lines else [])
            lines.extend(root.lines)
            for reply in root.replies:
                lines.extend(f"    {line}" for line in reply.lines)
        return lines

    def delete(self, ts: str) -> None:
        """A person deletes a root message with its thread."""
        self.messages = [m for m in self.messages if m.ts != ts]

    # --- one request ------------------------------------------------------------------------------------------------

    def take_fault(self, method: str) -> Fault | None:
        """The fault that is due for a call of this method."""
        with self._lock:
            waiting = self._faults[method]
            return waiting.popleft() if waiting else None

    def answer(self, method: str, authorization: str, arguments: dict[str, Any], *, effect: bool) -> dict[str, Any]:
        """Slack's answer as an object. With ``effect`` false nothing is carried out, and the answer means nothing."""
        call = Call(method, arguments)
        with self._lock:
            self.calls.append(call)
            if not effect:
                return {}
            try:
                call.answer = {"ok": True, **self._carry_out(method, authorization, arguments)}
            except RefusalError as refusal:
                call.answer = {"ok": False, **refusal.fields}
            return call.answer

    def too_fast(self, channel: str) -> bool:
        """Whether a new message in that channel comes too soon after the last one."""
        if not self.limited:
            return False
        with self._lock:
            now = time.monotonic()
            if now < self._free_from.get(channel, 0.0):
                self.refused_for_speed += 1
                return True
            self._free_from[channel] = now + 1.0
            return False

    def _carry_out(self, method: str, authorization: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if method == "webhook":
            return self.hook(arguments)
        if authorization != f"Bearer {self.token}":
            raise RefusalError("invalid_auth" if authorization else "not_authed")
        handler = _METHODS.get(method)
        if handler is None:
            raise RefusalError("unknown_method")
        return handler(self, arguments)

    def hang(self) -> None:
        """Block until the server closes."""
        self._closing.wait(60)

    # --- the methods ------------------------------------------------------------------------------------------------

    def auth_test(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"url": "https://test.slack.com/", "team": "test", "user": "phasewatch", "user_id": "U0WATCH"}

    def post_message(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self._need("chat:write")
        channel = self._channel(arguments, by_name=True)
        if channel.archived:
            raise RefusalError("is_archived")
        if not channel.member:
            raise RefusalError("not_in_channel")
        text, blocks, attachments = content(arguments)
        thread_ts = arguments.get("thread_ts")
        root = self._root(channel.id, str(thread_ts)) if thread_ts else None
        if thread_ts and root is None:
            raise RefusalError("thread_not_found")
        posted = Posted(
            channel=channel.id,
            ts=self._new_ts(),
            text=text,
            blocks=blocks,
            attachments=attachments,
            metadata=as_object(arguments.get("metadata")),
            thread_ts=root.ts if root else None,
            broadcast=as_flag(arguments.get("reply_broadcast")),
        )
        (root.replies if root else self.messages).append(posted)
        return {"channel": channel.id, "ts": posted.ts, "message": _shown(posted, metadata=True)}

    def update(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self._need("chat:write")
        channel = self._channel(arguments)
        message = self._message(channel.id, str(arguments.get("ts")))
        if message is None:
            raise RefusalError("message_not_found")
        text, blocks, attachments = content(arguments)
        message.edits.append((message.text, message.blocks))
        message.text, message.blocks, message.attachments = text, blocks, attachments
        if "metadata" in arguments:
            message.metadata = as_object(arguments["metadata"])
        return {"channel": channel.id, "ts": message.ts, "text": text}

    def delete_message(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self._need("chat:write")
        channel = self._channel(arguments)
        message = self._message(channel.id, str(arguments.get("ts")))
        if message is None:
            raise RefusalError("message_not_found")
        for messages in (self.messages, *(root.replies for root in self.messages)):
            messages[:] = [m for m in messages if m is not message]
        return {"channel": channel.id, "ts": message.ts}

    def hook(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """An incoming webhook: needs no scope, answers nothing, and knows neither threads nor metadata."""
        [channel, *_] = self.channels.values()
        if channel.archived:
            raise RefusalError("channel_is_archived")
        text, blocks, attachments = content(arguments)
        posted = Posted(channel.id, self._new_ts(), text, blocks, attachments, metadata=None)
        self.messages.append(posted)
        return {}

    def history(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._readable(arguments)
        here = [m for m in self.messages if m.channel == channel.id]
        broadcast = [r for m in here for r in m.replies if r.broadcast]
        newest_first = sorted(here + broadcast, key=lambda m: m.ts, reverse=True)
        return self._paged(newest_first, arguments)

    def replies(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._readable(arguments)
        root = self._root(channel.id, str(arguments.get("ts")))
        if root is None:
            raise RefusalError("thread_not_found")
        return self._paged([root, *root.replies], arguments)

    def info(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        channel = self._channel(arguments)
        self._need("groups:read" if channel.private else "channels:read")
        return {"channel": _described(channel)}

    def user_conversations(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        kinds = str(arguments.get("types", "public_channel")).split(",")
        for kind in kinds:
            self._need("groups:read" if kind == "private_channel" else "channels:read")
        mine = [c for c in self.channels.values() if c.member]
        chosen = [c for c in mine if ("private_channel" if c.private else "public_channel") in kinds]
        return {"channels": [_described(c) for c in chosen], "response_metadata": {"next_cursor": ""}}

    def add_reaction(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self._need("reactions:write")
        message = self._message(self._channel(arguments).id, str(arguments.get("timestamp")))
        if message is None:
            raise RefusalError("message_not_found")
        if str(arguments.get("name")) in message.reactions:
            raise RefusalError("already_reacted")
        message.reactions.append(str(arguments.get("name")))
        return {}

    # --- what they share --------------------------------------------------------------------------------------------

    def _need(self, scope: str) -> None:
        if scope not in self.scopes:
            raise RefusalError("missing_scope", needed=scope, provided=",".join(sorted(self.scopes)))

    def _channel(self, arguments: Mapping[str, Any], *, by_name: bool = False) -> Channel:
        """Only chat.postMessage takes names."""
        wanted = str(arguments.get("channel", ""))
        for channel in self.channels.values():
            if wanted == channel.id or (by_name and wanted.removeprefix("#") == channel.name):
                return channel
        raise RefusalError("channel_not_found")

    def _readable(self, arguments: Mapping[str, Any]) -> Channel:
        channel = self._channel(arguments)
        self._need("groups:history" if channel.private else "channels:history")
        if not channel.member:
            raise RefusalError("not_in_channel")
        return channel

    def _root(self, channel: str, ts: str) -> Posted | None:
        return next((m for m in self.messages if m.channel == channel and m.ts == ts), None)

    def _message(self, channel: str, ts: str) -> Posted | None:
        everything = [m for root in self.messages for m in (root, *root.replies)]
        return next((m for m in everything if m.channel == channel and m.ts == ts), None)

    def _new_ts(self) -> str:
        self._next += 1
        return f"{self._next - 1}.000100"

    def _paged(self, messages: list[Posted], arguments: Mapping[str, Any]) -> dict[str, Any]:
        oldest = float(arguments.get("oldest") or 0)
        within = [m for m in messages if float(m.ts) >= oldest]
        begin = int(arguments.get("cursor") or 0)
        end = begin + min(self._page, int(arguments.get("limit") or 100))
        more = end < len(within)
        return {
            "messages": [_shown(m, metadata=as_flag(arguments.get("include_all_metadata"))) for m in within[begin:end]],
            "has_more": more,
            "response_metadata": {"next_cursor": str(end) if more else ""},
        }


_METHODS: dict[str, Callable[[SlackServer, Mapping[str, Any]], dict[str, Any]]] = {
    "auth.test": SlackServer.auth_test,
    "chat.delete": SlackServer.delete_message,
    "chat.postMessage": SlackServer.post_message,
    "chat.update": SlackServer.update,
    "conversations.history": SlackServer.history,
    "conversations.info": SlackServer.info,
    "conversations.replies": SlackServer.replies,
    "reactions.add": SlackServer.add_reaction,
    "users.conversations": SlackServer.user_conversations,
}


def _shown(message: Posted, *, metadata: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"type": "message", "ts": message.ts, "text": message.text, "blocks": message.blocks}
    if message.thread_ts:
        shown["thread_ts"] = message.thread_ts
    if metadata and message.metadata:
        shown["metadata"] = message.metadata
    return shown


def _described(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_private": channel.private,
        "is_archived": channel.archived,
        "is_member": channel.member,
    }
