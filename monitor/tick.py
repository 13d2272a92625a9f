"""The one path: run a check, settle the ledger, find causes, plan, store all of it in one transaction."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alerts import causes, ledger, plan, storms
from alerts.model import Notification, Scene
from alerts.store.sql import Store, Tick, with_incident
from checks import runner
from checks.model import CheckRun
from checks.pipeline import Pipeline
from checks.ports import Check

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the path needs to know of the configuration."""

    pipelines: tuple[Pipeline, ...]
    routes: tuple[plan.Route, ...]
    zone: ZoneInfo
    blind_after: timedelta
    storm: storms.Limit = field(default_factory=storms.Limit)


class Path:
    """Runs checks and stores what follows. Thread-safe: one transaction at a time."""

    def __init__(self, store: Store, rules: Rules, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._rules = rules
        self._clock = clock
        self._lock = threading.Lock()

    def tick(self, check: Check[Any], now: datetime) -> CheckRun:
        """Run one check at ``now`` and store its consequences together with its new cursor."""
        with self._store.reading() as stored:
            cursor = stored.cursor(check.name)
        run = runner.run(check, now, cursor, blind_after=self._rules.blind_after, clock=self._clock)
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
            grouping = storms.calm(grouping, incidents, faults, self._rules.storm, now)
            faults = with_incident(faults, grouping.placed)
            transitions = [
                replace(t, fault=faults[t.fault.fingerprint]) if t.fault.fingerprint in grouping.placed else t
                for t in transitions
            ]
            stored.save_run(run)
            changed = {t.fault.fingerprint for t in transitions} | set(grouping.placed)
            stored.save_faults(faults[name] for name in sorted(changed))
            stored.add_transitions(transitions)
            stored.save_incidents(grouping.incidents)
            before = {i.id: i for i in incidents}
            announced = stored.announced(resolved_since=recently)
            scene = Scene(faults=faults, now=now, zone=self._rules.zone)
            self._say(stored, plan.plan(transitions, before, grouping.incidents, announced, scene), scene)

    def _say(self, stored: Tick, notifications: Sequence[Notification], scene: Scene) -> None:
        """Log every decision, and put what is said into the outbox."""
        stored.add_suppressed(n for n in notifications if n.suppressed)
        for notification in notifications:
            log.info(
                "notification",
                extra={
                    "action": "notification.suppressed" if notification.suppressed else "notification.planned",
                    "incident": notification.incident,
                    "why": notification.why.value,
                },
            )
            if notification.suppressed:
                continue
            number = stored.add_notification(notification)
            members = [f for f in scene.faults.values() if f.incident == notification.incident]
            pipelines = {f.finding.subject.pipeline for f in members if f.finding.subject.pipeline}
            about_channels = {f.finding.subject.check for f in members if f.finding.kind == "delivery"}
            # Nobody can be told through a channel that the channel is dead.
            wanted = [d for d in plan.route(notification, pipelines, self._rules.routes) if d not in about_channels]
            rows = plan.postings(notification, wanted, stored.threads(notification.incident))
            stored.enqueue(number, self._store.identity, rows, scene.now)
