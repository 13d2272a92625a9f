"""Deterministic log entries for the benchmarks: ordinary traffic of sixty services, and tracebacks in mixed forms."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 26, tzinfo=UTC)
SERVICES = [f"phase{n % 6 + 1}-{word}-{n}" for n in range(60) for word in [("loader", "export", "stats")[n % 3]]]
_TEXT = """
    loaded rows from partition game_date=2026-01-25 table stats.player_game_summary batch published message to topic
    phase3-complete waiting for upstream completion processor finished cache refreshed retry scheduled in 30 s request
    accepted correlation id user's team line-up parsed file gs://bucket/raw/2026/01/25/box.json checksum ok
"""
_WORDS = _TEXT.split()
_LEVELS = ("DEFAULT", "INFO", "INFO", "DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING")
_FAILURES = (
    ("NameError", "name '{n}' is not defined"),
    ("ModuleNotFoundError", "No module named '{n}'"),
    ("ImportError", "cannot import name '{n}' from 'shared.utils' (/workspace/shared/utils/__init__.py)"),
    ("UnboundLocalError", "cannot access local variable '{n}' where it is not associated with a value"),
    ("AttributeError", "module 'pandas' has no attribute '{n}'"),
)
_NAMES = ("firestore", "bigquery", "get_client", "season", "tracker", "rows", "DataFrames")
_DECOYS = (
    "ERROR: request failed with ConnectionError, will retry",
    "the column NameError of the report is empty",
    "ValueError: could not convert string to float: 'x'",
)


def lines(entries: int, tracebacks: float, seed: int = 1) -> Iterator[bytes]:
    """JSON lines in order of time, about 800 bytes each, twelve a second.

    A share ``tracebacks`` of them is, or begins, a traceback (in one entry, announced by a line, line by line, in a
    record of a structured logger, as a message only); one fifth as many only mention an error.
    """
    source = random.Random(seed)
    at = START
    made = 0
    while made < entries:
        at += timedelta(microseconds=source.randrange(170_000))
        draw = source.random()
        if draw < tracebacks:
            for line in _traceback(source, at, made):
                yield line
                made += 1
                if made == entries:
                    return
        else:
            decoy = draw < 1.2 * tracebacks
            text = source.choice(_DECOYS) if decoy else _sentence(source)
            level = "ERROR" if decoy else source.choice(_LEVELS)
            yield _line(*_writer(source), at, made, level, text)
            made += 1


def _sentence(source: random.Random) -> str:
    return " ".join(source.choices(_WORDS, k=source.randrange(4, 22)))


def _writer(source: random.Random) -> tuple[str, str]:
    service = source.randrange(len(SERVICES))
    number = source.randrange(3)
    return SERVICES[service], f"{service * 7919 + number:064x}" * 2


def _traceback(source: random.Random, at: datetime, number: int) -> Iterator[bytes]:
    exception, wording = source.choice(_FAILURES)
    message = wording.format(n=source.choice(_NAMES))
    service, instance = _writer(source)
    depth = source.randrange(1, 5)
    text = ["Traceback (most recent call last):"]
    for level in range(depth):
        text += [f'  File "/workspace/shared/utils/step{level}.py", line {40 + level}, in run_{level}']
        text += [f"    result = step_{level + 1}(rows, season=season)", "             ^^^^^^^^^^^^^^^^^^^"]
    text.append(f"{exception}: {message}")
    carrier = f"ERROR:shared.tracker:Failed to write completion: {message}"
    form = source.choice(("entry", "entry", "message", "record", "detected", "detected", "detected", "lines"))
    if form == "entry":
        yield _line(service, instance, at, number, "ERROR", "\n".join(text))
        return
    if form == "message":
        yield _line(service, instance, at, number, "DEFAULT", carrier)
        return
    if form == "record":
        record = {"message": "Failed to write completion", "severity": "ERROR", "exc_info": "\n".join(text)}
        yield _line(service, instance, at, number, "ERROR", record)
        return
    yield _line(service, instance, at, number, "DEFAULT", carrier)
    if form == "detected":
        yield _line(service, instance, at + timedelta(microseconds=40), number + 1, "ERROR", "\n".join(text))
        return
    for place, line in enumerate(text):
        moment = at + timedelta(microseconds=40 + 17 * place)
        yield _line(service, instance, moment, number + 1 + place, "DEFAULT", line)


def _line(  # noqa: PLR0917 - one for each part of an entry that differs
    service: str, instance: str, at: datetime, number: int, level: str, payload: str | dict[str, str]
) -> bytes:
    stamp = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    entry: dict[str, object] = {
        "insertId": f"{number:012x}",
        "labels": {
            "goog-drz-cloudfunctions-id": service,
            "goog-drz-cloudfunctions-location": "us-west2",
            "goog-managed-by": "cloudfunctions",
            "instanceId": instance,
        },
        "logName": "projects/demo-project/logs/run.googleapis.com%2Fstderr",
        "receiveTimestamp": stamp.replace("Z", "417Z"),
        "resource": {
            "labels": {
                "configuration_name": service,
                "location": "us-west2",
                "project_id": "demo-project",
                "revision_name": f"{service}-00029-zop",
                "service_name": service,
            },
            "type": "cloud_run_revision",
        },
    }
    if level != "DEFAULT":
        entry["severity"] = level
    entry["jsonPayload" if isinstance(payload, dict) else "textPayload"] = payload
    entry["timestamp"] = stamp
    return json.dumps(entry).encode() + b"\n"
