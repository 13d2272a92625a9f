"""Completions and calendar rows as people give them: read, checked, and made ready for their tables. Pure.

Every mistake is told with its place and its field, and never with its content.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from checks.model import stamp
from checks.phases.calendar import CalendarTable
from checks.pipeline import Pipeline
from checks.tables.known import COMPLETION_FIELDS, GAME_ID

# More on one date would be a mistake.
MOST_GAMES = 1000


class RecordError(Exception):
    """Nothing was written. ``problems`` are the mistakes in what was given, one each; ``remedy`` is a sentence."""

    def __init__(self, message: str, *, problems: Sequence[str] = (), remedy: str | None = None) -> None:
        super().__init__(message)
        self.problems = tuple(problems)
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Completions:
    """Rows as they go into the table, and what was wrong with those that do not: ``file:line: field: what``."""

    rows: tuple[Mapping[str, Any], ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Calendar rows, each with the place it came from (``file:line``); one per date and game id, the last given.

    ``whole`` are the dates whose number of games was given: they hold these rows afterwards and no others.
    """

    rows: tuple[tuple[str, Mapping[str, Any]], ...]
    whole: frozenset[date] = frozenset()
    problems: tuple[str, ...] = ()


def read_rows(lines: Iterable[str | bytes], pipeline: Pipeline, *, name: str, now: datetime) -> Completions:
    """Completions from JSON lines, each an object with the table's own column names.

    ``inserted_at`` is kept, and is ``now`` where it is missing. ``name`` is that of the file, for the problems.
    """
    rows: list[Mapping[str, Any]] = []
    problems: list[str] = []
    for place, found in _objects(lines, name, problems):
        row, wrong = check_row(found, pipeline, now=now)
        problems += [f"{place}: {what}" for what in wrong]
        if not wrong:
            rows.append(row)
    return Completions(rows=tuple(rows), problems=tuple(problems))


def completion(
    pipeline: Pipeline,
    *,
    phase: str,
    run_date: date,
    processor: str,
    now: datetime,
    status: str = "success",
    record_count: int | None = None,
    execution_id: str | None = None,
    completed_at: datetime | None = None,
) -> Completions:
    """One completion, inserted now and completed now unless told otherwise."""
    columns = pipeline.completions.columns
    given = {
        "phase": phase,
        "run_date": run_date.isoformat(),
        "processor": processor,
        "status": status,
        "record_count": record_count,
        "execution_id": execution_id,
        "completed_at": stamp(completed_at or now),
    }
    row, wrong = check_row({columns[field]: value for field, value in given.items()}, pipeline, now=now)
    return Completions(rows=() if wrong else (row,), problems=tuple(wrong))


def check_row(given: Mapping[str, Any], pipeline: Pipeline, *, now: datetime) -> tuple[dict[str, Any], list[str]]:
    """One completion as it goes into the table, and what is wrong with it: ``field: what``, none for a good one."""
    fields = {pipeline.completions.columns.get(field, field): (kind, mode) for field, kind, mode in COMPLETION_FIELDS}
    inserted_at = pipeline.completions.columns["inserted_at"]
    wrong = [unknown_field(key, fields, pipeline.completions.columns) for key in given if key not in fields]
    row: dict[str, Any] = {}
    for column, (kind, mode) in fields.items():
        value = given.get(column)
        if value is None and column == inserted_at:
            value = stamp(now)
        if value is None:
            if mode == "REQUIRED":
                wrong.append(f"{column}: missing")
            row[column] = [] if mode == "REPEATED" else None
            continue
        try:
            row[column] = _checked(value, kind, mode)
        except ValueError as error:
            wrong.append(f"{column}: {error}")
    return row, wrong


def calendar_table(pipeline: Pipeline) -> CalendarTable:
    """The table that rows of the calendar can be written to.

    :raises RecordError: if the pipeline's calendar is no table.
    """
    if not isinstance(pipeline.calendar, CalendarTable):
        raise RecordError(
            f"the calendar of pipeline {pipeline.name} is no table ({pipeline.calendar.called}): there is nothing to "
            "write it to",
            remedy="change the calendar in the configuration instead",
        )
    return pipeline.calendar


