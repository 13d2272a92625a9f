"""The one path: run a check, settle the ledger, find causes, plan, store all of it in one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any

from alerts.faults import causes, finding_rules, ledger, storms
from alerts.model import Action, IncidentState, Notification, Scene, Why
from alerts.store.outbox import Claimed
from alerts.store.people import Closure
from alerts.store.sql import Store, Tick
from checks import runner
from checks.model import CheckRun, Clearance, Status, Window
from checks.ports import Check
from checks.uncollected import uncollected
from monitor.costs import Costs
from monitor.daemon import speaking
from monitor.wiring.rules import Rules

__all__ = ["Path", "Rules"]

# So many findings in one run are not made every day.
_STORM = 1_000

# Reads of 16 MiB that one tick makes of a backlog; what is left then comes with the next ticks.
MAX_RUNS = 16


class Path:
    """Runs checks and stores what follows. Thread-safe: one transaction at a time.

    ``catch_up_until``: while what happened before the start is being read, nobody is told of what is found.
    """

    def __init__(self, store: Store, rules: Rules, clock: Callable[[], datetime], costs: Costs | None = None) -> None:
        self.rules = rules
        self.catch_up_until: datetime | None = None
        self._store = store
        self._clock = clock
        self._costs = costs or Costs(None)
        self._lock = threading.Lock()
        self._windows: dict[str, Window] = {}

    def tick(self, check: Check[Any], now: datetime, may_store: Callable[[], bool] = lambda: True) -> CheckRun | None:
        """Run one check at ``now`` and store its consequences together with its new cursor, if that is still wanted; go
        on, within a bound, while its source has more (a backlog of exported files). The last run.

        None if it was held back, because the budget for BigQuery does not reach yet; that is told when it begins.
        """
        run = None
        if not self._costs.holds_back(check.name, check.every, now):
            for _ in range(MAX_RUNS):
                run = self._run(check, now)
                if not may_store():
                    break
                self.absorb(run, now)
                if not run.more:
                    break
        news = self._costs.news(now)
        if news is not None:
            self.conclude(news, now)
        return run

    def _run(self, check: Check[Any], now: datetime) -> CheckRun:
        with self._store.reading() as stored:
            cursor = stored.cursor(check.name)
        with self._costs.asking(check.name, now):
            run = runner.run(check, now, cursor, blind_after=self.rules.blind_after, clock=self._clock)
        return self._costs.told(run, now)

    def absorb(self, run: CheckRun, now: datetime) -> list[Notification]:
        """Findings -> transitions -> incidents -> notifications -> outbox, in one transaction; what was decided.

        A crash before its end repeats the work from the old cursor; a crash after it loses nothing.
        """
        with self._lock, _calm(run), self._store.writing() as stored:
            stored.save_run(run)
            decided = self._settle(stored, run, now)
            self._costs.save(stored, now)  # after _settle: no other watcher writes meanwhile
            return decided

    def review(self, now: datetime) -> list[Notification]:
        """What is told because time went by: reminders, the end of quiet hours or of a silence, the digest."""
        return self.conclude(CheckRun(check="", started_at=now, finished_at=now, status=Status.OK), now)

    def conclude(self, run: CheckRun, now: datetime) -> list[Notification]:
        """As ``absorb``, of something that is no check's run: it leaves no trace as one."""
        with self._lock, self._store.writing() as stored, _calm(run):
            return self._settle(stored, run, now)

    def close_by_hand(self, number: int, author: str, reason: str, now: datetime) -> int | None:
        """End an incident because a person says so; the number of faults closed, None if it is not open.

        What is still so stays closed until it changes (``alerts.faults.ledger.signature``).
        """
        with self._lock, self._store.writing() as stored:
            incident = stored.incident(number)
            if incident is None or incident.state is not IncidentState.OPEN:
                return None
            faults = stored.faults(resolved_since=now, of_incidents=[number])
            still = [faults[name] for name in incident.members if name in faults and faults[name].is_open]
            said = f"closed by hand by {author}: {reason}"
            over = tuple(Clearance(fingerprint=f.fingerprint, at=now, reason=said) for f in still)
            run = CheckRun(check="", started_at=now, finished_at=now, status=Status.OK, clearances=over)
            self._settle(stored, run, now)
            for fault in still:
                if not ledger.is_event(fault.finding):
                    seen = ledger.signature(fault.finding)
                    stored.people.close(
                        Closure(fingerprint=fault.fingerprint, signature=seen, author=author, reason=reason, at=now)
                    )
            return len(still)

    def muted(self, claimed: Claimed, now: datetime) -> bool:
        """Asked before a message is sent: whether it is not to be sent after all. What is withheld is recorded."""
        if claimed.incident < 0 or claimed.dispatch.action is Action.EDIT:
            return False
        if claimed.dispatch.message.state is not IncidentState.OPEN:
            return False
        with self._store.reading() as stored:
            return speaking.mute_of(stored, self.rules, claimed.incident, now) is not None

    def withheld(self, incident: int, now: datetime) -> None:
        """A message of this incident was not sent after all: it is owed."""
        with self._lock, self._store.writing() as stored:
            why = speaking.mute_of(stored, self.rules, incident, now) or Why.SILENCED
            speaking.withhold(stored, incident, why, now)

    def _settle(self, stored: Tick, run: CheckRun, now: datetime) -> list[Notification]:
        stored.alone()
        rules = self.rules
        recently = now - max(ledger.REOPEN_WITHIN, causes.JOIN_WITHIN)
        held = stored.people.held_incidents()
        incidents = stored.incidents(resolved_since=recently, besides=held)
        known = stored.faults(resolved_since=recently, of_incidents=[i.id for i in incidents])
        closed = stored.people.closures()
        run = replace(run, findings=finding_rules.apply(run.findings, rules.findings))
        transitions = ledger.settle(run, known, now, closed)
        stored.people.forget_closures(ledger.reopened_closures(run, closed))
        faults = {**known, **{t.fault.finding.fingerprint: t.fault for t in transitions}}
        grouping = causes.group(faults, incidents, rules.pipelines, now, stored.next_incident())
        grouping = storms.calm(grouping, incidents, faults, rules.storm, now)
        home = {**causes.home(incidents), **grouping.placed}
        changed = {t.fault.finding.fingerprint for t in transitions}.union(grouping.placed)
        stored.save_faults([faults[name] for name in sorted(changed)], home, transitions, now)
        news = grouping.incidents
        stored.save_incidents(news)
        if run.evidence.window is not None:
            self._windows[run.check] = run.evidence.window
        before = {i.id: i for i in incidents}
        return speaking.speak(
            stored,
            rules,
            Scene(faults=faults, now=now, zone=rules.zone, guide=rules.guide, windows=self._windows, home=home),
            before=before,
            now_state={**before, **{i.id: i for i in news}},
            transitions=transitions,
            recently=recently,
            catching_up=self.catch_up_until is not None and now < self.catch_up_until,
            identity=self._store.identity,
        )


def _calm(run: CheckRun) -> AbstractContextManager[None]:
    """What a storm is stored in."""
    return uncollected() if len(run.findings) >= _STORM else nullcontext()
