"""Calls of the Cloud Monitoring API: the real client, one bounded request at a time, every error with its remedy.

The client's own retries are off: it would not count them, and a write whose answer was lost may have been stored.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from checks.google_calls import CHANNEL_OPTIONS, PLAIN_OPTIONS, host_of, source_error
from checks.ports import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc
    from google.cloud.monitoring_v3 import MetricServiceClient

DEFAULT_HOST = "monitoring.googleapis.com"
# More series in one CreateTimeSeries are refused (documented in google.cloud.monitoring_v3.CreateTimeSeriesRequest).
MAX_SERIES = 200
Answer = TypeVar("Answer")


class MonitoringApi:
    """Reads and writes the metrics of one project. May be used from several threads.

    ``endpoint`` other than Google's: one on the loopback interface or with ``http://`` gets neither credentials nor
    TLS. ``timeout`` bounds one request; nothing is tried again.
    """

    def __init__(self, project: str, *, endpoint: str | None = None, timeout: timedelta) -> None:
        self.project = project
        self.host, self.plain = host_of(endpoint, DEFAULT_HOST)
        self._timeout = timeout.total_seconds()
        self._client: MetricServiceClient | None = None
        self._channel: grpc.Channel | None = None
        self._guard = threading.Lock()

    def page(self, request: Any, timeout: float | None = None) -> Any:
        """One page of a ListTimeSeriesRequest as the raw ListTimeSeriesResponse message.

        :param timeout: seconds, if fewer than usual are left.
        :raises SourceError: if there is no answer.
        """
        from google.cloud.monitoring_v3 import ListTimeSeriesResponse

        request.name = f"projects/{self.project}"
        bound = self._timeout if timeout is None else max(0.01, min(self._timeout, timeout))

        def call() -> Any:
            pager = self._connected().list_time_series(request=request, timeout=bound, retry=None)
            # The client's pager would go on by itself, without asking anybody.
            return ListTimeSeriesResponse.pb(next(iter(pager.pages)))

        return self._told(call, "read the metrics", "viewer")

    def describe(self, descriptor: Any) -> None:
        """Create a metric's MetricDescriptor, or bring an existing one up to date.

        :raises SourceError: if that was not possible.
        """
        self._told(
            lambda: self._connected().create_metric_descriptor(
                name=f"projects/{self.project}", metric_descriptor=descriptor, timeout=self._timeout, retry=None
            ),
            "create metrics",
            "metricWriter",
        )

    def write(self, series: Sequence[Any]) -> None:
        """Add one point to each of at most 200 TimeSeries, in one request.

        :raises SourceError: if not all of them were written; those that it does not name were.
        """
        self._told(
            lambda: self._connected().create_time_series(
                name=f"projects/{self.project}", time_series=list(series), timeout=self._timeout, retry=None
            ),
            "write metrics",
            "metricWriter",
        )

    def close(self) -> None:
        """Close the connection."""
        with self._guard:
            if self._channel is not None:
                self._channel.close()  # type: ignore[no-untyped-call]  # grpc: no types
            self._client = self._channel = None

    def _told(self, call: Callable[[], Answer], what: str, role: str) -> Answer:
        """The call's answer.

        :raises SourceError: with kind and remedy, for whatever the client raises.
        """
        import google.auth.exceptions
        from google.api_core import exceptions

        try:
            return call()
        except (exceptions.GoogleAPICallError, google.auth.exceptions.GoogleAuthError) as error:
            raise self._error(error, f"{what} of project {self.project}", role) from error

    def _error(self, error: Exception, what: str, role: str) -> SourceError:
        return source_error(
            error,
            service="Cloud Monitoring",
            host=self.host,
            what=what,
            grant=(
                f"grant roles/monitoring.{role}: `gcloud projects add-iam-policy-binding {self.project} "
                f"--member=MEMBER --role=roles/monitoring.{role}` (MEMBER is the account that the watcher runs as)"
            ),
            shared="wait; if it lasts, find out who else uses the project's Cloud Monitoring quota",
        )

    def _connected(self) -> MetricServiceClient:
        import google.auth
        import grpc
        from google.cloud.monitoring_v3 import MetricServiceClient
        from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport

        with self._guard:
            if self._client is None:
                if self.plain:
                    self._channel = grpc.insecure_channel(self.host, PLAIN_OPTIONS)  # type: ignore[no-untyped-call]  # no types
                else:
                    scopes = [f"https://www.googleapis.com/auth/monitoring.{part}" for part in ("read", "write")]
                    credentials, _ = google.auth.default(scopes=scopes)
                    self._channel = MetricServiceGrpcTransport.create_channel(
                        self.host, credentials=credentials, options=CHANNEL_OPTIONS
                    )
                self._client = MetricServiceClient(transport=MetricServiceGrpcTransport(channel=self._channel))
            return self._client