def read_schedule(text: str, pipeline: Pipeline, *, name: str) -> Schedule:
    """Calendar rows from JSON lines, or dates with their numbers of games from one object.

    A line is an object with the calendar's date column and whatever else its table holds, or with ``games``, a number.
    An object of dates, ``{"2026-01-12": 6, "2026-01-17": 0}``, is the same as such lines. Games that are only counted
    get the ids ``2026-01-12-1`` and so on, and so do rows without a ``game_id``.

    :raises RecordError: if the pipeline's calendar is no table.
    """
    column = calendar_table(pipeline).date_column
    problems: list[str] = []
    try:
        whole_text = json.loads(text)
    except ValueError:
        whole_text = None
    if isinstance(whole_text, dict) and whole_text and column not in whole_text:
        found: Iterable[tuple[str, Mapping[str, Any]]] = [
            (f"{name}: {day}", {column: day, "games": games}) for day, games in whole_text.items()
        ]
    else:
        found = _objects(text.splitlines(), name, problems)
    rows: dict[tuple[date, str], tuple[str, Mapping[str, Any]]] = {}
    whole: set[date] = set()
    unnamed: dict[date, int] = {}
    for place, given in found:
        try:
            day, games, others = _calendar_row(given, column)
        except ValueError as error:
            problems.append(f"{place}: {error}")
            continue
        if games is not None:
            whole.add(day)
        for _ in range(1 if games is None else games):
            identity = others.get(GAME_ID)
            if identity is None:
                unnamed[day] = unnamed.get(day, 0) + 1
                identity = f"{day}-{unnamed[day]}"
            rows[day, str(identity)] = (place, {**others, column: day.isoformat(), GAME_ID: identity})
    return Schedule(rows=tuple(rows.values()), whole=frozenset(whole), problems=tuple(problems))


def _objects(lines: Iterable[str | bytes], name: str, problems: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects of JSON lines with their places; what is none is added to the problems."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{name}:{number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            problems.append(f"{place}: not JSON")
            continue
        if isinstance(value, dict):
            yield place, value
        else:
            problems.append(f"{place}: not an object")


def _calendar_row(given: Mapping[str, Any], column: str) -> tuple[date, int | None, dict[str, Any]]:
    """The date, the number of games if that is what is given, and the other fields.

    :raises ValueError: ``field: what``.
    """
    try:
        day = parse_day(given.get(column))
    except ValueError as error:
        raise ValueError(f"{column}: {error}") from None
    games = given.get("games")
    others = {key: value for key, value in given.items() if key not in (column, "games")}
    nested = [key for key, value in others.items() if isinstance(value, (dict, list))]
    if nested:
        raise ValueError(f"{nested[0]}: not a single value")
    if games is not None:
        if type(games) is not int or not 0 <= games <= MOST_GAMES:
            raise ValueError("games: not a number of games")
        if others:
            raise ValueError(f"games: a number of games goes without {', '.join(others)}")
    return day, games, others


def unknown_field(key: str, known: Iterable[str], ours: Mapping[str, str] | None = None) -> str:
    """What is said of a field that the table does not have, with the one that was probably meant."""
    near = (ours or {}).get(key) or next(iter(difflib.get_close_matches(key, list(known), n=1)), None)
    shown = key if key.isidentifier() else repr(key[:60])
    return f"{shown}: no such field" + (f"; did you mean {near}?" if near else f"; known are {', '.join(known)}")


def _checked(value: Any, kind: str, mode: str) -> Any:
    """A value as it goes into a column.

    :raises ValueError: saying what it should be.
    """
    if mode == "REPEATED":
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError("not a list of texts")
        return value
    if kind == "STRING" and (not isinstance(value, str) or (mode == "REQUIRED" and not value.strip())):
        raise ValueError("not a text" if not isinstance(value, str) else "empty")
    if kind == "INTEGER" and (type(value) is not int or not 0 <= value < 2**63):
        raise ValueError("not a whole number of 0 or more")
    if kind == "BOOLEAN" and not isinstance(value, bool):
        raise ValueError("neither true nor false")
    if kind == "DATE":
        return parse_day(value).isoformat()
    if kind == "TIMESTAMP":
        return _instant(value)
    return _json_text(value) if kind == "JSON" else value


def parse_day(value: object) -> date:
    """A day as ``2026-01-25``.

    :raises ValueError: saying what it should be.
    """
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("not a date like 2026-01-25" if value is not None else "missing")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("no such day") from None


def _instant(value: object) -> str:
    """RFC 3339 with any offset, as UTC."""
    try:
        return stamp(datetime.fromisoformat(value if isinstance(value, str) else ""))
    except (ValueError, OverflowError):
        raise ValueError("not a time with a zone like 2026-01-25T12:00:00Z") from None


def _json_text(value: object) -> str:
    """The column's type is JSON; what goes in is its text, which is how the pipeline's recorder writes it."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        raise ValueError("not the text of a JSON value") from None
    return value
