"""The check of recording: whether anything is being recorded at all while something should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from typing_extensions import Unpack

from checks.carried import carry_of, moment
from checks.model import Clearance, Evidence, Finding, JsonValue, Judgement, Severity, Status, Subject, in_zone, stamp
from checks.phases.habits import Habits, recorded_at
from checks.phases.silence import Awaited, awaited, is_silent, overdue
from checks.pipeline import Pipeline
from checks.shared import StateCheck, StateCheckParts, unknown_states
from checks.sources.completions import CompletionTables, LastRows

# Rows are looked for so far back; a longer silence is told as one of this length.
_REACH = timedelta(days=3)
_NAMES_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRecording:
    """What should have come and did not, as of ``at``, and what was recorded lately.

    ``rows`` is None where it was not asked for: too little is overdue to say anything.
    """

    at: datetime
    owed: Sequence[Awaited]
    rows: LastRows | None
    last_at: datetime | None
    habits: Habits
    evidence: Evidence


class RecordingCheck(StateCheck):
    """Whether completions of today's runs are being recorded; what is filled in for old run dates does not count.

    One finding per pipeline, ``recording.silent`` with the fingerprint ``recording:<pipeline>``: a warning while what
    is overdue only usually comes by now, critical once something critical is due. It is over with the next row of a
    present run, or when nothing is awaited any more. The table is asked only if enough is overdue.
    """

    def __init__(self, *, tables: CompletionTables, **common: Unpack[StateCheckParts]) -> None:
        super().__init__(**common)
        self._tables = tables

    def read(self, now: datetime, cursor: JsonValue) -> tuple[SeenRecording, JsonValue]:
        """What is overdue; and, if that may prove a silence, what was recorded lately.

        :raises SourceError: if the completions could not be read.
        """
        states = self._shared.states(self._reader, now)
        habits = self._shared.habits
        days = states.judged()
        owed = awaited(self._pipeline, habits, days, states.at)
        last_at = _latest(
            moment(carry_of(cursor).get("last_at")),
            *(at for day in days for phase_day in day for at in recorded_at(self._pipeline, phase_day)),
        )
        rows, evidence = None, states.evidence.merged(unknown_states(days))
        if is_silent(self._pipeline, habits, overdue(owed, last_at), last_at, states.at):
            rows, cost = self._tables.last_rows(self._pipeline, states.at - _REACH, states.at)
            last_at = _latest(last_at, rows.last_at)
            evidence = evidence.merged(cost)
        return SeenRecording(
            at=states.at, owed=owed, rows=rows, last_at=last_at, habits=habits, evidence=evidence
        ), None

    def judge(self, observed: SeenRecording, now: datetime) -> Judgement:
        """At most one finding; a clearance where nothing is overdue."""
        late = overdue(observed.owed, observed.last_at)
        carry: JsonValue = {"last_at": stamp(observed.last_at) if observed.last_at else None}
        evidence = observed.evidence.merged(Evidence(counts={"awaited": len(observed.owed), "overdue": len(late)}))
        if observed.rows is not None and is_silent(
            self._pipeline, observed.habits, late, observed.last_at, observed.at
        ):
            finding = self._finding(observed, observed.rows, late, now)
            return Judgement(status=Status.FAILING, findings=(finding,), evidence=evidence, carry=carry)
        clearances = () if late or evidence.unseen else (self._clearance(observed, now),)
        status = Status.UNKNOWN if evidence.unseen else Status.OK
        return Judgement(status=status, clearances=clearances, evidence=evidence, carry=carry)

    def _finding(self, observed: SeenRecording, rows: LastRows, late: Sequence[Awaited], now: datetime) -> Finding:
        grave = any(a.critical and a.due_at <= observed.at for a in late)
        since = observed.last_at or late[0].by
        # Those of all phases, so that the text does not change with each further one that is overdue.
        today = observed.at.astimezone(self._pipeline.zone).date()
        recorders = dict.fromkeys(r for p in self._pipeline.phases if (r := p.recorder_on(today)) is not None)
        last = in_zone(observed.last_at, self._pipeline.zone) if observed.last_at else f"none in {_REACH.days} days"
        remedy = "look whether what records runs"
        if recorders:
            remedy += f" ({', '.join(recorders)})"
        return Finding(
            fingerprint=f"recording:{self._pipeline.name}",
            check=self.name,
            kind="recording.silent",
            severity=Severity.CRITICAL if grave else Severity.WARNING,
            subject=Subject(pipeline=self._pipeline.name, table=self._pipeline.completions.table),
            title=f"Nothing is being recorded for {self._pipeline.name}: {len(late)} completions should have come",
            since=since,
            last_seen=now,
            facts={
                "last recorded": last,
                "should have come": _names(self._pipeline, late),
                "filled in meanwhile": f"{rows.backfill} rows of old run dates" if rows.backfill else None,
                "remedy": f"{remedy}, and whether the pipeline runs at all",
                "checked at": stamp(now),
            },
        )

    def _clearance(self, observed: SeenRecording, now: datetime) -> Clearance:
        if observed.last_at is None:
            reason = "no completion is awaited"
        else:
            reason = f"something was recorded at {stamp(observed.last_at)}, and nothing is overdue since"
        return Clearance(fingerprint=f"recording:{self._pipeline.name}", at=observed.last_at or now, reason=reason)


def _latest(*moments: datetime | None) -> datetime | None:
    return max((m for m in moments if m is not None), default=None)


def _names(pipeline: Pipeline, late: Sequence[Awaited]) -> str:
    """Who should have come by when, a line each."""
    shown = [
        f"{a.phase} of {a.run_date}: {a.processor} by {a.by.astimezone(pipeline.zone):%H:%M %Z}"
        + ("" if a.by == a.due_at else " (as usual)")
        for a in late[:_NAMES_SHOWN]
    ]
    more = len(late) - _NAMES_SHOWN
    return "\n".join([*shown, *([f"and {more} more"] if more > 0 else [])])
