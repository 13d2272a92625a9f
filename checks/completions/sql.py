"""The one query for a pipeline's completions: aggregated, so that its answer grows with what was recorded of which
processor, and not with how often.

Single rows, a few executions of the same processor, or a hundred thousand of them: what comes back is made of
``checks.ports.CompletionRow``. Of phases with very many processors only those come back of which there is something to
say, and the names of those that are missing (``FoldedDay``); for that the expectation travels along as a parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from checks.model import utc
from checks.phases.calendar import dates_of
from checks.phases.expected import Expectations
from checks.pipeline import DayTime, Phase, Pipeline
from checks.ports import SourceError
from checks.sql import Statement, quoted_column, quoted_table

# Phases that expect more processors than this are folded.
FOLD_FROM = 200
# So many executions of one spelling and status come by themselves, each with its id; the later ones together.
_SINGLE_EXECUTIONS = 3
_FIELDS = ("phase", "run_date", "processor", "status", "record_count", "execution_id", "completed_at", "inserted_at")

# What rows are grouped by, beside phase, date, spelling, status and execution: on which side they lie of each moment
# that decides whether they count. A row without one of its times is kept apart, to be counted as unreadable.
_RECORDED = """
recorded AS (
  SELECT {columns},
    CASE
      WHEN {completed_at} IS NULL THEN -3
      WHEN {inserted_at} IS NULL THEN -2
      WHEN {completed_at} > @future THEN -1
      ELSE {cuts}
    END AS slot
  FROM {table} AS t
  WHERE {run_date} BETWEEN @first AND @last
    -- A row without a time of insertion is fetched, so that it is counted as unreadable and not lost.
    AND ({inserted_at} <= @as_of OR {inserted_at} IS NULL)
),
executed AS (
  SELECT phase, run_date, processor, status, slot, execution_id,
    COUNT(*) AS row_count, MIN(completed_at) AS completed_at, MIN(inserted_at) AS inserted_at,
    ARRAY_AGG(record_count ORDER BY completed_at, inserted_at, IFNULL(record_count, -1) LIMIT 1)[OFFSET(0)]
      AS record_count,
    MAX(TIMESTAMP_DIFF(inserted_at, completed_at, MICROSECOND)) AS delay,
    LEAST({several}, ROW_NUMBER() OVER (
      PARTITION BY phase, run_date, processor, status, slot ORDER BY MIN(completed_at), execution_id
    )) AS place
  FROM recorded
  GROUP BY phase, run_date, processor, status, slot, execution_id
)"""

_GROUPED = """
SELECT phase, run_date, processor, status,{slot}
  MIN(execution_id) AS execution_id, SUM(row_count) AS row_count, COUNT(*) AS executions,
  MIN(completed_at) AS completed_at, MAX(completed_at) AS last_completed_at, MIN(inserted_at) AS inserted_at,
  IF(COUNTIF(record_count IS NULL) > 0, NULL, MAX(record_count)) AS record_count, MAX(delay) AS delay
