"""The shipped signals: the texts that each of them finds, and texts that only look like them."""

from __future__ import annotations

from typing import Any

import pytest

from checks.logs.failures import scan
from checks.logs.shipped_signals import SHIPPED
from checks.logs.signals import MAX_CAPTURED, MAX_MINUTES
from checks.logs.signatures import compile_signatures
from tests.checks.logs.corpus import CASES
from tests.checks.logs.entries import entry, lines, request

ALL = compile_signatures({rule.name: rule.pattern for rule in SHIPPED})


def found(*entries: dict[str, Any]) -> list[tuple[str, dict[str, tuple[str, ...]]]]:
    """Names and captured fields, by all shipped patterns at once, those that are off too."""
    return [(signal.signature, dict(signal.captured)) for signal in scan(entries, signatures=ALL).signals]


TEXTS: list[tuple[str, str, dict[str, tuple[str, ...]]]] = [
    (
        "quota_exceeded",
        "403 Quota exceeded: Your table exceeded quota for imports or query appends per table",
        {"what": ("imports or query appends per table",)},
    ),
    (
        "quota_exceeded",
        "429 Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute' of service",
        {"metric": ("Read requests",)},
    ),
    ("quota_exceeded", "You exceeded your current quota, please check your plan", {}),
    ("quota_exceeded", "400 Exceeded rate limits: too many table update operations for this table", {}),
    ("quota_exceeded", 'insert failed: [{"reason": "quotaExceeded"}]', {}),
    ("quota_exceeded", "reason: rateLimitExceeded, location: table.write", {}),
    ("quota_exceeded", "ERROR:root:BigQuery quota exceeded, row is lost", {}),
    ("quota_exceeded", "ResourceExhausted: 429 Resource has been exhausted (e.g. check quota).", {}),
    ("quota_exceeded", "503 Quota 'CPUS' exceeded. Limit: 24.0 in region us-west2.", {}),
    ("quota_exceeded", "429 Too Many Requests for url: https://sheets.googleapis.com/v4/spreadsheets", {}),
    ("quota_exceeded", '<HttpError 403 when requesting https://x returned "User Rate Limit Exceeded">', {}),
    (
        "permission_denied",
        '<HttpError 403 when requesting https://x returned "The caller does not have permission">',
        {},
    ),
    (
        "permission_denied",
        "403 Access Denied: BigQuery BigQuery: Permission denied while getting Drive credentials.",
        {},
    ),
    ("permission_denied", "psycopg2.errors.InsufficientPrivilege: permission denied for table games", {}),
    ("permission_denied", "google.api_core.exceptions.Forbidden: 403 Access Denied: Table a:b.c: User has none", {}),
    (
        "permission_denied",
        "Access Denied: Project p-1: User does not have bigquery.jobs.create permission in project p-1",
        {},
    ),
    (
        "permission_denied",
        "403 GET https://storage.googleapis.com/storage/v1/b/x: s@p.iam does not have storage.objects.get access to x",
        {"missing": ("storage.objects.get",)},
    ),
    (
        "permission_denied",
        "403 Permission 'pubsub.topics.publish' denied on resource (or it may not exist).",
        {"permission": ("pubsub.topics.publish",)},
    ),
    (
        "permission_denied",
        "Permission 'secretmanager.versions.access' denied for resource 'projects/p/secrets/s'",
        {"permission": ("secretmanager.versions.access",)},
    ),
    ("permission_denied", "google.api_core.exceptions.PermissionDenied: 403 Missing or insufficient permissions.", {}),
    ("permission_denied", "\tstatus = StatusCode.PERMISSION_DENIED", {}),
    ("permission_denied", "401 Request had invalid authentication credentials. Expected OAuth 2 access token", {}),
    ("permission_denied", "google.auth.exceptions.RefreshError: ('invalid_grant: Invalid JWT Signature.', {})", {}),
    ("not_authenticated", "The request was not authenticated. Either allow unauthenticated invocations or set", {}),
    ("not_authenticated", "The request was not authorized to invoke this service.", {}),
    (
        "out_of_memory",
        "[2026-01-26 09:07:04] [1] [ERROR] Worker (pid:7) was sent SIGKILL! Perhaps out of memory?",
        {},
    ),
    (
        "out_of_memory",
        "Memory limit of 512 MiB exceeded with 515 MiB used. Consider increasing the memory limit",
        {"limit": ("512 MiB",)},
    ),
    ("out_of_memory", "Memory limit of 953M exceeded with 967M used.", {"limit": ("953M",)}),
    ("out_of_memory", "Function invocation was interrupted. Error: memory limit exceeded.", {}),
    (
        "out_of_memory",
        "While handling this request, the container instance was found to be using too much memory and was terminated.",
        {},
    ),
    ("out_of_memory", "Exceeded soft memory limit of 256 MB with 259 MB after servicing 12 requests total.", {}),
    ("out_of_memory", "Container terminated on signal 9.", {}),
    ("out_of_memory", "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 3.05 GiB for an array", {}),
    ("worker_timeout", "[2026-01-26 09:07:04 +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:7)", {}),
    (
        "worker_timeout",
        "The request has been terminated because it has reached the maximum request timeout.",
        {},
    ),
    (
        "worker_timeout",
        "Function execution took 60002 ms, finished with status: 'timeout'",
        {"milliseconds": ("60002",)},
    ),
    (
        "worker_timeout",
        "Function execution took 540141 ms. Finished with status: timeout",
        {"milliseconds": ("540141",)},
    ),
    ("worker_timeout", "Terminating task because it has reached the maximum timeout of 600 seconds.", {}),
    (
        "sql_does_not_fit",
        "400 Unrecognized name: game_dat; Did you mean game_date? at [3:7]",
        {"name": ("game_dat",)},
    ),
    (
        "sql_does_not_fit",
        "404 Not found: Dataset nba-props-platform:nba_orchestratoin was not found in location US",
        {"dataset": ("nba-props-platform:nba_orchestratoin",)},
    ),
    ("sql_does_not_fit", "JSON parsing error: No such field: home_team.", {"field": ("home_team",)}),
    ("sql_does_not_fit", "[{'reason': 'invalid', 'location': 'breed', 'message': 'no such field.'}]", {}),
    ("sql_does_not_fit", "400 Name game_dat not found inside t at [1:8]", {"column": ("game_dat",)}),
    ("sql_does_not_fit", "400 Provided Schema does not match Table p:d.t. Cannot add fields (field: x)", {}),
    ("sql_does_not_fit", "400 Query column 3 has type STRING which cannot be inserted into column x, which has", {}),
    ("sql_does_not_fit", "400 Syntax error: Unexpected keyword FROM at [1:8]", {}),
    ("sql_does_not_fit", 'psycopg2.errors.UndefinedColumn: column "x" does not exist', {}),
    ("alert_not_delivered", "WARNING:alerts:no SLACK_WEBHOOK_URL, cannot send alert", {}),
    ("alert_not_delivered", "SLACK_WEBHOOK_URL_ERROR not set", {}),
    ("alert_not_delivered", "Slack webhook URL not configured, skipping notification", {}),
    (
        "alert_not_delivered",
        "The server responded with: {'ok': False, 'error': 'not_in_channel'}",
        {"api": ("not_in_channel",)},
    ),
    ("alert_not_delivered", "HTTPSConnectionPool(host='hooks.slack.com', port=443): Max retries exceeded", {}),
    ("alert_not_delivered", "SLACK_WEBHOOK_URL not configured; skipping Slack notification", {}),
    ("alert_not_delivered", "SLACK_WEBHOOK_URL environment variable is not set", {}),
    ("alert_not_delivered", "Slack answered: invalid_payload", {"answer": ("invalid_payload",)}),
    ("alert_not_delivered", "Slack webhook failed: 404 no_service", {"status": ("404",)}),
    ("alert_not_delivered", "body: no_service", {"answer": ("no_service",)}),
    ("alert_not_delivered", "Failed to send Slack alert: HTTP 403", {"status": ("403",)}),
    ("alert_not_delivered", "Slack notification failed with status code 400", {"status": ("400",)}),
    (
        "alert_not_delivered",
        "404 Client Error: Not Found for url: https://hooks.slack.com/services/T0/B0/x",
        {"refused": ("404",)},
    ),
    (
        "alert_not_delivered",
        'https://hooks.slack.com:443 "POST /services/T0/B0/x HTTP/1.1" 410 22',
        {"http": ("410",)},
    ),
    (
        "no_available_instance",
        "The request was aborted because there was no available instance. Additional troubleshooting",
        {},
    ),
    (
        "concurrent_update",
        "400 Could not serialize access to table p:d.t due to concurrent update; reason: invalidQuery",
        {"table": ("p:d.t",)},
    ),
    ("container_exit", "Container called exit(3).", {"code": ("3",)}),
    (
        "write_failed",
        "Firestore write failed for phase3/2026-01-25/player_game_summary: deadline exceeded",
        {"what": ("Firestore",), "row": ("phase3/2026-01-25/player_game_summary",)},
    ),
    ("write_failed", "BigQuery backup write failed (non-blocking): 503", {"what": ("BigQuery",)}),
    (
        "write_failed",
        "Both Firestore and BigQuery writes failed for phase3/2026-01-25",
        {"what": ("BigQuery",), "row": ("phase3/2026-01-25",)},
    ),
]


