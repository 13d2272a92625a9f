"""The check on the functions' logs: from one tick to the next."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from checks.kinds.function_logs import MAX_SEEN, FunctionLogs
from checks.model import Clearance, Evidence, Judgement, Severity, Status, Window
from checks.ports import LogBatch
from tests.checks.logs.entries import START, entry, lines, request

TRACEBACK = """Traceback (most recent call last):
  File "/workspace/main.py", line 8, in handle
    return store.save(row)
  File "/workspace/shared/store.py", line 43, in save
    at = firestore.SERVER_TIMESTAMP
NameError: name 'firestore' is not defined"""
FINGERPRINT = "log:daily-import:NameError:firestore:shared/store.py"
SETTLE = timedelta(seconds=30)


class Entries:
    """A log source over a list: gives what was received after the cursor, and ``overlap`` seconds before it again."""

    def __init__(self, overlap: float = 0.0) -> None:
        self.entries: list[dict[str, Any]] = []
        self._overlap = timedelta(seconds=overlap)

    def read(self, cursor: Any, until: datetime) -> LogBatch:
        since = datetime.fromisoformat(cursor) if cursor else START - timedelta(days=1)
        new = [
            raw
            for raw in self.entries
            if since - self._overlap < datetime.fromisoformat(raw["receiveTimestamp"]) <= until
        ]
        return LogBatch(
            entries=new,
            malformed=1,
            cursor=until.isoformat(),
            evidence=Evidence(window=Window(start=since, end=until), queries=1),
        )


class Ticks:
    """Runs the check as the runner does: the stored cursor is the source's cursor and the judgement's carry."""

    def __init__(
        self,
        *,
        overlap: float = 0.0,
        functions: tuple[str, ...] | None = None,
        phases: Mapping[str, tuple[tuple[str, str], ...]] | None = None,
    ) -> None:
        self.source = Entries(overlap)
        self.check = FunctionLogs(
            source=self.source,
            every=timedelta(seconds=60),
            functions=functions,
            settle=SETTLE,
            phase_functions=phases or {},
        )
        self.cursor: Any = None

    def at(self, seconds: float) -> Judgement:
        now = START + timedelta(seconds=seconds)
        observed, source = self.check.read(now, self.cursor)
        judgement = self.check.judge(observed, now)
        self.cursor = json.loads(json.dumps({"source": source, "carry": judgement.carry}))
        return judgement


def counts(judgements: Sequence[Judgement]) -> list[dict[str, int]]:
    return [{finding.fingerprint: finding.occurrences for finding in one.findings} for one in judgements]


def test_a_swallowed_failure_of_a_recorder_is_critical_and_says_what_and_where() -> None:
    """The outage: caught, logged, answered 200; but a phase depends on it."""
    ticks = Ticks(phases={"daily-import": (("nba", "phase3"), ("nba", "phase4"))})
    ticks.source.entries += lines(f"ERROR:store:Failed to save: name 'firestore' is not defined\n{TRACEBACK}")
    judgement = ticks.at(60)
    (finding,) = judgement.findings
    assert judgement.status is Status.FAILING
    assert (finding.fingerprint, finding.check, finding.kind) == (FINGERPRINT, "function_logs", "log.undefined-name")
    assert finding.severity is Severity.CRITICAL
    assert not finding.quiet
    assert (finding.subject.service, finding.subject.table) == ("daily-import", None)
    assert finding.title == "NameError: name 'firestore' is not defined in daily-import"
    assert finding.since == START + timedelta(microseconds=17)
    assert finding.last_seen == START + timedelta(microseconds=102)
    assert list(finding.facts.items()) == [
        ("exception", "NameError"),
        ("name", "firestore"),
        ("where", "/workspace/shared/store.py:43 in save"),
        ("revision", "daily-import-00001-abc"),
        ("handled", True),
        ("phases", "nba/phase3, nba/phase4"),
        ("sample", TRACEBACK),
    ]


def test_a_swallowed_failure_elsewhere_is_for_the_digest() -> None:
    """Handled, in a function that no phase depends on."""
    ticks = Ticks()
    ticks.source.entries += lines(f"ERROR:store:could not save\n{TRACEBACK}")
    judgement = ticks.at(60)
    assert [(f.severity, f.quiet) for f in judgement.findings] == [(Severity.WARNING, True)]
    assert judgement.status is Status.DEGRADED


def test_an_unhandled_failure_is_critical_everywhere() -> None:
    """Nobody caught it."""
    ticks = Ticks()
    ticks.source.entries += [entry(TRACEBACK, severity="ERROR")]
    judgement = ticks.at(60)
    assert [(f.severity, f.quiet) for f in judgement.findings] == [(Severity.CRITICAL, False)]
    assert judgement.status is Status.FAILING


def test_a_missing_table_is_the_subject() -> None:
    """So that the cause of other failures can be found by its name."""
    ticks = Ticks()
    ticks.source.entries += [entry("ERROR:bq:insert failed: 404 Not found: Table proj-a:ds.done was not found")]
    (finding,) = ticks.at(60).findings
    assert finding.subject.table == "proj-a.ds.done"
    assert finding.title == "NotFound: 404 Not found: Table proj-a:ds.done was not found in daily-import"


def test_a_traceback_that_arrives_in_two_ticks_is_reported_once_and_whole() -> None:
    """The first half waits in the cursor."""
    for cut in range(1, 6):
        ticks = Ticks()
        whole = lines(f"ERROR:store:could not save\n{TRACEBACK}", 55)
        late = (START + timedelta(seconds=65)).isoformat()
        ticks.source.entries += whole[:cut] + [raw | {"receiveTimestamp": late} for raw in whole[cut:]]
        judgements = [ticks.at(60), ticks.at(120), ticks.at(180)]
        assert counts(judgements) == [{}, {FINGERPRINT: 1}, {}]
        assert judgements[1].findings[0].facts["where"] == "/workspace/shared/store.py:43 in save"
        assert judgements[1].findings[0].facts["handled"] is True


def test_what_the_source_gives_again_is_not_counted_again() -> None:
    """Windows overlap; also when the message before the traceback comes again."""
    ticks = Ticks(overlap=90)
    ticks.source.entries += lines(f"ERROR:store:failed: name 'firestore' is not defined\n{TRACEBACK}", 5)
    ticks.source.entries += lines(f"ERROR:store:failed: name 'firestore' is not defined\n{TRACEBACK}", 70)
    assert counts([ticks.at(60), ticks.at(120), ticks.at(180), ticks.at(240)]) == [
        {FINGERPRINT: 1},
        {FINGERPRINT: 1},
        {},
        {},
    ]


def test_a_clean_run_clears_after_it_has_settled() -> None:
    """A run with a swallowed failure is answered 200 too, and clears nothing."""
    ticks = Ticks()
    ticks.source.entries += [entry(TRACEBACK, 10), request(200, 10.02), request(200, 55)]
    assert ticks.at(60).clearances == ()
    began = START + timedelta(seconds=54.965)
    assert ticks.at(120).clearances == (
        Clearance(
            reason="daily-import ran cleanly at 2026-01-26T09:07:59Z (revision daily-import-00001-abc)",
            at=began,
            service="daily-import",
        ),
    )


def test_the_last_run_of_a_burst_is_not_lost() -> None:
    """It may be the last for a week; of the runs that have not settled, the first alone would not do."""
    ticks = Ticks()
    ticks.source.entries += [request(200, 55), entry(TRACEBACK, 56), request(200, 57), request(200, 59)]
    assert [ticks.at(60).clearances, ticks.at(80).clearances] == [(), ()]
    assert [clearance.at for clearance in ticks.at(120).clearances] == [START + timedelta(seconds=58.965)]


def test_a_failure_within_the_settle_time_stops_the_clearance() -> None:
    """Its lines arrived after the request's entry."""
    ticks = Ticks()
    late: dict[str, Any] = {"receiveTimestamp": (START + timedelta(seconds=70)).isoformat()}
    ticks.source.entries += [request(200, 55), entry(TRACEBACK, 54.99, **late)]
    assert [ticks.at(60).clearances, ticks.at(120).clearances] == [(), ()]


