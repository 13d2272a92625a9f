"""Who carried a traceback into the log: a logger, the code's own message, or a framework that nobody asked."""

from __future__ import annotations

import re
from functools import lru_cache

from checks.logs.entry import LEVELS
from checks.logs.triggers import any_of

_LEVEL_WORD = re.compile(r"(?<![\w'\"./])(DEBUG|INFO|NOTICE|WARNING|WARN|ERROR|CRITICAL|FATAL|EXCEPTION)(?![\w'\"/])")
_LOWER_LEVEL = re.compile(
    r"(?:\[|\blevel=\"?)(debug|info|notice|warning|warn|error|critical|fatal|exception)\s{0,9}[\]\" ]"
    r"|^([Dd]ebug|[Ii]nfo|[Nn]otice|[Ww]arning|[Ww]arn): "
)
# Where a logger's prefix has its level: at the beginning, after a time and perhaps the logger's name.
_FIRST_LEVEL = re.compile(
    r"[\d\W]{0,40}(?:T[\d:.,+-]{5,25}Z?\W{0,5})?(?:[\w.-]{1,80} - )?(?:DEBUG|INFO|NOTICE|WARNING|WARN)(?=\W)"
)
_LETTER = re.compile(r"\[?([DIWEF])[ ]?\d{4,8}[ T]\d\d:\d\d:\d\d")  # ``[E 260126 09:07:04 main:4]``
_LETTERS = {"D": "DEBUG", "I": "INFO", "W": "WARNING", "E": "ERROR", "F": "FATAL"}
_LOOK_FOR_LEVEL = 160
# What frameworks, servers and the interpreter print of what nobody caught.
_FRAMEWORK_WORDS = (
    "Exception on ",
    "Exception in worker process",
    "Exception in ASGI application",
    "Error in ASGI Framework",
    "Exception in thread",
    "Exception in callback",
    "Exception in default exception handler",
    "Exception in Tkinter callback",
    "Exception ignored ",
    "nhandled error",
    "nhandled Error",
    "nhandled exception",
    "nhandled Exception",
    "ncaught exception",
    "rror handling request",
    "Internal Server Error",
    "exception was never retrieved",
    "asyncio",
    "() call failed",
    "Exception happened during processing of request",
    "Exception occurred during processing of request",
    "Exception calling application",
    "exception calling callback",
    "raised an exception",
    "raised unexpected",
    "Top-level exception occurred",
    "exception raised while executing",
    "Encountered exception during execution",
    "Exception occurred while handling uri",
    "Exception while serving ",
    "raised by servicer method",
    "Failed to run listener function",
    "Ignoring exception in ",
    "Got an exception! Propagating",
    "Original exception was",
    "Error in sys.excepthook",
    "Error in atexit",
    ".pth:",
    "Error: While importing ",
    "While trying to load the module",
    "loading user code",
    "can't be loaded",
    "Detailed stack trace",
    "*** Sorry: ",
    "Failed to load the native TensorFlow runtime",
    # Dataflow, Airflow
    "Error message from worker",
    "Error processing instruction",
    "Failed to import: /",
    "Broken DAG",
    "Task failed with exception",
    "Failed to execute job",
    "Failed to execute task",
)
_has_framework_word = any_of(_FRAMEWORK_WORDS)
_FRAMEWORK_START = re.compile(
    r"\S{0,200}python[\d.]{0,10}: |(?:future|task|handle|context|protocol|transport): ?<|Process \S{1,100}:"
    r"|Error while finding module specification"
)
_SMELL = re.compile(
    r"(?i)fail|error|exception|could ?n[o']t|can ?n[o']t|cannot|unable|crash|abort|problem|fatal|went wrong|!$"
    r"|gave up|giving up"
)
_ON_PURPOSE = re.compile(
    r"(?i)optional|fall(?:ing|s)? ?back|not (?:installed|available)|unavailable|skipp|without|instead|ignor|disabled"
)
# What another service answered is in that service's own log.
_ANSWERED = re.compile(
    r"(?i)\b(?:HTTP(?:/[\d.]{1,3})?|status(?:[ _]code)?|code|answer(?:ed|s)?|return(?:ed|s)?|respon(?:ded|ds|se)|got)"
    r"(?: with)?[ :=(]{1,3}(?:HTTP |status |code ){0,2}[45]\d\d\b|\b[45]\d\d (?:Server|Client|Internal Server) Error\b"
    r"|\brespon(?:se|ded)(?: with)?(?: body| text| content)?[:=]"
)
_STATUS = re.compile(r"[45]\d\d")  # looked for first: a tenth of the time
# Who tells of a failed test: unittest, pytest, doctest.
_TEST_REPORT = re.compile(
    r"(?:ERROR|FAIL): \w{1,200} \(|_{3,400} .{1,300} _{3,400}$|Exception raised:$"
    r"|ImportError: Failed to import test module: "
)


def level_in(line: str) -> int | None:
    """The level that a line states near its beginning, on the scale of Python's logging; None if it does not."""
    return _level(line[:_LOOK_FOR_LEVEL])


@lru_cache(maxsize=4096)
def _level(head: str) -> int | None:
    letter = _LETTER.match(head)
    if letter:
        return LEVELS[_LETTERS[letter[1]]]
    found = _LEVEL_WORD.search(head) or _LOWER_LEVEL.search(head)
    return LEVELS.get(found[found.lastindex or 0].upper()) if found else None


def played_down(line: str, level: int) -> bool:
    """Whether a logger says at the beginning of a line that it is less than that: some platforms give all that comes
    on stderr the severity ERROR.
    """
    stated = level_in(line)
    return stated is not None and stated < level and bool(_FIRST_LEVEL.match(line) or _LETTER.match(line))


def is_framework(line: str) -> bool:
    """Whether a line is the platform's or a framework's own report of what nobody caught."""
    head = line[:500]
    return _has_framework_word(head) or _FRAMEWORK_START.match(head) is not None


def is_own_message(line: str) -> bool:
    """Whether a line reads like code telling of what it caught: a logger's WARNING or above, or words of failure."""
    level = level_in(line)
    if level is not None:
        return level >= LEVELS["WARNING"]
    return _SMELL.search(line[:500]) is not None


def on_purpose(line: str) -> bool:
    """Whether a line says that something is left out knowingly (an optional dependency)."""
    return _ON_PURPOSE.search(line[:500]) is not None


def is_answer(words: str) -> bool:
    """Whether words introduce what another service answered: that is in its own log."""
    last = words[-500:]
    return (_STATUS.search(last) is not None or "espon" in last) and _ANSWERED.search(last) is not None


def is_test_report(line: str) -> bool:
    """Whether a line introduces why a test failed."""
    return _TEST_REPORT.match(line) is not None
