"""A second, straightforward implementation of the states, written from their definition alone.

It shares no code with the product: rows as they stand in the table go in, one after the other, and for each phase and
date the rules are applied in their written order. Slow, and on purpose without any abstraction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ET = ZoneInfo("America/New_York")
NOON = time(12)
POST_GAME = {
    "p2_bdl_box_scores",
    "p2_nbacom_gamebook_pdf",
    "p2_bigdataball_pbp",
    "player_game_summary",
    "team_defense_game_summary",
    "team_offense_game_summary",
}
ALIASES = {
    "ml_feature_store_v2": "ml_feature_store",
    "bdl_player_boxscores": "p2_bdl_box_scores",
    "nbac_gamebook_player_stats": "p2_nbacom_gamebook_pdf",
    "bigdataball_play_by_play": "p2_bigdataball_pbp",
    "odds_api_game_lines": "p2_odds_game_lines",
    "nbac_schedule": "p2_nbacom_schedule",
    "br_rosters_current": "p2_br_season_roster",
}
UPSTREAM = {"phase2": None, "phase3": "phase2", "phase4": "phase3"}
DEADLINE = {"phase2": time(7), "phase3": time(9), "phase4": time(11)}
START = {"phase2": None, "phase3": time(6, 30), "phase4": time(7)}
SATISFIED = {"complete", "complete_late", "quorum"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table, as it was written."""

    phase: str
    game_date: date
    processor_name: str
    status: str
    record_count: int | None
    execution_id: str | None
    completed_at: datetime
    inserted_at: datetime


def expected(phase: str, day: date) -> tuple[set[str], set[str]]:
    """The critical and the optional processors of a phase on a date."""
    if phase == "phase2":
        if day < date(2026, 2, 12):
            return (
                {"p2_nbacom_schedule", "p2_odds_game_lines", "p2_bdl_box_scores", "p2_nbacom_gamebook_pdf"},
                {"p2_bigdataball_pbp", "p2_br_season_roster"},
            )
        return (
            {"p2_odds_game_lines", "p2_nbacom_gamebook_pdf", "p2_nbacom_boxscores"},
            {"p2_bigdataball_pbp", "p2_odds_player_props"},
        )
    if phase == "phase3":
        return (
            {"player_game_summary", "upcoming_player_game_context"},
            {"team_defense_game_summary", "team_offense_game_summary", "upcoming_team_game_context"},
        )
    return (
        {"player_daily_cache", "ml_feature_store"},
        {"team_defense_zone_analysis", "player_shot_zone_analysis", "player_composite_factors"},
    )


def canonical(name: str) -> str:
    """Trim; what follows the last dot; without a final Processor; CamelCase to snake_case; lower case; aliases."""
    name = name.strip().split(".")[-1]
    name = name.removesuffix("Processor")
    if not name.isupper():
        letters = []
        for place, letter in enumerate(name):
            before = name[place - 1] if place else ""
            after = name[place + 1] if place + 1 < len(name) else ""
            begins = before.islower() or before.isdigit() or (before.isupper() and after.islower())
            if letter.isupper() and begins:
                letters.append("_")
            letters.append(letter)
        name = "".join(letters)
    name = name.lower()
    return ALIASES.get(name, name)


def phase_of(spelt: str) -> str | None:
    """``Phase3``, ``phase_3`` and ``3`` are phase3."""
    digits = spelt.strip().lower().replace("_", "").replace(" ", "").removeprefix("phase")
    return f"phase{digits}" if f"phase{digits}" in UPSTREAM else None


def wall(day: date, at: time) -> datetime:
    """A wall-clock time in New York, in the offset valid on that day."""
    return datetime.combine(day, at, tzinfo=ET).astimezone(UTC)


def judge(rows: list[Row], games: dict[date, int], now: datetime) -> dict[date, dict[str, dict[str, object]]]:
    """State, done, missing and flags of all phases, for the dates from three days before the query's local date on."""
    today = now.astimezone(ET).date()
    answer: dict[date, dict[str, dict[str, object]]] = {}
    for back in (3, 2, 1, 0):
        day = today - timedelta(days=back)
        if not min(games) <= day <= max(games):
            continue
        answer[day] = {}
        satisfied: dict[str, datetime] = {}
        for phase in ("phase2", "phase3", "phase4"):
            answer[day][phase] = one(rows, games[day], now, day, phase, satisfied)
    return answer


