"""What structured loggers, frameworks and the platform make of an exception."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.logs.failures import scan
from tests.checks.logs.corpus import FOLDER
from tests.checks.logs.entries import entry, lines, summary

TRACEBACK = """Traceback (most recent call last):
  File "/workspace/main.py", line 8, in handle
    return store.save(row)
           ^^^^^^^^^^^^^^^
  File "/workspace/shared/store.py", line 43, in save
    at = firestore.SERVER_TIMESTAMP
         ^^^^^^^^^
NameError: name 'firestore' is not defined"""
FOUND = ("NameError", "firestore", "/workspace/shared/store.py", 43, 1)
HANDLED, UNHANDLED = [(*FOUND, True)], [(*FOUND, False)]

RECORDS: dict[str, dict[str, Any]] = {
    "python-json-logger": {"message": "save failed", "exc_info": TRACEBACK, "levelname": "ERROR"},
    "structlog text": {"event": "save failed", "level": "error", "exception": TRACEBACK},
    "error reporting": {"message": "save failed", "stack_trace": TRACEBACK},
    "traceback in the message": {"message": "save failed\n" + TRACEBACK, "logger": "x"},
    "loguru": {
        "text": "2026-01-26 09:07:04 | ERROR | m:f:1 - save failed\n" + TRACEBACK,
        "record": {"level": {"name": "ERROR"}, "exception": {"type": "NameError", "value": "name 'firestore'"}},
    },
    "ECS": {"message": "save failed", "error": {"type": "NameError", "message": "x", "stack_trace": TRACEBACK}},
    "ECS, frames alone": {
        "message": "save failed",
        "error": {
            "type": "NameError",
            "message": "name 'firestore' is not defined",
            "stack_trace": "\n".join(TRACEBACK.split("\n")[1:-1]),
        },
    },
    "ECS, flat": {
        "log.level": "error",
        "error.type": "NameError",
        "error.message": "name 'firestore' is not defined",
        "error.stack_trace": "\n".join(TRACEBACK.split("\n")[1:-1]),
    },
    "OpenTelemetry": {
        "body": "save failed",
        "attributes": {
            "exception.type": "NameError",
            "exception.message": "name 'firestore' is not defined",
            "exception.stacktrace": TRACEBACK,
        },
    },
    "a list of lines": {"message": "save failed", "traceback": [line + "\n" for line in TRACEBACK.split("\n")]},
}


@pytest.mark.parametrize("logger", list(RECORDS))
def test_a_structured_record_is_a_handled_failure(logger: str) -> None:
    """Each logger's own field for the exception is read."""
    assert summary(scan([entry(jsonPayload=RECORDS[logger], severity="ERROR")]).failures) == HANDLED


def test_a_json_line_that_arrived_as_text_is_read() -> None:
    """Some set-ups do not lift JSON lines."""
    line = json.dumps({"level": "error", "event": "save failed", "exception": TRACEBACK})
    assert summary(scan([entry(line)]).failures) == HANDLED


def structlog_record(**fields: Any) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((FOLDER / "structlog.json").read_text(encoding="utf-8"))
    return record | fields


def test_structlogs_objects_are_read_like_the_traceback_they_stand_for() -> None:
    """``dict_tracebacks`` writes no traceback text; the root of the chain is the failure."""
    assert summary(scan([entry(jsonPayload=structlog_record())]).failures) == [
        ("ModuleNotFoundError", "not_deployed", "/workspace/main.py", 6, 1, True)
    ]


def test_what_is_logged_at_info_is_not_reported() -> None:
    """An optional dependency that is missing on purpose."""
    assert scan([entry(jsonPayload=structlog_record(level="info"))]).failures == ()


def test_user_text_in_other_fields_is_not_read() -> None:
    """A traceback that a user pasted is none of ours."""
    record = {"message": "ticket received", "body": TRACEBACK, "subject": "NameError: name 'x' is not defined"}
    assert scan([entry(jsonPayload=record, severity="ERROR")]).failures == ()


