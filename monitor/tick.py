"""The one path: run a check, settle the ledger, find causes, plan, store all of it in one transaction."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts import causes, ledger, plan
from alerts.model import Incident, Scene, Transition
from alerts.store.sql import Store, Tick, with_incident
from checks import runner
from checks.model import CheckRun
from checks.pipeline import Pipeline
from checks.ports import Check
from monitor.costs import Costs

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the path needs to know of the configuration."""

    pipelines: tuple[Pipeline, ...]
    routes: tuple[plan.Route, ...]
    zone: ZoneInfo
    blind_after: timedelta


class Path:
    """Runs checks and stores what follows. Thread-safe: one transaction at a time."""

    def __init__(self, store: Store, rules: Rules, clock: Callable[[], datetime], costs: Costs | None = None) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._costs = costs or Costs(None)
        self._lock = threading.Lock()

    def tick(self, check: Check[Any], now: datetime) -> CheckRun:
        """Run one check at ``now`` and store its consequences together with its new cursor."""
        with self._store.reading() as stored:
            cursor = stored.cursor(check.name)
        with self._costs.asking(check.name, now):
            run = runner.run(check, now, cursor, blind_after=self._rules.blind_after, clock=self._clock)
        run = self._costs.told(run, now)
        self.absorb(run, now)
        return run

    def absorb(self, run: CheckRun, now: datetime) -> None:
        """Findings -> transitions -> incidents -> notifications -> outbox, in one transaction.

        A crash before its end repeats the work from the old cursor; a crash after it loses nothing.
        """
        with self._lock, self._store.writing() as stored:
            recently = now - max(ledger.REOPEN_WITHIN, causes.JOIN_WITHIN)
            incidents = stored.incidents(resolved_since=recently)
            known = stored.faults(resolved_since=recently, of_incidents=[i.id for i in incidents])
            transitions = ledger.settle(run, known, now)
            faults = {**known, **{t.fault.fingerprint: t.fault for t in transitions}}
            grouping = causes.group(faults, incidents, self._rules.pipelines, now, stored.next_incident())
            faults = with_incident(faults, grouping.placed)
            transitions = [replace(t, fault=faults[t.fault.fingerprint]) for t in transitions]
            stored.save_run(run)
            self._costs.save(stored, now)
            changed = {t.fault.fingerprint for t in transitions} | set(grouping.placed)
            stored.save_faults(faults[name] for name in sorted(changed))
            stored.add_transitions(transitions)
            stored.save_incidents(grouping.incidents)
            scene = Scene(faults=faults, now=now, zone=self._rules.zone)
            self._speak(stored, transitions, {i.id: i for i in incidents}, grouping.incidents, scene)

    def _speak(
        self,
        stored: Tick,
        transitions: Sequence[Transition],
        before: dict[int, Incident],
        changed: Sequence[Incident],
        scene: Scene,
    ) -> None:
        concerned = {i.id: i for i in (*before.values(), *changed)}
        announced = stored.announced(concerned)
        for notification in plan.plan(transitions, before, changed, announced, scene):
            number = stored.add_notification(notification)
            members = scene.members(concerned[notification.incident])
            pipelines = {f.finding.subject.pipeline for f in members if f.finding.subject.pipeline}
            about_channels = {f.finding.subject.check for f in members if f.finding.kind == "delivery"}
            # Nobody can be told through a channel that the channel is dead.
            wanted = [d for d in plan.route(notification, pipelines, self._rules.routes) if d not in about_channels]
            threads = stored.threads(notification.incident)
            rows = plan.postings(notification, wanted, threads)
            stored.enqueue(number, self._store.identity, rows, scene.now)
            log.info(
                "notification",
                extra={
                    "action": "notification.suppressed" if notification.suppressed else "notification.planned",
                    "incident": notification.incident,
                    "why": notification.why.value,
                },
            )
