"""What is asked of a report, from the texts of a command line or a URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from checks.pipeline import Pipeline

DEFAULT_DAYS = 4
MAX_DAYS = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked: ``days`` run dates ending at ``date`` (None: the local date of ``at``), judged as of ``at``.

    ``past`` is true when ``at`` was given: the state is then taken as known at that time.
    """

    at: datetime
    past: bool = False
    date: date | None = None
    days: int = DEFAULT_DAYS
    pipeline: str | None = None

    @classmethod
    def parse(cls, query: Mapping[str, str], now: datetime) -> Request:
        """From the texts of a command line or a URL: ``at``, ``date``, ``days``, ``pipeline``.

        :raises ValueError: with what is wrong and what would be right.
        """
        unknown = sorted(set(query) - {"at", "date", "days", "pipeline"})
        if unknown:
            raise ValueError(f"unknown parameter {unknown[0]!r}: there are at, date, days and pipeline")
        at = now
        if query.get("at"):
            at = moment_of(query["at"])
        day = None
        if query.get("date"):
            day = day_of(query["date"])
        days = DEFAULT_DAYS
        if query.get("days"):
            text = query["days"]
            if not text.isdigit() or not 1 <= int(text) <= MAX_DAYS:
                raise ValueError(f"days: {text!r} is no number from 1 to {MAX_DAYS}")
            days = int(text)
        return cls(at=at, past=bool(query.get("at")), date=day, days=days, pipeline=query.get("pipeline") or None)


def dates_asked(request: Request, pipeline: Pipeline) -> tuple[date, date]:
    """The first and the last run date that are asked for of that pipeline."""
    last = request.date or request.at.astimezone(pipeline.zone).date()
    return last - timedelta(days=request.days - 1), last


def day_of(text: str) -> date:
    """A run date as people write it.

    :raises ValueError: saying what is wrong and what would be right.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"date: {text!r} is no date; write it as 2026-01-25") from error


def moment_of(text: str) -> datetime:
    """A moment written with its offset.

    :raises ValueError: saying what is wrong and what would be right.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no time; write it as 2026-01-26T10:00:00-05:00") from error
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write it as 2026-01-26T10:00:00-05:00 or with Z")
    return moment
