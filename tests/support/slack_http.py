"""The HTTP side of the Slack for tests: calls and webhooks, and what goes wrong on the way."""

from __future__ import annotations

import json
import random
import socket
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from tests.support.slack_server import SlackServer

HOOK = "/services/T0TEST/B0TEST/AbCdEfGhIjKlMnOp"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """How the server misbehaves on one call. ``after_effect``: the call is carried out all the same."""

    status: int = 200
    code: str | None = None
    needed: str | None = None
    retry_after: str | None = None
    body: str | None = None
    cut: bool = False
    cut_in_body: bool = False
    hang: bool = False
    after_effect: bool = False


# A webhook answers with a bare word and an HTTP status.
_HOOK_STATUS = {"ok": 200, "channel_is_archived": 410}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    slack: SlackServer


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        method = "webhook" if self.path == HOOK else self.path.removeprefix("/api/")
        slack = self.server.slack
        fault = slack.take_fault(method)
        arguments = _arguments(self.headers.get("Content-Type", ""), body)
        if fault is None and method in ("webhook", "chat.postMessage"):
            place = str(arguments.get("channel", next(iter(slack.channels))))
            if slack.too_fast(place):
                fault = Fault(status=429, code="ratelimited", retry_after="1")
        effect = fault is None or fault.after_effect
        time.sleep(random.uniform(0, slack.lag))
        answer = slack.answer(method, self.headers.get("Authorization", ""), arguments, effect=effect)
        time.sleep(random.uniform(0, slack.lag))
        if fault is None and method == "webhook":
            word = "ok" if answer["ok"] else str(answer["error"])
            self._reply(_HOOK_STATUS.get(word, 400), word, kind="text/html")
        elif fault is None:
            self._reply(200, json.dumps(answer))
        elif fault.hang:
            slack.hang()
        elif fault.cut:
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault.cut_in_body:
            self._reply(200, json.dumps(answer), missing=1000)
        elif fault.body is not None:
            self._reply(fault.status, fault.body, kind="text/html", retry_after=fault.retry_after)
        elif method == "webhook":
            self._reply(fault.status, fault.code or "rollup_error", kind="text/html", retry_after=fault.retry_after)
        else:
            refusal = {"ok": False, "error": fault.code or "internal_error"}
            if fault.needed:
                refusal["needed"] = fault.needed
            self._reply(fault.status, json.dumps(refusal), retry_after=fault.retry_after)

    def _reply(
        self,
        status: int,
        text: str,
        *,
        kind: str = "application/json",
        retry_after: str | None = None,
        missing: int = 0,
    ) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data) + missing))
        if self.headers.get("Authorization") == f"Bearer {self.server.slack.token}":
            self.send_header("x-oauth-scopes", ",".join(sorted(self.server.slack.scopes)))
        if retry_after is not None:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing: the calls are kept."""


def _arguments(kind: str, body: bytes) -> dict[str, Any]:
    if kind.startswith("application/json"):
        parsed = json.loads(body or b"{}")
        return parsed if isinstance(parsed, dict) else {}
    return {name: values[-1] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
