"""Tables whose rows prove that a processor is done: how many are there for a run date, of how many, and since when.

One query for each table and condition, however many run dates are asked for, so that a table that is missing or
forbidden hides no other. Columns are validated once more before they are quoted into SQL; expressions and queries of
the configuration stand between parentheses, so that they can be nothing but one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from checks.model import Evidence, utc
from checks.phases.evidence import TableEvidence, TableRows, TableSight
from checks.ports import SourceError, Warehouse
from checks.sql import Statement, quoted_column, quoted_table, subquery

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# After one of these, the others would most likely wait as long for nothing.
_HOPELESS = ("unreachable", "timeout", "quota")

_SQL = """
WITH found AS (
  SELECT run_date, written_at, ROW_NUMBER() OVER (PARTITION BY run_date ORDER BY written_at) AS nth
  FROM (
    SELECT {date} AS run_date, {time} AS written_at FROM {table} AS t
    WHERE {date} BETWEEN @first AND @last{conditions}
  )
),
owed AS (
  {owed}
)
SELECT o.run_date, o.needed, COUNT(f.nth) AS found, MAX(IF(f.nth = o.needed, f.written_at, NULL)) AS reached_at
FROM owed AS o LEFT JOIN found AS f ON f.run_date = o.run_date
GROUP BY o.run_date, o.needed"""
_OWED_AT_LEAST = "SELECT d AS run_date, @at_least AS needed FROM UNNEST(@dates) AS d"
_OWED_BY_SQL = """SELECT d AS run_date, IFNULL(MAX(CAST(e.expected AS INT64)), 1) AS needed
  FROM UNNEST(@dates) AS d LEFT JOIN {query} AS e ON e.run_date = d
  GROUP BY d"""


class EvidenceTables:
    """What tables prove. Holds no state but the warehouse; every answer comes with what it cost."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def rows(self, wanted: Iterable[tuple[TableEvidence, date]], as_of: datetime) -> tuple[TableSight, Evidence]:
        """What the tables hold for what is wanted, as of a moment where they say when their rows were written.

        Never fails: a table that does not exist holds nothing, and is named in the notes; what could not be asked is in
        ``unseen`` of both answers.
        """
        dates: dict[TableEvidence, list[date]] = {}
        for proof, run_date in wanted:
            dates.setdefault(proof, []).append(run_date)
        answers: dict[tuple[TableEvidence, date], TableRows] = {}
        absent: dict[str, None] = {}
        unseen: dict[TableEvidence, str] = {}
        cost = Evidence()
        hopeless = ""
        for proof, days in dates.items():
            if hopeless:
                unseen[proof] = f"{proof.table} was not asked after that: {hopeless}"
                continue
            try:
                answered, price = self._ask(proof, days, as_of)
            except SourceError as error:
                cost = cost.merged(Evidence(queries=1))
                if error.kind == "missing" and _is(proof.table, error.subject):
                    absent[proof.table] = None
                    answers |= {(proof, day): TableRows(rows=0, needed=proof.at_least) for day in days}
                    continue
                unseen[proof] = f"{proof.table} could not be asked: {error}"
                hopeless = str(error) if error.kind in _HOPELESS else ""
            else:
                answers |= {(proof, day): rows for day, rows in answered.items()}
                cost = cost.merged(price)
        if dates:
            cost = cost.merged(Evidence(counts={"evidence_tables": len(dates)}))
        said = Evidence(
            unseen=tuple(dict.fromkeys(unseen.values())), notes=tuple(absent_note(table) for table in absent)
        )
        return TableSight(answers=answers, absent=tuple(absent), unseen=unseen), cost.merged(said)

    def _ask(
        self, proof: TableEvidence, days: Sequence[date], as_of: datetime
    ) -> tuple[dict[date, TableRows], Evidence]:
        statement = evidence_statement(proof, days, as_of)
        result = self._warehouse.query(statement.sql, statement.params, label=statement.label)
        answered = {}
        for record in result.rows:
            reached = record["reached_at"]
            if reached is not None and not (isinstance(reached, datetime) and reached.tzinfo is not None):
                raise SourceError(f"column {proof.time} of {proof.table} holds no timestamps", kind="invalid")
            answered[record["run_date"]] = TableRows(
                rows=int(record["found"]),
                needed=int(record["needed"]),
                reached_at=None if reached is None else utc(reached),
            )
        return answered, Evidence(queries=1, bytes_billed=result.bytes_billed)


def evidence_statement(proof: TableEvidence, days: Sequence[date], as_of: datetime) -> Statement:
    """One row for each of the dates: ``run_date``, ``needed``, ``found`` and ``reached_at``.

    :raises SourceError: ``invalid`` for a name that is no identifier.
    """
    time = quoted_column(proof.time) if proof.time is not None else None
    conditions = [f"({proof.where})"] if proof.where is not None else []
    if time is not None:
        conditions.append(f"{time} <= @as_of")
    return Statement(
        what=f"the rows in {proof.table}",
        label="evidence",
        sql=_SQL.format(
            date=quoted_column(proof.date) if _NAME.fullmatch(proof.date) else f"({proof.date})",
            time=time or "CAST(NULL AS TIMESTAMP)",
            table=quoted_table(proof.table),
            conditions="".join(f" AND {condition}" for condition in conditions),
            owed=_OWED_AT_LEAST if proof.expected is None else _OWED_BY_SQL.format(query=subquery(proof.expected)),
        ),
        params={"first": min(days), "last": max(days), "dates": list(days)}
        | ({"at_least": proof.at_least} if proof.expected is None else {})
        | ({"as_of": utc(as_of)} if time is not None else {}),
        table=proof.table,
        settings={proof.date: "evidence.date"} | ({proof.time: "evidence.time"} if proof.time is not None else {}),
    )


def _is(table: str, subject: str | None) -> bool:
    """Whether a missing table is that one; in the configuration it may go without its project."""
    return subject is not None and f".{subject}".endswith(f".{table}")


def absent_note(table: str) -> str:
    """What it means that a table of evidence does not exist, a sentence."""
    return f"The table {table} does not exist: it proves nothing, and completion rows alone are judged."
