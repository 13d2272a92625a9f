"""A Cloud Logging service on loopback: real gRPC, real messages, our part of the query language, on the test's clock.

Entries are visible from their receiveTimestamp on (or later, if a test says so). Pages, tokens, limits and quota are as
documented; faults happen as scripted, one word per request.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent import futures
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import google.cloud.audit.audit_log_pb2
import grpc
from google.cloud.logging_v2.types import (
    ListLogEntriesRequest,
    ListLogEntriesResponse,
    LogEntry,
    WriteLogEntriesRequest,
    WriteLogEntriesResponse,
)
from google.protobuf.json_format import MessageToDict, ParseDict

from checks.logs.entry import EPOCH, nanos_of
from tests.support.logging_query import Query, QueryError, Record, compile_query

assert google.cloud.audit.audit_log_pb2  # makes audit payloads known
SERVICE = "google.logging.v2.LoggingServiceV2"
_FAULTS = {
    "unavailable": (grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable."),
    "internal": (grpc.StatusCode.INTERNAL, "Internal error encountered."),
    "quota": (grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded for quota metric 'Read requests'"),
    "permission": (grpc.StatusCode.PERMISSION_DENIED, "Permission denied for all log views"),
    "unauthenticated": (grpc.StatusCode.UNAUTHENTICATED, "Request had invalid authentication credentials."),
}


class TestClock:
    """A clock that stands until the test moves it."""

    __test__ = False

    def __init__(self, now: datetime) -> None:
        self.now = now

    def forward(self, by: timedelta) -> datetime:
        """Move it; the new time."""
        self.now += by
        return self.now


@dataclass(kw_only=True)
class _List:
    asked: tuple[Any, ...]
    found: list[Record]
    at: int
    empty: bool


class LoggingServer:
    """``with LoggingServer(clock) as server: ... server.endpoint``.

    :ivar requests: number of list requests that were answered or refused.
    :ivar asked_at: when each of them came, on the server's clock.
    :ivar filters: the filters of new lists, in order.
    :ivar script: what happens to the next requests: ``ok``, a fault's name, ``hang`` or ``drop``.
    :ivar empty_pages: whether each page is preceded by an empty one with a token.
    :ivar repeat: whether each page but the first begins with the last entry of the one before.
    """

    def __init__(self, clock: TestClock, *, reads_per_minute: int = 60) -> None:
        self.clock = clock
        self.requests = 0
        self.asked_at: list[datetime] = []
        self.filters: list[str] = []
        self.script: deque[str] = deque()
        self.empty_pages = False
        self.repeat = False
        self.page_sizes: list[int] = []
        self._reads_per_minute = reads_per_minute
        self._reads: deque[datetime] = deque()
        self._by_received: list[tuple[int, int, Record]] = []
        self._by_written: list[tuple[int, int, Record]] = []
        self._lists: dict[str, _List] = {}
        self._guard = threading.Lock()
        self._closing = threading.Event()
        self._port = 0
        self._server: grpc.Server | None = None

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        assert self._server is not None
        self._server.stop(None).wait()

    @property
    def endpoint(self) -> str:
        """Its address, as it stands in a configuration."""
        return f"http://127.0.0.1:{self._port}"

    def write(self, entries: Iterable[Mapping[str, Any]], *, visible_after: timedelta = timedelta(0)) -> None:
        """Put in entries as gcloud prints them; they are visible so much later than they were received."""
        for raw in entries:
            message = LogEntry.pb(LogEntry())
            ParseDict(dict(raw), message, ignore_unknown_fields=True)  # errorGroups: not in this client's types
            received = nanos_of(raw["receiveTimestamp"])
            written = nanos_of(raw["timestamp"])
            assert received is not None
            assert written is not None
            self._put(
                Record(
                    raw=dict(raw),
                    packed=message.SerializeToString(),
                    timestamp=written,
                    received=received,
                    visible=received + int(visible_after.total_seconds() * 1e9),
                )
            )

    # -- the service ----------------------------------------------------------------------------------------------

    def _put(self, record: Record) -> None:
        with self._guard:
            number = len(self._by_received)
            insort(self._by_received, (record.received, number, record))
            insort(self._by_written, (record.timestamp, number, record))

    def _start(self) -> None:
        server = grpc.server(
            futures.ThreadPoolExecutor(8),
            options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
        )
        handlers = {
            "ListLogEntries": grpc.unary_unary_rpc_method_handler(
                self._list,
                request_deserializer=ListLogEntriesRequest.pb(ListLogEntriesRequest()).FromString,
                response_serializer=bytes,
            ),
            "WriteLogEntries": grpc.unary_unary_rpc_method_handler(
                self._write,
                request_deserializer=WriteLogEntriesRequest.pb(WriteLogEntriesRequest()).FromString,
                response_serializer=lambda answer: answer.SerializeToString(),
            ),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        self._port = server.add_insecure_port(f"127.0.0.1:{self._port}")
        server.start()
        self._server = server

    def _write(self, request: Any, context: grpc.ServicerContext) -> Any:
        now = _nanos(self.clock.now)
        for number, message in enumerate(request.entries):
            if not message.HasField("timestamp"):
                message.timestamp.FromNanoseconds(now)
            message.receive_timestamp.FromNanoseconds(now)
            message.insert_id = message.insert_id or f"written-{len(self._by_received)}-{number}"
            message.log_name = message.log_name or request.log_name
            written = message.timestamp.ToNanoseconds()
            raw = MessageToDict(message)
            self._put(Record(raw=raw, packed=message.SerializeToString(), timestamp=written, received=now, visible=now))
        return WriteLogEntriesResponse.pb(WriteLogEntriesResponse())

    def _list(self, request: Any, context: grpc.ServicerContext) -> bytes:
        with self._guard:
            self.requests += 1
            self.asked_at.append(self.clock.now)
            fault = self.script.popleft() if self.script else "ok"
            over = self._over_quota()
        if fault in _FAULTS:
            context.abort(*_FAULTS[fault])
        if fault == "hang":
            while context.is_active() and not self._closing.is_set():
                time.sleep(0.02)
        if fault == "drop":
            threading.Thread(target=self._drop, daemon=True).start()
            while context.is_active():
                time.sleep(0.02)
        if over:
            context.abort(*_FAULTS["quota"])
        with self._guard:
            try:
                return self._page(request)
            except QueryError as error:
                refused = str(error)
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, refused)
        raise AssertionError

    def _drop(self) -> None:
        """Close all connections, and listen again at once."""
        assert self._server is not None
        self._server.stop(None).wait()
        self._start()

    def _over_quota(self) -> bool:
        since = self.clock.now - timedelta(minutes=1)
        while self._reads and self._reads[0] <= since:
            self._reads.popleft()
        self._reads.append(self.clock.now)
        return len(self._reads) > self._reads_per_minute

    def _page(self, request: Any) -> bytes:
        size = request.page_size or 50
        if not 0 < size <= 1_000:
            raise QueryError("page_size is more than 1000")
        if not 0 < len(request.resource_names) <= 100:
            raise QueryError("resource_names")
        if request.order_by not in ("", "timestamp asc", "timestamp desc"):
            raise QueryError(f"order_by {request.order_by!r}")
        self.page_sizes.append(size)
        asked = (tuple(request.resource_names), request.filter, request.order_by, size)
        if request.page_token:
            listed = self._lists.get(request.page_token)
            if listed is None or listed.asked != asked:
                raise QueryError("page_token does not belong to this request")
        else:
            self.filters.append(request.filter)
            found = self._found(compile_query(request.filter), newest_first=request.order_by == "timestamp desc")
            listed = _List(asked=asked, found=found, at=0, empty=self.empty_pages)
        if listed.empty:
            return self._answer([], _List(asked=asked, found=listed.found, at=listed.at, empty=False))
        start = listed.at - 1 if self.repeat and listed.at else listed.at
        end = start + size
        rest = _List(asked=asked, found=listed.found, at=end, empty=self.empty_pages)
        return self._answer(listed.found[start:end], rest if end < len(listed.found) else None)

    def _answer(self, records: list[Record], rest: _List | None) -> bytes:
        """The message's bytes: field 1 is repeated, and made of bytes that are ready."""
        parts = []
        for record in records:
            parts += [b"\x0a", _varint(len(record.packed)), record.packed]
        if rest is not None:
            token = f"token-{len(self._lists)}-{self.requests}"
            self._lists[token] = rest
            parts.append(ListLogEntriesResponse.pb(ListLogEntriesResponse(next_page_token=token)).SerializeToString())
        return b"".join(parts)

    def _found(self, query: Query, *, newest_first: bool) -> list[Record]:
        now = _nanos(self.clock.now)
        table, name = self._by_received, "receiveTimestamp"
        if name not in query.bounds:
            table, name = self._by_written, "timestamp"
        least, most = query.bounds.get(name, [-(10**30), 10**30])
        span = table[bisect_left(table, (least, -1)) : bisect_right(table, (most, 10**12))]
        visible = [record for _, _, record in span if record.visible <= now and query.matches(record)]
        # Within one result the service removes what has the same insertId and timestamp.
        unique = {(record.timestamp, str(record.raw.get("insertId", ""))): record for record in visible}
        order = sorted(unique, reverse=newest_first)
        return [unique[key] for key in order]


def _nanos(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1) * 1_000


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
