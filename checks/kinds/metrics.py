"""The check of metrics: what Cloud Monitoring shows of functions and subscriptions, judged while it matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from checks.carried import carry_of, day, moment
from checks.metrics.judge import Answers, Verdict, subject_of, typical_hours, verdicts
from checks.metrics.model import MetricQuery, MetricRule, MetricSeries, RuleKind, Target
from checks.metrics.ports import MetricSource
from checks.metrics.windows import Span, asked, edge, spans
from checks.model import (
    Clearance,
    Evidence,
    Finding,
    JsonValue,
    Judgement,
    Severity,
    Status,
    Subject,
    Window,
    day_words,
    in_zone,
    stamp,
)
from checks.phases.words import one_line
from checks.pipeline import Pipeline
from checks.ports import SourceError
from checks.sources.calendar import Calendars, RecentDays

# What is typical is learned anew so often, from so many days.
_TYPICAL_KEPT = timedelta(hours=24)
_TYPICAL_FROM = timedelta(days=7)
_HOUR = timedelta(hours=1)
# Names remembered of one rule.
_NAMES_KEPT = 1_000
_NAMES_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRule:
    """What was asked for a rule: the window, the run date if it is bound to one, and the answers.

    ``error``: why the rule cannot be asked like that. ``seen``: whether there were any points, of it or its witness.
    ``unjudged``: the names of what the rule cannot judge yet.
    """

    rule: MetricRule
    window: Window
    run_date: date | None = None
    answers: Answers = ()
    typical: Mapping[str, float] = field(default_factory=dict)
    seen: bool = True
    unjudged: tuple[str, ...] = ()
    error: SourceError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenMetrics:
    """All rules that hold now; the evidence says why others do not, and what the calendar does not cover.

    ``proven``: by rule the run date for which nothing was absent, which is not asked for again.
    """

    rules: Sequence[SeenRule]
    evidence: Evidence
    proven: Mapping[str, date] = field(default_factory=dict)


class Metrics:
    """Judges each rule for the time for which everything is visible.

    Findings have the fingerprint ``metric:<rule>:<name>`` and the kind ``metrics.<finding>``. What is over is proven by
    a later point that keeps the rule, never by silence: a rule without any data says nothing, and the check is UNKNOWN,
    unless it is absence that is asked about. A rule that Cloud Monitoring refuses is ``blind.metric``.

    Equal questions of several rules are asked once in a run. ``pipelines`` and ``calendars`` decide when bound rules
    hold.
    """

    def __init__(
        self,
        *,
        rules: Sequence[MetricRule],
        source: MetricSource,
        pipelines: Sequence[Pipeline],
        calendars: Calendars,
        every: timedelta,
        visible_after: timedelta,
        name: str = "metrics",
    ) -> None:
        self.name = name
        self.every = every
        self.about = Subject()
        self._rules = rules
        self._source = source
        self._pipelines = {p.name: p for p in pipelines}
        bound = [rule.binding for rule in rules if rule.binding is not None]
        self._recent = RecentDays(calendars, [m for b in bound for m in (b.begins, b.ends) if m is not None])
        self._visible_after = visible_after

    def read(self, now: datetime, cursor: JsonValue) -> tuple[SeenMetrics, JsonValue]:
        """The series of the rules that hold now; the cursor keeps how far each was judged, and what is typical.

        :raises SourceError: if Cloud Monitoring or a calendar could not be asked.
        """
        known = carry_of({"carry": cursor.get("source")} if isinstance(cursor, dict) else None)
        reading = _Reading(self._source)
        until: dict[str, JsonValue] = {}
        typical: dict[str, JsonValue] = {}
        proven = {name: at for name, stored in carry_of(cursor).items() if (at := day(stored)) is not None}
        found = []
        for rule in self._rules:
            before = carry_of({"carry": known.get("until")}).get(rule.name)
            span = self._asked(rule, now, moment(before), reading)
            if span is None:
                until[rule.name] = before
                continue
            window, run_date = (span.window, span.run_date) if isinstance(span, Span) else (span, None)
            if run_date is not None and proven.get(rule.name) == run_date:
                continue
            seen = SeenRule(rule=rule, window=window, run_date=run_date)
            try:
                if rule.kind is RuleKind.RUNAWAY:
                    kept = carry_of({"carry": known.get("typical")}).get(rule.name)
                    hours = typical[rule.name] = self._typical(rule, kept, now, reading)
                    seen = replace(seen, typical=_numbers(hours))
                found.append(reading.answer(seen))
            except SourceError as error:
                if error.kind != "invalid":
                    raise
                found.append(replace(seen, error=error))
            until[rule.name] = stamp(window.end)
        return SeenMetrics(rules=found, evidence=reading.evidence, proven=proven), {"until": until, "typical": typical}

    def _asked(
        self, rule: MetricRule, now: datetime, since: datetime | None, reading: _Reading
    ) -> Span | Window | None:
        pipeline = self._pipelines.get(rule.binding.pipeline) if rule.binding else None
        if pipeline is None:
            return asked(rule, (), now, self._visible_after, since)
        days, calendar, evidence = self._recent.of(pipeline, now)
        reading.add(evidence)
        span = asked(rule, list(spans(rule, pipeline, calendar, days)), now, self._visible_after, since)
        if span is None:
            reading.add(Evidence(notes=(f"{rule.name}: nothing is owed now, not asked",)))
        return span

    def _typical(self, rule: MetricRule, kept: JsonValue, now: datetime, reading: _Reading) -> dict[str, JsonValue]:
        """What each subject does in a typical hour, as it is stored: learned once a day."""
        before = carry_of({"carry": kept})
        at = moment(before.get("at"))
        if at is not None and timedelta(0) <= now - at < _TYPICAL_KEPT:
            return dict(before)
        end = edge(now, self._visible_after, _HOUR) - _HOUR
        window = Window(start=end - _TYPICAL_FROM, end=end)
        hours = typical_hours(rule, [(query, reading.ask(query, window, _HOUR)) for query in rule.queries])
        return {"at": stamp(now), "hours": {name: hours[name] for name in sorted(hours)[:_NAMES_KEPT]}}

    def judge(self, observed: SeenMetrics, now: datetime) -> Judgement:
        """Findings for what breaks a rule, clearances for what keeps it."""
        findings: list[Finding] = []
        clearances: list[Clearance] = []
        unseen: list[str] = []
        proven = {rule.name: observed.proven[rule.name] for rule in self._rules if rule.name in observed.proven}
        judged = 0
        for seen in observed.rules:
            rule = seen.rule
            if seen.error is not None:
                findings.append(self._blind(rule, seen.error, now))
                unseen.append(f"{rule.name}: {seen.error}")
                continue
            clearances.append(_over(f"metric:{rule.name}", now, "its metrics can be asked for again"))
            said = verdicts(rule, seen.answers, seen.window.start, seen.window.end, seen.typical)
            judged += len(said)
            if not seen.seen and rule.kind is not RuleKind.ABSENCE:
                unseen.append(f"{rule.name}: no data from {stamp(seen.window.start)} to {stamp(seen.window.end)}.")
            unjudged = [name for name in seen.unjudged if name not in self._judged_by_others(rule)]
            if unjudged:
                names = ", ".join(unjudged[:_NAMES_SHOWN])
                unseen.append(f"{rule.name}: {names} not judged: {rule.unjudged_until.format(names=names)}.")
            if rule.kind is RuleKind.ABSENCE and seen.run_date and not any(verdict.broken for verdict in said):
                proven[rule.name] = seen.run_date
            for verdict in said:
                if verdict.broken:
                    findings.append(self._finding(seen, verdict, now))
                elif verdict.until >= seen.window.start:
                    reason = f"{verdict.name}: {_measured(rule, verdict)} at {stamp(verdict.until)}"
                    clearances.append(_over(_fingerprint(rule, verdict.name), verdict.until, reason))
        ends = [seen.window for seen in observed.rules]
        window = Window(start=min(w.start for w in ends), end=max(w.end for w in ends)) if ends else None
        looked = Evidence(window=window, counts={"rules": len(observed.rules), "judged": judged}, unseen=tuple(unseen))
        evidence = observed.evidence.merged(looked)
        status = Status.FAILING if findings else Status.UNKNOWN if evidence.unseen else Status.OK
        return Judgement(
            status=status,
            findings=tuple(findings),
            clearances=tuple(clearances),
            evidence=evidence,
            carry={name: run_date.isoformat() for name, run_date in proven.items()},
        )

    def _judged_by_others(self, rule: MetricRule) -> set[str]:
        """What another rule of the kind is there for."""
        others = (other for other in self._rules if other.finding == rule.finding and other.unjudged is None)
        return {name for other in others for name in other.names}

    def _finding(self, seen: SeenRule, verdict: Verdict, now: datetime) -> Finding:
        rule = seen.rule
        binding = rule.binding
        function = verdict.name.removeprefix("log of ") if rule.target is Target.FUNCTION else None
        if rule.target is Target.SUBSCRIPTION:
            function = rule.functions.get(verdict.name)
        zone = self._pipelines[binding.pipeline].zone if binding else None
        begin, end = (in_zone(at, zone) if zone else stamp(at) for at in (verdict.since, seen.window.end))
        facts: dict[str, JsonValue] = {"measured": f"{_measured(rule, verdict)}, from {begin} to {end}"}
        if rule.target is Target.SUBSCRIPTION:
            facts["subscription"] = verdict.name
        if rule.remedy:
            facts["remedy"] = rule.remedy
        facts["checked at"] = stamp(now)
        dated = f" for {day_words(seen.run_date)}" if seen.run_date and rule.kind is RuleKind.ABSENCE else ""
        return Finding(
            fingerprint=_fingerprint(rule, verdict.name),
            check=self.name,
            kind=f"metrics.{rule.finding}",
            severity=rule.severity,
            subject=Subject(
                pipeline=binding.pipeline if binding else None,
                phase=binding.phase if binding else None,
                run_date=seen.run_date,
                service=None if function is None or function.startswith("topic ") else function,
            ),
            title=one_line(_title(rule, verdict) + dated),
            since=verdict.since,
            last_seen=now if rule.kind is RuleKind.ABSENCE else verdict.until,
            facts=facts,
        )

    def _blind(self, rule: MetricRule, error: SourceError, now: datetime) -> Finding:
        return Finding(
            fingerprint=f"metric:{rule.name}",
            check=self.name,
            kind="blind.metric",
            severity=Severity.WARNING,
            subject=Subject(pipeline=rule.binding.pipeline if rule.binding else None, check=self.name),
            title=one_line(f"Blind: Cloud Monitoring refuses what {rule.name} asks for"),
            since=now,
            last_seen=now,
            facts={"reason": str(error), "remedy": error.remedy or f"correct checks.metrics.watch: {rule.name}"},
            pending_for=self.every,
        )


class _Reading:
    """What one run asks: each question once."""

    def __init__(self, source: MetricSource) -> None:
        self._source = source
        self._answers: dict[tuple[MetricQuery, datetime, datetime, timedelta], Sequence[MetricSeries]] = {}
        self.evidence = Evidence()

    def add(self, evidence: Evidence) -> None:
        self.evidence = self.evidence.merged(evidence)

    def ask(self, query: MetricQuery, window: Window, period: timedelta) -> Sequence[MetricSeries]:
        key = (query, window.start, window.end, period)
        if key not in self._answers:
            self._answers[key], evidence = self._source.series(query, window, period)
            self.add(evidence)
        return self._answers[key]

    def answer(self, seen: SeenRule) -> SeenRule:
        """The rule with its answers. An absence needs no more than one point per series."""
        rule, window = seen.rule, seen.window
        period = window.end - window.start if rule.kind is RuleKind.ABSENCE else rule.period
        answers = [(query, self.ask(query, window, period)) for query in rule.queries]
        points = any(series for _, series in answers)
        if not points and rule.witness is not None:
            points = bool(self.ask(rule.witness, window, period))
        if rule.unjudged is not None:
            names = {subject_of(rule, rule.unjudged, one.labels) for one in self.ask(rule.unjudged, window, period)}
            wanted = sorted(name for name in names if not rule.names or name in rule.names)
            seen = replace(seen, unjudged=tuple(wanted))
        return replace(seen, answers=answers, seen=points or bool(seen.unjudged))


def _numbers(stored: Mapping[str, JsonValue]) -> dict[str, float]:
    hours = stored.get("hours")
    found = hours.items() if isinstance(hours, dict) else ()
    return {name: float(value) for name, value in found if isinstance(value, int | float)}


def _fingerprint(rule: MetricRule, name: str) -> str:
    return f"metric:{rule.name}:{name}"


def _over(fingerprint: str, at: datetime, reason: str) -> Clearance:
    return Clearance(fingerprint=fingerprint, at=at, reason=reason)


def _title(rule: MetricRule, verdict: Verdict) -> str:
    if rule.outcome is not None:
        return f"{verdict.name}: {rule.what} ({', '.join(name for name, _ in verdict.outcomes[:3])})"
    return f"{verdict.name} {rule.what}"


def _measured(rule: MetricRule, verdict: Verdict) -> str:
    """The number that decided, with what it is compared with."""
    if rule.kind is RuleKind.ABSENCE:
        return f"{verdict.events} executions"
    if verdict.usual is not None:
        return f"{verdict.value:,.0f} an hour, typically {verdict.usual:,.0f}"
    if rule.outcome is not None:
        parts = ", ".join(f"{name}: {number}" for name, number in verdict.outcomes)
        return f"{verdict.value:,.0f} of {verdict.events:,}" + (f" ({parts})" if parts else "")
    limits = [f"{word} {limit:g}{rule.unit}" for word, limit in (("limit", rule.above), ("least", rule.below))
              if limit is not None]  # fmt: skip
    return f"{verdict.value:,.4g}{rule.unit} ({', '.join(limits)})"
