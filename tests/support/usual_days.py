"""A pipeline of three phases to be watched: its configuration, tables of its own, and the rows of usual run dates."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from checks.model import stamp
from checks.ports import CompletionRow
from monitor.config import loading as settings
from monitor.config.loading import Config
from tests.conftest import PROJECT
from tests.support.bigquery import COMPLETIONS_DDL, load, run
from tests.support.pipelines import completion, et

CONFIG = """
mode: embedded
gcp: {{project: {project}{gcp}}}
pipelines:
  - name: nba
    timezone: America/New_York
    run_date: game_date
    calendar: {{table: {dataset}.schedule}}
    completions: {{table: {dataset}.completions}}
    {pipeline}
    phases:
      - name: phase2
        recorder: phase2-to-phase3-orchestrator
        due: {{day: 1, time: "07:00"}}
        complete_when: &enough {{critical: all, at_least: 60%}}
        processors:
          - p2_nbacom_schedule
          - p2_odds_game_lines
          - p2_bdl_box_scores
          - p2_nbacom_gamebook_pdf
          - {{name: p2_bigdataball_pbp, class: optional}}
          - {{name: p2_br_season_roster, class: optional}}
      - name: phase3
        after: [phase2]
        recorder: phase3-to-phase4-orchestrator
        start: {{day: 1, time: "06:30"}}
        due: {{day: 1, time: "09:00"}}
        complete_when: *enough
        {phase3}
        processors:
          - {{name: player_game_summary, not_before: {{day: 0, time: "12:00"}}}}
          - upcoming_player_game_context
          - {{name: team_defense_game_summary, class: optional, not_before: {{day: 0, time: "12:00"}}}}
          - {{name: team_offense_game_summary, class: optional, not_before: {{day: 0, time: "12:00"}}}}
          - {{name: upcoming_team_game_context, class: optional}}
      - name: phase4
        after: [phase3]
        recorder: phase4-to-phase5-orchestrator
        start: {{day: 1, time: "07:00"}}
        due: {{day: 1, time: "11:00"}}
        complete_when: *enough
        {phase4}
        processors:
          - player_daily_cache
          - ml_feature_store
          - {{name: team_defense_zone_analysis, class: optional}}
          - {{name: player_shot_zone_analysis, class: optional}}
          - {{name: player_composite_factors, class: optional}}
checks:
  function_logs: {{enabled: false}}
{checks}
"""
STARTED_BY = """started_by:
          - {function: phase3-to-phase4-orchestrator, fallback: [{day: 1, time: "07:00"}, {day: 1, time: "11:00"}]}"""


def configuration(
    folder: Path,
    dataset: str,
    *,
    pipeline: str = "",
    phase3: str = "",
    phase4: str = "",
    checks: str = "",
    **endpoints: str,
) -> Config:
    """The pipeline over the tables of that dataset; the keywords are further YAML at those places, and the addresses of
    Google's services.
    """
    listed = ", ".join(f"{name}: {address}" for name, address in endpoints.items())
    gcp = f", endpoints: {{{listed}}}" if listed else ""
    text = CONFIG.format(
        gcp=gcp, project=PROJECT, dataset=dataset, pipeline=pipeline, phase3=phase3, phase4=phase4, checks=checks
    )
    file = folder / "config.yaml"
    file.write_text("\n".join(line for line in text.splitlines() if line.strip()), encoding="utf-8")
    return settings.load(file, {})


def create(endpoint: str, dataset: str, games: Sequence[date], rows: Iterable[CompletionRow]) -> None:
    """The tables with games on these dates and these completions: each is seen from its time of insertion on."""
    days = ", ".join(f"STRUCT(DATE '{day}' AS game_date)" for day in games)
    run(
        endpoint,
        COMPLETIONS_DDL.format(table=f"{dataset}.completions"),
        f"CREATE TABLE {dataset}.schedule AS SELECT * FROM UNNEST([{days}])",
    )
    record(endpoint, dataset, rows)


def record(endpoint: str, dataset: str, rows: Iterable[CompletionRow]) -> None:
    """Further completions, by a load job as the recorders write them."""
    lines = "".join(json.dumps(_json(row)) + "\n" for row in rows)
    if lines:
        load(endpoint, f"{dataset}.completions", lines.encode())


def _json(row: CompletionRow) -> dict[str, Any]:
    return {
        "phase": row.phase,
        "game_date": row.run_date.isoformat(),
        "processor_name": row.processor,
        "status": row.status,
        "record_count": row.record_count,
        "execution_id": row.execution_id,
        "completed_at": stamp(row.completed_at),
        "inserted_at": stamp(row.inserted_at),
        "entities_changed": [],
    }


# When everything of a usual run date is completed: day after the run date, time, processors.
USUAL = (
    (0, "06:15", ("p2_nbacom_schedule",)),
    (0, "06:32", ("p2_br_season_roster",)),
    (0, "10:36", ("upcoming_player_game_context", "upcoming_team_game_context")),
    (0, "13:13", ("p2_odds_game_lines",)),
    (1, "01:20", ("p2_bdl_box_scores",)),
    (1, "04:25", ("p2_nbacom_gamebook_pdf",)),
    (1, "06:00", ("p2_bigdataball_pbp",)),
    (1, "06:12", ("team_offense_game_summary", "team_defense_game_summary", "player_game_summary")),
    (1, "06:40", ("team_defense_zone_analysis", "player_shot_zone_analysis", "player_composite_factors")),
    (1, "06:50", ("player_daily_cache", "ml_feature_store")),
)


def rows_of(run_date: date, at: datetime | None = None, **changes: Any) -> list[CompletionRow]:
    """All completions of a usual run date; ``at``: all of them then, whenever they usually come."""
    return [
        completion(name, at or et(f"{run_date + timedelta(days=after)} {usually}"), run_date=run_date, **changes)
        for after, usually, names in USUAL
        for name in names
    ]


def rows_over(first: date, days: int, until: datetime | None = None) -> list[CompletionRow]:
    """Those of so many usual run dates that were written by that moment."""
    rows = (row for run_date in span(first, days) for row in rows_of(run_date))
    return [row for row in rows if until is None or row.inserted_at <= until]


def span(first: date, days: int) -> list[date]:
    """So many dates from the first on."""
    return [first + timedelta(days=number) for number in range(days)]