def test_an_error_field_without_traceback_is_a_message() -> None:
    """``{"message": ..., "error": str(exc)}``."""
    record = {"message": "write failed", "error": "name 'firestore' is not defined"}
    (failure,) = scan([entry(jsonPayload=record, severity="ERROR")]).failures
    assert (failure.exception, failure.name, failure.file, failure.handled) == ("NameError", "firestore", None, True)


FRAMEWORKS = [
    "[2026-01-26 09:07:04,789] ERROR in app: Exception on / [POST]",
    "Exception on / [POST]",
    "[2026-01-26 09:07:04 +0000] [2] [ERROR] Exception in worker process",
    "[2026-01-26 09:07:04 +0000] [2] [ERROR] Error handling request /",
    "ERROR:    Exception in ASGI application",
    "Exception in thread Thread-1 (work):",
    "ERROR:asyncio:Task exception was never retrieved",
    "Process ForkPoolWorker-1:",
    "ERROR:tornado.application:Uncaught exception GET / (127.0.0.1)\nHTTPServerRequest(protocol='http', uri='/')",
    "[2026-01-26 09:07:04 +0000] [7] [ERROR] Error in ASGI Framework",
    "[2026-01-26T09:07:04.960+0000] {taskinstance.py:1937} ERROR - Task failed with exception",
    "While trying to load the module tasks the following error occurred:",
    "ERROR:rq.worker:[Job 17]: exception raised while executing (shared.store.save)",
    "ERROR:slack_bolt.App:Failed to run listener function (error: name 'firestore' is not defined)",
]
OWN = [
    "ERROR:worker:could not finish r-17",
    "WARNING:root:cache disabled, going on without it",
    "2026-01-26 09:07:04,960 - worker - ERROR - r-17",
    "2026-01-26 09:07:04.960 | ERROR    | __main__:run:12 - r-17",
    "2026-01-26T09:07:04Z [error    ] r-17  [worker] row=17",
    "[E 260126 09:07:04 store:4] r-17",
    "ERROR:worker:could not finish\nrow: {'id': 17}\nwill not try again",
    "save failed for r-17",
    "Failed to write: name 'firestore' is not defined",
]


@pytest.mark.parametrize("spread", [lambda text: [entry(text)], lines], ids=["one", "lines"])
@pytest.mark.parametrize("carrier", FRAMEWORKS)
def test_a_framework_reports_what_nobody_caught(carrier: str, spread: Any) -> None:
    """A framework's line, or a line that has nothing to do with it, does not make a failure handled."""
    assert summary(scan(spread(f"{carrier}\n{TRACEBACK}")).failures) == UNHANDLED


@pytest.mark.parametrize("spread", [lambda text: [entry(text)], lines], ids=["one", "lines"])
@pytest.mark.parametrize("carrier", OWN)
def test_a_logger_or_the_codes_own_words_make_it_handled(carrier: str, spread: Any) -> None:
    """Caught, logged and swallowed."""
    assert summary(scan(spread(f"{carrier}\n{TRACEBACK}")).failures) == HANDLED


def test_a_crash_long_after_a_logged_line_is_not_handled() -> None:
    """What is printed at once before it is no part of that line's message."""
    stream = [entry("ERROR:worker:r-17 is odd", 0), entry("starting on r-18", 0.05), *lines(TRACEBACK, 0.051)]
    assert summary(scan(stream).failures) == UNHANDLED
    thread = lines(f"ERROR:worker:r-17 is odd\nException in thread Thread-1 (work):\n{TRACEBACK}")
    assert summary(scan(thread).failures) == UNHANDLED


def test_a_traceback_logged_at_info_is_not_reported_but_one_after_an_info_line_is() -> None:
    """One write of a logger is one entry; what stands in the entry before says something of its own."""
    assert summary(scan(lines(f"processing message 17\n{TRACEBACK}")).failures) == UNHANDLED
    assert summary(scan([entry(f"message 17\n{TRACEBACK}")]).failures) == HANDLED
    assert scan([entry(f"INFO:root:cannot use the fast codec\n{TRACEBACK}")]).failures == ()
    crash = TRACEBACK.replace("in handle", "in <module>")
    assert summary(scan(lines(f"INFO:root:processing message 17\n{crash}")).failures) == UNHANDLED
    assert scan(lines(f"INFO:root:no fast codec\n{TRACEBACK}")).failures == ()  # a function caught it
    assert scan(lines(f"INFO:root:ujson not installed, falling back\n{TRACEBACK}")).failures == ()