@pytest.mark.parametrize(("name", "text", "captured"), TEXTS)
def test_a_text_is_found_by_its_signal_and_by_no_other(name: str, text: str, captured: dict[str, Any]) -> None:
    """With the fields that its named groups capture."""
    assert found(entry(text)) == [(name, captured)]


def test_every_shipped_signal_has_a_text_and_says_why() -> None:
    """On or off, with the reason in its first word."""
    assert sorted({name for name, _, _ in TEXTS}) == sorted(rule.name for rule in SHIPPED)
    for rule in SHIPPED:
        assert (rule.reason or "").partition(": ")[0] == ("on" if rule.enabled else "off")


@pytest.mark.parametrize(
    "text",
    [
        "quota usage is at 80 percent",
        "StatusCode.RESOURCE_EXHAUSTED: Received message larger than max (5242880 vs. 4194304)",
        "PermissionError: [Errno 13] Permission denied: '/workspace/cache'",
        "403 Client Error: Forbidden for url: https://stats.nba.com/stats/boxscore",
        "401 Client Error: Unauthorized for url: https://api.the-odds-api.com/v4",
        "got 403 rows, permission granted",
        "the request was authenticated",
        "memory limit is 512 MiB, 200 MiB used",
        "worker timeout is set to 60 seconds",
        "Function execution took 412 ms, finished with status: 'ok'",
        "Function execution took 60002 ms, finished with status: 'crash'",
        "unrecognized name tag in the page",
        "Not found: file a.csv",
        "there is no such fielder on the team",
        "SLACK_WEBHOOK_URL is set, sending",
        "Slack webhook answered with status 200 in 412 ms",
        "sent 404 rows to the Slack channel",
        "uses no_service_account",
        "checked for an available instance",
        "could serialize access",
        "Container called exit(0).",
        "nothing failed, the writer wrote",
        "the rewrites failed_count is 0",
        "no SLACK_WEBHOOK_URLS",
        "quota exceeded: no",
        "0 quota exceeded errors today",
        "PERMISSION_DENIED handler registered",
        "Function execution took 412 ms. Finished with status: ok",
        "pip: Name x not found",
        "user_not_found and not_in_channel are ignored",
        "SyntaxError: Unexpected token",
    ],
)
def test_a_text_that_only_looks_like_one_is_none(text: str) -> None:
    """Other sites' answers, settings, counts."""
    assert found(entry(text)) == []


