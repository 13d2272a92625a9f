"""The tables API of BigQuery over real HTTP: resources as the service answers them, and what was asked of it.

For the shapes that the local BigQuery does not keep (a demanded filter, an expiry, views, ranges, etags).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_TABLE = re.compile(r"/bigquery/v2/projects/([^/]+)/datasets/([^/?]+)/tables/([^/?]+)")
_TABLES = re.compile(r"/bigquery/v2/projects/([^/]+)/datasets/([^/?]+)/tables(?:\?|$)")
_DATASET = re.compile(r"/bigquery/v2/projects/([^/]+)/datasets/([^/?]+)(?:\?|$)")
_DATASETS = re.compile(r"/bigquery/v2/projects/([^/]+)/datasets(?:\?|$)")


@dataclass
class TableServer:
    """``tables`` by full name, ``datasets`` by ``project.dataset``; ``refuse`` answers 403 for a table.

    ``asked``: method, path, If-Match and body of each request, in order.
    """

    endpoint: str = ""
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    datasets: set[str] = field(default_factory=set)
    refuse: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, str | None, Any]] = field(default_factory=list)

    def writes(self) -> list[tuple[str, str, str | None, Any]]:
        """What was asked of it besides reading."""
        return [request for request in self.asked if request[0] != "GET"]

    def answer(self, method: str, path: str, match: str | None, body: Any) -> tuple[int, dict[str, Any]]:
        """Status and JSON."""
        self.asked.append((method, path.partition("?")[0], match, body))
        if found := _TABLE.match(path):
            name = ".".join(found.groups())
            return self._table(method, name, match, body)
        if found := _TABLES.match(path):
            name = ".".join((*found.groups(), body["tableReference"]["tableId"]))
            self.tables[name] = {**body, "etag": "e1", "type": "TABLE"}
            return 200, self.tables[name]
        if found := _DATASET.match(path):
            name = ".".join(found.groups())
            known = {"datasetReference": {"projectId": found[1], "datasetId": found[2]}, "location": "US"}
            return (200, known) if name in self.datasets else _error(404, "notFound", f"Not found: Dataset {name}")
        if found := _DATASETS.match(path):
            self.datasets.add(f"{found[1]}.{body['datasetReference']['datasetId']}")
            return 200, body
        return _error(400, "invalid", f"no such method: {method} {path}")

    def _table(self, method: str, name: str, match: str | None, body: Any) -> tuple[int, dict[str, Any]]:
        project, dataset, table = name.split(".")
        if name in self.refuse:
            text = f"Access Denied: Table {project}:{dataset}.{table}: Permission bigquery.tables.get denied"
            return _error(403, "accessDenied", text)
        if name not in self.tables:
            return _error(404, "notFound", f"Not found: Table {project}:{dataset}.{table}")
        if method == "PATCH":
            if match is not None and match != self.tables[name]["etag"]:
                return _error(412, "conditionNotMet", "Precondition check failed.")
            self.tables[name] = {**self.tables[name], **body, "etag": self.tables[name]["etag"] + "+"}
        reference = {"projectId": project, "datasetId": dataset, "tableId": table}
        return 200, {"etag": "e1", "type": "TABLE", "tableReference": reference, **self.tables[name]}


def _error(status: int, reason: str, message: str) -> tuple[int, dict[str, Any]]:
    errors = [{"reason": reason, "message": message, "domain": "global"}]
    return status, {"error": {"code": status, "message": message, "errors": errors}}


@contextmanager
def serving() -> Iterator[TableServer]:
    """A server on a free port of the loopback interface."""
    state = TableServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = state.answer(self.command, self.path, self.headers.get("If-Match"), body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = _answer  # noqa: N815 - http.server's names

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    state.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
