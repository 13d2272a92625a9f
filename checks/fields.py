"""What may stand in one field of ``config.yaml``: durations, times, dates, percentages, zones, names, addresses.

Each is an annotated type for pydantic that takes what people write, refuses the rest with a remedy, and is shown again
as it is written. They are strict: ``60`` is no duration and ``0.6`` no percentage.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, Strict, ValidationInfo, WithJsonSchema

from checks.mistakes import Mistake, kind_of, quoted, unknown
from checks.model import normal_service
from checks.phases.names import canonical_processor

Item = TypeVar("Item")
# YAML has lists, settings have tuples; the items stay strict.
ListOf = Annotated[tuple[Item, ...], Strict(False)]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=366)


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise Mistake(message="a duration needs a unit", hint="write 60s, 90m, 2h or 7d").error()
    found = re.fullmatch(r"([0-9]{1,8}) ?([smhd])", value) if isinstance(value, str) else None
    if found is None:
        raise Mistake(message="expected a duration", hint="write 60s, 90m, 2h or 7d").error()
    seconds = int(found[1]) * _SECONDS[found[2]]
    if seconds > _LONGEST.total_seconds():
        raise Mistake(message="a duration must be at most 366d").error()
    return timedelta(seconds=seconds)


def duration_text(value: timedelta) -> str:
    """A duration as it is written: whole, in the largest unit that fits."""
    seconds = int(value.total_seconds())
    unit = next((unit for unit in "dhm" if seconds and seconds % _SECONDS[unit] == 0), "s")
    return f"{seconds // _SECONDS[unit]}{unit}"


def at_least(least: timedelta) -> AfterValidator:
    """For a duration that must not be shorter."""

    def judge(value: timedelta) -> timedelta:
        if value < least:
            raise Mistake(message=f"must be at least {duration_text(least)}").error()
        return value

    return AfterValidator(judge)


def at_most(most: timedelta) -> AfterValidator:
    """For a duration that must not be longer."""

    def judge(value: timedelta) -> timedelta:
        if value > most:
            raise Mistake(message=f"must be at most {duration_text(most)}").error()
        return value

    return AfterValidator(judge)


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(duration_text),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,8} ?[smhd]$", "examples": ["60s", "90m", "2h", "7d"]}),
]
# For what must last at all.
Span = Annotated[Duration, at_least(timedelta(seconds=1))]


def _ratio(value: object) -> float:
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,3})?) ?%", value) if isinstance(value, str) else None
    if found is None:
        raise Mistake(message="expected a percentage", hint="write 60%").error()
    percent = float(found[1])
    if not 0 < percent <= 100:  # noqa: PLR2004 - the meaning of per cent
        raise Mistake(message="a percentage must be above 0% and at most 100%").error()
    return percent / 100


Percentage = Annotated[
    float,
    BeforeValidator(_ratio),
    PlainSerializer(lambda ratio: f"{ratio * 100:g}%", return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,3}(\\.[0-9]{1,3})? ?%$", "examples": ["60%"]}),
]


def _clock(value: object) -> time:
    found = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", value) if isinstance(value, str) else None
    if found is None:
        raise Mistake(message="expected a time of day", hint='write it as "09:00", 24 hours, in quotes').error()
    hour, minute = int(found[1]), int(found[2])
    if hour > 23 or minute > 59:  # noqa: PLR2004 - a clock's
        raise Mistake(message="no such time of day", hint='from "00:00" to "23:59"; "00:00" of the next day').error()
    return time(hour, minute)


ClockTime = Annotated[
    time,
    BeforeValidator(_clock),
    PlainSerializer(lambda at: f"{at:%H:%M}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,2}:[0-9]{2}$", "examples": ["09:00"]}),
]


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise Mistake(message="no such day in the calendar").error() from None
    raise Mistake(message="expected a date", hint="write 2026-02-12").error()


Day = Annotated[
    date,
    BeforeValidator(_day),
    PlainSerializer(date.isoformat),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "examples": ["2026-02-12"]}),
]


def _zone(value: object) -> str:
    if not isinstance(value, str):
        message = f"expected the name of a time zone, found {kind_of(value)}"
        raise Mistake(message=message, hint="for example America/New_York").error()
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):  # a folder of the zone database is an OSError, an unknown name a KeyError
        mistake = unknown("time zone", value, available_timezones())
        far = mistake.hint is None or not mistake.hint.startswith("did")
        hint = "a name such as America/New_York or UTC" if far else mistake.hint
        raise Mistake(message=mistake.message, hint=hint).error() from None
    return str(value)


ZoneName = Annotated[str, BeforeValidator(_zone), WithJsonSchema({"type": "string", "examples": ["America/New_York"]})]


def matching(pattern: str, what: str, hint: str) -> BeforeValidator:
    """For text of a fixed form. The message says the form and shows no value."""
    form = re.compile(pattern)

    def judge(value: object) -> str:
        if not isinstance(value, str):
            raise Mistake(message=f"expected {what}, found {kind_of(value)}", hint=hint).error()
        if not form.fullmatch(value):
            raise Mistake(message=f"not {what}", hint=hint).error()
        return str(value)

    return BeforeValidator(judge)


def _pattern(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern})$"})


_PROJECT = r"[a-z][a-z0-9-]{4,28}[a-z0-9]"
_TABLE = rf"(?:{_PROJECT}\.)?[A-Za-z0-9_]{{1,1024}}\.[A-Za-z0-9_-]{{1,1024}}"
_COLUMN = r"[A-Za-z_][A-Za-z0-9_]{0,299}"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}"
_SERVICE = r"[A-Za-z][A-Za-z0-9_-]{0,62}"

Project = Annotated[
    str,
    matching(_PROJECT, "the id of a Google Cloud project", "6 to 30 of a-z, 0-9 and -, as in my-project-1"),
    _pattern(_PROJECT),
]
# Tables and columns reach SQL as text: nothing that could end an identifier may stand in them.
Table = Annotated[
    str,
    matching(_TABLE, "the name of a table", "write dataset.table or project.dataset.table"),
    _pattern(_TABLE),
]
Column = Annotated[
    str,
    matching(_COLUMN, "the name of a column", "letters, digits and _, not starting with a digit"),
    _pattern(_COLUMN),
]
Name = Annotated[str, matching(_NAME, "a name", "letters, digits, _ and -, at most 63"), _pattern(_NAME)]
Region = Annotated[str, matching(r"[a-z]+(-[a-z0-9]+)*", "the name of a region", "for example us-west2")]
Service = Annotated[
    str,
    matching(_SERVICE, "the name of a function", "letters, digits, _ and -, as it was deployed"),
    AfterValidator(normal_service),
    _pattern(_SERVICE),
]


# Shown as a link: what is no web address would not be.
PageUrl = Annotated[
    str,
    matching(r"https?://[^\s<>\"`|]{1,500}", "the address of a page", "write https://host/path"),
    WithJsonSchema({"type": "string", "pattern": "^https?://"}),
]


def _canonical(value: object) -> str:
    if not isinstance(value, str):
        raise Mistake(message=f"expected the name of a processor, found {kind_of(value)}").error()
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,300}", value):
        raise Mistake(message="not the name of a processor", hint="letters, digits and _").error()
    canonical = canonical_processor(value, {})
    if canonical.normalised:
        message = f"{quoted(value)} is never met: recorded names are compared in their normal form"
        written = type(value) is str
        raise Mistake(message=message, hint=f"write {canonical.name}" if written else "lower case, no dots").error()
    return str(value)


# A processor's name as rows are compared: canonical already, or no row would ever match it.
Canonical = Annotated[str, BeforeValidator(_canonical), WithJsonSchema({"type": "string", "pattern": "^[a-z0-9_-]+$"})]


def is_loopback(host: str) -> bool:
    """Whether the host is this machine only. Asks no name server: of names, only ``localhost`` is."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _endpoint(value: object) -> str:
    hint = "write http://127.0.0.1:9050 or https://host"
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        port = parts.port if parts else None
    except ValueError:
        parts, port = None, None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise Mistake(message="expected a URL", hint=hint).error()
    if parts.username is not None or parts.query or parts.fragment or re.search(r"\s", str(value)):
        raise Mistake(message="a URL of scheme, host, port and path only", hint=hint).error()
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        message = "credentials would travel unencrypted"
        raise Mistake(message=message, hint="https, or http to this machine (127.0.0.1)").error()
    return str(value).rstrip("/")


Endpoint = Annotated[str, BeforeValidator(_endpoint), WithJsonSchema({"type": "string", "pattern": "^https?://"})]


def _local_path(value: object, info: ValidationInfo) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise Mistake(message="expected a path").error()
    return Path((info.context or {}).get("folder") or "", Path(value).expanduser())


# Relative paths start from the folder of the configuration file.
LocalPath = Annotated[
    Path, BeforeValidator(_local_path), PlainSerializer(str), WithJsonSchema({"type": "string", "minLength": 1})
]
