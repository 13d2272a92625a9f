"""What people say to the watcher: I have it, do not tell me, it is over. One way for the shell and for HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from alerts.matching import Matcher
from alerts.model import Acknowledgement, IncidentState
from alerts.notify.silences import Silence
from alerts.settings.when import MatchSettings
from checks.fields import Duration
from checks.mistakes import mistakes_of
from monitor.report.request import moment_of

if TYPE_CHECKING:
    from alerts.store.sql import Store
    from monitor.daemon.tick import Path

MAX_TEXT = 500
MAX_AUTHOR = 100
LONGEST = timedelta(days=366)
_MATCHED = ("pipeline", "check", "phase", "function", "kind", "date", "from_date", "until_date")


class NotFoundError(ValueError):
    """There is no such incident or silence, or it is over."""


def acknowledge(store: Store, number: int, author: str, note: str, now: datetime) -> None:
    """Somebody has an open incident in hand: no reminders and no escalation until it is resolved.

    :raises ValueError: if the incident is not open, or nobody is named.
    """
    author, note = _person(author), _text(note)
    with store.writing() as stored:
        incident = stored.incident(number)
        if incident is None or incident.state is not IncidentState.OPEN:
            raise NotFoundError(_not_open(number, incident is None))
        stored.people.acknowledge(Acknowledgement(incident=number, at=now, author=author, note=note))


def resolve(path: Path, number: int, author: str, reason: str, now: datetime) -> int:
    """Close an incident by hand; the number of faults closed. What is still so stays closed until it changes.

    :raises ValueError: if the incident is not open, or nobody or no reason is named.
    """
    author, reason = _person(author), _text(reason)
    if not reason:
        raise ValueError("say why it is over: a reason is needed")
    closed = path.close_by_hand(number, author, reason, now)
    if closed is None:
        raise NotFoundError(_not_open(number, False))
    return closed


def silence(given: Mapping[str, str], now: datetime) -> Silence:
    """A silence from texts: what it means, ``author``, ``reason``, ``from`` (now if left out), ``for`` or ``until``.

    What it means: pipeline, check, phase, function, kind (``*`` stands for any characters), date, or from_date and
    until_date. ``until_resolved`` (``true``) ends it with the trouble.

    :raises ValueError: with what is wrong and what would be right.
    """
    unknown = sorted(set(given) - {*_MATCHED, "author", "reason", "from", "for", "until", "until_resolved"})
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r}")
    reason = _text(given.get("reason", ""))
    if not reason:
        raise ValueError("say why: a reason is needed")
    starts = moment_of(given["from"]) if given.get("from") else now
    if given.get("for") and given.get("until"):
        raise ValueError("both for and until: give one of them")
    if given.get("until"):
        ends = moment_of(given["until"])
    elif given.get("for"):
        ends = starts + duration_of(given["for"])
    else:
        raise ValueError("say when it ends: for (2h) or until (2026-01-26T18:00:00-05:00)")
    if ends <= max(starts, now):
        raise ValueError("it would be over already: its end must be later than its beginning and than now")
    if ends - now > LONGEST:
        raise ValueError("a silence may last at most 366 days")
    return Silence(
        matcher=_matcher(given),
        author=_person(given.get("author", "")),
        reason=reason,
        starts_at=starts,
        ends_at=ends,
        until_resolved=given.get("until_resolved", "") == "true",
    )


def add_silence(store: Store, wanted: Silence) -> Silence:
    """Store it; the silence with its number."""
    with store.writing() as stored:
        return stored.people.add_silence(wanted)


def end_silence(store: Store, number: int, by: str, now: datetime) -> Silence:
    """End a silence before its time; one that has not begun never will.

    :raises ValueError: if there is none of that number, or it is over.
    """
    author = _person(by)
    with store.writing() as stored:
        found = stored.people.silence(number)
        if found is None or (found.ended_at or found.ends_at) <= now:
            raise NotFoundError(f"there is no silence #{number}" if found is None else f"silence #{number} is over")
        return replace(stored.people.end_silence(found, author, now), id=number)


def duration_of(text: str) -> timedelta:
    """``30m``, ``2h``, ``7d``.

    :raises ValueError: for anything else.
    """
    try:
        span: timedelta = TypeAdapter(Duration).validate_python(text)
    except ValidationError as error:
        raise ValueError(f"{text!r}: {mistakes_of(error)[0].message}; write 30m, 2h or 7d") from error
    return span


def _matcher(given: Mapping[str, str]) -> Matcher:
    """By the same rules as in the configuration."""
    fields: dict[str, object] = {name: given[name] for name in _MATCHED[:5] if given.get(name)}
    first, last = given.get("from_date"), given.get("until_date")
    if given.get("date"):
        first = last = given["date"]
    if first:
        fields["from"] = first
    if last:
        fields["until"] = last
    try:
        return MatchSettings.model_validate(fields).to_matcher()
    except ValidationError as error:
        mistake = mistakes_of(error)[0]
        place = f"{mistake.at[0]}: " if mistake.at else ""
        raise ValueError(f"{place}{mistake.message}" + (f"; {mistake.hint}" if mistake.hint else "")) from error


def _person(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_AUTHOR or not name.isprintable():
        raise ValueError(f"say who you are: an author of at most {MAX_AUTHOR} characters is needed")
    return name


def _text(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise ValueError(f"at most {MAX_TEXT} characters, please")
    return text.strip()


def _not_open(number: int, unknown: bool) -> str:
    return f"there is no incident #{number}" if unknown else f"incident #{number} is not open"