def test_revisions_are_one_finding() -> None:
    """The fault is the same; the revisions are listed."""
    ticks = Ticks()
    new = {"type": "cloud_run_revision", "labels": {"service_name": "daily-import", "revision_name": "daily-import-2"}}
    ticks.source.entries += [entry(TRACEBACK, 1), entry(TRACEBACK, 9, resource=new)]
    (finding,) = ticks.at(60).findings
    assert (finding.occurrences, finding.facts["revision"]) == (2, "daily-import-00001-abc, daily-import-2")


def test_only_the_named_functions_are_watched() -> None:
    """By any spelling of their names."""
    other = {"type": "cloud_function", "labels": {"function_name": "Load_Games"}}
    both = [entry(TRACEBACK, 1), entry(TRACEBACK, 2, resource=other)]
    for functions, services in (
        (None, ["daily-import", "load-games"]),
        (("Daily_Import",), ["daily-import"]),
        (("load-games",), ["load-games"]),
        ((), []),
    ):
        ticks = Ticks(functions=functions)
        ticks.source.entries += both
        assert [finding.subject.service for finding in ticks.at(60).findings] == services


def test_quiet_is_proven() -> None:
    """The evidence says what was looked at."""
    ticks = Ticks()
    ticks.source.entries += [entry("all is well", n) for n in range(7)] + [entry("no time", 7, timestamp="x")]
    ticks.source.entries[-1]["receiveTimestamp"] = (START + timedelta(seconds=7)).isoformat()
    judgement = ticks.at(60)
    assert judgement.status is Status.OK
    assert dict(judgement.evidence.counts) == {
        "entries": 8,
        "malformed": 1,
        "failures": 0,
        "signals": 0,
        "other errors": 0,
        "waiting": 0,
    }
    assert judgement.evidence.window == Window(start=START - timedelta(days=1), end=START + timedelta(seconds=60))
    assert judgement.evidence.queries == 1


