"""Signals from the configuration to findings: severities, minimum rates, outcomes, over several runs of the check."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.faults.ledger import settle as settled_by
from alerts.model import Change, Fault
from checks.kinds.function_logs import FunctionLogs
from checks.logs.rules import Rate, SignalRule
from checks.logs.signal_memory import MAX_BUCKETS, MAX_PAIRS
from checks.model import CheckRun, Evidence, Judgement, Severity, Status
from checks.ports import LogBatch
from tests.checks.logs.entries import START, entry, lines, request

SETTLE = timedelta(minutes=2)
QUOTA = "ERROR:bq:403 Quota exceeded: Your table exceeded quota for imports per table"
NAME_ERROR = """Traceback (most recent call last):
  File "/workspace/main.py", line 8, in handle
NameError: name 'firestore' is not defined"""


class Entries:
    """A log source over a list: what was received after the cursor."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def read(self, cursor: Any, until: datetime) -> LogBatch:
        since = datetime.fromisoformat(cursor) if cursor else datetime.min.replace(tzinfo=UTC)
        new = [raw for raw in self.entries if since < datetime.fromisoformat(raw["receiveTimestamp"]) <= until]
        return LogBatch(entries=new, malformed=0, cursor=until.isoformat(), evidence=Evidence())


class Watch:
    """The check and the ledger behind it. Each tick is a process of its own: only JSON goes from one to the next."""

    def __init__(self, *rules: SignalRule, phases: Any = None) -> None:
        self.source = Entries()
        self.rules = rules
        self.phases = phases or {}
        self.cursor: Any = None
        self.faults: dict[str, Fault] = {}
        self.changes: list[tuple[str, str]] = []

    def tick(self, minutes: float) -> Judgement:
        now = START + timedelta(minutes=minutes)
        check = FunctionLogs(
            source=self.source,
            every=timedelta(minutes=1),
            functions=None,
            settle=SETTLE,
            phase_functions=self.phases,
            signals=self.rules,
        )
        observed, source = check.read(now, json.loads(self.cursor) if self.cursor else None)
        judgement = check.judge(observed, now)
        self.cursor = json.dumps({"source": source, "carry": judgement.carry})
        run = CheckRun(
            check=check.name,
            started_at=now,
            finished_at=now,
            status=judgement.status,
            findings=judgement.findings,
            clearances=judgement.clearances,
        )
        for transition in settled_by(run, self.faults, now):
            self.faults[transition.fault.fingerprint] = transition.fault
            if transition.change is not Change.RECURRED:
                self.changes.append((transition.change.value, transition.fault.fingerprint))
        return judgement

    def counts(self, minutes: Sequence[float]) -> dict[float, int]:
        """The ticks in which something was found, with how often it occurred."""
        ticks = {minute: self.tick(minute).findings for minute in minutes}
        return {minute: sum(one.occurrences for one in found) for minute, found in ticks.items() if found}


def rule(**fields: Any) -> SignalRule:
    return SignalRule(**{"name": "quota", "pattern": "(?i)quota exceeded", "severity": Severity.CRITICAL} | fields)


def matches(minutes: Sequence[float], **fields: Any) -> list[dict[str, Any]]:
    return [entry(QUOTA, minute * 60, number, **fields) for number, minute in enumerate(minutes)]


def successes(minutes: Sequence[float], latency: str = "0.035s") -> list[dict[str, Any]]:
    return [request(200, minute * 60, latency) for minute in minutes]


# --- Findings


def test_a_signal_says_what_where_and_why() -> None:
    """Severity, fingerprint, captured fields and remedy, as configured; the phases that hang on the function."""
    watch = Watch(
        rule(pattern="quota for (?P<what>[a-z]+)", reason="it matters", remedy="write in batches"),
        phases={"daily-import": (("nba", "phase3"),)},
    )
    labels = {"instanceId": "0", "execution_id": "e1"}
    watch.source.entries += matches([0, 0.5], labels=labels)
    judgement = watch.tick(1)
    (finding,) = judgement.findings
    assert judgement.status is Status.FAILING
    assert (finding.fingerprint, finding.kind, finding.severity, finding.quiet, finding.occurrences) == (
        "log-signal:daily-import:quota",
        "log.signal",
        Severity.CRITICAL,
        False,
        2,
    )
    assert finding.subject.service == "daily-import"
    assert finding.title == "quota: quota for imports per table in daily-import"
    assert (finding.since, finding.last_seen) == (START, START + timedelta(seconds=30))
    assert list(finding.facts.items()) == [
        ("signal", "quota"),
        ("captured", "what imports"),
        ("revision", "daily-import-00001-abc"),
        ("phases", "nba/phase3"),
        ("executions", 1),
        ("why watched", "it matters"),
        ("remedy", "write in batches"),
        ("sample", "quota for imports per table"),
    ]
    assert judgement.evidence.counts["signals"] == 2


