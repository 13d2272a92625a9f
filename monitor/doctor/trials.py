"""What ``phasewatch doctor`` found: a verdict for each source and channel, and how all are tried at once in time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from checks.model import JsonValue
from checks.ports import SourceError

CLOCK_TOLERANCE = timedelta(seconds=30)
# Kinds of SourceError that nobody here can mend: the other side was not to be seen.
_BLIND = ("unreachable", "timeout")
EXIT_GOOD, EXIT_FAILED, EXIT_BLIND = 0, 1, 3


class State(StrEnum):
    """OFF: not in use, so that there was nothing to try."""

    OK = "OK"
    FAILED = "FAILED"
    OFF = "OFF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one trial found.

    :param said: what works, or what does not, one sentence.
    :param remedy: what a person can do.
    :param blind: it could not be seen (no answer), rather than seen to be wrong.
    :param notes: further sentences: what is not seen, what would be better.
    :param facts: for programs: ``clock_ahead_seconds`` (of the service, against ours), ``sees_back_to``...
    """

    name: str
    state: State
    said: str
    remedy: str | None = None
    blind: bool = False
    notes: tuple[str, ...] = ()
    facts: Mapping[str, JsonValue] = field(default_factory=dict)

    def as_json(self) -> dict[str, JsonValue]:
        """The object that ``--format json`` prints."""
        return {
            "name": self.name,
            "state": self.state.value,
            "said": self.said,
            "remedy": self.remedy,
            "blind": self.blind,
            "notes": list(self.notes),
            "facts": dict(self.facts),
        }


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing to try. ``look`` may raise SourceError; whatever else it raises is its own fault and shown as such."""

    name: str
    look: Callable[[], Verdict]


def good(name: str, said: str, *, notes: Sequence[str] = (), facts: Mapping[str, JsonValue] | None = None) -> Verdict:
    """It works."""
    return Verdict(name=name, state=State.OK, said=said, notes=tuple(notes), facts=facts or {})


def off(name: str, said: str, *, notes: Sequence[str] = ()) -> Verdict:
    """It is not in use, and why."""
    return Verdict(name=name, state=State.OFF, said=said, notes=tuple(notes))


def failed(
    name: str,
    said: str,
    *,
    remedy: str | None = None,
    blind: bool = False,
    notes: Sequence[str] = (),
    facts: Mapping[str, JsonValue] | None = None,
) -> Verdict:
    """It does not work."""
    return Verdict(
        name=name, state=State.FAILED, said=said, remedy=remedy, blind=blind, notes=tuple(notes), facts=facts or {}
    )


def from_source(name: str, error: SourceError) -> Verdict:
    """The verdict for a source that could not be read."""
    return failed(name, str(error), remedy=error.remedy, blind=error.kind in _BLIND, facts={"kind": error.kind})


def with_clock(verdict: Verdict, theirs: datetime, asked: datetime, answered: datetime) -> Verdict:
    """The verdict with the difference of the service's clock to ours, which is what our own shows half-way.

    A difference above ``CLOCK_TOLERANCE`` is a failure: what is late and what is not is judged by the clock.
    """
    ahead = theirs - (asked + (answered - asked) / 2)
    facts = {**verdict.facts, "clock_ahead_seconds": round(ahead.total_seconds(), 1)}
    words = f"{abs(ahead).total_seconds():.0f} s {'ahead of' if ahead > timedelta(0) else 'behind'} ours"
    if verdict.state is State.OK and abs(ahead) > CLOCK_TOLERANCE:
        return failed(
            verdict.name,
            f"its clock is {words}",
            remedy="set this machine's clock (`timedatectl set-ntp true`)",
            notes=(verdict.said, *verdict.notes),
            facts=facts,
        )
    said = f"{verdict.said}; its clock is {words}" if abs(ahead) >= timedelta(seconds=1) else verdict.said
    return Verdict(
        name=verdict.name,
        state=verdict.state,
        said=said,
        remedy=verdict.remedy,
        blind=verdict.blind,
        notes=verdict.notes,
        facts=facts,
    )


def run_all(trials: Sequence[Trial], timeout: timedelta) -> list[Verdict]:
    """Try all at once; the verdicts in the order of the trials, at the latest after ``timeout``.

    What has not answered by then is a verdict of its own. Its thread is left behind: the process is about to end.
    """
    verdicts: dict[int, Verdict] = {}

    def look(number: int, trial: Trial) -> None:
        try:
            verdict = trial.look()
        except SourceError as error:
            verdict = from_source(trial.name, error)
        except Exception as error:  # noqa: BLE001 - one broken trial must not hide the others
            verdict = failed(trial.name, f"could not be tried: {type(error).__name__}: {error}")
        verdicts[number] = verdict

    threads = [
        threading.Thread(target=look, args=(number, trial), name=f"doctor-{trial.name}", daemon=True)
        for number, trial in enumerate(trials)
    ]
    deadline = time.monotonic() + timeout.total_seconds()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    done = dict(verdicts)
    late = f"no answer within {timeout.total_seconds():g} s"
    return [done.get(number) or failed(trial.name, late, blind=True) for number, trial in enumerate(trials)]


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """0 all good, 1 something failed that a person can mend, 3 something could not be seen."""
    bad = [verdict for verdict in verdicts if verdict.state is State.FAILED]
    if not bad:
        return EXIT_GOOD
    return EXIT_BLIND if all(verdict.blind for verdict in bad) else EXIT_FAILED


def minute(moment: datetime) -> str:
    """A moment to the minute, in UTC."""
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def shown(path: Path) -> str:
    """A path as short as it can be said from here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