def test_the_platform_s_own_entries_are_read() -> None:
    """What kills a function stands in the system log, why a request was refused in the request's entry."""
    system = entry(
        "Memory limit of 256 MiB exceeded with 260 MiB used.",
        logName="projects/p/logs/run.googleapis.com%2Fvarlog%2Fsystem",
    )
    refused = request(429, 1, textPayload="The request was aborted because there was no available instance.")
    audit = entry(None, 2, protoPayload={"status": {"message": "403 Access Denied: Table a:b.c"}})
    assert [name for name, _ in found(system, refused, audit)] == [
        "no_available_instance",
        "out_of_memory",
        "permission_denied",
    ]


@pytest.mark.parametrize("severity", ["DEFAULT", "DEBUG", "INFO", "ERROR", "CRITICAL"])
def test_a_signal_is_found_whatever_the_severity(severity: str) -> None:
    """Swallowed errors are logged at any."""
    assert found(entry("403 Quota exceeded: x", severity=severity)) == [("quota_exceeded", {})]


def test_a_line_that_names_a_failure_is_no_signal_too() -> None:
    """The recorder's words around an exception; another line of the same entry is looked at."""
    swallowed = "Firestore write failed for phase3/2026-01-25/x: name 'firestore' is not defined"
    assert found(entry(swallowed, severity="ERROR")) == []
    assert [f.name for f in scan([entry(swallowed, severity="ERROR")], signatures=ALL).failures] == ["firestore"]
    assert found(entry("write failed: 404 Not found: Table p:d.t was not found", severity="ERROR")) == []
    assert found(entry(f"{swallowed}\nFirestore write failed for y: 503")) == [
        ("write_failed", {"what": ("Firestore",), "row": ("y",)})
    ]


