"""The part of the HTTP interface through which people say something: acknowledge, resolve, silence.

Only JSON is taken: a form of another site's page cannot send that without asking first.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from checks.model import JsonValue
from monitor.people import NotFoundError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

MAX_BODY = 16_384
# path -> method -> what it does, and the name of what does it.
PATHS: dict[str, dict[str, tuple[str, str]]] = {
    "/api/v1/incidents/{id:int}/ack": {"POST": ("Acknowledge an open incident: author, note.", "acknowledge")},
    "/api/v1/incidents/{id:int}/resolve": {"POST": ("Close an open incident by hand: author, reason.", "resolve")},
    "/api/v1/silences": {
        "GET": ("The silences that are on or still to come.", "silences"),
        "POST": (
            "Mute messages: author, reason, for or until, from; pipeline, check, phase, function, kind, date.",
            "silence",
        ),
    },
    "/api/v1/silences/{id:int}": {"DELETE": ("End a silence before its time: author.", "end_silence")},
}
Endpoint = Callable[["Request"], Awaitable["Response"]]
Answer = dict[str, JsonValue]


class Listener(Protocol):
    """Who takes what people say. Each raises ``ValueError`` for nonsense, ``NotFoundError`` if it is gone."""

    def acknowledge(self, number: int, given: Mapping[str, str]) -> Answer:
        """``author``, ``note``."""
        ...

    def resolve(self, number: int, given: Mapping[str, str]) -> Answer:
        """``author``, ``reason``."""
        ...

    def silences(self, number: int, given: Mapping[str, str]) -> Answer:
        """Those that are on or still to come."""
        ...

    def silence(self, number: int, given: Mapping[str, str]) -> Answer:
        """As ``monitor.people.silence`` takes it."""
        ...

    def end_silence(self, number: int, given: Mapping[str, str]) -> Answer:
        """``author``."""
        ...


def endpoints(listener: Listener) -> list[tuple[str, str, Endpoint]]:
    """(path, method, endpoint) of each."""
    return [
        (path, method, _endpoint(getattr(listener, name), reads=method == "GET"))
        for path, methods in PATHS.items()
        for method, (_, name) in methods.items()
    ]


def _endpoint(act: Callable[[int, Mapping[str, str]], Answer], *, reads: bool) -> Endpoint:
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse

    async def endpoint(request: Request) -> Response:
        try:
            given = {} if reads else _given(request.headers.get("content-type", ""), await _body(request))
            answer = await run_in_threadpool(act, request.path_params.get("id", 0), given)
        except NotFoundError as error:
            return JSONResponse({"error": str(error)}, 404)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(answer)

    return endpoint


async def _body(request: Request) -> bytes:
    """The body, refused as soon as it is longer than it may be."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise ValueError(f"more than {MAX_BODY} bytes")
    return body


def _given(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a JSON object of texts."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise ValueError("send JSON, with the header Content-Type: application/json")
    try:
        value: Any = json.loads(body or b"{}")
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(value, dict) or not all(isinstance(v, str | bool) for v in value.values()):
        raise ValueError('expected an object of texts, as {"author": "anna"}')
    return {name: v if isinstance(v, str) else str(v).lower() for name, v in value.items()}
