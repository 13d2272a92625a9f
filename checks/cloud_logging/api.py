"""Calls of the Cloud Logging API: the real client, one bounded request at a time, every error with its kind and remedy.

One request is one page: the quota counts pages, and so does the limiter here. The client's own retries are off, because
it would not count them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from checks.cloud_logging.packed_entries import page_type
from checks.google_calls import CHANNEL_OPTIONS, PLAIN_OPTIONS, host_of, source_error
from checks.ports import SourceError
from checks.rate import RateLimiter

if TYPE_CHECKING:
    import grpc
    from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
    from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport

DEFAULT_HOST = "logging.googleapis.com"
PAGE_SIZE = 1_000  # more is refused
# Seconds that a request waits for its turn: one whole turn of the limiter and a bit. Then the rest waits for the next
# time.
PATIENCE = 5.0
_ATTEMPTS = 3
_PAUSE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The messages of one page (``packed_entries``; ``proto_entries`` reads them); ``token`` of the next one, empty on
    the last. A page may be empty and have one all the same.
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
        self.host, self.plain = host_of(endpoint, DEFAULT_HOST)
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
        from google.cloud.logging_v2.types import ListLogEntriesRequest

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
                page: Any = next(iter(pager.pages))
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
                    self._channel = grpc.insecure_channel(self.host, PLAIN_OPTIONS)  # type: ignore[no-untyped-call]  # no types
                else:
                    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/logging.read"])
                    self._channel = LoggingServiceV2GrpcTransport.create_channel(
                        self.host, credentials=credentials, options=CHANNEL_OPTIONS
                    )
                self._client = LoggingServiceV2Client(transport=_transport(self._channel))
            return self._client

    def _fail(self, error: Exception) -> NoReturn:
        """Raise the SourceError for an error of the client."""
        raise source_error(
            error,
            service="Cloud Logging",
            host=self.host,
            what=f"read the logs of project {self.project}",
            grant=self._grant(),
            shared="find out who else reads logs there: all readers of a project share 60 requests a minute",
        ) from error

    def _grant(self) -> str:
        """The missing role, and the command that grants it."""
        return (
            f"grant roles/logging.viewer: `gcloud projects add-iam-policy-binding {self.project} --member=MEMBER "
            "--role=roles/logging.viewer` (MEMBER is the account that the watcher runs as; data-access audit logs need "
            "roles/logging.privateLogViewer)"
        )


def _transport(channel: grpc.Channel) -> LoggingServiceV2GrpcTransport:
    """The client's own transport, but that the answers of lists come as ``packed_entries`` has them."""
    from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport
    from google.cloud.logging_v2.types import ListLogEntriesRequest

    class Packed(LoggingServiceV2GrpcTransport):
        @cached_property
        def list_log_entries(self) -> Any:
            return self.grpc_channel.unary_unary(  # type: ignore[no-untyped-call]  # grpc: no types
                "/google.logging.v2.LoggingServiceV2/ListLogEntries",
                request_serializer=ListLogEntriesRequest.serialize,
                response_deserializer=page_type().FromString,
            )

    return Packed(channel=channel)
