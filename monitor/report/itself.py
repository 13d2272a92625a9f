"""The watcher itself in the report: whether it looks and delivers, what waits, and what the state lies on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.faults.own import is_own
from alerts.messages.wording import duration, moment
from alerts.model import Backlog, Fault
from checks.model import JsonValue, stamp
from monitor.daemon.itself import NAME
from monitor.report.model import CheckReport, Itself
from monitor.storage import Storage

# The supervisor stores a look every minute; older ones mean that nobody looks.
STALE_AFTER = timedelta(minutes=5)


def build(
    *,
    checks: Sequence[CheckReport],
    faults: Mapping[str, Fault],
    backlog: Sequence[Backlog],
    delivered_at: datetime | None,
    storage: Storage | None,
    now: datetime,
    speed: float = 1.0,
) -> Itself:
    """What the state and its storage tell of the watcher; its clock runs ``speed`` times as fast as real time. Pure."""
    looked_at = next((check.last_run_at for check in checks if check.name == NAME), None)
    open_ones = [f for f in faults.values() if f.is_open and f.fired_at is not None and is_own(f.finding.kind)]
    return Itself(
        looked_at=looked_at,
        stale=looked_at is None or now - looked_at > STALE_AFTER * speed,
        problems=tuple(_sentence(f) for f in sorted(open_ones, key=lambda f: (f.finding.since, f.fingerprint))),
        delivered_at=delivered_at,
        backlog=tuple(backlog),
        storage=storage,
    )


def lines(itself: Itself, now: datetime, zone: ZoneInfo) -> list[str]:
    """One sentence a line, for people; what is wrong first."""
    answer = list(itself.problems)
    if itself.looked_at is None:
        answer.append("no watcher has looked after itself on this state yet")
    else:
        gone = ": it does not run, or hangs" if itself.stale else ""
        answer.append(f"last looked after itself {duration(now - itself.looked_at)} ago{gone}")
    for one in itself.backlog:
        oldest = f", the oldest for {duration(now - one.oldest)}" if one.oldest else ""
        words = [f"{n:,} {word}" for n, word in ((one.pending, "waiting"), (one.dead, "given up")) if n]
        reason = f": {one.error}" if one.error else ""
        answer.append(f"messages to {one.destination}: {', '.join(words)}{oldest}{reason}")
    if itself.delivered_at is not None:
        answer.append(f"last message arrived {moment(itself.delivered_at, zone)}")
    if itself.storage is not None:
        answer.append(f"state {itself.storage.sentence}")
    return answer


def to_json(itself: Itself) -> dict[str, JsonValue]:
    """As plain values."""
    return {
        "looked_at": None if itself.looked_at is None else stamp(itself.looked_at),
        "stale": itself.stale,
        "problems": list(itself.problems),
        "delivered_at": None if itself.delivered_at is None else stamp(itself.delivered_at),
        "outbox": [
            {
                "channel": b.destination,
                "pending": b.pending,
                "dead": b.dead,
                "oldest_at": None if b.oldest is None else stamp(b.oldest),
                "error": b.error,
            }
            for b in itself.backlog
        ],
        "storage": None if itself.storage is None else itself.storage.to_json(),
    }


def _sentence(fault: Fault) -> str:
    reason = fault.finding.facts.get("reason")
    return f"{fault.finding.title}: {reason}" if reason else fault.finding.title