def test_the_outages_entry_is_a_handled_failure() -> None:
    """One entry holds the code's message and the traceback."""
    text = (
        "Firestore write failed for phase3/2026-01-25/player_game_summary: name 'firestore' is not defined\n"
        "Traceback (most recent call last):\n"
        '  File "/workspace/orchestration/shared/utils/completion_tracker.py", line 243, in _record_firestore\n'
        '    "completed_at": firestore.SERVER_TIMESTAMP\n'
        "NameError: name 'firestore' is not defined"
    )
    (failure,) = scan([entry(text, severity="ERROR")]).failures
    assert (failure.handled, failure.line, failure.count) == (True, 243, 1)
    assert failure.fingerprint == (
        "log:daily-import:NameError:firestore:orchestration/shared/utils/completion_tracker.py"
    )


def test_a_gen1_load_error_of_a_deployment_is_unhandled() -> None:
    """The audit record of the failed deployment holds the traceback."""
    status = (
        "Function failed on loading user code. Error message: Code in file main.py can't be loaded.\n"
        "Did you list all required modules in requirements.txt?\nDetailed stack trace: Traceback (most recent call "
        'last):\n  File "/env/local/lib/python3.7/site-packages/google/cloud/functions/worker.py", line 305, in '
        'check\n    exec_module(main)\n  File "<frozen importlib._bootstrap_external>", line 678, in exec_module\n'
        '  File "/user_code/main.py", line 3, in <module>\n    import pytz\nModuleNotFoundError: No module named '
        "'pytz'"
    )
    raw = entry(
        logName="projects/demo/logs/cloudaudit.googleapis.com%2Factivity",
        severity="ERROR",
        resource={"type": "cloud_function", "labels": {"function_name": "Load_Games"}},
        protoPayload={"status": {"code": 3, "message": status}},
    )
    (failure,) = scan([raw]).failures
    assert (failure.service, failure.revision, failure.file, failure.handled) == (
        "load-games",
        None,
        "/user_code/main.py",
        False,
    )


def test_parts_of_a_split_entry_are_joined() -> None:
    """An oversize entry arrives in parts, in any order; the first index is left out in JSON."""
    half = len(TRACEBACK) // 2
    parts = [
        entry(TRACEBACK[half:], 0, 2, split={"uid": "u1", "index": 1, "totalSplits": 2}),
        entry(TRACEBACK[:half], 0, 1, split={"uid": "u1", "totalSplits": 2}),
    ]
    assert summary(scan(parts).failures) == UNHANDLED


def test_a_loguru_traceback_is_read() -> None:
    """Blank lines between frames, a mark on the frame that caught it, values under the code."""
    text = """2026-01-26 09:07:04.960 | ERROR    | store:save:50 - save failed
Traceback (most recent call last):

  File "/workspace/main.py", line 8, in handle
    return store.save(row)
           │     │    └ {'id': 17}
           │     └ <function save at 0x7f>
           └ <module 'store'>

> File "/workspace/shared/store.py", line 43, in save
    at = firestore.SERVER_TIMESTAMP

NameError: name 'firestore' is not defined"""
    assert summary(scan([entry(text)]).failures) == HANDLED
    assert summary(scan(lines(text)).failures) == HANDLED


def test_a_rich_traceback_is_read() -> None:
    """A box with places instead of ``File`` lines."""
    text = """╭───────────────── Traceback (most recent call last) ─────────────────╮
│ /workspace/main.py:8 in handle                                      │
│                                                                     │
│ ❱ 8     return store.save(row)                                      │
│                                                                     │
│ /workspace/shared/store.py:43 in save                               │
│ ❱ 43     at = firestore.SERVER_TIMESTAMP                            │
╰─────────────────────────────────────────────────────────────────────╯
NameError: name 'firestore' is not defined"""
    assert summary(scan([entry(text)]).failures) == UNHANDLED
    assert summary(scan(lines(text)).failures) == UNHANDLED


