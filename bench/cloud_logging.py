"""How fast entries of Cloud Logging are read, against the client library's ``list_entries``.

    python -m bench.cloud_logging [--entries 100000] [--rounds 5]

A server on loopback, a process of its own, answers all three with the same ready-made lists of five pages of 1,000
entries over gRPC: what is measured is the client. Each round runs all three, one after the other.

library   ``google.cloud.logging.Client.list_entries``, iterated, four fields read (identity, time, payload, labels)
raw       ``checks.cloud_logging.api`` page by page, the same four fields read of the protobuf messages
source    ``CloudLogging.read``: all that the log source does, with the memory of what was read, the dicts that the
          engine reads, the places of neighbours, and the cursor

Client CPU is that of the whole process, gRPC's threads included; ratios are taken of the medians.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from datetime import timedelta
from typing import Any

from bench.entries import START, lines

PAGE = 1_000
PAGES = 5
PROJECT = "bench-project"
FILTER = 'timestamp>="2026-01-01T00:00:00Z"'


def pages(entries: int) -> Iterator[bytes]:
    """Answers of ListLogEntries: ordinary entries and failures of sixty functions with three instances each, as the
    engine's benchmark has them. Every fifth ends its list.
    """
    from google.cloud.logging_v2.types import ListLogEntriesResponse, LogEntry
    from google.protobuf.json_format import ParseDict

    source = lines(entries, tracebacks=0.1)
    for number in range(entries // PAGE):
        answer = ListLogEntriesResponse.pb(ListLogEntriesResponse())
        for place, line in enumerate(itertools.islice(source, PAGE)):
            message = LogEntry.pb(LogEntry())
            ParseDict(json.loads(line), message, ignore_unknown_fields=True)
            message.labels["instanceId"] = f"{message.resource.labels['service_name']}-{place % 3:0100}"
            message.receive_timestamp.CopyFrom(message.timestamp)
            answer.entries.append(message)
        if (number + 1) % PAGES:
            answer.next_page_token = str(number + 1)
        yield answer.SerializeToString()


def serve(entries: int) -> None:
    """Print the port and the size of all entries, and serve until standard input closes."""
    import grpc
    from google.cloud.logging_v2.types import ListLogEntriesRequest

    ready = list(pages(entries))
    starts = itertools.cycle(range(0, len(ready), PAGES))

    def listed(request: Any, _: Any) -> bytes:
        if request.filter != FILTER and "receiveTimestamp" not in request.filter:
            return b""  # the lines around failures: there are none
        return ready[int(request.page_token) if request.page_token else next(starts)]

    handler = grpc.unary_unary_rpc_method_handler(
        listed,
        request_deserializer=ListLogEntriesRequest.pb(ListLogEntriesRequest()).FromString,
        response_serializer=bytes,
    )
    server = grpc.server(futures.ThreadPoolExecutor(2), options=[("grpc.max_send_message_length", -1)])
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("google.logging.v2.LoggingServiceV2", {"ListLogEntries": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, sum(map(len, ready)), flush=True)
    sys.stdin.read()
    server.stop(None).wait()


def library(endpoint: str) -> Callable[[], int]:
    """One list. The library takes no plaintext channel but through a private attribute."""
    import google.cloud.logging
    import grpc
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.logging_v2._gapic import _LoggingAPI
    from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
    from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport

    channel = grpc.insecure_channel(endpoint.partition("//")[2], options=[("grpc.max_receive_message_length", -1)])
    gapic = LoggingServiceV2Client(transport=LoggingServiceV2GrpcTransport(channel=channel))
    client = google.cloud.logging.Client(project=PROJECT, credentials=AnonymousCredentials())
    client._logging_api = _LoggingAPI(gapic, client)  # noqa: SLF001 - there is no other way

    def run() -> int:
        number = 0
        for entry in client.list_entries(filter_=FILTER, page_size=PAGE):
            _ = entry.insert_id, entry.timestamp, entry.payload, entry.resource.labels
            number += 1
        return number

    return run


def raw(endpoint: str) -> Callable[[], int]:
    """One list. What a resource says is looked up by its bytes, as the log source does it."""
    from google.api.monitored_resource_pb2 import MonitoredResource

    from checks.cloud_logging.api import LoggingApi
    from checks.rate import RateLimiter

    known: dict[bytes, Any] = {}
    api = LoggingApi(PROJECT, limiter=RateLimiter(10**9, 10**9), endpoint=endpoint, timeout=timedelta(seconds=20))

    def run() -> int:
        number, token = 0, ""
        while True:
            page = api.page(FILTER, token=token, deadline=time.monotonic() + 60, counted=lambda: None)
            for entry in page.entries:
                resource = known.get(entry.resource) or known.setdefault(
                    entry.resource, MonitoredResource.FromString(entry.resource)
                )
                _ = entry.insert_id, entry.timestamp.seconds, entry.text_payload, resource.labels
            number, token = number + len(page.entries), page.token
            if not token:
                return number

    return run


def source(endpoint: str) -> Callable[[], int]:
    """One read."""
    from checks.rate import RateLimiter
    from checks.sources.cloud_logging import CloudLogging

    logs = CloudLogging(PROJECT, limiter=RateLimiter(10**9, 10**9), endpoint=endpoint, look_back=timedelta(hours=1))
    return lambda: len(logs.read(None, START + timedelta(hours=1)).entries)


def measured(run: Callable[[], int], entries: int) -> tuple[float, float]:
    """Wall and CPU seconds for as many lists as hold all entries."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = sum(run() for _ in range(entries // (PAGE * PAGES)))
    assert found == entries, found
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Print all three, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000, help="a multiple of 5,000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    number = options.entries // (PAGE * PAGES) * PAGE * PAGES
    if options.serve:
        serve(number)
        return
    command = [sys.executable, "-m", "bench.cloud_logging", "--serve", "--entries", str(number)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        port, size = map(int, server.stdout.readline().split())
        contenders = {make.__name__: make(f"http://127.0.0.1:{port}") for make in (library, raw, source)}
        for run in contenders.values():
            run()
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
        for _ in range(options.rounds):
            for name, run in contenders.items():
                found[name].append(measured(run, number))
        server.stdin.close()
    print(f"{number:,} entries of {size // number} bytes, median of {options.rounds} rounds")
    print(f"{'':10}{'entries/s':>12}{'client CPU, us/entry':>24}{'throughput':>14}{'client CPU':>14}")
    medians = {name: [statistics.median(one[n] for one in rounds) for n in (0, 1)] for name, rounds in found.items()}
    base = medians["library"]
    for name, (wall, cpu) in medians.items():
        faster, less = (f"{b / own:.1f} x" for b, own in zip(base, (wall, cpu), strict=True))
        print(f"{name:10}{number / wall:12,.0f}{cpu / number * 1e6:24.1f}{faster:>14}{'1/' + less[:-2]:>14}")


if __name__ == "__main__":
    main()
