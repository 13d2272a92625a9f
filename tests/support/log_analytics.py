"""A Log Analytics view in the local BigQuery: its table, and log entries as its rows.

The columns are those that Google's SQL samples and LookML for ``_AllLogs`` name, as far as functions fill them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from google.cloud import bigquery

from checks.logs.entry import nanos_of
from tests.support import bigquery as local

DDL = """
CREATE TABLE {table} (
  log_id STRING, log_name STRING, insert_id STRING, severity STRING, severity_number INT64,
  timestamp TIMESTAMP, timestamp_unix_nanos INT64, receive_timestamp TIMESTAMP, receive_timestamp_unix_nanos INT64,
  resource STRUCT<type STRING, labels JSON>, labels JSON, text_payload STRING, json_payload JSON,
  proto_payload STRUCT<type STRING, audit_log STRUCT<service_name STRING, method_name STRING, resource_name STRING,
    authentication_info STRUCT<principal_email STRING>, status STRUCT<code INT64, message STRING>>>,
  http_request STRUCT<request_method STRING, request_url STRING, status INT64, user_agent STRING,
    latency STRUCT<seconds INT64, nanos INT64>>,
  source_location STRUCT<file STRING, line INT64, function STRING>,
  operation STRUCT<id STRING, producer STRING, first BOOL, last BOOL>,
  split STRUCT<uid STRING, index INT64, total_splits INT64>, trace STRING, span_id STRING, trace_sampled BOOL
)
"""


def create(endpoint: str, table: str) -> None:
    """An empty view (a table, here)."""
    local.run(endpoint, DDL.format(table=f"`{table}`"))


def load(endpoint: str, table: str, entries: Iterable[Mapping[str, Any]]) -> None:
    """Put entries into it."""
    lines = "".join(json.dumps(row(entry)) + "\n" for entry in entries)
    with local.client(endpoint) as connection:
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            schema=connection.get_table(table).schema,
            write_disposition="WRITE_APPEND",
        )
        job = connection.load_table_from_file(io.BytesIO(lines.encode()), table, job_config=config)
        job.result(timeout=30)


def row(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A LogEntry's JSON as a row."""
    written, received = nanos_of(entry["timestamp"]), nanos_of(entry.get("receiveTimestamp"))
    audit, request = entry.get("protoPayload"), entry.get("httpRequest")
    seconds, _, fraction = request["latency"].rstrip("s").partition(".") if request else ("0", "", "")
    source, split = entry.get("sourceLocation"), entry.get("split")
    log = entry["logName"].partition("/logs/")[2].replace("%2F", "/")
    return {
        "log_id": log,
        "log_name": entry["logName"],
        "insert_id": entry["insertId"],
        "severity": entry.get("severity", "DEFAULT"),
        "timestamp": _micros(entry["timestamp"]),
        "timestamp_unix_nanos": written,
        "receive_timestamp": _micros(entry["receiveTimestamp"]),
        "receive_timestamp_unix_nanos": received,
        "resource": entry["resource"],
        "labels": entry.get("labels"),
        "text_payload": entry.get("textPayload"),
        "json_payload": entry.get("jsonPayload"),
        "proto_payload": audit
        and {
            "type": audit["@type"],
            "audit_log": {
                "service_name": audit.get("serviceName"),
                "method_name": audit.get("methodName"),
                "resource_name": audit.get("resourceName"),
                "authentication_info": {"principal_email": audit.get("authenticationInfo", {}).get("principalEmail")},
                "status": audit.get("status"),
            },
        },
        "http_request": request
        and {
            "request_method": request.get("requestMethod"),
            "request_url": request.get("requestUrl"),
            "status": request.get("status"),
            "latency": {"seconds": int(seconds), "nanos": int(fraction.ljust(9, "0"))},
        },
        "operation": entry.get("operation"),
        "source_location": source and {**source, "line": int(source["line"])},
        "split": split
        and {"uid": split["uid"], "index": split.get("index", 0), "total_splits": split.get("totalSplits")},
        "trace": entry.get("trace"),
        "span_id": entry.get("spanId"),
    }


def _micros(time: str) -> str:
    whole, _, fraction = time.rstrip("Z").partition(".")
    return f"{whole}.{fraction[:6]:0<6}Z"
