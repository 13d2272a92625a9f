"""What BigQuery is asked for and bills, by purpose and day; and a month's budget, which slows the asking.

Days and months are UTC. What the service does not report is counted as unreported and never taken for nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from checks.model import CheckRun, Clearance, Evidence, Finding, JsonValue, Severity, Status, Subject

if TYPE_CHECKING:
    from alerts.store.sql import Tick

# Under this name the counts lie among the cursors of the checks; no check is called so.
CURSOR = "cost"
CHECK = "budget"
KEEP_DAYS = 62
# However little is left: nobody is blind for longer than this.
AT_LEAST_EVERY = timedelta(hours=1)
# A check that was held back in this time is called slowed.
_LATELY = timedelta(days=1)
_DAY = timedelta(days=1)

# The check whose tick runs in this thread.
_asking: ContextVar[str | None] = ContextVar("asking", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Queries, of how many of them the service did not report what it billed, and the bytes billed of the others."""

    queries: int = 0
    unreported: int = 0
    billed: int = 0

    @property
    def bytes_billed(self) -> int | None:
        """None: not reported for any query."""
        return None if self.queries and self.queries == self.unreported else self.billed

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            queries=self.queries + other.queries,
            unreported=self.unreported + other.unreported,
            billed=self.billed + other.billed,
        )

    def words(self) -> str:
        """``123 queries, bytes billed: 1,290,000,000 (2 not reported)``."""
        billed = "not reported" if self.bytes_billed is None else f"{self.bytes_billed:,}"
        some = f" ({self.unreported} queries not reported)" if self.unreported and self.bytes_billed is not None else ""
        return f"{self.queries} {'query' if self.queries == 1 else 'queries'}, bytes billed: {billed}{some}"

    def as_json(self) -> dict[str, JsonValue]:
        """For the report."""
        return {"queries": self.queries, "bytes_billed": self.bytes_billed, "unreported": self.unreported}


