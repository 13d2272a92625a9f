"""Calls of the Cloud Logging API: the real client, one bounded request at a time, every error with its kind and remedy.

One request is one page: the quota counts pages, and so does the limiter here. The client's own retries are off, because
it would not count them.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from checks.ports import SourceError
from checks.rate import RateLimiter

if TYPE_CHECKING:
    import grpc
    from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client

DEFAULT_HOST = "logging.googleapis.com"
PAGE_SIZE = 1_000  # more is refused
LOGIN_REMEDY = "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file"
# Seconds that a request waits for its turn: one whole turn of the limiter and a bit. Then the rest waits for the next
# time.
PATIENCE = 5.0
_ATTEMPTS = 3
_PAUSE = 0.2
_MAX_MESSAGE = 500
_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),  # 1000 entries may have 256 MB; gRPC's own limit is 4 MB
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # also bounds one attempt to connect
    ("grpc.max_reconnect_backoff_ms", 10_000),  # by default it takes up to two minutes to notice that it is back
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The protobuf messages of one page; ``token`` of the next one, empty on the last. A page may be empty and have
    one all the same.
    """

    entries: Sequence[Any]
    token: str


class LoggingApi:
    """Lists entries of one project. May be used from several threads.

    ``endpoint`` other than Google's: one on the loopback interface or with ``http://`` gets neither credentials nor
    TLS. ``timeout`` bounds one attempt of one request.
    """

    def __init__(self, project: str, *, limiter: RateLimiter, endpoint: str | None = None, timeout: timedelta) -> None:
        self.project = project
        self.host, self.plain = host_of(endpoint)
        self._limiter = limiter
        self._timeout = timeout.total_seconds()
        self._client: LoggingServiceV2Client | None = None
        self._channel: grpc.Channel | None = None
        self._guard = threading.Lock()

    def page(
        self,
        text: str,
        *,
        deadline: float,
        counted: Callable[[], None],
        newest_first: bool = False,
        token: str = "",
        size: int = PAGE_SIZE,
    ) -> Page:
        """One page of at most ``size`` of the entries that a filter matches, in order of (timestamp, insertId).

        :param deadline: when it must be over, on ``time.monotonic``; retries of passing trouble included.
        :param counted: called for each request made.
        :raises SourceError: if there is no answer, or (``quota``) our own limiter leaves no turn soon enough.
        """
        import google.auth.exceptions
        from google.api_core import exceptions
        from google.cloud.logging_v2.types import ListLogEntriesRequest, ListLogEntriesResponse

        request = ListLogEntriesRequest(
            resource_names=[f"projects/{self.project}"],
            filter=text,
            order_by="timestamp desc" if newest_first else "timestamp asc",
            page_size=size,
            page_token=token,
        )
        for attempt in range(1, _ATTEMPTS + 1):
            left = deadline - time.monotonic()
            if not self._limiter.acquire(min(left, PATIENCE)):
                raise SourceError(
                    "the watcher's own limit on reads of Cloud Logging is used up for the moment",
                    kind="quota",
                    remedy="wait: the limit is shared by all checks, and well below the service's own",
                )
            left = deadline - time.monotonic()
            counted()
            try:
                pager = self._connected().list_log_entries(
                    request=request, timeout=max(0.01, min(self._timeout, left)), retry=None
                )
                # The client's pager would go on by itself, without asking the limiter.
                page = ListLogEntriesResponse.pb(next(iter(pager.pages)))
            except (exceptions.ServiceUnavailable, exceptions.InternalServerError) as error:
                pause = _PAUSE * attempt
                if attempt == _ATTEMPTS or deadline - time.monotonic() <= pause:
                    self._fail(error)
                time.sleep(pause)
            except (exceptions.GoogleAPICallError, google.auth.exceptions.GoogleAuthError) as error:
                self._fail(error)
            else:
                return Page(entries=page.entries, token=page.next_page_token)
        raise AssertionError  # the last attempt returns or raises

    def close(self) -> None:
        """Close the connection."""
        with self._guard:
            if self._channel is not None:
                self._channel.close()  # type: ignore[no-untyped-call]  # grpc: no types
            self._client = self._channel = None

    def _connected(self) -> LoggingServiceV2Client:
        import google.auth
        import grpc
        from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
        from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport

        with self._guard:
            if self._client is None:
                if self.plain:
                    options = (*_CHANNEL_OPTIONS, ("grpc.enable_http_proxy", 0))
                    self._channel = grpc.insecure_channel(self.host, options)  # type: ignore[no-untyped-call]  # no types
                else:
                    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/logging.read"])
                    self._channel = LoggingServiceV2GrpcTransport.create_channel(
                        self.host, credentials=credentials, options=_CHANNEL_OPTIONS
                    )
                self._client = LoggingServiceV2Client(transport=LoggingServiceV2GrpcTransport(channel=self._channel))
            return self._client

    def _fail(self, error: Exception) -> NoReturn:
        """Raise the SourceError for an error of the client."""
        from google.api_core import exceptions

        said = _short(error.message if isinstance(error, exceptions.GoogleAPICallError) else str(error))
        if isinstance(error, exceptions.ResourceExhausted):
            raise SourceError(
                f"Cloud Logging refuses more reads of project {self.project} for now: {said}",
                kind="quota",
                remedy="find out who else reads logs there: all readers of a project share 60 requests a minute",
            ) from error
        if isinstance(error, exceptions.PermissionDenied):
            raise SourceError(
                f"not allowed to read the logs of project {self.project}: {said}",
                kind="forbidden",
                remedy=self._grant(),
            ) from error
        if isinstance(error, exceptions.DeadlineExceeded):
            raise SourceError(f"Cloud Logging at {self.host} did not answer in time", kind="timeout") from error
        if isinstance(error, (exceptions.ServerError, exceptions.Cancelled)):
            raise SourceError(
                f"Cloud Logging at {self.host} cannot be reached: {said}",
                kind="unreachable",
                remedy="check the network; https://status.cloud.google.com tells of outages",
            ) from error
        if isinstance(error, exceptions.GoogleAPICallError) and not isinstance(error, exceptions.Unauthenticated):
            kind = "missing" if isinstance(error, exceptions.NotFound) else "invalid"
            raise SourceError(f"Cloud Logging refused the request: {said}", kind=kind) from error
        raise SourceError(
            f"no usable credentials for Cloud Logging: {said}", kind="forbidden", remedy=LOGIN_REMEDY
        ) from error

    def _grant(self) -> str:
        """The missing role, and the command that grants it."""
        return (
            f"grant roles/logging.viewer: `gcloud projects add-iam-policy-binding {self.project} --member=MEMBER "
            "--role=roles/logging.viewer` (MEMBER is the account that the watcher runs as; data-access audit logs need "
            "roles/logging.privateLogViewer)"
        )


def host_of(endpoint: str | None) -> tuple[str, bool]:
    """``host:port`` to connect to, and whether without TLS and credentials. None is Google's own."""
    if not endpoint:
        return DEFAULT_HOST, False
    parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    name = parts.hostname or ""
    plain = parts.scheme == "http" or (parts.scheme == "" and _is_loopback(name))
    port = parts.port or (80 if plain else 443)
    return (f"[{name}]:{port}" if ":" in name else f"{name}:{port}"), plain


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _short(message: str) -> str:
    text = " ".join(message.split())
    return text if len(text) <= _MAX_MESSAGE else text[:_MAX_MESSAGE] + " \u2026"
