"""The check of required tables: whether each exists, looks as it must, is fresh, and has its rows for each run date."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from checks.model import Clearance, Evidence, Finding, JsonValue, Judgement, Severity, Status, Subject, stamp
from checks.pipeline import Pipeline, local_instant
from checks.ports import CalendarDays, SourceError
from checks.sources.calendar import Calendars
from checks.sources.tables import TableSource
from checks.tables import compare, words
from checks.tables.model import LiveTable, RequiredTable
from checks.tables.seen import Memory, SeenTable, SeenTables, late

# What keeps one table from being asked keeps all of them.
_ALL_BLIND = ("unreachable", "timeout", "quota")
# A run date without its rows is looked for beyond the look-back, but not for ever.
_OPEN_REACH = timedelta(days=45)
# How far back the newest row is looked for.
_FRESH_REACH = timedelta(days=31)


class Tables:
    """Judges the required tables of all pipelines, and those that belong to none.

    Each table is one metadata read, which costs nothing. Queries are asked only where freshness or rows are demanded
    and something became due, and the calendar only where something is to be judged by it. While nothing is owed
    (yesterday, today, tomorrow) a pipeline's tables are looked at and nothing is said of them.

    Findings: ``table.missing`` with the fingerprint ``table:<check>:<table>``, ``table.differs`` (``table-shape:``),
    ``table.stale`` (``table-stale:``), ``table.rows`` (``table-rows:<table>:<run date>``), and ``blind`` for a table
    that could not be asked. All of them wait for a second look: metadata answers lag.
    """

    def __init__(
        self,
        *,
        required: Sequence[RequiredTable],
        pipelines: Sequence[Pipeline],
        source: TableSource,
        every: timedelta,
        look_back: int,
        name: str = "tables",
    ) -> None:
        self.name = name
        self.every = every
        self.about = Subject(pipeline=pipelines[0].name if len(pipelines) == 1 else None)
        self._required = tuple(required)
        self._pipelines = {pipeline.name: pipeline for pipeline in pipelines}
        self._source = source
        self._calendars = Calendars(source.warehouse)
        self._look_back = look_back

    # -- read -----------------------------------------------------------------------------------------------------

    def read(self, now: datetime, cursor: JsonValue) -> tuple[SeenTables, JsonValue]:
        """Metadata of every table that is required today, and what else has to be asked.

        :raises SourceError: if BigQuery cannot be asked at all; a single table that cannot be is part of the answer.
        """
        memory = Memory.of(cursor)
        calendars: dict[str, CalendarDays | None] = {}
        evidence = Evidence()
        seen = []
        for table in self._required:
            if not table.valid_on(self._today(table, now)) and table.rows is None:
                continue
            found, cost = self._look(table, now, memory, calendars)
            evidence = evidence.merged(cost)
            seen.append(found)
        counted = Evidence(counts={"tables": len(seen)})
        observed = SeenTables(tables=tuple(seen), calendars=calendars, evidence=counted.merged(evidence))
        return observed, memory.after(observed).as_json()

    def _look(
        self, table: RequiredTable, now: datetime, memory: Memory, calendars: dict[str, CalendarDays | None]
    ) -> tuple[SeenTable, Evidence]:
        """One table; what is wrong with it alone is part of the answer."""
        seen = SeenTable(table=table, newest=memory.newest.get(table.name))
        evidence = Evidence()

        def calendar(first: date) -> CalendarDays | None:
            nonlocal evidence
            days, cost = self._calendar(table, first, now, calendars)
            evidence = evidence.merged(cost)
            return days

        try:
            live = self._source.live(table.name)
            seen = replace(seen, live=live)
            if live is None or compare.trouble(compare.differences(table, live)):
                calendar(self._today(table, now))
            if live is not None:
                seen, cost = self._freshness(seen, live, now, calendar)
                evidence = evidence.merged(cost)
                seen, cost = self._count(seen, live, now, memory, calendar)
                evidence = evidence.merged(cost)
        except SourceError as error:
            if error.kind in _ALL_BLIND:
                raise
            seen = replace(seen, error=str(error), remedy=error.remedy)
        return seen, evidence

    def _freshness(
        self, seen: SeenTable, live: LiveTable, now: datetime, calendar: Callable[[date], CalendarDays | None]
    ) -> tuple[SeenTable, Evidence]:
        """The newest row, asked for only once the newest that is known is too old."""
        fresh = seen.table.freshness
        if fresh is None or not late(seen.newest, fresh.within, now):
            return seen, Evidence()
        newest, cost = self._source.newest(live, fresh, now)
        if late(newest, fresh.within, now):
            calendar((newest or now - _FRESH_REACH).astimezone(self._zone(seen.table)).date())
        return replace(seen, newest=newest), cost

    def _count(
        self,
        seen: SeenTable,
        live: LiveTable,
        now: datetime,
        memory: Memory,
        calendar: Callable[[date], CalendarDays | None],
    ) -> tuple[SeenTable, Evidence]:
        """The rows of run dates that are due and were not found complete before.

        Of dates on which the calendar says nothing, or that it could not be asked for, nothing is counted.
        """
        table, rows = seen.table, seen.table.rows
        if rows is None:
            return seen, Evidence()
        today, zone = self._today(table, now), self._zone(table)
        recent = {today - timedelta(days=number) for number in range(self._look_back)}
        opened = {day for day in memory.open.get(table.name, ()) if today - day <= _OPEN_REACH}
        due = sorted(
            day
            for day in (recent - memory.settled.get(table.name, frozenset())) | opened
            if table.valid_on(day) and rows.due.on(day, zone) <= now
        )
        days = calendar(due[0]) if due else None
        if days is None:
            return seen, Evidence()
        known = [day for day in due if days.covers(day)]
        owed = tuple(day for day in known if days.owed(day))
        counted, cost = self._source.rows(live, rows, owed[0], owed[-1]) if owed else ({}, Evidence())
        return replace(seen, counted={day: counted.get(day, 0) for day in known}, owed=owed), cost

    def _calendar(
        self, table: RequiredTable, first: date, now: datetime, known: dict[str, CalendarDays | None]
    ) -> tuple[CalendarDays | None, Evidence]:
        """The calendar of the table's pipeline from the look-back, or ``first``, to tomorrow.

        A pipeline whose calendar cannot be read gets None: its tables are judged all the same.
        """
        pipeline = self._pipelines.get(table.pipeline or "")
        if pipeline is None:
            return None, Evidence()
        today = now.astimezone(pipeline.zone).date()
        start = min(first, today - timedelta(days=self._look_back))
        if pipeline.name in known and first >= today - timedelta(days=self._look_back):
            return known[pipeline.name], Evidence()
        try:
            known[pipeline.name], cost = self._calendars.days(pipeline, start, today + timedelta(days=1))
        except SourceError as error:
            if error.kind in _ALL_BLIND:
                raise
            known[pipeline.name], cost = None, Evidence(unseen=(f"calendar of {pipeline.name}: {error}",))
        return known[pipeline.name], cost

    # -- judge ----------------------------------------------------------------------------------------------------

    def judge(self, observed: SeenTables, now: datetime) -> Judgement:
        """FAILING with any finding; UNKNOWN where a table or a calendar that was needed could not be read."""
        findings: list[Finding] = []
        clearances: list[Clearance] = []
        unseen: list[str] = []
        notes: list[str] = []
        for seen in observed.tables:
            if seen.error is not None:
                unseen.append(f"{seen.table.name}: {seen.error}")
                findings.append(self._blind(seen, now))
                if seen.live is None:
                    continue
            days = observed.calendars.get(seen.table.pipeline or "")
            pause = self._pause(seen.table, days, now)
            found = list(self._findings(seen, days, now))
            if pause is None:
                findings += found
            elif found:
                notes.append(f"{seen.table.name}: not judged, nothing is owed ({pause}): {found[0].title}")
            clearances += self._clearances(seen, {finding.fingerprint for finding in found}, now)
            notes += self._information(seen)
        evidence = observed.evidence.merged(Evidence(unseen=tuple(unseen), notes=tuple(notes)))
        wrong = any(finding.kind != "blind" for finding in findings)
        status = Status.FAILING if wrong else Status.UNKNOWN if evidence.unseen else Status.OK
        return Judgement(status=status, findings=tuple(findings), clearances=tuple(clearances), evidence=evidence)

    def _pause(self, table: RequiredTable, days: CalendarDays | None, now: datetime) -> str | None:
        """Why nothing is owed about now; None if something is, or nobody knows."""
        if table.pipeline is None or days is None:
            return None
        today = self._today(table, now)
        around = [today + timedelta(days=number) for number in (-1, 0, 1)]
        if not days.covers(today) or any(days.owed(day) for day in around):
            return None
        return days.why_not(today)

    def _findings(self, seen: SeenTable, days: CalendarDays | None, now: datetime) -> Iterator[Finding]:
        table, live = seen.table, seen.live
        if live is None:
            if table.valid_on(self._today(table, now)):
                yield self._missing(table, now)
            return
        if table.valid_on(self._today(table, now)):
            found = compare.trouble(compare.differences(table, live))
            if found:
                yield self._differs(table, found, now)
            if table.freshness is not None and seen.error is None:
                since = self._stale_since(seen, table.freshness.within, days, now)
                if since is not None:
                    yield self._stale(seen, table.freshness.within, since, now)
        for day in seen.owed:
            if table.rows is not None and seen.counted[day] < table.rows.at_least:
                yield self._rows_short(seen, day, now)

    def _stale_since(
        self, seen: SeenTable, within: timedelta, days: CalendarDays | None, now: datetime
    ) -> datetime | None:
        """Since when the newest row is too old; None while it is not.

        The time runs from the newest row, or from the beginning of the next run date that is owed after it: nothing is
        written while nothing is owed.
        """
        if not late(seen.newest, within, now):
            return None
        begin = seen.newest
        zone = self._zone(seen.table)
        if days is not None:
            last = (begin or now - _FRESH_REACH).astimezone(zone).date()
            coming = min((day for day in days.runs if day >= last and days.owed(day)), default=None)
            if coming is None:
                return None
            start = local_instant(coming, time(0), zone)
            begin = start if begin is None else max(begin, start)
        since = (begin or now - _FRESH_REACH) + within
        return since if since < now else None

    def _clearances(self, seen: SeenTable, wrong: set[str], now: datetime) -> Iterator[Clearance]:
        """Positive evidence only: of what was not looked at nothing is said."""
        table, live = seen.table, seen.live
        if live is None:
            return
        good = [(self._fingerprint("table", table), "the table exists"), (_shape(table), "it is as required")]
        if table.freshness is not None and seen.newest is not None:
            good.append((f"table-stale:{table.name}", f"its newest row is of {stamp(seen.newest)}"))
        for day, number in seen.counted.items():
            why = f"{number} rows" if day in seen.owed else "nothing is owed"
            good.append((f"table-rows:{table.name}:{day}", f"{why} for {day}"))
        for fingerprint, reason in good:
            if fingerprint not in wrong:
                yield Clearance(fingerprint=fingerprint, at=now, reason=reason)

    def _information(self, seen: SeenTable) -> Iterator[str]:
        if seen.live is not None:
            extra = [d for d in compare.differences(seen.table, seen.live) if d.severity is Severity.INFO]
            if extra:
                yield f"{seen.table.name} has more fields: {', '.join(d.field or '' for d in extra)}"

    # -- findings -------------------------------------------------------------------------------------------------

    def _finding(self, table: RequiredTable, now: datetime, **said: object) -> Finding:
        """One about a table; it waits for the next look."""
        values: dict[str, object] = {
            "check": self.name,
            "severity": Severity.WARNING,
            "subject": Subject(pipeline=table.pipeline, table=table.name),
            "since": now,
            "last_seen": now,
            "pending_for": self.every,
            **said,
        }
        return Finding(**values)  # type: ignore[arg-type]  # each is checked where it is said

    def _missing(self, table: RequiredTable, now: datetime) -> Finding:
        return self._finding(
            table,
            now,
            fingerprint=self._fingerprint("table", table),
            kind="table.missing",
            severity=Severity.CRITICAL,
            title=f"The table {table.name} does not exist",
            facts={
                "remedy": "see `phasewatch tables plan`; `phasewatch tables apply` makes it. If it moved or is no"
                " longer needed, change the configuration"
            },
        )

    def _differs(self, table: RequiredTable, found: Sequence[compare.Difference], now: datetime) -> Finding:
        return self._finding(
            table,
            now,
            fingerprint=_shape(table),
            kind="table.differs",
            severity=max((d.severity for d in found), key=lambda severity: severity.rank),
            title=words.differs(table.name, found),
            facts={"differences": words.listed(found), "remedy": words.remedy(found)},
        )

    def _stale(self, seen: SeenTable, within: timedelta, since: datetime, now: datetime) -> Finding:
        newest = f"is of {stamp(seen.newest)}" if seen.newest else f"is older than {_FRESH_REACH.days} days"
        return self._finding(
            seen.table,
            now,
            fingerprint=f"table-stale:{seen.table.name}",
            kind="table.stale",
            title=f"The table {seen.table.name} is not written any more: its newest row {newest}",
            since=since,
            facts={"allowed": f"{within / timedelta(hours=1):g} h", "checked at": stamp(now)},
        )

    def _rows_short(self, seen: SeenTable, day: date, now: datetime) -> Finding:
        rows = seen.table.rows
        if rows is None:
            raise AssertionError("counted without being asked to")
        due = rows.due.on(day, self._zone(seen.table))
        return self._finding(
            seen.table,
            now,
            fingerprint=f"table-rows:{seen.table.name}:{day}",
            kind="table.rows",
            subject=Subject(pipeline=seen.table.pipeline, table=seen.table.name, run_date=day),
            title=words.rows_short(seen.table.name, day, seen.counted[day], rows.at_least),
            since=due,
            facts={
                "rows": seen.counted[day],
                "at least": rows.at_least,
                "due": f"{stamp(due)} ({due.astimezone(self._zone(seen.table)):%Y-%m-%d %H:%M %Z})",
                "checked at": stamp(now),
            },
        )

    def _blind(self, seen: SeenTable, now: datetime) -> Finding:
        facts: dict[str, JsonValue] = {"reason": seen.error}
        if seen.remedy:
            facts["remedy"] = seen.remedy
        subject = Subject(pipeline=seen.table.pipeline, table=seen.table.name, check=self.name)
        return self._finding(
            seen.table,
            now,
            fingerprint=f"blind:{self.name}:{seen.table.name}",
            kind="blind",
            subject=subject,
            title=f"Blind: the table {seen.table.name} cannot be looked at",
            facts=facts,
        )

    def _fingerprint(self, what: str, table: RequiredTable) -> str:
        return f"{what}:{self.name}:{table.name}"

    def _zone(self, table: RequiredTable) -> ZoneInfo:
        pipeline = self._pipelines.get(table.pipeline or "")
        return pipeline.zone if pipeline else ZoneInfo("UTC")

    def _today(self, table: RequiredTable, now: datetime) -> date:
        return now.astimezone(self._zone(table)).date()


def _shape(table: RequiredTable) -> str:
    return f"table-shape:{table.name}"