FROM executed
GROUP BY phase, run_date, processor, status, slot, place"""

# 1 for a row not completed before the cut of its run date. SAFE, since rows of other dates may be evaluated too.
_PASSED = "IF({completed_at} >= @cut{n}[SAFE_OFFSET(DATE_DIFF({run_date}, @first, DAY))], 1, 0)"

_ROW = (
    "phase, run_date, processor, status, execution_id, row_count, executions, completed_at, last_completed_at,"
    " inserted_at, record_count, delay"
)

_FOLDED = """,
grouped AS ({grouped}
),
expected AS (
  SELECT SPLIT(e, '|')[OFFSET(0)] AS phase, SPLIT(e, '|')[OFFSET(1)] AS processor,
    SPLIT(e, '|')[OFFSET(2)] = 'critical' AS critical, CAST(SPLIT(e, '|')[OFFSET(3)] AS INT64) AS cut,
    CAST(SPLIT(e, '|')[OFFSET(4)] AS DATE) AS first_date, CAST(SPLIT(e, '|')[OFFSET(5)] AS DATE) AS last_date
  FROM UNNEST(@expected) AS e
),
spelt AS (
  SELECT *, COUNT(*) OVER (PARTITION BY phase, run_date, processor) AS ways FROM grouped
),
plain AS (
  SELECT s.phase, s.run_date, s.processor, s.completed_at, e.critical,
    ROW_NUMBER() OVER (PARTITION BY s.phase, s.run_date ORDER BY s.completed_at) AS nth
  FROM spelt AS s
  JOIN expected AS e ON s.phase = e.phase AND s.processor = e.processor
    AND s.run_date BETWEEN e.first_date AND e.last_date
  WHERE s.ways = 1 AND s.row_count = 1 AND s.slot >= e.cut AND s.status IN UNNEST(@plain)
    AND (s.record_count IS NULL OR s.record_count <> 0) AND s.delay <= @late
),
needs AS (
  SELECT SPLIT(n, '|')[OFFSET(0)] AS phase, CAST(SPLIT(n, '|')[OFFSET(1)] AS DATE) AS run_date,
    CAST(SPLIT(n, '|')[OFFSET(2)] AS INT64) AS owed, CAST(SPLIT(n, '|')[OFFSET(3)] AS INT64) AS enough
  FROM UNNEST(@needs) AS n
),
folded AS (
  SELECT n.phase, n.run_date, n.enough, COUNT(*) AS processors, MAX(p.completed_at) AS last_at,
    MAX(IF(p.critical, p.completed_at, NULL)) AS last_critical_at,
    GREATEST(1, n.enough - (n.owed - COUNT(*))) AS first_rank
  FROM needs AS n JOIN plain AS p ON p.phase = n.phase AND p.run_date = n.run_date
  GROUP BY n.phase, n.run_date, n.owed, n.enough
)
SELECT 'row' AS kind, {row}
FROM grouped AS g
WHERE NOT EXISTS (
  SELECT 1 FROM plain AS p WHERE p.phase = g.phase AND p.run_date = g.run_date AND p.processor = g.processor
)
UNION ALL
SELECT 'folded', phase, run_date, NULL, NULL, NULL, processors, first_rank, last_at, last_critical_at, NULL, NULL, NULL
FROM folded
UNION ALL
SELECT 'moment', p.phase, p.run_date, NULL, NULL, NULL, 1, p.nth, p.completed_at, NULL, NULL, NULL, NULL
FROM plain AS p JOIN folded AS f ON p.phase = f.phase AND p.run_date = f.run_date
WHERE p.nth BETWEEN f.first_rank AND f.enough
UNION ALL
SELECT 'missing', f.phase, f.run_date, e.processor, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL
FROM folded AS f
JOIN expected AS e ON f.phase = e.phase AND f.run_date BETWEEN e.first_date AND e.last_date
LEFT JOIN plain AS p ON p.phase = f.phase AND p.run_date = f.run_date AND p.processor = e.processor
WHERE p.processor IS NULL"""


def column(pipeline: Pipeline, name: str) -> str:
    """The quoted column of the completions table that holds that field of ours.

    :raises SourceError: ``invalid`` for a name that is no identifier, or that is not configured.
    """
    try:
        return quoted_column(pipeline.completions.columns[name])
    except KeyError:
        table = pipeline.completions.table
        raise SourceError(f"No column of {table} is configured for {name}.", kind="invalid") from None


def completions_statement(pipeline: Pipeline, first: date, last: date, as_of: datetime) -> Statement:
    """All completions for run dates ``first`` to ``last`` (both included) that had been inserted by ``as_of``.

    Its rows have the fields of CompletionRow, with ``row_count`` for ``rows`` and ``delay`` in microseconds. Where
    phases are folded they have a ``kind`` as well, see ``_FOLDED``. Prunes to the partitions of the dates.

    :raises SourceError: ``invalid`` for a name that is no identifier.
    """
    columns = {name: column(pipeline, name) for name in _FIELDS}
    cuts = _cuts(pipeline)
    dates = tuple(dates_of(first, last))
    sql = _RECORDED.format(
        columns=", ".join(f"{quoted} AS {name}" for name, quoted in columns.items()),
        table=quoted_table(pipeline.completions.table),
        cuts=" + ".join(_PASSED.format(n=n, **columns) for n in range(len(cuts))) or "0",
        several=_SINGLE_EXECUTIONS + 1,
        **{name: columns[name] for name in ("run_date", "completed_at", "inserted_at")},
    )
    params: dict[str, Any] = {
        "first": first,
        "last": last,
        "as_of": utc(as_of),
        "future": utc(as_of) + pipeline.future_tolerance,
        **{f"cut{n}": [cut.on(day, pipeline.zone) for day in dates] for n, cut in enumerate(cuts)},
    }
    large = [phase for phase in pipeline.phases if len(phase.processors) > FOLD_FROM]
    plain = [word for word in pipeline.completions.success if word not in pipeline.completions.partial]
    if large and plain:
        sql += _FOLDED.format(grouped=_GROUPED.format(slot=" slot,"), row=_ROW)
        params |= {
            "expected": [line for phase in large for line in _expected_lines(phase, cuts)],
            "needs": _needs(pipeline, large, dates),
            "plain": plain,
            "late": pipeline.late_insert_after // timedelta(microseconds=1),
        }
    else:
        sql += _GROUPED.format(slot="")
    return Statement(
        what="the completions",
        label="completions",
        sql=f"WITH{sql}",
        params=params,
        table=pipeline.completions.table,
        settings={theirs: f"completions.columns.{name}" for name, theirs in pipeline.completions.columns.items()},
    )


def _cuts(pipeline: Pipeline) -> list[DayTime]:
    """The times before which rows do not count, the earliest first."""
    known = {p.not_before for phase in pipeline.phases for p in phase.processors if p.not_before is not None}
    return sorted(known, key=lambda cut: (cut.day, cut.at))


def _expected_lines(phase: Phase, cuts: Sequence[DayTime]) -> list[str]:
    """What a phase expects, a line for each processor and span of dates; names hold no bar."""
    lines = []
    for processor in phase.processors:
        cut = cuts.index(processor.not_before) + 1 if processor.not_before is not None else 0
        kind = "critical" if processor.critical else "optional"
        for proof in processor.completion_evidence:
            first = max(processor.valid_from or date.min, proof.valid_from or date.min)
            until = min(processor.valid_until or date.max, proof.valid_until or date.max)
            if first < until:
                last = until if until == date.max else until - timedelta(days=1)
                lines.append(f"{phase.name}|{processor.name}|{kind}|{cut}|{first}|{last}")
    return lines


def _needs(pipeline: Pipeline, phases: Sequence[Phase], dates: Sequence[date]) -> list[str]:
    """For each phase and date: how many are expected, and how many are enough."""
    expectations = Expectations(pipeline)
    lines = []
    for phase in phases:
        for day in dates:
            expected = expectations.of(phase, day)
            enough = len(expected.names) if expected.enough is None else expected.enough
            lines.append(f"{phase.name}|{day}|{len(expected.names)}|{enough}")
    return lines
