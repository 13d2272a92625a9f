"""A phase on a run date, said to people in one line of plain English."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from checks.model import day_words, in_zone, stamp
from checks.phases.model import PhaseDay, PhaseState

_LENGTH = 120
_NAMES = 3
_FAILED_FLAG = "failed:"


def one_line(text: str) -> str:
    """The text without line breaks, cut to 120 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _LENGTH else line[: _LENGTH - 3] + "..."


def headline(phase_day: PhaseDay, day: Sequence[PhaseDay]) -> str:
    """What is wrong with the phase, one line of at most 120 characters; ``day`` holds all phases of the run date.

    For the states stalled, failed, incomplete and blocked; any other state is only named.
    """
    expected = len(phase_day.done) + len(phase_day.missing)
    short = f"{len(phase_day.missing)} of {expected} completions missing"
    match phase_day.state:
        case PhaseState.STALLED:
            what = f"has stalled: {short}, nothing new since it could start"
        case PhaseState.FAILED:
            failed = [flag.removeprefix(_FAILED_FLAG) for flag in phase_day.flags if flag.startswith(_FAILED_FLAG)]
            what = f"failed: {listed(failed)}"
        case PhaseState.INCOMPLETE if not phase_day.done:
            what = f"is not recorded: none of {expected} completions arrived by its due time"
        case PhaseState.INCOMPLETE:
            what = f"is incomplete after its due time: {short}"
        case PhaseState.BLOCKED:
            waits_for = [o.phase for o in day if o.phase in phase_day.upstream and not o.state.satisfied]
            what = f"is blocked: it waits for {listed(waits_for)}"
        case _:
            what = f"is {phase_day.state.replace('_', ' ')}"
    return one_line(f"{_called(phase_day.phase)} of {day_words(phase_day.run_date)} {what}")


def lateness(phase_day: PhaseDay, zone: ZoneInfo) -> str | None:
    """When a phase was completed that was late; None if it was not. Late stays late, whatever is green by now."""
    due_at, ended_at = phase_day.due_at, phase_day.last_completed_at
    if phase_day.state is not PhaseState.COMPLETE_LATE or due_at is None or ended_at is None:
        return None
    return f"{phase_day.phase} of {phase_day.run_date}: late, {in_zone(ended_at, zone)}, due {in_zone(due_at, zone)}"


def reason_it_is_over(phase_day: PhaseDay) -> str:
    """Why nothing is wrong with a phase that is satisfied or owes nothing."""
    if phase_day.last_completed_at is None:
        why = f": {phase_day.why_not}" if phase_day.why_not else ""
        return f"no run of {phase_day.phase} is owed for {phase_day.run_date}{why}"
    expected = len(phase_day.done) + len(phase_day.missing)
    share = f"all {expected}" if not phase_day.missing else f"{len(phase_day.done)} of {expected}"
    enough = ", which is enough" if phase_day.missing else ""
    return (
        f"{share} completions of {phase_day.phase} for {phase_day.run_date} are recorded{enough}, "
        f"the last at {stamp(phase_day.last_completed_at)}"
    )


def _called(phase: str) -> str:
    """The phase as the subject of a sentence, without the stutter of ``Phase phase3``."""
    return phase if phase.lower().startswith("phase") else f"Phase {phase}"


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")