def test_what_is_known_of_a_signal() -> None:
    """Count, times, executions, minutes, the first few captured values, the line from the match on."""
    labels = {"instanceId": "00", "execution_id": "b1"}
    stream = [
        entry(f"x: Unrecognized name: n{n}; so\nmore", n * 30.0, n, labels=labels | {"execution_id": f"e{n % 2}"})
        for n in (6, 5, 4, 3, 2, 1, 0)
    ]
    (signal,) = scan(stream, signatures=ALL).signals
    assert (signal.signature, signal.service, signal.revision) == (
        "sql_does_not_fit",
        "daily-import",
        "daily-import-00001-abc",
    )
    assert (signal.count, signal.execution_ids, signal.sample) == (7, ("e0", "e1"), "Unrecognized name: n0; so")
    assert (signal.last_seen - signal.first_seen).total_seconds() == 180
    assert signal.captured == {"name": ("n6", "n5", "n4", "n3", "n2")}
    assert len(signal.captured["name"]) == MAX_CAPTURED
    assert [minute.count for minute in signal.minutes.values()] == [2, 2, 2, 1]


def test_an_entry_delivered_twice_counts_once() -> None:
    """In one reading, and where it was noted in an earlier one."""
    one, other = entry("Quota exceeded", 1, 1), entry("Quota exceeded", 1, 2)
    first = scan([one, one], signatures=ALL)
    assert [signal.count for signal in first.signals] == [1]
    assert [signal.count for signal in scan([one, other], signatures=ALL, seen=first.noted).signals] == [1]


def test_a_text_that_is_no_unicode_is_read_too() -> None:
    """JSON may hold half of a surrogate pair; RE2 takes UTF-8 only."""
    assert found(entry("\ud800 Quota exceeded \udfff")) == [("quota_exceeded", {})]


def test_memory_is_bounded() -> None:
    """Times of any range."""
    stream = [entry("Quota exceeded", n * 60.0, n) for n in range(MAX_MINUTES + 100)]
    (signal,) = scan(stream, signatures=ALL).signals
    assert (signal.count, len(signal.minutes)) == (MAX_MINUTES + 100, MAX_MINUTES)


def test_other_exceptions_are_errors_and_no_failures() -> None:
    """With where they were raised in the application, once however often they were logged."""
    traceback = """Traceback (most recent call last):
  File "/workspace/main.py", line 8, in handle
    Store(rows, retries=3)
  File "/layers/google.python.pip/pip/lib/python3.11/site-packages/x.py", line 3, in check
    raise TypeError
TypeError: Store.__init__() got an unexpected keyword argument 'retries'"""
    stream = [
        *lines(f"ERROR:root:could not store\n{traceback}", 1),
        entry(f"ERROR in app: Exception on / [POST]\n{traceback}", 9),
        entry("ValueError: without a traceback", 20),
        entry('Traceback (most recent call last):\n  File "/workspace/m.py", line 1, in f\nSystemExit: 1', 30),
    ]
    result = scan(stream)
    assert result.failures == ()
    (error,) = result.errors
    assert (error.exception, error.kind, error.service, error.count, error.handled) == (
        "TypeError",
        "error",
        "daily-import",
        2,
        False,
    )
    assert (error.file, error.line, error.function) == ("/workspace/main.py", 8, "handle")
    assert error.fingerprint == "log:daily-import:TypeError:handle():main.py"
    assert error.message == "Store.__init__() got an unexpected keyword argument 'retries'"


def test_the_samples_hold_these_other_errors() -> None:
    """Found beside the labelled failures, which stay as they are; a group is no error, its members are."""
    found = {case: [e.fingerprint for e in scan(entries).errors] for case, entries in CASES.items()}
    assert {case: errors for case, errors in found.items() if errors} == {
        "dev-032": ["log:mail-digest:ValueError:_c():digest/compose.py"],
        "dev-056": ["log:thumb-maker:KeyError:make_thumb():main.py"],
        "dev-057": ["log:mail-digest:ValueError:send_digest():main.py"],
        "dev-058": ["log:invoice-closer:AttributeError:record_closing():billing/closer.py"],
    }


@pytest.mark.parametrize(("file", "ending"), [("/workspace/", "?"), ("a.py:", "a.py"), (":", "?")])
def test_the_fingerprint_of_an_error_never_ends_in_a_colon(file: str, ending: str) -> None:
    """That would make it a message that joins another fault."""
    (error,) = scan([entry(f'Traceback (most recent call last):\n  File "{file}", line 1, in f\nValueError: x')]).errors
    assert error.fingerprint == f"log:daily-import:ValueError:f():{ending}"
