"""Whether tables hold rows for run dates: metadata first, and counts only where it proves nothing.

Metadata proves rows, never their absence: rows that were streamed in are missing there for a while, and a table that is
not partitioned by its date column has no partition of the run date.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from checks.model import Evidence
from checks.phases.evidence import TableEvidence
from checks.ports import SourceError, Warehouse
from checks.sql import quoted_column, quoted_table

Wanted = tuple[TableEvidence, date]
Answer = TypeVar("Answer")
_PARTITION = "%Y%m%d"
# Errors that are about one table; others are about the warehouse.
_OF_ONE_TABLE = frozenset({"missing", "forbidden", "invalid"})


@dataclass(slots=True, kw_only=True)
class OutputRows:
    """Rows by table and run date, without those that could not be asked. ``absent`` tables do not exist."""

    rows: dict[Wanted, int] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)


class OutputTables:
    """Counts rows of run dates in tables. Every answer comes with what it cost."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def rows(self, wanted: Collection[Wanted]) -> tuple[OutputRows, Evidence]:
        """How many rows each table holds for each run date: one query, two where metadata does not prove all of them.

        A table that cannot be asked does not keep the others from being: then each is asked by itself.

        :raises SourceError: if the warehouse could not be asked.
        """
        answer = OutputRows()
        asked = sorted(wanted, key=lambda w: (w[0].table, w[0].date, w[1]))
        evidence = Evidence(counts={"outputs_asked": len(asked)})
        if not asked:
            return answer, evidence
        proved = _attempt(lambda: self._partitions(asked))
        if proved is not None:
            answer.rows.update(proved[0])
            evidence = evidence.merged(proved[1])
        unproved = [w for w in asked if w not in answer.rows]
        if not unproved:
            return answer, evidence
        counted = _attempt(lambda: self._count(unproved, answer))
        return answer, evidence.merged(counted if counted is not None else self._one_by_one(unproved, answer))

    def _one_by_one(self, wanted: Sequence[Wanted], answer: OutputRows) -> Evidence:
        """Each table by itself: one of them could not be asked."""
        evidence = Evidence()
        for table in dict.fromkeys(w[0].table for w in wanted):
            of_table = [w for w in wanted if w[0].table == table]
            try:
                evidence = evidence.merged(self._count(of_table, answer))
            except SourceError as error:
                if error.kind == "missing":
                    answer.absent.add(table)
                    answer.rows.update(dict.fromkeys(of_table, 0))
                elif error.kind in _OF_ONE_TABLE:
                    evidence = evidence.merged(Evidence(unseen=(f"{table}: {error}",)))
                else:
                    raise
        return evidence

    def _partitions(self, wanted: Sequence[Wanted]) -> tuple[dict[Wanted, int], Evidence]:
        """Those of which a partition by their date column has rows."""
        datasets = sorted({w[0].table.rpartition(".")[0] for w in wanted})
        selects = [_partitions_of(dataset, number) for number, dataset in enumerate(datasets)]
        result = self._warehouse.query(
            " UNION ALL ".join(selects),
            {
                "tables": sorted({w[0].table.rpartition(".")[2] for w in wanted}),
                "days": sorted({w[1].strftime(_PARTITION) for w in wanted}),
            },
            label="outputs-metadata",
        )
        held = {
            (f"{datasets[row['dataset']]}.{row['table_name']}", row["column_name"], row["partition_id"]): int(
                row["total_rows"]
            )
            for row in result.rows
        }
        keys = {w: (w[0].table, w[0].date, w[1].strftime(_PARTITION)) for w in wanted}
        found = {w: held[key] for w, key in keys.items() if held.get(key)}
        return found, Evidence(queries=1, bytes_billed=result.bytes_billed)

    def _count(self, wanted: Sequence[Wanted], answer: OutputRows) -> Evidence:
        """Counts rows into ``answer``: pruned to the run dates, all tables in one query."""
        params: dict[str, Any] = {f"day{number}": run_date for number, (_, run_date) in enumerate(wanted)}
        selects = (
            f"SELECT {number} AS asked, COUNT(*) AS held FROM {quoted_table(output.table)} AS t"
            f" WHERE {quoted_column(output.date)} = @day{number}"
            for number, (output, _) in enumerate(wanted)
        )
        result = self._warehouse.query(" UNION ALL ".join(selects), params, label="outputs")
        answer.rows.update(_by_place(wanted, ((int(row["asked"]), int(row["held"])) for row in result.rows)))
        return Evidence(queries=1, bytes_billed=result.bytes_billed)


def _attempt(ask: Callable[[], Answer]) -> Answer | None:
    """The answer, or None for an error of a single table: whoever asks goes on with another question.

    :raises SourceError: an error of the warehouse itself.
    """
    try:
        return ask()
    except SourceError as error:
        if error.kind not in _OF_ONE_TABLE:
            raise
        return None


def _by_place(wanted: Sequence[Wanted], counts: Iterable[tuple[int, int]]) -> dict[Wanted, int]:
    return {wanted[place]: held for place, held in counts}


def _partitions_of(dataset: str, number: int) -> str:
    """Partitions with rows of one dataset's tables, with the column that they are made by."""
    # A dataset is quoted as a table is: as the first part of one.
    quoted = quoted_table(f"{dataset}.x").removesuffix(".x`") + "`"
    return (
        f"SELECT {number} AS dataset, p.table_name, c.column_name, p.partition_id, p.total_rows"
        f" FROM {quoted}.INFORMATION_SCHEMA.PARTITIONS AS p JOIN {quoted}.INFORMATION_SCHEMA.COLUMNS AS c"
        " ON c.table_name = p.table_name AND c.is_partitioning_column = 'YES'"
        " WHERE p.table_name IN UNNEST(@tables) AND p.partition_id IN UNNEST(@days) AND p.total_rows > 0"
    )
