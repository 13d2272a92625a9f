"""Causes: which fault explains which, and what becomes of incidents."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.faults import causes, ledger
from alerts.faults.graph import Graph
from alerts.model import Fault, Incident, IncidentState
from checks.model import Clearance, Finding, Subject
from checks.phases.evidence import TableEvidence
from tests.support.findings import SERVICE, at, log_failure, phase, run
from tests.support.pipelines import nba, with_phase

PIPELINES = (nba(),)


class Story:
    """Faults and incidents over several runs."""

    def __init__(self) -> None:
        self.faults: dict[str, Fault] = {}
        self.incidents: dict[int, Incident] = {}
        self.home: dict[str, int] = {}

    def run(self, now: datetime, *findings: Finding, **changes: object) -> list[Incident]:
        """One run; the incidents that changed."""
        for transition in ledger.settle(run(now, *findings, **changes), self.faults, now):
            self.faults[transition.fault.fingerprint] = transition.fault
        known = [
            i for i in self.incidents.values() if i.resolved_at is None or now - i.resolved_at <= causes.JOIN_WITHIN
        ]
        grouping = causes.group(self.faults, known, PIPELINES, now, max(self.incidents, default=0) + 1)
        self.home |= grouping.placed
        self.incidents.update({i.id: i for i in grouping.incidents})
        return list(grouping.incidents)

    def open(self) -> list[Incident]:
        """The open incidents."""
        return [i for i in self.incidents.values() if i.state is IncidentState.OPEN]


def test_the_recorders_failure_explains_the_phase_that_is_not_recorded() -> None:
    """A NameError in the function that records phase 3, then phase 3 missing and phase 4 waiting: one incident."""
    story = Story()
    story.run(at(0), log_failure(at(0)))
    story.run(at(3), phase(at(3)), phase(at(3), "phase4", "blocked"), check="completions")

    [incident] = story.open()
    assert incident.root == log_failure(at(0)).fingerprint
    assert incident.explains == {
        phase(at(0)).fingerprint: f"{SERVICE} records phase3",
        phase(at(0), "phase4").fingerprint: f"{SERVICE} starts phase4",
    }


def test_a_cause_that_arrives_late_takes_the_open_incident_as_its_root() -> None:
    """The phase was told first; the failure behind it comes later and becomes the root of the same incident."""
    story = Story()
    [first] = story.run(at(3), phase(at(3)), check="completions")
    assert first.root == phase(at(3)).fingerprint

    [same] = story.run(at(4), log_failure(at(0)))
    assert (same.id, same.root) == (first.id, log_failure(at(0)).fingerprint)


def test_upstream_explains_what_is_blocked_and_nothing_else() -> None:
    """A blocked phase joins the phase it waits for, of its own run date."""
    story = Story()
    story.run(at(5), phase(at(5)), phase(at(5), "phase4", "blocked"), check="completions")
    [incident] = story.open()
    assert incident.explains == {phase(at(5), "phase4").fingerprint: "phase4 waits for phase3"}

    other_day = phase(at(6), "phase4", "blocked", run_date=date(2026, 1, 24))
    story.run(at(6), other_day, check="completions")
    assert sorted(i.root for i in story.open()) == sorted([phase(at(5)).fingerprint, other_day.fingerprint])


def test_a_blocked_phase_whose_root_is_gone_stands_alone() -> None:
    """Nobody would hear of it otherwise."""
    story = Story()
    story.run(at(5), phase(at(5), "phase4", "blocked"), check="completions")
    assert [i.root for i in story.open()] == [phase(at(5), "phase4").fingerprint]


def test_a_failure_before_the_phase_began_explains_nothing() -> None:
    """It was over when the phase started (06:30 local on the 26th): another trouble."""
    story = Story()
    early = at(-20)
    story.run(early, log_failure(early))
    story.run(at(-19), clearances=(Clearance(reason="ran", at=at(-19), service=SERVICE),))
    story.run(at(3), phase(at(3)), check="completions")
    assert [i.root for i in story.open()] == [phase(at(3)).fingerprint]


def test_a_function_of_no_phase_explains_no_phase() -> None:
    """Two troubles at the same time are two incidents."""
    story = Story()
    story.run(at(0), log_failure(at(0), service="phase6-export"))
    story.run(at(3), phase(at(3)), check="completions")
    assert len(story.open()) == 2


def test_the_next_failure_of_a_function_joins_while_open_and_for_an_hour() -> None:
    """The first repair uncovers the next failure: the same incident, also shortly after its resolution."""
    story = Story()
    story.run(at(0), log_failure(at(0)))
    second = log_failure(at(1), exception="ModuleNotFoundError", name="shared.utils")
    story.run(at(1), second)
    assert [i.members for i in story.open()] == [(log_failure(at(0)).fingerprint, second.fingerprint)]

    story.run(at(2), clearances=(Clearance(reason="ran", at=at(2), service=SERVICE),))
    assert story.open() == []
    third = log_failure(at(2.5), name="storage")
    story.run(at(2.5), third)
    assert [(i.id, len(i.members)) for i in story.open()] == [(1, 3)]

    story.run(at(3), clearances=(Clearance(reason="ran", at=at(3), service=SERVICE),))
    story.run(at(5), log_failure(at(5), name="pubsub"))
    assert [i.id for i in story.open()] == [2], "after an hour it is a new incident"


def test_a_failed_deployment_and_the_failures_of_its_function_are_one_incident() -> None:
    """The container of the new revision does not start because of an import: two findings, one message."""
    story = Story()
    failed = log_failure(at(0), fingerprint=f"rollout:{SERVICE}", kind="rollout.failed", facts={})
    story.run(at(0), failed, log_failure(at(0)))
    assert [set(i.members) for i in story.open()] == [{failed.fingerprint, log_failure(at(0)).fingerprint}]

    story.run(at(1), clearances=(Clearance(reason="ran", at=at(1), service=SERVICE),))
    assert len(story.open()) == 1, "the old revision ran: the deployment has still failed"
    story.run(at(2), clearances=(Clearance(reason="deployed", at=at(2), fingerprint=failed.fingerprint),))
    assert story.open() == []


def test_a_shared_module_that_fails_in_several_functions_is_one_incident() -> None:
    """The same exception, name and file in another service."""
    story = Story()
    story.run(at(0), log_failure(at(0)))
    story.run(at(1), log_failure(at(1), service="phase4-to-phase5-orchestrator"))
    story.run(at(1.2), log_failure(at(1.2), service="billing", file="main.py"))
    assert [len(i.members) for i in story.open()] == [2, 1]


def test_a_missing_table_explains_the_function_and_the_phase() -> None:
    """The table is the root of both."""
    table = "nba-props-platform.nba_orchestration.phase_completions"
    story = Story()
    story.run(at(0), log_failure(at(0), kind="log.bq-table-not-found", subject=Subject(service=SERVICE, table=table)))
    missing = phase(
        at(4),
        fingerprint=f"table:completions:{table}",
        kind="table.missing",
        subject=Subject(pipeline="nba", table=table, check="completions"),
    )
    story.run(at(3), phase(at(3)), check="completions")
    story.run(at(4), missing, check="completions", error="404 Not found")
    [incident] = story.open()
    assert incident.root == missing.fingerprint
    assert set(incident.explains.values()) == {f"the table {table} is missing"}


def test_a_table_found_missing_by_two_checks_is_one_incident_and_explains_what_is_judged_by_it() -> None:
    """A function that fails for it, and the phase; a table that no phase is judged by explains no phase."""
    table = "nba-props-platform.nba_orchestration.phase_completions"
    found = phase(
        at(4),
        fingerprint=f"table:tables:{table}",
        kind="table.missing",
        subject=Subject(pipeline="nba", table=table),
    )
    other = replace(found, fingerprint="table:tables:x", subject=Subject(pipeline="nba", table="p.nba_raw.box"))
    stumbled = replace(found, fingerprint=f"table:completions:{table}", check="completions")
    story = Story()
    story.run(at(3), phase(at(3)), check="completions")
    story.run(at(4), found, other, check="tables")
    story.run(at(4.1), stumbled, check="completions", error="404 Not found")
    story.run(at(5), log_failure(at(5), kind="log.bq-table-not-found", subject=Subject(service=SERVICE, table=table)))
    assert sorted(len(i.members) for i in story.open()) == [1, 4]
    [incident] = (i for i in story.open() if len(i.members) > 1)
    assert set(incident.explains.values()) == {f"the table {table} is missing"}


def test_a_missing_table_of_evidence_explains_the_phase_it_proves_and_no_other() -> None:
    """Phase 3 is judged by rows of that table, phase 2 is not."""
    processor = nba().phase("phase3").processors[0]
    proof = TableEvidence(table="nba_analytics.player_game_summary", date="game_date")
    pipeline = with_phase(nba(), "phase3", processors=(replace(processor, evidence=(proof,)),))
    subject = Subject(pipeline="nba", table="nba-props-platform.nba_analytics.player_game_summary")
    missing = replace(phase(at(4)), fingerprint="table:tables:x", kind="table.missing", subject=subject)
    faults: dict[str, Fault] = {}
    for finding in (missing, phase(at(4)), phase(at(4), "phase2")):
        for transition in ledger.settle(run(at(4), finding), faults, at(4)):
            faults[transition.fault.fingerprint] = transition.fault
    grouping = causes.group(faults, [], (pipeline,), at(4), 1)
    assert sorted((i.root, len(i.members)) for i in grouping.incidents) == [
        (phase(at(4), "phase2").fingerprint, 1),
        ("table:tables:x", 2),
    ]


def test_a_link_between_two_open_incidents_merges_the_younger_into_the_older() -> None:
    """What links them is one story: the older message is already read."""
    story = Story()
    story.run(at(3), phase(at(3)), check="completions")
    story.run(at(3.5), log_failure(at(3.5), service="phase6-export"))
    assert sorted(i.id for i in story.open()) == [1, 2]
    story.run(at(4), log_failure(at(4)))  # the same exception, name and file as in phase6-export; records phase 3
    assert {i.id: (i.state, i.merged_into) for i in story.incidents.values()} == {
        1: (IncidentState.OPEN, None),
        2: (IncidentState.MERGED, 1),
    }
    assert len(story.incidents[1].members) == 3
    assert {story.home[name] for name in story.faults} == {1}


def test_an_incident_ends_when_all_its_faults_have() -> None:
    """Not before."""
    story = Story()
    story.run(at(0), log_failure(at(0)))
    story.run(at(3), phase(at(3)), check="completions")
    story.run(at(4), clearances=(Clearance(reason="ran", at=at(4), service=SERVICE),))
    assert [i.root for i in story.open()] == [phase(at(3)).fingerprint], "what is left is its root now"
    story.run(
        at(5),
        check="completions",
        clearances=(Clearance(reason="recorded", at=at(5), fingerprint=phase(at(3)).fingerprint),),
    )
    assert story.open() == []
    assert [(i.state, i.resolved_at) for i in story.incidents.values()] == [(IncidentState.RESOLVED, at(5))]


def test_pending_faults_are_in_no_incident() -> None:
    """Nobody is told of what may pass by itself."""
    story = Story()
    story.run(at(0), phase(at(0), kind="blind", fingerprint="blind:x", pending_for=timedelta(minutes=10)), check="x")
    assert story.incidents == {}


happenings = st.lists(
    st.tuples(
        st.sampled_from(["f1", "f2", "f3", "phase3", "phase4", "clean1", "clean2", "recorded"]),
        st.integers(min_value=1, max_value=120),
    ),
    max_size=30,
)


OTHER = "phase4-to-phase5-orchestrator"
TABLE = "p.nba_raw.box"


def some_finding(now: datetime, what: str, service: str, name: str) -> Finding:
    """One of each sort that may share something with others."""
    if what == "log":
        return log_failure(now, service=service, name=name)
    if what == "message only":
        return log_failure(now, service=service, name=name, fingerprint=f"log:{service}:NameError:{name}:")
    if what == "table of a function":
        return log_failure(now, service=service, name=name, subject=Subject(service=service, table=TABLE))
    if what == "table":
        subject = Subject(pipeline="nba", table=TABLE)
        return log_failure(now, fingerprint=f"table:{name}", kind="table.missing", subject=subject, facts={})
    if what == "phase":
        return phase(now, "phase3" if name == "storage" else "phase4", "blocked" if service == OTHER else "incomplete")
    kind = {"rollout": "rollout.failed", "metric": "metrics.failing", "backlog": "metrics.backlog"}[what]
    return log_failure(now, fingerprint=f"{kind}:{service}", kind=kind, subject=Subject(service=service), facts={})


SORTS = ["log", "log", "message only", "table of a function", "table", "phase", "rollout", "metric", "backlog"]
SOME = st.tuples(
    st.sampled_from(SORTS),
    st.sampled_from([SERVICE, OTHER, "loader", "billing", "g"]),
    st.sampled_from(["firestore", "storage", "json"]),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.lists(SOME, max_size=6), st.sets(SOME, max_size=3), st.integers(1, 90)), max_size=6))
def test_what_shares_nothing_with_another_need_not_be_looked_for(
    happened: list[tuple[list[tuple[str, str, str]], set[tuple[str, str, str]], int]],
) -> None:
    """Any story ends in the same incidents as if everything was compared with everything."""
    quick, thorough = Story(), Story()
    now = at(0)
    for found, over, minutes in happened:
        now += timedelta(minutes=minutes)
        findings = [some_finding(now, *one) for one in found]
        gone = tuple(
            Clearance(reason="over", at=now, fingerprint=some_finding(now, *one).fingerprint) for one in sorted(over)
        )
        quick.run(now, *findings, clearances=gone)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Graph, "apart", lambda *_: set())
            thorough.run(now, *findings, clearances=gone)
        assert quick.incidents == thorough.incidents
        assert quick.home == thorough.home


def test_in_a_storm_nearly_all_share_nothing() -> None:
    """What does is the function that a phase needs, the same failure of two, and two failures of one."""
    alone = [log_failure(at(0), service=f"f-{n}", file=f"f{n}/main.py") for n in range(5)]
    together = [
        log_failure(at(0), file="a.py"),
        *(log_failure(at(0), service=f"g-{n}") for n in range(2)),
        *(log_failure(at(0), service="h", name=f"name_{n}") for n in range(2)),
    ]
    faults = [t.fault for t in ledger.settle(run(at(0), *alone, *together), {}, at(0))]
    assert Graph(PIPELINES).apart(faults) == {f.fingerprint for f in alone}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(happenings)
def test_any_story_keeps_every_firing_fault_in_exactly_one_open_incident(happened: list[tuple[str, int]]) -> None:
    """And no open incident is without an open fault, no root outside its members."""
    story = Story()
    now = at(0)
    for what, minutes in happened:
        now += timedelta(minutes=minutes)
        findings = {
            "f1": (log_failure(now),),
            "f2": (log_failure(now, name="storage", file="main.py"),),
            "f3": (log_failure(now, service=OTHER),),
            "phase3": (phase(now),),
            "phase4": (phase(now, "phase4", "blocked"),),
        }.get(what, ())
        clearances = {
            "clean1": (Clearance(reason="ran", at=now, service=SERVICE),),
            "clean2": (Clearance(reason="ran", at=now, service=OTHER),),
            "recorded": tuple(
                Clearance(reason="recorded", at=now, fingerprint=phase(now, n).fingerprint)
                for n in ("phase3", "phase4")
            ),
        }.get(what, ())
        check = "completions" if what in ("phase3", "phase4", "recorded") else "function_logs"
        story.run(now, *findings, check=check, clearances=clearances)
        homes = [name for i in story.open() for name in i.members]
        firing = [f.fingerprint for f in story.faults.values() if f.is_open]
        assert sorted(n for n in homes if story.faults[n].is_open) == sorted(firing)
        for incident in story.open():
            assert incident.root in incident.members
            assert story.faults[incident.root].is_open
            assert len(set(incident.members)) == len(incident.members)
        for name in story.faults:
            assert story.incidents[story.home[name]].state is not IncidentState.MERGED


def test_a_fault_is_at_home_in_the_incident_that_is_open() -> None:
    """However many had it before: a younger one that is over, one that went on in another."""
    first = Incident(id=1, state=IncidentState.OPEN, root="a", members=("a", "b"), opened_at=at(0))
    over = Incident(id=2, state=IncidentState.RESOLVED, root="b", members=("b", "c"), opened_at=at(1))
    merged = Incident(id=3, state=IncidentState.MERGED, root="a", members=("a", "d"), opened_at=at(2), merged_into=1)
    assert causes.home([first, over, merged]) == {"a": 1, "b": 1, "c": 2}


def test_grouping_twice_changes_nothing() -> None:
    """The same snapshot gives no further change: a tick without news says nothing."""
    story = Story()
    story.run(at(0), log_failure(at(0)))
    story.run(at(3), phase(at(3)), phase(at(3), "phase4", "blocked"), check="completions")
    again = causes.group(story.faults, list(story.incidents.values()), PIPELINES, at(4), 9)
    assert (again.incidents, dict(again.placed)) == ((), {})


def test_a_fault_reopened_after_its_incident_was_forgotten_gets_a_new_one() -> None:
    """Faults outlive the window in which incidents are joined."""
    fault = Fault(finding=log_failure(at(0)), state=ledger.FaultState.FIRING, opened_at=at(0), count=1, fired_at=at(0))
    grouping = causes.group({fault.fingerprint: fault}, [], PIPELINES, at(0), 4)
    assert [(i.id, i.members) for i in grouping.incidents] == [(4, (fault.fingerprint,))]
    assert dict(grouping.placed) == {fault.fingerprint: 4}