@pytest.mark.parametrize(
    ("severity", "quiet", "status"),
    [
        (Severity.INFO, True, Status.OK),
        (Severity.WARNING, False, Status.DEGRADED),
        (Severity.CRITICAL, False, Status.FAILING),
    ],
)
def test_the_severity_is_the_configured_one(severity: Severity, quiet: bool, status: Status) -> None:
    """Info is for the digest only, and says nothing against the function."""
    watch = Watch(rule(severity=severity))
    watch.source.entries += matches([0])
    judgement = watch.tick(1)
    assert [(f.severity, f.quiet) for f in judgement.findings] == [(severity, quiet)]
    assert judgement.status is status


def test_a_signal_that_is_off_is_not_looked_for() -> None:
    """Nothing is found, and nothing is remembered."""
    watch = Watch(rule(enabled=False))
    watch.source.entries += matches([0])
    judgement = watch.tick(1)
    assert (judgement.findings, judgement.evidence.counts["signals"]) == ((), 0)


def test_a_signal_is_told_at_once_counted_once_and_ends_with_a_clean_run() -> None:
    """Like any log fault: more of it is no news; a run that began after the last match ends it."""
    watch = Watch(rule())
    watch.source.entries += [*matches([0.5, 1.5]), *successes([1.51, 5])]
    assert watch.counts(range(1, 10)) == {1: 1, 2: 1}
    fingerprint = "log-signal:daily-import:quota"
    assert watch.changes == [("opened", fingerprint), ("resolved", fingerprint)]


def test_an_entry_that_waits_to_be_part_of_a_failure_is_one_signal() -> None:
    """It is handed in twice: the failure is reported once it has settled."""
    watch = Watch(rule())
    watch.source.entries += lines(f"ERROR:x:Quota exceeded, then this\n{NAME_ERROR}", 55)
    found = {minute: [f.kind for f in watch.tick(minute).findings] for minute in range(1, 6)}
    assert found == {1: ["log.signal"], 2: [], 3: ["log.undefined-name"], 4: [], 5: []}


# --- Minimum rates


def test_below_the_rate_it_is_harmless() -> None:
    """1,440 times a day, one each minute, where it takes 20 in 10 minutes."""
    watch = Watch(rule(at_least=Rate(count=20, within=timedelta(minutes=10))))
    watch.source.entries += matches(range(1_440))
    assert watch.counts(range(1, 1_440, 30)) == {}


def test_at_the_rate_it_is_told_with_what_led_to_it() -> None:
    """Over several runs; then again for each run in which it still holds; not once it has calmed down."""
    watch = Watch(rule(at_least=Rate(count=6, within=timedelta(minutes=10))))
    watch.source.entries += matches([0, 2, 4, 6, 8, 8.5, 9.5, 30])
    assert watch.counts(range(1, 60)) == {9: 6, 10: 1}


@pytest.mark.parametrize(("spread", "told"), [(9, {60: 5}), (11, {})])
def test_a_rate_is_seen_in_the_past_too(spread: int, told: dict[int, int]) -> None:
    """The daemon was down: the time of the entries counts, not that of the reading."""
    watch = Watch(rule(at_least=Rate(count=5, within=timedelta(minutes=10))))
    watch.source.entries += matches([0, 1, 2, 3, spread])
    assert watch.counts([60]) == told


def test_functions_do_not_share_a_rate() -> None:
    """Three each are not six."""
    watch = Watch(rule(at_least=Rate(count=6, within=timedelta(minutes=10))))
    other = {"type": "cloud_function", "labels": {"function_name": "other"}}
    watch.source.entries += [*matches([0, 1, 2]), *matches([0, 1, 2], resource=other)]
    assert watch.counts(range(1, 5)) == {}


