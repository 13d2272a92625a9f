"""Which errors are new, and which of them stop a function for good. Pure: the memory is JSON that comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from checks.logs.activity import Run
from checks.logs.faults import Failure
from checks.model import JsonValue

REMEMBERED_FOR = timedelta(days=14)
LEARNING = timedelta(hours=24)
MAX_KEYS = 2_000
DEADLY_FROM = 3
_MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class NewError:
    """One new error with its latest occurrences, an item for each revision.

    ``learning``: it is one of those with which the memory began. ``deadly``: every execution since it was first seen
    had it, at least ``DEADLY_FROM``.
    """

    revisions: tuple[Failure, ...]
    since: datetime
    executions: int
    learning: bool
    deadly: bool


@dataclass(slots=True)
class _Episode:
    """A new error that is not over yet, as far as the runs of its function show. Times are Unix seconds."""

    service: str
    first: float
    last: float
    executions: int
    learning: bool
    survived: bool  # a run began after the first occurrence and succeeded without it


def judge(
    errors: Sequence[Failure], remembered: JsonValue, runs: Mapping[str, Run], now: datetime
) -> tuple[list[NewError], JsonValue]:
    """The new errors that occurred since the last run of the check, and what to remember.

    New is what this function has not shown for ``REMEMBERED_FOR``; it stays so, and comes back here with each
    occurrence, until a run that began after its last one has succeeded. In the first ``LEARNING`` of the memory's life
    everything is new: that is marked, and what is over already when it is noticed is only learnt.

    :param remembered: what the last run returned, of any shape.
    :param runs: the latest settled successful run of each function.
    """
    memory = remembered if isinstance(remembered, dict) else {}
    began = _number(memory.get("began"))
    at = now.timestamp()
    began = at if began is None else min(began, at)
    known = _known(memory.get("known"), at)
    episodes = _episodes(memory.get("new"))
    answer: list[NewError] = []
    told: set[str] = set()
    for key, revisions in _by_fingerprint(errors).items():
        last = max(one.last_seen for one in revisions).timestamp()
        if key not in known:
            first = min(one.first_seen for one in revisions).timestamp()
            learning = at - began < LEARNING.total_seconds()
            episodes[key] = _Episode(revisions[0].service, first, last, 0, learning, survived=False)
        known[key] = max(known.pop(key, last), last)
        if key not in episodes:
            continue
        episode = episodes[key]
        run = runs.get(episode.service)
        if episode.learning and run is not None and run.began.timestamp() > max(episode.last, last):
            del episodes[key]  # over before it was noticed: learnt, and nothing to tell
            continue
        episode.survived |= run is not None and _succeeded(run, episode, revisions)
        episode.last = max(episode.last, last)
        episode.executions += sum(_executions(one) for one in revisions)
        told.add(key)
        answer.append(
            NewError(
                revisions=tuple(revisions),
                since=datetime.fromtimestamp(episode.first, UTC),
                executions=episode.executions,
                learning=episode.learning,
                deadly=episode.executions >= DEADLY_FROM and not episode.survived,
            )
        )
    newest = sorted(known.items(), key=lambda item: item[1])[-MAX_KEYS:]
    going_on: dict[str, JsonValue] = {}
    for key, _ in newest:
        episode_ = episodes.get(key)
        if episode_ is None:
            continue
        run = runs.get(episode_.service)
        over = run is not None and run.began.timestamp() > episode_.last
        if over and key not in told:
            continue  # the same evidence clears it
        episode_.survived |= run is not None and _succeeded(run, episode_, ())
        going_on[key] = [
            episode_.service, episode_.first, episode_.last, episode_.executions, episode_.learning, episode_.survived
        ]  # fmt: skip
    remembered_now: dict[str, JsonValue] = {key: round(last) for key, last in newest}
    return answer, {"began": began, "known": remembered_now, "new": going_on}


def _by_fingerprint(errors: Iterable[Failure]) -> dict[str, list[Failure]]:
    found: dict[str, list[Failure]] = {}
    for error in errors:
        key = blake2b(error.fingerprint.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        found.setdefault(key, []).append(error)
    return found


def _succeeded(run: Run, episode: _Episode, revisions: Iterable[Failure]) -> bool:
    """Whether a run began after the error was first seen, and none of the error is in it."""
    if run.began.timestamp() <= episode.first:
        return False
    inside = any(run.began <= moment <= run.at for one in revisions for moment in (*one.moments, one.last_seen))
    return not inside and not run.began.timestamp() <= episode.last <= run.at.timestamp()


def _executions(error: Failure) -> int:
    """In how many executions it occurred. Where the log does not name them, each crash is one; of what was caught (and
    may have been caught in a loop) one in each minute.
    """
    if error.execution_ids:
        return len(error.execution_ids)
    if not error.handled:
        return error.count
    return len({int(moment.timestamp()) // _MINUTE for moment in error.moments})


def _known(value: Any, now: float) -> dict[str, float]:
    oldest = now - REMEMBERED_FOR.total_seconds()
    items = value.items() if isinstance(value, dict) else ()
    return {str(key): float(last) for key, last in items if _number(last) is not None and last > oldest}


def _episodes(value: Any) -> dict[str, _Episode]:
    found: dict[str, _Episode] = {}
    for key, item in value.items() if isinstance(value, dict) else ():
        try:
            service, first, last, executions, learning, survived = item
            found[str(key)] = _Episode(
                str(service), float(first), float(last), int(executions), bool(learning), bool(survived)
            )
        except (TypeError, ValueError):
            continue
    return found


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