def test_a_notebooks_traceback_is_read() -> None:
    """IPython's own layout, as notebooks that run as jobs print it."""
    text = """---------------------------------------------------------------------------
NameError                                 Traceback (most recent call last)
Cell In[1], line 3
      1 from shared import store
      2 def f(r): return store.save(r)
----> 3 f(1)

Cell In[1], line 2, in f(r)
----> 2 def f(r): return store.save(r)

File /workspace/shared/store.py:43, in save(row)
     42 def save(row):
---> 43     at = firestore.SERVER_TIMESTAMP

NameError: name 'firestore' is not defined"""
    for entries in ([entry(text)], lines(text)):
        assert summary(scan(entries).failures) == UNHANDLED
    above = text.partition("\n\nFile")[0] + "\n\nNameError: name 'firestore' is not defined"
    assert summary(scan([entry(above)]).failures) == [("NameError", "firestore", "Cell In[1]", 2, 1, False)]


def test_an_exception_written_in_pieces_is_read() -> None:
    """The interpreter writes class, colon and message one by one; with execution ids every write is an entry."""
    *frames, last = TRACEBACK.split("\n")
    exception, message = last.split(": ", 1)
    pieces = [*frames, exception, ": ", message, "\n"]
    assert summary(scan([entry(piece, n * 0.000_01, n) for n, piece in enumerate(pieces)]).failures) == UNHANDLED


def test_pythons_own_logging_errors_do_not_lend_their_stack() -> None:
    """The frames after ``Call stack:`` belong to no exception."""
    text = (
        "--- Logging error ---\nTraceback (most recent call last):\n"
        '  File "/usr/local/lib/python3.11/logging/__init__.py", line 1110, in emit\n    msg = self.format(record)\n'
        "TypeError: not all arguments converted during string formatting\nCall stack:\n"
        "  File \"/workspace/other.py\", line 3, in <module>\n    f()\nMessage: 'x'\nArguments: (1,)\n"
        "\n\n"
    )
    stream = [*lines(text), entry("NameError: name 'firestore' is not defined", 0.5)]
    assert summary(scan(stream).failures) == [("NameError", "firestore", None, None, 1, False)]


PRINTED: dict[str, str] = json.loads((FOLDER / "loggers.json").read_text(encoding="utf-8"))
NAME = ("NameError", "firestore", "/workspace/store.py", 2, 1)
MODULE = ("ModuleNotFoundError", "not_deployed", "/workspace/store.py", 6, 1)
RAISED = {"name": [NAME], "chain": [MODULE], "group": [MODULE, NAME]}


@pytest.mark.parametrize("printed", list(PRINTED))
def test_what_logging_libraries_print(printed: str) -> None:
    """An undefined name, a ``from`` chain, and a group of both; in one entry, as a record, and line by line."""
    raised, logger = printed.split(" ", 1)
    text = PRINTED[printed]
    handled = logger not in {"raise", "rich_install"}
    forms = [[entry(text)], [entry(jsonPayload=json.loads(text))] if text.startswith("{") else lines(text)]
    for form in forms:
        assert summary(scan(form).failures) == [(*one, handled) for one in RAISED[raised]]


@pytest.mark.parametrize(
    "prefix",
    ["ERROR:root:", "2026-01-26 09:07:04,960 - w - ERROR - ", "[2026-01-26 09:07:04 +0000] [7] [ERROR] ", "ERROR: "],
)
@pytest.mark.parametrize("spread", [lambda text: [entry(text)], lines], ids=["one", "lines"])
def test_a_logger_may_stand_before_every_line(spread: Any, prefix: str) -> None:
    """Code that logs a traceback line by line; the times in the prefix differ."""
    told = [f"{prefix.replace('960', str(960 + number))}{line}" for number, line in enumerate(TRACEBACK.split("\n"))]
    assert summary(scan(spread("\n".join(told))).failures) == HANDLED


