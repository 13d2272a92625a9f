"""What would have been told over past days: the checks replayed as of each tick, on a state that is thrown away.

Nothing is sent and nothing is written but that state.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from alerts.model import Notification, Why
from alerts.store.sql import Store
from checks.model import Evidence, JsonValue, Window, utc
from checks.ports import Check, LogBatch, LogSource
from monitor.daemon.tick import Path
from monitor.wiring import parts
from monitor.wiring.rules import Rules

if TYPE_CHECKING:
    from monitor.config.loading import Config

# Before the range, so that what began earlier is known at its beginning and not told as new.
WARM_UP = timedelta(days=1)
# They would ask their services anew for every moment of the range, whose quotas are for the present.
_ASK_AGAIN = ("metrics", "scheduler")
# Entries are read in parts: a source that never comes to an end must not be read for ever.
_MOST_READS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message that would have been sent: to whom, and whether it is a new one or a reply."""

    at: datetime
    incident: int
    why: Why
    severity: str
    title: str
    action: str
    destinations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would have been told, the number of edits (which ring nobody), and what would not have been, by reason."""

    first: datetime
    last: datetime
    ticks: int
    said: tuple[Said, ...]
    edits: int
    suppressed: Mapping[Why, int]


class Replay:
    """Log entries of the past, handed out as they were received. A ``checks.ports.LogSource``."""

    def __init__(self, entries: Iterable[Mapping[str, Any]]) -> None:
        dated = [(_received(entry), entry) for entry in entries]
        known = sorted(((at, entry) for at, entry in dated if at is not None), key=lambda one: one[0])
        self._times = [at for at, _ in known]
        self._entries = [entry for _, entry in known]

    def read(self, cursor: JsonValue, until: datetime) -> LogBatch:
        """What was received since the last read, up to ``until``."""
        done = cursor if isinstance(cursor, int) else 0
        end = bisect_right(self._times, until)
        batch = self._entries[done:end]
        window = Window(start=self._times[done], end=until) if batch else None
        return LogBatch(
            entries=batch, malformed=0, cursor=end, evidence=Evidence(window=window, counts={"entries": len(batch)})
        )


def load(source: LogSource, first: datetime, last: datetime) -> Replay:
    """All entries that a source has of a range.

    :raises SourceError: if it cannot be read.
    """
    entries: list[Mapping[str, Any]] = []
    batch = source.read(None, first)
    for _ in range(_MOST_READS):
        entries += batch.entries
        batch = source.read(batch.cursor, last)
        if not batch.entries and not batch.evidence.unseen:
            break
    return Replay(entries)


def preview(
    checks: Sequence[Check[Any]],
    rules: Rules,
    first: datetime,
    last: datetime,
    *,
    every: timedelta,
    tell: Callable[[float], None] = lambda _: None,
) -> Preview:
    """Run every check at each of its ticks (``every`` apart, or its own interval if that is longer).

    :param tell: told how much of the range is done, 0 to 1.
    """
    ticks = 0
    with tempfile.TemporaryDirectory(prefix="phasewatch-preview-") as folder:
        store = Store(f"sqlite:///{FilePath(folder, 'state.db')}")
        try:
            begin = first - WARM_UP
            path = Path(store, rules, lambda: now)
            # Nothing is told of what is found at the very beginning: it was there before.
            path.catch_up_until = begin + every
            now, due = begin, dict.fromkeys((check.name for check in checks), begin)
            while now <= last:
                for check in checks:
                    if now >= due[check.name]:
                        path.tick(check, now)
                        due[check.name] = now + max(every, check.every)
                        ticks += 1
                path.review(now)
                tell((now - begin) / (last - begin))
                now += every
            tell(1.0)
            return _result(store, first, last, ticks)
        finally:
            store.close()


def _result(store: Store, first: datetime, last: datetime, ticks: int) -> Preview:
    with store.reading() as stored:
        told = {number: n for number, n in stored.numbered_notifications().items() if n.at >= first}
        rows = [row for row in stored.rows() if row.at >= first]
    by_notification: dict[int, list[tuple[str, str]]] = {}
    for row in rows:
        if row.action != "edit":
            by_notification.setdefault(row.notification, []).append((row.action, row.destination))
    said: list[Said] = []
    suppressed: dict[Why, int] = {}
    for number, notification in told.items():
        if notification.suppressed:
            suppressed[notification.why] = suppressed.get(notification.why, 0) + 1
            continue
        said += _said(notification, by_notification.get(number, []))
    edits = sum(1 for row in rows if row.action == "edit")
    return Preview(first=first, last=last, ticks=ticks, said=tuple(said), edits=edits, suppressed=suppressed)


def _said(notification: Notification, rows: Sequence[tuple[str, str]]) -> Iterable[Said]:
    """One item for new messages, one for replies; none for what only edits."""
    for action, message in (("post", notification.root), ("reply", notification.reply or notification.root)):
        destinations = tuple(sorted(d for a, d in rows if a == action))
        if destinations and message is not None:
            yield Said(
                at=notification.at,
                incident=notification.incident,
                why=notification.why,
                severity=message.severity.value,
                title=message.title,
                action=action,
                destinations=destinations,
            )


def checks_of_the_past(config: Config, where: parts.Data, first: datetime, last: datetime) -> list[Check[Any]]:
    """The configured checks, with log entries read once and handed out as they were received.

    :raises SourceError: if the logs cannot be read.
    """
    found = parts.checks(config, where, through=lambda source: load(source, first - WARM_UP, last))
    return [check for check in found if check.name not in _ASK_AGAIN]


def without_digest(rules: Rules) -> Rules:
    """The rules for a preview: a digest is told every day and says nothing about how much is told."""
    return replace(rules, digest=None)


def _received(entry: Mapping[str, Any]) -> datetime | None:
    text = entry.get("receiveTimestamp") or entry.get("timestamp")
    try:
        return utc(datetime.fromisoformat(text)) if isinstance(text, str) else None
    except ValueError:
        return None
