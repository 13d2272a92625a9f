"""Log entries from a Log Analytics dataset: BigQuery does the matching, for volumes beyond the read quota of the API.

The table is the view of a log bucket in a linked dataset, ``project.dataset._AllLogs``. Its columns are those that
Google's published SQL samples and LookML for it name (GoogleCloudPlatform/observability-analytics-samples, the Looker
block for Cloud Logging): snake_case names of LogEntry's fields, ``labels``, ``resource.labels`` and ``json_payload`` as
JSON, ``proto_payload.audit_log`` as a STRUCT, times also in nanoseconds (``timestamp_unix_nanos``).

One query a read, which scans the table once. It gives every entry that bears a mark of a failure and all entries of the
same instance within ``around`` of it, so that a text that came line by line is whole; the entries of deployments; and
for each function the latest request that was answered well, so that a fault can be seen to be over.

What no query can match: of an audit record only its status message is looked at, and the columns that a view hides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from checks.logs.deployments import DEPLOYS
from checks.model import Evidence, JsonValue, Window, normal_service, stamp, utc
from checks.ports import LogBatch, SourceError, Warehouse

RESOURCE_TYPES = ("cloud_function", "cloud_run_revision", "cloud_run_job")
# RE2. Every failure has one of these on one line: a class that the check watches, or a phrase of its message
# (checks.logs.signatures; where the class is a common one, its phrase is enough).
MARKS = (
    r"(?:ModuleNotFound|Import|Name|UnboundLocal|Syntax|Indentation|Tab)Error"
    r"|No module named|is not defined|free variable|local variable|cannot import name|has no attribute"
    r"|cannot access submodule|relative import|ound: Table|[Mm]issing (?:optional )?dependency"
    r"|insertAll\S*: Table |cannot open shared object"
)
MAX_ENTRIES = 5_000
MAX_SEEN = 10_000
_TABLE = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*\.)?[A-Za-z0-9_]+\.[A-Za-z0-9_-]+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000_000
# Entries may bear a time up to a day ahead (LogEntry.timestamp).
_AHEAD = timedelta(days=1)

# Columns of the answer, and what of the table each is. JSON comes as text: clients and servers differ in what they make
# of a JSON column. TO_JSON_STRING(NULL) is the text "null".
_COLUMNS = {
    "insert_id": "t.insert_id",
    "log_name": "t.log_name",
    "severity": "t.severity",
    "trace": "t.trace",
    "span_id": "t.span_id",
    "written": "COALESCE(t.timestamp_unix_nanos, UNIX_MICROS(t.timestamp) * 1000)",
    "received": "COALESCE(t.receive_timestamp_unix_nanos, UNIX_MICROS(t.receive_timestamp) * 1000)",
    "resource_type": "t.resource.type",
    "resource_labels": "TO_JSON_STRING(t.resource.labels)",
    "entry_labels": "TO_JSON_STRING(t.labels)",
    "text_payload": "t.text_payload",
    "json_text": "CASE WHEN t.json_payload IS NULL THEN NULL ELSE TO_JSON_STRING(t.json_payload) END",
    "proto_type": "t.proto_payload.type",
    "audit_code": "t.proto_payload.audit_log.status.code",
    "audit_message": "t.proto_payload.audit_log.status.message",
    "audit_method": "t.proto_payload.audit_log.method_name",
    "audit_service": "t.proto_payload.audit_log.service_name",
    "audit_resource": "t.proto_payload.audit_log.resource_name",
    "audit_who": "t.proto_payload.audit_log.authentication_info.principal_email",
    "operation_first": "t.operation.first",
    "operation_last": "t.operation.last",
    "request_method": "t.http_request.request_method",
    "request_url": "t.http_request.request_url",
    "request_status": "t.http_request.status",
    "latency_seconds": "t.http_request.latency.seconds",
    "latency_nanos": "t.http_request.latency.nanos",
    "source_file": "t.source_location.file",
    "source_line": "t.source_location.line",
    "source_function": "t.source_location.function",
    "split_uid": "t.split.uid",
    "split_index": "t.split.index",
    "split_total": "t.split.total_splits",
    "service": (
        "REPLACE(LOWER(COALESCE(JSON_VALUE(t.resource.labels, '$.service_name'),"
        " JSON_VALUE(t.resource.labels, '$.function_name'), JSON_VALUE(t.resource.labels, '$.job_name'),"
        " JSON_VALUE(t.labels, '$.\"goog-drz-cloudfunctions-id\"'), '')), '_', '-')"
    ),
    "place": (
        "COALESCE(JSON_VALUE(t.labels, '$.instanceId'), JSON_VALUE(t.labels, '$.instance_id'),"
        " JSON_VALUE(t.labels, '$.execution_id'), '')"
    ),
}


@dataclass(frozen=True, slots=True)
class _Cursor:
    """``since``: nanoseconds of receipt up to which all was given. ``behind``: the last answer was cut there.

    ``seen``: digest of an entry that was given -> second of the read that last met it.
    """

    since: int
    behind: bool
    seen: Mapping[str, int]

    def as_json(self) -> JsonValue:
        return {"since": self.since, "behind": self.behind, "seen": dict(self.seen)}


class LogAnalytics:
    """The log source over a Log Analytics view.

    Entries are given once, in the order in which they were written. The same entry met again is recognised for
    ``remember`` and among the last ``MAX_SEEN``; the check has a memory of its own behind it.

    :param table: ``project.dataset._AllLogs``, a view of a linked dataset (not ``project.region.bucket.view``, which
        only Logging's own pages understand).
    :param functions: the functions to look at, by any spelling of their names; None: all functions, services and jobs.
    :param patterns: further RE2 patterns (the user's own signatures) whose entries are wanted.
    :param look_back: how far the first read goes back.
    :param overlap: entries become visible to queries some time after their receipt: this much is looked at again.
    :param lateness: how long after they were written entries may be received; it decides how much of the table, which
        is partitioned by ``timestamp``, a query scans.
    :param around: how far from a marked entry its neighbours may have been written.
    :param step: the longest span of receipt that one read covers; a longer gap is read in several, oldest first.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        table: str,
        functions: tuple[str, ...] | None,
        *,
        patterns: Sequence[str] = (),
        look_back: timedelta = timedelta(hours=1),
        overlap: timedelta = timedelta(minutes=5),
        lateness: timedelta = timedelta(hours=1),
        around: timedelta = timedelta(seconds=10),
        step: timedelta = timedelta(hours=6),
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        if not _TABLE.fullmatch(table):
            raise SourceError(
                f"Not the name of a Log Analytics view in BigQuery: {table!r}.",
                kind="invalid",
                remedy="Link a dataset to the log bucket, and write project.dataset._AllLogs.",
            )
        self._warehouse = warehouse
        self._table = table
        self._services = None if functions is None else sorted({normal_service(name) for name in functions})
        self._marks = "|".join((MARKS, *(f"(?:{pattern})" for pattern in patterns)))
        self._look_back = look_back
        self._overlap = overlap
        self._lateness = lateness
        self._around = _nanos(around)
        self._step = _nanos(step)
        self._max_entries = max_entries
        self._remember = max(2 * overlap, timedelta(hours=1))

    def read(self, cursor: JsonValue, until: datetime) -> LogBatch:
        """New entries received by ``until``, as ``checks.ports.LogSource`` says.

        At most ``max_entries`` of them, and of at most ``step``; what is left is named in ``evidence.unseen`` and comes
        with the next read, oldest first.

        :raises SourceError: as the warehouse does.
        """
        end = (utc(until) - _EPOCH) // timedelta(microseconds=1) * 1_000
        known = _known(cursor) or _Cursor(since=end - _nanos(self._look_back), behind=False, seen={})
        end = max(end, known.since)
        to = min(end, known.since + self._step)
        result = self._warehouse.query(self._sql(), self._params(known, to), label="function_logs")
        rows = sorted(result.rows, key=lambda row: (int(row["received"]), row["insert_id"] or ""))
        unseen = []
        reached = to
        if len(rows) > self._max_entries:
            rows, reached, lost = self._cut(rows, known.since, to)
            unseen.append(_cut_sentence(self._max_entries, reached + 1, lost=lost))
        elif to < end:
            unseen.append(f"entries received after {stamp(_moment(to))} are not read yet; they come with the next read")
        entries, seen = self._new(rows, known.seen, reached)
        return LogBatch(
            entries=entries,
            malformed=0,
            cursor=_Cursor(since=reached, behind=reached < to, seen=seen).as_json(),
            evidence=Evidence(
                window=Window(start=_moment(known.since), end=_moment(reached)) if reached > known.since else None,
                counts={"entries": len(entries), "rows": len(rows)},
                queries=1,
                bytes_billed=result.bytes_billed,
                unseen=tuple(unseen),
            ),
        )

    def _params(self, known: _Cursor, to: int) -> dict[str, Any]:
        overlapped = known.since - _nanos(self._overlap)
        params: dict[str, Any] = {
            "oldest": _moment(overlapped) - self._lateness,
            "newest": _moment(to) + _AHEAD,
            # Where the last answer was cut, what it held must not come again, or there would be no progress.
            "new_after": known.since if known.behind else overlapped,
            "marked_after": overlapped,
            "until": to,
            "types": list(RESOURCE_TYPES),
            "marks": self._marks,
            "deploys": DEPLOYS,
        }
        if self._services is not None:
            params["services"] = self._services
        return params

    def _sql(self) -> str:
        columns = ", ".join(f"{what} AS {name}" for name, what in _COLUMNS.items())
        names = ", ".join(_COLUMNS)
        chosen = "" if self._services is None else " WHERE service IN UNNEST(@services)"
        near = (
            "OVER (PARTITION BY service, place ORDER BY written"
            f" RANGE BETWEEN {self._around} PRECEDING AND {self._around} FOLLOWING)"
        )
        return (
            f"WITH looked_at AS (SELECT {columns} FROM `{self._table}` AS t"
            # Both ends are constants on the partition column.
            " WHERE t.timestamp >= @oldest AND t.timestamp < @newest AND t.resource.type IN UNNEST(@types)),"
            " judged AS (SELECT *,"
            # A part of an entry that was too large may hold half of a mark.
            " (split_uid IS NOT NULL"
            " OR REGEXP_CONTAINS(COALESCE(text_payload, json_text, audit_message, ''), @marks)) AS marked,"
            " (proto_type IS NOT NULL AND REGEXP_CONTAINS(COALESCE(audit_method, ''), @deploys)) AS deployed,"
            " (COALESCE(request_status, 0) BETWEEN 1 AND 399"
            " OR STARTS_WITH(COALESCE(text_payload, ''), 'Function execution took')"
            " OR (resource_type = 'cloud_run_job' AND REGEXP_CONTAINS(COALESCE(text_payload, audit_message, ''),"
            " r'ontainer called exit\\(0\\)|completed successfully'))) AS ran"
            f" FROM looked_at{chosen}),"
            " placed AS (SELECT *,"
            f" MAX(CASE WHEN marked AND received > @marked_after THEN 1 ELSE 0 END) {near} AS near,"
            f" MAX(CASE WHEN marked AND received > @new_after THEN 1 ELSE 0 END) {near} AS near_new,"
            " ROW_NUMBER() OVER (PARTITION BY service, ran ORDER BY written DESC, insert_id) AS nth"
            " FROM judged WHERE received <= @until)"
            f" SELECT {names} FROM placed"
            " WHERE near_new = 1 OR (received > @new_after AND (near = 1 OR deployed OR (ran AND nth = 1)))"
            f" ORDER BY received, insert_id LIMIT {self._max_entries + 1}"
        )

    def _cut(self, rows: list[Mapping[str, Any]], since: int, to: int) -> tuple[list[Mapping[str, Any]], int, bool]:
        """The rows to take of too many, up to where they were received, and whether the rest is lost."""
        first_left = int(rows[self._max_entries]["received"])
        kept = [row for row in rows[: self._max_entries] if int(row["received"]) < first_left]
        if first_left - 1 > since:
            return kept, first_left - 1, False
        # Nothing newer than before would come of it, now or next time: go on without the rest.
        return rows[: self._max_entries], to, True

    def _new(
        self, rows: Sequence[Mapping[str, Any]], seen: Mapping[str, int], reached: int
    ) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """The entries that were not given before, in the order of writing; and the memory with them."""
        now = reached // _SECOND
        oldest = now - int(self._remember.total_seconds())
        memory = {key: at for key, at in seen.items() if at >= oldest}
        found: list[tuple[int, str, dict[str, Any]]] = []
        for row in rows:
            key = _digest(row)
            if key not in memory:
                found.append((int(row["written"]), row["insert_id"] or "", _entry(row)))
            memory.pop(key, None)  # to the end, where the young ones are
            memory[key] = now
        found.sort(key=lambda one: one[:2])
        return [entry for _, _, entry in found], dict(list(memory.items())[-MAX_SEEN:])


def _known(cursor: JsonValue) -> _Cursor | None:
    match cursor:
        case {"since": int(since), "behind": bool(behind), "seen": dict(seen)}:
            return _Cursor(since, behind, {key: at for key, at in seen.items() if isinstance(at, int)})
        case _:
            return None


def _cut_sentence(limit: int, first_left: int, *, lost: bool) -> str:
    if lost:
        return f"more than {limit} entries belong together; those beyond are not read"
    return (
        f"more than {limit} entries: those received from {stamp(_moment(first_left))} on are not read yet;"
        " they come with the next read"
    )


def _digest(row: Mapping[str, Any]) -> str:
    said = "" if row["insert_id"] else f"\0{row['text_payload']}\0{row['json_text']}"
    identity = f"{row['insert_id']}\0{row['written']}\0{row['log_name']}{said}"
    return blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as ``gcloud logging read --format=json`` prints the entry. Of an audit record only what is asked for."""
    audit = {
        "@type": row["proto_type"],
        "status": _filled({"code": row["audit_code"], "message": row["audit_message"]}),
        "methodName": row["audit_method"],
        "serviceName": row["audit_service"],
        "resourceName": row["audit_resource"],
        "authenticationInfo": _filled({"principalEmail": row["audit_who"]}),
    }
    request = {
        "requestMethod": row["request_method"],
        "requestUrl": row["request_url"],
        "status": row["request_status"],
        "latency": _latency(row["latency_seconds"], row["latency_nanos"]),
    }
    line = row["source_line"]
    # int64 is text in the JSON of protocol buffers.
    source = {"file": row["source_file"], "line": line and str(line), "function": row["source_function"]}
    split = {"uid": row["split_uid"], "index": row["split_index"], "totalSplits": row["split_total"]}
    return _filled(
        {
            "insertId": row["insert_id"],
            "labels": _object(row["entry_labels"]),
            "logName": row["log_name"],
            "receiveTimestamp": _rfc3339(int(row["received"])),
            "resource": _filled({"type": row["resource_type"], "labels": _object(row["resource_labels"])}),
            "severity": None if row["severity"] == "DEFAULT" else row["severity"],
            "textPayload": row["text_payload"],
            "jsonPayload": _object(row["json_text"]),
            "operation": _filled({"first": row["operation_first"] or None, "last": row["operation_last"] or None}),
            "protoPayload": _filled(audit),
            "httpRequest": _filled(request) if row["request_status"] or row["request_method"] else None,
            "sourceLocation": _filled(source),
            "split": _filled(split) if row["split_uid"] else None,
            "timestamp": _rfc3339(int(row["written"])),
            "trace": row["trace"],
            "spanId": row["span_id"],
        }
    )


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "", {})}


def _object(text: str | None) -> dict[str, Any] | None:
    """A JSON object from its text; None for anything else."""
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _latency(seconds: int | None, nanos: int | None) -> str | None:
    if seconds is None and nanos is None:
        return None
    fraction = f"{nanos or 0:09d}".rstrip("0")
    return f"{seconds or 0}.{fraction}s" if fraction else f"{seconds or 0}s"


def _rfc3339(nanos: int) -> str:
    """With no, three, six or nine digits of a second, as the JSON of protocol buffers has them."""
    whole = (_EPOCH + timedelta(seconds=nanos // _SECOND)).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f"{nanos % _SECOND:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{whole}.{digits}Z" if digits else f"{whole}Z"


def _nanos(span: timedelta) -> int:
    return span // timedelta(microseconds=1) * 1_000


def _moment(nanos: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanos // 1_000)