def one(  # noqa: PLR0912, PLR0917 - the rules in their order, nothing hidden
    rows: list[Row], games: int, now: datetime, day: date, phase: str, satisfied: dict[str, datetime]
) -> dict[str, object]:
    """One phase of one date. ``satisfied`` has the phases that are, with the moment, and gets this one."""
    critical, optional = expected(phase, day)
    flags: set[str] = set()
    seen_any = False
    kept: dict[str, list[Row]] = {}
    for row in rows:
        if row.inserted_at > now or row.game_date != day or phase_of(row.phase) != phase:
            continue
        seen_any = True
        name = canonical(row.processor_name)
        if row.processor_name.strip() != name or row.phase != phase:
            flags.add(f"name_normalised:{name}")
        if row.completed_at > now + timedelta(minutes=5):
            flags.add(f"future_timestamp:{name}")
        elif name not in critical | optional:
            flags.add(f"unknown_processor:{name}")
        elif name in POST_GAME and row.completed_at < wall(day, NOON):
            flags.add(f"implausible_early:{name}")
        else:
            if row.inserted_at - row.completed_at > timedelta(minutes=30):
                flags.add(f"late_insert:{name}")
            kept.setdefault(name, []).append(row)

    done: dict[str, datetime] = {}
    failed: set[str] = set()
    for name, of_name in kept.items():
        once: dict[tuple[str | None, str], Row] = {}
        for row in sorted(
            of_name, key=lambda r: (r.completed_at, r.inserted_at, -1 if r.record_count is None else r.record_count)
        ):
            if (row.execution_id, row.status) in once:
                flags.add(f"duplicate:{name}")
            else:
                once[row.execution_id, row.status] = row
        good = [row for row in once.values() if row.status in ("success", "partial")]
        bad = [row for row in once.values() if row.status == "failed"]
        if good:
            done[name] = min(row.completed_at for row in good)
            if any(row.completed_at > done[name] for row in bad):
                flags.add(f"rerun_failed_after_success:{name}")
            if any(row.completed_at <= done[name] for row in bad):
                flags.add(f"recovered:{name}")
            if len(good) > 1:
                flags.add(f"rerun:{name}")
            if all(row.status == "partial" for row in good):
                flags.add(f"partial:{name}")
            if all(row.record_count == 0 for row in good):
                flags.add(f"zero_records:{name}")
        elif bad:
            failed.add(name)
            flags.add(f"failed:{name}")

    if games == 0:
        if seen_any:
            flags.add("rows_on_no_game_day")
        return {"state": "not_expected", "done": [], "missing": [], "flags": sorted(flags)}

    everyone = critical | optional
    enough = math.ceil(len(everyone) * 60 / 100)
    reached: set[str] = set()
    for name in sorted(done, key=lambda n: done[n]):
        reached.add(name)
        if reached == everyone or (critical <= reached and len(reached) >= enough):
            satisfied[phase] = done[name]
            break

    deadline = wall(day + timedelta(days=1), DEADLINE[phase])
    start = START[phase]
    upstream = UPSTREAM[phase]
    later = None
    if start is not None:
        begins = wall(day + timedelta(days=1), start)
        if upstream is None:
            later = begins
        elif upstream in satisfied:
            later = max(begins, satisfied[upstream])

    if done.keys() == everyone:
        state = "complete" if max(done.values()) <= deadline else "complete_late"
    elif critical <= done.keys() and len(done) >= enough:
        state = "quorum"
    elif critical & failed:
        state = "failed"
    elif later is not None and now - later >= timedelta(minutes=90) and not any(at > later for at in done.values()):
        state = "stalled"
    elif now < deadline:
        state = "in_progress" if done or failed else "pending"
    elif upstream is not None and upstream not in satisfied:
        state = "blocked"
    else:
        state = "incomplete"
    return {
        "state": state,
        "done": sorted(done),
        "missing": sorted(everyone - done.keys()),
        "flags": sorted(flags),
    }