def test_what_is_remembered_of_a_long_span_is_bounded() -> None:
    """A day is counted in sixtieths; pairs beyond the bound go, those not seen for longest first."""
    watch = Watch(rule(at_least=Rate(count=10_000, within=timedelta(hours=24))))
    watch.source.entries += matches([n * 0.5 for n in range(2 * 60 * 40)])
    for hour in range(1, 41):
        watch.tick(hour * 60)
    (remembered,) = json.loads(watch.cursor)["carry"]["signals"]
    assert len(remembered["buckets"]) <= MAX_BUCKETS + 2
    resources = [{"type": "cloud_function", "labels": {"function_name": f"f{n}"}} for n in range(MAX_PAIRS + 20)]
    watch.source.entries = [entry(QUOTA, 144_001 + n, n, resource=one) for n, one in enumerate(resources)]
    watch.tick(2_420)
    kept = [item["service"] for item in json.loads(watch.cursor)["carry"]["signals"]]
    assert kept == [f"f{n}" for n in range(20, MAX_PAIRS + 20)]


def test_what_was_too_little_is_forgotten() -> None:
    """No count of last week is told with today's."""
    watch = Watch(rule(at_least=Rate(count=3, within=timedelta(minutes=10))))
    watch.source.entries += matches([0, 1, 100, 101, 102])
    assert watch.counts([2, 50]) == {}
    assert json.loads(watch.cursor)["carry"]["signals"] == []
    assert watch.counts([101, 103]) == {103: 3}


# --- Outcomes

OUTCOME = rule(unless_later_success=True)


def test_without_a_later_success_it_is_told_after_a_wait() -> None:
    """Twice the settle time; a run that began before the match proves nothing."""
    watch = Watch(OUTCOME)
    watch.source.entries += [*successes([9.9]), *matches([10]), *successes([10.5], latency="60s")]
    assert watch.counts(range(1, 30)) == {14: 1}


def test_with_a_later_success_it_is_never_told() -> None:
    """1,440 times in a day, each followed by a success."""
    watch = Watch(OUTCOME)
    watch.source.entries += [*matches(range(1_440)), *successes([n + 0.5 for n in range(1_440)])]
    assert watch.counts(range(1, 1_450)) == {}


def test_a_success_that_settles_late_is_in_time() -> None:
    """It began within the settle time after the match, and is known twice that time after it."""
    watch = Watch(OUTCOME)
    watch.source.entries += [*matches([10]), *successes([11.9])]
    assert watch.counts(range(1, 30)) == {}


def test_a_run_that_says_it_itself_is_no_success() -> None:
    """Swallowed and answered 200, in each run: told, as nothing shows that it ever goes well."""
    watch = Watch(OUTCOME)
    began = [10, 11, 12, 13, 14, 15]
    watch.source.entries += [*matches([n + 0.1 for n in began]), *successes([n + 0.2 for n in began], latency="12s")]
    counts = watch.counts(range(1, 30))
    assert (min(counts), sum(counts.values())) == (15, 6)


def test_what_the_platform_refused_is_in_no_run() -> None:
    """A stranger knocks while a long run is on its way: the run is a success all the same."""
    refused = [request(403, 60 * n, textPayload=QUOTA) for n in range(10, 20)]
    watch = Watch(OUTCOME)
    watch.source.entries += [*refused, *successes([n + 0.9 for n in range(10, 21)], latency="59s")]
    assert watch.counts(range(1, 30)) == {}


def test_a_success_that_comes_later_ends_it() -> None:
    """A clean run, however late."""
    watch = Watch(OUTCOME)
    watch.source.entries += [*matches([10]), *successes([100])]
    assert watch.counts(range(1, 120)) == {14: 1}
    fingerprint = "log-signal:daily-import:quota"
    assert watch.changes == [("opened", fingerprint), ("resolved", fingerprint)]


def test_only_what_no_success_followed_counts_for_a_rate() -> None:
    """Both conditions."""
    both = rule(unless_later_success=True, at_least=Rate(count=4, within=timedelta(minutes=30)))
    watch = Watch(both)
    watch.source.entries += [*matches([0, 1, 2, 8, 9, 10]), *successes([5])]
    assert watch.counts(range(1, 40)) == {}
    watch = Watch(both)
    watch.source.entries += [*matches([0, 1, 2, 8, 9, 10, 11]), *successes([5])]
    assert watch.counts(range(1, 40)) == {12: 4}
