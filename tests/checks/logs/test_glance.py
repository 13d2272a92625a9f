"""What is made of many entries together is what is made of them one by one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.logs import glance as module
from checks.logs.failures import scan, scan_glanced
from checks.logs.glance import Glance, glances
from checks.logs.revisions import Revisions
from checks.logs.shipped_signals import SHIPPED
from checks.logs.signals import SignalScanner
from checks.logs.signatures import compile_signatures
from checks.logs.stitch import of_instances
from checks.logs.triggers import encodable
from tests.checks.logs.corpus import CASES
from tests.checks.logs.entries import START, entry, request
from tests.checks.logs.test_properties import json_values, pieces

THOROUGH = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
SIGNALS = compile_signatures({**{rule.name: rule.pattern for rule in SHIPPED if rule.enabled}, "nul": r"x\x00y"})
EDGES = compile_signatures({"whole": "^batch [0-9]+ of .*$", "last": r"done\z"})

TEXTS = (
    st.sampled_from(
        [
            "loaded 12 rows",
            "batch 3 of 9\nis done",
            "",
            "  ",
            "x\0y",
            "\0",
            "processor completed successfully",
            "Function execution took 35 ms, finished with status: 'ok'",
            "Function execution took 35 ms, finished with status: 'timeout'",
            "caf\u00e9 \u2502 \U0001f600",
            "half a pair \ud83d",
            '{"message": "failed", "exc_info": "NameError: name \'q\' is not defined"}',
            '{"exc_info": "NameErro\\u0072: name \'r\' is not define\\u0064"}',
            "403 Access Denied: BigQuery BigQuery: Permission denied",
            "Quota exceeded: Your table exceeded quota for imports",
            "request to hooks.slack.com failed with 404",
            "Name\x1b[31mError: name 'c' is not defined",
        ]
    )
    | pieces
)
TIMES = st.sampled_from(["", "Z", ".5Z", ".123456789Z", "+01:00", ".000001Z"])
STRANGE: dict[str, st.SearchStrategy[Any]] = {
    "labels": st.sampled_from([{}, {"instance_id": "00ab"}, {"instanceId": ["00ab"]}, {"execution_id": "e"}, None, 7]),
    "resource": st.sampled_from(
        [
            None,
            {},
            {"labels": []},
            {"type": "cloud_function", "labels": {"function_name": "gen_one"}},
            {"type": "cloud_run_job", "labels": {"job_name": "j"}},
            {"labels": {"service_name": " ", "revision_name": "r-1"}},
            {"labels": {"service_name": ["x"], "revision_name": "r-1"}},
            {"labels": {"service_name": "Daily_Import", "revision_name": "daily-import-00001-abc"}},
        ]
    ),
    "timestamp": st.sampled_from([None, "", "yesterday", "2026-99-99T09:07:04Z", 5]) | json_values,
    "textPayload": json_values,
    "jsonPayload": st.sampled_from([{"message": "loaded"}, {"exc_info": "NameError: name 'j' is not defined"}]),
    "split": st.sampled_from([None, {"uid": "u", "index": 1, "totalSplits": 2}]),
    "protoPayload": st.sampled_from([{"status": {"message": "ImportError: cannot import name 'p' from 'q'"}}, {}]),
    "logName": st.sampled_from(["projects/demo/logs/run.googleapis.com%2Frequests", None]),
    "severity": st.sampled_from(["ERROR", "INFO", 3]),
}  # fmt: skip


@st.composite
def some_entries(draw: st.DrawFn) -> list[Any]:
    """Entries of some services and instances, mostly usual, in any order."""
    made: list[Any] = []
    for number in range(draw(st.integers(0, 40))):
        service, instance = draw(st.sampled_from("ab")), draw(st.sampled_from("01"))
        at = draw(st.integers(0, 8)) + draw(st.sampled_from([0.0, 0.000_01, 0.5]))
        one: Any = entry(
            draw(TEXTS),
            at,
            number,
            labels={"instanceId": service + instance},
            resource={
                "type": "cloud_run_revision",
                "labels": {"service_name": service, "revision_name": f"{service}-1"},
            },
        )
        if draw(st.integers(0, 3)) == 0:
            one["timestamp"] = (START + timedelta(seconds=int(at))).isoformat()[:19] + draw(TIMES)
        if draw(st.integers(0, 5)) == 0:
            field = draw(st.sampled_from(sorted(STRANGE)))
            one[field] = draw(STRANGE[field])
        if draw(st.integers(0, 9)) == 0:
            one.pop(draw(st.sampled_from(sorted(one))))
        if draw(st.integers(0, 9)) == 0:
            one = request(draw(st.sampled_from([200, 500])), at, labels={"instanceId": service + instance})
        if draw(st.integers(0, 30)) == 0:
            one = draw(json_values)
        made.append(one)
    made += draw(st.sampled_from([[], *CASES.values()]))
    if draw(st.booleans()):
        made = draw(st.permutations(made))
    return made


def together(entries: list[Any], at_once: int) -> list[Glance]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_AT_ONCE", at_once)
        return list(glances(entries))


@THOROUGH
@given(some_entries(), st.sampled_from([1, 3, 512]), st.sampled_from([None, 4, 60]), st.booleans(), st.booleans())
def test_entries_judged_together_are_judged_as_one_by_one(
    entries: list[Any], at_once: int, settled: int | None, edges: bool, again: bool
) -> None:
    """Failures, errors, signals, runs, what waits, what was counted: all of it, in the same order."""
    signatures = EDGES if edges else SIGNALS
    until = None if settled is None else START + timedelta(seconds=settled)
    seen = scan(entries[::2], signatures=signatures, settled=until).counted if again else ()
    expected = scan(entries, signatures=signatures, settled=until, seen=seen)
    found = scan_glanced(together(entries, at_once), signatures=signatures, settled=until, seen=seen)
    assert found == expected


@THOROUGH
@given(st.lists(some_entries(), max_size=3), st.sampled_from([1, 3, 512]))
def test_revisions_learn_the_same_from_entries_together(batches: list[list[Any]], at_once: int) -> None:
    """Also of what they know already, and in any order of time."""
    one_by_one, at_a_glance = Revisions(None), Revisions(None)
    for entries in batches:
        one_by_one.see(entries)
        at_a_glance.see_together(together(entries, at_once))
        found, expected = at_a_glance.as_json(), one_by_one.as_json()
        assert found == expected


@THOROUGH
@given(st.lists(TEXTS, max_size=40), st.booleans())
def test_signals_are_suspected_in_the_same_texts(texts: list[str], edges: bool) -> None:
    """Also where a pattern asks for the beginning or the end of a text."""
    scanner = SignalScanner(EDGES if edges else SIGNALS)
    said = encodable("".join("\0" + text for text in texts)).encode()
    suspected = set(scanner.suspected(texts, said))
    assert suspected == {number for number, text in enumerate(texts) if text and scanner.suspects(text)}


def test_entries_without_an_instance_are_found_among_those_with_one() -> None:
    """Whatever stands in the place of its name."""
    some = [
        entry("x", labels=labels) for labels in ({}, {"instanceId": "00ab"}, {"instanceId": 7}, {"instance_id": "c"})
    ]
    assert of_instances([*some, "no object"], {""}) == [0, 2]
    assert of_instances(some, {"00ab", "c"}) == [1, 3]
