"""What the HTTP server answers: health for machines, the report in every form, the API, metrics."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from checks.model import JsonValue, stamp
from monitor.report.model import HealthReport
from monitor.server import people_routes
from monitor.server.people_routes import Listener

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

# As long as a report is kept (monitor.report.cached): asking sooner gives the same.
_FRESH = {"Cache-Control": "private, max-age=30"}
_PAGE_HEADERS = {
    **_FRESH,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
# Open to everybody: they say nothing but that the watcher lives.
_OPEN = frozenset({"/healthz", "/readyz"})
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Watcher(Protocol):
    """What the server asks of the daemon. All of it may be called from several threads at once."""

    def alive(self) -> tuple[bool, dict[str, JsonValue]]:
        """Whether the process's own threads run, and details."""
        ...

    def ready(self) -> tuple[bool, dict[str, JsonValue]]:
        """Whether the last tick of every check ended recently, and details."""
        ...

    def report(self, query: Mapping[str, str]) -> HealthReport:
        """The health report; it may take seconds.

        :raises ValueError: for a query that makes no sense.
        """
        ...

    def metrics(self) -> bytes:
        """The vitals in Prometheus' text format."""
        ...


def application(watcher: Watcher, token: str | None, listener: Listener | None = None) -> Starlette:
    """The routes. Without a token only callers that call this machine by its own names are answered: a page of another
    site whose name was made to point here (DNS rebinding) must not read them.
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
    from starlette.routing import Route

    class Guard(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
            refused = None if request.url.path in _OPEN else _refused(request, token)
            return refused if refused is not None else await call_next(request)

    return Starlette(
        routes=[
            *(Route(path, endpoint) for path, endpoint in _endpoints(watcher).items()),
            *(Route(path, endpoint, methods=[method]) for path, method, endpoint in _said(listener)),
        ],
        middleware=[Middleware(Guard)],
    )


def _said(listener: Listener | None) -> list[tuple[str, str, Endpoint]]:
    """What can be said; nothing where nobody listens."""
    return people_routes.endpoints(listener) if listener is not None else []


def _refused(request: Request, token: str | None) -> Response | None:
    from starlette.responses import JSONResponse

    if token is None:
        host = request.headers.get("host", "").rsplit(":", 1)[0] if "host" in request.headers else ""
        if host.lower() in LOOPBACK_NAMES:
            return None
        return JSONResponse({"error": "without server.token only localhost and 127.0.0.1 are answered"}, 403)
    if hmac.compare_digest(_given(request.headers.get("authorization", "")).encode(), token.encode()):
        return None
    return JSONResponse(
        {"error": "this needs `Authorization: Bearer <server.token>`, or the token as the password in a browser"},
        401,
        # Both on one line: browsers ask for a password on seeing Basic.
        headers={"WWW-Authenticate": 'Basic realm="phasewatch", charset="UTF-8", Bearer'},
    )


def _given(header: str) -> str:
    """The token in an Authorization header: as Bearer, or as the password of Basic, whatever the user name."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return value if scheme.lower() == "bearer" else ""


Endpoint = Callable[["Request"], Awaitable["Response"]]
Show = Callable[[HealthReport, "Request"], str | dict[str, JsonValue]]


def _endpoints(watcher: Watcher) -> dict[str, Endpoint]:
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse, Response

    async def healthz(_request: Request) -> Response:
        good, details = watcher.alive()
        return JSONResponse({"status": "alive" if good else "broken", **details}, 200 if good else 503)

    async def readyz(_request: Request) -> Response:
        good, details = await run_in_threadpool(watcher.ready)
        return JSONResponse({"status": "ready" if good else "not ready", **details}, 200 if good else 503)

    async def metrics(_request: Request) -> Response:
        from monitor.telemetry.metrics import CONTENT_TYPE

        return Response(await run_in_threadpool(watcher.metrics), headers={"Content-Type": CONTENT_TYPE})

    async def described(_request: Request) -> Response:
        from monitor.server.openapi import description

        return JSONResponse(description())

    return {
        "/": _of_report(watcher, _page, "text/html", _PAGE_HEADERS),
        "/healthz": healthz,
        "/readyz": readyz,
        "/metrics": metrics,
        "/report": _of_report(watcher, _report),
        "/badge.svg": _of_report(watcher, _badge, "image/svg+xml"),
        "/badge/{pipeline}/{phase}.svg": _of_report(watcher, _badge, "image/svg+xml"),
        "/api/v1/report": _of_report(watcher, _report),
        "/api/v1/incidents": _of_report(watcher, _incidents),
        "/api/v1/incidents/{id:int}": _of_report(watcher, _incident),
        "/api/v1/checks": _of_report(watcher, _checks),
        "/api/v1/openapi.json": described,
    }


def _of_report(
    watcher: Watcher, show: Show, media_type: str = "application/json", headers: Mapping[str, str] = _FRESH
) -> Endpoint:
    """An endpoint that shows something of the report: a KeyError of ``show`` is a 404, a ValueError a 400."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse, Response

    def make(request: Request) -> str:
        shown = show(watcher.report(dict(request.query_params)), request)
        return shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False) + "\n"

    async def endpoint(request: Request) -> Response:
        try:
            text = await run_in_threadpool(make, request)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        except KeyError as error:
            return JSONResponse({"error": f"there is no {error.args[0]}"}, 404)
        return Response(text, media_type=media_type, headers=dict(headers))

    return endpoint


def _report(report: HealthReport, _request: Request) -> str:
    from monitor.report import as_json

    return as_json.render(report)


def _page(report: HealthReport, _request: Request) -> str:
    from monitor.report import as_html

    return as_html.render(report)


def _badge(report: HealthReport, request: Request) -> str:
    from monitor.report import badge

    wanted = request.path_params
    if not wanted:
        return badge.overall(report)
    return badge.of_phase(report, wanted["phase"], wanted["pipeline"])


def _versioned(name: str, values: Sequence[dict[str, JsonValue]], report: HealthReport) -> dict[str, JsonValue]:
    from monitor.report import as_json

    return {"schema_version": as_json.SCHEMA_VERSION, "as_of": stamp(report.as_of), name: list(values)}


def _incidents(report: HealthReport, _request: Request) -> dict[str, JsonValue]:
    from monitor.report import as_json

    return _versioned("incidents", [as_json.incident(item) for item in report.incidents], report)


def _incident(report: HealthReport, request: Request) -> dict[str, JsonValue]:
    from monitor.report import as_json

    number = request.path_params["id"]
    for item in report.incidents:
        if item.incident.id == number:
            story: list[JsonValue] = [{"at": stamp(line.at), "what": line.what} for line in item.story]
            return {"schema_version": as_json.SCHEMA_VERSION, **as_json.incident(item), "story": story}
    raise KeyError(f"incident {number}")


def _checks(report: HealthReport, _request: Request) -> dict[str, JsonValue]:
    from monitor.report import as_json

    return _versioned("checks", [as_json.check(item) for item in report.checks], report)