@pytest.mark.parametrize("margin", ["worker_1  | ", "2026-01-26T09:07:04.960079Z stderr F "])
def test_the_name_of_a_container_before_every_line_is_no_logger(margin: str) -> None:
    """What a container runtime adds tells nothing of who caught what."""
    assert summary(scan(lines("\n".join(margin + line for line in TRACEBACK.split("\n")))).failures) == UNHANDLED


@pytest.mark.parametrize("text", [f"ERROR:root:failed: {TRACEBACK!r}", f"ERROR:root:failed: {json.dumps(TRACEBACK)}"])
def test_a_traceback_written_as_one_escaped_line(text: str) -> None:
    """As ``repr`` or a logfmt logger writes it."""
    assert summary(scan([entry(text)]).failures) == HANDLED


TRACEBACK_ONLY = {
    "AttributeError: Can't get attribute 'Model' on <module '__main__' from '/workspace/main.py'>": (
        "AttributeError",
        "Model",
    ),
    "ModuleNotFoundError: import of shared.x halted; None in sys.modules": ("ModuleNotFoundError", "shared.x"),
    "ModuleNotFoundError: spec not found for the module 'shared.x'": ("ModuleNotFoundError", "shared.x"),
    "ModuleNotFoundError: Standard library module 'tkinter' was not found": ("ModuleNotFoundError", "tkinter"),
    "ImportError: Failed to load rules: cannot import name 'rate' from 'billing' (/app/b.py)": ("ImportError", "rate"),
    "ImportError: bad magic number in 'shared': b''": ("ImportError", None),
}


@pytest.mark.parametrize("last", list(TRACEBACK_ONLY))
def test_words_that_tell_of_a_failure_only_after_a_traceback(last: str) -> None:
    """Unpickling, and imports in rare wordings or in the code's own; alone they may be anything."""
    text = TRACEBACK.replace("NameError: name 'firestore' is not defined", last)
    assert summary(scan([entry(text)]).failures) == [(*TRACEBACK_ONLY[last], *FOUND[2:], False)]
    attribute = TRACEBACK.replace("NameError: name", "AttributeError: Can't get attribute 'f' on <function g>:")
    assert scan([entry(attribute)]).failures == ()


@pytest.mark.parametrize("spread", [lambda text: [entry(text)], lines], ids=["one", "lines"])
def test_an_exception_may_have_a_traceback_for_a_message(spread: Any) -> None:
    """The library that raised it formatted the first one into its own; nobody caught either."""
    library = "/layers/p/lib/python3.11/site-packages/tensorflow/core.py"
    text = (
        'Traceback (most recent call last):\n  File "/workspace/main.py", line 3, in load\n    import tensorflow\n'
        f'  File "{library}", line 74, in <module>\n    raise ImportError(msg)\n'
        f'ImportError: Traceback (most recent call last):\n  File "{library}", line 58, in <module>\n'
        "ImportError: libcublas.so.9.0: cannot open shared object file: No such file or directory\n\n\n"
        "Failed to load the native TensorFlow runtime.\n"
    )
    assert summary(scan(spread(text)).failures) == [
        ("ImportError", "libcublas.so.9.0", "/workspace/main.py", 3, 1, False)
    ]


@pytest.mark.parametrize("spread", [lambda text: [entry(text)], lines], ids=["one", "lines"])
def test_the_long_message_of_an_import_is_one_failure(spread: Any) -> None:
    """As numpy words it, over many lines; what another line says of another break is not lost."""
    text = TRACEBACK.replace(
        "NameError: name 'firestore' is not defined",
        "ImportError: \n\nIMPORTANT: PLEASE READ THIS\n\nOriginal error was: No module named 'numpy.core._multiarray'",
    )
    one = ("ImportError", None, *FOUND[2:], False)
    assert summary(scan(spread(text)).failures) == [one]
    more = [*spread(text), entry("Failed to save: name 'x' is not defined", 0.001)]
    assert summary(scan(more).failures) == [one, ("NameError", "x", None, None, 1, True)]


def test_a_json_line_as_text_keeps_its_level() -> None:
    """INFO in the record is INFO, also where the platform did not lift it."""
    record = {"level": "info", "event": "no codec", "exception": TRACEBACK}
    assert scan([entry(json.dumps(record))]).failures == ()
