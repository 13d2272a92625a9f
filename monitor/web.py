"""The HTTP server inside ``watch``: health for machines, the report for people and programs."""

from __future__ import annotations

import hmac
import json
import socket
import threading
from collections.abc import Callable
from typing import Any, Protocol

from checks.model import JsonValue

START_TIMEOUT_SECONDS = 10


class PortTakenError(Exception):
    """The address cannot be listened on; the message says which and what to do."""


class Health(Protocol):
    """What the server asks of the daemon."""

    def alive(self) -> tuple[bool, dict[str, JsonValue]]:
        """Whether the process's own threads run, and details."""
        ...

    def ready(self) -> tuple[bool, dict[str, JsonValue]]:
        """Whether the last tick of every check ended recently, and details."""
        ...


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, bound before anything else starts so that a taken port stops the start at once.

    :raises PortTakenError: if it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTakenError(
            f"cannot listen on {host}:{port}: {error.strerror}; stop what uses it, or choose another port "
            f"(`server.port` in the configuration, or PHASEWATCH_PORT)"
        ) from error
    return listener


class WebServer:
    """Serves in a thread until stopped. ``report`` answers the JSON report; it may take seconds and may raise."""

    def __init__(
        self, listener: socket.socket, health: Health, report: Callable[[dict[str, str]], str], token: str | None
    ) -> None:
        self._listener = listener
        self._app = _application(health, report, token)
        self._server: Any = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens, for people."""
        host, port = self._listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{port}"

    def start(self) -> None:
        """Serve in a thread of its own."""
        import uvicorn

        config = uvicorn.Config(
            self._app, log_config=None, access_log=False, timeout_graceful_shutdown=2, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, name="phasewatch-web", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being answered, then close."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(START_TIMEOUT_SECONDS)
        self._listener.close()


def _application(health: Health, report: Callable[[dict[str, str]], str], token: str | None) -> Any:
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    def allowed(request: Request) -> bool:
        if token is None:
            return True
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), token.encode())

    async def healthz(_request: Request) -> Response:
        good, details = health.alive()
        return JSONResponse({"status": "alive" if good else "broken", **details}, 200 if good else 503)

    async def readyz(_request: Request) -> Response:
        good, details = await run_in_threadpool(health.ready)
        return JSONResponse({"status": "ready" if good else "not ready", **details}, 200 if good else 503)

    async def show_report(request: Request) -> Response:
        if not allowed(request):
            return JSONResponse(
                {"error": "this needs the header `Authorization: Bearer <server.token>`"},
                401,
                headers={"WWW-Authenticate": "Bearer"},
            )
        try:
            text = await run_in_threadpool(report, dict(request.query_params))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        return Response(text, media_type="application/json")

    async def index(_request: Request) -> Response:
        paths = {"/healthz": "process alive", "/readyz": "every check ticks", "/report": "the health report as JSON"}
        return Response(json.dumps({"phasewatch": paths}, indent=2), media_type="application/json")

    return Starlette(
        routes=[
            Route("/", index),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/report", show_report),
        ]
    )
