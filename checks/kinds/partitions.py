"""The check of partitions: once a day, which tables used to fill and stopped, and which run dates they lack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from checks.model import Clearance, Evidence, Finding, JsonValue, Judgement, Severity, Status, Subject, day_words, stamp
from checks.pipeline import Pipeline, local_instant
from checks.ports import CalendarDays
from checks.sources.calendar import Calendars
from checks.sources.tables import TableSource
from checks.tables import words
from checks.tables.partitions import Filled, PartitionRules, TableHealth, look_through

# How far back partitions and calendar are read: a season, and what was usual in the one before.
REACH = timedelta(days=366)
# A hole this young is told; an older one stands in the evidence and the digest.
_FRESH_HOLE = timedelta(days=14)
_KNOWN_TABLES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPartitions:
    """What the day's look brought, or, with ``filled`` None, what an earlier one did.

    ``known``: by table the latest date with rows that was ever seen. ``earlier``: what the earlier look concluded.
    """

    asked_at: datetime
    filled: Sequence[Filled] | None
    calendar: CalendarDays | None
    known: Mapping[str, date]
    earlier: Mapping[str, JsonValue] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)


class Partitions:
    """Looks through all partitions of the named datasets, once a day when another run date has become due.

    Findings: ``table.dark`` with the fingerprint ``table-dark:<table>`` (it used to fill and has no rows for more run
    dates than is usual for it; open until rows are there or it is retired) and ``table.holes`` (``table-holes:``).
    Between two looks the conclusions of the last one stand.
    """

    def __init__(
        self, *, pipeline: Pipeline, rules: PartitionRules, source: TableSource, every: timedelta, name: str
    ) -> None:
        self.name = name
        self.every = every
        self.about = Subject(pipeline=pipeline.name)
        self._pipeline = pipeline
        self._rules = rules
        self._source = source
        self._calendars = Calendars(source.warehouse)

    def read(self, now: datetime, cursor: JsonValue) -> tuple[SeenPartitions, JsonValue]:
        """The partitions, if another run date became due since they were last read.

        :raises SourceError: if they or the calendar could not be read; the next tick tries again.
        """
        carry = _mapping(_mapping(cursor).get("carry"))
        known = {table: date.fromisoformat(str(day)) for table, day in _mapping(carry.get("known")).items()}
        asked = carry.get("asked_at")
        asked_at = datetime.fromisoformat(asked).astimezone(UTC) if isinstance(asked, str) else None
        if asked_at is not None and asked_at >= self._latest_due(now):
            earlier = _mapping(carry.get("tables"))
            return SeenPartitions(asked_at=asked_at, filled=None, calendar=None, known=known, earlier=earlier), None
        today = now.astimezone(self._pipeline.zone).date()
        first = today - REACH
        calendar, cost = self._calendars.days(self._pipeline, first, today)
        filled, evidence = self._source.partitions(self._rules.datasets, first, today)
        seen = SeenPartitions(
            asked_at=now, filled=filled, calendar=calendar, known=known, evidence=evidence.merged(cost)
        )
        return seen, None

    def _latest_due(self, now: datetime) -> datetime:
        """The latest moment at which a run date became due."""
        zone = self._pipeline.zone
        today = now.astimezone(zone).date()
        at = local_instant(today, self._rules.due.at, zone)
        return at if at <= now else local_instant(today - timedelta(days=1), self._rules.due.at, zone)

    def judge(self, observed: SeenPartitions, now: datetime) -> Judgement:
        """FAILING with a dark table, DEGRADED with young holes, UNKNOWN where a dataset showed nothing."""
        if observed.filled is None or observed.calendar is None:
            tables = [_from_json(name, value) for name, value in observed.earlier.items()]
            known, evidence = observed.known, _standing(observed.asked_at, tables)
        else:
            outlook = look_through(
                self._rules,
                observed.filled,
                observed.calendar,
                observed.known,
                now=now,
                zone=self._pipeline.zone,
            )
            tables, known = list(outlook.tables), outlook.known
            counts = {"tables_judged": len(tables), "tables_irregular": outlook.irregular}
            evidence = observed.evidence.merged(Evidence(counts=counts))
            if not observed.calendar.covers(now.astimezone(self._pipeline.zone).date()):
                unseen = (
                    f"the calendar of {self._pipeline.name} does not cover today: newer run dates are not judged",
                )
                evidence = evidence.merged(Evidence(unseen=unseen))
        retired = {item.table: item for item in self._rules.retired}
        findings, clearances = [], []
        for table in tables:
            dark = table.dark and table.table not in retired
            if dark:
                findings.append(self._dark(table, now))
            else:
                why = retired[table.table].reason if table.table in retired else f"rows up to {table.last}"
                word = "retired" if table.table in retired else "filling"
                clearances.append(Clearance(fingerprint=f"table-dark:{table.table}", at=now, reason=f"{word}: {why}"))
            if table.holes:
                findings.append(self._holes(table, now))
            else:
                clearances.append(Clearance(fingerprint=f"table-holes:{table.table}", at=now, reason="no holes"))
        kept = sorted(known.items(), key=lambda item: item[1])[-_KNOWN_TABLES:]
        return Judgement(
            status=self._status(findings, evidence),
            findings=tuple(findings),
            clearances=tuple(clearances),
            evidence=evidence.merged(Evidence(notes=tuple(self._retired(tables)))),
            carry={
                "asked_at": stamp(observed.asked_at),
                "known": {name: day.isoformat() for name, day in kept},
                "tables": {table.table: _as_json(table) for table in tables if table.dark or table.holes},
            },
        )

    def _status(self, findings: Sequence[Finding], evidence: Evidence) -> Status:
        if any(finding.kind == "table.dark" for finding in findings):
            return Status.FAILING
        if evidence.unseen:
            return Status.UNKNOWN
        return Status.DEGRADED if any(not finding.quiet for finding in findings) else Status.OK

    def _retired(self, tables: Sequence[TableHealth]) -> Iterator[str]:
        retired = {item.table: item for item in self._rules.retired}
        for table in tables:
            if table.table in retired:
                item = retired[table.table]
                again = f"; but it has rows of {table.last}" if table.last >= item.since else ""
                yield f"{table.table} is retired since {item.since}: {item.reason}{again}"

    def _dark(self, table: TableHealth, now: datetime) -> Finding:
        usual = "every run date" if table.usual == 1 else f"about one in {table.usual} run dates"
        return Finding(
            fingerprint=f"table-dark:{table.table}",
            check=self.name,
            kind="table.dark",
            severity=Severity.WARNING,
            subject=Subject(pipeline=self._pipeline.name, table=table.table),
            title=f"The table {table.table} stopped filling: no rows since {day_words(table.last)}",
            since=self._rules.due.on(table.last + timedelta(days=1), self._pipeline.zone),
            last_seen=now,
            facts={
                "used to fill on": usual,
                # Grows every day, which is no news.
                "missing": f"{table.lacks} run dates",
                "remedy": "find out what wrote it; or add it to partitions.retired, with the reason why it stopped",
            },
        )

    def _holes(self, table: TableHealth, now: datetime) -> Finding:
        newest = table.holes[-1]
        young = now.astimezone(self._pipeline.zone).date() - newest <= _FRESH_HOLE
        return Finding(
            fingerprint=f"table-holes:{table.table}",
            check=self.name,
            kind="table.holes",
            severity=Severity.WARNING if young else Severity.INFO,
            subject=Subject(pipeline=self._pipeline.name, table=table.table),
            title=f"The table {table.table} lacks {len(table.holes)} run date{'s' if len(table.holes) > 1 else ''}",
            since=self._rules.due.on(table.holes[0], self._pipeline.zone),
            last_seen=now,
            facts={
                "run dates without rows": words.some_dates(table.holes),
                "remedy": "backfill them, or take the dates out of the calendar if no run was owed",
            },
            quiet=not young,
        )


def _standing(asked_at: datetime, tables: Sequence[TableHealth]) -> Evidence:
    return Evidence(
        counts={"tables_in_trouble": len(tables)}, notes=(f"as of the look at {stamp(asked_at)}, one a day",)
    )


def _mapping(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _as_json(table: TableHealth) -> JsonValue:
    return {
        "last": table.last.isoformat(),
        "lacks": table.lacks,
        "usual": table.usual,
        "dark": table.dark,
        "holes": [day.isoformat() for day in table.holes],
    }


def _from_json(name: str, value: JsonValue) -> TableHealth:
    kept = _mapping(value)
    holes = kept.get("holes")
    return TableHealth(
        table=name,
        last=date.fromisoformat(str(kept["last"])),
        lacks=int(str(kept["lacks"])),
        usual=int(str(kept["usual"])),
        dark=kept["dark"] is True,
        holes=tuple(date.fromisoformat(str(day)) for day in holes) if isinstance(holes, list) else (),
    )
