"""What happened once is counted once, and what happened twice, twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checks.logs.failures import scan
from tests.checks.logs.entries import entry, lines, request, summary

FRAMES = """Traceback (most recent call last):
  File "/workspace/main.py", line 8, in handle
    return store.save(row)
  File "/workspace/shared/store.py", line 43, in save
    at = firestore.SERVER_TIMESTAMP
NameError: name 'firestore' is not defined"""
OUTER = FRAMES.replace(
    "last):\n", 'last):\n  File "/layers/p/lib/python3.11/site-packages/flask/app.py", line 9, in f\n    g()\n'
)
FOUND = ("NameError", "firestore", "/workspace/shared/store.py", 43)
LONE = ("NameError", "firestore", None, None)
SAID = "ERROR:store:Failed to save: name 'firestore' is not defined"


def test_a_message_and_its_traceback_are_one() -> None:
    """Before it, after it, or both, in another log of the same instance as well."""
    elsewhere = {"logName": "projects/demo/logs/run.googleapis.com%2Fstdout"}
    stream = [entry(SAID, 0.0, 1, **elsewhere), *lines(FRAMES, 0.001), entry(SAID, 0.01, 1)]
    assert summary(scan(stream).failures) == [(*FOUND, 1, False)]
    assert summary(scan([entry(SAID), *lines(FRAMES, 0.000_05)]).failures) == [(*FOUND, 1, True)]


def test_an_exception_logged_and_raised_again_is_one_and_not_handled() -> None:
    """The second report has more frames around the same ones."""
    stream = [
        *lines(f"ERROR:store:inner failed\n{FRAMES}"),
        *lines(f"[2026-01-26 09:07:04,960] ERROR in app: Exception on / [POST]\n{OUTER}", 0.01),
    ]
    assert summary(scan(stream).failures) == [(*FOUND, 1, False)]


def test_a_message_of_one_failure_does_not_carry_another() -> None:
    """What was caught and told in a line, and the crash right after it."""
    crash = FRAMES.replace("in handle", "in <module>")
    for spread in (lines, lambda text: [entry(text)]):
        stream = spread(f"ERROR:store:Failed to load: No module named 'shared.dates'\n{crash}")
        assert summary(scan(stream).failures) == [
            ("ModuleNotFoundError", "shared.dates", None, None, 1, True),
            (*FOUND, 1, False),
        ]


def test_an_exception_without_a_message_does_not_take_that_of_another() -> None:
    """It ends between the lines of another traceback, and nothing tells their executions apart."""
    bare = 'Traceback (most recent call last):\n  File "/workspace/main.py", line 50, in check\n    raise NameError'
    head, _, rest = FRAMES.partition("\n")
    told = [("NameError", None, "/workspace/main.py", 50, 1, False), (*FOUND, 1, False)]
    assert summary(scan(lines(f"{bare}\n{head}\nNameError\n{rest}")).failures) == told


def test_a_loop_that_fails_again_and_again_counts_each() -> None:
    """The same message and traceback, milliseconds apart."""
    stream = [line for n in range(5) for line in lines(f"{SAID}\n{FRAMES}", n * 0.002)]
    assert summary(scan(stream).failures) == [(*FOUND, 5, True)]


def test_messages_alone_count_each() -> None:
    """Two rows that could not be written are two occurrences; a second wording of the same moment is not."""
    rows = [entry(f"ERROR:store:Failed to save row {n}: name 'firestore' is not defined", n * 0.01) for n in range(3)]
    again = entry("ERROR:main:handler gave up: name 'firestore' is not defined", 0.021)
    assert summary(scan([*rows, again]).failures) == [(*LONE, 3, True)]


def test_the_words_of_an_exception_of_another_class_are_not_a_failure() -> None:
    """The traceback that follows the message shows that its class is not watched."""
    other = FRAMES.replace("NameError:", "ValueError:")
    assert scan([entry(SAID), *lines(other, 0.000_05)]).failures == ()


def test_a_chain_whose_beginning_is_lost_is_still_a_chain() -> None:
    """Only the exception line of the first traceback is left."""
    first = "ModuleNotFoundError: No module named 'ujson'"
    context = "During handling of the above exception, another exception occurred:"
    cause = "The above exception was the direct cause of the following exception:"
    lost = ("ModuleNotFoundError", "ujson", None, None, 1, False)
    for spread in (lines, lambda text: [entry(text)]):
        assert summary(scan(spread(f"{first}\n\n{context}\n\n{FRAMES}")).failures) == [(*FOUND, 1, False)]
        assert summary(scan(spread(f"{first}\n\n{cause}\n\n{FRAMES}")).failures) == [lost]


def test_what_is_kept_of_a_fault_depends_on_no_order() -> None:
    """First and last seen, and of many identities and moments the earliest, whichever group is done first."""
    stream = [
        entry(SAID if n % 3 else f"{SAID} ", n * 7.0, n, labels={"instanceId": f"{n * 7 % 5}", "execution_id": f"x{n}"})
        for n in range(300)
    ]
    (forwards,) = scan(stream).failures
    assert scan(stream[::-1]).failures == scan(stream[1::2] + stream[::2]).failures == (forwards,)
    assert (forwards.count, forwards.last_seen - forwards.first_seen) == (300, timedelta(seconds=299 * 7))
    assert forwards.insert_ids == tuple(sorted(raw["insertId"] for raw in stream[:50]))
    assert forwards.execution_ids == tuple(sorted(f"x{n}" for n in range(50)))
    assert forwards.moments[-1] - forwards.moments[0] == timedelta(seconds=199 * 7)


def test_a_repeated_delivery_counts_once() -> None:
    """The same insertId and timestamp."""
    stream = lines(f"{SAID}\n{FRAMES}")
    assert summary(scan(stream + stream).failures) == [(*FOUND, 1, True)]


def test_executions_that_mix_their_lines_are_told_apart() -> None:
    """By execution id, by trace, and by instance; without any of them the name in the source line decides."""
    other = FRAMES.replace("store.py", "sink.py").replace("firestore", "pubsub_v1")
    both = [(*FOUND, 1, False), ("NameError", "pubsub_v1", "/workspace/shared/sink.py", 43, 1, False)]
    marks: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"labels": {"instanceId": "00", "execution_id": "aa"}}, {"labels": {"instanceId": "00", "execution_id": "b"}}),
        ({"trace": "projects/demo/traces/1"}, {"trace": "projects/demo/traces/2"}),
        ({"labels": {"instanceId": "00aa"}}, {"labels": {"instanceId": "00bb"}}),
        ({}, {}),
    ]
    for first, second in marks:
        stream = [*lines(FRAMES, 0.0, **first), *lines(other, 0.000_005, **second)]
        assert summary(scan(stream).failures) == both


def test_a_group_larger_than_the_buffer_loses_nothing() -> None:
    """Memory is bounded, in either order of time."""
    stream = [line for n in range(2_000) for line in lines(FRAMES, n * 0.5)]
    assert summary(scan(stream).failures) == [(*FOUND, 2_000, False)]
    assert summary(scan(reversed(stream)).failures) == [(*FOUND, 2_000, False)]


def test_revisions_are_failures_of_their_own_with_one_fingerprint() -> None:
    """Design: one item for each fault and revision."""
    old = {"resource": {"type": "cloud_run_revision", "labels": {"service_name": "s", "revision_name": "s-00001-a"}}}
    new = {"resource": {"type": "cloud_run_revision", "labels": {"service_name": "s", "revision_name": "s-00002-b"}}}
    failures = scan([entry(FRAMES, 0, 1, **old), entry(FRAMES, 0, 2, **new), entry(FRAMES, 9, 3, **new)]).failures
    assert [(f.revision, f.count) for f in failures] == [("s-00001-a", 1), ("s-00002-b", 2)]
    assert {f.fingerprint for f in failures} == {"log:s:NameError:firestore:shared/store.py"}


def test_a_table_has_one_fingerprint_in_both_spellings() -> None:
    """``proj:ds.t`` and ``proj.ds.t``."""
    stream = [
        entry("ERROR:a:insert failed: 404 Not found: Table proj-a:ds.t was not found in location US", 0),
        entry("ERROR:a:insert failed: 404 Not found: Table proj-a.ds.t was not found in location US", 60),
    ]
    (failure,) = scan(stream).failures
    assert (failure.count, failure.fingerprint) == (2, "log:daily-import:NotFound:proj-a.ds.t:")


def test_failures_without_time_are_counted_as_malformed() -> None:
    """receiveTimestamp serves where the timestamp is missing; with neither a failure cannot be placed in time. Of an
    entry that tells of none nobody asks when it was written.
    """
    late = entry(FRAMES)
    del late["timestamp"]
    lost = entry(FRAMES, timestamp="yesterday", receiveTimestamp=None)
    result = scan([late, lost, "text", None, 3, {}])
    assert (result.entries, result.malformed, len(result.failures)) == (6, 4, 1)


def test_nanoseconds_keep_the_order() -> None:
    """Two lines in the same microsecond."""
    stream = [
        entry(text, 0, 9 - n, timestamp=f"2026-01-26T09:07:04.0000001{n}Z") for n, text in enumerate(FRAMES.split("\n"))
    ]
    assert summary(scan(stream).failures) == [(*FOUND, 1, False)]


def test_activity_is_the_latest_run_that_began_after_the_last_failure() -> None:
    """A request in which a failure was swallowed is answered 200 and proves nothing."""
    failing = [entry(FRAMES, 10.0), request(200, 10.02, "0.035s")]
    assert scan(failing).activity == {}
    run = scan([*failing, request(200, 20.0), request(404, 30.0), request(500, 40.0)]).activity["daily-import"]
    assert (run.revision, run.at.second, run.began < run.at) == ("daily-import-00001-abc", 24, True)


@pytest.mark.parametrize(
    "ended",
    [
        "Function execution took 120 ms, finished with status: 'ok'",
        "Function execution took 120 ms, finished with status code: 200",
        "Function execution took 120 ms. Finished with status: ok",
        "Function execution took 120 ms. Finished with status code: 204",
    ],
)
def test_gen1_and_jobs_prove_their_runs_in_words(ended: str) -> None:
    """A gen1 execution with status ok, a job execution that completed."""
    gen1 = {"type": "cloud_function", "labels": {"function_name": "Load_Games"}}
    job = {"type": "cloud_run_job", "labels": {"job_name": "nightly"}}
    stream = [
        entry("Function execution took 120 ms, finished with status: 'crash'", 9, resource=gen1),
        entry("Function execution took 120 ms. Finished with status: okay", 10, resource=gen1),
        entry(ended, 5, resource=gen1),
        entry(protoPayload={"status": {"message": "Execution nightly-x has completed successfully."}}, resource=job),
    ]
    assert {name: run.at.second for name, run in scan(stream).activity.items()} == {"load-games": 9, "nightly": 4}
