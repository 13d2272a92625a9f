"""The check of hand-overs: whether phases are started by what is declared to start them, or only by the fallback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from checks.carried import carry_of, day
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
from checks.phases.hand_overs import Start, Started, starts
from checks.phases.words import one_line
from checks.shared import StateCheck, States, unknown_states

_DECIDED = frozenset({Started.AS_DECLARED, Started.BY_FALLBACK})
_REMEMBERED = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenStarts:
    """How phases were started, and by phase the earlier run dates in a row on which only the fallback did."""

    starts: Sequence[Start]
    in_a_row: Mapping[str, Sequence[date]]
    evidence: Evidence


class HandOverCheck(StateCheck):
    """Whether the starter that is declared for a phase does its work.

    A warning per phase, fingerprint ``hand-over:<pipeline>:<phase>``: ``hand-over.fallback`` where only the fallback
    started it, ``hand-over.not-started`` where the starter had its time and the fallback is still to come. A phase that
    nothing starts at all stalls, which ``completions`` tells. It is over with a run date on which the phase's first
    completion came before any fallback could have started it. Judged from the same read as ``completions``.
    """

    def read(self, now: datetime, cursor: JsonValue) -> tuple[SeenStarts, JsonValue]:
        """How the phases of the look-back were started.

        :raises SourceError: if the completions could not be read.
        """
        states: States = self._shared.states(self._reader, now)
        days = states.judged()
        seen = starts(self._pipeline, days, states.at)
        evidence = states.evidence.merged(unknown_states(days))
        return SeenStarts(starts=seen, in_a_row=_carried(cursor), evidence=evidence), None

    def judge(self, observed: SeenStarts, now: datetime) -> Judgement:
        """For each phase what the latest run date shows of which anything can be said."""
        findings, clearances = [], []
        in_a_row = {name: list(days) for name, days in observed.in_a_row.items()}
        by_phase: dict[str, list[Start]] = {}
        for start in sorted(observed.starts, key=lambda s: s.run_date):
            by_phase.setdefault(start.phase, []).append(start)
        for phase, seen in by_phase.items():
            for start in (s for s in seen if s.how in _DECIDED):
                if start.how is Started.AS_DECLARED:
                    in_a_row[phase] = []
                elif start.run_date not in in_a_row.setdefault(phase, []):
                    in_a_row[phase].append(start.run_date)
            telling = [s for s in seen if s.how in _DECIDED or s.how is Started.NOT_YET]
            if not telling:
                continue
            latest = telling[-1]
            if latest.how is Started.AS_DECLARED:
                clearances.append(self._clearance(latest, now))
            else:
                findings.append(self._finding(latest, in_a_row.get(phase, ()), now))
        counts = {how.value: sum(s.how is how for s in observed.starts) for how in Started}
        status = Status.UNKNOWN if observed.evidence.unseen else Status.OK
        return Judgement(
            status=Status.DEGRADED if findings else status,
            findings=tuple(findings),
            clearances=tuple(clearances),
            evidence=observed.evidence.merged(Evidence(counts={k: n for k, n in counts.items() if n})),
            carry={name: [d.isoformat() for d in days[-_REMEMBERED:]] for name, days in in_a_row.items() if days},
        )

    def _finding(self, start: Start, in_a_row: Sequence[date], now: datetime) -> Finding:
        declared = f"{start.declared.kind} {start.declared.name}"
        of = f"{start.phase} of {day_words(start.run_date)}"
        if start.how is Started.BY_FALLBACK:
            kind, title = "hand-over.fallback", f"{of} was started only by the fallback, not by {declared}"
        else:
            kind, title = "hand-over.not-started", f"{of} was not started by {declared}: it waits for the fallback"
        facts: dict[str, JsonValue] = {"declared starter": declared}
        for label, moment in (
            ("upstream satisfied", start.satisfied_at),
            ("fallback", start.fallback_at),
            ("first completion", start.first_at),
        ):
            if moment is not None:
                facts[label] = in_zone(moment, self._pipeline.zone)
        if len(in_a_row) > 1:
            facts["run dates in a row"] = f"{len(in_a_row)}, since {in_a_row[0]}"
        facts["remedy"] = f"look at the logs of {start.declared.name}: it had its time and started nothing"
        facts["checked at"] = stamp(now)
        return Finding(
            fingerprint=f"hand-over:{self._pipeline.name}:{start.phase}",
            check=self.name,
            kind=kind,
            severity=Severity.WARNING,
            subject=Subject(pipeline=self._pipeline.name, phase=start.phase, run_date=start.run_date),
            title=one_line(title),
            since=start.satisfied_at or now,
            last_seen=now,
            facts=facts,
        )

    def _clearance(self, start: Start, now: datetime) -> Clearance:
        of = f"{start.phase} of {start.run_date}"
        return Clearance(
            fingerprint=f"hand-over:{self._pipeline.name}:{start.phase}",
            at=start.first_at or now,
            reason=f"{of} was started by {start.declared.kind} {start.declared.name}, before any fallback",
        )


def _carried(cursor: JsonValue) -> Mapping[str, Sequence[date]]:
    answer = {}
    for phase, days in carry_of(cursor).items():
        listed = days if isinstance(days, list) else []
        answer[phase] = [run_date for item in listed if (run_date := day(item)) is not None]
    return answer