def test_what_is_carried_is_bounded_and_forgotten() -> None:
    """A storm of failures that never pauses."""
    ticks = Ticks()
    ticks.source.entries += [entry(f"ERROR:x:no {n}: name 'y' is not defined", n * 0.01, n) for n in range(12_000)]
    total = 0
    for seconds in (60, 120, 180):
        total += sum(finding.occurrences for finding in ticks.at(seconds).findings)
        assert len(ticks.cursor["carry"]["seen"]) <= MAX_SEEN
        assert len(ticks.cursor["carry"]["entries"]) <= 2_000
    assert total == 12_000
    ticks.at(9_000)
    began = (START + timedelta(seconds=60)).timestamp()
    assert ticks.cursor["carry"] == {
        "entries": [],
        "failing": {"daily-import": (START + timedelta(seconds=119)).timestamp() // 1},
        "seen": {},
        "noted": {},
        "signals": [],
        "errors": {"began": began, "known": {}, "new": {}},
        "revisions": ticks.cursor["carry"]["revisions"],
    }


def test_a_strange_cursor_is_a_fresh_start() -> None:
    """A cursor of an older version, or damaged."""
    ticks = Ticks()
    ticks.source.entries += [entry(TRACEBACK, 1)]
    strange = {"entries": "x", "seen": [1], "noted": 1, "signals": [{"service": 1}, 2], "errors": {"new": {"k": [1]}}}
    ticks.cursor = {"source": None, "carry": strange | {"other": 3}}
    assert counts([ticks.at(60)]) == [{FINGERPRINT: 1}]


def test_a_note_that_is_delivered_again_is_no_failure_of_its_own() -> None:
    """Its traceback was counted before and is left out."""
    ticks = Ticks(overlap=60)
    ticks.source.entries += lines(f"{TRACEBACK}\nNameError: name 'of_a_note' is not defined")
    assert counts([ticks.at(40), ticks.at(80)]) == [{FINGERPRINT: 1}, {}]