Days = Mapping[date, Mapping[str, Spent]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostReport:
    """The day's costs by purpose, the month's sum, and the budget in bytes (None: there is none)."""

    day: date
    purposes: Mapping[str, Spent]
    month: Spent
    budget: int | None = None

    @property
    def today(self) -> Spent:
        """The day's sum."""
        return sum(self.purposes.values(), Spent())

    def words(self) -> str:
        """One paragraph: the day, its purposes, the month, the budget."""
        listed = ", ".join(f"{purpose} {spent.queries}" for purpose, spent in sorted(self.purposes.items()))
        asked = f" ({listed})" if listed else ""
        budget = f" of a budget of {self.budget:,}" if self.budget is not None else ""
        return f"{self.day}: {self.today.words()}{asked}; month so far: {self.month.words()}{budget}"

    def as_json(self) -> dict[str, JsonValue]:
        """For the report."""
        return {
            "day": {
                "date": self.day.isoformat(),
                **self.today.as_json(),
                "purposes": {purpose: spent.as_json() for purpose, spent in sorted(self.purposes.items())},
            },
            "month": self.month.as_json(),
            "budget_bytes": self.budget,
        }


def report(days: Days, at: datetime, budget: int | None) -> CostReport:
    """The costs of the day of ``at``, and of its month up to that day."""
    today = at.astimezone(UTC).date()
    in_month = (day for day in days if day <= today and (day.year, day.month) == (today.year, today.month))
    month = sum((spent for day in in_month for spent in days[day].values()), Spent())
    return CostReport(day=today, purposes=days.get(today, {}), month=month, budget=budget)


def parse(value: JsonValue) -> dict[date, dict[str, Spent]]:
    """The counts as they were stored; nothing where nothing was."""
    kept = value.get("days") if isinstance(value, dict) else None
    answer: dict[date, dict[str, Spent]] = {}
    for day, purposes in kept.items() if isinstance(kept, dict) else ():
        if isinstance(purposes, dict):
            answer[date.fromisoformat(day)] = {
                purpose: Spent(queries=int(str(n[0])), unreported=int(str(n[1])), billed=int(str(n[2])))
                for purpose, n in purposes.items()
                if isinstance(n, list)
            }
    return answer


def _stored(days: Days) -> JsonValue:
    return {
        "days": {
            day.isoformat(): {purpose: [s.queries, s.unreported, s.billed] for purpose, s in days[day].items()}
            for day in sorted(days)[-KEEP_DAYS:]
        }
    }


def _merged(one: Days, other: Days) -> dict[date, dict[str, Spent]]:
    answer = {day: dict(purposes) for day, purposes in one.items()}
    for day, purposes in other.items():
        found = answer.setdefault(day, {})
        for purpose, spent in purposes.items():
            found[purpose] = found.get(purpose, Spent()) + spent
    return answer


def headroom(spent: int, budget: int, now: datetime) -> int:
    """Bytes that may still be billed now: the budget is handed out evenly over the month, a day ahead."""
    start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end = (start + timedelta(days=32)).replace(day=1)
    return int(budget * min(1.0, (now - start + _DAY) / (end - start))) - spent


class Costs:
    """Counts as the queries come, and says which check has to wait. Safe to use from several threads.

    What was counted is stored with the tick that asked (``save``); a crash before that loses that tick's counts.
    ``budget`` in bytes a month may be changed; None: whatever it costs.
    """

    def __init__(self, stored: JsonValue, budget: int | None = None) -> None:
        self._guard = threading.Lock()
        self._days = parse(stored)
        self._fresh: list[tuple[str, int | None]] = []
        self.budget = budget
        self._spenders: set[str] = set()
        self._ran: dict[str, datetime] = {}
        self._held: datetime | None = None
        self._told: str | None = None

    def note(self, purpose: str, bytes_billed: int | None) -> None:
        """One query was answered. The warehouse calls this."""
        with self._guard:
            self._fresh.append((purpose, bytes_billed))
            name = _asking.get()
            if name is not None:
                self._spenders.add(name)

    @contextmanager
    def asking(self, check: str, now: datetime) -> Iterator[None]:
        """Queries inside are those of a check's tick at ``now``."""
        self._ran[check] = now
        before = _asking.set(check)
        try:
            yield
        finally:
            _asking.reset(before)

    def save(self, stored: Tick, now: datetime) -> None:
        """Add what was counted since the last time to what is stored, in the caller's transaction."""
        with self._guard:
            fresh, self._fresh = self._fresh, []
            if not fresh:
                return
            day = now.astimezone(UTC).date()
            counted: dict[str, Spent] = {}
            for purpose, billed in fresh:
                one = Spent(queries=1, unreported=int(billed is None), billed=billed or 0)
                counted[purpose] = counted.get(purpose, Spent()) + one
            self._days = _merged(parse(stored.cursor(CURSOR)), {day: counted})
            stored.set_cursor(CURSOR, _stored(self._days), now)

    def report(self, now: datetime) -> CostReport:
        """The costs as stored so far."""
        with self._guard:
            return report(self._days, now, self.budget)

    def told(self, run: CheckRun, now: datetime) -> CheckRun:
        """The run with the day's costs in its evidence, if it asked BigQuery for anything."""
        if run.check not in self._spenders or not run.evidence.queries:
            return run
        with self._guard:
            pending = sum((Spent(queries=1, unreported=int(b is None), billed=b or 0) for _, b in self._fresh), Spent())
            found = report(self._days, now, self.budget)
        notes = [f"BigQuery today: {(found.today + pending).words()}"]
        if self._slowed(now):
            notes.append(f"asked less often: {self._why(found)}")
        return replace(run, evidence=run.evidence.merged(Evidence(notes=tuple(notes))))

    # -- the budget -----------------------------------------------------------------------------------------------

    def holds_back(self, check: str, every: timedelta, now: datetime) -> bool:
        """Whether a check must wait for its next slot, because the month's budget does not reach yet.

        Only checks that have asked BigQuery before wait, and none of them for longer than ``AT_LEAST_EVERY``.
        """
        if self.budget is None or check not in self._spenders:
            return False
        ran = self._ran.get(check)
        if ran is None or now - ran >= max(AT_LEAST_EVERY, every):
            return False
        if headroom(self.report(now).month.billed, self.budget, now) >= 0:
            return False
        self._held = now
        return True

    def news(self, now: datetime) -> CheckRun | None:
        """What is to be told of the budget, when that has changed: it slows the checks, it is spent, it suffices."""
        if self.budget is None:
            return None
        found = self.report(now)
        spent = found.month.billed >= self.budget
        state = f"{now:%Y-%m} {'spent' if spent else 'slowed' if self._slowed(now) else 'enough'}"
        if state == self._told:
            return None
        self._told = state
        if state.endswith("enough"):
            over = Clearance(fingerprint=f"own:{CHECK}", at=now, reason="the month's budget suffices again")
            return _run(now, clearances=(over,))
        finding = Finding(
            fingerprint=f"own:{CHECK}",
            check=CHECK,
            kind="own.budget",
            severity=Severity.WARNING if spent else Severity.INFO,
            subject=Subject(check=CHECK),
            title="The month's budget for BigQuery is spent: checks look once an hour"
            if spent
            else "The month's budget for BigQuery slows the checks",
            since=now,
            last_seen=now,
            facts={
                "reason": self._why(found),
                "remedy": "raise budget.monthly, or let the checks look less often (`every`), so that they do evenly",
            },
        )
        return _run(now, findings=(finding,))

    def _slowed(self, now: datetime) -> bool:
        return self._held is not None and now - self._held <= _LATELY

    def _why(self, found: CostReport) -> str:
        budget = self.budget or 0
        return f"{found.month.billed:,} bytes billed this month of a budget of {budget:,}, handed out day by day"


def _run(now: datetime, findings: tuple[Finding, ...] = (), clearances: tuple[Clearance, ...] = ()) -> CheckRun:
    return CheckRun(
        check=CHECK,
        started_at=now,
        finished_at=now,
        status=Status.DEGRADED if findings else Status.OK,
        findings=findings,
        clearances=clearances,
    )
