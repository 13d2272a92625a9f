"""The checks that judge the states of phases further, one of each per pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

from checks.carried import carry_of
from checks.phases.habits import from_json
from checks.ports import Check

if TYPE_CHECKING:
    from alerts.store.sql import Store
    from checks.kinds.completions import Completions
    from checks.kinds.history import HistoryCheck
    from checks.sources.completions import CompletionTables
    from monitor.config.loading import Config

# After a pause longer than this, what fell due meanwhile may have been seen by nobody.
ASLEEP_AFTER = timedelta(hours=1)


def state_checks(config: Config, judges: Sequence[Completions], tables: CompletionTables) -> list[Check[Any]]:
    """All of them that are switched on and have something to look at. They judge what the ``judges`` read."""
    from checks.kinds.hand_over import HandOverCheck
    from checks.kinds.outputs import OutputCheck
    from checks.kinds.recording import RecordingCheck
    from checks.sources.outputs import OutputTables

    settings = config.checks
    answer: list[Check[Any]] = []
    for judge in judges:
        suffix = judge.name.removeprefix("completions")
        shared, phases = judge.shared, judge.pipeline.phases
        if settings.recording.enabled:
            answer.append(
                RecordingCheck(
                    reader=judge,
                    shared=shared,
                    tables=tables,
                    every=settings.recording.every,
                    name=f"recording{suffix}",
                )
            )
        if settings.hand_over.enabled and any(phase.hand_overs for phase in phases):
            answer.append(
                HandOverCheck(reader=judge, shared=shared, every=settings.hand_over.every, name=f"hand_over{suffix}")
            )
        if settings.outputs.enabled and any(p.output for phase in phases for p in phase.processors):
            answer.append(
                OutputCheck(
                    reader=judge,
                    shared=shared,
                    tables=OutputTables(tables.warehouse),
                    every=settings.outputs.every,
                    name=f"outputs{suffix}",
                )
            )
        if settings.history.enabled:
            answer.append(history_check(config, judge))
    return answer


def history_check(config: Config, judge: Completions) -> HistoryCheck:
    """The check that learns what is usual for the pipeline of that judge."""
    from checks.kinds.history import HistoryCheck

    settings = config.checks.history
    return HistoryCheck(
        reader=judge,
        shared=judge.shared,
        every=settings.every,
        days=settings.days,
        at=time(settings.hour),
        asleep_after=max(ASLEEP_AFTER, settings.every * 3),
        name=f"history{judge.name.removeprefix('completions')}",
    )


def recall(judges: Iterable[Completions], store: Store) -> None:
    """Give the judges what a watcher has learned of the past: learned due times hold from the first look on."""
    with store.reading() as stored:
        for judge in judges:
            cursor = stored.cursor(f"history{judge.name.removeprefix('completions')}")
            judge.shared.habits = from_json(carry_of(cursor).get("habits"))
