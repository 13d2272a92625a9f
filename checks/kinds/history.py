"""The check of the past: what is usual, what was never met, what is missing again and again, what was late unseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from typing_extensions import Unpack

from checks.carried import carry_of, moment, texts
from checks.model import (
    Clearance,
    Evidence,
    Finding,
    JsonValue,
    Judgement,
    Severity,
    Status,
    Subject,
    day_words,
    in_zone,
    stamp,
)
from checks.phases import gaps, habits
from checks.phases.habits import Habits
from checks.phases.model import PhaseDay
from checks.phases.words import one_line
from checks.pipeline import local_instant
from checks.shared import StateCheck, StateCheckParts, States, unknown_states

_OPEN_KEPT = 300
_DATES_SHOWN = 5
_LATELY = timedelta(days=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenHistory:
    """What was known before, and the states of the past where they were asked for this time.

    ``slept_since`` is when somebody last looked, if nobody did for long.
    """

    known: Habits
    asked_at: datetime | None
    states: States | None
    slept_since: datetime | None
    open: Sequence[str]


class HistoryCheck(StateCheck):
    """Judges the last ``days`` run dates together, once a day after ``at`` (local), and when the watcher has slept.

    - ``config.unmet-expectation`` (info, digest only), ``config:<pipeline>:<phase>:<processor>``: never recorded in the
      past although its phase is: a name in the configuration, not an incident.
    - ``history.zero-records`` (warning), ``zero:<pipeline>:<phase>:<processor>``: a critical processor succeeds with no
      records.
    - ``history.missing-again`` (warning), ``missing:<pipeline>:<phase>:<processor>``: an optional one is missing on
      three run dates in a row, although there was a quorum without it.
    - ``history.late`` (info, digest only), ``late:<pipeline>:<phase>:<run date>``: completed late while nobody looked.

    What it learns of usual times is carried, and shared with the pipeline's other checks. Each finding ends when the
    past no longer shows it.
    """

    def __init__(self, *, days: int, at: time, asleep_after: timedelta, **common: Unpack[StateCheckParts]) -> None:
        super().__init__(**common)
        self._days = days
        self._at = at
        self._asleep_after = asleep_after

    def read(self, now: datetime, cursor: JsonValue) -> tuple[SeenHistory, JsonValue]:
        """The past, once a day: one query. Otherwise what was learned of it is only handed to the other checks.

        :raises SourceError: if it was to be read and could not be.
        """
        carry = carry_of(cursor)
        known = habits.from_json(carry.get("habits"))
        self._shared.habits = known
        today = now.astimezone(self._pipeline.zone).date()
        asked_at, looked_at = moment(carry.get("asked_at")), moment(carry.get("looked_at"))
        slept = looked_at is not None and now - looked_at > self._asleep_after
        due = asked_at is None or asked_at < local_instant(today, self._at, self._pipeline.zone) <= now
        states = self._reader.states(now, today - timedelta(days=self._days - 1)) if due or slept else None
        return SeenHistory(
            known=known,
            asked_at=asked_at,
            states=states,
            slept_since=looked_at if slept else None,
            open=texts(carry.get("open")),
        ), None

    def judge(self, observed: SeenHistory, now: datetime) -> Judgement:
        """What the past shows, where it was asked; else nothing."""
        today = now.astimezone(self._pipeline.zone).date()
        if observed.states is None:
            last = in_zone(observed.asked_at, self._pipeline.zone) if observed.asked_at else "never"
            note = f"the past is read once a day, last at {last}"
            return Judgement(
                status=Status.OK,
                evidence=Evidence(notes=(note,)),
                carry=_carry(observed.known, observed.asked_at, now, observed.open),
            )
        states, days = observed.states, observed.states.judged()
        unmet = gaps.unmet(self._pipeline, days, states.at)
        names: dict[str, tuple[str, ...]] = {}
        for item in unmet:
            names[item.phase] = (*names.get(item.phase, ()), item.processor)
        learned = habits.learn(self._pipeline, days, today, observed.known, names)
        findings = [
            *(self._unmet(item, now) for item in unmet),
            *(self._zero(gap, now) for gap in gaps.empty_successes(self._pipeline, days)),
            *(self._missing(gap, now) for gap in gaps.missing_again(self._pipeline, days, states.at)),
        ]
        if observed.slept_since is not None:
            late = gaps.late_meanwhile(days, observed.slept_since, states.at)
            findings += [self._late(phase_day, learned, now) for phase_day in late]
        found = sorted(finding.fingerprint for finding in findings)
        gone = [name for name in observed.open if name not in found]
        reason = f"the last {self._days} run dates no longer show it"
        tells = self._says_something(days, today)
        over = [Clearance(fingerprint=name, at=states.at, reason=reason) for name in gone if tells]
        still_open = found if tells else sorted({*found, *gone})
        told = [f for f in findings if not f.quiet]
        counts = {"dates": len(days), "usual_times": len(learned.phases), "findings": len(findings)}
        evidence = states.evidence.merged(unknown_states(days))
        status = Status.UNKNOWN if evidence.unseen else Status.OK
        return Judgement(
            status=Status.DEGRADED if told else status,
            findings=tuple(findings),
            clearances=tuple(over),
            evidence=evidence.merged(Evidence(counts=counts, notes=_usual_notes(learned))),
            carry=_carry(learned, now, now, still_open[-_OPEN_KEPT:]),
        )

    @staticmethod
    def _says_something(days: gaps.Days, today: date) -> bool:
        """Whether runs were owed lately: over a break the past only grows shorter, which mends nothing."""
        owed = [d.run_date for each in days for d in each if d.due_at is not None]
        return bool(owed) and today - max(owed) <= _LATELY

    def _unmet(self, item: gaps.Unmet, now: datetime) -> Finding:
        facts: dict[str, JsonValue] = {"run dates": _dates(item.run_dates)}
        remedy = f"look whether {item.processor} is still owed, and under which name it is recorded"
        if item.alias is not None:
            facts["recorded instead"] = f"{item.alias} ({item.alias_dates} run dates)"
            remedy = f"if it is the same, add to the pipeline's aliases: {item.alias}: {item.processor}"
        return self._finding(
            f"config:{self._pipeline.name}:{item.phase}:{item.processor}",
            "config.unmet-expectation",
            item.words,
            {**facts, "remedy": remedy},
            now,
            phase=item.phase,
            since=item.run_dates[0],
            severity=Severity.INFO,
        )

    def _zero(self, gap: gaps.Gap, now: datetime) -> Finding:
        latest = day_words(gap.run_dates[-1])
        times = "" if len(gap.run_dates) == 1 else f", {len(gap.run_dates)} run dates in a row"
        return self._finding(
            f"zero:{self._pipeline.name}:{gap.phase}:{gap.processor}",
            "history.zero-records",
            f"{gap.processor} of {gap.phase} succeeded with zero records for {latest}{times}",
            {
                "run dates": _dates(gap.run_dates),
                "remedy": f"look at what {gap.processor} read and wrote on these dates",
            },
            now,
            phase=gap.phase,
            since=gap.run_dates[0],
        )

    def _missing(self, gap: gaps.Gap, now: datetime) -> Finding:
        return self._finding(
            f"missing:{self._pipeline.name}:{gap.phase}:{gap.processor}",
            "history.missing-again",
            f"{gap.processor} of {gap.phase} is missing on {len(gap.run_dates)} run dates in a row, to "
            f"{day_words(gap.run_dates[-1])}; the quorum hid it",
            {
                "run dates": _dates(gap.run_dates),
                "remedy": f"look whether {gap.processor} still runs, and is still owed",
            },
            now,
            phase=gap.phase,
            since=gap.run_dates[0],
        )

    def _late(self, phase_day: PhaseDay, learned: Habits, now: datetime) -> Finding:
        zone, due_at, ended_at = self._pipeline.zone, phase_day.due_at or now, phase_day.last_completed_at or now
        facts: dict[str, JsonValue] = {"due": in_zone(due_at, zone), "completed": in_zone(ended_at, zone)}
        usual = learned.usual(phase_day.phase)
        if usual is not None:
            facts["usual"] = habits.compared(usual, phase_day.run_date, ended_at, zone)
        return Finding(
            fingerprint=f"late:{self._pipeline.name}:{phase_day.phase}:{phase_day.run_date}",
            check=self.name,
            kind="history.late",
            severity=Severity.INFO,
            subject=Subject(pipeline=self._pipeline.name, phase=phase_day.phase, run_date=phase_day.run_date),
            title=one_line(
                f"{phase_day.phase} of {day_words(phase_day.run_date)} was completed late, while nobody looked"
            ),
            since=due_at,
            last_seen=now,
            facts=facts,
            quiet=True,
        )

    def _finding(
        self,
        fingerprint: str,
        kind: str,
        title: str,
        facts: Mapping[str, JsonValue],
        now: datetime,
        *,
        phase: str,
        since: date,
        severity: Severity = Severity.WARNING,
    ) -> Finding:
        return Finding(
            fingerprint=fingerprint,
            check=self.name,
            kind=kind,
            severity=severity,
            subject=Subject(pipeline=self._pipeline.name, phase=phase),
            title=one_line(title),
            since=local_instant(since, time(0), self._pipeline.zone),
            last_seen=now,
            facts={**facts, "checked at": stamp(now)},
            quiet=severity is Severity.INFO,
        )


def _carry(known: Habits, asked_at: datetime | None, now: datetime, still_open: Sequence[str]) -> JsonValue:
    return {
        "habits": habits.to_json(known),
        "asked_at": stamp(asked_at) if asked_at else None,
        "looked_at": stamp(now),
        "open": [*still_open],
    }


def _dates(run_dates: Sequence[date]) -> str:
    """The latest few dates, and how many there are."""
    shown = ", ".join(d.isoformat() for d in run_dates[-_DATES_SHOWN:])
    more = len(run_dates) - _DATES_SHOWN
    return f"{shown} and {more} before" if more > 0 else shown


def _usual_notes(learned: Habits) -> tuple[str, ...]:
    """Usual times for the evidence, a line per phase."""
    return tuple(
        f"{phase}: {habits.usual_words(usual)}, {usual.samples} run dates" for phase, usual in learned.phases.items()
    )
