"""Cloud Logging's configuration service for tests: a real gRPC server on the loopback interface."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import grpc as untyped_grpc
from google.cloud.logging_v2.types import ListLogEntriesRequest, ListLogEntriesResponse, LogEntry
from google.cloud.logging_v2.types import logging_config as types

grpc: Any = untyped_grpc  # it has no types
SERVICE = "google.logging.v2.ConfigServiceV2"
READING = "google.logging.v2.LoggingServiceV2"
DEFAULT_FILTER = (
    'NOT LOG_ID("cloudaudit.googleapis.com/activity") AND NOT LOG_ID("externalaudit.googleapis.com/activity") AND '
    'NOT LOG_ID("cloudaudit.googleapis.com/system_event") AND NOT LOG_ID("externalaudit.googleapis.com/system_event") '
    'AND NOT LOG_ID("cloudaudit.googleapis.com/access_transparency") AND '
    'NOT LOG_ID("externalaudit.googleapis.com/access_transparency")'
)


def default_sink(project: str = "p1", **changed: Any) -> types.LogSink:
    """The sink that every project is made with."""
    fields = {
        "name": "_Default",
        "destination": f"logging.googleapis.com/projects/{project}/locations/global/buckets/_Default",
        "filter": DEFAULT_FILTER,
    }
    return types.LogSink(**(fields | changed))


def bucket(days: int = 30, name: str = "_Default", project: str = "p1", **changed: Any) -> types.LogBucket:
    return types.LogBucket(
        name=f"projects/{project}/locations/global/buckets/{name}",
        retention_days=days,
        **({"lifecycle_state": types.LifecycleState.ACTIVE} | changed),
    )


class LoggingConfigServer:
    """Answers ListSinks, ListExclusions and ListBuckets, ``page`` items at a time.

    The reading service stands beside it, as at Google: ListLogEntries answers with ``entries``, whatever is asked.
    ``faults``: method -> the code it fails with, or ``hang``. ``calls`` are the methods asked, with their parents.
    """

    def __init__(self, *, page: int = 2) -> None:
        self.sinks: list[types.LogSink] = [default_sink()]
        self.exclusions: list[types.LogExclusion] = []
        self.buckets: list[types.LogBucket] = [bucket(), bucket(400, "_Required")]
        self.entries: list[LogEntry] = []
        self.faults: dict[str, Any] = {}
        self.calls: list[tuple[str, str]] = []
        self._page = page
        self._closing = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    SERVICE,
                    {
                        "ListSinks": self._handler(
                            "ListSinks", types.ListSinksRequest, types.ListSinksResponse, "sinks"
                        ),
                        "ListExclusions": self._handler(
                            "ListExclusions", types.ListExclusionsRequest, types.ListExclusionsResponse, "exclusions"
                        ),
                        "ListBuckets": self._handler(
                            "ListBuckets", types.ListBucketsRequest, types.ListBucketsResponse, "buckets"
                        ),
                    },
                ),
            )
        )
        reading = {
            "ListLogEntries": self._handler("ListLogEntries", ListLogEntriesRequest, ListLogEntriesResponse, "entries")
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(READING, reading),))
        self._port = self._server.add_insecure_port("127.0.0.1:0")

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.stop(None).wait()

    def _handler(self, method: str, request: Any, response: Any, field: str) -> Any:
        def answer(asked: Any, context: Any) -> Any:
            self.calls.append((method, asked.resource_names[0] if method == "ListLogEntries" else asked.parent))
            fault = self.faults.get(method)
            if fault == "hang":
                self._closing.wait(60)
            elif isinstance(fault, grpc.StatusCode):
                context.abort(fault, f"Permission 'logging.{field}.list' denied on resource (or it may not exist).")
            items = getattr(self, field)
            begin = int(asked.page_token or 0)
            end = begin + self._page
            return response(**{field: items[begin:end], "next_page_token": str(end) if end < len(items) else ""})

        deserialize: Callable[[bytes], Any] = request.deserialize
        serialize: Callable[[Any], bytes] = response.serialize
        return grpc.unary_unary_rpc_method_handler(answer, deserialize, serialize)
